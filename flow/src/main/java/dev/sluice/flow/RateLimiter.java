package dev.sluice.flow;

import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import org.jspecify.annotations.Nullable;

/**
 * Hands out permits at a bounded rate.
 *
 * <pre>{@code
 * RateLimiter limiter = RateLimiter.tokenBucket(Rate.perSecond(10), 5);
 *
 * if (limiter.tryAcquire()) { ... }               // now or not at all
 * limiter.acquire();                              // waits
 * if (limiter.acquire(1, Duration.ofSeconds(2))) { ... }
 * limiter.acquireAsync().thenRun(() -> ...);      // waits without a thread
 * Duration delay = limiter.reserve(1).delay();    // the caller waits by itself
 * }</pre>
 *
 * <p><b>Order.</b> Waiters are served in the order in which they came, whatever the number of
 * permits each asks for, and nobody overtakes them: while somebody waits, {@code tryAcquire} is
 * refused and a reservation takes its place behind. With fewer permits there than the first waiter
 * wants, a later, smaller wish does not go ahead of it.
 *
 * <p><b>Bound.</b> In a window of length <i>w</i> at most rate x <i>w</i> + burst permits are
 * granted, to the nanosecond. When the machine wakes a waiter late, at most one permit of what was
 * missed meanwhile is made up beyond the burst.
 *
 * <p><b>Service.</b> While somebody waits, nothing lies idle: in a window of length <i>w</i> at
 * least rate x <i>w</i> permits are granted, less the largest wish (a third of the rate for a
 * limiter that warms up). Timers that fire late do not change the mean as long as they are late by
 * less than the burst takes to fill, or one gap if that is longer.
 *
 * <p><b>Change at run time.</b> {@link #setRate} and {@link #setBurst} keep the number of permits
 * that are there (or owed): neither is a burst granted nor is anybody stalled. Waiters are planned
 * anew; one whose deadline can no longer be kept is told so at once.
 *
 * <p>Safe for use by any number of threads; nothing is granted under a lock that a caller could
 * hold. A limiter has nothing to close: it owns no thread, and its single timer is armed only while
 * somebody waits.
 *
 * <p>Which kind for what: see {@code docs/guides/which-limiter.md}. Kinds are made by the static
 * methods or, with a name, a listener or another {@link TimeSource}, by {@link #builder()}.
 */
@Experimental
public interface RateLimiter {

  /** The name given by the builder, {@code "limiter"} without one. */
  String name();

  /** The present rate. */
  Rate rate();

  /** How many permits may at most be granted at one instant. */
  long burst();

  /** How many are waiting now: blocked threads, pending futures, reservations behind those. */
  int waiting();

  /**
   * How many permits could be had now without waiting, an instant's view; negative when permits are
   * owed because of reservations, zero while somebody waits.
   */
  double available();

  /** {@link #tryAcquire(long) tryAcquire(1)}. */
  default boolean tryAcquire() {
    return tryAcquire(1);
  }

  /**
   * Takes permits if they are there and nobody waits for them. Never blocks.
   *
   * @param permits how many, 1 to {@link #burst()}
   * @return whether they were taken
   * @throws IllegalArgumentException if {@code permits} is less than one or more than the burst
   */
  boolean tryAcquire(long permits);

  /** {@link #acquire(long) acquire(1)}. */
  default void acquire() throws InterruptedException {
    acquire(1);
  }

  /**
   * Takes permits, waiting for them in order of arrival. Blocks the calling thread, virtual or not.
   *
   * @param permits how many, 1 to {@link #burst()}
   * @throws InterruptedException if the thread is interrupted before the permits were granted; none
   *     are taken then, and those behind move up
   * @throws IllegalArgumentException if {@code permits} is less than one or more than the burst
   * @throws RejectedExecutionException if {@linkplain Builder#maxWaiters as many as allowed} wait
   *     already
   */
  void acquire(long permits) throws InterruptedException;

  /**
   * Takes permits, waiting for them no longer than given. The wait is known beforehand, so a caller
   * whose turn would come too late is told at once and does not stand in the way of others;
   * likewise one that waits already when a change of the rate makes its deadline impossible.
   *
   * @param permits how many, 1 to {@link #burst()}
   * @param timeout how long to wait at most; zero does not wait
   * @return whether they were taken; false also if as many as allowed wait already
   * @throws InterruptedException as {@link #acquire(long)}
   * @throws IllegalArgumentException if {@code permits} is less than one or more than the burst, or
   *     {@code timeout} is negative
   */
  boolean acquire(long permits, Duration timeout) throws InterruptedException;

  /** {@link #acquireAsync(long) acquireAsync(1)}. */
  default CompletableFuture<@Nullable Void> acquireAsync() {
    return acquireAsync(1);
  }

  /**
   * Takes permits when their turn comes, without a thread that waits.
   *
   * <p>Whoever completes or cancels the future before leaves the line, and nothing is taken.
   * Dependents run on the executor given to the {@linkplain Builder#executor builder}: by default
   * each on a virtual thread of its own, so that they may block.
   *
   * @param permits how many, 1 to {@link #burst()}
   * @return completes when the permits were taken; completes with {@link
   *     RejectedExecutionException} if as many as allowed wait already
   * @throws IllegalArgumentException if {@code permits} is less than one or more than the burst
   */
  CompletableFuture<@Nullable Void> acquireAsync(long permits);

