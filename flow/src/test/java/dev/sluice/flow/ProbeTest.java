package dev.sluice.flow;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatNullPointerException;

import dev.sluice.flow.Probe.State;
import dev.sluice.flow.Probe.Verdict;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

@Tag("R3.2")
class ProbeTest {
  private final VirtualTime time = new VirtualTime(Long.MAX_VALUE - 1_000_000_000L);
  private final List<Long> begun = new ArrayList<>();
  private final List<CompletableFuture<?>> calls = new ArrayList<>();
  private final List<String> verdicts = new ArrayList<>();

  /** How long an answer takes, in ms; negative: fails after so long; MAX_VALUE: never. */
  private long answer;

  private Probe start() {
    return Probe.builder()
        .name("downstream")
        .time(time)
        .random(new SplittableRandom(1))
        .onVerdict(
            verdict -> verdicts.add(millis() + " " + verdict.state() + " " + verdict.cause()))
        .start(() -> {
          begun.add(millis());
          CompletableFuture<Object> call = new CompletableFuture<>();
          calls.add(call);
          if (answer < 0) {
            after(-answer, () -> call.completeExceptionally(new IOException("refused")));
          } else if (answer < Long.MAX_VALUE) {
            after(answer, () -> call.complete("pong"));
          }
          return call;
        });
  }

  private void after(long millis, Runnable task) {
    time.schedule(millis * 1_000_000, task);
  }

  private long millis() {
    return time.elapsed().toMillis();
  }

  @Test
  void probesOneAtATimeFiftyMillisecondsApart() {
    answer = 10;
    try (Probe probe = start()) {
      time.advance(Duration.ofMillis(180));
      assertThat(begun).containsExactly(0L, 50L, 100L, 150L);
      assertThat(probe.verdict().state()).isEqualTo(State.HEALTHY);
      assertThat(probe.verdict().roundTrip()).isEqualTo(Duration.ofMillis(10));
    }
  }

  @Test
  void anAnswerSlowerThanTheIntervalIsWaitedFor() {
    answer = 120;
    try (Probe probe = start()) {
      time.advance(Duration.ofMillis(250));
      assertThat(begun).containsExactly(0L, 120L, 240L);
    }
  }

  @Test
  void slowAnswersStretchTheIntervalAndFastOnesShrinkItAgain() {
    answer = 210;
    try (Probe probe = start()) {
      time.advance(Duration.ofMillis(210));
      assertThat(probe.interval()).isEqualTo(Duration.ofMillis(75));
      assertThat(probe.verdict().state()).isEqualTo(State.SLOW);
      time.advance(Duration.ofMinutes(2));
      assertThat(probe.interval()).isEqualTo(Duration.ofSeconds(5));
      answer = 5;
      time.advance(Duration.ofMillis(10_005));
      assertThat(probe.interval()).isBetween(Duration.ofMillis(500), Duration.ofMillis(3400));
      time.advance(Duration.ofMinutes(1));
      assertThat(probe.interval()).isEqualTo(Duration.ofMillis(50));
      assertThat(probe.verdict().state()).isEqualTo(State.HEALTHY);
    }
  }

  @Test
  void aFirstTimeOutIsRepeatedAtOnceAndFurtherOnesAfterABackoff() {
    answer = Long.MAX_VALUE;
    try (Probe probe = start()) {
      time.advance(Duration.ofMillis(300));
      assertThat(begun).containsExactly(0L, 300L);
      assertThat(calls.get(0)).as("cancelled at its time-out").isCancelled();
      assertThat(probe.verdict().state()).isEqualTo(State.FAILING);
      time.advance(Duration.ofMillis(300));
      assertThat(begun).hasSize(2);
      time.advance(Duration.ofMillis(50));
      assertThat(begun).hasSize(3);
      assertThat(begun.get(2)).isBetween(625L, 650L);
    }
  }

  @Test
  void threeFailuresInARowOpenTheCircuitForFiveSeconds() {
    answer = -1;
    try (Probe probe = start()) {
      time.advance(Duration.ofMillis(300));
      assertThat(begun).hasSize(3);
      assertThat(probe.verdict().state()).isEqualTo(State.OPEN);
      assertThat(probe.verdict().error()).isInstanceOf(IOException.class);
      long opened = Long.parseLong(verdicts.getLast().split(" ")[0]);

      time.advance(Duration.ofSeconds(5));
      assertThat(begun).hasSize(4);
      assertThat(begun.get(3) - opened).isEqualTo(5000);
      assertThat(verdicts.getLast()).endsWith("OPEN probe-failed");

      answer = 1;
      time.advance(Duration.ofMillis(5100));
      assertThat(probe.verdict().state()).isEqualTo(State.HEALTHY);
    }
  }

  @Test
  void failuresAreAtLeastFiftyMillisecondsApart() {
    answer = -1;
    try (Probe probe = start()) {
      time.advance(Duration.ofMillis(300));
      for (int i = 1; i < begun.size(); i++) {
        assertThat(begun.get(i) - begun.get(i - 1)).isGreaterThanOrEqualTo(50);
      }
    }
  }

