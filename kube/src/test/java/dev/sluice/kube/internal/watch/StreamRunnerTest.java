package dev.sluice.kube.internal.watch;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.flow.FlowEvent;
import dev.sluice.kube.ObjectKey;
import dev.sluice.kube.StopCause;
import dev.sluice.kube.StreamStatus.Phase;
import dev.sluice.kube.internal.store.Entry;
import dev.sluice.kube.internal.watch.SimServer.Canned;
import dev.sluice.modeltest.Seed;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** One situation a test, in virtual time, on one thread. */
@Tag("R1.3")
class StreamRunnerTest {
  private static final ObjectKey A = ObjectKey.of("ns", "a");
  private static final ObjectKey B = ObjectKey.of("ns", "b");

  private Sim sim = new Sim(Seed.of("runner").random(), 0, false, false);

  private void at(long seconds, Runnable action) {
    sim.at(Duration.ofSeconds(seconds), action);
  }

  private void runFor(long seconds) {
    sim.run(Duration.ofSeconds(seconds));
  }

  private void theStoreEqualsTheServer() {
    assertThat(sim.stored()).isEqualTo(sim.server.state());
    assertThat(sim.outlet.believed()).isEqualTo(sim.server.state());
  }

  @Test
  void listsInPagesAndThenWatches() {
    for (int i = 0; i < 17; i++) {
      sim.server.put(Sim.key(i));
    }
    at(10, () -> sim.server.put(A));
    runFor(20);

    theStoreEqualsTheServer();
    assertThat(sim.server.lists).isEqualTo(4);
    assertThat(sim.server.watches).isEqualTo(1);
    assertThat(sim.outlet.handedOver).isEqualTo(18);
  }

  @Test
  void asksForBookmarksAndAJitteredTimeoutOfFiveMinutes() {
    runFor(3000);

    List<String> watches =
        sim.server.log.stream().filter(path -> path.contains("watch=true")).toList();
    assertThat(watches).hasSizeGreaterThan(8);
    assertThat(watches).allMatch(path -> path.contains("allowWatchBookmarks=true"));
    assertThat(watches.stream().map(path -> path.replaceAll(".*timeoutSeconds=", "")).distinct())
        .hasSizeGreaterThan(3)
        .allMatch(seconds -> Math.abs(Integer.parseInt(seconds) - 300) <= 15);
    assertThat(sim.stops(StopCause.SERVER_TIMEOUT)).isEqualTo(watches.size() - 1);
  }

  @Test
  void resumesAfterTheServersDeadlineWithoutAList() {
    sim.server.put(A);
    runFor(3000);

    assertThat(sim.server.lists).isEqualTo(1);
  }

  @Test
  void listsAgainInOnePieceWhenAContinuationHasExpired() {
    for (int i = 0; i < 17; i++) {
      sim.server.put(Sim.key(i));
    }
    sim.server.answerNext(
        new Canned(
            200,
            Map.of(),
            "{\"kind\":\"L\",\"metadata\":{\"resourceVersion\":\"5\",\"continue\":\"gone\"},\"items\":[]}"));
    runFor(20);

    theStoreEqualsTheServer();
    assertThat(sim.stops(StopCause.CONTINUE_EXPIRED)).isEqualTo(1);
    assertThat(sim.server.log.get(2)).doesNotContain("limit=");
  }

  @Test
  void neverUsesTheInconsistentContinuationThatComesWithAnExpiredOne() {
    sim.server.answerNext(
        new Canned(
            200,
            Map.of(),
            "{\"kind\":\"L\",\"metadata\":{\"resourceVersion\":\"5\",\"continue\":\"gone\"},\"items\":[]}"));
    sim.server.answerNext(
        new Canned(
            410,
            Map.of(),
            SimServer.status(410, "Expired")
                .replace("\"metadata\":{}", "\"metadata\":{\"continue\":\"inconsistent\"}")));
    runFor(20);

    assertThat(sim.server.log).noneMatch(path -> path.contains("inconsistent"));
  }

  enum Gone {
    AS_HTTP_STATUS,
    AS_ERROR_EVENT,
    AS_STATUS_IN_THE_BODY
  }