  /** {@link #reserve(long) reserve(1)}. */
  default Reservation reserve() {
    return reserve(1);
  }

  /**
   * Takes permits now, to be used after a {@linkplain Reservation#delay() delay}: the caller
   * promises to wait so long, or to give them back. Never blocks.
   *
   * @param permits how many, 1 to {@link #burst()}
   * @throws IllegalArgumentException if {@code permits} is less than one or more than the burst
   * @throws RejectedExecutionException if the turn would come in more than 18 years (with a
   *     policer: not now), or as many as allowed wait already
   */
  Reservation reserve(long permits);

  /**
   * Changes the rate. Permits that are there stay, no more are granted at once, and waiters are
   * planned anew. Delays already promised to reservations stay as they are.
   *
   * @throws IllegalArgumentException if the rate is out of this limiter's range
   * @throws UnsupportedOperationException if this limiter is composed of others: change those
   */
  void setRate(Rate rate);

  /**
   * Changes the burst. A larger one fills at the present rate; a smaller one drops what exceeds it.
   * Waiters that want more than a smaller burst allows keep their turn.
   *
   * @param burst how many permits, at least one
   * @throws IllegalArgumentException if it is less than one or out of range
   * @throws UnsupportedOperationException if this limiter has no burst of its own
   */
  void setBurst(long burst);

  /**
   * A token bucket: permits flow in at {@code rate} and up to {@code burst} are kept for later.
   *
   * <p>For work that may come in bursts as long as the mean holds: reconciles, requests to a
   * server. The bucket starts full.
   *
   * @param rate one in 292 years to 10^9 a second
   * @param burst at least one
   * @throws IllegalArgumentException if either is out of range
   */
  static RateLimiter tokenBucket(Rate rate, long burst) {
    return builder().tokenBucket(rate, burst);
  }

  /**
   * A leaky bucket as a queue (shaping): whoever comes goes in order, one permit every {@code
   * 1/rate}, strictly evenly. Nothing is saved up while idle, so there are no bursts.
   *
   * <p>For a fragile downstream that must see an even stream. A wish for n permits goes when it is
   * its turn and then keeps the next one waiting for n gaps, as a large packet does on a line.
   *
   * @param rate one in 292 years to 10^9 a second
   * @param capacity how many may wait; who comes beyond overflows and is rejected. Takes the place
   *     of {@link Builder#maxWaiters}
   * @throws IllegalArgumentException if either is out of range
   */
  static RateLimiter leakyBucket(Rate rate, int capacity) {
    return builder().leakyBucket(rate, capacity);
  }

  /**
   * A leaky bucket as a meter (policing): each permit pours one unit in, the bucket leaks at {@code
   * rate}, and what would overflow is refused. Nothing ever waits: {@code acquire} is granted at
   * once or rejected, {@code reserve} has no delay.
   *
   * <p>For the edge of a system, where what exceeds the contract is turned away. The same bound as
   * a {@linkplain #tokenBucket token bucket} of that burst, seen from the other side.
   *
   * @param rate one in 292 years to 10^9 a second
   * @param depth how much it holds, at least one
   * @throws IllegalArgumentException if either is out of range
   */
  static RateLimiter leakyBucketPolicer(Rate rate, long depth) {
    return builder().leakyBucketPolicer(rate, depth);
  }

  /**
   * A shaper with a cold start: after a pause it begins slowly and reaches {@code rate} when it has
   * been used for {@code warmUp}.
   *
   * <p>For a downstream that needs a while until caches, pools and compilers are warm. Cold it
   * grants a third of the rate; see {@code WarmUpLimiter} for the curve.
   *
   * @param rate the rate when warm, one in 292 years to 10^9 a second
   * @param warmUp how long it takes from cold to warm under full demand, longer than zero, at most
   *     366 days; a pause as long makes it cold
   * @throws IllegalArgumentException if either is out of range
   */
  static RateLimiter warmingUp(Rate rate, Duration warmUp) {
    return builder().warmingUp(rate, warmUp);
  }

  /**
   * Several limits at once, such as 10 a second and 500 an hour: permits are granted when all parts
   * have them, and are taken from all or none.
   *
   * <p>The parts may be in use elsewhere, too. Then whoever waits at a part itself goes first: a
   * part that is never without waiters of its own starves this one. For one limit shared by many
   * with a guarantee for each see {@link Budget}.
   *
   * <p>A reservation is due when the last part lets it go, and is charged to all for that instant:
   * until then a faster part holds its permits for it. {@link #rate()} is the slowest of the parts'
   * rates, {@link #burst()} the smallest of their bursts; {@code setRate} and {@code setBurst} are
   * theirs, and waiters here are planned anew when they change.
   *
   * @param parts at least one, each once, none itself made of parts
   * @throws IllegalArgumentException otherwise
   */
  static RateLimiter allOf(RateLimiter... parts) {
    return builder().allOf(parts);
  }

