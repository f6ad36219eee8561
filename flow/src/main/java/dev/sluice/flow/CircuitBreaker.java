package dev.sluice.flow;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.Callable;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * Stops calling what keeps failing, and finds out with a few calls when it works again.
 *
 * <pre>{@code
 * CircuitBreaker breaker = CircuitBreaker.builder().name("billing")
 *     .consecutiveFailures(5).failureRate(0.5, Duration.ofSeconds(30), 20)
 *     .openFor(Duration.ofSeconds(5)).build();
 *
 * switch (breaker.tryEnter()) {
 *   case Permit permit -> {
 *     try { call(); permit.succeeded(); } catch (IOException e) { permit.failed(); }
 *   }
 *   case Refused refused -> retryIn(refused.retryAfter());
 * }
 * }</pre>
 *
 * <p><b>CLOSED</b>: all calls go; so many failures in a row, or so large a part of the calls of a
 * while, open it. <b>OPEN</b>: no call goes until some time has passed; it grows each time the
 * breaker opens again without having closed. <b>HALF_OPEN</b>: a few calls go at once as probes;
 * enough successes close it, one failure opens it again. A probe that does not end is given up
 * after as long as the breaker was open, so that a lost one does not block the others.
 *
 * <p>Each permit ends exactly once: {@link Permit#succeeded}, {@link Permit#failed} or {@link
 * Permit#ignored}; a second ending throws. What began before the state last changed no longer
 * counts.
 *
 * <p>The state can be {@linkplain #snapshot exported} and {@linkplain #restore restored}, so that a
 * restart does not forget it.
 *
 * <p>Safe for use by any number of threads; never blocks. It has no timer: an open breaker becomes
 * half-open when the next call asks. The pattern is from M. Nygard, "Release It!" (2007).
 */
@Experimental
public final class CircuitBreaker {
  private static final int BUCKETS = 10;

  /** What a breaker lets through. */
  @Experimental
  public enum State {
    /** All calls. */
    CLOSED,
    /** None. */
    OPEN,
    /** A few, to find out. */
    HALF_OPEN
  }

  /** The answer to {@link #tryEnter()}. */
  @Experimental
  public sealed interface Admission permits Permit, Refused {}

  /**
   * No call now.
   *
   * @param retryAfter when the next probe may go at the latest
   * @param cause {@code circuit-open} or {@code circuit-half-open}
   */
  @Experimental
  public record Refused(Duration retryAfter, String cause) implements Admission {}

  /**
   * The state to be kept over a restart.
   *
   * @param state the state
   * @param openUntil when an open one is to become half-open, by the wall clock; null otherwise
   * @param consecutiveFailures failures in a row, zero or more
   * @param reopenings how often it has opened again without having closed, zero or more
   */
  @Experimental
  public record Snapshot(
      State state, @Nullable Instant openUntil, int consecutiveFailures, int reopenings) {
    /**
     * @throws IllegalArgumentException if a count is negative
     */
    public Snapshot {
      Objects.requireNonNull(state, "state");
      if (consecutiveFailures < 0 || reopenings < 0) {
        throw new IllegalArgumentException(
            "counts must not be negative: consecutiveFailures "
                + consecutiveFailures
                + ", reopenings "
                + reopenings);
      }
    }
  }

  /** Thrown by {@link #call} when no call may go. */
  @Experimental
  public static final class OpenException extends RuntimeException {
    private static final long serialVersionUID = 1;
    private final transient Refused refused;

    private OpenException(String name, Refused refused) {
      super(
          "'"
              + name
              + "' lets no call through ("
              + refused.cause
              + "); next in "
              + refused.retryAfter);
      this.refused = refused;
    }

    /** Why, and when to try again. */
    public Refused refused() {
      return refused;
    }
  }

  private final TimeSource time;
  private final Announcer announcer;
  private final int consecutiveLimit;
  private final double rateLimit;
  private final long bucketNanos;
  private final int minimumCalls;
  private final Backoff openTimes;
  private final int probes;
  private final int successesToClose;

  private final ReentrantLock lock = new ReentrantLock();

  // Read without the lock: the state, and whether failures have been counted.
  private volatile State state = State.CLOSED;
  private volatile int consecutiveFailures;

  /** Grows with each change of the state: permits of an older one no longer count. */
  private volatile long generation;

  // All below: only under the lock.
  private final long[] calls = new long[BUCKETS];
  private final long[] failures = new long[BUCKETS];
  private long newestBucket;
  private final long origin;
  private long openNanos;
  private long openUntil;
  private int reopenings;
  private final List<Permit> underWay = new ArrayList<>();
  private int successes;

  private CircuitBreaker(Builder builder) {
    this.time = builder.time;
    this.announcer = new Announcer(builder.name, builder.listener);
    this.consecutiveLimit = builder.consecutiveLimit;
    this.rateLimit = builder.rateLimit;
    this.bucketNanos = Math.max(1, builder.windowNanos / BUCKETS);
    this.minimumCalls = builder.minimumCalls;
    this.openTimes = builder.openTimes;
    this.probes = builder.probes;
    this.successesToClose = builder.successesToClose;
    this.origin = time.nanoTime();
  }

  /** Sets up a breaker. */
  public static Builder builder() {
    return new Builder();
  }

  /** The name given by the builder, {@code "breaker"} without one. */
  public String name() {
    return announcer.source();
  }

  /** The present state; an open one whose time has passed is still open until a call asks. */
  public State state() {
    return state;
  }

  /** Asks for a call. A permit must be ended. */
  public Admission tryEnter() {
    if (state == State.CLOSED) {
      long seen = generation;
      if (state == State.CLOSED) {
        return new Permit(this, seen, time.nanoTime());
      }
    }
    Change change = new Change();
    Admission admission;
    lock.lock();
    try {
      admission = enter(time.nanoTime(), change);
    } finally {
      lock.unlock();
    }
    change.announce();
    if (admission instanceof Refused refused) {
      announcer.rejected(refused.cause);
    }
    return admission;
  }

  private Admission enter(long now, Change change) {
    if (state == State.OPEN) {
      if (openUntil - now > 0) {
        return new Refused(Duration.ofNanos(openUntil - now), "circuit-open");
      }
      become(State.HALF_OPEN, "open-time-over", change);
    }
    if (state == State.CLOSED) {
      return new Permit(this, generation, now);
    }
    underWay.removeIf(probe -> now - probe.since >= openNanos);
    if (underWay.size() >= probes) {
      long leftToTheOldest = underWay.getFirst().since + openNanos - now;
      return new Refused(Duration.ofNanos(leftToTheOldest), "circuit-half-open");
    }
    Permit probe = new Permit(this, generation, now);
    underWay.add(probe);
    return probe;
  }

  /**
   * Makes a call: what it throws counts as a failure, but for an {@link InterruptedException},
   * which says nothing about the called.
   *
   * @throws OpenException if no call may go now
   */
  public <T extends @Nullable Object> T call(Callable<T> call) throws Exception {
    switch (tryEnter()) {
      case Refused refused -> throw new OpenException(name(), refused);
      case Permit permit -> {
        T result;
        try {
          result = call.call();
        } catch (InterruptedException e) {
          permit.ignored();
          throw e;
        } catch (Throwable e) {
          permit.failed();
          throw e;
        }
        permit.succeeded();
        return result;
      }
    }
  }

  private void ended(Permit permit, Outcome outcome) {
    if (outcome == Outcome.SUCCESS
        && state == State.CLOSED
        && consecutiveFailures == 0
        && Double.isNaN(rateLimit)) {
      return; // nothing to note
    }
    Change change = new Change();
    lock.lock();
    try {
      if (permit.generation == generation) {
        if (state == State.CLOSED) {
          count(outcome, time.nanoTime(), change);
        } else if (state == State.HALF_OPEN && underWay.remove(permit)) {
          judge(outcome, change);
        }
      }
    } finally {
      lock.unlock();
    }
    change.announce();
  }

  private void count(Outcome outcome, long now, Change change) {
    if (outcome == Outcome.IGNORED) {
      return;
    }
    boolean failed = outcome == Outcome.FAILURE;
    consecutiveFailures = failed ? Math.max(1, consecutiveFailures + 1) : 0;
    if (consecutiveLimit > 0 && consecutiveFailures >= consecutiveLimit) {
      open(now, "consecutive-failures", change);
      return;
    }
    if (Double.isNaN(rateLimit)) {
      return;
    }
    int bucket = bucket(now);
    calls[bucket]++;
    failures[bucket] += failed ? 1 : 0;
    long all = sum(calls);
    if (failed && all >= minimumCalls && sum(failures) >= rateLimit * all) {
      open(now, "failure-rate", change);
    }
  }

  /** The bucket of the present, those since the last use emptied. */
  private int bucket(long now) {
    long number = Math.max(newestBucket, (now - origin) / bucketNanos);
    for (long gone = Math.max(newestBucket + 1, number - BUCKETS + 1); gone <= number; gone++) {
      calls[(int) (gone % BUCKETS)] = 0;
      failures[(int) (gone % BUCKETS)] = 0;
    }
    newestBucket = number;
    return (int) (number % BUCKETS);
  }

  private static long sum(long[] buckets) {
    long sum = 0;
    for (long bucket : buckets) {
      sum += bucket;
    }
    return sum;
  }

  private void judge(Outcome outcome, Change change) {
    switch (outcome) {
      case IGNORED -> {}
      case SUCCESS -> {
        if (++successes >= successesToClose) {
          reopenings = 0;
          openNanos = 0;
          become(State.CLOSED, "probe-succeeded", change);
        }
      }
      case FAILURE -> {
        consecutiveFailures = Math.max(1, consecutiveFailures + 1);
        reopenings = Math.max(1, reopenings + 1);
        open(time.nanoTime(), "probe-failed", change);
      }
    }
  }

  private void open(long now, String cause, Change change) {
    openNanos = openTimes.growNanos(openNanos);
    openUntil = now + openNanos;
    become(State.OPEN, cause, change);
  }

  private void become(State to, String cause, Change change) {
    change.note(cause, state, to);
    generation++;
    state = to;
    underWay.clear();
    successes = 0;
    if (to == State.CLOSED) {
      consecutiveFailures = 0;
      Arrays.fill(calls, 0);
      Arrays.fill(failures, 0);
    }
  }

  /** Opens it by hand, for as long as a first opening. Calls under way no longer count. */
  public void forceOpen() {
    force(State.OPEN, "forced");
  }

  /** Closes it by hand and forgets all failures. Calls under way no longer count. */
  public void forceClosed() {
    force(State.CLOSED, "forced");
  }

  private void force(State to, String cause) {
    Change change = new Change();
    lock.lock();
    try {
      reopenings = 0;
      openNanos = 0;
      if (to == State.OPEN) {
        open(time.nanoTime(), cause, change);
      } else {
        become(to, cause, change);
      }
    } finally {
      lock.unlock();
    }
    change.announce();
  }

  /**
   * The state to be kept, in a status subresource for example.
   *
   * @param now the present instant by the wall clock
   */
  public Snapshot snapshot(Instant now) {
    lock.lock();
    try {
      Instant until =
          state == State.OPEN ? now.plusNanos(Math.max(0, openUntil - time.nanoTime())) : null;
      return new Snapshot(state, until, consecutiveFailures, reopenings);
    } finally {
      lock.unlock();
    }
  }

  /**
   * Takes up a state that was kept. An open one stays open for what is left of its time, at most as
   * long as it would be if it opened now, so that a clock set wrong does not hold it open for ever;
   * without {@code openUntil} it counts as opened now. Calls under way no longer count.
   *
   * @param now the present instant by the wall clock
   */
  public void restore(Snapshot snapshot, Instant now) {
    Change change = new Change();
    lock.lock();
    try {
      openNanos = 0;
      if (snapshot.state != State.CLOSED) {
        for (int i = 0; i <= Math.min(snapshot.reopenings, 1000); i++) {
          openNanos = openTimes.growNanos(openNanos);
        }
      }
      long left = openNanos;
      if (snapshot.openUntil != null) {
        Duration until = Duration.between(now, snapshot.openUntil);
        left = until.isNegative() ? 0 : Math.min(left, Durations.nanos("openUntil", until));
      }
      openUntil = time.nanoTime() + left;
      reopenings = snapshot.reopenings;
      become(snapshot.state, "restored", change);
      consecutiveFailures = snapshot.consecutiveFailures;
    } finally {
      lock.unlock();
    }
    change.announce();
  }

  private enum Outcome {
    SUCCESS,
    FAILURE,
    IGNORED
  }

  private record Moved(String cause, State from, State to) {}

  /** Changes of the state, told without the lock. */
  private final class Change {
    private final List<Moved> changes = new ArrayList<>(0);

    void note(String cause, State from, State to) {
      if (from != to) {
        changes.add(new Moved(cause, from, to));
      }
    }

    void announce() {
      changes.forEach(moved -> announcer.stateChanged(moved.cause, moved.from, moved.to));
    }
  }

  /** Leave to make one call, to be ended exactly once, by any thread. */
  @Experimental
  public static final class Permit implements Admission {
    private static final VarHandle ENDED;

    static {
      try {
        ENDED = MethodHandles.lookup().findVarHandle(Permit.class, "ended", boolean.class);
      } catch (ReflectiveOperationException e) {
        throw new ExceptionInInitializerError(e);
      }
    }

    private final CircuitBreaker breaker;
    private final long generation;
    private final long since;

    @SuppressWarnings("UnusedVariable") // by the handle
    private volatile boolean ended;

    private Permit(CircuitBreaker breaker, long generation, long since) {
      this.breaker = breaker;
      this.generation = generation;
      this.since = since;
    }

    /**
     * The call was answered as it should be.
     *
     * @throws IllegalStateException if the permit was ended before
     */
    public void succeeded() {
      end(Outcome.SUCCESS);
    }

    /**
     * The call failed in a way that speaks against the called: error, time-out, overload.
     *
     * @throws IllegalStateException if the permit was ended before
     */
    public void failed() {
      end(Outcome.FAILURE);
    }

    /**
     * The call says nothing about the called: cancelled, or the caller's own mistake.
     *
     * @throws IllegalStateException if the permit was ended before
     */
    public void ignored() {
      end(Outcome.IGNORED);
    }

    private void end(Outcome outcome) {
      if (!ENDED.compareAndSet(this, false, true)) {
        throw new IllegalStateException(
            "a permit of '" + breaker.name() + "' was ended twice: each call ends once");
      }
      breaker.ended(this, outcome);
    }
  }

  /** Settings of a {@link CircuitBreaker}. Not safe for use by several threads. */
  @Experimental
  public static final class Builder {
    private String name = "breaker";
    private TimeSource time = TimeSource.system();
    private FlowListener listener = FlowListener.NONE;
    private int consecutiveLimit = 5;
    private double rateLimit = Double.NaN;
    private long windowNanos = 1;
    private int minimumCalls = 1;
    private Backoff openTimes =
        Backoff.exponential(Duration.ofSeconds(5), 1, Duration.ofSeconds(5));
    private int probes = 1;
    private int successesToClose = 1;

    private Builder() {}

    /** How it calls itself in events and messages. */
    public Builder name(String name) {
      this.name = Objects.requireNonNull(name, "name");
      return this;
    }

    /** Where it learns the time from. {@link TimeSource#system()} by default. */
    public Builder time(TimeSource time) {
      this.time = Objects.requireNonNull(time, "time");
      return this;
    }

    /** Who hears of changes of the state and of refusals. Nobody by default. */
    public Builder listener(FlowListener listener) {
      this.listener = Objects.requireNonNull(listener, "listener");
      return this;
    }

    /**
     * How many failures in a row open it. 5 by default; 0 never opens it for this reason.
     *
     * @throws IllegalArgumentException if it is negative
     */
    public Builder consecutiveFailures(int failures) {
      if (failures < 0) {
        throw new IllegalArgumentException(
            "consecutiveFailures must be 0 (never) or more, but is " + failures);
      }
      this.consecutiveLimit = failures;
      return this;
    }

    /**
     * Which part of the calls of the last while opens it. By default none does.
     *
     * @param part more than 0, at most 1
     * @param window the while, longer than zero, at most 366 days; it slides in tenths
     * @param minimumCalls how many calls in it are needed to judge, at least 1
     * @throws IllegalArgumentException if a value is out of range
     */
    public Builder failureRate(double part, Duration window, int minimumCalls) {
      if (!(part > 0 && part <= 1)) {
        throw new IllegalArgumentException(
            "a failure rate is more than 0 and at most 1, but is " + part);
      }
      if (minimumCalls < 1) {
        throw new IllegalArgumentException(
            "minimumCalls must be at least 1, but is " + minimumCalls);
      }
      Durations.atMostAYear("window", window);
      this.windowNanos = Durations.positiveNanos("window", window);
      this.rateLimit = part;
      this.minimumCalls = minimumCalls;
      return this;
    }

    /** For how long it is open each time. 5 s by default. */
    public Builder openFor(Duration duration) {
      return openFor(Backoff.exponential(duration, 1, duration));
    }

    /**
     * For how long it is open the first time and each time that a probe has failed; the jitter of
     * the policy is not used.
     */
    public Builder openFor(Backoff durations) {
      this.openTimes = Objects.requireNonNull(durations, "openFor");
      return this;
    }

    /**
     * How many probes may be under way at once when it is half-open. 1 by default.
     *
     * @throws IllegalArgumentException if it is less than one
     */
    public Builder probes(int probes) {
      if (probes < 1) {
        throw new IllegalArgumentException("probes must be at least 1, but is " + probes);
      }
      this.probes = probes;
      return this;
    }

    /**
     * How many probes must succeed to close it. 1 by default.
     *
     * @throws IllegalArgumentException if it is less than one
     */
    public Builder successesToClose(int successes) {
      if (successes < 1) {
        throw new IllegalArgumentException(
            "successesToClose must be at least 1, but is " + successes);
      }
      this.successesToClose = successes;
      return this;
    }

    /**
     * Makes it, closed.
     *
     * @throws IllegalArgumentException if nothing could ever open it
     */
    public CircuitBreaker build() {
      if (consecutiveLimit == 0 && Double.isNaN(rateLimit)) {
        throw new IllegalArgumentException(
            "nothing would ever open '" + name + "': set consecutiveFailures, failureRate or both");
      }
      return new CircuitBreaker(this);
    }
  }
}
