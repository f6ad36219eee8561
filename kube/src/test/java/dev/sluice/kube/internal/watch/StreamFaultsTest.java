package dev.sluice.kube.internal.watch;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.kube.ObjectKey;
import dev.sluice.kube.StopCause;
import dev.sluice.kube.internal.watch.SimServer.Canned;
import dev.sluice.modeltest.Seed;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What can be done to the bytes, the order and the clocks of a stream, everywhere it can be. */
@Tag("R1.3")
@Tag("R4.2")
class StreamFaultsTest {
  private static final ObjectKey A = ObjectKey.of("ns", "a");
  private static final ObjectKey B = ObjectKey.of("ns", "b");

  private static Sim sim(boolean streaming) {
    return new Sim(Seed.of("faults").random(), 0, false, streaming);
  }

  private static void run(Sim sim, long seconds, Consumer<SimServer> atTen) {
    sim.at(Duration.ofSeconds(10), () -> atTen.accept(sim.server));
    sim.run(Duration.ofSeconds(seconds));
    theStoreEqualsTheServer(sim);
  }

  private static void theStoreEqualsTheServer(Sim sim) {
    assertThat(sim.stored()).isEqualTo(sim.server.state());
    assertThat(sim.outlet.believed()).isEqualTo(sim.server.state());
  }