  /** Sets up a limiter. */
  static Builder builder() {
    return new Builder();
  }

  /** Permits that were taken for later. Safe for use by any number of threads. */
  @Experimental
  interface Reservation {

    /** How many permits. */
    long permits();

    /** How long from now until they may be used; zero when that time has come. */
    Duration delay();

    /**
     * Gives the permits back, for a caller that has not used them and will not.
     *
     * <p>All come back if nobody was served after this reservation. If others have been promised
     * later turns, they keep those, and only what exceeds their permits comes back: so the bound of
     * the limiter holds in any case.
     *
     * @return whether this call ended the reservation; false if it had been given back before
     */
    boolean cancel();
  }

  /**
   * Settings that all kinds of limiters share; then the kind. Not safe for use by several threads.
   */
  @Experimental
  final class Builder {
    String name = "limiter";
    TimeSource time = TimeSource.system();
    FlowListener listener = FlowListener.NONE;
    @Nullable Executor executor;
    int maxWaiters = 1 << 20;
    boolean startEmpty;
    long furthestPromise = CellRate.HORIZON_NANOS;

    Builder() {}

    Builder(Builder other) {
      name = other.name;
      time = other.time;
      listener = other.listener;
      executor = other.executor;
      maxWaiters = other.maxWaiters;
      startEmpty = other.startEmpty;
      furthestPromise = other.furthestPromise;
    }

    /** How it calls itself in events, messages and metrics. {@code "limiter"} by default. */
    public Builder name(String name) {
      this.name = Objects.requireNonNull(name, "name");
      return this;
    }

    /** Where it learns the time from. {@link TimeSource#system()} by default. */
    public Builder time(TimeSource time) {
      this.time = Objects.requireNonNull(time, "time");
      return this;
    }

    /** Who hears of waits, rejections and changes. Nobody by default. */
    public Builder listener(FlowListener listener) {
      this.listener = Objects.requireNonNull(listener, "listener");
      return this;
    }

    /**
     * Where the futures of {@link RateLimiter#acquireAsync(long)} are completed. By default on a
     * virtual thread each with the system's time, and on the thread that moves the time with any
     * other.
     */
    public Builder executor(Executor executor) {
      this.executor = Objects.requireNonNull(executor, "executor");
      return this;
    }

    /**
     * How many may wait at once; whoever comes beyond is rejected. 1,048,576 by default.
     *
     * @throws IllegalArgumentException if it is negative
     */
    public Builder maxWaiters(int maxWaiters) {
      if (maxWaiters < 0) {
        throw new IllegalArgumentException(
            "maxWaiters must be zero (nobody waits) or more, but is " + maxWaiters);
      }
      this.maxWaiters = maxWaiters;
      return this;
    }

    /** Starts without permits in the bucket, as after a restart. By default it starts full. */
    public Builder startEmpty() {
      this.startEmpty = true;
      return this;
    }

    /** As {@link RateLimiter#tokenBucket(Rate, long)}. */
    public RateLimiter tokenBucket(Rate rate, long burst) {
      return new CellRateLimiter(this, CellRate.tokenBucket(rate, burst));
    }

    /** As {@link RateLimiter#leakyBucket(Rate, int)}. */
    public RateLimiter leakyBucket(Rate rate, int capacity) {
      if (capacity < 0) {
        throw new IllegalArgumentException(
            "a leaky bucket's capacity must be zero (nobody waits) or more, but is " + capacity);
      }
      maxWaiters = capacity;
      return new CellRateLimiter(this, CellRate.shaper(rate));
    }

    /** As {@link RateLimiter#leakyBucketPolicer(Rate, long)}. */
    public RateLimiter leakyBucketPolicer(Rate rate, long depth) {
      maxWaiters = 0;
      furthestPromise = 0;
      return new CellRateLimiter(this, CellRate.tokenBucket(rate, depth));
    }

    /** As {@link RateLimiter#warmingUp(Rate, Duration)}. */
    public RateLimiter warmingUp(Rate rate, Duration warmUp) {
      return new WarmUpLimiter(this, rate, warmUp);
    }

    /**
     * A token bucket for each key; see {@link KeyedRateLimiter}. {@link #maxWaiters} counts for
     * each key; each starts full.
     *
     * @param maxKeys how many keys that are not full are remembered, at least one
     * @throws IllegalArgumentException if a value is out of range
     */
    public <K> KeyedRateLimiter<K> keyedTokenBucket(Rate rate, long burst, int maxKeys) {
      return new KeyedRateLimiter<>(this, rate, burst, maxKeys);
    }

    /** As {@link Budget#of}; children inherit the settings. */
    public Budget budget(Rate rate, long burst) {
      return new Budget(this, rate, burst);
    }

    /** As {@link RateLimiter#allOf(RateLimiter...)}; the time is that of the parts. */
    public RateLimiter allOf(RateLimiter... parts) {
      return CompositeLimiter.of(this, parts);
    }

    Executor executorOrDefault() {
      if (executor != null) {
        return executor;
      }
      return time == TimeSource.system() ? Thread::startVirtualThread : Runnable::run;
    }
  }
}
