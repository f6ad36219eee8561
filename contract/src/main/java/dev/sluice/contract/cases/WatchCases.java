package dev.sluice.contract.cases;

import static dev.sluice.contract.Api.CONFIG_MAPS;
import static dev.sluice.contract.Api.CRDS;
import static dev.sluice.contract.Api.JSON;
import static dev.sluice.contract.Api.MERGE_PATCH;
import static dev.sluice.contract.Api.PODS;
import static dev.sluice.contract.Api.WIDGETS;
import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.contract.Answer;
import dev.sluice.contract.Api;
import dev.sluice.contract.Chapter;
import dev.sluice.contract.Proves;
import dev.sluice.contract.Watch;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetSocketAddress;
import java.net.SocketTimeoutException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import javax.net.ssl.SSLSocket;

@Chapter(value = "Watch", order = 2)
public abstract class WatchCases {
  private static final String INITIAL_EVENTS_END =
      "/metadata/annotations/k8s.io~1initial-events-end";

  // ---- frames

  @Proves("Newline-delimited JSON frames, chunked: {\"type\":...,\"object\":...}, type first.")
  void framesAreLinesOfJson(Api api) {
    String version = api.get(CONFIG_MAPS).expect(200).version();
    Watch watch =
        api.openWatch(
            api.target().http1Client(), JSON, CONFIG_MAPS + "?watch=1&resourceVersion=" + version);
    assertThat(watch.headers().firstValue("Content-Type")).hasValue(JSON);
    assertThat(watch.headers().firstValue("Content-Length")).isEmpty();
    api.configMap("a");
    Watch.Event added = watch.next("ADDED", "a");
    assertThat(added.raw())
        .startsWith(
            "{\"type\":\"ADDED\",\"object\":{\"kind\":\"ConfigMap\",\"apiVersion\":\"v1\",\"metadata\":{\"name\":\"a\"");
    assertThat(added.raw()).endsWith("}}");
  }

  @Proves("A watch is answered at once, before its first event.")
  void answeredAtOnce(Api api) {
    String version = api.get(CONFIG_MAPS).expect(200).version();
    // Returns when the headers have come; nothing else will come.
    assertThat(api.watch(CONFIG_MAPS, "resourceVersion=" + version).headers().map()).isNotEmpty();
  }

  @Proves("JSON on the wire never holds a raw newline.")
  void noRawNewlines(Api api) {
    String version = api.get(CONFIG_MAPS).expect(200).version();
    Watch watch = api.watch(CONFIG_MAPS, "resourceVersion=" + version);
    api.quietly(() ->
        api.post(CONFIG_MAPS, "{metadata: {name: 'a'}, data: {k: 'one\\ntwo\\r\\n\\u2028three'}}")
            .expect(201));
    Watch.Event added = watch.next("ADDED", "a");
    assertThat(added.raw()).contains("one\\ntwo\\r\\n\\u2028three");
    assertThat(added.object().at("/data/k").asString("")).isEqualTo("one\ntwo\r\n\u2028three");
    api.quietly(() ->
        api.send(
                "POST",
                WIDGETS,
                "{\"apiVersion\":\"contract.sluice.dev/v1\",\n"
                    + "\"kind\":\"Widget\",\n"
                    + "\"metadata\":{\"name\":\"w\"},\n"
                    + "\"spec\":{\n"
                    + "}\n"
                    + "}\n",
                "Content-Type",
                JSON)
            .expect(201));
    Watch widgets = api.watch(WIDGETS, "resourceVersion=0");
    widgets.next("ADDED", "w");
  }

  @Proves("The characters <, > and & are escaped in frames and bodies alike.")
  void markupIsEscaped(Api api) {
    api.quietly(
        () -> api.post(CONFIG_MAPS, "{metadata: {name: 'a'}, data: {k: '<a> & b'}}").expect(201));
    String list = api.get(CONFIG_MAPS).text();
    assertThat(api.watch(CONFIG_MAPS).next("ADDED", "a").raw())
        .contains("\"k\":\"\\u003ca\\u003e \\u0026 b\"");
    assertThat(list).contains("\"k\":\"\\u003ca\\u003e \\u0026 b\"");
  }

