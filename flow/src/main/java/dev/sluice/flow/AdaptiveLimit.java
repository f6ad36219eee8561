package dev.sluice.flow;

import java.time.Duration;
import java.time.InstantSource;
import java.util.Locale;
import java.util.Objects;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.DoubleConsumer;

/**
 * A limit that finds its own value: fed with how requests fared, it follows what the other side can
 * bear, within a floor and a ceiling, and says why it moved.
 *
 * <pre>{@code
 * RateLimiter bucket = RateLimiter.tokenBucket(Rate.perSecond(20), 10);
 * AdaptiveLimit limit = AdaptiveLimit.rate(20)
 *     .law(LimitLaw.serverGuided(Duration.ofMillis(50)))
 *     .floor(1).ceiling(500)
 *     .drives(bucket);
 *
 * limit.answered(latency);            // after each request
 * limit.refused(retryAfter);          // after a 429 or 503
 * limit.lastMove().because();         // "3 of 40 refused: x 0.88"
 * }</pre>
 *
 * <p>For a limit of what is under way at once see {@link ConcurrencyLimiter.Builder#adaptive},
 * which feeds it by itself.
 *
 * <p><b>When it moves.</b> At the end of a window: after as long and as many observations as asked
 * for, and not before requests have gone through that began after the last move, so that it never
 * reacts twice to the same trouble. Without observations it stays. After a refusal with {@code
 * Retry-After} it does not grow for so long (60 s at most).
 *
 * <p><b>The base.</b> For a law that follows it: what the latency would be without a queue is the
 * least one of the last minute. A queue that never empties would come to be taken for it; so every
 * half minute the limit is halved for one window to have a look ({@code baseline-check}). That is
 * at the half minutes of the wall clock, so that the clients of one server look at the same time,
 * and together empty the queue that they have made together.
 *
 * <p>Safe for use by any number of threads; does not block.
 */
@Experimental
public final class AdaptiveLimit {
  private static final long LONGEST_HOLD = Duration.ofSeconds(60).toNanos();
  private static final long BASE_PERIOD_MILLIS = 30_000;

  /**
   * A move of the limit.
   *
   * @param at when, as a reading of the {@link TimeSource}
   * @param from the limit before
   * @param to the limit after; the same if it was held by floor or ceiling
   * @param cause why, as a stable name: one of {@link LimitLaw.Proposal}'s, {@code baseline-check},
   *     {@code retry-after} (it would have grown) or {@code initial}
   * @param because why, in a sentence with the numbers
   */
  @Experimental
  public record Move(long at, double from, double to, String cause, String because) {}

  private final LimitLaw.Kind kind;
  private final LimitLaw law;
  private final double initial;
  private final double floor;
  private final double ceiling;
  private final long shortest;
  private final int fewest;
  private final TimeSource time;
  private final InstantSource clock;
  private final Announcer announcer;
  private final DoubleConsumer target;

  private final ReentrantLock lock = new ReentrantLock();

  /** Held while the target is told, so that it hears of the moves in order. */
  private final ReentrantLock telling = new ReentrantLock();

  private volatile Move lastMove;

  // All below: only under the lock.
  private double limit;
  private long movedAt;
  private long answered;
  private long refused;
  private double latencies;
  private double queueWaits;
  private long queueSamples;
  private double previousLatency = Double.NaN;
  private double previousQueueWait = Double.NaN;
  private long holdUntil;
  private boolean holding;
  private double base = Double.NaN;
  private double olderBase = Double.NaN;
  private long basePeriod;
  private boolean baseDue;
  private double limitBeforeCheck = Double.NaN;

  private AdaptiveLimit(Builder builder, DoubleConsumer target) {
    this.kind = builder.kind;
    this.law = builder.law;
    this.initial = builder.initial;
    this.floor = builder.floor;
    this.ceiling = builder.ceiling;
    this.shortest = builder.shortest;
    this.fewest = builder.fewest;
    this.time = builder.time;
    this.announcer = new Announcer(builder.name, builder.listener);
    this.target = target;
    this.limit = initial;
    this.movedAt = time.nanoTime();
    this.clock = builder.clock;
    this.basePeriod = clock.millis() / BASE_PERIOD_MILLIS;
    this.lastMove = new Move(movedAt, initial, initial, "initial", "not moved yet");
  }

  /**
   * A limit in requests a second.
   *
   * @param initial with what it begins, more than zero
   * @throws IllegalArgumentException if it is not
   */
  public static Builder rate(double initial) {
    return new Builder(LimitLaw.Kind.RATE, initial);
  }

  /**
   * A limit in requests under way at once.
   *
   * @param initial with what it begins, at least one
   * @throws IllegalArgumentException if it is less
   */
  public static Builder concurrency(double initial) {
    return new Builder(LimitLaw.Kind.CONCURRENCY, initial);
  }

  /** The name given by the builder, {@code "adaptive"} without one. */
  public String name() {
    return announcer.source();
  }

  /** The present limit. */
  public double limit() {
    return lastMove.to;
  }

