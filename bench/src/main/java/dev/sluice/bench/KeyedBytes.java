package dev.sluice.bench;

import dev.sluice.flow.KeyedRateLimiter;
import dev.sluice.flow.RateLimiter;
import java.lang.ref.Reference;
import java.util.List;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Predicate;

/**
 * What the limiters of a million keys retain beyond the keys: the heap in use after collections,
 * with them and without, the keys being there in both cases. The table grows in steps, so it is
 * looked at from half a million keys on, too, and the worst is taken.
 */
@Work(
    name = "keyed-bytes",
    title = "keyed limiter, bytes a key beyond the key itself",
    unit = Work.Unit.BYTES,
    target = "at most 64 B",
    goals = @Goal(atMost = 64))
public final class KeyedBytes implements Measured {
  private static final String SLUICE = "sluice, KeyedRateLimiter";
  private static final String MAP = "ConcurrentHashMap + the same bucket";

  @Override
  public List<Figure> measure(Effort effort) throws Exception {
    double[] keyed = Fork.run(Fill.class, effort, SLUICE);
    double[] map = Fork.run(Fill.class, effort, MAP);
    return List.of(
        Figure.of("keyed-bytes", SLUICE + ", 1M keys", keyed[0]),
        Figure.of("keyed-bytes", SLUICE + ", worst of 0.5M to 1M keys", keyed[1]),
        Figure.of("keyed-bytes", MAP + ", 1M keys", map[0]),
        Figure.of("keyed-bytes", MAP + ", worst of 0.5M to 1M keys", map[1]));
  }

  /** Fills one. */
  static final class Fill implements Fork.Task {
    @Override
    public double[] run(Effort effort, String contender) {
      int count = effort.choose(1_000_000, 1_000_000, 10_000);
      String[] keys = new String[count];
      for (int i = 0; i < count; i++) {
        keys[i] = KeyedTries.key(i);
      }
      long before = Heap.used();
      Predicate<String> limiters = limiters(contender);
      double last = 0;
      double worst = 0;
      for (int i = 0; i < count; i++) {
        if (!limiters.test(keys[i])) {
          throw new AssertionError(keys[i]);
        }
        int filled = i + 1;
        if (filled >= count / 2 && filled % (count / 20) == 0) {
          last = (double) (Heap.used() - before) / filled;
          worst = Math.max(worst, last);
        }
      }
      Reference.reachabilityFence(limiters);
      Reference.reachabilityFence(keys);
      return new double[] {last, worst};
    }

    private static Predicate<String> limiters(String contender) {
      if (contender.equals(SLUICE)) {
        KeyedRateLimiter<String> keyed =
            RateLimiter.builder().keyedTokenBucket(KeyedTries.RATE, KeyedTries.BURST, 2_000_000);
        return keyed::tryAcquire;
      }
      ConcurrentHashMap<String, RateLimiter> map = new ConcurrentHashMap<>();
      return key -> map.computeIfAbsent(key, k -> KeyedTries.bucket()).tryAcquire();
    }
  }
}
