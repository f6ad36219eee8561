package dev.sluice.flow;

import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/**
 * Ticks at even distances, to be taken by whoever has something to do.
 *
 * <pre>{@code
 * Pacer pacer = Pacer.of(Rate.perSecond(5));
 * while (running) {
 *   pacer.awaitTick();
 *   poll();
 * }
 *
 * TimeSource.Timer polling = pacer.each(this::poll);      // the same without a thread
 * }</pre>
 *
 * <p>The ticks lie on a grid that begins when the pacer is made; the first comes one gap later. One
 * that nobody takes is kept for a moment: the slack says how many of the last ones are, one unless
 * told otherwise, so a loop that was held up goes on at once and then in step, and does not make up
 * for what it missed. (A token bucket shifts its whole schedule instead, and a larger one makes up
 * for it in a burst.) With several takers each tick goes to one, in order of arrival.
 *
 * <p>No thread and no timer exist unless somebody waits. Safe for use by any number of threads.
 */
@Experimental
public final class Pacer {
  private static final System.Logger LOG = System.getLogger(Pacer.class.getName());

  private final PaceLimiter slots;

  private Pacer(PaceLimiter slots) {
    this.slots = slots;
  }

  /** With a slack of one. */
  public static Pacer of(Rate rate) {
    return builder().build(rate);
  }

  /** Sets up a pacer. */
  public static Builder builder() {
    return new Builder();
  }

  /** The name given by the builder, {@code "pacer"} without one. */
  public String name() {
    return slots.name();
  }

  /** The present rate. */
  public Rate rate() {
    return slots.rate();
  }

  /**
   * Changes the rate. The part of a gap that has gone counts for as large a part of the new gap.
   *
   * @throws IllegalArgumentException if it is not one in 292 years to 10^9 a second
   */
  public void setRate(Rate rate) {
    slots.setRate(rate);
  }

  /** How many ticks nobody took in time. */
  public long missed() {
    return slots.missed();
  }

  /** Takes a tick if one has come and nobody waits for it. Never blocks. */
  public boolean tryTick() {
    return slots.tryAcquire();
  }

  /**
   * Takes the next tick, or one that was kept. Blocks the calling thread, virtual or not.
   *
   * @throws InterruptedException if the thread is interrupted before; no tick is taken then
   */
  public void awaitTick() throws InterruptedException {
    slots.acquire();
  }

  /**
   * Takes the next tick if it comes in time.
   *
   * @return false, at once, if it would come later
   * @throws IllegalArgumentException if {@code timeout} is negative
   * @throws InterruptedException as {@link #awaitTick()}
   */
  public boolean awaitTick(Duration timeout) throws InterruptedException {
    return slots.acquire(1, timeout);
  }

  /** Takes the next tick without a thread that waits, as {@link RateLimiter#acquireAsync()}. */
  public CompletableFuture<@Nullable Void> nextTick() {
    return slots.acquireAsync();
  }

  /**
   * Runs a task at every tick, never twice at once: one that takes longer than a gap goes on at the
   * tick that was kept. What it throws is logged, and it runs again at the next tick.
   *
   * <p>Runs where futures are completed (see {@link RateLimiter.Builder#executor}): by default on a
   * virtual thread.
   *
   * @return stops it; a run under way ends by itself
   */
  public TimeSource.Timer each(Runnable task) {
    Repeated repeated = new Repeated(Objects.requireNonNull(task, "task"));
    repeated.next();
    return repeated;
  }

  private final class Repeated implements TimeSource.Timer {
    private final Runnable task;
    private volatile boolean cancelled;
    private volatile @Nullable CompletableFuture<@Nullable Void> waiting;

    Repeated(Runnable task) {
      this.task = task;
    }

    void next() {
      if (cancelled) {
        return;
      }
      CompletableFuture<@Nullable Void> turn = nextTick();
      waiting = turn;
      turn.thenRunAsync(this::run, slots.executor());
      if (cancelled) {
        turn.cancel(false);
      }
    }

    private void run() {
      if (cancelled) {
        return;
      }
      try {
        task.run();
      } catch (RuntimeException e) {
        LOG.log(
            System.Logger.Level.ERROR,
            "a task paced by '" + name() + "' threw; it runs again at the next tick",
            e);
      }
      next();
    }

    @Override
    public boolean cancel() {
      if (cancelled) {
        return false;
      }
      cancelled = true;
      CompletableFuture<@Nullable Void> turn = waiting;
      return turn != null && turn.cancel(false);
    }
  }

  /** Settings of a {@link Pacer}. Not safe for use by several threads. */
  @Experimental
  public static final class Builder {
    private final RateLimiter.Builder settings = RateLimiter.builder().name("pacer");
    private int slack = 1;

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

    /** Who hears of waits and rejections. Nobody by default. */
    public Builder listener(FlowListener listener) {
      settings.listener(listener);
      return this;
    }

    /**
     * How many of the last ticks are kept for who comes late. 1 by default; with 0, a tick that
     * nobody waits for is missed.
     *
     * @throws IllegalArgumentException if it is negative
     */
    public Builder slack(int slack) {
      if (slack < 0) {
        throw new IllegalArgumentException("slack must be 0 or more, but is " + slack);
      }
      this.slack = slack;
      return this;
    }

    /**
     * Makes it; the grid begins now.
     *
     * @param rate one in 292 years to 10^9 a second
     * @throws IllegalArgumentException if the rate is out of range
     */
    public Pacer build(Rate rate) {
      return new Pacer(new PaceLimiter(settings, rate, slack));
    }
  }
}
