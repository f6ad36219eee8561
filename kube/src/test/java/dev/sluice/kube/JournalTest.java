package dev.sluice.kube;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.flow.FlowEvent;
import dev.sluice.flow.Rate;
import dev.sluice.kube.FakeApi.Canned;
import dev.sluice.kube.Journal.Durability;
import dev.sluice.kube.JournalStatus.Rung;
import dev.sluice.kube.JournalStatus.State;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A restart without listing and without reconciling again, and every way in which it fails. */
@Tag("R4.3")
class JournalTest {
  private final FakeApi api = new FakeApi();
  private final ConcurrentLinkedQueue<String> seen = new ConcurrentLinkedQueue<>();
  private final ConcurrentLinkedQueue<FlowEvent> events = new ConcurrentLinkedQueue<>();
  @TempDir Path temporary;

  private Path directory() {
    return temporary.resolve("journal");
  }

  private Journal journal() {
    return Journal.at(directory()).interval(Duration.ofMillis(1)).cluster("test");
  }

  private Informer<Resource> informer(Journal journal) {
    return Informer.of(api, FakeApi.PODS).journal(journal).listener(events::add).start();
  }

  private Controller.Builder<Resource> controller(Informer<Resource> informer) {
    return Controller.named("test").watching(informer).unlimited();
  }

  private Outcome see(ObjectKey key, Context<Resource> context) {
    seen.add(key.name() + "@" + context.resource().map(Resource::resourceVersion).orElse("gone"));
    return Outcome.done();
  }

  private void handedOver(Informer<Resource> informer) {
    Await.until(() -> assertThat(informer.status().anchor()).hasValue(api.version()));
  }

  private static JournalStatus status(Informer<Resource> informer) {
    return informer.status().journal().orElseThrow();
  }

  private static void allDurable(Informer<Resource> informer) {
    Await.until(
        () -> assertThat(status(informer).durable()).isEqualTo(status(informer).position()));
  }

  private long listed() {
    return api.requests.stream()
        .filter(request -> request.path().startsWith(FakeApi.PODS.path("") + "?limit=500"))
        .count();
  }

  /** What a process that is killed now leaves behind. */
  private Journal killed() throws IOException {
    Path copy = temporary.resolve("copy-" + System.nanoTime());
    Files.createDirectory(copy);
    try (Stream<Path> files = Files.list(directory())) {
      for (Path file : files.toList()) {
        if (!file.endsWith("LOCK")) {
          Files.copy(file, copy.resolve(file.getFileName()));
        }
      }
    }
    return Journal.at(copy).interval(Duration.ofMillis(1)).cluster("test");
  }

  /** A run in which everything is finished. */
  private void firstRun(String... names) {
    for (String name : names) {
      api.put(name, "1");
    }
    try (Informer<Resource> informer = informer(journal());
        Controller<Resource> controller = controller(informer).reconcile(this::see).start()) {
      handedOver(informer);
      Await.until(() -> assertThat(seen).hasSize(names.length));
      Await.until(() -> assertThat(controller.status().counts().done()).isEqualTo(names.length));
    }
    seen.clear();
    api.requests.clear();
  }

  @Test
  void restartsWithOneRequestBesideTheWatchAndNoReconcile() throws Exception {
    firstRun("a", "b", "c");
    try (Informer<Resource> informer = informer(journal());
        Controller<Resource> controller = controller(informer).reconcile(this::see).start()) {
      assertThat(informer.awaitSynced(Duration.ofSeconds(10))).isTrue();
      assertThat(informer.store().size()).isEqualTo(3);
      Await.until(() -> assertThat(controller.status().caughtUp()).isTrue());
      assertThat(status(informer).rung()).isEqualTo(Rung.NEWEST);
      Await.until(() -> assertThat(informer.isFresh()).isTrue());
      assertThat(api.requests).hasSize(2);
      assertThat(listed()).isZero();
      assertThat(controller.status().counts().started()).isZero();
      assertThat(informer.explain()).contains("brought back 3 objects; resuming after");
      api.put("a", "2");
      Await.until(() -> assertThat(seen).containsExactly("a@104"));
    }
  }

