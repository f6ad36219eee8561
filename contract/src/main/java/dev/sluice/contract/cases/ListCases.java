package dev.sluice.contract.cases;

import static dev.sluice.contract.Api.CONFIG_MAPS;
import static dev.sluice.contract.Api.CRDS;
import static dev.sluice.contract.Api.EVENTS;
import static dev.sluice.contract.Api.PODS;
import static dev.sluice.contract.Api.SECRETS;
import static dev.sluice.contract.Api.WIDGETS;
import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.contract.Answer;
import dev.sluice.contract.Api;
import dev.sluice.contract.Chapter;
import dev.sluice.contract.Json;
import dev.sluice.contract.Proves;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import tools.jackson.databind.JsonNode;

@Chapter(value = "List", order = 1)
public abstract class ListCases {

  // ---- versions

  @Proves("No resourceVersion: consistent. What was written is in the next list.")
  void withoutVersionIsConsistent(Api api) {
    for (int i = 0; i < 20; i++) {
      Answer written = api.configMap("m" + i);
      api.quietly(() -> {
        Answer list = api.get(CONFIG_MAPS).expect(200);
        assertThat(list.names()).contains(written.name());
        assertThat(list.versionNumber()).isGreaterThanOrEqualTo(written.versionNumber());
      });
    }
    assertThat(api.get(CONFIG_MAPS).names()).hasSize(20);
  }

  @Proves("resourceVersion \"0\": any cached version, limit ignored.")
  void versionZeroIgnoresLimit(Api api) {
    api.configMap("a");
    api.configMap("b");
    api.await(
        "both are cached", () -> api.get(CONFIG_MAPS, "resourceVersion=0").names().size() == 2);
    Answer list = api.get(CONFIG_MAPS, "resourceVersion=0", "limit=1").expect(200);
    assertThat(list.names()).containsExactly("a", "b");
    assertThat(list.continuation()).isEmpty();
  }

  @Proves("resourceVersion > 0 without limit or match: not older than.")
  void versionWithoutLimitIsNotOlderThan(Api api) {
    Answer a = api.configMap("a");
    Answer b = api.configMap("b");
    Answer fromOld = api.get(CONFIG_MAPS, "resourceVersion=" + a.version()).expect(200);
    assertThat(fromOld.versionNumber()).isGreaterThanOrEqualTo(b.versionNumber());
    Answer fromNew = api.get(CONFIG_MAPS, "resourceVersion=" + b.version()).expect(200);
    assertThat(fromNew.names()).containsExactly("a", "b");
    assertThat(fromNew.versionNumber()).isGreaterThanOrEqualTo(b.versionNumber());
  }

  @Proves("resourceVersion > 0 with limit and no match: exact (legacy).")
  void versionWithLimitIsExact(Api api) {
    Answer a = api.configMap("a");
    api.configMap("b");
    Answer list = api.get(CONFIG_MAPS, "resourceVersion=" + a.version(), "limit=10").expect(200);
    assertThat(list.names()).containsExactly("a");
    assertThat(list.version()).isEqualTo(a.version());
  }

  @Proves(
      "resourceVersionMatch=Exact: the state at that version, changed and deleted objects as they"
          + " were.")
  void matchExactIsThatVersion(Api api) {
    api.configMap("a");
    Answer b = api.configMap("b");
    api.touch("a", "changed");
    api.quietly(() -> api.delete(CONFIG_MAPS + "/b").expect(200));
    Answer list =
        api.get(CONFIG_MAPS, "resourceVersion=" + b.version(), "resourceVersionMatch=Exact")
            .expect(200);
    assertThat(list.names()).containsExactly("a", "b");
    assertThat(list.text("/items/0/data/k")).isEqualTo("v");
    assertThat(list.version()).isEqualTo(b.version());
  }