  @Proves("Events come in the order of their versions; each carries the object after the change.")
  void eventsComeInOrder(Api api) {
    String version = api.get(CONFIG_MAPS).expect(200).version();
    Watch watch = api.watch(CONFIG_MAPS, "resourceVersion=" + version);
    Answer a = api.configMap("a");
    Answer b = api.configMap("b");
    Answer changed = api.touch("a", "2");
    api.quietly(() -> api.delete(CONFIG_MAPS + "/b").expect(200));
    assertThat(watch.next("ADDED", "a").version()).isEqualTo(a.version());
    assertThat(watch.next("ADDED", "b").version()).isEqualTo(b.version());
    Watch.Event modified = watch.next("MODIFIED", "a");
    assertThat(modified.version()).isEqualTo(changed.version());
    assertThat(modified.object().at("/data/k").asString("")).isEqualTo("2");
    Watch.Event deleted = watch.next("DELETED", "b");
    assertThat(deleted.versionNumber()).isGreaterThan(changed.versionNumber());
    assertThat(deleted.object().at("/data/k").asString("")).isEqualTo("v");
  }

  @Proves("DELETED carries the version of the deletion.")
  void deletedCarriesItsVersion(Api api) {
    Answer a = api.widget("a");
    Watch watch = api.watch(WIDGETS, "resourceVersion=" + a.version());
    api.delete(WIDGETS + "/a").expect(200);
    Watch.Event deleted = watch.next("DELETED", "a");
    assertThat(deleted.versionNumber()).isGreaterThan(a.versionNumber());
    assertThat(deleted.object().at("/metadata/uid").asString("")).isEqualTo(a.uid());
    Answer list = api.get(WIDGETS).expect(200);
    assertThat(list.versionNumber()).isGreaterThanOrEqualTo(deleted.versionNumber());
  }

  @Proves("A watch of one kind over all namespaces sees those of each.")
  void watchOverAllNamespaces(Api api) {
    String version = api.get(CONFIG_MAPS).expect(200).version();
    Watch watch =
        api.watch(
            "/api/v1/configmaps", "resourceVersion=" + version, "labelSelector=who=" + api.ns());
    api.configMap("a", "{who: '" + api.ns() + "'}");
    watch.next("ADDED", "a");
  }

  // ---- where a watch starts

  @Proves("resourceVersion unset or \"0\": starts with synthetic ADDED events.")
  void startsWithWhatIsThere(Api api) {
    api.configMap("a");
    api.configMap("b");
    api.touch("a", "2");
    Watch unset = api.watch(CONFIG_MAPS);
    List<String> names = new ArrayList<>(List.of(unset.next().name(), unset.next().name()));
    assertThat(names).containsExactlyInAnyOrder("a", "b");
    api.configMap("c");
    unset.next("ADDED", "c");
    api.await(
        "all are cached", () -> api.get(CONFIG_MAPS, "resourceVersion=0").names().size() == 3);
    Watch zero = api.watch(CONFIG_MAPS, "resourceVersion=0");
    for (String name : List.of("a", "b", "c")) {
      Watch.Event event = zero.next("ADDED", name);
      assertThat(event.object().at("/data/k").asString("")).isEqualTo(name.equals("a") ? "2" : "v");
    }
  }

  @Proves("A watch from a version gives exactly what happened after it.")
  void resumesAfterAVersion(Api api) {
    Answer a = api.configMap("a");
    api.configMap("b");
    api.touch("a", "2");
    api.quietly(() -> api.delete(CONFIG_MAPS + "/b").expect(200));
    api.configMap("c");
    Watch watch = api.watch(CONFIG_MAPS, "resourceVersion=" + a.version());
    watch.next("ADDED", "b");
    watch.next("MODIFIED", "a");
    watch.next("DELETED", "b");
    watch.next("ADDED", "c");
  }

  @Proves(
      "A resumed watch has no end-of-catch-up mark: the first bookmark or event at or past a"
          + " version read elsewhere is one.")
  void resumedWatchHasNoMark(Api api) {
    Answer a = api.configMap("a");
    api.configMap("b");
    Answer now = api.get(CONFIG_MAPS).expect(200);
    Watch watch =
        api.watch(
            CONFIG_MAPS,
            "resourceVersion=" + a.version(),
            "allowWatchBookmarks=true",
            "timeoutSeconds=4");
    watch.next("ADDED", "b");
    Watch.Event bookmark = watch.next();
    assertThat(bookmark.type()).isEqualTo("BOOKMARK");
    assertThat(bookmark.object().at(INITIAL_EVENTS_END).isMissingNode()).isTrue();
    assertThat(bookmark.versionNumber()).isGreaterThanOrEqualTo(now.versionNumber());
    watch.endsAfterBookmarks();
  }