  @Test
  void reconcilesAfterARestartWhatChangedMeanwhileAndWhatIsGone() {
    firstRun("a", "b", "c");
    api.put("a", "2");
    api.delete("b");
    try (Informer<Resource> informer = informer(journal());
        Controller<Resource> controller = controller(informer).reconcile(this::see).start()) {
      Await.until(() -> assertThat(seen).containsExactlyInAnyOrder("a@104", "b@gone"));
      Await.until(() -> assertThat(controller.status().caughtUp()).isTrue());
      assertThat(listed()).isZero();
    }
  }

  @Test
  void bringsBackWhatWasInHandFailedOrWaitingWhenTheProcessWasKilled() throws Exception {
    for (String name : List.of("done", "hangs", "fails", "later")) {
      api.put(name, "1");
    }
    CountDownLatch end = new CountDownLatch(1);
    Journal left;
    try (Informer<Resource> informer = informer(journal());
        Controller<Resource> controller =
            controller(informer)
                .backoff(
                    dev.sluice.flow.Backoff.exponential(
                        Duration.ofHours(1), 1, Duration.ofHours(1)))
                .reconcile((key, context) -> {
                  seen.add(key.name());
                  if (key.name().equals("hangs")) {
                    end.await();
                  }
                  return switch (key.name()) {
                    case "fails" -> Outcome.retry("not today");
                    case "later" -> Outcome.again(Duration.ofHours(1));
                    default -> Outcome.done();
                  };
                })
                .start()) {
      Await.until(() -> assertThat(seen).hasSize(4));
      Await.until(() -> {
        assertThat(controller.status().counts().done()).isEqualTo(1);
        assertThat(controller.status().counts().again()).isEqualTo(1);
        assertThat(controller.status().counts().retried()).isEqualTo(1);
      });
      allDurable(informer);
      left = killed();
      end.countDown();
    }
    seen.clear();
    try (Informer<Resource> informer = informer(left);
        Controller<Resource> controller = controller(informer).reconcile(this::see).start()) {
      Await.until(() -> assertThat(seen).containsExactly("hangs@102"));
      Await.until(() -> assertThat(controller.status().caughtUp()).isTrue());
      assertThat(controller.status().delayed()).isEqualTo(2);
      assertThat(seen).hasSize(1);
    }
  }

  @Test
  void keepsAKeyPendingThatChangedWhileItWasReconciled() throws Exception {
    api.put("a", "1");
    CountDownLatch go = new CountDownLatch(1);
    CountDownLatch stuck = new CountDownLatch(1);
    Journal left;
    try (Informer<Resource> informer = informer(journal());
        Controller<Resource> controller =
            controller(informer)
                .reconcile((key, context) -> {
                  seen.add(context.resource().orElseThrow().resourceVersion());
                  (seen.size() == 1 ? go : stuck).await();
                  return Outcome.done();
                })
                .start()) {
      Await.until(() -> assertThat(seen).hasSize(1));
      api.put("a", "2");
      handedOver(informer);
      go.countDown();
      Await.until(() -> assertThat(seen).hasSize(2));
      allDurable(informer);
      left = killed();
      stuck.countDown();
    }
    seen.clear();
    try (Informer<Resource> informer = informer(left);
        Controller<Resource> controller = controller(informer).reconcile(this::see).start()) {
      Await.until(() -> assertThat(seen).containsExactly("a@102"));
    }
  }

  @Test
  void givesBackAllKeysSlowlyWhenTheReconcilerIsAnotherOne() {
    firstRun("a", "b", "c");
    try (Informer<Resource> informer = informer(journal());
        Controller<Resource> controller =
            controller(informer)
                .reconcilerVersion("2", Rate.perSecond(1000))
                .reconcile(this::see)
                .start()) {
      Await.until(() -> assertThat(seen).containsExactlyInAnyOrder("a@101", "b@102", "c@103"));
      Await.until(() ->
          assertThat(controller.status().repeat()).isEqualTo(new ControllerStatus.Repeat(0, 3)));
    }
    seen.clear();
    try (Informer<Resource> informer = informer(journal());
        Controller<Resource> controller =
            controller(informer)
                .reconcilerVersion("3", new Rate(1, Duration.ofHours(1)))
                .reconcile(this::see)
                .start()) {
      Await.until(() -> assertThat(seen).hasSize(1));
      Await.until(() ->
          assertThat(controller.status().repeat()).isEqualTo(new ControllerStatus.Repeat(2, 3)));
      assertThat(controller.status().waiting()).isEqualTo(2);
    }
  }