  @ParameterizedTest
  @EnumSource
  void listsAgainAfterA410InEachOfItsForms(Gone form) {
    sim.server.put(A);
    sim.server.put(B);
    at(
        10,
        () -> {
          switch (form) {
            case AS_HTTP_STATUS -> {
              sim.server.endAll();
              sim.server.answerNext(
                  new Canned(
                      200,
                      Map.of(),
                      "{\"kind\":\"L\",\"metadata\":{\"resourceVersion\":\""
                          + sim.server.version()
                          + "\"},\"items\":[]}"));
              sim.server.refuseNext(410, "Gone");
            }
            case AS_ERROR_EVENT -> sim.server.errorAll(410, "Expired");
            case AS_STATUS_IN_THE_BODY ->
                sim.server.rawAll(SimServer.status(410, "Expired") + "\n");
          }
        });
    runFor(60);

    theStoreEqualsTheServer();
    assertThat(sim.stops(StopCause.EXPIRED)).isEqualTo(1);
    assertThat(sim.runner.record().counts().lists()).isEqualTo(2);
  }

  @Test
  void handsOverOnlyWhatChangedAfterARelistWithDeletionsInferred() {
    for (int i = 0; i < 10; i++) {
      sim.server.put(Sim.key(i));
    }
    at(
        10,
        () -> {
          sim.server.silenceAll();
          sim.server.put(Sim.key(1));
          sim.server.delete(Sim.key(2));
          sim.server.delete(Sim.key(3));
          sim.server.put(Sim.key(3));
          sim.server.put(Sim.key(11));
          sim.server.compact();
        });
    runFor(400);

    theStoreEqualsTheServer();
    assertThat(sim.runner.record().counts().inferredDeletions()).isEqualTo(1);
    // The first list, then: one changed, one deleted, one deleted and created anew, one created.
    assertThat(sim.outlet.handedOver).isEqualTo(10 + 1 + 1 + 2 + 1);
  }

  @Test
  void replacesASilentStreamAtTheAnchor() {
    sim.server.put(A);
    at(
        10,
        () -> {
          sim.server.silenceAll();
          sim.server.put(B);
        });
    runFor(200);

    theStoreEqualsTheServer();
    assertThat(sim.stops(StopCause.IDLE)).isEqualTo(1);
    assertThat(sim.runner.record().counts().lists()).isEqualTo(1);
  }

  @Test
  void givesUpWaitingForAHeadThatNeverComes() {
    sim.server.hangNext();
    sim.server.put(A);
    runFor(120);

    theStoreEqualsTheServer();
    assertThat(sim.runner.record().now().recentStops())
        .anyMatch(stop -> stop.detail().startsWith("no response within 90000 ms to GET"));
  }

  @ParameterizedTest
  @CsvSource({
    "401, UNAUTHORIZED",
    "403, FORBIDDEN",
    "404, NOT_FOUND",
    "429, THROTTLED",
    "500, SERVER_ERROR",
    "503, SERVER_ERROR",
    "504, SERVER_ERROR",
    "418, REFUSED"
  })
  void keepsTheAnchorWhenAWatchIsRefused(int status, StopCause cause) {
    sim.server.put(A);
    at(
        10,
        () -> {
          sim.server.errorAll(status, "");
          sim.server.refuseNext(status, "");
          sim.server.put(B);
        });
    runFor(120);

    theStoreEqualsTheServer();
    assertThat(sim.stops(cause)).isEqualTo(2);
    assertThat(sim.runner.record().counts().lists()).isEqualTo(1);
  }

  @Test
  void doubtsTheAnchorAfterThreeUnexplainedRefusalsInARow() {
    sim.server.put(A);
    at(
        10,
        () -> {
          for (int i = 0; i < 3; i++) {
            sim.server.answerNext(
                new Canned(
                    200,
                    Map.of(),
                    "{\"kind\":\"WidgetList\",\"metadata\":{\"resourceVersion\":\"\"}}"));
            sim.server.refuseNext(500, "");
          }
          sim.server.breakAll();
        });
    runFor(60);

    assertThat(sim.runner.record().counts().lists()).isEqualTo(2);
  }

  @Test
  void listsAgainWhenTheServersDatabaseWasRestored() {
    sim.server.put(A);
    sim.server.put(B);
    at(10, sim.server::restore);
    runFor(60);

    theStoreEqualsTheServer();
    assertThat(sim.stops(StopCause.VERSION_REGRESSED)).isEqualTo(1);
  }