  /** What it did at the end of the last window, and why. */
  public Move lastMove() {
    return lastMove;
  }

  /** A request was answered, well or with an error that does not speak of overload. */
  public void answered(Duration latency) {
    observe(Durations.nanos("latency", latency), -1, false, 0);
  }

  /**
   * A request was answered, and the server said how much of the latency was spent in its queue.
   *
   * @throws IllegalArgumentException if one is negative
   */
  public void answered(Duration latency, Duration queueWait) {
    observe(Durations.nanos("latency", latency), Durations.nanos("queueWait", queueWait), false, 0);
  }

  /**
   * A request was refused as one too many, or failed in a way that speaks of overload: 429, 503,
   * time-out, reset.
   *
   * @param retryAfter how long the server asked to stay away; zero if it did not say
   * @throws IllegalArgumentException if it is negative
   */
  public void refused(Duration retryAfter) {
    observe(0, -1, true, Durations.nanos("retryAfter", retryAfter));
  }

  void observe(long latency, long queueWait, boolean isRefusal, long retryAfter) {
    Move move;
    lock.lock();
    try {
      long now = time.nanoTime();
      long began = now - movedAt - latency;
      if (retryAfter > 0) {
        long until = now + Math.min(retryAfter, LONGEST_HOLD);
        if (!holding || until - holdUntil > 0) {
          holdUntil = until;
        }
        holding = true;
      }
      if (isRefusal) {
        // It began about one latency ago, if it went as the others do.
        if (now - movedAt < (Double.isNaN(previousLatency) ? 0 : previousLatency)) {
          return;
        }
        refused++;
      } else {
        if (began < 0) {
          return;
        }
        answered++;
        latencies += latency;
        if (queueWait >= 0) {
          queueWaits += queueWait;
          queueSamples++;
        }
      }
      move = windowIsOver(now) ? move(now) : null;
    } finally {
      lock.unlock();
    }
    if (move != null) {
      tell(move);
    }
  }

  private boolean windowIsOver(long now) {
    long elapsed = now - movedAt;
    double mean = answered == 0 ? 0 : latencies / answered;
    if (elapsed < shortest || elapsed < 2 * mean) {
      return false;
    }
    return answered + refused >= fewest || refused > 0 && elapsed >= 2 * shortest;
  }

  private Move move(long now) {
    long elapsed = now - movedAt;
    double latency = answered == 0 ? Double.NaN : latencies / answered;
    double queueWait = queueSamples == 0 ? Double.NaN : queueWaits / queueSamples;
    // What began after the move is answered one latency later: so long the window is blind.
    double seen = Math.max(0.1 * elapsed, elapsed - (Double.isNaN(latency) ? 0 : latency));
    double usage =
        (kind == LimitLaw.Kind.RATE ? (answered + refused) * 1e9 : latencies) / seen / limit;
    updateBase(latency);
    if (holding && holdUntil - now <= 0) {
      holding = false;
    }
    double from = limit;
    LimitLaw.Proposal proposal;
    if (!Double.isNaN(limitBeforeCheck)) {
      proposal =
          new LimitLaw.Proposal(
              limitBeforeCheck, "baseline-check", text("base %.2f ms: back", base() / 1e6));
      limitBeforeCheck = Double.NaN;
    } else if (baseDue && usage >= 0.5 && law.usesBaseLatency()) {
      limitBeforeCheck = limit;
      proposal =
          new LimitLaw.Proposal(
              limit / 2,
              "baseline-check",
              text("is %.2f ms the base, or a queue? half for a window", latency / 1e6));
    } else {
      proposal =
          law.next(
              new LimitLaw.Window(
                  kind,
                  limit,
                  initial,
                  Duration.ofNanos(elapsed),
                  answered,
                  refused,
                  latency,
                  previousLatency,
                  base(),
                  queueWait,
                  previousQueueWait,
                  usage));
    }
    baseDue = false;
    Move move = bounded(now, from, proposal);
    limit = move.to;
    lastMove = move;
    movedAt = now;
    answered = 0;
    refused = 0;
    latencies = 0;
    queueWaits = 0;
    queueSamples = 0;
    previousLatency = Double.isNaN(latency) ? previousLatency : latency;
    previousQueueWait = queueWait;
    return move;
  }

  private Move bounded(long now, double from, LimitLaw.Proposal proposal) {
    double to = proposal.limit();
    if (Double.isNaN(to)) {
      throw new IllegalStateException(
          "the law of '" + name() + "' proposed NaN because " + proposal.because());
    }
    if (to > from && holding) {
      return new Move(
          now,
          from,
          from,
          "retry-after",
          text(
              "the server asked to wait for another %.1f s; not %s",
              (holdUntil - now) / 1e9, proposal.because()));
    }
    if (to < floor) {
      return new Move(now, from, floor, proposal.cause(), proposal.because() + ", at the floor");
    }
    if (to > ceiling) {
      return new Move(
          now, from, ceiling, proposal.cause(), proposal.because() + ", at the ceiling");
    }
    return new Move(now, from, to, proposal.cause(), proposal.because());
  }

