package dev.sluice.bench;

import com.google.common.util.concurrent.RateLimiter;
import dev.sluice.flow.Rate;
import io.github.bucket4j.Bucket;
import io.github.bucket4j.TimeMeter;
import io.github.bucket4j.local.LocalBucketBuilder;
import io.github.resilience4j.ratelimiter.RateLimiterConfig;
import java.time.Duration;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;

/**
 * Asks a limiter for one permit without waiting, again and again, as fast as it goes.
 *
 * <p>Granted: at a rate of 10^9 a second, so that a permit is always there. Refused: at one a day,
 * with an empty bucket. Each answer is checked to be the one that is meant, for the two cost
 * differently.
 *
 * <p>The peers are set up as their users do, with the same rate and burst where they have both:
 * Guava with {@code RateLimiter.create}; Resilience4j's default limiter with a period of 1 ms,
 * which is its kind of burst; Bucket4j's local bucket with its default, lock-free strategy, on its
 * default clock, which is {@code currentTimeMillis}, and on {@code nanoTime}.
 */
@State(Scope.Benchmark)
public abstract class Tries {
  private static final long BURST = 1_000_000;

  private final boolean granted;
  private final dev.sluice.flow.RateLimiter sluice;
  private final RateLimiter guava;
  private final io.github.resilience4j.ratelimiter.RateLimiter resilience4j;
  private final Bucket bucket4j;
  private final Bucket bucket4jNanos;

  Tries(boolean granted) {
    this.granted = granted;
    sluice = sluice(granted);
    guava = guava(granted);
    resilience4j = resilience4j(granted);
    bucket4j = bucket4j(granted, TimeMeter.SYSTEM_MILLISECONDS);
    bucket4jNanos = bucket4j(granted, TimeMeter.SYSTEM_NANOTIME);
  }

  static dev.sluice.flow.RateLimiter sluice(boolean granted) {
    if (granted) {
      return dev.sluice.flow.RateLimiter.tokenBucket(Rate.perSecond(1e9), BURST);
    }
    return dev.sluice.flow.RateLimiter.builder()
        .startEmpty()
        .tokenBucket(Rate.of(1, Duration.ofDays(1)), BURST);
  }

  static RateLimiter guava(boolean granted) {
    return RateLimiter.create(granted ? 1e9 : 1.0 / 86_400);
  }

  static io.github.resilience4j.ratelimiter.RateLimiter resilience4j(boolean granted) {
    return io.github.resilience4j.ratelimiter.RateLimiter.of(
        "bench",
        RateLimiterConfig.custom()
            .limitForPeriod(granted ? 1_000_000 : 1)
            .limitRefreshPeriod(granted ? Duration.ofMillis(1) : Duration.ofDays(1))
            .timeoutDuration(Duration.ZERO)
            .build());
  }

  static Bucket bucket4j(boolean granted, TimeMeter clock) {
    LocalBucketBuilder builder = Bucket.builder().withCustomTimePrecision(clock);
    return granted
        ? builder
            .addLimit(
                limit -> limit.capacity(BURST).refillGreedy(1_000_000_000, Duration.ofSeconds(1)))
            .build()
        : builder
            .addLimit(
                limit -> limit.capacity(BURST).refillGreedy(1, Duration.ofDays(1)).initialTokens(0))
            .build();
  }

  /** Those that can't start empty are emptied. */
  @Setup
  public void empty() {
    if (!granted) {
      boolean guavaHad = guava.tryAcquire();
      boolean resilience4jHad = resilience4j.acquirePermission();
      if (!guavaHad || !resilience4jHad) {
        throw new AssertionError("a new limiter has a permit");
      }
    }
  }

  private boolean check(boolean answer) {
    if (answer != granted) {
      throw new AssertionError(answer ? "granted from an empty bucket" : "refused at 10^9/s");
    }
    return answer;
  }

  @Benchmark
  @Contender("sluice")
  public boolean sluice() {
    return check(sluice.tryAcquire());
  }

  @Benchmark
  @Contender(value = "Guava", from = RateLimiter.class)
  public boolean guava() {
    return check(guava.tryAcquire());
  }

  @Benchmark
  @Contender(value = "Resilience4j", from = io.github.resilience4j.ratelimiter.RateLimiter.class)
  public boolean resilience4j() {
    return check(resilience4j.acquirePermission());
  }

  @Benchmark
  @Contender(value = "Bucket4j, millisecond clock", from = Bucket.class)
  public boolean bucket4j() {
    return check(bucket4j.tryConsume(1));
  }

  @Benchmark
  @Contender(value = "Bucket4j, nanosecond clock", from = Bucket.class)
  public boolean bucket4jNanos() {
    return check(bucket4jNanos.tryConsume(1));
  }
}
