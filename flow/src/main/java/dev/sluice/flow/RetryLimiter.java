package dev.sluice.flow;

import java.time.Duration;
import java.util.List;

/**
 * Says how long a failed key waits before it is tried again. A {@link WorkQueue} asks one for each
 * {@linkplain WorkQueue#addRateLimited rate-limited add}.
 *
 * <pre>{@code
 * RetryLimiter<String> retries =
 *     RetryLimiter.maxOf(
 *         KeyedBackoff.of(Backoff.exponential(ofMillis(5), 2, ofSeconds(10))),
 *         RetryLimiter.overall(RateLimiter.tokenBucket(Rate.perSecond(10), 20)));
 * WorkQueue<String> queue = WorkQueue.<String>builder().retryLimiter(retries).build();
 * queue.addRateLimited(key);          // it failed: later each time
 * queue.forget(key);                  // it went well: the next failure counts as the first
 * }</pre>
 *
 * <p>Implementations are safe for use by any number of threads and do not block.
 *
 * @param <K> the key, with {@code equals} and {@code hashCode}
 */
@Experimental
public interface RetryLimiter<K> {

  /** Counts a failure of the key and says how long to wait before the next attempt. */
  Duration nextDelay(K key);

  /** The key has succeeded, or will not be tried again: its failures are forgotten. */
  void forget(K key);

  /** How many failures of the key are remembered; zero if none. */
  int failures(K key);

  /** One limiter for the retries of all keys together: each takes a permit and its delay. */
  static <K> RetryLimiter<K> overall(RateLimiter limiter) {
    return new RetryLimiter<>() {
      @Override
      public Duration nextDelay(K key) {
        return limiter.reserve().delay();
      }

      @Override
      public void forget(K key) {}

      @Override
      public int failures(K key) {
        return 0;
      }
    };
  }

  /**
   * The longest delay of several. Each is asked every time, so each counts every failure, as in
   * client-go's {@code MaxOfRateLimiter}.
   *
   * @throws IllegalArgumentException if there is none
   */
  @SafeVarargs
  static <K> RetryLimiter<K> maxOf(RetryLimiter<K>... limiters) {
    List<RetryLimiter<K>> all = List.of(limiters);
    if (all.isEmpty()) {
      throw new IllegalArgumentException("the longest delay of no limiter: give at least one");
    }
    return new RetryLimiter<>() {
      @Override
      public Duration nextDelay(K key) {
        Duration longest = Duration.ZERO;
        for (RetryLimiter<K> limiter : all) {
          Duration delay = limiter.nextDelay(key);
          longest = delay.compareTo(longest) > 0 ? delay : longest;
        }
        return longest;
      }

      @Override
      public void forget(K key) {
        all.forEach(limiter -> limiter.forget(key));
      }

      @Override
      public int failures(K key) {
        return all.stream().mapToInt(limiter -> limiter.failures(key)).max().orElse(0);
      }
    };
  }
}