  @Proves("resourceVersionMatch=Exact with limit: pages of that version.")
  void matchExactCanBePaged(Api api) {
    api.configMap("a");
    Answer b = api.configMap("b");
    api.configMap("c");
    Answer first =
        api.get(
                CONFIG_MAPS,
                "resourceVersion=" + b.version(),
                "resourceVersionMatch=Exact",
                "limit=1")
            .expect(200);
    assertThat(first.names()).containsExactly("a");
    Answer second = api.get(CONFIG_MAPS, "limit=1", "continue=" + first.continuation()).expect(200);
    assertThat(second.names()).containsExactly("b");
    assertThat(second.version()).isEqualTo(b.version());
    assertThat(second.continuation()).isEmpty();
  }

  @Proves(
      "resourceVersionMatch=NotOlderThan: at least that version; limit is honored or ignored, as"
          + " the cache likes.")
  void matchNotOlderThan(Api api) {
    Answer a = api.configMap("a");
    Answer b = api.configMap("b");
    Answer list =
        api.get(CONFIG_MAPS, "resourceVersion=" + a.version(), "resourceVersionMatch=NotOlderThan")
            .expect(200);
    assertThat(list.versionNumber()).isGreaterThanOrEqualTo(a.versionNumber());
    Answer whole =
        api.get(
                CONFIG_MAPS,
                "resourceVersion=" + b.version(),
                "resourceVersionMatch=NotOlderThan",
                "limit=1")
            .expect(200);
    assertThat(whole.versionNumber()).isGreaterThanOrEqualTo(b.versionNumber());
  }

  @Proves("resourceVersionMatch=NotOlderThan with \"0\": any version.")
  void matchNotOlderThanZero(Api api) {
    api.get(CONFIG_MAPS, "resourceVersion=0", "resourceVersionMatch=NotOlderThan").expect(200);
  }

  @Proves("resourceVersionMatch without resourceVersion: 422.")
  void matchWithoutVersion(Api api) {
    assertThat(api.get(CONFIG_MAPS, "resourceVersionMatch=Exact").expect(422, "Invalid").causes())
        .containsExactly("FieldValueForbidden resourceVersionMatch");
    api.get(CONFIG_MAPS, "resourceVersionMatch=NotOlderThan").expect(422, "Invalid");
  }

  @Proves("resourceVersionMatch=Exact with \"0\": 422.")
  void matchExactZero(Api api) {
    api.get(CONFIG_MAPS, "resourceVersion=0", "resourceVersionMatch=Exact").expect(422, "Invalid");
  }

  @Proves("resourceVersionMatch with continue: 422.")
  void matchWithContinue(Api api) {
    api.configMap("a");
    api.configMap("b");
    Answer page = api.get(CONFIG_MAPS, "limit=1").expect(200);
    api.get(
            CONFIG_MAPS,
            "limit=1",
            "continue=" + page.continuation(),
            "resourceVersion=" + page.version(),
            "resourceVersionMatch=Exact")
        .expect(422, "Invalid");
  }

  @Proves("An unknown resourceVersionMatch: 422 with the known ones.")
  void matchUnknown(Api api) {
    assertThat(
            api.get(CONFIG_MAPS, "resourceVersion=1", "resourceVersionMatch=Newest")
                .expect(422, "Invalid")
                .causes())
        .containsExactly("FieldValueNotSupported resourceVersionMatch");
  }

  @Proves("sendInitialEvents on a list: 422.")
  void initialEventsAreForWatches(Api api) {
    api.get(CONFIG_MAPS, "sendInitialEvents=true").expect(422, "Invalid");
  }

  @Proves("continue with a resourceVersion other than \"0\": 400.")
  void continueWithVersion(Api api) {
    api.configMap("a");
    api.configMap("b");
    Answer page = api.get(CONFIG_MAPS, "limit=1").expect(200);
    api.get(
            CONFIG_MAPS,
            "limit=1",
            "continue=" + page.continuation(),
            "resourceVersion=" + page.version())
        .expect(400, "BadRequest");
    Answer rest =
        api.get(CONFIG_MAPS, "limit=1", "continue=" + page.continuation(), "resourceVersion=0")
            .expect(200);
    assertThat(rest.names()).containsExactly("b");
  }