  @Test
  void listsAgainWhenAnEventIsOlderThanWhatWasReached() {
    sim.server.put(A);
    at(
        10,
        () ->
            sim.server.rawAll(
                "{\"type\":\"MODIFIED\",\"object\":{\"metadata\":{\"name\":\"a\",\"namespace\":\"ns\",\"uid\":\"uid-1\",\"resourceVersion\":\"7\"}}}\n"));
    runFor(60);

    theStoreEqualsTheServer();
    assertThat(sim.stops(StopCause.VERSION_REGRESSED)).isEqualTo(1);
  }

  @Test
  void treatsARetryAfterAsALowerBoundWithJitterAboveIt() {
    sim.server.answerNext(
        new Canned(429, Map.of("retry-after", List.of("17")), "too many requests, please wait"));
    runFor(60);

    String next = sim.runner.record().now().recentStops().get(1).next();
    assertThat(millis(next)).isBetween(17_000L, 19_000L);
  }

  @Test
  void readsARetryAfterThatIsADate() {
    sim.server.answerNext(
        new Canned(503, Map.of("retry-after", List.of("Thu, 01 Jan 1970 00:00:20 GMT")), ""));
    runFor(60);

    assertThat(millis(sim.runner.record().now().recentStops().get(1).next()))
        .isBetween(20_000L, 22_000L);
  }

  @Test
  void readsTheRetryAfterOfAnErrorEvent() {
    at(
        10,
        () ->
            sim.server.rawAll(
                "{\"type\":\"ERROR\",\"object\":"
                    + SimServer.status(429, "TooManyRequests")
                        .replace("\"code\"", "\"details\":{\"retryAfterSeconds\":12},\"code\"")
                    + "}\n"));
    runFor(60);

    assertThat(millis(sim.runner.record().now().recentStops().get(1).next()))
        .isBetween(12_000L, 14_000L);
  }

  @Test
  void capsARetryAfterVisibly() {
    sim.server.answerNext(new Canned(429, Map.of("retry-after", List.of("3600")), ""));
    sim.server.put(A);
    runFor(90);

    theStoreEqualsTheServer();
    assertThat(sim.runner.record().counts().retryAfterCapped()).isEqualTo(1);
    assertThat(sim.runner.record().now().recentStops().get(1).next())
        .contains("capped: the server asked for 3600 s");
  }

  private static long millis(String next) {
    String number = next.replaceAll(".* in (\\d+) (ms|s).*", "$1");
    return Long.parseLong(number) * (next.contains(" ms") ? 1 : 1000);
  }

  @Test
  void backsOffExponentiallyUpToThirtySecondsAndStartsOverAfterAHealthyPeriod() {
    for (int i = 0; i < 20; i++) {
      sim.server.failNextConnect();
    }
    sim.server.put(A);
    at(600, sim.server::endAll);
    runFor(700);

    List<Long> delays =
        sim.runner.record().now().recentStops().reversed().stream()
            .filter(stop -> stop.cause() == StopCause.UNREACHABLE)
            .map(stop -> millis(stop.next()))
            .toList();
    assertThat(delays).hasSize(20);
    double expected = 100;
    for (long delay : delays) {
      assertThat((double) delay).isBetween(expected / 2 - 1, expected + 1);
      expected = Math.min(expected * 1.6, 30_000);
    }
    assertThat(millis(sim.runner.record().now().recentStops().get(1).next())).isLessThan(200);
    theStoreEqualsTheServer();
  }

  @Test
  void pausesAtAFullGateAndResumesAtTheAnchorWithTheEventInHand() {
    sim = new Sim(Seed.of("pause").random(), 4, true, false);
    at(
        10,
        () -> {
          for (int i = 0; i < 9; i++) {
            sim.server.put(Sim.key(i));
          }
        });
    at(300, () -> sim.outlet.consume(4));
    at(400, () -> sim.outlet.consume(4));
    runFor(500);

    assertThat(sim.stored()).isEqualTo(sim.server.state());
    assertThat(sim.outlet.believed()).isEqualTo(sim.server.state());
    assertThat(sim.stops(StopCause.GATE_PAUSED)).isEqualTo(2);
    assertThat(sim.runner.record().counts().lists()).isEqualTo(1);
  }

