package dev.sluice.flow;

import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * A gate that keeps the latest state per key and so is never full.
 *
 * <h2>What is kept</h2>
 *
 * <p>For each name there is at most one {@link Name}. It notes which incarnation the consumer has
 * {@code delivered}, if any, and what is still pending: at most a {@code deletion} and a {@code
 * put}, in this order, the deletion for what the consumer knows and the put for what is live now.
 * That is all the consumer has to be told to be up to date, whatever happened in between. Pending
 * entries stand in one list in the order in which the first change that they stand for arrived; a
 * later change of the same key does not move them, so that a key that changes all the time is
 * delivered as early as one that changed once.
 *
 * <p>Let <i>d</i> be the delivered incarnation and <i>p</i> that of the pending put. These always
 * hold:
 *
 * <ol>
 *   <li>If both are there and differ, a deletion of <i>d</i> is pending, before the put.
 *   <li>If they are the same, no deletion is pending: the put is a mere update.
 *   <li>A name with neither a delivered incarnation nor anything pending is forgotten.
 * </ol>
 *
 * <h2>Why it is bounded</h2>
 *
 * <p>By 3, each name kept is live (its put is pending or delivered) or was delivered and its
 * deletion not yet. A creation that was never delivered leaves with its deletion: they annihilate.
 * So a name costs two entries at most, and the number of names is that of the objects that are
 * live, or known to the consumer. An object that is created and deleted a million times while the
 * consumer is busy costs one name.
 *
 * <h2>What is not assumed</h2>
 *
 * <p>Streams have gaps. A put of another incarnation than the last one implies the deletion of that
 * one, and takes its part here even though it was never offered. A deletion of an incarnation that
 * was never offered is delivered if nothing else is known of the name, for the consumer may know it
 * from before; it is ignored while a put of another incarnation is pending, because to withhold a
 * live object would be worse than to announce a dead one. An incarnation that comes back (an object
 * that stopped and started again to match a selector) is an update of what the consumer knows.
 */
final class CoalescingGate<K> implements Gate<K> {
  private final TimeSource time;
  private final Announcer announcer;
  private final Holds holds;

  private final ReentrantLock lock = new ReentrantLock();
  private final Condition arrived = lock.newCondition();

  // All below is guarded by the lock.
  private final Map<K, Name<K>> names = new HashMap<>();
  private @Nullable Entry<K> first;
  private @Nullable Entry<K> last;
  private int depth;
  private boolean closed;

  /** How many entries have been appended of which no sleeping consumer has been told. */
  private int untold;

  private long accepted;
  private long coalesced;
  private long annihilated;
  private long delivered;

  /** What the consumer has been told, and has still to be told, about one name. */
  private static final class Name<K> {
    final K key;
    @Nullable Object delivered;
    @Nullable Entry<K> deletion;
    @Nullable Entry<K> put;

    Name(K key) {
      this.key = key;
    }
  }

  /** A pending change, in the list of all of them. */
  private static final class Entry<K> {
    final Name<K> name;
    final long since;
    Change change;
    Object incarnation;
    @Nullable Entry<K> previous;
    @Nullable Entry<K> next;

    Entry(Name<K> name, Change change, Object incarnation, long since) {
      this.name = name;
      this.change = change;
      this.incarnation = incarnation;
      this.since = since;
    }
  }

  CoalescingGate(Builder<K> builder) {
    this.time = builder.time;
    this.announcer = new Announcer(builder.name, builder.listener);
    this.holds = new Holds(lock, arrived, time, announcer);
  }

  @Override
  public Kind kind() {
    return Kind.COALESCE;
  }

  @Override
  public String name() {
    return announcer.source();
  }

  @Override
  public Offer offer(K key, Change change, Object incarnation) {
    return offer(key, change, incarnation, true);
  }

  @Override
  public Offer offerQuietly(K key, Change change, Object incarnation) {
    return offer(key, change, incarnation, false);
  }

