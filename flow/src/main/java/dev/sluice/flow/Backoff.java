package dev.sluice.flow;

import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.ThreadLocalRandom;
import java.util.random.RandomGenerator;

/**
 * How long to wait after the first, second, third ... failure: exponentially longer, with jitter,
 * up to a cap; and from the start again after a healthy period.
 *
 * <pre>{@code
 * Backoff.Attempts attempts = Backoff.exponential().attempts();
 * while (true) {
 *   try (Stream stream = connect()) {
 *     attempts.healthy();                    // starts the healthy period
 *     stream.readUntilItEnds();
 *   } catch (IOException e) {
 *     Thread.sleep(attempts.nextDelay());
 *   }
 * }
 * }</pre>
 *
 * <p>Without jitter, clients cut off at one moment come back at one moment, again and again. The
 * kinds of jitter are those of M. Brooker, "Exponential Backoff and Jitter" (AWS Architecture Blog,
 * 2015).
 *
 * <p>A policy is immutable and may be shared; the {@link Attempts} made from it count for one use.
 *
 * @param initial the first delay before jitter, longer than zero. 100 ms by default
 * @param factor by how much each delay exceeds the one before, at least 1. 1.6 by default
 * @param cap the longest delay, jitter included, from {@code initial} to 366 days. 30 s by default
 * @param jitter how delays are spread. {@link Jitter#EQUAL} by default
 * @param resetAfter for how long things must have gone well until the next failure counts as the
 *     first; zero resets at the first sign of health. 30 s by default
 * @param retryAfterCap the longest {@code Retry-After} of a server that is believed; its part above
 *     is dropped, and {@link Attempts#cause()} says so. 366 days at most, 60 s by default
 */
