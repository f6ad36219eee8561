package dev.sluice.flow;

import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Waiting on a condition for so long at most, by a {@link TimeSource}'s clock: a timer wakes the
 * waiters when the time is up, so that the same code waits in real and in virtual time.
 */
final class Waiting {
  private Waiting() {}

  /** Asked while the lock is held. */
  interface Question {
    boolean holds();
  }

  /**
   * Waits until the question holds or the time is up. The lock is held by the caller, and held
   * again on return.
   *
   * @return whether it holds
   */
  static boolean await(
      Question question, ReentrantLock lock, Condition changed, TimeSource time, long nanos)
      throws InterruptedException {
    if (question.holds()) {
      return true;
    }
    if (nanos <= 0) {
      return false;
    }
    boolean[] timeIsUp = new boolean[1];
    TimeSource.Timer timer =
        time.schedule(
            nanos,
            () -> {
              lock.lock();
              try {
                timeIsUp[0] = true;
                changed.signalAll();
              } finally {
                lock.unlock();
              }
            });
    try {
      while (!question.holds()) {
        if (timeIsUp[0]) {
          return false;
        }
        changed.await();
      }
      return true;
    } finally {
      timer.cancel();
    }
  }
}
