package dev.sluice.flow;

import java.time.Duration;

/**
 * So many permits in so much time: {@code Rate.perSecond(10)}, {@code Rate.of(1,
 * Duration.ofDays(1))}. Limiters take any from one permit in 292 years to 10<sup>9</sup> a second,
 * and say so of others.
 *
 * @param permits how many, finite and greater than zero
 * @param period in how much time, at least one nanosecond
 */
@Experimental
public record Rate(double permits, Duration period) {

  /**
   * @throws IllegalArgumentException if the permits are not a positive finite number, or the period
   *     is not positive or is longer than 2^63 nanoseconds (292 years)
   */
  public Rate {
    if (!(permits > 0) || Double.isInfinite(permits)) {
      throw new IllegalArgumentException(
          "a rate needs a positive, finite number of permits, not "
              + permits
              + "; to let nothing through, pause the flow instead of setting its rate to zero");
    }
    if (period.isNegative() || period.isZero()) {
      throw new IllegalArgumentException("a rate needs a positive period, not " + period);
    }
    if (period.compareTo(Duration.ofNanos(Long.MAX_VALUE)) > 0) {
      throw new IllegalArgumentException("a rate's period is at most 292 years, not " + period);
    }
  }

  /** So many permits in so much time. */
  public static Rate of(double permits, Duration period) {
    return new Rate(permits, period);
  }

  /** So many permits a second. */
  public static Rate perSecond(double permits) {
    return new Rate(permits, Duration.ofSeconds(1));
  }

  /** So many permits a minute. */
  public static Rate perMinute(double permits) {
    return new Rate(permits, Duration.ofMinutes(1));
  }

  /** The same rate as permits a second. */
  public double permitsPerSecond() {
    return permits / (period.toNanos() / 1e9);
  }

  /** The mean gap between two permits, in nanoseconds; may be less than one. */
  public double nanosPerPermit() {
    return period.toNanos() / permits;
  }
}
