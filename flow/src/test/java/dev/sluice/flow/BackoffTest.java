package dev.sluice.flow;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import dev.sluice.flow.Backoff.Attempts;
import dev.sluice.flow.Backoff.Jitter;
import java.time.Duration;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

@Tag("R1.3")
class BackoffTest {
  private final VirtualTime time = new VirtualTime();
  private final SplittableRandom random = new SplittableRandom(1);

  private Attempts attempts(Backoff policy) {
    return policy.attempts(time, random);
  }

  @Test
  void growsByTheFactorUpToTheCap() {
    Attempts attempts = attempts(Backoff.exponential().with(Jitter.NONE));
    assertThat(attempts.nextDelay()).isEqualTo(Duration.ofMillis(100));
    assertThat(attempts.nextDelay()).isEqualTo(Duration.ofMillis(160));
    assertThat(attempts.nextDelay()).isEqualTo(Duration.ofMillis(256));
    for (int i = 0; i < 10; i++) {
      attempts.nextDelay();
    }
    assertThat(attempts.nextDelay()).isEqualTo(Duration.ofSeconds(30));
    assertThat(attempts.failures()).isEqualTo(14);
  }

  @Test
  void doesNotOverflowAfterAMillionFailures() {
    Attempts attempts =
        attempts(Backoff.exponential(Duration.ofMillis(5), 1e6, Duration.ofSeconds(1000)));
    for (int i = 0; i < 1_000_000; i++) {
      assertThat(attempts.nextDelay()).isBetween(Duration.ZERO, Duration.ofSeconds(1000));
    }
  }

  @ParameterizedTest
  @EnumSource(Jitter.class)
  void staysWithinTheRangeOfItsJitter(Jitter jitter) {
    Attempts attempts = attempts(Backoff.exponential().with(jitter));
    Attempts bare = attempts(Backoff.exponential().with(Jitter.NONE));
    long before = 0;
    for (int i = 0; i < 10_000; i++) {
      if (i % 20 == 0) {
        attempts.reset();
        bare.reset();
        before = 0;
      }
      long delay = attempts.nextDelay().toNanos();
      long exponential = bare.nextDelay().toNanos();
      long initial = 100_000_000L;
      long cap = 30_000_000_000L;
      switch (jitter) {
        case NONE -> assertThat(delay).isEqualTo(exponential);
        case FULL -> assertThat(delay).isBetween(0L, exponential);
        case EQUAL -> assertThat(delay).isBetween(exponential / 2, exponential);
        case DECORRELATED ->
            assertThat(delay).isBetween(initial, Math.min(cap, Math.max(initial, 3 * before)));
      }
      before = delay;
    }
  }

  @ParameterizedTest
  @EnumSource(
      value = Jitter.class,
      names = {"FULL", "EQUAL", "DECORRELATED"})
  void spreadsClientsThatBeganTogether(Jitter jitter) {
    long distinct =
        java.util.stream.IntStream.range(0, 100)
            .mapToObj(i -> {
              Attempts attempts = attempts(Backoff.exponential().with(jitter));
              attempts.nextDelay();
              return attempts.nextDelay();
            })
            .distinct()
            .count();
    assertThat(distinct).isGreaterThan(95);
  }

  @Test
  void beginsAnewAfterAHealthyPeriodOnly() {
    Attempts attempts = attempts(Backoff.exponential().with(Jitter.NONE));
    attempts.nextDelay();
    attempts.nextDelay();

    attempts.healthy();
    time.advance(Duration.ofSeconds(29));
    attempts.healthy();
    assertThat(attempts.nextDelay()).isEqualTo(Duration.ofMillis(256));

    attempts.healthy();
    time.advance(Duration.ofSeconds(30));
    assertThat(attempts.nextDelay()).isEqualTo(Duration.ofMillis(100));
  }

  @Test
  void aFailureEndsTheHealthyPeriod() {
    Attempts attempts = attempts(Backoff.exponential().with(Jitter.NONE));
    attempts.healthy();
    attempts.nextDelay();
    time.advance(Duration.ofHours(1));
    assertThat(attempts.nextDelay()).isEqualTo(Duration.ofMillis(160));
  }

  @Test
  void retryAfterIsALowerBoundPlusJitter() {
    for (int i = 0; i < 1000; i++) {
      Attempts attempts = attempts(Backoff.exponential());
      Duration delay = attempts.nextDelay(Duration.ofSeconds(4));
      assertThat(delay).isBetween(Duration.ofSeconds(4), Duration.ofMillis(4400));
      assertThat(attempts.cause()).isEqualTo("retry-after");
    }
  }

  @Test
  void retryAfterIsCappedVisibly() {
    Attempts attempts = attempts(Backoff.exponential().with(Jitter.NONE));
    assertThat(attempts.nextDelay(Duration.ofHours(1))).isEqualTo(Duration.ofSeconds(60));
    assertThat(attempts.cause()).isEqualTo("retry-after-capped");
    assertThat(attempts.nextDelay()).isEqualTo(Duration.ofMillis(160));
    assertThat(attempts.cause()).isEqualTo("backoff");
  }

  @Test
  void retryAfterDoesNotShortenTheBackoff() {
    Attempts attempts = attempts(Backoff.exponential().with(Jitter.NONE));
    for (int i = 0; i < 20; i++) {
      attempts.nextDelay();
    }
    assertThat(attempts.nextDelay(Duration.ofSeconds(1))).isEqualTo(Duration.ofSeconds(30));
    assertThat(attempts.cause()).isEqualTo("backoff");
  }

  @Test
  void refusesWhatMakesNoSense() {
    Backoff policy = Backoff.exponential();
    Duration second = Duration.ofSeconds(1);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Backoff.exponential(Duration.ZERO, 2, second))
        .withMessageContaining("initial")
        .withMessageContaining("PT0S");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Backoff.exponential(second, 0.5, second))
        .withMessageContaining("0.5");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Backoff.exponential(second, Double.NaN, second))
        .withMessageContaining("NaN");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Backoff.exponential(second, 2, Duration.ofMillis(1)))
        .withMessageContaining("PT0.001S");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Backoff.exponential(second, 2, Duration.ofDays(1000)))
        .withMessageContaining("366 days");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> policy.resetAfter(Duration.ofSeconds(-1)))
        .withMessageContaining("PT-1S");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> attempts(policy).nextDelay(Duration.ofSeconds(-1)))
        .withMessageContaining("retryAfter");
  }
}
