package dev.sluice.cli.demo;

import java.time.Duration;
import java.util.Arrays;

/**
 * Counts what happened in every window of a length, wherever it begins: the check that a limit was
 * kept. A fixed grid of seconds would miss a burst that lies across two of them.
 */
final class Windows {
  private Windows() {}

  /**
   * The largest number of instants in any half-open window {@code [t, t + window)}.
   *
   * @param instants in nanoseconds on one clock, which may wrap around, in any order; less than 292
   *     years apart. Sorted in place
   * @param window greater than zero
   */
  static int peak(long[] instants, Duration window) {
    if (instants.length == 0) {
      return 0;
    }
    long origin = instants[0];
    for (int i = 0; i < instants.length; i++) {
      instants[i] -= origin;
    }
    Arrays.sort(instants);
    long length = window.toNanos();
    int peak = 0;
    int first = 0;
    for (int last = 0; last < instants.length; last++) {
      while (instants[last] - instants[first] >= length) {
        first++;
      }
      peak = Math.max(peak, last - first + 1);
    }
    return peak;
  }
}
