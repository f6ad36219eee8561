package dev.sluice.flow;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Who holds a gate's deliveries back. The gate delivers when nobody does; several may at the same
 * time and need not know of each other.
 *
 * <p>Uses the gate's lock, clock and announcer. What does not take the lock itself says so.
 */
final class Holds {
  private final ReentrantLock lock;
  private final Condition changed;
  private final TimeSource time;
  private final Announcer announcer;

  // Guarded by the lock.
  private final List<One> all = new ArrayList<>();
  private long since;
  private long nanosHeld;
  private boolean over;

  /**
   * @param changed what takers wait on; signalled when the last hold is released
   */
  Holds(ReentrantLock lock, Condition changed, TimeSource time, Announcer announcer) {
    this.lock = lock;
    this.changed = changed;
    this.time = time;
    this.announcer = announcer;
  }

  private final class One implements Gate.Hold {
    final String by;

    One(String by) {
      this.by = by;
    }

    @Override
    public void release() {
      long held;
      lock.lock();
      try {
        if (!all.remove(this) || !all.isEmpty()) {
          return;
        }
        held = time.nanoTime() - since;
        nanosHeld += held;
        changed.signalAll();
      } finally {
        lock.unlock();
      }
      announcer.waited("gate-held", held);
      announcer.stateChanged("gate-released", "held", "delivering");
    }

    @Override
    public String toString() {
      return "Hold[gate '" + announcer.source() + "' by '" + by + "']";
    }
  }

  Gate.Hold add(String by) {
    One hold = new One(Objects.requireNonNull(by, "by"));
    boolean first;
    lock.lock();
    try {
      if (over) {
        return hold;
      }
      first = all.isEmpty();
      if (first) {
        since = time.nanoTime();
      }
      all.add(hold);
    } finally {
      lock.unlock();
    }
    if (first) {
      announcer.stateChanged("gate-held", "delivering", "held");
    }
    return hold;
  }

  /** Whether deliveries are held back. Asked under the lock. */
  boolean any() {
    return !all.isEmpty();
  }

  /**
   * Nothing will be delivered any more: all holds are off, and there are no new ones. Asked under
   * the lock.
   */
  void end() {
    if (!all.isEmpty()) {
      nanosHeld += time.nanoTime() - since;
      all.clear();
    }
    over = true;
  }

  /** Who holds, in the order in which they began. Asked under the lock. */
  List<String> by() {
    return all.stream().map(hold -> hold.by).toList();
  }

  /** For how long deliveries were held back, in all. Asked under the lock. */
  Duration timeHeld() {
    return Duration.ofNanos(nanosHeld + (all.isEmpty() ? 0 : time.nanoTime() - since));
  }
}
