package dev.sluice.flow;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/**
 * Asks something downstream, again and again, whether it is well. Its verdict moves the limiters of
 * the calls, and holds the gates of the streams whose changes lead there.
 *
 * <pre>{@code
 * Probe probe = Probe.builder()
 *     .name("billing")
 *     .onVerdict(verdict -> limiter.setRate(verdict.state() == Probe.State.OPEN ? trickle : full))
 *     .holding(gate)          // delivers nothing while the circuit is open
 *     .start(Probe.blocking(() -> client.get("/healthz")));
 * ...
 * probe.close();
 * }</pre>
 *
 * <p>One probe at a time, with a budget of 300 ms; the next begins 50 ms after this one began at
 * the earliest. A first time-out is repeated at once, as one lost packet is no illness; further
 * ones, and all other failures, after a backoff. Three failures in a row open the circuit: no probe
 * for 5 s, then one decides. An answer that took more than 200 ms stretches the interval by 1.5, up
 * to 5 s, so that the probe itself is no burden to what is slow already; each fast answer shrinks
 * it by 1.5 again. All of these numbers can be set.
 *
 * <p>While the circuit is open, the gates are {@linkplain Gate#hold held}: nothing more is
 * delivered, changes coalesce, or fill the gate, which then stops its stream. The first answer, be
 * it slow, releases them, after {@link Builder#onVerdict} has heard of it: the limiters are set
 * before the changes come.
 *
 * <p>Closing it releases the gates and cancels a probe under way at once. It holds no thread: the
 * call is asynchronous, or runs on a virtual thread ({@link #blocking}). Safe for use by any number
 * of threads.
 */
@Experimental
public final class Probe implements AutoCloseable {

  /** The injected call. */
  @Experimental
  @FunctionalInterface
  public interface Call {
    /**
     * Starts one. What it returns completes when the answer is there, or exceptionally; it is
     * cancelled when the budget is used up or the probe is closed. Must not block.
     */
    CompletableFuture<?> start();
  }

  /** What the last probes say. */
  @Experimental
  public enum State {
    /** No answer yet. */
    UNKNOWN,
    /** The last one was answered, fast enough. */
    HEALTHY,
    /** The last one was answered, slowly. */
    SLOW,
    /** The last one failed, but not yet so many in a row that the circuit opened. */
    FAILING,
    /** The circuit is open: no calls should be made. */
    OPEN
  }

  /**
   * A verdict.
   *
   * @param state what is said
   * @param cause {@code answered}, {@code slow-answer}, {@code time-out}, {@code failed}, {@code
   *     consecutive-failures}, {@code probe-failed} or {@code started}
   * @param roundTrip how long the last answer took; zero if there was none
   * @param failures how many failed in a row
   * @param error what the last one failed with, if it did
   */
  @Experimental
  public record Verdict(
      State state, String cause, Duration roundTrip, int failures, @Nullable Throwable error) {}

  private static final System.Logger LOG = System.getLogger(Probe.class.getName());

  private final String name;
  private final TimeSource time;
  private final Announcer announcer;
  private final Consumer<Verdict> onVerdict;
  private final List<Gate<?>> gates;
  private final Call call;
  private final long budget;
  private final long shortest;
  private final long longest;
  private final long slow;
  private final double stretch;
  private final CircuitBreaker breaker;
  private final Backoff.Attempts backoff;

  private final ReentrantLock lock = new ReentrantLock();
  private volatile Verdict verdict = new Verdict(State.UNKNOWN, "started", Duration.ZERO, 0, null);

  // All below: only under the lock.
  private long interval;
  private long began;
  private long nextBegin;
  private long round;
  private CircuitBreaker.@Nullable Permit permit;
  private @Nullable CompletableFuture<?> underWay;
  private TimeSource.@Nullable Timer timer;
  private boolean timedOutBefore;
  private int failures;
  private boolean closed;
  private List<Gate.Hold> holds = List.of();

  private Probe(Builder builder, Call call) {
    this.name = builder.name;
    this.time = builder.time;
    this.announcer = new Announcer(builder.name, builder.listener);
    this.onVerdict = builder.onVerdict;
    this.gates = List.copyOf(builder.gates);
    this.call = call;
    this.budget = builder.budget;
    this.shortest = builder.interval;
    this.longest = Math.max(builder.longest, builder.interval);
    this.slow = builder.slow;
    this.stretch = builder.stretch;
    this.interval = shortest;
    this.breaker =
        CircuitBreaker.builder()
            .name(builder.name)
            .time(time)
            .consecutiveFailures(builder.failures)
            .openFor(Duration.ofNanos(builder.openFor))
            .build();
    this.backoff =
        Backoff.exponential(Duration.ofNanos(shortest), builder.stretch, Duration.ofNanos(longest))
            .attempts(time, builder.random);
  }

  /** Sets up a probe. */
  public static Builder builder() {
    return new Builder();
  }