  @Proves(
      "History: at least 75 s, 100..102400 events per resource: what is younger is not lost, be it"
          + " hundreds.")
  void historyHoldsWhatIsYoung(Api api) {
    Answer a = api.configMap("a");
    for (int i = 0; i < 300; i++) {
      api.touch("a", "n" + i);
    }
    Watch watch = api.watch(CONFIG_MAPS, "resourceVersion=" + a.version());
    api.quietly(() -> {
      for (int i = 0; i < 300; i++) {
        assertThat(watch.next().object().at("/data/k").asString("")).isEqualTo("n" + i);
      }
    });
  }

  @Proves(
      "A version in the future without initial events is accepted silently and events up to it are"
          + " withheld.")
  void futureVersionWithholds(Api api) {
    long future = api.get(CONFIG_MAPS).expect(200).versionNumber() + 25;
    Watch watch = api.watch(CONFIG_MAPS, "resourceVersion=" + future);
    long written = api.configMap("a").versionNumber();
    int i = 0;
    while (written <= future) {
      written = api.touch("a", "n" + i++).versionNumber();
    }
    Watch.Event first = watch.next("MODIFIED", "a");
    assertThat(first.versionNumber()).isEqualTo(written);
  }

  @Proves(
      "Failures after the request was accepted arrive as HTTP 200 and one ERROR event whose object"
          + " is a Status: 410 Expired \"too old resource version: X (Y)\".")
  void tooOldVersion(Api api) {
    // A kind's history begins when it does.
    String widgets = api.things("{schema: {openAPIV3Schema: {type: 'object'}}}");
    Watch watch = api.watch(widgets, "resourceVersion=1");
    Watch.Event error = watch.next();
    assertThat(error.type()).isEqualTo("ERROR");
    assertThat(error.object().path("kind").asString("")).isEqualTo("Status");
    assertThat(error.object().path("code").asInt(0)).isEqualTo(410);
    assertThat(error.object().path("reason").asString("")).isEqualTo("Expired");
    assertThat(error.object().path("message").asString(""))
        .matches("too old resource version: 1 \\(\\d+\\)");
    watch.ends();
  }

  @Proves("A watch with an unparseable or negative resourceVersion: 500 without a reason.")
  void unreadableVersion(Api api) {
    for (String version : List.of("abc", "-1")) {
      Answer answer = api.get(CONFIG_MAPS, "watch=1", "resourceVersion=" + version).expect(500);
      assertThat(answer.json().has("reason")).isFalse();
    }
  }

  @Proves("Options that cannot be read: 400.")
  void unreadableOptions(Api api) {
    api.get(CONFIG_MAPS, "watch=1", "timeoutSeconds=soon").expect(400, "BadRequest");
    api.get(CONFIG_MAPS, "watch=1", "labelSelector=a=b=c").expect(400, "BadRequest");
    api.get(CONFIG_MAPS, "watch=1", "fieldSelector=data.k=v").expect(400, "BadRequest");
  }

  @Proves("A boolean option is false only when it says so: any other text is true.")
  void booleanOptions(Api api) {
    for (String no : List.of("watch=0", "watch=false", "watch=FALSE")) {
      assertThat(api.get(CONFIG_MAPS, no).expect(200).text("/kind"))
          .as(no)
          .isEqualTo("ConfigMapList");
    }
    for (String yes : List.of("watch=true", "watch=yes", "watch=")) {
      Answer ended =
          api.get(
              CONFIG_MAPS,
              yes,
              "timeoutSeconds=1",
              "resourceVersion=" + api.get(CONFIG_MAPS).version());
      assertThat(ended.expect(200).text()).as(yes).isEmpty();
    }
  }

  // ---- initial events

