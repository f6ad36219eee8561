package dev.sluice.flow;

import java.time.Duration;
import java.util.Objects;

/**
 * How many workers and how much room a queue needs, by Little's law: on average {@code rate x mean
 * time} keys are being worked on, whatever the distributions.
 *
 * <pre>{@code
 * Sizing sizing = Sizing.of(Rate.perSecond(15), Duration.ofMillis(80));
 * sizing.workers();    // 2: 15/s x 80 ms = 1.2 workers busy, at most 80 % of the time
 * sizing.worstWait();  // 4 s: what the last of 100 waiting keys waits for
 * }</pre>
 *
 * <p>The share of 80 % is what leaves room for variance: at full load a queue grows without end,
 * and in the last fifth the wait rises steeply (with one worker and random arrivals, the mean wait
 * is 4 work times at 80 % load and 19 at 95 %).
 *
 * <p>Of the two results the first is a mean, which holds only if enough keys come; the second is a
 * bound for one priority without tenants: a key that is overtaken by more urgent ones waits longer,
 * see {@link WorkQueue}.
 *
 * @param arrivals how many keys come, repetitions that coalesce not counted
 * @param meanWork how long a worker is busy with one, on average; longer than zero
 * @param workers how many work at once, at least one
 * @param capacity how many keys may wait, at least one
 */
@Experimental
public record Sizing(Rate arrivals, Duration meanWork, int workers, int capacity) {

  /** How busy workers may be on average. */
  public static final double LOAD = 0.8;

  /**
   * @throws IllegalArgumentException if the work time is not longer than zero, or the workers or
   *     the capacity are less than one
   */
  public Sizing {
    Objects.requireNonNull(arrivals, "arrivals");
    Durations.positiveNanos("the mean work time", meanWork);
    if (workers < 1) {
      throw new IllegalArgumentException("a queue needs at least 1 worker, not " + workers);
    }
    if (capacity < 1) {
      throw new IllegalArgumentException("a queue's capacity is at least 1 key, not " + capacity);
    }
  }

  /**
   * As many workers as are needed, and the default capacity of {@value WorkQueue#DEFAULT_CAPACITY}.
   */
  public static Sizing of(Rate arrivals, Duration meanWork) {
    return new Sizing(
        arrivals, meanWork, workersNeeded(arrivals, meanWork), WorkQueue.DEFAULT_CAPACITY);
  }

  /** {@code ceil(rate x mean work time / 0.8)}, and at least one. */
  public static int workersNeeded(Rate arrivals, Duration meanWork) {
    return workersNeeded(
        arrivals.permitsPerSecond(), Durations.positiveNanos("the mean work time", meanWork));
  }

  static int workersNeeded(double arrivalsPerSecond, double meanWorkNanos) {
    double busy = arrivalsPerSecond * meanWorkNanos / 1e9;
    // 1.2 / 0.8 is a hair above 1.5 in floating point, and 1.6 / 0.8 must not become three workers.
    return (int) Math.max(1, Math.ceil(busy / LOAD - 1e-9));
  }

  /** How many workers the arrivals need: {@code ceil(rate x mean work time / 0.8)}. */
  public int workersNeeded() {
    return workersNeeded(arrivals, meanWork);
  }

  /** How busy the workers are on average: 1 is all the time, more can't be kept up with. */
  public double utilization() {
    return arrivals.permitsPerSecond() * meanWork.toNanos() / 1e9 / workers;
  }

  /** Whether the workers are busy for 80 % of the time at most. */
  public boolean sufficient() {
    return workers >= workersNeeded();
  }

  /** {@code capacity x mean work time / workers}: how long a full queue takes to drain. */
  public Duration worstWait() {
    return worstWait(capacity, meanWork.toNanos(), workers);
  }

  static Duration worstWait(int capacity, double meanWorkNanos, int workers) {
    double nanos = capacity * meanWorkNanos / workers;
    return Duration.ofNanos(nanos >= Long.MAX_VALUE ? Long.MAX_VALUE : Math.round(nanos));
  }

  /**
   * How many keys the workers get done: {@code workers / mean work time}. This is the rate at which
   * a full queue drains; it says nothing about how many workers are needed.
   */
  public Rate drainRate() {
    return Rate.of(workers, meanWork);
  }
}