  @Test
  void listsForTheDifferencesWhenTheHistoryIsOver() {
    firstRun("a", "b", "c");
    api.put("a", "2");
    api.delete("b");
    String list =
        "{\"kind\":\"PodList\",\"metadata\":{\"resourceVersion\":\""
            + api.version()
            + "\"},\"items\":[]}";
    api.answer(
        "GET " + FakeApi.PODS.path(""),
        Canned.ok(list),
        new Canned(410, Map.of(), "{\"kind\":\"Status\",\"code\":410,\"reason\":\"Expired\"}"));
    try (Informer<Resource> informer = informer(journal());
        Controller<Resource> controller = controller(informer).reconcile(this::see).start()) {
      Await.until(() -> assertThat(informer.status().stops()).containsKey(StopCause.EXPIRED));
      api.answerProperly("GET " + FakeApi.PODS.path(""));
      Await.until(() -> assertThat(seen).containsExactlyInAnyOrder("a@104", "b@gone"));
      Await.until(() -> assertThat(controller.status().caughtUp()).isTrue());
      Await.until(() -> assertThat(informer.isFresh()).isTrue());
      assertThat(seen).hasSize(2);
    }
  }

  @Test
  void listsWhenTheServersVersionIsBehindTheJournal() {
    firstRun("a");
    api.answer(
        "GET " + FakeApi.PODS.path(""),
        Canned.ok("{\"kind\":\"PodList\",\"metadata\":{\"resourceVersion\":\"50\"},\"items\":[]}"));
    try (Informer<Resource> informer = informer(journal());
        Controller<Resource> controller = controller(informer).reconcile(this::see).start()) {
      Await.until(
          () -> assertThat(informer.status().stops()).containsKey(StopCause.VERSION_REGRESSED));
      Await.until(() -> assertThat(seen).containsExactly("a@gone"));
    }
  }

  @Test
  void refusesAJournalOfAnotherStreamAndOneInUse() {
    firstRun("a");
    assertThatThrownBy(
            () -> Informer.of(api, FakeApi.PODS).namespace("ns").journal(journal()).start())
        .isInstanceOf(JournalException.class)
        .hasMessageContaining("belongs to another stream")
        .hasMessageContaining("namespace: ns");
    try (Informer<Resource> informer = informer(journal())) {
      assertThatThrownBy(() -> informer(journal()))
          .isInstanceOf(JournalException.class)
          .hasMessageContaining("in use by another informer of this process");
    }
    try (Informer<Resource> informer = informer(journal())) {
      assertThat(informer.name()).isNotEmpty();
    }
  }

  @Test
  void leavesTheJournalOfAnotherClusterAlone() throws Exception {
    firstRun("a");
    try (Informer<Resource> informer = informer(journal().cluster("other"))) {
      assertThat(informer.awaitSynced(Duration.ofSeconds(10))).isTrue();
      assertThat(listed()).isEqualTo(1);
      assertThat(status(informer).state()).isEqualTo(State.REFUSED);
      assertThat(informer.explain()).contains("belongs to the cluster test");
      assertThat(events).anyMatch(event -> event.cause().equals("journal-refused"));
    }
    try (Informer<Resource> informer = informer(journal())) {
      assertThat(informer.awaitSynced(Duration.ofSeconds(10))).isTrue();
      assertThat(status(informer).rung()).isEqualTo(Rung.NEWEST);
    }
  }