  @Proves(
      "sendInitialEvents=true with resourceVersionMatch=NotOlderThan and allowWatchBookmarks=true:"
          + " what is there, then a bookmark with the annotation k8s.io/initial-events-end:"
          + " \"true\".")
  void initialEventsEndWithABookmark(Api api) {
    api.configMap("a");
    Answer b = api.configMap("b");
    Watch watch =
        api.watch(
            CONFIG_MAPS,
            "sendInitialEvents=true",
            "resourceVersionMatch=NotOlderThan",
            "allowWatchBookmarks=true");
    watch.next("ADDED", "a");
    watch.next("ADDED", "b");
    Watch.Event bookmark = watch.next();
    assertThat(bookmark.type()).isEqualTo("BOOKMARK");
    assertThat(bookmark.object().at(INITIAL_EVENTS_END).asString("")).isEqualTo("true");
    assertThat(bookmark.versionNumber()).isGreaterThanOrEqualTo(b.versionNumber());
    api.show("bookmark", bookmark.object());
    api.configMap("c");
    watch.nextWhere(event -> event.name().equals("c"));
  }

  @Proves(
      "Initial events of a custom kind, of none at all, and from a version: all end with the"
          + " bookmark.")
  void initialEventsOfACustomKind(Api api) {
    String[] options = {
      "sendInitialEvents=true", "resourceVersionMatch=NotOlderThan", "allowWatchBookmarks=true"
    };
    Watch empty = api.watch(WIDGETS, options);
    Watch.Event bookmark = empty.next();
    assertThat(bookmark.object().at(INITIAL_EVENTS_END).asString("")).isEqualTo("true");
    api.show("bookmark", bookmark.object());
    Answer a = api.widget("a");
    Watch one = api.watch(WIDGETS, with(options, "resourceVersion=" + a.version()));
    one.next("ADDED", "a");
    assertThat(one.next().object().at(INITIAL_EVENTS_END).asString("")).isEqualTo("true");
    Watch zero = api.watch(WIDGETS, with(options, "resourceVersion=0"));
    Watch.Event event = zero.nextWhere(e -> e.type().equals("BOOKMARK"));
    assertThat(event.object().at(INITIAL_EVENTS_END).asString("")).isEqualTo("true");
  }

  private static String[] with(String[] options, String more) {
    String[] all = Arrays.copyOf(options, options.length + 1);
    all[options.length] = more;
    return all;
  }

  @Proves("Without allowWatchBookmarks=true initial events have no closing bookmark.")
  void initialEventsWithoutBookmarks(Api api) {
    api.configMap("a");
    Watch watch =
        api.watch(CONFIG_MAPS, "sendInitialEvents=true", "resourceVersionMatch=NotOlderThan");
    watch.next("ADDED", "a");
    api.configMap("b");
    watch.next("ADDED", "b");
  }

  @Proves("sendInitialEvents=true needs resourceVersionMatch=NotOlderThan: otherwise 422.")
  void initialEventsNeedAMatch(Api api) {
    api.get(CONFIG_MAPS, "watch=1", "sendInitialEvents=true").expect(422, "Invalid");
    api.get(CONFIG_MAPS, "watch=1", "sendInitialEvents=false").expect(422, "Invalid");
    api.get(
            CONFIG_MAPS,
            "watch=1",
            "sendInitialEvents=true",
            "resourceVersion=1",
            "resourceVersionMatch=Exact")
        .expect(422, "Invalid");
  }

  @Proves("resourceVersionMatch on a watch without sendInitialEvents: 422.")
  void matchWithoutInitialEvents(Api api) {
    api.get(CONFIG_MAPS, "watch=1", "resourceVersion=1", "resourceVersionMatch=NotOlderThan")
        .expect(422, "Invalid");
  }

  @Proves("sendInitialEvents=false with a version: nothing but what happened after it.")
  void withoutInitialEvents(Api api) {
    Answer a = api.configMap("a");
    Watch watch =
        api.watch(
            CONFIG_MAPS,
            "sendInitialEvents=false",
            "resourceVersionMatch=NotOlderThan",
            "resourceVersion=" + a.version());
    api.configMap("b");
    watch.next("ADDED", "b");
  }

  @Proves(
      "Initial events from a version in the future: a 504 in an ERROR event or as the answer, after"
          + " about 3 s.")
  void initialEventsFromTheFuture(Api api) {
    long future = api.get(CONFIG_MAPS).expect(200).versionNumber() + 1_000_000;
    Answer answer =
        api.get(
            CONFIG_MAPS,
            "watch=1",
            "sendInitialEvents=true",
            "resourceVersionMatch=NotOlderThan",
            "allowWatchBookmarks=true",
            "resourceVersion=" + future);
    assertThat(answer.text()).contains("Too large resource version");
  }