  @Test
  void relistsOnceAfterAPauseLongerThanTheServersHistory() {
    sim = new Sim(Seed.of("pause").random(), 4, true, false);
    at(
        10,
        () -> {
          for (int i = 0; i < 9; i++) {
            sim.server.put(Sim.key(i));
          }
        });
    for (int second = 20; second < 300; second += 10) {
      at(second, () -> sim.server.put(Sim.key(20)));
      at(second, sim.server::compact);
    }
    at(300, () -> sim.server.delete(Sim.key(3)));
    at(300, sim.server::compact);
    at(301, () -> sim.outlet.consume(4));
    at(302, () -> sim.outlet.consume(4));
    at(303, () -> sim.outlet.consume(4));
    runFor(500);

    theStoreEqualsTheServer();
    assertThat(sim.runner.record().counts().lists()).isEqualTo(2);
    assertThat(sim.stops(StopCause.EXPIRED)).isEqualTo(1);
  }

  @Test
  void readsNoFurtherAtABlockedGateAndTheStreamStaysOpen() {
    sim = new Sim(Seed.of("block").random(), 4, false, false);
    at(
        10,
        () -> {
          for (int i = 0; i < 9; i++) {
            sim.server.put(Sim.key(i));
          }
        });
    at(200, () -> assertThat(sim.runner.record().now().phase()).isEqualTo(Phase.HELD));
    at(200, () -> sim.outlet.consume(4));
    at(210, () -> sim.outlet.consume(4));
    runFor(250);

    theStoreEqualsTheServer();
    assertThat(sim.server.watches).isEqualTo(1);
    assertThat(sim.stops(StopCause.IDLE)).isZero();
  }

  @Test
  void keepsTheAnchorBeforeAnEventThatItCannotDecodeAndAsksForItAgain() {
    sim.server.put(A);
    at(
        10,
        () -> {
          sim.server.corruptNextFrame = true;
          sim.server.put(B);
        });
    at(20, () -> sim.server.put(A));
    runFor(400);

    theStoreEqualsTheServer();
    assertThat(sim.runner.record().counts().undecodable()).isEqualTo(1);
    assertThat(sim.runner.record().counts().lists()).isEqualTo(1);
    assertThat(sim.runner.record().now().undecodable().get(0).head())
        .startsWith("{\"type\":\"ADDED\"");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{\"type\":\"ADDED\",\"object\":{\"metadata\":{\"namespace\":\"ns\",\"resourceVersion\":\"9\"}}}",
        "{\"type\":\"ADDED\",\"object\":{\"metadata\":{\"name\":\"x\"}}}",
        "{\"type\":\"ADDED\",\"object\":{}}",
        "{\"type\":\"STRANGE\",\"object\":{\"metadata\":{\"name\":\"x\",\"resourceVersion\":\"9\"}}}",
        "{\"type\":\"BOOKMARK\",\"object\":{\"metadata\":{}}}",
        "<html>"
      })
  void countsAndShowsWhatIsNoEventAndGoesOn(String line) {
    sim.server.put(A);
    at(
        10,
        () -> {
          sim.server.rawAll(line + "\n");
          sim.server.put(B);
        });
    at(20, this::theStoreHasBoth);
    runFor(30);

    theStoreEqualsTheServer();
    assertThat(sim.runner.record().now().undecodable().get(0).head()).isEqualTo(line);
    assertThat(sim.server.watches).isEqualTo(1);
  }

  private void theStoreHasBoth() {
    assertThat(sim.stored()).containsOnlyKeys(A, B);
  }

  @Test
  void takesAReplacedObjectForADeletionAndACreation() {
    sim.server.put(A);
    at(
        10,
        () -> {
          sim.server.silenceAll();
          sim.server.delete(A);
          sim.server.put(A);
          sim.server.compact();
        });
    runFor(400);

    theStoreEqualsTheServer();
    assertThat(sim.outlet.handedOver).isEqualTo(3);
  }

  @Test
  void ignoresAnEventThatIsRepeatedAndTheDeletionOfAnUnknownObject() {
    sim.server.put(A);
    at(
        10,
        () -> {
          sim.server.put(B);
          sim.server.repeatLast();
        });
    at(
        20,
        () ->
            sim.server.rawAll(
                "{\"type\":\"DELETED\",\"object\":{\"metadata\":{\"name\":\"never\",\"namespace\":\"ns\",\"uid\":\"x\",\"resourceVersion\":\"2000000\"}}}\n"));
    runFor(30);

    theStoreEqualsTheServer();
    assertThat(sim.runner.record().counts().repeated()).isEqualTo(2);
    assertThat(sim.outlet.handedOver).isEqualTo(2);
  }