  @Proves("A list at a version that cannot be read: 400 BadRequest.")
  void unreadableVersion(Api api) {
    for (String version : List.of("abc", "-1", "1.5", "99999999999999999999999")) {
      api.get(CONFIG_MAPS, "resourceVersion=" + version).expect(400, "BadRequest");
    }
  }

  @Proves(
      "A list at a version with a leading zero is answered: the server reads a number, the client"
          + " compares text.")
  void versionWithLeadingZero(Api api) {
    Answer a = api.configMap("a");
    api.mask("00" + a.version(), "00{rv}");
    assertThat(api.get(CONFIG_MAPS, "resourceVersion=00" + a.version()).expect(200).names())
        .containsExactly("a");
  }

  @Proves(
      "A version in the future: waits 3 s, then 504 reason Timeout, cause ResourceVersionTooLarge,"
          + " retryAfterSeconds 1.")
  void futureVersion(Api api) {
    Answer list = api.get(CONFIG_MAPS).expect(200);
    long start = System.nanoTime();
    Answer answer =
        api.get(CONFIG_MAPS, "resourceVersion=" + (list.versionNumber() + 1_000_000))
            .expect(504, "Timeout");
    Duration took = Duration.ofNanos(System.nanoTime() - start);
    assertThat(answer.causes()).containsExactly("ResourceVersionTooLarge");
    assertThat(answer.at("/details/retryAfterSeconds").asInt(0)).isEqualTo(1);
    assertThat(took).isBetween(Duration.ofMillis(2_900), Duration.ofSeconds(20));
  }

  @Proves("An exact list at a version in the future: 504 as well.")
  void futureExactVersion(Api api) {
    Answer list = api.get(CONFIG_MAPS).expect(200);
    assertThat(
            api.get(
                    CONFIG_MAPS,
                    "resourceVersion=" + (list.versionNumber() + 1_000_000),
                    "resourceVersionMatch=Exact")
                .expect(504, "Timeout")
                .causes())
        .containsExactly("ResourceVersionTooLarge");
  }

  @Proves("A GET at a version in the future: 504 as well; at \"0\" any cached state.")
  void getAtVersion(Api api) {
    Answer a = api.configMap("a");
    api.await("a is cached", () -> api.get(CONFIG_MAPS + "/a", "resourceVersion=0").code() == 200);
    api.get(CONFIG_MAPS + "/a", "resourceVersion=0").expect(200);
    api.get(CONFIG_MAPS + "/a", "resourceVersion=" + a.version()).expect(200);
    api.get(CONFIG_MAPS + "/a", "resourceVersion=" + (a.versionNumber() + 1_000_000))
        .expect(504, "Timeout");
  }

  // ---- pages

  @Proves(
      "continue token: base64url JSON {\"v\":\"meta.k8s.io/v1\",\"rv\":N,\"start\":key}, the key"
          + " relative to the list and with a slash before it.")
  void continueTokenIsBase64Json(Api api) {
    api.configMap("a");
    api.configMap("b");
    Answer page = api.get(CONFIG_MAPS, "limit=1").expect(200);
    JsonNode token =
        Json.parse(
            new String(Base64.getUrlDecoder().decode(page.continuation()), StandardCharsets.UTF_8));
    assertThat(token.propertyNames()).containsExactly("v", "rv", "start");
    assertThat(token.path("v").asString("")).isEqualTo("meta.k8s.io/v1");
    assertThat(token.path("rv").asLong(0)).isEqualTo(page.versionNumber());
    assertThat(token.path("start").asString("")).isEqualTo("/a\u0000");
  }