  private void updateBase(double latency) {
    long period = clock.millis() / BASE_PERIOD_MILLIS;
    if (period != basePeriod) {
      basePeriod = period;
      olderBase = base;
      base = Double.NaN;
      baseDue = true;
    }
    if (latency > 0) {
      base = Double.isNaN(base) ? latency : Math.min(base, latency);
    }
  }

  private double base() {
    return Double.isNaN(base) || olderBase < base ? olderBase : base;
  }

  private void tell(Move move) {
    if (move.from == move.to) {
      return;
    }
    announcer.limitChanged(move.cause, move.from, move.to);
    telling.lock();
    try {
      target.accept(limit());
    } finally {
      telling.unlock();
    }
  }

  private static String text(String format, Object... values) {
    return String.format(Locale.ROOT, format, values);
  }

  /** Settings of an {@link AdaptiveLimit}. Not safe for use by several threads. */
  @Experimental
  public static final class Builder {
    private final LimitLaw.Kind kind;
    private final double initial;
    private LimitLaw law = LimitLaw.gradient();
    private double floor;
    private double ceiling;
    private long shortest = Duration.ofMillis(100).toNanos();
    private int fewest = 10;
    private String name = "adaptive";
    private TimeSource time = TimeSource.system();
    private InstantSource clock = InstantSource.system();
    private FlowListener listener = FlowListener.NONE;

    private Builder(LimitLaw.Kind kind, double initial) {
      this.kind = kind;
      this.initial = initial;
      this.floor = kind == LimitLaw.Kind.RATE ? initial / 100 : 1;
      this.ceiling = initial * 100;
      if (!(initial > 0) || Double.isInfinite(initial)) {
        throw new IllegalArgumentException(
            "the initial limit must be a finite number of more than zero, but is " + initial);
      }
      if (kind == LimitLaw.Kind.CONCURRENCY && initial < 1) {
        throw new IllegalArgumentException(
            "a limit of concurrency is at least 1, but begins with " + initial);
      }
    }

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

    /** The wall clock after which the base is checked. That of the system by default. */
    public Builder clock(InstantSource clock) {
      this.clock = Objects.requireNonNull(clock, "clock");
      return this;
    }

    /** Who hears of the moves. Nobody by default. */
    public Builder listener(FlowListener listener) {
      this.listener = Objects.requireNonNull(listener, "listener");
      return this;
    }

    /** How it moves. {@link LimitLaw#gradient()} by default. */
    public Builder law(LimitLaw law) {
      this.law = Objects.requireNonNull(law, "law");
      return this;
    }

    /**
     * The least it may become: more than zero, at most the initial limit. By default a hundredth of
     * that for a rate, 1 for concurrency.
     *
     * @throws IllegalArgumentException if it is out of range
     */
    public Builder floor(double floor) {
      if (!(floor > 0 && floor <= initial)) {
        throw new IllegalArgumentException(
            "floor must be more than 0 and at most the initial limit of "
                + initial
                + ", but is "
                + floor);
      }
      this.floor = floor;
      return this;
    }

    /**
     * The most it may become: at least the initial limit, a hundred times that by default.
     *
     * @throws IllegalArgumentException if it is out of range
     */
    public Builder ceiling(double ceiling) {
      if (!(ceiling >= initial) || Double.isInfinite(ceiling)) {
        throw new IllegalArgumentException(
            "ceiling must be finite and at least the initial limit of "
                + initial
                + ", but is "
                + ceiling);
      }
      this.ceiling = ceiling;
      return this;
    }

    /**
     * How long and of how many observations a window is at least. 100 ms and 10 by default; it also
     * lasts for at least two latencies.
     *
     * @throws IllegalArgumentException if it is shorter than 1 ms or longer than 366 days, or
     *     {@code fewest} is less than one
     */
    public Builder window(Duration shortest, int fewest) {
      this.shortest = Durations.atMostAYear("window", shortest);
      if (this.shortest < 1_000_000) {
        throw new IllegalArgumentException("a window is at least 1 ms, but is " + shortest);
      }
      if (fewest < 1) {
        throw new IllegalArgumentException(
            "a window has at least 1 observation, but is of " + fewest);
      }
      this.fewest = fewest;
      return this;
    }

    /** Makes it, and sets the limiter's rate whenever it moves; at once, too. */
    public AdaptiveLimit drives(RateLimiter limiter) {
      if (kind != LimitLaw.Kind.RATE) {
        throw new IllegalArgumentException(
            "a limit of concurrency can't drive the rate of '" + limiter.name() + "'");
      }
      return drives(perSecond -> limiter.setRate(Rate.perSecond(perSecond)));
    }

    /** Makes it, and tells the target whenever it moves; at once, too. */
    public AdaptiveLimit drives(DoubleConsumer target) {
      Objects.requireNonNull(target, "target");
      target.accept(initial);
      return new AdaptiveLimit(this, target);
    }

    LimitLaw.Kind kind() {
      return kind;
    }

    double initial() {
      return initial;
    }
  }
}
