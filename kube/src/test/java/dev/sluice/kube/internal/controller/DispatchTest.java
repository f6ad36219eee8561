package dev.sluice.kube.internal.controller;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.flow.AdaptiveLimit;
import dev.sluice.flow.FlowListener;
import dev.sluice.flow.RateLimiter;
import dev.sluice.flow.VirtualTime;
import dev.sluice.kube.Limits;
import java.time.Duration;
import java.time.Instant;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

@Tag("R1.1")
class DispatchTest {
  private final VirtualTime time = new VirtualTime();
  private final Dispatch dispatch = adaptive(Limits.standard());
  private final RateLimiter limiter = dispatch.limiter().orElseThrow();

  private Dispatch adaptive(AdaptiveLimit.Builder limit) {
    return Dispatch.adaptive(
        limit, "test", time, () -> Instant.EPOCH.plus(time.elapsed()), FlowListener.NONE);
  }

  /** Reconciles as many keys as the limiter lets go, for a time. */
  private long work(Duration duration, double refused) {
    long done = 0;
    long end = time.nanoTime() + duration.toNanos();
    double share = 0;
    while (time.nanoTime() < end) {
      time.advanceNanos(1_000_000);
      while (limiter.tryAcquire()) {
        done++;
        share += refused;
        if (share >= 1) {
          share--;
          dispatch.refused(Duration.ZERO);
        } else {
          dispatch.answered(Duration.ofMillis(1));
        }
      }
    }
    return done;
  }

  @Test
  void leavesTheFirstListToTheWorkers() {
    assertThat(work(Duration.ofSeconds(1), 0)).isGreaterThan(15_000);
    assertThat(dispatch.status().mode()).isEqualTo("first-list");
  }

  @Test
  void learnsNothingFromTheFirstList() {
    work(Duration.ofSeconds(1), 0.5);
    dispatch.begin();
    assertThat(dispatch.status().perSecond()).isEqualTo(100);
  }

  @Test
  void goesDownAsLongAsOverloadIsMetAndUpAgainWhenItIsOver() {
    dispatch.begin();
    work(Duration.ofSeconds(10), 0.5);
    double low = dispatch.status().perSecond();
    assertThat(low).isLessThan(20);
    assertThat(dispatch.status().cause()).isEqualTo("refused");
    assertThat(dispatch.status().because()).contains("refused");
    work(Duration.ofSeconds(40), 0);
    assertThat(dispatch.status().perSecond()).isGreaterThan(100);
  }

  @Test
  void neverGoesBeyondItsBounds() {
    Dispatch bounded = adaptive(Limits.standard().ceiling(120));
    bounded.begin();
    RateLimiter its = bounded.limiter().orElseThrow();
    for (int i = 0; i < 10_000; i++) {
      time.advanceNanos(1_000_000);
      while (its.tryAcquire()) {
        bounded.answered(Duration.ofMillis(1));
      }
    }
    assertThat(bounded.status().perSecond()).isBetween(50.0, 120.0);
  }

  @Test
  void refusesALimitOfConcurrency() {
    assertThatThrownBy(() -> adaptive(AdaptiveLimit.concurrency(10)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("can't drive the rate");
  }
}