  @Proves("The continue token of a list over all namespaces holds namespace and name.")
  void continueTokenOverNamespaces(Api api) {
    api.configMap("a");
    api.configMap("b");
    List<String> own = new ArrayList<>();
    api.quietly(() -> {
      String token = "";
      do {
        Answer page = api.get("/api/v1/configmaps", "limit=1", "continue=" + token).expect(200);
        if (page.text("/items/0/metadata/namespace").equals(api.ns())) {
          own.add(page.names().getFirst());
          if (!page.continuation().isEmpty()) {
            assertThat(
                    new String(
                        Base64.getUrlDecoder().decode(page.continuation()), StandardCharsets.UTF_8))
                .contains("\"start\":\"/" + api.ns() + "/" + own.getLast() + "\\u0000\"");
          }
        }
        token = page.continuation();
      } while (!token.isEmpty());
    });
    assertThat(own).containsExactly("a", "b");
  }

  @Proves(
      "Pages are one snapshot: what is created, changed or deleted between them is not seen, the"
          + " version stays.")
  void pagesAreOneSnapshot(Api api) {
    for (String name : List.of("a", "b", "c", "d")) {
      api.configMap(name);
    }
    Answer first = api.get(CONFIG_MAPS, "limit=2").expect(200);
    assertThat(first.names()).containsExactly("a", "b");
    api.quietly(() -> api.delete(CONFIG_MAPS + "/c").expect(200));
    api.touch("d", "changed");
    api.configMap("e");
    Answer second = api.get(CONFIG_MAPS, "limit=2", "continue=" + first.continuation()).expect(200);
    assertThat(second.names()).containsExactly("c", "d");
    assertThat(second.text("/items/1/data/k")).isEqualTo("v");
    assertThat(second.version()).isEqualTo(first.version());
    assertThat(second.continuation()).isEmpty();
  }

  @Proves("remainingItemCount: what is left after this page, and none on the last one.")
  void remainingItemCount(Api api) {
    for (String name : List.of("a", "b", "c", "d", "e")) {
      api.configMap(name);
    }
    Answer first = api.get(CONFIG_MAPS, "limit=2").expect(200);
    assertThat(first.at("/metadata/remainingItemCount").asInt(0)).isEqualTo(3);
    Answer second = api.get(CONFIG_MAPS, "limit=2", "continue=" + first.continuation()).expect(200);
    assertThat(second.at("/metadata/remainingItemCount").asInt(0)).isEqualTo(1);
    Answer third = api.get(CONFIG_MAPS, "limit=2", "continue=" + second.continuation()).expect(200);
    assertThat(third.at("/metadata").has("remainingItemCount")).isFalse();
  }

  @Proves("remainingItemCount only without selectors.")
  void remainingItemCountOnlyWithoutSelectors(Api api) {
    for (String name : List.of("a", "b", "c")) {
      api.configMap(name, "{app: 'x'}");
    }
    Answer labels = api.get(CONFIG_MAPS, "limit=1", "labelSelector=app=x").expect(200);
    assertThat(labels.continuation()).isNotEmpty();
    assertThat(labels.at("/metadata").has("remainingItemCount")).isFalse();
    Answer fields = api.get(CONFIG_MAPS, "limit=1", "fieldSelector=metadata.name!=a").expect(200);
    assertThat(fields.names()).containsExactly("b");
    assertThat(fields.at("/metadata").has("remainingItemCount")).isFalse();
  }

  @Proves("A limit counts what matches the selector, over as many stored objects as it takes.")
  void limitCountsMatches(Api api) {
    for (int i = 0; i < 30; i++) {
      api.configMap(String.format("m%02d", i), i % 10 == 9 ? "{app: 'x'}" : "{}");
    }
    Answer first = api.get(CONFIG_MAPS, "limit=2", "labelSelector=app=x").expect(200);
    assertThat(first.names()).containsExactly("m09", "m19");
    Answer second =
        api.get(CONFIG_MAPS, "limit=2", "labelSelector=app=x", "continue=" + first.continuation())
            .expect(200);
    assertThat(second.names()).containsExactly("m29");
  }

  @Proves("A page that ends with the last object has no continue token.")
  void exactlyFullLastPage(Api api) {
    api.configMap("a");
    api.configMap("b");
    assertThat(api.get(CONFIG_MAPS, "limit=2").expect(200).continuation()).isEmpty();
  }

