package dev.sluice.flow;

import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/** Waiting on a condition for so long at most. */
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
    Alarm alarm = new Alarm(lock, changed, time, nanos);
    try {
      while (!question.holds()) {
        if (alarm.hasRung()) {
          return false;
        }
        changed.await();
      }
      return true;
    } finally {
      alarm.cancel();
    }
  }
}