  @Test
  void asksTheServerWhichClusterItIs() throws Exception {
    api.answer(
        "GET /api/v1/namespaces/kube-system",
        Canned.ok(
            "{\"kind\":\"Namespace\",\"metadata\":{\"name\":\"kube-system\",\"uid\":\"u-1\"}}"));
    try (Informer<Resource> informer = informer(journal().cluster(""))) {
      assertThat(informer.awaitSynced(Duration.ofSeconds(10))).isTrue();
      assertThat(informer.explain()).contains("the cluster is u-1");
    }
    assertThat(Files.readString(directory().resolve("identity"), StandardCharsets.ISO_8859_1))
        .contains("cluster: u-1");
  }

  @Test
  void keepsNoValuesIfToldNotToAndListsToFindWhatChanged() throws Exception {
    api.put("a", "1");
    api.put("b", "1");
    for (int run = 0; run < 2; run++) {
      seen.clear();
      api.requests.clear();
      try (Informer<Resource> informer = informer(journal().withoutValues());
          Controller<Resource> controller = controller(informer).reconcile(this::see).start()) {
        assertThat(informer.awaitSynced(Duration.ofSeconds(10))).isTrue();
        int expected = run == 0 ? 2 : 1;
        Await.until(() -> assertThat(controller.status().caughtUp()).isTrue());
        Await.until(() -> assertThat(controller.status().counts().done()).isEqualTo(expected));
        assertThat(listed()).isEqualTo(1);
        handedOver(informer);
      }
      api.put("a", "2");
    }
    try (Stream<Path> files = Files.list(directory())) {
      for (Path file : files.toList()) {
        assertThat(Files.readString(file, StandardCharsets.ISO_8859_1))
            .doesNotContain("\"metadata\"");
      }
    }
  }

  @Test
  void goesOnLoudlyWithoutAJournalThatIsTakenAwayAndHeals() throws Exception {
    firstRun("a");
    try (Informer<Resource> informer = informer(journal())) {
      assertThat(informer.awaitSynced(Duration.ofSeconds(10))).isTrue();
      Files.move(directory(), temporary.resolve("taken-away"));
      Await.until(() -> assertThat(status(informer).failures()).isPositive());
      api.put("b", "1");
      handedOver(informer);
      Await.until(() -> assertThat(status(informer).state()).isEqualTo(State.WRITING));
      Await.until(
          () -> assertThat(events).anyMatch(event -> event.cause().equals("journal-healed")));
    }
    api.requests.clear();
    try (Informer<Resource> informer = informer(journal())) {
      assertThat(informer.awaitSynced(Duration.ofSeconds(10))).isTrue();
      assertThat(informer.store().size()).isEqualTo(2);
      assertThat(listed()).isZero();
    }
  }

  @Test
  void makesEachAcknowledgementDurableIfToldTo() throws Exception {
    api.put("a", "1");
    try (Informer<Resource> informer = informer(journal().durability(Durability.EACH));
        Controller<Resource> controller = controller(informer).reconcile(this::see).start()) {
      Await.until(() -> assertThat(controller.status().counts().done()).isEqualTo(1));
      long before = status(informer).durable();
      api.put("a", "2");
      Await.until(() -> assertThat(controller.status().counts().done()).isEqualTo(2));
      assertThat(status(informer).durable()).isGreaterThanOrEqualTo(before + 2);
    }
  }

  @Test
  void refusesToKeepTheLogForLessThanTheTimeBetweenTwoSnapshots() {
    assertThatThrownBy(() -> journal().retention(Duration.ofSeconds(10), 1 << 20))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("gone before the next snapshot");
  }

  @Test
  void writesSnapshotsAndStartsFromTheNewest() throws Exception {
    api.put("a", "1");
    Journal often = journal().snapshotEvery(Duration.ofMillis(100));
    try (Informer<Resource> informer = informer(often)) {
      handedOver(informer);
      Await.until(() -> assertThat(status(informer).snapshots()).isPositive());
      api.put("b", "1");
      handedOver(informer);
    }
    try (Informer<Resource> informer = informer(often)) {
      assertThat(informer.awaitSynced(Duration.ofSeconds(10))).isTrue();
      assertThat(informer.store().size()).isEqualTo(2);
      assertThat(informer.explain()).contains("read the snapshot snapshot-");
    }
  }