  // ---- bookmarks

  @Proves(
      "Bookmarks about every 60 s and 2 s before the server's deadline, give or take a second;"
          + " their object has only kind, apiVersion and metadata.resourceVersion.")
  void bookmarkBeforeTheDeadline(Api api) {
    Answer a = api.configMap("a");
    long start = System.nanoTime();
    Watch watch =
        api.watch(
            CONFIG_MAPS,
            "resourceVersion=" + a.version(),
            "allowWatchBookmarks=true",
            "timeoutSeconds=5");
    Watch.Event bookmark = watch.next();
    Duration took = Duration.ofNanos(System.nanoTime() - start);
    assertThat(bookmark.type()).isEqualTo("BOOKMARK");
    assertThat(bookmark.versionNumber()).isGreaterThanOrEqualTo(a.versionNumber());
    assertThat(took).isBetween(Duration.ofMillis(1_900), Duration.ofSeconds(15));
    assertThat(bookmark.object().propertyNames()).containsExactly("kind", "apiVersion", "metadata");
    assertThat(bookmark.object().path("metadata").propertyNames())
        .containsExactly("resourceVersion");
    watch.endsAfterBookmarks();
    assertThat(Duration.ofNanos(System.nanoTime() - start))
        .isBetween(Duration.ofMillis(4_500), Duration.ofSeconds(20));
  }

  @Proves("A bookmark of a custom kind: the same, with its keys sorted.")
  void bookmarkOfACustomKind(Api api) {
    Answer a = api.widget("a");
    Watch watch =
        api.watch(
            WIDGETS,
            "resourceVersion=" + a.version(),
            "allowWatchBookmarks=true",
            "timeoutSeconds=8");
    api.widget("b");
    watch.next("ADDED", "b");
    Watch.Event bookmark = watch.next();
    assertThat(bookmark.type()).isEqualTo("BOOKMARK");
    api.show("bookmark", bookmark.object());
    watch.endsAfterBookmarks();
  }

  @Proves("Bookmarks about every 60 s.")
  void bookmarksKeepComing(Api api) {
    Duration interval = api.target().bookmarkInterval();
    Answer a = api.configMap("a");
    Watch watch =
        api.watch(CONFIG_MAPS, "resourceVersion=" + a.version(), "allowWatchBookmarks=true");
    Watch.Event bookmark = watch.next(interval.multipliedBy(3).dividedBy(2).plusSeconds(5));
    assertThat(bookmark.type()).isEqualTo("BOOKMARK");
  }

  @Proves("Without allowWatchBookmarks there are none.")
  void noBookmarksUnlessAskedFor(Api api) {
    Answer a = api.configMap("a");
    Watch watch = api.watch(CONFIG_MAPS, "resourceVersion=" + a.version(), "timeoutSeconds=3");
    watch.ends();
  }

  @Proves("A watch is ended after timeoutSeconds by a clean end of the stream.")
  void timeoutEndsCleanly(Api api) {
    Answer a = api.configMap("a");
    long start = System.nanoTime();
    Watch watch = api.watch(CONFIG_MAPS, "resourceVersion=" + a.version(), "timeoutSeconds=5");
    api.configMap("b");
    watch.next("ADDED", "b");
    watch.ends();
    assertThat(Duration.ofNanos(System.nanoTime() - start))
        .isBetween(Duration.ofMillis(4_900), Duration.ofSeconds(20));
  }

  // ---- selectors

  @Proves(
      "Label selectors: an object that starts to match arrives as ADDED, one that stops matching as"
          + " DELETED.")
  void matchingStartsAndStops(Api api) {
    Answer a = api.configMap("a");
    Watch watch = api.watch(CONFIG_MAPS, "resourceVersion=" + a.version(), "labelSelector=app=x");
    label(api, "a", "x");
    watch.next("ADDED", "a");
    api.touch("a", "2");
    watch.next("MODIFIED", "a");
    label(api, "a", "y");
    watch.next("DELETED", "a");
    api.touch("a", "3");
    label(api, "a", "x");
    assertThat(watch.next("ADDED", "a").object().at("/data/k").asString("")).isEqualTo("3");
    api.quietly(() -> api.delete(CONFIG_MAPS + "/a").expect(200));
    watch.next("DELETED", "a");
  }

