package dev.sluice.flow;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.time.Duration;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import org.jspecify.annotations.Nullable;

/**
 * Bounds how much is under way at once. Those beyond wait in order of arrival.
 *
 * <pre>{@code
 * ConcurrencyLimiter limiter = ConcurrencyLimiter.of(16);
 *
 * ConcurrencyLimiter.Token token = limiter.acquire();
 * try {
 *   respond(call());
 *   token.succeeded();
 * } catch (TooManyRequests e) {
 *   token.dropped(e.retryAfter());
 * } finally {
 *   token.close();                      // ignored, unless it was ended before
 * }
 * }</pre>
 *
 * <p>The limit is fixed, set at run time ({@link #setLimit}), or finds itself ({@link
 * Builder#adaptive}): then how tokens end, and after how long, is what it is found from. Lowering
 * it takes nothing away from what is under way. Each token ends exactly once.
 *
 * <p>A waiter can't be told beforehand when its turn will come, so one with a deadline is turned
 * away when that is reached. Safe for use by any number of threads.
 */
@Experimental
public final class ConcurrencyLimiter {
  private final Slots slots;
  private final @Nullable AdaptiveLimit adaptive;
  private final TimeSource time;

  private ConcurrencyLimiter(Builder builder, int limit, AdaptiveLimit.@Nullable Builder adaptive) {
    this.slots = new Slots(builder.settings, limit);
    this.time = builder.settings.time;
    this.adaptive =
        adaptive == null
            ? null
            : adaptive.drives(found -> slots.setLimit((int) Math.max(1, found)));
  }

  /**
   * With a fixed limit.
   *
   * @param limit at least one
   * @throws IllegalArgumentException if it is less
   */
  public static ConcurrencyLimiter of(int limit) {
    return builder().build(limit);
  }

  /** Sets up a limiter. */
  public static Builder builder() {
    return new Builder();
  }

  /** The name given by the builder, {@code "concurrency"} without one. */
  public String name() {
    return slots.name();
  }

  /** How much may be under way at once. */
  public int limit() {
    return slots.limit();
  }

  /** How much is. */
  public int inFlight() {
    return slots.inFlight();
  }

  /** How many wait. */
  public int waiting() {
    return slots.waiting();
  }

  /** What moves the limit, if it finds itself. */
  public Optional<AdaptiveLimit> adaptive() {
    return Optional.ofNullable(adaptive);
  }

  /**
   * Changes the limit. A higher one lets waiters go at once; with a lower one, none goes until as
   * much has ended.
   *
   * @throws IllegalArgumentException if it is less than one
   */
  public void setLimit(int limit) {
    int before = slots.limit();
    slots.setLimit(checked(limit));
    slots.announcer.limitChanged("set-limit", before, limit);
  }

  private static int checked(int limit) {
    if (limit < 1) {
      throw new IllegalArgumentException(
          "a limit of concurrency is at least 1, but is " + limit + "; nothing could ever run");
    }
    return limit;
  }

  /** A token if there is room and nobody waits. Never blocks. */
  public Optional<Token> tryAcquire() {
    return slots.tryAcquire() ? Optional.of(new Token(this)) : Optional.empty();
  }

  /**
   * A token, as soon as there is room. Blocks the calling thread, virtual or not.
   *
   * @throws InterruptedException if the thread is interrupted before
   * @throws RejectedExecutionException if as many as allowed wait already
   */
  public Token acquire() throws InterruptedException {
    slots.acquire();
    return new Token(this);
  }

  /**
   * A token, if there is room in time.
   *
   * @return empty if there was not, or if as many as allowed wait already
   * @throws IllegalArgumentException if {@code timeout} is negative
   * @throws InterruptedException if the thread is interrupted before
   */
  public Optional<Token> acquire(Duration timeout) throws InterruptedException {
    return slots.acquire(1, timeout) ? Optional.of(new Token(this)) : Optional.empty();
  }

