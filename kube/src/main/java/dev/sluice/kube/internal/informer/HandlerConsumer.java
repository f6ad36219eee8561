package dev.sluice.kube.internal.informer;

import dev.sluice.flow.Gate;
import dev.sluice.flow.Gate.Delivery;
import dev.sluice.flow.TimeSource;
import dev.sluice.kube.Change;
import dev.sluice.kube.ChangeHandler;
import dev.sluice.kube.Codec;
import dev.sluice.kube.ObjectKey;
import dev.sluice.kube.StopCause;
import dev.sluice.kube.StreamStatus.Periodic;
import dev.sluice.kube.StreamStatus.Telling;
import dev.sluice.kube.Subscription;
import dev.sluice.kube.internal.store.Entry;
import dev.sluice.kube.internal.store.Incarnation;
import dev.sluice.kube.internal.store.Incarnation.Tombstone;
import dev.sluice.kube.internal.time.Recurrence;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Takes deliveries from a gate and tells a handler, one at a time, on a virtual thread.
 *
 * <p>A delivery is a key; what is told is the object's state at the time of telling. So a put whose
 * object is already gone again is not told (its deletion follows), nor is the deletion of an object
 * that never was. For that, and to tell the first put from a later one, it remembers which
 * incarnations it has told.
 *
 * <p>A resync tells all stored objects once more, one whenever nothing else is to be told.
 */
public final class HandlerConsumer<T> implements Subscription, Runnable {
  private static final System.Logger LOG = System.getLogger("dev.sluice.kube.Informer");
  private static final Duration PATIENCE = Duration.ofSeconds(10);
  private static final long LOG_EVERY_NANOS = Duration.ofMinutes(1).toNanos();

  private final String name;
  private final Gate<ObjectKey> gate;
  private final Entries entries;
  private final Codec<T> codec;
  private final ChangeHandler<T> handler;
  private final TimeSource time;
  private final Recurrence resync;
  private final Consumer<StopCause> failureSeen;
  private final Consumer<HandlerConsumer<T>> detach;
  private final Map<ObjectKey, Incarnation> told = new HashMap<>();
  private final LongAdder delivered = new LongAdder();
  private final LongAdder failures = new LongAdder();
  private final AtomicBoolean closed = new AtomicBoolean();
  private final Thread thread;

  /** What the present resync is yet to tell, and how far it is. The thread's own. */
  private Entry[] again = {};

  private int at;
  private long loggedAt;
  private boolean logged;

  private volatile @Nullable Change<T> telling;
  private long tellingSince;

  /**
   * A consumer, not started.
   *
   * @param entries the stored objects
   * @param resync when all objects are told again
   * @param failureSeen told of every handler that threw
   * @param detach gives the gate back
   */
  public HandlerConsumer(
      String name,
      Gate<ObjectKey> gate,
      Entries entries,
      Codec<T> codec,
      ChangeHandler<T> handler,
      TimeSource time,
      Recurrence resync,
      Consumer<StopCause> failureSeen,
      Consumer<HandlerConsumer<T>> detach) {
    this.name = name;
    this.gate = gate;
    this.entries = entries;
    this.codec = codec;
    this.handler = handler;
    this.time = time;
    this.resync = resync;
    this.failureSeen = failureSeen;
    this.detach = detach;
    this.thread = Thread.ofVirtual().name("sluice-handler-" + name).unstarted(this);
  }

  /** Begins to tell. */
  public void start() {
    thread.start();
  }

  /** Tells until the gate is closed. */
  @Override
  public void run() {
    while (true) {
      try {
        tellAll();
        return;
      } catch (InterruptedException e) {
        if (closed.get()) {
          return;
        }
        // A handler has interrupted its own thread. Nothing was taken from the gate by that.
      } catch (Throwable e) {
        // Not the handler's: a defect, or no memory for what is to be told. Of that object it is
        // told no more until it changes, of all the others as before.
        failures.increment();
        failureSeen.accept(StopCause.HANDLER_FAILURE);
        log("met what it must not", e);
      }
    }
  }

  private void tellAll() throws InterruptedException {
    while (true) {
      Delivery<ObjectKey> next = at < again.length ? gate.poll() : next();
      Change<T> change = null;
      if (next != null) {
        change = change(next);
      } else if (gate.isDrained()) {
        return;
      } else if (gate.isHeld()) {
        gate.awaitRelease(); // which holds back what a resync would tell, too
      } else if (at < again.length) {
        change = again(again[at++]);
        if (at == again.length) {
          again = new Entry[0];
          at = 0;
          resync.done();
        }
      } else if (resync.isDue()) {
        again = entries.all();
        if (again.length == 0) {
          resync.done();
        }
      }
      if (change != null) {
        tell(change);
      }
    }
  }