  /**
   * A call that blocks, each on a virtual thread of its own, which is interrupted when the budget
   * is used up or the probe is closed.
   */
  public static Call blocking(Callable<?> call) {
    Objects.requireNonNull(call, "call");
    return () -> {
      CompletableFuture<Object> answer = new CompletableFuture<>();
      Thread caller =
          Thread.ofVirtual()
              .unstarted(() -> {
                try {
                  answer.complete(call.call());
                } catch (Throwable e) { // whatever it is, the probe has failed with it
                  answer.completeExceptionally(e);
                }
              });
      answer.whenComplete((value, error) -> {
        if (answer.isCancelled()) {
          caller.interrupt();
        }
      });
      caller.start();
      return answer;
    };
  }

  /** The name given by the builder, {@code "probe"} without one. */
  public String name() {
    return name;
  }

  /** What the last probes say. */
  public Verdict verdict() {
    return verdict;
  }

  /** The present distance between the beginnings of two probes, if all goes well. */
  public Duration interval() {
    lock.lock();
    try {
      return Duration.ofNanos(interval);
    } finally {
      lock.unlock();
    }
  }

  private void begin() {
    CompletableFuture<?> started;
    long number;
    lock.lock();
    try {
      if (closed) {
        return;
      }
      switch (breaker.tryEnter()) {
        case CircuitBreaker.Refused refused -> {
          timer = time.schedule(refused.retryAfter().toNanos(), this::begin);
          return;
        }
        case CircuitBreaker.Permit granted -> permit = granted;
      }
      began = time.nanoTime();
      number = ++round;
      timer = time.schedule(budget, () -> timedOut(number));
    } finally {
      lock.unlock();
    }
    try {
      started = call.start();
    } catch (RuntimeException e) {
      started = CompletableFuture.failedFuture(e);
    }
    boolean late;
    lock.lock();
    try {
      late = closed || round != number || permit == null;
      if (!late) {
        underWay = started;
      }
    } finally {
      lock.unlock();
    }
    if (late) {
      started.cancel(true);
    } else {
      started.whenComplete((value, error) -> ended(number, error));
    }
  }

  private void timedOut(long number) {
    CompletableFuture<?> late;
    lock.lock();
    try {
      late = round == number ? underWay : null;
    } finally {
      lock.unlock();
    }
    ended(number, new TimeoutException("no answer within " + Duration.ofNanos(budget)));
    if (late != null) {
      late.cancel(true);
    }
  }

  private void ended(long number, @Nullable Throwable error) {
    Verdict before;
    Verdict now;
    lock.lock();
    try {
      CircuitBreaker.Permit ending = permit;
      if (closed || round != number || ending == null) {
        return; // it ended before
      }
      permit = null;
      underWay = null;
      if (timer != null) {
        timer.cancel();
      }
      before = verdict;
      now = error == null ? answered(ending) : failed(ending, error);
      verdict = now;
    } finally {
      lock.unlock();
    }
    tell(before, now);
    lock.lock();
    try {
      if (!closed) {
        timer = time.schedule(Math.max(0, nextBegin - time.nanoTime()), this::begin);
      }
    } finally {
      lock.unlock();
    }
  }

  private Verdict answered(CircuitBreaker.Permit ending) {
    long roundTrip = time.nanoTime() - began;
    ending.succeeded();
    backoff.reset();
    timedOutBefore = false;
    failures = 0;
    boolean isSlow = roundTrip > slow;
    interval =
        isSlow
            ? (long) Math.min(longest, interval * stretch)
            : (long) Math.max(shortest, interval / stretch);
    nextBegin = began + interval;
    return new Verdict(
        isSlow ? State.SLOW : State.HEALTHY,
        isSlow ? "slow-answer" : "answered",
        Duration.ofNanos(roundTrip),
        0,
        null);
  }

  private Verdict failed(CircuitBreaker.Permit ending, Throwable error) {
    boolean wasProbing = breaker.state() == CircuitBreaker.State.HALF_OPEN;
    boolean timedOut = error instanceof TimeoutException;
    ending.failed();
    failures = failures == Integer.MAX_VALUE ? failures : failures + 1;
    if (breaker.state() == CircuitBreaker.State.OPEN) {
      timedOutBefore = false;
      backoff.reset();
      nextBegin = time.nanoTime(); // the breaker says when
      return new Verdict(
          State.OPEN,
          wasProbing ? "probe-failed" : "consecutive-failures",
          Duration.ZERO,
          failures,
          error);
    }
    long now = time.nanoTime();
    long pause = timedOut && !timedOutBefore ? 0 : backoff.nextDelay().toNanos();
    timedOutBefore |= timedOut;
    nextBegin = now + Math.max(pause, shortest - (now - began));
    return new Verdict(
        State.FAILING, timedOut ? "time-out" : "failed", Duration.ZERO, failures, error);
  }

  private void tell(Verdict before, Verdict now) {
    if (now.state == State.OPEN && before.state != State.OPEN) {
      holdGates();
    }
    if (before.state != now.state) {
      announcer.stateChanged(now.cause, before.state, now.state);
    }
    try {
      onVerdict.accept(now);
    } catch (Throwable e) { // whatever it is: the gates must be released, and the next probe begin
      LOG.log(
          System.Logger.Level.ERROR,
          "what hears the verdicts of '" + name + "' threw; the probe goes on",
          e);
    }
    if (now.state != State.OPEN) {
      releaseGates();
    }
  }