  /**
   * A token, as soon as there is room, without a thread that waits. Who cancels the future leaves
   * the line, or gives the token back if it was granted at that moment.
   */
  public CompletableFuture<Token> acquireAsync() {
    CompletableFuture<@Nullable Void> turn = slots.acquireAsync();
    CompletableFuture<Token> result = new CompletableFuture<>();
    turn.whenComplete((served, error) -> {
      if (error != null) {
        result.completeExceptionally(error);
        return;
      }
      Token token = new Token(this);
      if (!result.complete(token)) {
        token.ignored();
      }
    });
    result.whenComplete((token, error) -> {
      if (error != null) {
        turn.cancel(false);
      }
    });
    return result;
  }

  /**
   * Makes a call with a token: what it throws is ignored for an adaptive limit, as it does not say
   * whether it speaks of overload. Blocks until there is room.
   */
  public <T extends @Nullable Object> T call(Callable<T> call) throws Exception {
    try (Token token = acquire()) {
      T result = call.call();
      token.succeeded();
      return result;
    }
  }

  private void ended(
      long latency, long queueWait, boolean counts, boolean dropped, long retryAfter) {
    slots.free();
    if (adaptive != null && counts) {
      adaptive.observe(latency, queueWait, dropped, retryAfter);
    }
  }

  /** Room for one, to be ended exactly once, by any thread. */
  @Experimental
  public static final class Token implements AutoCloseable {
    private static final VarHandle ENDED;

    static {
      try {
        ENDED = MethodHandles.lookup().findVarHandle(Token.class, "ended", boolean.class);
      } catch (ReflectiveOperationException e) {
        throw new ExceptionInInitializerError(e);
      }
    }

    private final ConcurrencyLimiter limiter;
    private final long since;

    @SuppressWarnings("UnusedVariable") // by the handle
    private volatile boolean ended;

    private Token(ConcurrencyLimiter limiter) {
      this.limiter = limiter;
      this.since = limiter.time.nanoTime();
    }

    /**
     * It was answered.
     *
     * @throws IllegalStateException if the token was ended before
     */
    public void succeeded() {
      end();
      limiter.ended(limiter.time.nanoTime() - since, -1, true, false, 0);
    }

    /**
     * It was answered, and the server said how much of the time was spent in its queue (in a {@code
     * Server-Timing} header, for example). {@link LimitLaw#serverGuided} follows that.
     *
     * @param queueWait zero or more
     * @throws IllegalArgumentException if it is negative; the token is not ended then
     * @throws IllegalStateException if the token was ended before
     */
    public void succeeded(Duration queueWait) {
      long nanos = Durations.nanos("queueWait", queueWait);
      end();
      limiter.ended(limiter.time.nanoTime() - since, nanos, true, false, 0);
    }

    /**
     * It was refused as one too many, or failed in a way that speaks of overload.
     *
     * @throws IllegalStateException if the token was ended before
     */
    public void dropped() {
      dropped(Duration.ZERO);
    }

    /**
     * It was refused, and told how long to stay away.
     *
     * @param retryAfter zero or more
     * @throws IllegalStateException if the token was ended before
     */
    public void dropped(Duration retryAfter) {
      long nanos = Durations.nanos("retryAfter", retryAfter);
      end();
      limiter.ended(0, -1, true, true, nanos);
    }

    /**
     * How it went says nothing about the other side.
     *
     * @throws IllegalStateException if the token was ended before
     */
    public void ignored() {
      end();
      limiter.ended(0, -1, false, false, 0);
    }

    /** {@link #ignored()}, unless it was ended before. */
    @Override
    public void close() {
      if (ENDED.compareAndSet(this, false, true)) {
        limiter.ended(0, -1, false, false, 0);
      }
    }

    private void end() {
      if (!ENDED.compareAndSet(this, false, true)) {
        throw new IllegalStateException(
            "a token of '" + limiter.name() + "' was ended twice: each ends once");
      }
    }
  }

  /** The meter: what flows in is what others give back, so it can't be foretold. */
  private static final class Slots extends LineLimiter {
    private final Deadlines deadlines;

    // All below: only under the lock.
    private int limit;
    private int inFlight;

    Slots(RateLimiter.Builder settings, int limit) {
      super(settings);
      this.limit = limit;
      this.deadlines = new Deadlines(settings.time);
    }

    int limit() {
      lock.lock();
      try {
        return limit;
      } finally {
        lock.unlock();
      }
    }

