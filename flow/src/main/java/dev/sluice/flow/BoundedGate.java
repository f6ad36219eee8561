package dev.sluice.flow;

import java.time.Duration;
import java.util.Arrays;
import java.util.Objects;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * A gate that keeps every change, in order, up to a capacity: BLOCK and PAUSE, which differ in what
 * the stream does when it meets FULL, not in what is done here.
 *
 * <p>A ring of {@code capacity} changes with two watermarks. The high one is the capacity: an offer
 * that finds the ring filled to it shuts the gate. It opens again when consumers have drained it to
 * the low one, not at the first free slot: each shutting costs the stream a pause, and with PAUSE a
 * new connection, so it should be worth a good number of changes. Between the two an offer is
 * refused although there is room. The change that met FULL is not kept: it stays the producer's,
 * who stands before it when the stream resumes.
 */
final class BoundedGate<K> implements Gate<K> {
  private final Kind kind;
  private final int lowWatermark;
  private final TimeSource time;
  private final Announcer announcer;
  private final Holds holds;

  private final ReentrantLock lock = new ReentrantLock();
  private final Condition arrived = lock.newCondition();
  private final Condition opened = lock.newCondition();

  // All below is guarded by the lock.
  private final @Nullable Delivery<K>[] ring;
  private final long[] since;
  private int head;
  private int depth;
  private boolean full;
  private boolean closed;
  private long fullSince;
  private long accepted;
  private long refused;
  private long delivered;
  private long timesFull;
  private long nanosFull;

  @SuppressWarnings({"unchecked", "rawtypes"})
  BoundedGate(Builder<K> builder, int lowWatermark) {
    this.kind = builder.kind;
    this.lowWatermark = lowWatermark;
    this.time = builder.time;
    this.announcer = new Announcer(builder.name, builder.listener);
    this.holds = new Holds(lock, arrived, time, announcer);
    this.ring = (@Nullable Delivery<K>[]) new Delivery[builder.capacity];
    this.since = new long[builder.capacity];
  }

  @Override
  public Kind kind() {
    return kind;
  }

  @Override
  public String name() {
    return announcer.source();
  }

  @Override
  public Offer offer(K key, Change change, Object incarnation) {
    Objects.requireNonNull(key, "key");
    Objects.requireNonNull(change, "change");
    Objects.requireNonNull(incarnation, "incarnation");
    boolean shut;
    lock.lock();
    try {
      if (closed) {
        return Offer.CLOSED;
      }
      if (!full && depth < ring.length) {
        int tail = head + depth < ring.length ? head + depth : head + depth - ring.length;
        ring[tail] = new Delivery<>(key, change, incarnation);
        since[tail] = time.nanoTime();
        depth++;
        accepted++;
        arrived.signal();
        return Offer.ACCEPTED;
      }
      refused++;
      shut = !full;
      if (shut) {
        full = true;
        fullSince = time.nanoTime();
        timesFull++;
      }
    } finally {
      lock.unlock();
    }
    if (shut) {
      announcer.stateChanged("gate-full", "open", "full");
    }
    return Offer.FULL;
  }

  @Override
  public Offer offerQuietly(K key, Change change, Object incarnation) {
    return offer(key, change, incarnation);
  }

  @Override
  public void flush() {
    // Nobody was left asleep.
  }

  @Override
  public void markDelivered(K key, Object incarnation) {
    Objects.requireNonNull(key, "key");
    Objects.requireNonNull(incarnation, "incarnation");
  }

  @Override
  public boolean awaitRoom() throws InterruptedException {
    lock.lockInterruptibly();
    try {
      while (full && !closed) {
        opened.await();
      }
      return !closed;
    } finally {
      lock.unlock();
    }
  }

  @Override
  public boolean awaitRoom(Duration timeout) throws InterruptedException {
    long nanos = Durations.nanos("the time to wait for room", timeout);
    lock.lockInterruptibly();
    try {
      return Waiting.await(() -> !full || closed, lock, opened, time, nanos) && !closed;
    } finally {
      lock.unlock();
    }
  }

