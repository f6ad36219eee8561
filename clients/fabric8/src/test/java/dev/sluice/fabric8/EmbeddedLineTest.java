package dev.sluice.fabric8;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.flow.Backoff;
import dev.sluice.flow.Gate;
import dev.sluice.kube.Informer;
import dev.sluice.kube.Resource;
import dev.sluice.kube.StopCause;
import dev.sluice.testkit.ApiServer;
import dev.sluice.testkit.Fault;
import dev.sluice.testkit.Faults;
import dev.sluice.testkit.Faults.History;
import dev.sluice.testkit.Injection;
import dev.sluice.testkit.RequestMatch;
import dev.sluice.testkit.SeenRequest;
import dev.sluice.testkit.Snapshot;
import io.fabric8.kubernetes.client.Config;
import io.fabric8.kubernetes.client.ConfigBuilder;
import java.net.URI;
import java.time.Duration;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.Consumer;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The line from socket to handler on the embedded API server, with everything that can go wrong
 * with one: after each trouble the store and the handler agree with the server.
 */
@Tag("R1.3")
@Tag("R4.1")
@Tag("R4.2")
class EmbeddedLineTest {
  private static final int SEEDS = Integer.getInteger("sluice.line.seeds", 1);
  private static final RequestMatch LIST = RequestMatch.list("configmaps");
  private static final RequestMatch WATCH = RequestMatch.watch("configmaps");

  private final ApiServer server =
      ApiServer.builder().bookmarkInterval(Duration.ofMillis(200)).start();
  private final Faults faults = server.faults();

  @AfterEach
  void close() {
    server.close();
  }

  private static Config config(URI url) {
    return new ConfigBuilder(Config.empty())
        .withMasterUrl(url.toString())
        .withRequestRetryBackoffLimit(0)
        .build();
  }

  private Line open(UnaryOperator<Informer.Builder<Resource>> settings) {
    Config config = config(server.url());
    return new Line(config, SluiceFabric8.transport(config), Line.CONFIG_MAPS, settings);
  }

  private void load(int count) {
    StringBuilder yaml = new StringBuilder();
    for (int i = 0; i < count; i++) {
      yaml.append("---\napiVersion: v1\nkind: ConfigMap\nmetadata: {namespace: default, name: c")
          .append(i)
          .append("}\ndata: {value: x}\n");
    }
    server.load(yaml.toString());
  }

  @Test
  void readsTwoThousandObjectsPageByPage() throws Exception {
    load(2000);
    try (Line line = open(informer -> informer.pageSize(100))) {
      assertThat(line.informer().awaitSynced(Duration.ofSeconds(60))).isTrue();
      assertThat(server.requests().count("list", "configmaps")).isEqualTo(20);
      line.agrees();
      assertThat(line.told()).isEqualTo(2000);
    }
  }

  @Test
  void readsAStreamingListFromItsWatch() throws Exception {
    load(100);
    try (Line line = open(informer -> informer.streamingList(true))) {
      assertThat(line.informer().awaitSynced(Duration.ofSeconds(60))).isTrue();
      assertThat(server.requests().count("list", "configmaps")).isZero();
      line.agrees();
    }
  }

  /** How a server can go and come back. */
  private enum Return {
    RESTARTED_WITH_ITS_HISTORY(faults -> faults.restart(History.KEPT), 1),
    CRASHED_WITH_ITS_HISTORY(faults -> faults.crash(History.KEPT), 1),
    RESTARTED_WITHOUT_ITS_HISTORY(faults -> faults.restart(History.LOST), 2),
    CRASHED_WITHOUT_ITS_HISTORY(faults -> faults.crash(History.LOST), 2);

    private final Consumer<Faults> how;
    private final long lists;

    Return(Consumer<Faults> how, long lists) {
      this.how = how;
      this.lists = lists;
    }
  }

  @ParameterizedTest
  @EnumSource
  void isToldTheDifferencesOnlyWhenAServerComesBack(Return comesBack) {
    load(50);
    try (Line line = open(informer -> informer)) {
      line.flows();
      Injection away = faults.inject(WATCH, Fault.unavailable(Duration.ZERO));
      faults.endWatches();
      line.put("c1", "changed");
      comesBack.how.accept(faults);
      line.delete("c2");
      line.put("new", "x");
      away.remove();

      line.agrees();
      assertThat(line.informer().status().counts().lists()).isEqualTo(comesBack.lists);
      assertThat(line.told()).isEqualTo(50 + 3);
    }
  }