  @Proves("A continue token that is none: 400 BadRequest.")
  void continueTokenThatIsNone(Api api) {
    api.get(CONFIG_MAPS, "limit=1", "continue=hello").expect(400, "BadRequest");
    api.get(CONFIG_MAPS, "limit=1", "continue=???").expect(400, "BadRequest");
    for (String token :
        List.of(
            "{}",
            "{\"v\":\"meta.k8s.io/v2\",\"rv\":5,\"start\":\"a\"}",
            "{\"v\":\"meta.k8s.io/v1\",\"rv\":0,\"start\":\"a\"}",
            "{\"v\":\"meta.k8s.io/v1\",\"rv\":5,\"start\":\"\"}",
            "{\"v\":\"meta.k8s.io/v1\",\"rv\":5,\"start\":\"../../secrets/\"}")) {
      api.note(token);
      String encoded =
          Base64.getUrlEncoder()
              .withoutPadding()
              .encodeToString(token.getBytes(StandardCharsets.UTF_8));
      api.mask(encoded, "{token}");
      api.get(CONFIG_MAPS, "limit=1", "continue=" + encoded).expect(400, "BadRequest");
    }
  }

  @Proves("A continue token may be used with another limit, and without one for all the rest.")
  void continueWithAnotherLimit(Api api) {
    for (String name : List.of("a", "b", "c", "d")) {
      api.configMap(name);
    }
    Answer first = api.get(CONFIG_MAPS, "limit=1").expect(200);
    assertThat(
            api.get(CONFIG_MAPS, "limit=2", "continue=" + first.continuation()).expect(200).names())
        .containsExactly("b", "c");
    assertThat(api.get(CONFIG_MAPS, "continue=" + first.continuation()).expect(200).names())
        .containsExactly("b", "c", "d");
  }

  @Proves("A limit that is no number: 400; 0: no limit; negative: 422 or no limit.")
  void oddLimits(Api api) {
    api.configMap("a");
    api.configMap("b");
    api.get(CONFIG_MAPS, "limit=two").expect(400, "BadRequest");
    assertThat(api.get(CONFIG_MAPS, "limit=0").expect(200).names()).containsExactly("a", "b");
    assertThat(api.get(CONFIG_MAPS, "limit=-1").expect(200).names()).containsExactly("a", "b");
  }

  // ---- what a list looks like

  @Proves("A list's items of a built-in kind carry neither kind nor apiVersion.")
  void builtInItemsCarryNoKind(Api api) {
    api.configMap("a");
    Answer list = api.get(CONFIG_MAPS).expect(200);
    assertThat(list.text("/kind")).isEqualTo("ConfigMapList");
    assertThat(list.text("/apiVersion")).isEqualTo("v1");
    assertThat(list.at("/items/0").has("kind")).isFalse();
    assertThat(list.at("/items/0").has("apiVersion")).isFalse();
  }

  @Proves("A list's items of a custom kind carry kind and apiVersion.")
  void customItemsCarryTheirKind(Api api) {
    api.widget("a");
    Answer list = api.get(WIDGETS).expect(200);
    assertThat(list.text("/kind")).isEqualTo("WidgetList");
    assertThat(list.text("/apiVersion")).isEqualTo("contract.sluice.dev/v1");
    assertThat(list.text("/items/0/kind")).isEqualTo("Widget");
    assertThat(list.text("/items/0/apiVersion")).isEqualTo("contract.sluice.dev/v1");
  }

  @Proves("An empty list has an empty array of items, also in a namespace that does not exist.")
  void emptyList(Api api) {
    Answer list = api.get(CONFIG_MAPS).expect(200);
    assertThat(list.at("/items").isArray()).isTrue();
    assertThat(list.at("/items")).isEmpty();
    Answer nowhere = api.get("/api/v1/namespaces/there-is-none/configmaps").expect(200);
    assertThat(nowhere.at("/items").isArray()).isTrue();
    Api.assertVersion(nowhere.version());
    assertThat(api.get(WIDGETS).expect(200).at("/items").isArray()).isTrue();
  }

