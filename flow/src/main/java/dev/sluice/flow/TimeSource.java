package dev.sluice.flow;

/**
 * Monotonic time and timers: the only door through which Sluice learns what time it is.
 *
 * <p>Everything that waits, ages or expires takes one of these, so that a day of faults runs in a
 * second of {@linkplain VirtualTime virtual time}. Production code uses {@link #system()}.
 *
 * <p>Implementations are safe for use by any number of threads.
 */
@Experimental
public interface TimeSource {

  /**
   * The present time in nanoseconds from an arbitrary origin, like {@link System#nanoTime()}: it
   * never runs backwards, may be negative and may wrap around, so two readings are compared by
   * their difference only. Does not block.
   */
  long nanoTime();

  /**
   * Runs {@code task} once, {@code delayNanos} nanoseconds from now (at once if it is zero or
   * negative). Does not block.
   *
   * <p>The task runs on a thread shared by all timers and must be short and must not block; what it
   * throws is logged and goes no further.
   *
   * @return a handle with which the timer can be cancelled
   */
  Timer schedule(long delayNanos, Runnable task);

  /** A scheduled task. */
  interface Timer {
    /**
     * Cancels the task if it has not started. A cancelled task is released at once: it is not kept
     * until it would have been due.
     *
     * @return whether this call prevented the task from running
     */
    boolean cancel();
  }

  /** {@link System#nanoTime()} and one shared daemon thread for the timers of the whole process. */
  static TimeSource system() {
    return SystemTime.INSTANCE;
  }
}