  private void holdGates() {
    List<Gate.Hold> held = new ArrayList<>();
    for (Gate<?> gate : gates) {
      held.add(gate.hold(name));
    }
    lock.lock();
    try {
      if (!closed) {
        holds = held;
        return;
      }
    } finally {
      lock.unlock();
    }
    held.forEach(Gate.Hold::release);
  }

  private void releaseGates() {
    List<Gate.Hold> released;
    lock.lock();
    try {
      released = holds;
      holds = List.of();
    } finally {
      lock.unlock();
    }
    released.forEach(Gate.Hold::release);
  }

  /**
   * Ends it: a probe under way is cancelled at once, and gates that it holds are released. Does
   * nothing the second time.
   */
  @Override
  public void close() {
    CompletableFuture<?> cancelled;
    lock.lock();
    try {
      closed = true;
      cancelled = underWay;
      underWay = null;
      if (timer != null) {
        timer.cancel();
        timer = null;
      }
      if (permit != null) {
        permit.ignored();
        permit = null;
      }
    } finally {
      lock.unlock();
    }
    if (cancelled != null) {
      cancelled.cancel(true);
    }
    releaseGates();
  }

  /** Settings of a {@link Probe}. Not safe for use by several threads. */
  @Experimental
  public static final class Builder {
    private String name = "probe";
    private TimeSource time = TimeSource.system();
    private RandomGenerator random = () -> ThreadLocalRandom.current().nextLong();
    private FlowListener listener = FlowListener.NONE;
    private Consumer<Verdict> onVerdict = verdict -> {};
    private final List<Gate<?>> gates = new ArrayList<>();
    private long budget = Duration.ofMillis(300).toNanos();
    private long interval = Duration.ofMillis(50).toNanos();
    private long longest = Duration.ofSeconds(5).toNanos();
    private long slow = Duration.ofMillis(200).toNanos();
    private double stretch = 1.5;
    private int failures = 3;
    private long openFor = Duration.ofSeconds(5).toNanos();

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

    /** Where the jitter of the backoff comes from. */
    public Builder random(RandomGenerator random) {
      this.random = Objects.requireNonNull(random, "random");
      return this;
    }

    /** Who hears of changes of the state. Nobody by default. */
    public Builder listener(FlowListener listener) {
      this.listener = Objects.requireNonNull(listener, "listener");
      return this;
    }

    /**
     * Who is told each verdict, one after the other, on the thread on which the answer came; must
     * be quick. Nobody by default.
     */
    public Builder onVerdict(Consumer<Verdict> onVerdict) {
      this.onVerdict = Objects.requireNonNull(onVerdict, "onVerdict");
      return this;
    }

    /**
     * A gate whose changes lead to what is probed: {@linkplain Gate#hold held} while the circuit is
     * open, under this probe's name. Repeated for several. None by default.
     */
    public Builder holding(Gate<?> gate) {
      gates.add(Objects.requireNonNull(gate, "gate"));
      return this;
    }

    /** How long an answer may take. 300 ms by default. */
    public Builder budget(Duration budget) {
      this.budget = positive("budget", budget);
      return this;
    }

    /** The shortest distance between the beginnings of two probes. 50 ms by default. */
    public Builder interval(Duration interval) {
      this.interval = positive("interval", interval);
      return this;
    }

    /** To what the interval and the backoff may grow. 5 s by default. */
    public Builder longestInterval(Duration longest) {
      this.longest = positive("longestInterval", longest);
      return this;
    }

    /** What counts as a slow answer: one that took longer than this. 200 ms by default. */
    public Builder slowAnswer(Duration slow) {
      this.slow = positive("slowAnswer", slow);
      return this;
    }

    /**
     * By how much a slow answer stretches the interval. 1.5 by default.
     *
     * @throws IllegalArgumentException if it is not a finite number of at least 1
     */
    public Builder stretch(double stretch) {
      if (!(stretch >= 1) || Double.isInfinite(stretch)) {
        throw new IllegalArgumentException(
            "stretch must be a finite number of at least 1, but is " + stretch);
      }
      this.stretch = stretch;
      return this;
    }

    /**
     * How many failures in a row open the circuit, and for how long. 3 and 5 s by default.
     *
     * @throws IllegalArgumentException if a value is out of range
     */
    public Builder opensAfter(int failuresInARow, Duration openFor) {
      if (failuresInARow < 1) {
        throw new IllegalArgumentException(
            "failures in a row must be at least 1, but is " + failuresInARow);
      }
      this.failures = failuresInARow;
      this.openFor = positive("openFor", openFor);
      return this;
    }

    private static long positive(String what, Duration duration) {
      Durations.atMostAYear(what, duration);
      return Durations.positiveNanos(what, duration);
    }

    /** Makes it and starts the first probe. */
    public Probe start(Call call) {
      Probe probe = new Probe(this, Objects.requireNonNull(call, "call"));
      probe.begin();
      return probe;
    }
  }
}