  @Override
  public @Nullable Delivery<K> take() throws InterruptedException {
    Delivery<K> next;
    long stall;
    lock.lockInterruptibly();
    try {
      while (!answersTakers()) {
        arrived.await();
      }
      next = removeNext();
      stall = openIfDrained();
    } finally {
      lock.unlock();
    }
    announceOpened(stall);
    return next;
  }

  @Override
  public @Nullable Delivery<K> poll() {
    Delivery<K> next;
    long stall;
    lock.lock();
    try {
      next = removeNext();
      stall = openIfDrained();
    } finally {
      lock.unlock();
    }
    announceOpened(stall);
    return next;
  }

  @Override
  public @Nullable Delivery<K> poll(Duration timeout) throws InterruptedException {
    long nanos = Durations.nanos("the time to wait for a change", timeout);
    Delivery<K> next;
    long stall;
    lock.lockInterruptibly();
    try {
      Waiting.await(this::answersTakers, lock, arrived, time, nanos);
      next = removeNext();
      stall = openIfDrained();
    } finally {
      lock.unlock();
    }
    announceOpened(stall);
    return next;
  }

  /** Whether a taker need not wait: there is a change for it, or there will be none. */
  private boolean answersTakers() {
    return depth == 0 ? closed : !holds.any();
  }

  private @Nullable Delivery<K> removeNext() {
    if (depth == 0 || holds.any()) {
      return null;
    }
    Delivery<K> next = ring[head];
    ring[head] = null;
    head = head + 1 == ring.length ? 0 : head + 1;
    depth--;
    delivered++;
    return next;
  }

  /** Opens the gate if it was full and has drained; returns for how long it was full, else -1. */
  private long openIfDrained() {
    if (!full || depth > lowWatermark || closed) {
      return -1;
    }
    full = false;
    long stall = time.nanoTime() - fullSince;
    nanosFull += stall;
    opened.signalAll();
    return stall;
  }

  private void announceOpened(long stall) {
    if (stall >= 0) {
      announcer.waited("gate-full", stall);
      announcer.stateChanged("gate-drained", "full", "open");
    }
  }

  @Override
  public Hold hold(String by) {
    return holds.add(by);
  }

  @Override
  public boolean isHeld() {
    lock.lock();
    try {
      return holds.any();
    } finally {
      lock.unlock();
    }
  }

  @Override
  public void awaitRelease() throws InterruptedException {
    lock.lockInterruptibly();
    try {
      while (holds.any()) {
        arrived.await();
      }
    } finally {
      lock.unlock();
    }
  }

  @Override
  public void complete() {
    end("completed", false);
  }

  @Override
  public void close() {
    end("closed", true);
  }

  private void end(String cause, boolean drop) {
    String from;
    lock.lock();
    try {
      if (drop) {
        Arrays.fill(ring, null);
        depth = 0;
        holds.end();
        arrived.signalAll(); // who waits for a release, after the producer's end
      }
      if (closed) {
        return;
      }
      from = full ? "full" : "open";
      if (full) {
        full = false;
        nanosFull += time.nanoTime() - fullSince;
      }
      closed = true;
      arrived.signalAll();
      opened.signalAll();
    } finally {
      lock.unlock();
    }
    announcer.stateChanged(cause, from, "closed");
  }

  @Override
  public boolean isClosed() {
    lock.lock();
    try {
      return closed;
    } finally {
      lock.unlock();
    }
  }

  @Override
  public boolean isDrained() {
    lock.lock();
    try {
      return closed && depth == 0;
    } finally {
      lock.unlock();
    }
  }

  @Override
  public Stats stats() {
    lock.lock();
    try {
      long now = time.nanoTime();
      return new Stats(
          depth,
          depth,
          full,
          accepted,
          0,
          0,
          refused,
          delivered,
          timesFull,
          Duration.ofNanos(nanosFull + (full ? now - fullSince : 0)),
          Duration.ofNanos(depth == 0 ? 0 : now - since[head]),
          holds.by(),
          holds.timeHeld());
    } finally {
      lock.unlock();
    }
  }

  @Override
  public String toString() {
    return kind + " gate '" + name() + "' " + stats();
  }
}