  @Proves("Items come in the order of namespace and name, byte by byte.")
  void itemsAreSorted(Api api) {
    for (String name : List.of("b", "a.b", "a-b", "a", "b1", "a0")) {
      api.configMap(name);
    }
    assertThat(api.get(CONFIG_MAPS).names()).containsExactly("a", "a-b", "a.b", "a0", "b", "b1");
  }

  @Proves("Bodies above 128 KiB are gzipped when the client accepts it.")
  void bigBodiesAreGzipped(Api api) {
    api.quietly(() ->
        api.post(
                CONFIG_MAPS,
                "{metadata: {name: 'big'}, data: {k: '" + "x".repeat(140 * 1024) + "'}}")
            .expect(201));
    Answer zipped = api.send("GET", CONFIG_MAPS, null, "Accept-Encoding", "gzip").expect(200);
    assertThat(zipped.header("Content-Encoding")).isEqualTo("gzip");
    assertThat(zipped.body().length).isLessThan(20_000);
  }

  @Proves("Bodies below 128 KiB are not gzipped, nor are those of clients that don't ask for it.")
  void smallBodiesAreNotGzipped(Api api) {
    api.quietly(() ->
        api.post(
                CONFIG_MAPS,
                "{metadata: {name: 'mid'}, data: {k: '" + "x".repeat(100 * 1024) + "'}}")
            .expect(201));
    Answer small = api.send("GET", CONFIG_MAPS, null, "Accept-Encoding", "gzip").expect(200);
    assertThat(small.header("Content-Encoding")).isNull();
    api.configMap("more");
    api.quietly(() ->
        api.post(
                CONFIG_MAPS,
                "{metadata: {name: 'mid2'}, data: {k: '" + "x".repeat(100 * 1024) + "'}}")
            .expect(201));
    Answer big = api.get(CONFIG_MAPS).expect(200);
    assertThat(big.header("Content-Encoding")).isNull();
    assertThat(big.body().length).isGreaterThan(128 * 1024);
  }

  // ---- selectors

  @Proves(
      "Label selectors: =, ==, !=, in, notin, a key, no key; != and notin match objects without the"
          + " key.")
  void labelSelectors(Api api) {
    api.configMap("a", "{app: 'x', tier: 'front'}");
    api.configMap("b", "{app: 'y'}");
    api.configMap("c");
    assertThat(selected(api, "app=x")).containsExactly("a");
    assertThat(selected(api, "app==x")).containsExactly("a");
    assertThat(selected(api, "app!=x")).containsExactly("b", "c");
    assertThat(selected(api, "app in (x, y)")).containsExactly("a", "b");
    assertThat(selected(api, "app notin (x)")).containsExactly("b", "c");
    assertThat(selected(api, "app")).containsExactly("a", "b");
    assertThat(selected(api, "!app")).containsExactly("c");
    assertThat(selected(api, "app,!tier")).containsExactly("b");
    assertThat(selected(api, "app in (x),tier=front")).containsExactly("a");
    assertThat(selected(api, "")).containsExactly("a", "b", "c");
    assertThat(selected(api, "app=")).isEmpty();
  }

  private static List<String> selected(Api api, String selector) {
    return api.get(CONFIG_MAPS, "labelSelector=" + selector).expect(200).names();
  }

  @Proves("Label selectors compare numbers, too: app>1 and app<3.")
  void labelSelectorsCompareNumbers(Api api) {
    api.configMap("a", "{level: '1'}");
    api.configMap("b", "{level: '2'}");
    api.configMap("c", "{level: 'x'}");
    assertThat(selected(api, "level>1")).containsExactly("b");
    assertThat(selected(api, "level<2")).containsExactly("a");
  }

  @Proves("A label selector that cannot be read: 400 BadRequest.")
  void malformedLabelSelectors(Api api) {
    for (String selector : List.of("app in x", "a=b=c", "app in (", "-a=b", "a=-", "a,,b")) {
      api.get(CONFIG_MAPS, "labelSelector=" + selector).expect(400, "BadRequest");
    }
  }

