package dev.sluice.flow;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * A token bucket for each key, all of one rate and burst, for a bounded number of keys.
 *
 * <pre>{@code
 * KeyedRateLimiter<String> perClient = KeyedRateLimiter.tokenBucket(Rate.perSecond(5), 10);
 * if (!perClient.tryAcquire(client)) { ... 429 ... }
 * }</pre>
 *
 * <p><b>Keys come and go by themselves.</b> A key whose bucket is full again is no different from
 * one never seen, and is forgotten when its place is needed. While more keys than allowed are
 * <i>not</i> full, the fullest are forgotten: they find a full bucket when they come back, so they
 * are given at most the little that theirs lacked. {@link #evictions()} counts those. Keys for
 * which somebody waits stay.
 *
 * <p>A try costs two accesses to memory beside the key's own and 27 to 40 bytes a key; somebody who
 * waits or reserves, a limiter of its own as long as it lasts. Order, bound and change at run time
 * are those of {@link RateLimiter}, for each key.
 *
 * <p>Safe for use by any number of threads. There is nothing to close.
 *
 * @param <K> the key: immutable, with {@code equals} and {@code hashCode}
 */
/*
 * The table. Open addressing with linear probing over an array of pairs (tag, emptyAt), four pairs
 * to a cache line, and a parallel array of keys. The tag is the hash, so that a probe touches a
 * foreign key only with a probability of 2^-32; the state lies beside it, so that a lookup touches
 * two lines: the pair's and the key's reference. (A map of buckets touches the map's table, its
 * node, the bucket and the bucket's state.) Tables have any size, not only powers of two, and grow
 * by half, so they are between a half and three quarters full.
 *
 * The concurrency. A pair's state is changed by compare-and-set without a lock, as in
 * CellRateLimiter. Keys are only ever added to a table, under the segment's lock; to remove some,
 * or to grow, or to change the rate, what remains is copied into a new table, and each state in the
 * old one is exchanged for MOVED in the same step in which it is read. Who comes upon MOVED looks
 * into the new table.
 *
 * Waiting. A key for which somebody waits gets a CellRateLimiter, and its pair says LIMITER. It is
 * taken back into the table when it is idle: its bucket full, nobody in its line, nobody about to
 * use it. As it is full then, nothing needs to be carried over, and a reservation made from it that
 * is given back even later changes nothing any more.
 */
@Experimental
public final class KeyedRateLimiter<K> {
  private static final int DEFAULT_MAX_KEYS = 100_000;
  private static final int SEGMENTS = 64;

  /** The state went into the segment's next table. */
  private static final long MOVED = Long.MIN_VALUE;

  /** The state is in the key's own limiter. */
  private static final long LIMITER = Long.MIN_VALUE + 1;

  private static final int TAKEN = 1;
  private static final int REFUSED = 0;
  private static final int UNDECIDED = -1;

  private static final VarHandle LONGS = MethodHandles.arrayElementVarHandle(long[].class);
  private static final VarHandle KEYS = MethodHandles.arrayElementVarHandle(Object[].class);

  private final RateLimiter.Builder settings;
  private final TimeSource time;
  private final Announcer announcer;
  private final int maxKeys;
  private final List<Segment<K>> segments;
  private final int segmentMask;
  private final AtomicInteger keys = new AtomicInteger();
  private final AtomicLong evictions = new AtomicLong();

  /** Held while the rate changes, so that changes reach all segments in one order. */
  private final ReentrantLock changing = new ReentrantLock();

  private volatile CellRate rate;

  KeyedRateLimiter(RateLimiter.Builder settings, Rate rate, long burst, int maxKeys) {
    if (maxKeys < 1) {
      throw new IllegalArgumentException("maxKeys must be at least 1, but is " + maxKeys);
    }
    this.settings = new RateLimiter.Builder(settings);
    this.time = settings.time;
    this.announcer = new Announcer(settings.name, settings.listener);
    this.maxKeys = maxKeys;
    this.rate = CellRate.tokenBucket(rate, burst);
    int count = maxKeys < 64 * SEGMENTS ? 1 : SEGMENTS;
    this.segmentMask = count - 1;
    List<Segment<K>> all = new ArrayList<>(count);
    for (int i = 0; i < count; i++) {
      all.add(new Segment<>(new Table(this.rate, time.nanoTime(), 16)));
    }
    this.segments = List.copyOf(all);
  }

  /**
   * For up to 100,000 keys. For more, a name, a listener or another {@link TimeSource}: {@link
   * RateLimiter.Builder#keyedTokenBucket}.
   *
   * @throws IllegalArgumentException if the rate or the burst is out of range
   */
  public static <K> KeyedRateLimiter<K> tokenBucket(Rate rate, long burst) {
    return RateLimiter.builder().keyedTokenBucket(rate, burst, DEFAULT_MAX_KEYS);
  }

  // ---- what is the same for all keys

  /** The name given by the builder. */
  public String name() {
    return announcer.source();
  }

  /** The present rate of each key. */
  public Rate rate() {
    return rate.rate;
  }

  /** The present burst of each key. */
  public long burst() {
    return rate.burst;
  }

  /** How many keys are remembered: those whose bucket is not full, and some whose bucket is. */
  public int keys() {
    return keys.get();
  }

  /** How many keys were forgotten before their bucket was full, for want of room. */
  public long evictions() {
    return evictions.get();
  }

  /** Changes the rate of all keys, as {@link RateLimiter#setRate}. Takes a while with many keys. */
  public void setRate(Rate newRate) {
    changing.lock();
    try {
      double before = rate.rate.permitsPerSecond();
      change(rate.with(newRate));
      announcer.limitChanged("set-rate", before, newRate.permitsPerSecond());
    } finally {
      changing.unlock();
    }
  }

  /** Changes the burst of all keys, as {@link RateLimiter#setBurst}. Takes a while with many. */
  public void setBurst(long burst) {
    changing.lock();
    try {
      long before = rate.burst;
      change(rate.with(burst));
      announcer.limitChanged("set-burst", before, burst);
    } finally {
      changing.unlock();
    }
  }

  private void change(CellRate newRate) {
    rate = newRate;
    for (Segment<K> segment : segments) {
      List<CellRateLimiter> limiters = new ArrayList<>();
      segment.lock.lock();
      try {
        segment.limiters.values().forEach(own -> limiters.add(own.limiter));
        rebuild(segment, 0);
      } finally {
        segment.lock.unlock();
      }
      limiters.forEach(limiter -> limiter.goOnAt(newRate));
    }
  }

  // ---- for each key

  /** {@link #tryAcquire(Object, long) tryAcquire(key, 1)}. */
  public boolean tryAcquire(K key) {
    return tryAcquire(key, 1);
  }

  /**
   * Takes permits of the key if they are there and nobody waits for them. Never blocks.
   *
   * @throws IllegalArgumentException if {@code permits} is less than one or more than the burst
   */
  public boolean tryAcquire(K key, long permits) {
    if (take(key, permits)) {
      return true;
    }
    announcer.rejected(LineLimiter.CAUSE_RATE);
    return false;
  }

  /** {@link #acquire(Object, long) acquire(key, 1)}. */
  public void acquire(K key) throws InterruptedException {
    acquire(key, 1);
  }

  /** As {@link RateLimiter#acquire(long)}, for the key. */
  public void acquire(K key, long permits) throws InterruptedException {
    if (Thread.interrupted()) {
      throw new InterruptedException("interrupted before waiting for '" + name() + "'");
    }
    if (take(key, permits)) {
      return;
    }
    Own own = pin(key);
    try {
      own.limiter.acquire(permits);
    } finally {
      unpin(key, own);
    }
  }

  /** As {@link RateLimiter#acquire(long, Duration)}, for the key. */
  public boolean acquire(K key, long permits, Duration timeout) throws InterruptedException {
    Durations.nanos("timeout", timeout);
    if (Thread.interrupted()) {
      throw new InterruptedException("interrupted before waiting for '" + name() + "'");
    }
    if (take(key, permits)) {
      return true;
    }
    Own own = pin(key);
    try {
      return own.limiter.acquire(permits, timeout);
    } finally {
      unpin(key, own);
    }
  }

  /** {@link #acquireAsync(Object, long) acquireAsync(key, 1)}. */
  public CompletableFuture<@Nullable Void> acquireAsync(K key) {
    return acquireAsync(key, 1);
  }

  /** As {@link RateLimiter#acquireAsync(long)}, for the key. */
  public CompletableFuture<@Nullable Void> acquireAsync(K key, long permits) {
    if (take(key, permits)) {
      return CompletableFuture.completedFuture(null);
    }
    Own own = pin(key);
    try {
      return own.limiter.acquireAsync(permits);
    } finally {
      unpin(key, own);
    }
  }

  /**
   * As {@link RateLimiter#reserve(long)}, for the key.
   *
   * @throws RejectedExecutionException as there
   */
  public RateLimiter.Reservation reserve(K key, long permits) {
    Own own = pin(key);
    try {
      return own.limiter.reserve(permits);
    } finally {
      unpin(key, own);
    }
  }

  /** As {@link RateLimiter#available()}, for the key. */
  public double available(K key) {
    int hash = hash(key);
    Segment<K> segment = segment(hash);
    segment.lock.lock();
    try {
      Own own = segment.limiters.get(key);
      if (own != null) {
        return own.limiter.available();
      }
      Table table = upToDate(segment);
      int slot = table.find(key, hash);
      return slot < 0 ? rate.burst : table.tokens(slot, time.nanoTime());
    } finally {
      segment.lock.unlock();
    }
  }

  // ---- the table

  private static int hash(Object key) {
    int hash = key.hashCode() * 0x9E3779B9; // spread over the upper bits, which choose the slot
    return hash ^ (hash >>> 15); // and from there over the lower ones, which choose the segment
  }

  private Segment<K> segment(int hash) {
    return segments.get(hash & segmentMask);
  }

  private boolean take(K key, long permits) {
    if (permits != 1) {
      LineLimiter.check(name(), permits, rate.burst);
    }
    int hash = hash(key);
    Segment<K> segment = segment(hash);
    while (true) {
      Table table = segment.table;
      int slot = table.find(key, hash);
      int outcome = slot < 0 ? UNDECIDED : table.take(slot, permits, time);
      if (outcome == UNDECIDED) {
        outcome = takeLocked(segment, key, hash, permits);
      }
      if (outcome != UNDECIDED) {
        return outcome == TAKEN;
      }
    }
  }

  /** Makes sure that the key is in the table; asks its limiter if it has one. */
  private int takeLocked(Segment<K> segment, K key, int hash, long permits) {
    segment.lock.lock();
    try {
      Table table = upToDate(segment);
      int slot = table.find(key, hash);
      if (slot < 0) {
        add(segment, key, hash);
        return UNDECIDED;
      }
      Own own = segment.limiters.get(key);
      if (own == null) {
        return UNDECIDED;
      }
      return own.limiter.take(permits) ? TAKEN : REFUSED;
    } finally {
      segment.lock.unlock();
    }
  }

  /** The segment's table, with an origin that lies less than 18 years back. Under its lock. */
  private Table upToDate(Segment<K> segment) {
    if ((time.nanoTime() - segment.table.origin) >>> 59 != 0) {
      rebuild(segment, 0);
    }
    return segment.table;
  }

  private int add(Segment<K> segment, K key, int hash) {
    if (keys.get() >= maxKeys || segment.table.used >= segment.table.most) {
      rebuild(segment, 1);
    }
    Table table = segment.table;
    keys.incrementAndGet();
    return table.add(key, hash, table.flowed(time.nanoTime()) - table.rate.capacity);
  }

  /**
   * Copies what is worth keeping into a new table.
   *
   * @param room how many keys are to be added
   */
  private void rebuild(Segment<K> segment, int room) {
    Table old = segment.table;
    long now = time.nanoTime();
    long flowed = old.flowed(now);
    retireIdle(segment, Integer.MAX_VALUE);
    // First everything is taken out of the old table, then what is not full is put into the new.
    int kept = 0;
    Object[] keptKeys = new Object[old.used];
    long[] keptTokens = new long[old.used];
    for (int i = 0; i < old.capacity; i++) {
      Object key = old.keys[i];
      if (key == null) {
        continue;
      }
      long state = (long) LONGS.getAndSet(old.cells, 2 * i + 1, MOVED);
      boolean hasLimiter = segment.limiters.containsKey(key);
      long tokens = hasLimiter ? LIMITER : flowed - state;
      if (hasLimiter || state != LIMITER && tokens < old.rate.capacity) {
        keptKeys[kept] = key;
        keptTokens[kept++] = tokens;
      }
    }
    int others = keys.get() - old.used;
    int excess = Math.max(0, others + kept + room - maxKeys);
    int toEvict = excess == 0 ? 0 : Math.max(excess, kept / 16); // more than one, for the effort
    long fullest = fullest(keptTokens, kept, toEvict);
    CellRate newRate = rate;
    Table table = new Table(newRate, now, (kept + room) * 3 / 2 + 1);
    for (int i = 0; i < kept; i++) {
      if (keptTokens[i] >= fullest && toEvict > 0) {
        toEvict--;
        evictions.incrementAndGet();
      } else {
        long tokens = keptTokens[i];
        long state =
            tokens == LIMITER
                ? LIMITER
                : -Math.min(
                    newRate.capacity, CellRate.shift(tokens, newRate.shift - old.rate.shift));
        table.add(keptKeys[i], hash(keptKeys[i]), state);
      }
    }
    keys.addAndGet(table.used - old.used);
    segment.table = table;
  }

  /** How many tokens those have at least that are to go. Who has a limiter stays. */
  private static long fullest(long[] tokens, int count, int toEvict) {
    if (toEvict == 0 || count == 0) {
      return Long.MAX_VALUE;
    }
    long[] sorted = Arrays.copyOf(tokens, count);
    Arrays.sort(sorted);
    return Math.max(LIMITER + 1, sorted[Math.max(0, count - toEvict)]);
  }

  // ---- a key's own limiter

  private Own pin(K key) {
    int hash = hash(key);
    Segment<K> segment = segment(hash);
    segment.lock.lock();
    try {
      Table table = upToDate(segment);
      Own own = segment.limiters.remove(key);
      if (own == null) {
        retireIdle(segment, 2);
        int slot = table.find(key, hash);
        if (slot < 0) {
          slot = add(segment, key, hash);
          table = segment.table;
        }
        long state = (long) LONGS.getAndSet(table.cells, 2 * slot + 1, LIMITER);
        own = new Own(new CellRateLimiter(settings, table.rate, table.origin, state));
      }
      segment.limiters.put(key, own); // as the youngest
      own.users++;
      return own;
    } finally {
      segment.lock.unlock();
    }
  }

  private void unpin(K key, Own own) {
    Segment<K> segment = segment(hash(key));
    segment.lock.lock();
    try {
      own.users--;
    } finally {
      segment.lock.unlock();
    }
  }

  /** Takes limiters that are idle back into the table, the longest unused first. */
  private void retireIdle(Segment<K> segment, int atMost) {
    Iterator<Map.Entry<K, Own>> eldestFirst = segment.limiters.entrySet().iterator();
    Table table = segment.table;
    for (int i = 0; i < atMost && eldestFirst.hasNext(); i++) {
      Map.Entry<K, Own> entry = eldestFirst.next();
      if (entry.getValue().users == 0 && entry.getValue().limiter.isIdle()) {
        eldestFirst.remove();
        int slot = table.find(entry.getKey(), hash(entry.getKey()));
        long full = table.flowed(time.nanoTime()) - table.rate.capacity;
        LONGS.setVolatile(table.cells, 2 * slot + 1, full);
      }
    }
  }

  /** A part of the keys, with a lock of its own for what is not done by compare-and-set. */
  private static final class Segment<K> {
    final ReentrantLock lock = new ReentrantLock();

    /** The keys that have one, the longest unused first. Only under the lock. */
    final LinkedHashMap<K, Own> limiters = new LinkedHashMap<>();

    /** Replaced under the lock only. */
    volatile Table table;

    Segment(Table table) {
      this.table = table;
    }
  }

  /** A key's own limiter. */
  private static final class Own {
    final CellRateLimiter limiter;

    /** How many are about to use it. Only under the segment's lock. */
    int users;

    Own(CellRateLimiter limiter) {
      this.limiter = limiter;
    }
  }

  private static final class Table {
    final CellRate rate;
    final long origin;
    final int capacity;

    /** How many keys fit. */
    final int most;

    final long[] cells;
    final @Nullable Object[] keys;

    /** How many keys there are. Only under the segment's lock. */
    int used;

    Table(CellRate rate, long origin, int most) {
      this.rate = rate;
      this.origin = origin;
      this.most = most;
      this.capacity = most + most / 3 + 1;
      this.cells = new long[2 * capacity];
      this.keys = new Object[capacity];
    }

    long flowed(long now) {
      return rate.flowed(Math.clamp(now - origin, 0, 2 * CellRate.HORIZON_NANOS - 1));
    }

    private int home(int hash) {
      return (int) ((hash & 0xFFFF_FFFFL) * capacity >>> 32);
    }

    private static long tag(int hash) {
      return 1L << 32 | hash & 0xFFFF_FFFFL; // never zero
    }

    /** Where the key is; negative if it is not there (or is just being added). */
    int find(Object key, int hash) {
      long tag = tag(hash);
      int slot = home(hash);
      while (true) {
        long found = (long) LONGS.getOpaque(cells, 2 * slot);
        if (found == tag) {
          Object other = KEYS.getAcquire(keys, slot);
          if (other == key || key.equals(other)) {
            return slot;
          }
        } else if (found == 0) {
          return -1;
        }
        slot = slot + 1 == capacity ? 0 : slot + 1;
      }
    }

    /** Under the segment's lock. */
    int add(Object key, int hash, long state) {
      int slot = home(hash);
      while (cells[2 * slot] != 0) {
        slot = slot + 1 == capacity ? 0 : slot + 1;
      }
      LONGS.setOpaque(cells, 2 * slot + 1, state);
      LONGS.setOpaque(cells, 2 * slot, tag(hash));
      KEYS.setRelease(keys, slot, key);
      used++;
      return slot;
    }

    double tokens(int slot, long now) {
      long flowed = flowed(now);
      long emptyAt = (long) LONGS.getVolatile(cells, 2 * slot + 1);
      return rate.permits(flowed - Math.max(emptyAt, flowed - rate.capacity));
    }

    /** As {@code CellRateLimiter.takeUnlocked}, which see. */
    int take(int slot, long permits, TimeSource time) {
      int at = 2 * slot + 1;
      long cost = permits << rate.shift;
      long emptyAt = (long) LONGS.getVolatile(cells, at);
      long elapsed = time.nanoTime() - origin;
      boolean fresh = true;
      while (emptyAt > LIMITER && elapsed >>> 59 == 0) {
        long now = rate.flowed(elapsed);
        long from = Math.max(emptyAt, now - rate.capacity);
        if (from + cost <= now) {
          long witness = (long) LONGS.compareAndExchange(cells, at, emptyAt, from + cost);
          if (witness == emptyAt) {
            return TAKEN;
          }
          emptyAt = witness;
          fresh = false;
        } else if (fresh) {
          return REFUSED;
        } else {
          elapsed = time.nanoTime() - origin;
          fresh = true;
        }
      }
      return UNDECIDED;
    }
  }
}
