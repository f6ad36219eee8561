package dev.sluice.kube;

import dev.sluice.flow.Experimental;
import dev.sluice.flow.Rate;
import dev.sluice.flow.RateLimiter;

/** Limits by name, for {@link Controller.Builder#limitedBy}. */
@Experimental
public final class Limits {
  private Limits() {}

  /**
   * Ten keys a second with a burst of five, for the initial sync too: the figures that the pattern
   * is usually shown with. For a small, fragile downstream; 10,000 objects take a quarter of an
   * hour. A new token bucket at each call.
   */
  public static RateLimiter article() {
    return RateLimiter.builder().name("article").tokenBucket(Rate.perSecond(10), 5);
  }
}
