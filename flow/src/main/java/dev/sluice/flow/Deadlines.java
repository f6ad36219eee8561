package dev.sluice.flow;

import java.util.Comparator;
import java.util.TreeSet;

/**
 * The deadlines of waiters whose turn can't be foretold, the earliest first. Used under the lock of
 * their lines.
 */
final class Deadlines {
  private record Entry(long at, long number, LineLimiter line, LineLimiter.Waiter waiter) {}

  private final long origin;
  private final TreeSet<Entry> entries =
      new TreeSet<>(
          Comparator.<Entry>comparingLong(entry -> entry.at).thenComparingLong(Entry::number));
  private long numbers;

  Deadlines(TimeSource time) {
    this.origin = time.nanoTime();
  }

  void add(LineLimiter line, LineLimiter.Waiter waiter) {
    if (waiter.hasDeadline) {
      waiter.deadlineNumber = ++numbers;
      entries.add(entry(line, waiter));
    }
  }

  void remove(LineLimiter line, LineLimiter.Waiter waiter) {
    if (waiter.hasDeadline) {
      entries.remove(entry(line, waiter));
    }
  }

  private Entry entry(LineLimiter line, LineLimiter.Waiter waiter) {
    return new Entry(waiter.deadline - origin, waiter.deadlineNumber, line, waiter);
  }

  /** Turns away those whose deadline has come. */
  void turnAway(long now, LineLimiter.Woken woken) {
    while (!entries.isEmpty() && entries.first().at <= now - origin) {
      Entry passed = entries.first();
      passed.line.turnAway(passed.waiter, LineLimiter.Waiter.LATE, woken);
    }
  }

  /** How long until the next one; the largest number if there is none. */
  long untilNext(long now) {
    return entries.isEmpty() ? Long.MAX_VALUE : entries.first().at - (now - origin);
  }
}
