package dev.sluice.flow;

import org.jspecify.annotations.Nullable;

/**
 * Measures what a queue's workers are asked to do, in windows, and compares it with what they can.
 *
 * <p>A window ends with the first arrival or ending after its time, so nothing ticks. The load of a
 * window is the larger of two estimates, in busy workers: what the arrivals ask for (their rate x
 * the mean work time of what was finished, which shows an overload that the queue still hides), and
 * what was really in hand on average (which counts also the work that never finishes).
 *
 * <p>Too high a load is told after one window, its end after three good windows in a row, so that a
 * load at the edge does not chatter. Guarded by its owner's lock, but for {@link #windowIsOver}.
 */
final class LoadMeter {
  static final long WINDOW_NANOS = 10_000_000_000L;
  private static final int GOOD_WINDOWS = 3;

  private final int workers;

  /** Written under the lock. */
  private volatile long start;

  private long arrivals;
  private long finished;
  private double work;
  private double busy;
  private long longestWait;
  private int inHand;
  private long changed;

  private double rate;
  private double meanWork;
  private double load;
  private long windows;

  private final Alarm tooFew = new Alarm();
  private final Alarm tooLong = new Alarm();

  /** A measurement that changed the verdict. */
  record Verdict(
      boolean workersChanged,
      boolean overloaded,
      boolean waitChanged,
      boolean waitsTooLong,
      double busyWorkers,
      double arrivalsPerSecond,
      double meanWorkNanos,
      int workersNeeded,
      long longestWaitNanos,
      long worstWaitNanos) {}

  private static final class Alarm {
    boolean on;
    private int good;

    /** Whether it changed. */
    boolean update(boolean bad) {
      good = bad ? 0 : good + 1;
      if (bad == on || (on && good < GOOD_WINDOWS)) {
        return false;
      }
      on = bad;
      return true;
    }
  }

  /**
   * @param workers how many there are; zero if that is not known, then nothing is compared
   */
  LoadMeter(int workers, long now) {
    this.workers = workers;
    this.start = now;
    this.changed = now;
  }

  void arrived() {
    arrivals++;
  }

  void taken(long now, long wait) {
    account(now);
    inHand++;
    if (wait > longestWait) {
      longestWait = wait;
    }
  }

  void done(long now, long nanos) {
    account(now);
    inHand--;
    finished++;
    work += nanos;
  }

  int inHand() {
    return inHand;
  }

  private void account(long now) {
    long passed = now - changed;
    if (passed > 0) {
      busy += (double) inHand * passed;
      changed = now;
    }
  }

  boolean windowIsOver(long now) {
    return now - start >= WINDOW_NANOS;
  }

  /**
   * Ends the window.
   *
   * @param oldest how long the oldest key has waited
   * @param capacity how many keys may wait
   * @param leastGap the time between two dispatches that a limiter sees to; zero without one
   * @return null if the verdict is what it was
   */
  @Nullable Verdict roll(long now, long oldest, int capacity, double leastGap) {
    account(now);
    double length = now - start;
    rate = arrivals * 1e9 / length;
    if (finished > 0) {
      meanWork = work / finished;
    }
    load = Math.max(rate * meanWork / 1e9, busy / length);
    long wait = Math.max(longestWait, oldest);
    windows++;
    start = now;
    arrivals = 0;
    finished = 0;
    work = 0;
    busy = 0;
    longestWait = 0;
    if (workers == 0) {
      return null;
    }
    int needed = workersNeeded();
    double perKey = Math.max(meanWork / workers, leastGap);
    long worst = (long) Math.min(Long.MAX_VALUE, capacity * perKey);
    boolean workersChanged = tooFew.update(needed > workers);
    boolean waitChanged = tooLong.update(meanWork > 0 && wait > worst);
    if (!workersChanged && !waitChanged) {
      return null;
    }
    return new Verdict(
        workersChanged,
        tooFew.on,
        waitChanged,
        tooLong.on,
        load,
        rate,
        meanWork,
        needed,
        wait,
        worst);
  }

  int workersNeeded() {
    return windows == 0 ? 0 : Sizing.workersNeeded(load, 1e9);
  }

  double rate() {
    return rate;
  }

  double load() {
    return load;
  }

  double meanWork() {
    return meanWork;
  }
}
