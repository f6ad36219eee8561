package dev.sluice.flow;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

@Tag("R2.1")
class WarmUpLimiterTest {
  private final VirtualTime time = new VirtualTime(Long.MAX_VALUE - 1_000_000_000L);

  private RateLimiter limiter(double perSecond, Duration warmUp) {
    return RateLimiter.builder().time(time).warmingUp(Rate.perSecond(perSecond), warmUp);
  }

  /** Takes all it can for so long. */
  private int granted(RateLimiter limiter, Duration howLong) {
    int granted = 0;
    Duration end = time.elapsed().plus(howLong);
    while (time.elapsed().compareTo(end) < 0) {
      CompletableFuture<?> turn = limiter.acquireAsync();
      while (!turn.isDone()) {
        time.advanceToNext();
      }
      granted++;
    }
    return granted;
  }

  @Test
  void startsColdAtAThirdOfTheRate() {
    RateLimiter limiter = limiter(100, Duration.ofSeconds(10));
    assertThat(limiter.reserve().delay()).isZero();
    assertThat(limiter.reserve().delay().toNanos()).isCloseTo(30_000_000L, within(100_000L));
  }

  @Test
  void isWarmAfterTheWarmUpPeriodOfFullDemand() {
    RateLimiter limiter = limiter(100, Duration.ofSeconds(10));
    // Half of the coldness is used up at twice the gap on average: 500 permits in 10 s.
    assertThat(granted(limiter, Duration.ofSeconds(10))).isCloseTo(500, within(2));
    assertThat(granted(limiter, Duration.ofSeconds(10))).isCloseTo(1000, within(2));
  }

  @Test
  void holdsAHighRateWithinATenthOfAPercent() {
    RateLimiter limiter = limiter(3e7, Duration.ofMillis(1));
    granted(limiter, Duration.ofMillis(2));
    assertThat(granted(limiter, Duration.ofMillis(10))).isCloseTo(300_000, within(30));
  }

  @Test
  void becomesColdAgainInAPause() {
    RateLimiter limiter = limiter(100, Duration.ofSeconds(10));
    granted(limiter, Duration.ofSeconds(20));
    time.advance(Duration.ofSeconds(20));
    assertThat(granted(limiter, Duration.ofSeconds(1))).isBetween(33, 37);
  }

  @Test
  void aWarmOneStaysWarmWhenItsRateChanges() {
    RateLimiter limiter = limiter(100, Duration.ofSeconds(10));
    granted(limiter, Duration.ofSeconds(20));
    limiter.setRate(Rate.perSecond(1000));
    assertThat(granted(limiter, Duration.ofSeconds(1))).isCloseTo(1000, within(2));
  }

  @Test
  void aReservationGivenBackLeavesItAsItWas() {
    RateLimiter limiter = limiter(100, Duration.ofSeconds(10));
    limiter.reserve();
    RateLimiter.Reservation unused = limiter.reserve(50);
    Duration before = unused.delay();
    unused.cancel();
    assertThat(limiter.reserve().delay().toNanos()).isCloseTo(before.toNanos(), within(1L));
  }

  @Test
  void refusesWhatMakesNoSense() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> limiter(100, Duration.ZERO))
        .withMessageContaining("PT0S");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> limiter(1e10, Duration.ofSeconds(1)))
        .withMessageContaining("10^9");
    assertThatExceptionOfType(UnsupportedOperationException.class)
        .isThrownBy(() -> limiter(1, Duration.ofSeconds(1)).setBurst(3));
  }
}