  @Proves(
      "Field selectors metadata.name and metadata.namespace work for every kind, with =, == and"
          + " !=.")
  void fieldSelectorsOnMetadata(Api api) {
    api.configMap("a");
    api.configMap("b");
    api.widget("a");
    api.widget("b");
    for (String path : List.of(CONFIG_MAPS, WIDGETS)) {
      assertThat(api.get(path, "fieldSelector=metadata.name=a").names()).containsExactly("a");
      assertThat(api.get(path, "fieldSelector=metadata.name==a").names()).containsExactly("a");
      assertThat(api.get(path, "fieldSelector=metadata.name!=a").names()).containsExactly("b");
      assertThat(api.get(path, "fieldSelector=metadata.name=a,metadata.name!=a").names()).isEmpty();
      assertThat(api.get(path, "fieldSelector=metadata.namespace=elsewhere").names()).isEmpty();
      assertThat(api.get(path, "fieldSelector=metadata.namespace=" + api.ns()).names())
          .containsExactly("a", "b");
    }
    assertThat(
            api.get(
                    "/api/v1/configmaps",
                    "fieldSelector=metadata.name=a,metadata.namespace=" + api.ns())
                .names())
        .containsExactly("a");
  }

  @Proves("A field selector that the kind does not have: 400 BadRequest.")
  void unsupportedFieldSelectors(Api api) {
    api.get(CONFIG_MAPS, "fieldSelector=data.k=v").expect(400, "BadRequest");
    api.get(WIDGETS, "fieldSelector=spec.size=1").expect(400, "BadRequest");
    api.get(PODS, "fieldSelector=spec.image=x").expect(400, "BadRequest");
    api.get(CRDS, "fieldSelector=spec.group=x").expect(400, "BadRequest");
  }

  @Proves("A field selector that cannot be read: 400 BadRequest.")
  void malformedFieldSelectors(Api api) {
    api.get(CONFIG_MAPS, "fieldSelector=metadata.name").expect(400, "BadRequest");
    api.get(CONFIG_MAPS, "fieldSelector=metadata.name in (a)").expect(400, "BadRequest");
  }

  @Proves("Pods can be selected by spec.nodeName, status.phase, spec.restartPolicy and others.")
  void fieldSelectorsOfPods(Api api) {
    api.quietly(() -> {
      api.post(
              PODS,
              "{metadata: {name: 'a'}, spec: {nodeName: 'n1', containers: [{name: 'c', image:"
                  + " 'i'}]}}")
          .expect(201);
      api.post(
              PODS,
              "{metadata: {name: 'b'}, spec: {restartPolicy: 'Never', serviceAccountName: 'sa',"
                  + " containers: [{name: 'c', image: 'i'}]}}")
          .expect(201);
    });
    assertThat(api.get(PODS, "fieldSelector=spec.nodeName=n1").names()).containsExactly("a");
    assertThat(api.get(PODS, "fieldSelector=spec.nodeName=").names()).containsExactly("b");
    assertThat(api.get(PODS, "fieldSelector=spec.nodeName!=n1").names()).containsExactly("b");
    assertThat(api.get(PODS, "fieldSelector=status.phase=Pending").names())
        .containsExactly("a", "b");
    assertThat(api.get(PODS, "fieldSelector=status.phase=Running").names()).isEmpty();
    assertThat(api.get(PODS, "fieldSelector=spec.restartPolicy=Never").names())
        .containsExactly("b");
    assertThat(api.get(PODS, "fieldSelector=spec.serviceAccountName=sa").names())
        .containsExactly("b");
    assertThat(api.get(PODS, "fieldSelector=spec.schedulerName=default-scheduler").names())
        .containsExactly("a", "b");
    assertThat(api.get(PODS, "fieldSelector=spec.hostNetwork=false").names())
        .containsExactly("a", "b");
  }

