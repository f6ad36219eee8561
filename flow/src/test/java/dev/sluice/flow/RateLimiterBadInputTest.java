package dev.sluice.flow;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatNullPointerException;

import java.time.Duration;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** A clear exception that names the value, and nothing lost. */
class RateLimiterBadInputTest {
  private static final Rate RATE = Rate.perSecond(10);

  @ParameterizedTest
  @ValueSource(
      doubles = {0, -1, -0.0, Double.NaN, Double.POSITIVE_INFINITY, Double.NEGATIVE_INFINITY})
  void refusesARateThatIsNone(double permits) {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Rate.perSecond(permits))
        .withMessageContaining("positive, finite")
        .withMessageContaining(String.valueOf(permits));
  }

  @Test
  void refusesAPeriodThatIsNone() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Rate.of(1, Duration.ZERO))
        .withMessageContaining("PT0S");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Rate.of(1, Duration.ofSeconds(-3)))
        .withMessageContaining("PT-3S");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Rate.of(1, Duration.ofSeconds(Long.MAX_VALUE)))
        .withMessageContaining("292 years");
  }

  @Test
  void refusesARateThatNoLimiterCanHave() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> RateLimiter.tokenBucket(Rate.perSecond(2e9), 1))
        .withMessageContaining("10^9 a second")
        .withMessageContaining("2.0E9");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> RateLimiter.tokenBucket(Rate.of(1e-3, Duration.ofDays(365 * 100)), 1))
        .withMessageContaining("292 years");
  }

  @ParameterizedTest
  @ValueSource(longs = {0, -1, Long.MIN_VALUE, Long.MAX_VALUE})
  void refusesABurstThatIsNone(long burst) {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> RateLimiter.tokenBucket(RATE, burst))
        .withMessageContaining(String.valueOf(burst));
    RateLimiter limiter = RateLimiter.tokenBucket(RATE, 3);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> limiter.setBurst(burst))
        .withMessageContaining(String.valueOf(burst));
    assertThat(limiter.burst()).as("it goes on as it was").isEqualTo(3);
    assertThat(limiter.tryAcquire(3)).isTrue();
  }

  static Stream<RateLimiter> kinds() {
    RateLimiter.Builder builder = RateLimiter.builder().name("it").time(new VirtualTime());
    return Stream.of(
        builder.tokenBucket(RATE, 5),
        builder.leakyBucketPolicer(RATE, 5),
        RateLimiter.allOf(builder.tokenBucket(RATE, 5), builder.tokenBucket(RATE, 7)),
        builder.budget(RATE, 5));
  }

  @ParameterizedTest
  @MethodSource("kinds")
  void refusesPermitsThatCanNeverBeHad(RateLimiter limiter) {
    for (long permits : new long[] {0, -1, 6, Long.MIN_VALUE, Long.MAX_VALUE}) {
      String value = String.valueOf(permits);
      assertThatIllegalArgumentException()
          .isThrownBy(() -> limiter.tryAcquire(permits))
          .withMessageContaining(value);
      assertThatIllegalArgumentException()
          .isThrownBy(() -> limiter.acquire(permits))
          .withMessageContaining(value);
      assertThatIllegalArgumentException()
          .isThrownBy(() -> limiter.acquire(permits, Duration.ofSeconds(1)))
          .withMessageContaining(value);
      assertThatIllegalArgumentException()
          .isThrownBy(() -> limiter.acquireAsync(permits))
          .withMessageContaining(value);
      assertThatIllegalArgumentException()
          .isThrownBy(() -> limiter.reserve(permits))
          .withMessageContaining(value);
    }
    assertThat(limiter.tryAcquire(5)).as("nothing was lost").isTrue();
  }

  @ParameterizedTest
  @MethodSource("kinds")
  void refusesANegativeTimeOutEvenWhenPermitsAreThere(RateLimiter limiter) {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> limiter.acquire(1, Duration.ofMillis(-5)))
        .withMessageContaining("PT-0.005S");
    assertThat(limiter.tryAcquire(5)).isTrue();
  }

  @Test
  void waitsAtMostForEverWithTheLongestTimeOutThereIs() throws Exception {
    RateLimiter limiter = RateLimiter.builder().time(new VirtualTime()).tokenBucket(RATE, 1);

    assertThat(limiter.acquire(1, Duration.ofSeconds(Long.MAX_VALUE))).isTrue();
  }

  @Test
  void refusesNulls() {
    assertThatNullPointerException().isThrownBy(() -> RateLimiter.builder().name(none()));
    assertThatNullPointerException().isThrownBy(() -> RateLimiter.builder().time(none()));
    assertThatNullPointerException().isThrownBy(() -> RateLimiter.builder().listener(none()));
    KeyedRateLimiter<String> keyed = KeyedRateLimiter.tokenBucket(RATE, 5);
    assertThatNullPointerException().isThrownBy(() -> keyed.tryAcquire(none()));
    assertThat(keyed.keys()).isZero();
  }

  @SuppressWarnings({"NullAway", "TypeParameterUnusedInFormals"})
  private static <T> T none() {
    return null;
  }
}
