package dev.sluice.flow;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

@Tag("R2.2")
class PacerTest {
  private final VirtualTime time = new VirtualTime(Long.MAX_VALUE - 1_000_000_000L);

  private Pacer pacer(double perSecond, int slack) {
    return Pacer.builder().time(time).slack(slack).build(Rate.perSecond(perSecond));
  }

  private long millis() {
    return time.elapsed().toMillis();
  }

  @Test
  void ticksFirstAfterOneGapAndThenEvenly() {
    Pacer pacer = pacer(10, 1);
    List<Long> ticks = new ArrayList<>();
    for (int i = 0; i < 3; i++) {
      pacer.nextTick().thenRun(() -> ticks.add(millis()));
    }
    time.advance(Duration.ofSeconds(1));
    assertThat(ticks).containsExactly(100L, 200L, 300L);
    assertThat(time.pending()).as("no timer without somebody who waits").isZero();
  }

  @Test
  void keepsOneTickForWhoComesLateAndStaysInStep() {
    Pacer pacer = pacer(10, 1);
    time.advance(Duration.ofMillis(550));
    assertThat(pacer.tryTick()).isTrue();
    assertThat(pacer.tryTick()).isFalse();
    assertThat(pacer.missed()).isEqualTo(4);
    time.advance(Duration.ofMillis(50));
    assertThat(pacer.tryTick()).as("the grid has not moved").isTrue();
  }

  @Test
  void keepsAsManyAsItsSlack() {
    Pacer pacer = pacer(10, 3);
    time.advance(Duration.ofMillis(550));
    assertThat(pacer.tryTick()).isTrue();
    assertThat(pacer.tryTick()).isTrue();
    assertThat(pacer.tryTick()).isTrue();
    assertThat(pacer.tryTick()).isFalse();
    assertThat(pacer.missed()).isEqualTo(2);
  }

  @Test
  void withoutSlackATickIsForWhoWaitsForIt() {
    Pacer pacer = pacer(10, 0);
    time.advance(Duration.ofMillis(500));
    assertThat(pacer.tryTick()).isFalse();
    CompletableFuture<?> tick = pacer.nextTick();
    time.advance(Duration.ofMillis(100));
    assertThat(tick).isCompleted();
  }

  @Test
  void doesNotDriftInAYear() {
    Pacer pacer = pacer(3, 1);
    time.advance(Duration.ofDays(365).plusMillis(1));
    assertThat(pacer.tryTick()).isTrue();
    CompletableFuture<Duration> next = pacer.nextTick().thenApply(done -> time.elapsed());
    time.advance(Duration.ofSeconds(1));
    assertThat(next.join())
        .isCloseTo(Duration.ofDays(365).plusNanos(333_333_334), Duration.ofNanos(10));
  }

  @Test
  void runsATaskAtEveryTickUntilStopped() {
    Pacer pacer = pacer(10, 1);
    List<Long> runs = new ArrayList<>();
    TimeSource.Timer timer = pacer.each(() -> runs.add(millis()));
    time.advance(Duration.ofMillis(350));
    assertThat(timer.cancel()).isTrue();
    time.advance(Duration.ofSeconds(10));
    assertThat(runs).containsExactly(100L, 200L, 300L);
    assertThat(time.pending()).isZero();
    assertThat(timer.cancel()).isFalse();
  }

  @Test
  void aTaskThatTakesLongerThanAGapGoesOnAtTheTickThatWasKept() {
    Pacer pacer = pacer(10, 1);
    List<Long> runs = new ArrayList<>();
    pacer.each(() -> {
      runs.add(millis());
      if (runs.size() == 1) {
        time.advanceNanos(250_000_000);
      }
    });
    time.advance(Duration.ofMillis(100));
    time.advance(Duration.ofMillis(150));
    assertThat(runs).containsExactly(100L, 350L, 400L, 500L);
  }

  @Test
  void aTaskThatThrowsRunsAgain() {
    Pacer pacer = pacer(10, 1);
    AtomicInteger runs = new AtomicInteger();
    pacer.each(() -> {
      runs.incrementAndGet();
      throw new IllegalStateException("the task's own failure");
    });
    time.advance(Duration.ofMillis(300));
    assertThat(runs).hasValue(3);
  }

  @Test
  void aChangedRateCountsThePartOfTheGapThatHasGone() {
    Pacer pacer = pacer(1, 1);
    CompletableFuture<Long> tick = pacer.nextTick().thenApply(done -> millis());
    time.advance(Duration.ofMillis(500));
    pacer.setRate(Rate.perSecond(10));
    time.advance(Duration.ofMillis(200));
    assertThat(tick).isCompletedWithValue(550L);
    assertThat(pacer.tryTick()).isTrue();
  }

  @Test
  void pacesAThread() throws Exception {
    Pacer pacer = Pacer.of(Rate.perSecond(1000));
    long start = System.nanoTime();
    for (int i = 0; i < 50; i++) {
      pacer.awaitTick();
    }
    assertThat(System.nanoTime() - start).isGreaterThanOrEqualTo(49_000_000L);
    assertThat(Pacer.of(Rate.perMinute(1)).awaitTick(Duration.ofSeconds(1))).isFalse();
  }

  @Test
  void refusesWhatMakesNoSense() {
    assertThatIllegalArgumentException().isThrownBy(() -> pacer(1, -1)).withMessageContaining("-1");
    assertThatIllegalArgumentException().isThrownBy(() -> pacer(1e10, 1));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> pacer(1, 1).awaitTick(Duration.ofSeconds(-1)));
  }
}
