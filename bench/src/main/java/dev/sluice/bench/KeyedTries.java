package dev.sluice.bench;

import dev.sluice.flow.KeyedRateLimiter;
import dev.sluice.flow.Rate;
import dev.sluice.flow.RateLimiter;
import java.time.Duration;
import java.util.Arrays;
import java.util.SplittableRandom;
import java.util.concurrent.ConcurrentHashMap;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.State;

/**
 * One bucket for each of a million keys; one thread tries at one after the other in random order.
 *
 * <p>All keys are there when the measuring begins, and none of their buckets is full. A caller
 * comes with a key of its own, equal to that in the table but not the same object, as one that was
 * read from a request is; it finds the hash code computed.
 *
 * <p>The rival is what one writes oneself: {@code map.computeIfAbsent(key, k -> bucket).try()},
 * with the same bucket, in its faster form that looks with {@code get} first.
 */
@State(Scope.Benchmark)
public abstract class KeyedTries {
  static final Rate RATE = Rate.of(1, Duration.ofHours(1));
  static final long BURST = 1_000_000;

  private final String[] visits;
  private final KeyedRateLimiter<String> keyed;
  private final ConcurrentHashMap<String, RateLimiter> map = new ConcurrentHashMap<>();
  private int next;

  /**
   * @param skew of the distribution, whose n-th key comes with a weight of 1 / n^skew
   */
  KeyedTries(double skew) {
    boolean blink = Boolean.getBoolean("bench.blink");
    int keys = blink ? 1_000 : 1_000_000;
    keyed = RateLimiter.builder().keyedTokenBucket(RATE, BURST, 2 * keys);
    visits = new String[blink ? 1 << 10 : 1 << 21];
    SplittableRandom random = new SplittableRandom(1);
    double[] upTo = new double[keys];
    for (int i = 0; i < keys; i++) {
      upTo[i] = (i == 0 ? 0 : upTo[i - 1]) + Math.pow(i + 1.0, -skew);
    }
    int[] names = new int[keys]; // so that the frequent keys are not neighbors
    for (int i = 0; i < keys; i++) {
      int j = random.nextInt(i + 1);
      names[i] = names[j];
      names[j] = i;
    }
    for (int name : names) {
      String key = key(name);
      if (!keyed.tryAcquire(key) || !map.computeIfAbsent(key, k -> bucket()).tryAcquire()) {
        throw new AssertionError(key);
      }
    }
    for (int i = 0; i < visits.length; i++) {
      int rank = Arrays.binarySearch(upTo, random.nextDouble(upTo[keys - 1]));
      visits[i] = key(names[Math.min(keys - 1, rank < 0 ? -rank - 1 : rank)]);
      if (visits[i].hashCode() == 0) {
        throw new AssertionError(visits[i]);
      }
    }
  }

  static String key(int number) {
    return "namespace-" + number % 16 + "/name-" + number;
  }

  static RateLimiter bucket() {
    return RateLimiter.tokenBucket(RATE, BURST);
  }

  private String visit() {
    return visits[next++ & visits.length - 1];
  }

  @Benchmark
  @Contender("sluice, KeyedRateLimiter")
  public boolean keyed() {
    return keyed.tryAcquire(visit());
  }

  @Benchmark
  @Contender("ConcurrentHashMap + the same bucket")
  public boolean map() {
    String key = visit();
    RateLimiter bucket = map.get(key); // as computeIfAbsent, but without its lock
    if (bucket == null) {
      bucket = map.computeIfAbsent(key, k -> bucket());
    }
    return bucket.tryAcquire();
  }
}