  @Override
  public void flush() {
    lock.lock();
    try {
      wake();
    } finally {
      lock.unlock();
    }
  }

  private void wake() {
    if (untold == 1) {
      arrived.signal();
    } else if (untold > 1) {
      arrived.signalAll();
    }
    untold = 0;
  }

  private Offer offer(K key, Change change, Object incarnation, boolean wake) {
    Objects.requireNonNull(key, "key");
    Objects.requireNonNull(change, "change");
    Objects.requireNonNull(incarnation, "incarnation");
    lock.lock();
    try {
      if (closed) {
        return Offer.CLOSED;
      }
      Name<K> name = names.get(key);
      if (name == null) {
        name = new Name<>(key);
        names.put(key, name);
      }
      Offer outcome = change == Change.PUT ? put(name, incarnation) : delete(name, incarnation);
      switch (outcome) {
        case ACCEPTED -> accepted++;
        case COALESCED -> coalesced++;
        case ANNIHILATED -> annihilated++;
        default -> throw new AssertionError(outcome);
      }
      if (wake) {
        wake();
      }
      return outcome;
    } finally {
      lock.unlock();
    }
  }

  private Offer put(Name<K> name, Object incarnation) {
    Entry<K> put = name.put;
    Entry<K> deletion = name.deletion;
    if (put != null && put.incarnation.equals(incarnation)) {
      return Offer.COALESCED;
    }
    if (incarnation.equals(name.delivered)
        || (name.delivered == null
            && deletion != null
            && deletion.incarnation.equals(incarnation))) {
      return putOfTheKnown(name, incarnation);
    }
    if (put == null) {
      if (name.delivered != null) {
        if (deletion == null) {
          name.deletion = append(name, Change.DELETE, name.delivered);
        } else {
          deletion.incarnation = name.delivered;
        }
      }
      name.put = append(name, Change.PUT, incarnation);
      return Offer.ACCEPTED;
    }
    if (put.incarnation.equals(name.delivered)) {
      // An update of what the consumer knows becomes the deletion of it, where it stands.
      put.change = Change.DELETE;
      name.deletion = put;
      name.put = append(name, Change.PUT, incarnation);
      return Offer.ACCEPTED;
    }
    // The consumer knows nothing of the one that is replaced: its creation and its deletion
    // annihilate, and the new one takes its place.
    put.incarnation = incarnation;
    return Offer.COALESCED;
  }

  /** A put of what the consumer knows, or may know: an update, whatever was pending. */
  private Offer putOfTheKnown(Name<K> name, Object incarnation) {
    Entry<K> put = name.put;
    Entry<K> deletion = name.deletion;
    if (deletion != null) {
      deletion.change = Change.PUT;
      deletion.incarnation = incarnation;
      name.deletion = null;
      name.put = deletion;
      if (put != null) {
        unlink(put);
      }
      return Offer.COALESCED;
    }
    name.put = append(name, Change.PUT, incarnation);
    return Offer.ACCEPTED;
  }

  private Offer delete(Name<K> name, Object incarnation) {
    Entry<K> put = name.put;
    Entry<K> deletion = name.deletion;
    if (put != null && put.incarnation.equals(incarnation)) {
      if (incarnation.equals(name.delivered)) {
        put.change = Change.DELETE;
        name.put = null;
        name.deletion = put;
        return Offer.COALESCED;
      }
      unlink(put);
      name.put = null;
      forgetIfSettled(name);
      return Offer.ANNIHILATED;
    }
    if (deletion != null) {
      if (incarnation.equals(name.delivered)) {
        deletion.incarnation = incarnation;
      }
      return Offer.COALESCED;
    }
    if (put != null) {
      return Offer.ANNIHILATED;
    }
    name.deletion = append(name, Change.DELETE, incarnation);
    return Offer.ACCEPTED;
  }

  private Entry<K> append(Name<K> name, Change change, Object incarnation) {
    Entry<K> entry = new Entry<>(name, change, incarnation, time.nanoTime());
    entry.previous = last;
    if (last == null) {
      first = entry;
    } else {
      last.next = entry;
    }
    last = entry;
    depth++;
    untold++;
    return entry;
  }