    int inFlight() {
      lock.lock();
      try {
        return inFlight;
      } finally {
        lock.unlock();
      }
    }

    void setLimit(int newLimit) {
      change(now -> limit = newLimit);
    }

    void free() {
      change(now -> inFlight--);
    }

    @Override
    String cause() {
      return "concurrency-limit";
    }

    @Override
    long maxPermits() {
      return 1;
    }

    @Override
    int takeUnlocked(long permits) {
      return UNDECIDED;
    }

    @Override
    void seize(long now) {}

    @Override
    void release(boolean lineEmpty) {}

    @Override
    long untilGranted(long now, long through, long own) {
      return inFlight + through <= limit ? 0 : 1;
    }

    @Override
    long nanosAfter(long before, long between, long own) {
      return 0;
    }

    @Override
    void grant(long now, long permits, boolean waited) {
      inFlight++;
    }

    @Override
    void lapse(long now) {}

    @Override
    double tokens(long now) {
      return (double) limit - inFlight;
    }

    @Override
    void joined(Waiter waiter) {
      deadlines.add(this, waiter);
    }

    @Override
    void left(Waiter waiter) {
      deadlines.remove(this, waiter);
    }

    @Override
    void serve(long now, Woken woken) {
      deadlines.turnAway(now, woken);
      super.serve(now, woken);
    }

    @Override
    void arm(long now, long delay) {
      long next = deadlines.untilNext(now);
      if (next < Long.MAX_VALUE) {
        armAt(now, next);
      }
    }

    @Override
    Receipt charge(long at, long permits) {
      throw new UnsupportedOperationException("nobody knows when there will be room");
    }

    @Override
    void giveBack(Receipt receipt, boolean due) {
      throw new UnsupportedOperationException("nobody knows when there will be room");
    }

    @Override
    public Rate rate() {
      throw new UnsupportedOperationException("a limit of concurrency has no rate");
    }

    @Override
    public long burst() {
      return limit();
    }

    @Override
    public void setRate(Rate rate) {
      throw new UnsupportedOperationException("a limit of concurrency has no rate");
    }

    @Override
    public void setBurst(long burst) {
      throw new UnsupportedOperationException("a limit of concurrency has no burst");
    }
  }

  /** Settings of a {@link ConcurrencyLimiter}. Not safe for use by several threads. */
  @Experimental
  public static final class Builder {
    private final RateLimiter.Builder settings = RateLimiter.builder().name("concurrency");

    private Builder() {}

    /** How it calls itself in events and messages. */
    public Builder name(String name) {
      settings.name(name);
      return this;
    }

    /** Where it learns the time from. {@link TimeSource#system()} by default. */
    public Builder time(TimeSource time) {
      settings.time(time);
      return this;
    }

    /** Who hears of waits, rejections and changes. Nobody by default. */
    public Builder listener(FlowListener listener) {
      settings.listener(listener);
      return this;
    }

    /** As {@link RateLimiter.Builder#executor}. */
    public Builder executor(Executor executor) {
      settings.executor(executor);
      return this;
    }

    /** As {@link RateLimiter.Builder#maxWaiters}. */
    public Builder maxWaiters(int maxWaiters) {
      settings.maxWaiters(maxWaiters);
      return this;
    }

    /**
     * Makes one with a fixed limit.
     *
     * @param limit at least one
     * @throws IllegalArgumentException if it is less
     */
    public ConcurrencyLimiter build(int limit) {
      return new ConcurrencyLimiter(this, checked(limit), null);
    }

    /**
     * Makes one whose limit finds itself.
     *
     * @param limit begins with its initial limit; from {@link AdaptiveLimit#concurrency}
     * @throws IllegalArgumentException if it is a limit of a rate
     */
    public ConcurrencyLimiter adaptive(AdaptiveLimit.Builder limit) {
      Objects.requireNonNull(limit, "limit");
      if (limit.kind() != LimitLaw.Kind.CONCURRENCY) {
        throw new IllegalArgumentException(
            "a limit of a rate can't drive '" + settings.name + "', which bounds concurrency");
      }
      return new ConcurrencyLimiter(this, (int) limit.initial(), limit);
    }
  }
}