  @Proves("Secrets can be selected by type.")
  void fieldSelectorsOfSecrets(Api api) {
    api.quietly(() -> {
      api.post(SECRETS, "{metadata: {name: 'a'}}").expect(201);
      api.post(SECRETS, "{metadata: {name: 'b'}, type: 'example.com/other'}").expect(201);
    });
    assertThat(api.get(SECRETS, "fieldSelector=type=Opaque").names()).containsExactly("a");
    assertThat(api.get(SECRETS, "fieldSelector=type!=Opaque").names()).containsExactly("b");
  }

  @Proves("Events can be selected by involvedObject, reason, type and source.")
  void fieldSelectorsOfEvents(Api api) {
    api.quietly(() -> {
      for (String name : List.of("a", "b")) {
        api.post(
                EVENTS,
                "{metadata: {name: '"
                    + name
                    + "'}, involvedObject: {kind: 'Pod', namespace: '{ns}', name: 'pod-"
                    + name
                    + "', uid: 'u-"
                    + name
                    + "'}, reason: 'Because', type: 'Normal', source: {component: 'tester'}}")
            .expect(201);
      }
    });
    assertThat(api.get(EVENTS, "fieldSelector=involvedObject.name=pod-a").names())
        .containsExactly("a");
    assertThat(
            api.get(EVENTS, "fieldSelector=involvedObject.uid=u-b,involvedObject.kind=Pod").names())
        .containsExactly("b");
    assertThat(api.get(EVENTS, "fieldSelector=reason=Because,type=Normal").names())
        .containsExactly("a", "b");
    assertThat(api.get(EVENTS, "fieldSelector=source=tester").names()).containsExactly("a", "b");
    assertThat(api.get(EVENTS, "fieldSelector=reportingComponent=tester").names())
        .hasSizeLessThanOrEqualTo(2);
  }

  @Proves("Namespaces can be selected by status.phase.")
  void fieldSelectorsOfNamespaces(Api api) {
    api.ns();
    assertThat(
            api.get(
                    "/api/v1/namespaces",
                    "fieldSelector=metadata.name=" + api.ns() + ",status.phase=Active")
                .expect(200)
                .names())
        .containsExactly(api.ns());
    api.get(
            "/api/v1/namespaces",
            "fieldSelector=metadata.name=" + api.ns() + ",status.phase=Terminating")
        .expect(200);
  }

  @Proves("A list of one kind over all namespaces holds those of each.")
  void listOverAllNamespaces(Api api) {
    api.configMap("a", "{who: '" + api.ns() + "'}");
    assertThat(api.get("/api/v1/configmaps", "labelSelector=who=" + api.ns()).expect(200).names())
        .containsExactly("a");
    assertThat(
            api.get("/api/v1/configmaps", "labelSelector=who=" + api.ns())
                .text("/items/0/metadata/namespace"))
        .isEqualTo(api.ns());
  }

  @Proves("A consistent limit=1 metadata-only LIST tells the server's present version.")
  void cheapestLookAtThePresentVersion(Api api) {
    Answer written = api.configMap("a");
    Answer list = api.getAs(Api.METADATA_ONLY_LIST, CONFIG_MAPS, "limit=1").expect(200);
    assertThat(list.text("/kind")).isEqualTo("PartialObjectMetadataList");
    assertThat(list.versionNumber()).isGreaterThanOrEqualTo(written.versionNumber());
    assertThat(list.at("/items/0").has("data")).isFalse();
  }

  @Proves("Parameters that are not known are ignored.")
  void unknownParameters(Api api) {
    api.get(CONFIG_MAPS, "color=red").expect(200);
  }

  @Proves("pretty=true indents the body.")
  void prettyPrinting(Api api) {
    assertThat(api.get(CONFIG_MAPS, "pretty=true").expect(200).text()).startsWith("{\n  \"kind\"");
    assertThat(api.get(CONFIG_MAPS).expect(200).text()).startsWith("{\"kind\":\"ConfigMapList\"");
  }
}