  private static Answer label(Api api, String name, String value) {
    Answer[] changed = new Answer[1];
    api.quietly(() ->
        changed[0] =
            api.patch(
                    MERGE_PATCH,
                    CONFIG_MAPS + "/" + name,
                    "{metadata: {labels: {app: '" + value + "'}}}")
                .expect(200));
    return changed[0];
  }

  @Proves("DELETED through a selector carries the last matching state with the new version.")
  void deletedThroughASelector(Api api) {
    api.configMap("a");
    Answer matching = label(api, "a", "x");
    Watch watch =
        api.watch(CONFIG_MAPS, "resourceVersion=" + matching.version(), "labelSelector=app=x");
    Answer stopped = label(api, "a", "y");
    Watch.Event deleted = watch.next("DELETED", "a");
    assertThat(deleted.version()).isEqualTo(stopped.version());
    assertThat(deleted.object().at("/metadata/labels/app").asString("")).isEqualTo("x");
  }

  @Proves("What happens to objects that do not match is not seen, deletions included.")
  void othersAreNotSeen(Api api) {
    Answer a = api.configMap("a", "{app: 'y'}");
    Watch watch = api.watch(CONFIG_MAPS, "resourceVersion=" + a.version(), "labelSelector=app=x");
    api.touch("a", "2");
    api.quietly(() -> api.delete(CONFIG_MAPS + "/a").expect(200));
    api.configMap("b", "{app: 'x'}");
    watch.next("ADDED", "b");
  }

  @Proves("Field selectors work on watches: one object by metadata.name.")
  void watchOfOneObject(Api api) {
    Answer a = api.configMap("a");
    api.configMap("b");
    Watch watch =
        api.watch(CONFIG_MAPS, "resourceVersion=" + a.version(), "fieldSelector=metadata.name=a");
    api.touch("b", "2");
    api.touch("a", "2");
    watch.next("MODIFIED", "a");
  }

  @Proves("Field selectors work on watches: a pod arrives when it is bound to the node.")
  void watchOfANodesPods(Api api) {
    api.quietly(() ->
        api.post(PODS, "{metadata: {name: 'a'}, spec: {containers: [{name: 'c', image: 'i'}]}}")
            .expect(201));
    String version = api.get(PODS).expect(200).version();
    Watch pending =
        api.watch(PODS, "resourceVersion=" + version, "fieldSelector=status.phase=Pending");
    Watch running =
        api.watch(PODS, "resourceVersion=" + version, "fieldSelector=status.phase=Running");
    api.patch(MERGE_PATCH, PODS + "/a/status", "{status: {phase: 'Running'}}").expect(200);
    pending.next("DELETED", "a");
    running.next("ADDED", "a");
  }

  // ---- what a watch looks like

  @Proves("Built-in kinds are encoded in struct order: kind, apiVersion, metadata first.")
  void builtInKindsInStructOrder(Api api) {
    Answer created =
        api.post(
                CONFIG_MAPS,
                "{data: {z: '1', a: '2'}, metadata: {annotations: {z: '1', a: '2'}, labels: {b:"
                    + " 'c'}, name: 'a', finalizers: ['example.com/f']}}")
            .expect(201);
    assertThat(created.json().propertyNames()).startsWith("kind", "apiVersion", "metadata", "data");
    List<String> names = new ArrayList<>(created.at("/metadata").propertyNames());
    names.remove("managedFields");
    assertThat(names)
        .containsExactly(
            "name",
            "namespace",
            "uid",
            "resourceVersion",
            "creationTimestamp",
            "labels",
            "annotations",
            "finalizers");
    assertThat(created.at("/metadata/annotations").propertyNames()).containsExactly("a", "z");
    assertThat(created.at("/data").propertyNames()).containsExactly("a", "z");
  }

