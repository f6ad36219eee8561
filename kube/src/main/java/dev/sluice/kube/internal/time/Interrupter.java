package dev.sluice.kube.internal.time;

import dev.sluice.flow.TimeSource;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Interrupts a thread when a time is over, unless the thread has gone on before; then it leaves no
 * trace.
 */
public final class Interrupter {
  private final Thread thread = Thread.currentThread();
  private final ReentrantLock lock = new ReentrantLock();
  private final TimeSource.Timer timer;
  private volatile boolean fired;
  private boolean armed = true;

  private Interrupter(TimeSource time, long nanos) {
    this.timer = nanos == 0 ? () -> true : time.schedule(nanos, this::fire);
  }

  /**
   * Begins to wait, for the calling thread.
   *
   * @param nanos after how long to interrupt it; zero for never
   */
  public static Interrupter after(TimeSource time, long nanos) {
    return new Interrupter(time, nanos);
  }

  private void fire() {
    lock.lock();
    try {
      if (armed) {
        fired = true;
        thread.interrupt();
      }
    } finally {
      lock.unlock();
    }
  }

  /** Whether the time was over while the thread was at it. */
  public boolean fired() {
    return fired;
  }

  /**
   * The thread has gone on. Called by the thread itself; repeating it has no effect.
   *
   * @return whether the time was over before; the interrupt is cleared then
   */
  public boolean disarm() {
    timer.cancel();
    lock.lock();
    try {
      if (armed && fired) {
        Thread.interrupted();
      }
      armed = false;
      return fired;
    } finally {
      lock.unlock();
    }
  }
}
