package dev.sluice.flow;

import java.time.Duration;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Objects;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.locks.ReentrantLock;
import java.util.random.RandomGenerator;

/**
 * A {@link Backoff} for each key, for a bounded number of them.
 *
 * <p>A key is remembered from its first failure until it is {@linkplain #forget forgotten}, has not
 * failed for an hour (or as set), or as many other keys as may be remembered have failed since. A
 * key that is no longer remembered starts with the initial delay again; nothing else is lost.
 * Unlike a connection's, a key's failures are not forgotten after a healthy period: while an
 * attempt that takes a minute is under way nobody knows whether it is healthy. Only success is.
 *
 * <p>Safe for use by any number of threads.
 */
@Experimental
public final class KeyedBackoff<K> implements RetryLimiter<K> {
  private final Backoff policy;
  private final TimeSource time;
  private final RandomGenerator random;
  private final int maxKeys;
  private final long expireAfter;
  private final ReentrantLock lock = new ReentrantLock();

  /** In the order of the last failure. Only under the lock. */
  private final LinkedHashMap<K, Entry> entries = new LinkedHashMap<>();

  private KeyedBackoff(Builder<K> builder) {
    this.policy = builder.policy;
    this.time = builder.time;
    this.random = builder.random;
    this.maxKeys = builder.maxKeys;
    this.expireAfter = builder.expireAfter;
  }

  /** With the defaults of {@link #builder}. */
  public static <K> KeyedBackoff<K> of(Backoff policy) {
    return KeyedBackoff.<K>builder(policy).build();
  }

  /** Sets up a backoff for each key. */
  public static <K> Builder<K> builder(Backoff policy) {
    return new Builder<>(policy);
  }

  @Override
  public Duration nextDelay(K key) {
    return nextDelay(key, Duration.ZERO);
  }

  /**
   * As {@link #nextDelay(Object)}, with the server's word for how long to stay away.
   *
   * @param retryAfter zero or more; see {@link Backoff.Attempts#nextDelay(Duration)}
   */
  public Duration nextDelay(K key, Duration retryAfter) {
    Objects.requireNonNull(key, "key");
    lock.lock();
    try {
      long now = time.nanoTime();
      expire(now);
      Entry entry = entries.remove(key);
      if (entry == null) {
        if (entries.size() >= maxKeys) {
          removeEldest();
        }
        entry = new Entry(policy.attempts(time, random));
      }
      entries.put(key, entry);
      Duration delay =
          retryAfter.isZero() ? entry.attempts.nextDelay() : entry.attempts.nextDelay(retryAfter);
      entry.expiresAt = now + delay.toNanos() + expireAfter;
      return delay;
    } finally {
      lock.unlock();
    }
  }

  private void expire(long now) {
    Iterator<Entry> eldestFirst = entries.values().iterator();
    while (eldestFirst.hasNext() && eldestFirst.next().expiresAt - now <= 0) {
      eldestFirst.remove();
    }
  }

  private void removeEldest() {
    Iterator<Entry> eldestFirst = entries.values().iterator();
    eldestFirst.next();
    eldestFirst.remove();
  }

  @Override
  public void forget(K key) {
    Objects.requireNonNull(key, "key");
    lock.lock();
    try {
      entries.remove(key);
    } finally {
      lock.unlock();
    }
  }

  @Override
  public int failures(K key) {
    Objects.requireNonNull(key, "key");
    lock.lock();
    try {
      expire(time.nanoTime());
      Entry entry = entries.get(key);
      return entry == null ? 0 : entry.attempts.failures();
    } finally {
      lock.unlock();
    }
  }

  /** How many keys are remembered. */
  public int size() {
    lock.lock();
    try {
      expire(time.nanoTime());
      return entries.size();
    } finally {
      lock.unlock();
    }
  }

  private static final class Entry {
    final Backoff.Attempts attempts;
    long expiresAt;

    Entry(Backoff.Attempts attempts) {
      this.attempts = attempts;
    }
  }

  /** Settings of a {@link KeyedBackoff}. Not safe for use by several threads. */
  @Experimental
  public static final class Builder<K> {
    private final Backoff policy;
    private TimeSource time = TimeSource.system();
    private RandomGenerator random = () -> ThreadLocalRandom.current().nextLong();
    private int maxKeys = 100_000;
    private long expireAfter = Duration.ofHours(1).toNanos();

    private Builder(Backoff policy) {
      this.policy = Objects.requireNonNull(policy, "policy");
    }

    /** Where it learns the time from. {@link TimeSource#system()} by default. */
    public Builder<K> time(TimeSource time) {
      this.time = Objects.requireNonNull(time, "time");
      return this;
    }

    /** Where the jitter comes from. */
    public Builder<K> random(RandomGenerator random) {
      this.random = Objects.requireNonNull(random, "random");
      return this;
    }

    /**
     * How many keys are remembered at most: at the bound, the one that has not failed for longest
     * is forgotten. 100,000 by default, about 150 bytes each beside the key.
     *
     * @throws IllegalArgumentException if it is less than one
     */
    public Builder<K> maxKeys(int maxKeys) {
      if (maxKeys < 1) {
        throw new IllegalArgumentException("maxKeys must be at least 1, but is " + maxKeys);
      }
      this.maxKeys = maxKeys;
      return this;
    }

    /**
     * For how long after its delay a key is remembered that does not fail again. Must be longer
     * than an attempt may take. One hour by default, at most 366 days.
     *
     * @throws IllegalArgumentException if it is zero, negative or too long
     */
    public Builder<K> expireAfter(Duration idle) {
      Durations.atMostAYear("expireAfter", idle);
      this.expireAfter = Durations.positiveNanos("expireAfter", idle);
      return this;
    }

    /** Makes it. */
    public KeyedBackoff<K> build() {
      return new KeyedBackoff<>(this);
    }
  }
}