  @Proves(
      "Custom resources are encoded with sorted keys: annotations come before name, namespace,"
          + " resourceVersion and uid, and metadata stands among the top-level keys by name.")
  void customKindsWithSortedKeys(Api api) {
    Answer created =
        api.post(
                WIDGETS,
                "{spec: {size: 1, note: 'n', free: {b: 1, a: 2}}, metadata: {name: 'a', labels: {b:"
                    + " 'c'}, annotations: {z: '1', a: '2'}, finalizers: ['example.com/f']}, kind:"
                    + " 'Widget', apiVersion: 'contract.sluice.dev/v1'}")
            .expect(201);
    assertThat(created.json().propertyNames())
        .containsExactly("apiVersion", "kind", "metadata", "spec");
    List<String> names = new ArrayList<>(created.at("/metadata").propertyNames());
    names.remove("managedFields");
    assertThat(names)
        .containsExactly(
            "annotations",
            "creationTimestamp",
            "finalizers",
            "generation",
            "labels",
            "name",
            "namespace",
            "resourceVersion",
            "uid");
    assertThat(created.at("/spec").propertyNames())
        .containsExactly("color", "free", "note", "size");
    assertThat(created.at("/spec/free").propertyNames()).containsExactly("a", "b");
    Watch watch = api.watch(WIDGETS, "resourceVersion=0");
    assertThat(watch.next("ADDED", "a").raw())
        .startsWith(
            "{\"type\":\"ADDED\",\"object\":{\"apiVersion\":\"contract.sluice.dev/v1\",\"kind\":\"Widget\",\"metadata\":{\"annotations\":{");
  }

  @Proves("Metadata only: the watch's objects are PartialObjectMetadata.")
  void metadataOnlyWatch(Api api) {
    Answer a = api.configMap("a");
    Watch watch = api.watchAs(Api.METADATA_ONLY, CONFIG_MAPS, "resourceVersion=" + a.version());
    api.touch("a", "2");
    Watch.Event event = watch.next("MODIFIED", "a");
    assertThat(event.object().path("kind").asString("")).isEqualTo("PartialObjectMetadata");
    assertThat(event.object().path("apiVersion").asString("")).isEqualTo("meta.k8s.io/v1");
    assertThat(event.object().has("data")).isFalse();
  }

  @Proves(
      "Asked for as PartialObjectMetadataList a watch is accepted, and ends at its first event"
          + " without a word.")
  void metadataOnlyListWatch(Api api) {
    api.configMap("a");
    api.watchAs(Api.METADATA_ONLY_LIST, CONFIG_MAPS).ends();
    api.widget("a");
    api.watchAs(Api.METADATA_ONLY_LIST, WIDGETS).ends();
  }

  @Proves("Bookmarks of a metadata-only watch are PartialObjectMetadata as well.")
  void metadataOnlyBookmarks(Api api) {
    Watch watch =
        api.watchAs(
            Api.METADATA_ONLY,
            CONFIG_MAPS,
            "sendInitialEvents=true",
            "resourceVersionMatch=NotOlderThan",
            "allowWatchBookmarks=true");
    Watch.Event bookmark = watch.next();
    assertThat(bookmark.type()).isEqualTo("BOOKMARK");
    api.show("bookmark", bookmark.object());
  }

  @Proves("?watch=true on a named path is a plain GET.")
  void watchOnANamedPath(Api api) {
    api.configMap("a");
    assertThat(api.get(CONFIG_MAPS + "/a", "watch=true").expect(200).name()).isEqualTo("a");
  }

  @Proves("The old /api/v1/watch/... paths still work.")
  void oldWatchPaths(Api api) {
    Answer a = api.configMap("a");
    Watch all =
        api.openWatch(
            api.target().client(),
            JSON,
            "/api/v1/watch/namespaces/{ns}/configmaps?resourceVersion=" + a.version());
    Watch one =
        api.openWatch(
            api.target().client(),
            JSON,
            "/api/v1/watch/namespaces/{ns}/configmaps/a?resourceVersion=" + a.version());
    api.configMap("b");
    api.touch("a", "2");
    all.next("ADDED", "b");
    all.next("MODIFIED", "a");
    one.next("MODIFIED", "a");
  }

  // ---- how a watch ends

  @Proves("A change of a CRD's schema ends its watches and empties the history: expect 410.")
  void schemaChangeEndsWatches(Api api) {
    String things =
        api.things(
            "{schema: {openAPIV3Schema: {type: 'object', properties: {a: {type: 'string'}}}}}");
    Answer before = api.get(things).expect(200);
    api.quietly(() -> api.post(things, thing("one")).expect(201));
    Watch watch = api.watch(things, "resourceVersion=" + before.version());
    watch.next("ADDED", "one");
    api.patch(
            MERGE_PATCH,
            CRDS + "/things.{group}",
            "{spec: {versions: [{name: 'v1', served: true, storage: true, schema: {openAPIV3Schema:"
                + " {type: 'object', properties: {a: {type: 'string'}, b: {type: 'string'}}}}}]}}")
        .expect(200);
    watch.ends();
    api.awaitServed("/apis/{group}/v1/things");
    Watch again = api.watch(things, "resourceVersion=" + before.version());
    Watch.Event error = again.next();
    assertThat(error.type()).isEqualTo("ERROR");
    assertThat(error.object().path("code").asInt(0)).isEqualTo(410);
    again.ends();
  }