  @Test
  void listsAgainWhenItsAnchorHasBeenCompacted() {
    load(20);
    try (Line line = open(informer -> informer)) {
      line.flows();
      Injection away = faults.inject(WATCH, Fault.unavailable(Duration.ZERO));
      faults.endWatches();
      line.put("c1", "changed");
      line.delete("c2");
      faults.compact();
      away.remove();

      line.agrees();
      assertThat(line.stops(StopCause.EXPIRED)).isEqualTo(1);
      assertThat(line.informer().status().counts().inferredDeletions()).isEqualTo(1);
      assertThat(line.told()).isEqualTo(20 + 2);
    }
  }

  @Test
  void beginsAListAgainWhoseContinuationHasExpired() throws Exception {
    load(500);
    Config config = config(server.url());
    Barrier barrier = new Barrier(SluiceFabric8.transport(config), 2);
    try (Line line =
        new Line(config, barrier, Line.CONFIG_MAPS, informer -> informer.pageSize(100))) {
      barrier.reached.await();
      assertThat(line.informer().store().size()).isEqualTo(200);
      line.delete("c0");
      line.put("new", "x");
      faults.compact();
      barrier.go.countDown();

      line.flows();
      assertThat(line.stops(StopCause.CONTINUE_EXPIRED)).isEqualTo(1);
    }
  }

  @Test
  void waitsForAReplicaThatLagsWithoutListingAgain() {
    load(20);
    try (Faults.Replica replica = faults.addReplica();
        Line line =
            new Line(
                config(server.url()),
                SluiceFabric8.transport(config(replica.url())),
                Line.CONFIG_MAPS,
                informer -> informer)) {
      line.flows();
      replica.freeze();
      line.put("c1", "changed");
      line.delete("c2");
      faults.dropConnections();
      Line.until(() -> assertThat(line.stops(StopCause.RESET)).isPositive());
      assertThat(line.told()).isEqualTo(20);
      replica.catchUp();

      line.agrees();
      assertThat(line.stops(StopCause.VERSION_REGRESSED)).isZero();
      assertThat(line.informer().status().counts().lists()).isEqualTo(1);
    }
  }

  @ParameterizedTest
  @CsvSource({
    "410, Expired, EXPIRED, 2",
    "410, Gone, EXPIRED, 2",
    "429, TooManyRequests, THROTTLED, 1",
    "500, InternalError, SERVER_ERROR, 1",
    "503, ServiceUnavailable, SERVER_ERROR, 1",
    "504, Timeout, SERVER_ERROR, 1",
    "403, Forbidden, FORBIDDEN, 1",
    "401, Unauthorized, UNAUTHORIZED, 1",
    "418, Teapot, REFUSED, 1"
  })
  void goesOnAfterAnErrorEvent(int code, String reason, StopCause cause, long lists) {
    load(20);
    try (Line line = open(informer -> informer)) {
      line.flows();
      faults.strike(WATCH, Fault.errorEventAfter(0, code, reason, "made up", 0));
      line.put("c1", "changed");
      line.delete("c2");

      line.agrees();
      assertThat(line.stops(cause)).isEqualTo(1);
      assertThat(line.informer().status().counts().lists()).isEqualTo(lists);
      assertThat(line.told()).isEqualTo(20 + 2);
    }
  }

  @Test
  void resumesBehindTheLastWholeFrameWhereverAFrameIsCut() {
    load(3);
    try (Line line = open(informer -> informer)) {
      line.flows();
      for (int bytes = 0; bytes < 400; bytes += 29) {
        faults.strike(WATCH, Fault.cutAfter(bytes));
        line.put("c1", "changed-" + bytes);
        line.agrees();
      }
      assertThat(line.informer().status().counts().lists()).isEqualTo(1);
      assertThat(line.stops(StopCause.RESET)).isGreaterThan(8);
    }
  }

  @Test
  void replacesAStreamThatFallsSilent() {
    load(20);
    try (Line line = open(informer -> informer.silenceDeadline(Duration.ofMillis(500)))) {
      line.flows();
      faults.strike(WATCH, Fault.stallAfter(100));
      line.put("c1", "changed");
      line.delete("c2");

      line.agrees();
      assertThat(line.stops(StopCause.IDLE)).isPositive();
      assertThat(line.informer().status().counts().lists()).isEqualTo(1);
    }
  }