  @Test
  void anAnswerAfterItsTimeOutIsNotTakenForTheNext() {
    answer = 310;
    try (Probe probe = start()) {
      time.advance(Duration.ofMillis(320));
      assertThat(probe.verdict().state()).isEqualTo(State.FAILING);
    }
  }

  @Test
  void closingCancelsTheProbeUnderWayAtOnce() {
    answer = Long.MAX_VALUE;
    Probe probe = start();
    probe.close();
    probe.close();
    assertThat(calls.getFirst()).isCancelled();
    assertThat(time.pending()).isZero();
    time.advance(Duration.ofMinutes(1));
    assertThat(begun).hasSize(1);
    assertThat(verdicts).isEmpty();
  }

  @Test
  void aCallThatThrowsAtOnceIsAFailure() {
    try (Probe probe =
        Probe.builder()
            .time(time)
            .start(() -> {
              throw new IllegalStateException("no connection");
            })) {
      time.advance(Duration.ofMillis(1));
      assertThat(probe.verdict().state()).isEqualTo(State.FAILING);
      assertThat(probe.verdict().error()).hasMessage("no connection");
    }
  }

  @Test
  void aVerdictThatIsTakenBadlyDoesNotStopTheProbe() {
    answer = 1;
    List<String> heard = new ArrayList<>();
    try (Probe probe =
        Probe.builder()
            .time(time)
            .onVerdict(verdict -> {
              heard.add(verdict.cause());
              throw new IllegalStateException("the hearer's own failure");
            })
            .start(() -> CompletableFuture.completedFuture("pong"))) {
      time.advance(Duration.ofMillis(100));
      assertThat(heard).hasSize(3);
    }
  }

  @Test
  void tellsAListenerWhenItsStateChanges() {
    List<String> changes = new ArrayList<>();
    answer = 1;
    try (Probe probe =
        Probe.builder()
            .time(time)
            .listener(event -> changes.add(event.toString()))
            .start(() ->
                answer > 0
                    ? CompletableFuture.completedFuture("pong")
                    : CompletableFuture.failedFuture(new IOException()))) {
      time.advance(Duration.ofMillis(100));
      answer = -1;
      time.advance(Duration.ofSeconds(1));
      assertThat(changes).hasSize(3);
      assertThat(changes.get(2)).contains("consecutive-failures", "failing", "open");
    }
  }

  @Test
  void aBlockingCallRunsOnAThreadThatIsInterruptedAtTheEnd() throws Exception {
    CountDownLatch waiting = new CountDownLatch(1);
    CountDownLatch interrupted = new CountDownLatch(1);
    Probe probe =
        Probe.builder()
            .start(
                Probe.blocking(() -> {
                  waiting.countDown();
                  try {
                    new CountDownLatch(1).await();
                  } catch (InterruptedException e) {
                    interrupted.countDown();
                  }
                  return null;
                }));
    assertThat(waiting.await(30, TimeUnit.SECONDS)).isTrue();
    probe.close();
    assertThat(interrupted.await(30, TimeUnit.SECONDS)).isTrue();
  }

  /** A probe whose calls are answered as {@link #start}'s, and that holds a gate. */
  private Probe startHolding(Gate<?> gate, Consumer<Verdict> onVerdict) {
    return Probe.builder()
        .name("downstream")
        .time(time)
        .random(new SplittableRandom(1))
        .holding(gate)
        .onVerdict(onVerdict)
        .start(() -> {
          CompletableFuture<Object> call = new CompletableFuture<>();
          if (answer < 0) {
            call.completeExceptionally(new IOException("refused"));
          } else {
            after(answer, () -> call.complete("pong"));
          }
          return call;
        });
  }

  @Test
  void holdsItsGateWhileTheCircuitIsOpen() {
    Gate<String> gate = Gate.<String>builder(Gate.Kind.PAUSE).capacity(2).time(time).build();
    answer = 1;
    try (Probe probe = startHolding(gate, verdict -> {})) {
      time.advance(Duration.ofMillis(100));
      gate.offer("a", Gate.Change.PUT, 1);
      assertThat(gate.poll()).as("while all is well").isNotNull();

      answer = -1;
      while (probe.verdict().state() != State.OPEN) {
        assertThat(gate.isHeld()).as("after " + probe.verdict()).isFalse();
        time.advanceToNext();
      }
      assertThat(gate.stats().heldBy()).containsExactly("downstream");
      gate.offer("a", Gate.Change.PUT, 1);
      gate.offer("b", Gate.Change.PUT, 1);
      assertThat(gate.poll()).isNull();
      assertThat(gate.offer("c", Gate.Change.PUT, 1))
          .as("the pressure reaches the stream")
          .isEqualTo(Gate.Offer.FULL);

      time.advance(Duration.ofSeconds(20));
      assertThat(gate.isHeld()).as("as long as each try fails").isTrue();
      assertThat(gate.stats().heldBy()).hasSize(1);

      answer = 250;
      time.advance(Duration.ofSeconds(6));
      assertThat(probe.verdict().state()).isEqualTo(State.SLOW);
      assertThat(gate.isHeld()).as("after an answer, though slow").isFalse();
      assertThat(gate.poll()).isEqualTo(new Gate.Delivery<>("a", Gate.Change.PUT, 1));
    }
  }