  @Proves("The deletion of a CRD deletes its objects, seen by a watch, and ends it.")
  void deletionOfTheKindEndsWatches(Api api) {
    String things = api.things("{schema: {openAPIV3Schema: {type: 'object'}}}");
    api.quietly(() -> api.post(things, thing("one")).expect(201));
    Watch watch = api.watch(things);
    watch.next("ADDED", "one");
    api.delete(CRDS + "/things.{group}").expect(200);
    watch.next("DELETED", "one");
    watch.ends(Duration.ofSeconds(60));
    api.await("it is gone", () -> api.get(things).code() == 404);
    api.get(things).expect(404);
  }

  private static String thing(String name) {
    return "{apiVersion: '{group}/v1', kind: 'Thing', metadata: {name: '" + name + "'}}";
  }

  @Proves(
      "A watcher that reads too slowly (10..1000 buffered, then a 50-100 ms shared budget) is cut"
          + " silently, with a clean EOF; others are not disturbed.")
  void slowWatcherIsCut(Api api) throws IOException {
    int events = 120;
    String version = api.get(CONFIG_MAPS).expect(200).version();
    Watch fast = api.watch(CONFIG_MAPS, "resourceVersion=" + version);
    String noise = noise(200 * 1024);
    try (SSLSocket socket = (SSLSocket) api.target().trust().getSocketFactory().createSocket()) {
      socket.setReceiveBufferSize(8 * 1024);
      socket.connect(
          new InetSocketAddress(api.target().url().getHost(), api.target().url().getPort()));
      socket.setSoTimeout(10_000);
      socket
          .getOutputStream()
          .write(
              ("GET "
                      + api.expanded(CONFIG_MAPS)
                      + "?watch=1&resourceVersion="
                      + version
                      + " HTTP/1.1\r\nHost: "
                      + api.target().url().getAuthority()
                      + "\r\nAuthorization: Bearer "
                      + api.target().token()
                      + "\r\nConnection: close\r\n\r\n")
                  .getBytes(StandardCharsets.US_ASCII));
      InputStream in = socket.getInputStream();
      assertThat(new String(in.readNBytes(12), StandardCharsets.US_ASCII))
          .isEqualTo("HTTP/1.1 200");
      api.quietly(() -> {
        api.post(CONFIG_MAPS, "{metadata: {name: 'a'}, data: {noise: '" + noise + "'}}")
            .expect(201);
        for (int i = 1; i < events; i++) {
          api.patch(MERGE_PATCH, CONFIG_MAPS + "/a", "{data: {i: '" + i + "'}}").expect(200);
          fast.next();
        }
        fast.next();
      });
      ByteArrayOutputStream read = new ByteArrayOutputStream();
      byte[] buffer = new byte[1 << 16];
      for (int n = 0; n >= 0; ) {
        read.write(buffer, 0, n);
        try {
          n = in.read(buffer);
        } catch (SocketTimeoutException e) {
          throw new AssertionError(
              "not cut, after " + events(read) + " of " + events + " events", e);
        }
      }
      assertThat(events(read)).as("events before the cut").isBetween(1, events - 1);
      String all = read.toString(StandardCharsets.US_ASCII);
      assertThat(all).endsWith("\r\n0\r\n\r\n");
      assertThat(all).doesNotContain("\"type\":\"ERROR\"");
    }
  }

  private static int events(ByteArrayOutputStream read) {
    return read.toString(StandardCharsets.US_ASCII)
            .split("\"type\":\"(ADDED|MODIFIED)\"", -1)
            .length
        - 1;
  }

  private static String noise(int length) {
    SplittableRandom random = new SplittableRandom(1);
    StringBuilder text = new StringBuilder(length);
    for (int i = 0; i < length; i++) {
      text.append((char) ('a' + random.nextInt(26)));
    }
    return text.toString();
  }
}