  @Test
  void leavesConnectionsBehindThatAreDeadAndDoNotSaySo() {
    load(20);
    try (Line line =
        open(informer ->
            informer
                .silenceDeadline(Duration.ofMillis(500))
                .requestDeadline(Duration.ofMillis(700)))) {
      line.flows();
      server.load(
          "{apiVersion: v1, kind: ConfigMap, metadata: {namespace: default, name: before}}");
      line.agrees();
      faults.freezeConnections();
      server.load("{apiVersion: v1, kind: ConfigMap, metadata: {namespace: default, name: after}}");

      Line.until(() -> assertThat(line.told()).isEqualTo(22));
      assertThat(line.informer().status().counts().lists()).isEqualTo(1);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"list", "watch"})
  void staysAwayAsLongAsItIsToldTo(String verb) {
    load(20);
    RequestMatch match = RequestMatch.verb(verb).resource("configmaps");
    Injection refusal = faults.inject(match.times(2), Fault.tooManyRequests(Duration.ofSeconds(1)));
    try (Line line = open(informer -> informer)) {
      Line.until(() -> assertThat(refusal.hits()).isEqualTo(2));
      Line.until(() -> assertThat(server.requests().list(match)).hasSizeGreaterThan(2));
      assertThat(line.stops(StopCause.THROTTLED)).isEqualTo(2);
      List<SeenRequest> asked = server.requests().list(match);
      line.flows();
      for (int i = 1; i <= 2; i++) {
        assertThat(Duration.between(asked.get(i - 1).at(), asked.get(i).at()))
            .isGreaterThanOrEqualTo(Duration.ofSeconds(1));
      }
    }
  }

  @Test
  void seesObjectsOfAKindThatWasRemovedAndInstalledAgain() {
    server.load(Line.WIDGETS_CRD);
    widget("one");
    widget("two");
    Config config = config(server.url());
    try (Line line =
        new Line(config, SluiceFabric8.transport(config), Line.WIDGETS, informer -> informer)) {
      line.flows();
      line.client()
          .apiextensions()
          .v1()
          .customResourceDefinitions()
          .withName("widgets.line.sluice.dev")
          .delete();
      Line.until(() -> assertThat(line.stops(StopCause.NOT_FOUND)).isPositive());
      server.load(Line.WIDGETS_CRD);
      widget("two");
      widget("three");

      line.agrees();
      assertThat(line.informer().store().size()).isEqualTo(2);
    }
  }

  private void widget(String name) {
    server.load(
        "{apiVersion: line.sluice.dev/v1, kind: Widget, metadata: {namespace: default, name: "
            + name
            + "}, spec: {size: 1}}");
  }

  @Test
  void noticesADatabaseThatWasRestored() {
    load(20);
    try (Line line = open(informer -> informer)) {
      line.flows();
      Snapshot before = server.snapshot();
      line.put("c1", "lost");
      line.delete("c2");
      line.put("lost", "x");
      line.agrees();
      faults.rewind(before);

      line.agrees();
      assertThat(line.stops(StopCause.VERSION_REGRESSED)).isEqualTo(1);
      assertThat(line.informer().store().size()).isEqualTo(20);
    }
  }

  /** Its versions have grown past the anchor: nothing in the stream shows what happened. */
  @Test
  void findsByAnAuditThatADatabaseWasRestoredAndOvertook() {
    load(20);
    try (Line line = open(informer -> informer.auditEvery(Duration.ofSeconds(360)))) {
      line.flows();
      Snapshot before = server.snapshot();
      line.put("c1", "lost");
      line.delete("c2");
      line.put("lost", "x");
      line.agrees();
      String anchor = line.informer().status().anchor().orElseThrow();
      List<Injection> away =
          List.of(
              faults.inject(WATCH, Fault.unavailable(Duration.ZERO)),
              faults.inject(LIST, Fault.unavailable(Duration.ZERO)));
      faults.rewind(before);
      while (Long.parseLong(server.resourceVersion()) <= Long.parseLong(anchor) + 5) {
        server.load(
            "{apiVersion: v1, kind: Secret, metadata: {namespace: default, name: s"
                + server.resourceVersion()
                + "}}");
      }
      away.forEach(Injection::remove);

      line.agrees();
      assertThat(line.stops(StopCause.VERSION_REGRESSED)).isZero();
      assertThat(line.stops(StopCause.AUDIT_DIVERGED)).isEqualTo(1);
      assertThat(line.informer().status().audit().orElseThrow().diverged()).isEqualTo(3);
    }
  }

