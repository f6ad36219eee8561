package dev.sluice.flow;

import java.time.Duration;
import java.util.Comparator;
import java.util.PriorityQueue;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * Time that moves only when told to: for tests and simulations of anything that takes a {@link
 * TimeSource}.
 *
 * <p>Timers run on the thread that advances the time, in the order in which they are due (those due
 * at the same instant in the order in which they were scheduled), each at its own instant: while a
 * task runs, {@link #nanoTime()} is the instant for which it was scheduled. A task may schedule
 * further ones. What a task throws reaches the caller of {@code advance}.
 *
 * <p>Safe for use by several threads; one at a time may advance.
 */
@Experimental
public final class VirtualTime implements TimeSource {
  private final ReentrantLock lock = new ReentrantLock();
  private final PriorityQueue<Task> tasks =
      new PriorityQueue<>(
          Comparator.<Task>comparingLong(task -> task.sinceStart)
              .thenComparingLong(task -> task.order));
  private final long origin;
  private final AtomicLong elapsed = new AtomicLong();
  private long nextOrder;

  /** Starts at {@code nanoTime() == 0}. */
  public VirtualTime() {
    this(0);
  }

  /**
   * Starts at a given reading.
   *
   * @param origin what {@link #nanoTime()} returns first; a value near {@link Long#MAX_VALUE}
   *     exercises the wrap-around
   */
  public VirtualTime(long origin) {
    this.origin = origin;
  }

  @Override
  public long nanoTime() {
    return origin + elapsed.get();
  }

  /** The time that has passed since the start. */
  public Duration elapsed() {
    return Duration.ofNanos(elapsed.get());
  }

  @Override
  public Timer schedule(long delayNanos, Runnable task) {
    lock.lock();
    try {
      Task scheduled =
          new Task(Math.addExact(elapsed.get(), Math.max(0, delayNanos)), nextOrder++, task);
      tasks.add(scheduled);
      return scheduled;
    } finally {
      lock.unlock();
    }
  }

  /** Moves the time forward and runs what becomes due. */
  public void advance(Duration duration) {
    advanceNanos(duration.toNanos());
  }

  /**
   * Moves the time forward and runs what becomes due.
   *
   * @param nanos how far, zero or more; zero runs what is due now
   * @throws IllegalArgumentException if {@code nanos} is negative
   */
  public void advanceNanos(long nanos) {
    if (nanos < 0) {
      throw new IllegalArgumentException(
          "time does not run backwards: advance by " + nanos + " ns");
    }
    long target = Math.addExact(elapsed.get(), nanos);
    for (Task due = nextDueBy(target); due != null; due = nextDueBy(target)) {
      due.task.run();
    }
    elapsed.accumulateAndGet(target, Math::max); // a task may have moved it further
  }

  /**
   * Moves the time to the next timer and runs it.
   *
   * @return false if there is no timer left; the time has not moved then
   */
  public boolean advanceToNext() {
    Task due = nextDueBy(Long.MAX_VALUE);
    if (due == null) {
      return false;
    }
    due.task.run();
    return true;
  }

  /** How many timers are waiting. */
  public int pending() {
    lock.lock();
    try {
      return tasks.size();
    } finally {
      lock.unlock();
    }
  }

  private @Nullable Task nextDueBy(long target) {
    lock.lock();
    try {
      Task next = tasks.peek();
      if (next == null || next.sinceStart > target) {
        return null;
      }
      tasks.remove();
      elapsed.set(Math.max(elapsed.get(), next.sinceStart));
      return next;
    } finally {
      lock.unlock();
    }
  }

  private final class Task implements Timer {
    final long sinceStart;
    final long order;
    final Runnable task;

    Task(long sinceStart, long order, Runnable task) {
      this.sinceStart = sinceStart;
      this.order = order;
      this.task = task;
    }

    @Override
    public boolean cancel() {
      lock.lock();
      try {
        return tasks.remove(this);
      } finally {
        lock.unlock();
      }
    }
  }
}