  @Test
  void listsByAStreamWhereTheServerKnowsIt() {
    sim = new Sim(Seed.of("streaming").random(), 0, false, true);
    for (int i = 0; i < 17; i++) {
      sim.server.put(Sim.key(i));
    }
    at(10, () -> sim.server.put(A));
    runFor(20);

    theStoreEqualsTheServer();
    assertThat(sim.server.lists).isZero();
    assertThat(sim.server.watches).isEqualTo(1);
  }

  @Test
  void fallsBackToPagesWhereTheServerRefusesAStreamingList() {
    sim = new Sim(Seed.of("streaming").random(), 0, false, true);
    sim.server.streamingLists = false;
    sim.server.put(A);
    runFor(20);

    theStoreEqualsTheServer();
    assertThat(sim.server.lists).isEqualTo(1);
  }

  @Test
  void infersDeletionsFromAStreamingListThatWasCutAndBegunAgain() {
    sim = new Sim(Seed.of("streaming").random(), 0, false, true);
    for (int i = 0; i < 17; i++) {
      sim.server.put(Sim.key(i));
    }
    at(10, () -> sim.server.errorAll(410, "Expired"));
    sim.at(
        Duration.ofMillis(10_001),
        () -> {
          sim.server.delete(Sim.key(3));
          sim.server.breakNextWatchAfter(700);
        });
    runFor(30);

    theStoreEqualsTheServer();
    assertThat(sim.stops(StopCause.RESET)).isEqualTo(1);
    assertThat(sim.runner.record().counts().inferredDeletions()).isEqualTo(1);
  }

  @Test
  void asksOneByOneBeforeItTakesForDeletedWhatIsMissingFromADamagedList() {
    for (int i = 0; i < 3; i++) {
      sim.server.put(Sim.key(i));
    }
    String damaged =
        "{\"kind\":\"L\",\"metadata\":{\"resourceVersion\":\"1500000\"},\"items\":[{\"metadata\":{}}]}";
    at(
        10,
        () -> {
          sim.server.errorAll(410, "Expired");
          for (int i = 0; i < 4; i++) {
            sim.server.answerNext(new Canned(200, Map.of(), damaged));
          }
          sim.server.delete(Sim.key(1));
        });
    runFor(30);

    assertThat(sim.stored()).containsOnlyKeys(Sim.key(0), Sim.key(2));
    assertThat(sim.runner.record().counts().doubtful()).isEqualTo(2);
    assertThat(sim.runner.record().counts().inferredDeletions()).isEqualTo(1);
  }

  @Test
  void givesListedObjectsTheirKindAndVersion() {
    sim.server.put(A);
    runFor(10);

    Entry entry = Objects.requireNonNull(sim.store.view().entries().get(A));
    assertThat(new String(entry.json(), StandardCharsets.UTF_8))
        .startsWith("{\"kind\":\"Widget\",\"apiVersion\":\"v1\",\"metadata\":{\"name\":\"a\"")
        .doesNotContain("managedFields");
  }

  @Test
  @Tag("R4.1")
  void tellsItsListenerEachPhaseAndTheCauseOfEachStop() {
    at(10, sim.server::breakAll);
    runFor(20);

    assertThat(sim.events)
        .containsExactly(
            new FlowEvent.StateChanged("widgets", "listing", "new", "listing"),
            new FlowEvent.StateChanged("widgets", "handing-over", "listing", "handing-over"),
            new FlowEvent.StateChanged("widgets", "watching", "handing-over", "watching"),
            new FlowEvent.StateChanged("widgets", "reset", "watching", "backing-off"),
            new FlowEvent.StateChanged("widgets", "probing", "backing-off", "probing"),
            new FlowEvent.StateChanged("widgets", "watching", "probing", "watching"),
            new FlowEvent.StateChanged("widgets", "closed", "watching", "closed"));
    assertThat(sim.runner.record().now().recentStops().get(1).at())
        .isEqualTo(Instant.ofEpochSecond(10));
  }

  @Test
  void beginsAnewWhenATransportThrowsWhatItMustNot() {
    sim.server.throwNext();
    sim.server.put(A);
    runFor(30);

    theStoreEqualsTheServer();
    assertThat(sim.runner.record().now().recentStops())
        .anyMatch(stop -> stop.detail().startsWith("unexpected: "));
  }
}
