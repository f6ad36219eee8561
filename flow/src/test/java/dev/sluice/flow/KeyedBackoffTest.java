package dev.sluice.flow;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatNullPointerException;

import dev.sluice.flow.Backoff.Jitter;
import java.time.Duration;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

class KeyedBackoffTest {
  private static final Backoff POLICY =
      Backoff.exponential(Duration.ofMillis(5), 2, Duration.ofSeconds(10)).with(Jitter.NONE);

  private final VirtualTime time = new VirtualTime(Long.MAX_VALUE - 1_000_000);

  private KeyedBackoff<String> backoff(int maxKeys) {
    return KeyedBackoff.<String>builder(POLICY)
        .time(time)
        .random(new SplittableRandom(1))
        .maxKeys(maxKeys)
        .build();
  }

  @Test
  void countsEachKeyByItself() {
    KeyedBackoff<String> backoff = backoff(10);
    assertThat(backoff.nextDelay("a")).isEqualTo(Duration.ofMillis(5));
    assertThat(backoff.nextDelay("a")).isEqualTo(Duration.ofMillis(10));
    assertThat(backoff.nextDelay("b")).isEqualTo(Duration.ofMillis(5));
    assertThat(backoff.failures("a")).isEqualTo(2);
    assertThat(backoff.failures("c")).isZero();
  }

  @Test
  void aForgottenKeyStartsAnew() {
    KeyedBackoff<String> backoff = backoff(10);
    backoff.nextDelay("a");
    backoff.forget("a");
    backoff.forget("never seen");
    assertThat(backoff.nextDelay("a")).isEqualTo(Duration.ofMillis(5));
  }

  @Test
  void aLongAttemptDoesNotResetItsKey() {
    KeyedBackoff<String> backoff = backoff(10);
    for (int i = 0; i < 20; i++) {
      backoff.nextDelay("slow");
      time.advance(Duration.ofMinutes(30));
    }
    assertThat(backoff.nextDelay("slow")).isEqualTo(Duration.ofSeconds(10));
  }

  @Test
  void remembersNoMoreKeysThanAllowedAndDropsTheOneThatHasNotFailedForLongest() {
    KeyedBackoff<String> backoff = backoff(2);
    backoff.nextDelay("a");
    backoff.nextDelay("b");
    backoff.nextDelay("a");
    backoff.nextDelay("c");
    assertThat(backoff.size()).isEqualTo(2);
    assertThat(backoff.failures("a")).isEqualTo(2);
    assertThat(backoff.failures("b")).isZero();
  }

  @Test
  void forgetsKeysThatFailNoMore() {
    KeyedBackoff<String> backoff = backoff(1000);
    for (int i = 0; i < 1000; i++) {
      backoff.nextDelay("key " + i);
    }
    time.advance(Duration.ofHours(1).plusMillis(5));
    assertThat(backoff.size()).isZero();
  }

  @Test
  void believesTheServersRetryAfter() {
    assertThat(backoff(1).nextDelay("a", Duration.ofSeconds(4))).isEqualTo(Duration.ofSeconds(4));
  }

  @Test
  @Tag("R2.5")
  void theLongestOfSeveralDelaysCounts() {
    RateLimiter bucket = RateLimiter.builder().time(time).tokenBucket(Rate.perSecond(10), 2);
    RetryLimiter<String> retries = RetryLimiter.maxOf(backoff(10), RetryLimiter.overall(bucket));

    assertThat(retries.nextDelay("a")).isEqualTo(Duration.ofMillis(5));
    assertThat(retries.nextDelay("b")).isEqualTo(Duration.ofMillis(5));
    assertThat(retries.nextDelay("c")).isEqualTo(Duration.ofMillis(100));
    assertThat(retries.failures("a")).isEqualTo(1);
    retries.forget("a");
    assertThat(retries.failures("a")).isZero();
  }

  @Test
  @SuppressWarnings("NullAway")
  void refusesWhatMakesNoSense() {
    KeyedBackoff<String> backoff = backoff(1);
    assertThatNullPointerException().isThrownBy(() -> backoff.nextDelay(null)).withMessage("key");
    assertThatNullPointerException().isThrownBy(() -> backoff.forget(null)).withMessage("key");
    assertThatIllegalArgumentException().isThrownBy(() -> backoff(0)).withMessageContaining("0");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> KeyedBackoff.builder(POLICY).expireAfter(Duration.ofDays(400)))
        .withMessageContaining("366 days");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> RetryLimiter.<String>maxOf())
        .withMessageContaining("at least one");
  }
}
