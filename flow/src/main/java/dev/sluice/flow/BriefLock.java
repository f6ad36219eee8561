package dev.sluice.flow;

import java.util.concurrent.locks.ReentrantLock;

/**
 * Takes a lock that is only ever held for some dozens of nanoseconds: it is cheaper to look again a
 * few times than to be parked and woken, which takes a thousand times as long, and while one thread
 * wakes, others queue up behind it.
 */
final class BriefLock {
  /** How often a thread looks whether the lock is free before it is parked. */
  private static final int SPINS = Runtime.getRuntime().availableProcessors() > 1 ? 100 : 0;

  private BriefLock() {}

  static void lock(ReentrantLock lock) {
    if (lock.tryLock()) {
      return;
    }
    for (int i = 0; i < SPINS; i++) {
      Thread.onSpinWait();
      if (!lock.isLocked() && lock.tryLock()) {
        return;
      }
    }
    lock.lock();
  }
}