  /** How many bytes the stream below has received when nothing is cut. */
  private static int whole(boolean streaming, boolean sorted) {
    Sim sim = sim(streaming);
    sim.server.sorted = sorted;
    sim.server.put(A);
    run(sim, 30, server -> server.put(B));
    return (int) sim.runner.record().counts().bytes();
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void aWatchMayBeCutAtAnyByteOfAFrameAndTellsNothingTwice(boolean sorted) {
    for (int bytes = 0; bytes < whole(false, sorted); bytes++) {
      Sim sim = sim(false);
      sim.server.sorted = sorted;
      sim.server.put(A);
      sim.server.breakNextWatchAfter(bytes);
      run(
          sim,
          50,
          server -> {
            server.put(B);
            server.put(A);
          });
      assertThat(sim.runner.record().counts().lists()).as("cut after %d", bytes).isEqualTo(1);
      assertThat(sim.outlet.handedOver).as("cut after %d", bytes).isEqualTo(3);
      assertThat(sim.runner.record().counts().undecodable()).as("cut after %d", bytes).isZero();
    }
  }

  @Test
  void aStreamingListMayBeCutAtAnyByte() {
    for (int bytes = 0; bytes < whole(true, false); bytes++) {
      Sim sim = sim(true);
      sim.server.put(A);
      sim.server.breakNextWatchAfter(bytes);
      run(sim, 50, server -> server.put(B));
      assertThat(sim.outlet.handedOver).as("cut after %d", bytes).isEqualTo(2);
    }
  }

  @Test
  void aPageMayBeCutAtAnyByte() {
    for (int bytes = 0; bytes < whole(false, false); bytes++) {
      Sim sim = sim(false);
      sim.server.put(A);
      sim.server.cutAfter = bytes;
      run(sim, 50, server -> server.put(B));
      assertThat(sim.outlet.handedOver).as("cut after %d", bytes).isEqualTo(2);
    }
  }

  @Test
  void emptyLinesAreNothing() {
    Sim sim = sim(false);
    sim.server.put(A);
    run(
        sim,
        20,
        server -> {
          server.rawAll("\n\r\n\n");
          server.put(B);
          server.rawAll("\n");
        });
    assertThat(sim.runner.record().counts().undecodable()).isZero();
    assertThat(sim.server.watches).isEqualTo(1);
  }

  /** client-go believes it and hands it on. */
  @Test
  void anOlderVersionOfAnObjectIsNotBelieved() {
    Sim sim = sim(false);
    sim.server.put(A);
    sim.at(Duration.ofSeconds(11), () -> assertThat(sim.stored()).isEqualTo(sim.server.state()));
    run(
        sim,
        40,
        server -> {
          server.put(A);
          server.outdated(A);
        });
    assertThat(sim.outlet.handedOver).isEqualTo(2);
    assertThat(sim.stops(StopCause.VERSION_REGRESSED)).isEqualTo(1);
  }

  /** The official client's overflows after 64. */
  @Test
  void aBackoffStaysWithinItsBoundsHoweverOftenItFails() {
    Sim sim = sim(false);
    sim.server.put(A);
    for (int i = 0; i < 200; i++) {
      sim.server.failNextConnect();
    }
    run(sim, 200 * 31, server -> {});
    assertThat(sim.stops(StopCause.UNREACHABLE)).isEqualTo(200);
    assertThat(sim.runner.record().now().recentStops())
        .filteredOn(stop -> stop.cause() == StopCause.UNREACHABLE)
        .hasSizeGreaterThan(10)
        .allSatisfy(stop -> assertThat(millis(stop.next())).isBetween(14_000L, 30_000L));
  }

  private static long millis(String next) {
    String number = next.replaceAll(".* in (\\d+) (ms|s).*", "$1");
    return Long.parseLong(number) * (next.contains(" ms") ? 1 : 1000);
  }

  /** Only dates in headers and in the status are read from the wall clock. */
  @ParameterizedTest
  @ValueSource(longs = {-3650, -1, 1, 3650})
  void aWallClockMayJumpByDays(long days) {
    Sim sim = sim(false);
    sim.server.put(A);
    sim.at(Duration.ofSeconds(30), sim.server::breakAll);
    sim.at(Duration.ofSeconds(40), () -> sim.server.put(A));
    run(
        sim,
        200,
        server -> {
          sim.clockError = Duration.ofDays(days);
          server.answerNext(
              new Canned(
                  429, Map.of("retry-after", List.of("Thu, 01 Jan 1970 00:00:50 GMT")), "wait"));
          server.breakAll();
          server.put(B);
        });
    assertThat(sim.runner.record().counts().lists()).isEqualTo(1);
    assertThat(sim.stops(StopCause.IDLE)).isZero();
    assertThat(sim.runner.record().now().recentStops())
        .filteredOn(stop -> stop.cause() == StopCause.THROTTLED)
        .singleElement()
        .satisfies(stop -> assertThat(millis(stop.next())).isLessThan(70_000));
  }

  /** 404 while a CRD is away, 403 while a role is, 401 until a token is renewed. */
  @ParameterizedTest
  @ValueSource(ints = {401, 403, 404})
  void aRefusalThatLastsForAWhileCostsNoListOnceItIsOver(int status) {
    Sim sim = sim(false);
    sim.server.put(A);
    run(
        sim,
        120,
        server -> {
          for (int i = 0; i < 10; i++) {
            server.refuseNext(status, "");
          }
          server.endAll();
          server.put(B);
        });
    assertThat(sim.runner.record().counts().lists()).isEqualTo(1);
    assertThat(sim.outlet.handedOver).isEqualTo(2);
  }

  /** For client-go a watch that ends within a second without an event is a reason to list. */
  @Test
  void aWatchThatEndsAtOnceAgainAndAgainIsNoReasonToList() {
    Sim sim = sim(false);
    sim.server.put(A);
    for (int i = 0; i < 20; i++) {
      sim.at(Duration.ofMillis(10_000 + 700 * i), sim.server::endAll);
    }
    run(sim, 60, server -> server.put(B));
    assertThat(sim.runner.record().counts().lists()).isEqualTo(1);
    assertThat(sim.stops(StopCause.EOF)).isGreaterThan(5);
  }

  @Test
  void aVersionThatGoesBackwardsInABookmarkIsNoticed() {
    Sim sim = sim(false);
    sim.server.put(A);
    run(
        sim,
        60,
        server ->
            server.rawAll(
                "{\"type\":\"BOOKMARK\",\"object\":{\"metadata\":{\"resourceVersion\":\"7\"}}}\n"));
    assertThat(sim.stops(StopCause.VERSION_REGRESSED)).isEqualTo(1);
  }

  private static Stream<Throwable> anythingThrown() {
    // No memory is left for a frame; or a transport is written in a language without checked ones.
    return Stream.of(new OutOfMemoryError("made up"), new TimeoutException("made up"));
  }

  @ParameterizedTest
  @MethodSource("anythingThrown")
  void anErrorDoesNotEndTheStreamsThread(Throwable thrown) {
    Sim sim = sim(false);
    sim.server.put(A);
    run(
        sim,
        60,
        server -> {
          server.throwNext(thrown);
          server.breakAll();
          server.put(B);
        });
    assertThat(sim.runner.record().now().recentStops())
        .anyMatch(stop -> stop.detail().equals("unexpected: made up"));
  }

  /** And at a time when the stream has come to grief anyway. */
  @Test
  void aResponseThatThrowsWhenItIsClosedDoesNotEndTheStreamsThread() {
    Sim sim = sim(false);
    sim.server.put(A);
    sim.server.closingThrows = true;
    run(
        sim,
        60,
        server -> {
          server.throwNext(new StackOverflowError("made up"));
          server.silenceAll();
          server.endAll();
          server.breakAll();
          server.put(B);
        });
    assertThat(sim.stops(StopCause.RESET)).isPositive();
  }

  /** Whoever is called on the stream's thread may leave it interrupted; only its owner ends it. */
  @Test
  void anInterruptThatNobodyAskedForDoesNotEndTheStream() {
    Sim sim = sim(false);
    sim.server.put(A);
    sim.onEvent = () -> Thread.currentThread().interrupt();
    run(
        sim,
        100,
        server -> {
          server.breakAll();
          server.put(B);
          server.compact();
        });
    assertThat(sim.runner.record().counts().lists()).isEqualTo(2);
    assertThat(sim.stops(StopCause.CLOSED)).isEqualTo(1);
  }

  /** Bytes arrive, so it is not silent, and yet nothing is heard. */
  @Test
  void aLineWithoutAnEndIsCutOnceTheWatchShouldLongBeOver() {
    Sim sim = sim(false);
    sim.server.put(A);
    run(
        sim,
        1000,
        server -> {
          server.beginLineWithoutEnd();
          server.put(B);
        });
    assertThat(sim.runner.record().now().recentStops())
        .filteredOn(stop -> stop.cause() == StopCause.IDLE)
        .singleElement()
        .satisfies(stop -> assertThat(stop.detail()).startsWith("still open long after the "));
    assertThat(sim.runner.record().counts().lists()).isEqualTo(1);
  }

  /** The same uid and version before a restore and after it do not make it the same object. */
  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void anObjectThatIsEqualInNameOnlyAfterARestoreIsBroughtIn(boolean streaming) {
    Sim sim = sim(streaming);
    sim.server.put(A);
    sim.at(Duration.ofSeconds(20), () -> sim.server.fork(A));
    run(sim, 100, server -> server.put(B));
    assertThat(sim.stops(StopCause.VERSION_REGRESSED)).isEqualTo(1);
    assertThat(sim.runner.record().counts().modified()).isEqualTo(1);
  }

  /** Also while it is at the next attempt: JOSDK reports a watch that is dead as healthy. */
  @Test
  void aStreamThatHasFailedIsInTroubleUntilTheServerAnswersAsItShould() {
    Sim sim = sim(false);
    sim.server.put(A);
    List<Boolean> troubled = new ArrayList<>();
    sim.server.failNextConnect();
    sim.at(Duration.ofMillis(1), sim.server::hangNext);
    for (int i = 1; i < 80; i++) {
      sim.at(Duration.ofSeconds(i), () -> troubled.add(sim.runner.record().now().troubled()));
    }
    run(sim, 200, server -> {});
    assertThat(sim.runner.record().now().transitions())
        .containsKey("backing-off -> listing (listing)");
    assertThat(troubled).hasSize(79).doesNotContain(false);
    assertThat(sim.runner.record().now().troubled()).isFalse();
  }
}
