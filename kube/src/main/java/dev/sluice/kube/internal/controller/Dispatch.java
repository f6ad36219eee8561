package dev.sluice.kube.internal.controller;

import dev.sluice.flow.AdaptiveLimit;
import dev.sluice.flow.FlowListener;
import dev.sluice.flow.Rate;
import dev.sluice.flow.RateLimiter;
import dev.sluice.flow.TimeSource;
import dev.sluice.kube.ControllerStatus;
import java.time.Duration;
import java.time.InstantSource;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * How fast keys are dispatched: as fast as the workers take them, at a fixed rate, or at one that
 * follows how the reconciles fare. The last counts from when the first list has been queued: until
 * then it neither limits nor learns, because nothing that came to light in a sync of thousands says
 * what the days after it will bear. Safe for use by any number of threads.
 */
public final class Dispatch {
  /** As good as none; a token bucket wants a rate. */
  private static final Rate FREE = Rate.perSecond(1_000_000);

  private static final int BURST = 20;

  private final @Nullable RateLimiter limiter;
  private final @Nullable AdaptiveLimit adaptive;
  private volatile boolean begun;

  private Dispatch(@Nullable RateLimiter limiter, @Nullable AdaptiveLimit adaptive) {
    this.limiter = limiter;
    this.adaptive = adaptive;
  }

  /** As fast as the workers take them. */
  public static Dispatch unlimited() {
    return new Dispatch(null, null);
  }

  /** As fast as a limiter allows, from the beginning. */
  public static Dispatch fixed(RateLimiter limiter) {
    return new Dispatch(limiter, null);
  }

  /**
   * At a rate that adapts.
   *
   * @throws IllegalArgumentException if the limit is none of a rate
   */
  public static Dispatch adaptive(
      AdaptiveLimit.Builder limit,
      String name,
      TimeSource time,
      InstantSource clock,
      FlowListener listener) {
    RateLimiter bucket =
        RateLimiter.builder().name(name).time(time).listener(listener).tokenBucket(FREE, BURST);
    AdaptiveLimit adaptive =
        limit.name(name).time(time).clock(clock).listener(listener).drives(bucket);
    bucket.setRate(FREE);
    return new Dispatch(bucket, adaptive);
  }

  Optional<RateLimiter> limiter() {
    return Optional.ofNullable(limiter);
  }

  /** The first list has been queued. */
  void begin() {
    if (adaptive != null && limiter != null) {
      limiter.setRate(Rate.perSecond(adaptive.limit()));
    }
    begun = true;
  }

  void answered(Duration took) {
    if (begun && adaptive != null) {
      adaptive.answered(took);
    }
  }

  void refused(Duration retryAfter) {
    if (begun && adaptive != null) {
      adaptive.refused(retryAfter);
    }
  }

  ControllerStatus.Dispatch status() {
    if (limiter == null) {
      return new ControllerStatus.Dispatch("unlimited", Double.POSITIVE_INFINITY, "", "");
    }
    if (adaptive == null) {
      Rate rate = limiter.rate();
      double perSecond = rate.permits() * 1e9 / rate.period().toNanos();
      return new ControllerStatus.Dispatch("fixed", perSecond, "", "");
    }
    if (!begun) {
      return new ControllerStatus.Dispatch("first-list", Double.POSITIVE_INFINITY, "", "");
    }
    AdaptiveLimit.Move move = adaptive.lastMove();
    return new ControllerStatus.Dispatch("adaptive", move.to(), move.cause(), move.because());
  }
}