  /** Its database was restored meanwhile, say, and has grown past the anchor since. */
  @Test
  @Tag("R4.1")
  void comparesWhatItBroughtBackWithTheServerSoonAfterARestart() {
    firstRun("a", "b");
    api.deleteUnseen("a");
    api.put("b", "2");
    try (Informer<Resource> informer =
        Informer.of(api, FakeApi.PODS)
            .journal(journal())
            .auditEvery(Duration.ofMinutes(6))
            .start()) {
      Await.until(
          () -> assertThat(informer.status().audit().orElseThrow().diverged()).isEqualTo(1));
      Await.until(() -> assertThat(informer.store().size()).isEqualTo(1));
    }
  }

  @Test
  void bringsObjectsBackThroughSnapshotsWhetherSomebodyHasReadThemOrNot() throws Exception {
    // Bodies that make some twenty chunks.
    Map<String, String> specs = new TreeMap<>();
    for (int i = 0; i < 200; i++) {
      specs.put("p" + i, ("spec " + i + " ").repeat(400));
    }
    specs.forEach(api::put);
    Journal journal = journal().snapshotEvery(Duration.ofMillis(100));
    for (int life = 0; life < 4; life++) {
      try (Informer<Resource> informer = informer(journal)) {
        assertThat(informer.awaitSynced(Duration.ofSeconds(30))).isTrue();
        assertThat(status(informer).rung()).isEqualTo(life == 0 ? Rung.EMPTY : Rung.NEWEST);
        // Some are read, some are changed, and the rest stays pressed.
        for (int i = life; i < 200; i += 50) {
          ObjectKey key = ObjectKey.of("ns", "p" + i);
          assertThat(text(informer, key)).contains(specs.get(key.name()));
        }
        String changed = "p" + (life * 7 + 3);
        specs.put(changed, "changed in life " + life);
        api.put(changed, specs.get(changed));
        handedOver(informer);
        long before = status(informer).snapshots();
        api.put("extra", "life " + life);
        Await.until(() -> assertThat(status(informer).snapshots()).isGreaterThan(before));
        specs.put("extra", "life " + life);
        if (life == 3) {
          assertThat(informer.store().size()).isEqualTo(specs.size());
          specs.forEach((name, spec) ->
              assertThat(text(informer, ObjectKey.of("ns", name)))
                  .contains("\"name\":\"" + name + "\"")
                  .contains(spec));
        }
      }
    }
    assertThat(listed()).isEqualTo(1);
  }

  private static String text(Informer<Resource> informer, ObjectKey key) {
    byte[] json = informer.store().resource(key).orElseThrow().json();
    return new String(json, StandardCharsets.UTF_8);
  }

  @Test
  void knowsItsClusterByTheFirstObjectAndAsksForNoMore() throws Exception {
    api.answer(
        "GET /api/v1/namespaces/kube-system",
        Canned.ok(
            "{\"kind\":\"Namespace\",\"metadata\":{\"name\":\"kube-system\",\"uid\":\"u-1\"}}"));
    api.put("a", "1");
    try (Informer<Resource> informer = informer(journal().cluster(""))) {
      handedOver(informer);
      allDurable(informer);
    }
    api.requests.clear();
    try (Informer<Resource> informer = informer(journal().cluster(""))) {
      assertThat(informer.awaitSynced(Duration.ofSeconds(30))).isTrue();
      assertThat(informer.explain()).contains("the cluster is the same, u-1");
      assertThat(api.requests).as("a list of one object and the watch").hasSize(2);
    }
    // The same name, but another life: the cluster has to be asked for.
    api.delete("a");
    api.put("a", "2");
    api.requests.clear();
    try (Informer<Resource> informer = informer(journal().cluster(""))) {
      assertThat(informer.awaitSynced(Duration.ofSeconds(30))).isTrue();
      assertThat(informer.explain()).contains("the cluster is u-1");
      assertThat(status(informer).rung()).isEqualTo(Rung.NEWEST);
      assertThat(api.requests).hasSize(3);
    }
  }
}