@Experimental
public record Backoff(
    Duration initial,
    double factor,
    Duration cap,
    Jitter jitter,
    Duration resetAfter,
    Duration retryAfterCap) {

  private static final Backoff DEFAULT =
      new Backoff(
          Duration.ofMillis(100),
          1.6,
          Duration.ofSeconds(30),
          Jitter.EQUAL,
          Duration.ofSeconds(30),
          Duration.ofSeconds(60));

  /** How a delay <i>d</i> is spread. */
  @Experimental
  public enum Jitter {
    /** Not at all: <i>d</i>. For a single client, and for tests. */
    NONE,
    /** Evenly over 0 to <i>d</i>: the least load on the server, sometimes hardly a delay. */
    FULL,
    /** Evenly over <i>d</i>/2 to <i>d</i>: never less than half. */
    EQUAL,
    /**
     * Evenly over {@code initial} to three times the delay before, whatever the factor: spreads
     * clients that began together soonest.
     */
    DECORRELATED
  }

  /**
   * @throws IllegalArgumentException if a value is out of the range given above
   */
  public Backoff {
    Objects.requireNonNull(jitter, "jitter");
    Durations.positiveNanos("initial", initial);
    Durations.nanos("resetAfter", resetAfter);
    Durations.atMostAYear("cap", cap);
    Durations.atMostAYear("retryAfterCap", retryAfterCap);
    if (!(factor >= 1) || Double.isInfinite(factor)) {
      throw new IllegalArgumentException(
          "factor must be a finite number of at least 1, but is " + factor);
    }
    if (cap.compareTo(initial) < 0) {
      throw new IllegalArgumentException(
          "cap must be at least the initial delay of " + initial + ", but is " + cap);
    }
  }

  /** 100 ms x 1.6 up to 30 s, equal jitter, reset after 30 healthy seconds. */
  public static Backoff exponential() {
    return DEFAULT;
  }

  /** From {@code initial} up to {@code cap}, the rest as {@link #exponential()}. */
  public static Backoff exponential(Duration initial, double factor, Duration cap) {
    return new Backoff(
        initial, factor, cap, DEFAULT.jitter, DEFAULT.resetAfter, DEFAULT.retryAfterCap);
  }

  /** The same with another jitter. */
  public Backoff with(Jitter newJitter) {
    return new Backoff(initial, factor, cap, newJitter, resetAfter, retryAfterCap);
  }

  /** The same with another healthy period. */
  public Backoff resetAfter(Duration healthyPeriod) {
    return new Backoff(initial, factor, cap, jitter, healthyPeriod, retryAfterCap);
  }

  /** The same with another limit to what a server may ask for. */
  public Backoff retryAfterCap(Duration longest) {
    return new Backoff(initial, factor, cap, jitter, resetAfter, longest);
  }

  /** Begins to count, with the system's time and randomness. */
  public Attempts attempts() {
    return attempts(TimeSource.system(), () -> ThreadLocalRandom.current().nextLong());
  }

  /**
   * Begins to count.
   *
   * @param time tells how long the healthy period has lasted
   * @param random where the jitter comes from
   */
  public Attempts attempts(TimeSource time, RandomGenerator random) {
    return new Attempts(this, time, random);
  }

  /**
   * The delay before jitter that follows on another.
   *
   * @param beforeNanos the delay before jitter of the last failure, or zero for the first
   */
  long growNanos(long beforeNanos) {
    if (beforeNanos == 0) {
      return initial.toNanos();
    }
    double next = beforeNanos * factor;
    long most = cap.toNanos();
    return next >= most ? most : (long) next;
  }

  /**
   * Spreads a delay.
   *
   * @param nanos the delay before jitter
   * @param beforeNanos the delay that was given last, or zero for the first
   */
  long spreadNanos(long nanos, long beforeNanos, RandomGenerator random) {
    return switch (jitter) {
      case NONE -> nanos;
      case FULL -> random.nextLong(nanos + 1);
      case EQUAL -> nanos - random.nextLong(nanos / 2 + 1);
      case DECORRELATED -> {
        long least = initial.toNanos();
        long most = cap.toNanos();
        long upper = beforeNanos > most / 3 ? most : Math.max(least, 3 * beforeNanos);
        yield least + random.nextLong(Math.max(1, upper - least + 1));
      }
    };
  }

  /** Counts the failures of one use, a connection for example. Owned by one thread. */
  @Experimental
  public static final class Attempts {
    private final Backoff policy;
    private final TimeSource time;
    private final RandomGenerator random;
    private int failures;
    private long undisturbed; // the last delay before jitter
    private long given; // the last delay
    private boolean isHealthy;
    private long healthySince;
    private String cause = "none";

    private Attempts(Backoff policy, TimeSource time, RandomGenerator random) {
      this.policy = policy;
      this.time = Objects.requireNonNull(time, "time");
      this.random = Objects.requireNonNull(random, "random");
    }

    /** After a failure: how long to wait until the next attempt. */
    public Duration nextDelay() {
      return Duration.ofNanos(next());
    }

    /**
     * After a failure with which the server said how long to stay away. Its word is a lower bound:
     * the delay is at least that, and spread above it by up to a tenth (at least the initial
     * delay), so that not all whom it told the same come back at once. What exceeds {@link
     * Backoff#retryAfterCap()} is not believed.
     *
     * @param retryAfter zero or more
     * @throws IllegalArgumentException if it is negative
     */
    public Duration nextDelay(Duration retryAfter) {
      long asked = Durations.nanos("retryAfter", retryAfter);
      long believed = Math.min(asked, policy.retryAfterCap.toNanos());
      long own = next();
      long spread = Math.max(policy.initial.toNanos(), believed / 10);
      long least = believed + (policy.jitter == Jitter.NONE ? 0 : random.nextLong(spread + 1));
      if (asked > 0 && least >= own) {
        cause = asked > believed ? "retry-after-capped" : "retry-after";
      }
      return Duration.ofNanos(Math.max(own, least));
    }

    private long next() {
      if (isHealthy
          && time.nanoTime() - healthySince >= Durations.nanos("resetAfter", policy.resetAfter)) {
        reset();
      }
      isHealthy = false;
      failures = failures == Integer.MAX_VALUE ? failures : failures + 1;
      undisturbed = policy.growNanos(undisturbed);
      given = policy.spreadNanos(undisturbed, given, random);
      cause = "backoff";
      return given;
    }

    /**
     * Things go well. The first call after a failure begins the healthy period; more calls do not
     * begin it anew.
     */
    public void healthy() {
      if (!isHealthy) {
        isHealthy = true;
        healthySince = time.nanoTime();
      }
    }

    /** Forgets all failures. */
    public void reset() {
      failures = 0;
      undisturbed = 0;
      given = 0;
      isHealthy = false;
      cause = "none";
    }

    /** How many failures there were since the start or the last reset. */
    public int failures() {
      return failures;
    }

    /**
     * Why the last delay was as long as it was: {@code backoff}, {@code retry-after}, {@code
     * retry-after-capped} (the server asked for more than is believed), or {@code none}.
     */
    public String cause() {
      return cause;
    }
  }
}