  private void unlink(Entry<K> entry) {
    Entry<K> previous = entry.previous;
    Entry<K> next = entry.next;
    if (previous == null) {
      first = next;
    } else {
      previous.next = next;
    }
    if (next == null) {
      last = previous;
    } else {
      next.previous = previous;
    }
    depth--;
  }

  private void forgetIfSettled(Name<K> name) {
    if (name.delivered == null && name.deletion == null && name.put == null) {
      names.remove(name.key);
    }
  }

  @Override
  public void markDelivered(K key, Object incarnation) {
    Objects.requireNonNull(key, "key");
    Objects.requireNonNull(incarnation, "incarnation");
    lock.lock();
    try {
      if (closed) {
        return;
      }
      Name<K> name = new Name<>(key);
      name.delivered = incarnation;
      if (names.putIfAbsent(key, name) != null) {
        throw new IllegalStateException(
            "the gate '"
                + name()
                + "' knows the key "
                + key
                + " already; mark what was delivered before the first offer for it");
      }
    } finally {
      lock.unlock();
    }
  }

  @Override
  public boolean awaitRoom() throws InterruptedException {
    if (Thread.interrupted()) {
      throw new InterruptedException();
    }
    return !isClosed();
  }

  @Override
  public boolean awaitRoom(Duration timeout) throws InterruptedException {
    Durations.nanos("the time to wait for room", timeout);
    return awaitRoom();
  }

  @Override
  public @Nullable Delivery<K> take() throws InterruptedException {
    lock.lockInterruptibly();
    try {
      while (!answersTakers()) {
        arrived.await();
      }
      return removeNext();
    } finally {
      lock.unlock();
    }
  }

  @Override
  public @Nullable Delivery<K> poll() {
    lock.lock();
    try {
      return removeNext();
    } finally {
      lock.unlock();
    }
  }

  @Override
  public @Nullable Delivery<K> poll(Duration timeout) throws InterruptedException {
    long nanos = Durations.nanos("the time to wait for a change", timeout);
    lock.lockInterruptibly();
    try {
      Waiting.await(this::answersTakers, lock, arrived, time, nanos);
      return removeNext();
    } finally {
      lock.unlock();
    }
  }

  /** Whether a taker need not wait: there is a change for it, or there will be none. */
  private boolean answersTakers() {
    return depth == 0 ? closed : !holds.any();
  }

  private @Nullable Delivery<K> removeNext() {
    Entry<K> entry = first;
    if (entry == null || holds.any()) {
      return null;
    }
    unlink(entry);
    delivered++;
    Name<K> name = entry.name;
    if (entry.change == Change.PUT) {
      name.put = null;
      name.delivered = entry.incarnation;
    } else {
      name.deletion = null;
      if (entry.incarnation.equals(name.delivered)) {
        name.delivered = null;
      }
      forgetIfSettled(name);
    }
    return new Delivery<>(name.key, entry.change, entry.incarnation);
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
    lock.lock();
    try {
      if (drop) {
        names.clear();
        first = null;
        last = null;
        depth = 0;
        holds.end();
        arrived.signalAll(); // who waits for a release, after the producer's end
      }
      if (closed) {
        return;
      }
      closed = true;
      arrived.signalAll();
    } finally {
      lock.unlock();
    }
    announcer.stateChanged(cause, "open", "closed");
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
      return new Stats(
          depth,
          names.size(),
          false,
          accepted,
          coalesced,
          annihilated,
          0,
          delivered,
          0,
          Duration.ZERO,
          Duration.ofNanos(first == null ? 0 : time.nanoTime() - first.since),
          holds.by(),
          holds.timeHeld());
    } finally {
      lock.unlock();
    }
  }

  @Override
  public String toString() {
    return "COALESCE gate '" + name() + "' " + stats();
  }
}
