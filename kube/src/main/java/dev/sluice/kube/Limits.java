package dev.sluice.kube;

import dev.sluice.flow.AdaptiveLimit;
import dev.sluice.flow.Experimental;
import dev.sluice.flow.LimitLaw;
import dev.sluice.flow.Rate;
import dev.sluice.flow.RateLimiter;
import java.time.Duration;

/** Limits by name, for {@code Controller.Builder.limitedBy}. */
@Experimental
public final class Limits {
  private Limits() {}

  /**
   * A rate that finds its own value, which is what a controller has that is told nothing else. It
   * begins with 100 keys a second, goes down by the part of the reconciles that met overload
   * ({@link Outcome.Throttled}, a {@link ServerException} of status 429 or 503, a reconcile that
   * took longer than allowed), to one half at most at a time, and up by some 30 a second each
   * second while it is used and nothing is refused; between 5 and 10,000. The first list is not
   * limited by it: that is bounded by the number of workers.
   *
   * <p>The law is {@link LimitLaw#serverGuided}. A builder, so that other bounds can be set: {@code
   * Limits.standard().ceiling(500)}. A new one at each call.
   */
  public static AdaptiveLimit.Builder standard() {
    return AdaptiveLimit.rate(100)
        .law(LimitLaw.serverGuided(Duration.ofMillis(50)))
        .floor(5)
        .ceiling(10_000);
  }

  /**
   * Ten keys a second with a burst of five, for the initial sync too: the figures that the pattern
   * is usually shown with. For a small, fragile downstream; 10,000 objects take a quarter of an
   * hour. A new token bucket at each call.
   */
  public static RateLimiter article() {
    return RateLimiter.builder().name("article").tokenBucket(Rate.perSecond(10), 5);
  }
}