  /** The next delivery; null when the resync is due, or the gate is closed and drained. */
  private @Nullable Delivery<ObjectKey> next() throws InterruptedException {
    return resync.isOn() ? gate.poll(Duration.ofNanos(resync.untilDue())) : gate.take();
  }

  /** The present state of what was stored when a resync began, unless a delivery will tell it. */
  private @Nullable Change<T> again(Entry stored) {
    Entry entry = entries.get(stored.key());
    return entry != null && entry.incarnation().equals(told.get(entry.key()))
        ? new Change.Put<>(entry, false, codec)
        : null;
  }

  private @Nullable Change<T> change(Delivery<ObjectKey> delivery) {
    ObjectKey key = delivery.key();
    Incarnation incarnation = (Incarnation) delivery.incarnation();
    if (delivery.change() == Gate.Change.PUT) {
      Entry entry = entries.get(key);
      if (entry == null || !entry.incarnation().equals(incarnation)) {
        return null;
      }
      Incarnation before = told.put(key, entry.incarnation());
      return new Change.Put<>(entry, !entry.incarnation().equals(before), codec);
    }
    Incarnation before = told.get(key);
    if (before == null || !before.equals(incarnation)) {
      return null;
    }
    told.remove(key);
    Tombstone tombstone =
        incarnation.tombstone() == null ? before.tombstone() : incarnation.tombstone();
    if (tombstone == null) {
      throw new IllegalStateException("a deletion of " + key + " that nobody has written");
    }
    return new Change.Deleted<>(key, tombstone.resourceVersion(), tombstone.last(), codec);
  }

  /**
   * Tells one change. Whatever the handler throws, an {@link Error} or an interrupt that nobody
   * asked for included, concerns that change only: a consumer that ended here would be a dead one
   * whose gate fills.
   */
  private void tell(Change<T> change) throws InterruptedException {
    tellingSince = time.nanoTime();
    telling = change;
    try {
      handler.on(change);
    } catch (Throwable e) {
      if (e instanceof InterruptedException interrupted && closed.get()) {
        throw interrupted;
      }
      failures.increment();
      failureSeen.accept(StopCause.HANDLER_FAILURE);
      log("threw on " + change.key(), e);
    } finally {
      telling = null;
      delivered.increment();
    }
  }

  private void log(String what, Throwable e) {
    long now = time.nanoTime();
    if (!logged || now - loggedAt >= LOG_EVERY_NANOS) {
      logged = true;
      loggedAt = now;
      LOG.log(
          System.Logger.Level.WARNING,
          "the handler '"
              + name
              + "' "
              + what
              + "; the stream goes on ("
              + failures.sum()
              + " failures so far)",
          e);
    }
  }

  @Override
  public String name() {
    return name;
  }

  @Override
  public int backlog() {
    return gate.stats().depth();
  }

  @Override
  public long delivered() {
    return delivered.sum();
  }

  @Override
  public long failures() {
    return failures.sum();
  }

  /** What the handler has been told and has not returned from; empty if it waits. */
  public Optional<Telling> telling() {
    Change<T> now = telling;
    long since = tellingSince;
    return now == null
        ? Optional.empty()
        : Optional.of(
            new Telling(now.key(), Duration.ofNanos(Math.max(0, time.nanoTime() - since))));
  }

  /** How the resync stands; empty if it is off. */
  public Optional<Periodic> resync() {
    return resync.status();
  }

  /**
   * Waits until everything that was handed over has been told; the gate must be completed. A
   * handler that closes its own informer waits for nothing.
   */
  public boolean awaitEnd(Duration patience) throws InterruptedException {
    return Thread.currentThread() == thread || thread.join(patience);
  }

  /** No longer tells, and interrupts a handler that is at it. Returns at once. */
  public void stop() {
    if (closed.compareAndSet(false, true)) {
      detach.accept(this);
      thread.interrupt();
    }
  }

  /** Waits until a handler that was interrupted has returned. Its own thread waits for nothing. */
  public void awaitStopped(Duration patience) {
    if (Thread.currentThread() == thread) {
      return;
    }
    try {
      if (!thread.join(patience)) {
        LOG.log(
            System.Logger.Level.WARNING,
            "the handler ''{0}'' does not return although it was interrupted",
            name);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  @Override
  public void close() {
    stop();
    awaitStopped(PATIENCE);
  }
}
