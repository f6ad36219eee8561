package dev.sluice.flow;

import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Ends the waiting on a condition, by a {@link TimeSource}'s clock: a timer wakes the waiters when
 * the time is up, so that the same code waits in real and in virtual time.
 */
final class Alarm {
  private final ReentrantLock lock;
  private final Condition changed;
  private final TimeSource.Timer timer;
  private boolean rung; // guarded by the lock

  /**
   * Sets it.
   *
   * @param lock the condition's
   * @param nanos after how long it rings; the largest number for never
   */
  Alarm(ReentrantLock lock, Condition changed, TimeSource time, long nanos) {
    this.lock = lock;
    this.changed = changed;
    this.timer = nanos == Long.MAX_VALUE ? () -> true : time.schedule(nanos, this::ring);
  }

  private void ring() {
    lock.lock();
    try {
      rung = true;
      changed.signalAll();
    } finally {
      lock.unlock();
    }
  }

  /** Whether the time is up. Asked under the lock. */
  boolean hasRung() {
    return rung;
  }

  /** It is no longer needed. */
  void cancel() {
    timer.cancel();
  }
}
