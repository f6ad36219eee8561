package dev.sluice.flow;

import java.time.Duration;

/** Durations at the edge: checked once, nanoseconds inside. */
final class Durations {
  private static final Duration LONGEST = Duration.ofNanos(Long.MAX_VALUE);

  private Durations() {}

  /**
   * In nanoseconds; what is longer than 2^63 of them (292 years) counts as that.
   *
   * @throws IllegalArgumentException if it is negative
   */
  static long nanos(String what, Duration duration) {
    if (duration.isNegative()) {
      throw new IllegalArgumentException(what + " must not be negative, but is " + duration);
    }
    return duration.compareTo(LONGEST) >= 0 ? Long.MAX_VALUE : duration.toNanos();
  }

  /** As {@link #nanos}, and zero is refused too. */
  static long positiveNanos(String what, Duration duration) {
    long nanos = nanos(what, duration);
    if (nanos == 0) {
      throw new IllegalArgumentException(what + " must be longer than zero, but is " + duration);
    }
    return nanos;
  }

  /**
   * In nanoseconds.
   *
   * @throws IllegalArgumentException if it is negative or longer than 366 days
   */
  static long atMostAYear(String what, Duration duration) {
    long nanos = nanos(what, duration);
    if (duration.compareTo(Duration.ofDays(366)) > 0) {
      throw new IllegalArgumentException(what + " must be at most 366 days, but is " + duration);
    }
    return nanos;
  }
}