  @Test
  void setsLimitersBeforeItReleasesItsGate() {
    Gate<String> gate = Gate.coalesce();
    List<String> seen = new ArrayList<>();
    answer = -1;
    try (Probe probe =
        startHolding(
            gate,
            verdict -> seen.add(verdict.state() + (gate.isHeld() ? " held" : " delivering")))) {
      time.advance(Duration.ofSeconds(1));
      answer = 1;
      time.advance(Duration.ofMillis(4500));
      assertThat(seen)
          .startsWith("FAILING delivering", "FAILING delivering", "OPEN held", "HEALTHY held")
          .endsWith("HEALTHY delivering");
      assertThat(probe.verdict().state()).isEqualTo(State.HEALTHY);
    }
  }

  @Test
  void releasesItsGateWhenItIsClosed() {
    Gate<String> gate = Gate.block();
    answer = -1;
    Probe probe = startHolding(gate, verdict -> {});
    time.advance(Duration.ofSeconds(1));
    assertThat(gate.isHeld()).isTrue();
    probe.close();
    assertThat(gate.isHeld()).isFalse();
    time.advance(Duration.ofMinutes(1));
    assertThat(gate.isHeld()).isFalse();
  }

  @Test
  void aGateOnTheWayToTwoServicesWaitsForBoth() {
    Gate<String> gate = Gate.coalesce();
    answer = -1;
    Probe other = startHolding(gate, verdict -> {});
    try (Probe probe = startHolding(gate, verdict -> {})) {
      time.advance(Duration.ofSeconds(1));
      assertThat(gate.stats().heldBy()).containsExactly("downstream", "downstream");
      other.close();
      assertThat(gate.isHeld()).isTrue();
      answer = 1;
      time.advance(Duration.ofSeconds(5));
      assertThat(probe.verdict().state()).isEqualTo(State.HEALTHY);
      assertThat(gate.isHeld()).isFalse();
    }
  }

  @Test
  void releasesItsGateWhateverTheHearerOfItsVerdictsThrows() {
    Gate<String> gate = Gate.coalesce();
    answer = -1;
    try (Probe probe =
        startHolding(
            gate,
            verdict -> {
              throw new AssertionError("the hearer's own failure");
            })) {
      time.advance(Duration.ofSeconds(1));
      assertThat(gate.isHeld()).isTrue();
      answer = 1;
      time.advance(Duration.ofSeconds(5));
      assertThat(probe.verdict().state()).isEqualTo(State.HEALTHY);
      assertThat(gate.isHeld()).isFalse();
    }
  }

  @Test
  void refusesWhatMakesNoSense() {
    Probe.Builder builder = Probe.builder();
    assertThatIllegalArgumentException().isThrownBy(() -> builder.budget(Duration.ZERO));
    assertThatIllegalArgumentException().isThrownBy(() -> builder.interval(Duration.ofDays(400)));
    assertThatIllegalArgumentException().isThrownBy(() -> builder.stretch(0.9));
    assertThatIllegalArgumentException().isThrownBy(() -> builder.stretch(Double.NaN));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> builder.opensAfter(0, Duration.ofSeconds(1)));
    assertThatIllegalArgumentException().isThrownBy(() -> builder.opensAfter(1, Duration.ZERO));
  }

  @Test
  @SuppressWarnings("NullAway")
  void refusesNulls() {
    Probe.Builder builder = Probe.builder();
    assertThatNullPointerException().isThrownBy(() -> builder.name(null)).withMessage("name");
    assertThatNullPointerException().isThrownBy(() -> builder.holding(null)).withMessage("gate");
    assertThatNullPointerException().isThrownBy(() -> builder.onVerdict(null));
    assertThatNullPointerException().isThrownBy(() -> builder.start(null)).withMessage("call");
    assertThatNullPointerException().isThrownBy(() -> Probe.blocking(null)).withMessage("call");
  }

  @Test
  void aListenerThatThrowsDisturbsNeitherItNorItsGate() {
    FlowListener broken =
        event -> {
          throw new IllegalStateException("broken listener");
        };
    Gate<String> gate =
        Gate.<String>builder(Gate.Kind.COALESCE).time(time).listener(broken).build();
    try (Probe probe =
        Probe.builder()
            .time(time)
            .listener(broken)
            .holding(gate)
            .start(() ->
                answer < 0
                    ? CompletableFuture.failedFuture(new IOException("refused"))
                    : CompletableFuture.completedFuture("pong"))) {
      answer = -1;
      time.advance(Duration.ofSeconds(1));
      assertThat(gate.isHeld()).isTrue();
      answer = 1;
      time.advance(Duration.ofSeconds(5));
      assertThat(gate.isHeld()).isFalse();
      assertThat(probe.verdict().state()).isEqualTo(State.HEALTHY);
    }
  }
}