  @ParameterizedTest
  @CsvSource({"401, Unauthorized, UNAUTHORIZED", "403, Forbidden, FORBIDDEN"})
  void goesOnWhereItStoodWhenItIsLetInAgain(int code, String reason, StopCause cause) {
    load(20);
    try (Line line = open(informer -> informer)) {
      line.flows();
      Injection refusal = faults.inject(WATCH, Fault.refuse(code, reason, "made up"));
      faults.endWatches();
      Line.until(() -> assertThat(line.stops(cause)).isGreaterThan(2));
      line.put("c1", "changed");
      refusal.remove();

      line.agrees();
      assertThat(line.informer().status().counts().lists()).isEqualTo(1);
    }
  }

  @Test
  void survivesAnOutage() {
    load(20);
    try (Line line = open(informer -> informer)) {
      line.flows();
      try (Faults.Outage outage = faults.outage()) {
        Line.until(() -> assertThat(line.stops(StopCause.UNREACHABLE)).isGreaterThan(2));
        assertThat(line.informer().store().size()).isEqualTo(20);
      }
      line.put("c1", "changed");

      line.agrees();
      assertThat(line.informer().status().counts().lists()).isEqualTo(1);
    }
  }

  @Test
  void passesOverALineThatIsNoEvent() {
    load(20);
    try (Line line = open(informer -> informer)) {
      line.flows();
      faults.strike(WATCH, Fault.garbageAfter(0, "{\"type\":\"ADDED\",\"obj"));
      line.put("c1", "changed");

      line.agrees();
      assertThat(line.informer().status().counts().undecodable()).isEqualTo(1);
    }
  }

  /** What the gate does must not matter to where it all ends. */
  @ParameterizedTest
  @EnumSource
  void agreesAfterAnySequenceOfChangesAndFaults(Gate.Kind kind) {
    agreesAfterSequences(kind, 0, SEEDS);
  }

  @ParameterizedTest
  @EnumSource
  @Tag("long")
  void agreesAfterFiveHundredSequencesOfChangesAndFaults(Gate.Kind kind) {
    agreesAfterSequences(kind, SEEDS, SEEDS + 500);
  }

  private void agreesAfterSequences(Gate.Kind kind, int from, int to) {
    for (int seed = from; seed < to; seed++) {
      SplittableRandom random = new SplittableRandom(1000L * kind.ordinal() + seed);
      server.reset();
      load(random.nextInt(30));
      Backoff quick = Backoff.exponential(Duration.ofMillis(2), 1.6, Duration.ofMillis(20));
      try (Line line =
          open(informer ->
              informer
                  .gate(
                      kind == Gate.Kind.COALESCE
                          ? Gate.coalesce()
                          : kind == Gate.Kind.BLOCK ? Gate.block(4) : Gate.pause(4))
                  .pageSize(7)
                  .backoff(quick)
                  .silenceDeadline(Duration.ofMillis(300))
                  .requestDeadline(Duration.ofSeconds(2)))) {
        for (int step = 0; step < 40; step++) {
          String name = "c" + random.nextInt(30);
          if (random.nextInt(4) == 0) {
            trouble(random);
          } else if (random.nextInt(3) == 0) {
            line.delete(name);
          } else {
            line.put(name, Integer.toString(step));
          }
        }
        faults.clear();
        try {
          line.agrees();
        } catch (AssertionError e) {
          throw new AssertionError(kind + ", seed " + seed + ": " + e.getMessage(), e);
        }
      }
    }
  }

  private void trouble(SplittableRandom random) {
    switch (random.nextInt(10)) {
      case 0 -> faults.endWatches();
      case 1 -> faults.strike(WATCH, Fault.cutAfter(random.nextInt(600)));
      case 2 -> faults.compact();
      case 3 -> faults.strike(WATCH, Fault.expired());
      case 4 -> faults.strike(WATCH, Fault.stallAfter(random.nextInt(600)));
      case 5 -> faults.inject(WATCH.times(1), Fault.refuse(500 + random.nextInt(5), "", "made up"));
      case 6 -> faults.inject(LIST.times(1), Fault.cutAfter(random.nextInt(3000)));
      case 7 -> faults.inject(WATCH.times(1), Fault.hangUp());
      case 8 -> faults.strike(WATCH, Fault.garbageAfter(0, "no json"));
      default -> faults.strike(WATCH, Fault.errorEventAfter(0, 500, "InternalError", "no", 0));
    }
  }
}
