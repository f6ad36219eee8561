package dev.sluice.kube.internal.informer;

import dev.sluice.flow.FlowListener;
import dev.sluice.flow.Gate;
import dev.sluice.flow.Gate.Change;
import dev.sluice.flow.Gate.Offer;
import dev.sluice.flow.TimeSource;
import dev.sluice.kube.ObjectKey;
import dev.sluice.kube.internal.store.Entry;
import dev.sluice.kube.internal.store.ObjectStore;
import dev.sluice.kube.internal.watch.Outlet;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * Offers what a stream hands over to every consumer's gate.
 *
 * <p>With a COALESCE gate there may be any number of consumers, each with a gate of its own; one
 * that comes later is first offered all that is in the store. BLOCK and PAUSE act on the whole
 * stream, so there is one such gate and one consumer; the gate is there from the start, and keeps
 * what comes before its consumer does.
 *
 * <p>Offers and the coming of a consumer exclude each other: an event that is written to the store
 * before a consumer came is among what it is offered first, one that is written later is offered to
 * it after that. (Both may happen, which a COALESCE gate turns into one.)
 */
public final class Hub implements Outlet {
  private final String name;
  private final Gate<ObjectKey> prototype;
  private final boolean bounded;
  private final ObjectStore store;
  private final TimeSource time;
  private final FlowListener listener;
  private final ReentrantLock lock = new ReentrantLock();
  private final CountDownLatch synced = new CountDownLatch(1);
  private volatile List<Gate<ObjectKey>> gates = List.of();
  private volatile @Nullable String firstList;
  private boolean taken;
  private boolean remembers;
  private boolean completed;

  /**
   * A hub.
   *
   * @param gate the first consumer's gate; the others' are COALESCE gates as well
   */
  public Hub(
      String name,
      Gate<ObjectKey> gate,
      ObjectStore store,
      TimeSource time,
      FlowListener listener) {
    this.name = name;
    this.prototype = gate;
    this.bounded = gate.kind() != Gate.Kind.COALESCE;
    this.store = store;
    this.time = time;
    this.listener = listener;
    if (bounded) {
      gates = List.of(gate);
    }
  }

  /**
   * Gives a consumer its gate.
   *
   * @throws IllegalStateException if the gate is bounded and has its consumer already
   */
  public Gate<ObjectKey> attach(String consumer) {
    lock.lock();
    try {
      if (bounded) {
        if (taken) {
          throw new IllegalStateException(
              "the informer '"
                  + name
                  + "' has a "
                  + prototype.kind()
                  + " gate, which acts on the whole stream, and a consumer already: give '"
                  + consumer
                  + "' an informer of its own, or use COALESCE");
        }
        taken = true;
        return prototype;
      }
      Gate<ObjectKey> gate =
          taken
              ? Gate.<ObjectKey>builder(Gate.Kind.COALESCE)
                  .name(name + "/" + consumer)
                  .time(time)
                  .listener(listener)
                  .build()
              : prototype;
      taken = true;
      store
          .view()
          .entries()
          .forEach(entry -> {
            if (remembers) {
              gate.markDelivered(entry.key(), entry.incarnation());
            }
            gate.offer(entry.key(), Change.PUT, entry.incarnation());
          });
      List<Gate<ObjectKey>> more = new ArrayList<>(gates);
      more.add(gate);
      gates = List.copyOf(more);
      if (completed) {
        gate.complete();
      }
      return gate;
    } finally {
      lock.unlock();
    }
  }

  /** A consumer goes, and with it its gate. */
  public void detach(Gate<ObjectKey> gate) {
    gate.close();
    lock.lock();
    try {
      List<Gate<ObjectKey>> fewer = new ArrayList<>(gates);
      fewer.remove(gate);
      gates = List.copyOf(fewer);
    } finally {
      lock.unlock();
    }
  }

  /** The stream has ended: consumers are told what is left. */
  public void complete() {
    lock.lock();
    try {
      completed = true;
      gates.forEach(Gate::complete);
    } finally {
      lock.unlock();
    }
  }

  @Override
  public boolean offer(Handover change) {
    Change what = change.put() ? Change.PUT : Change.DELETE;
    lock.lock();
    try {
      for (Gate<ObjectKey> gate : gates) {
        if (gate.offer(change.key(), what, change.incarnation()) == Offer.FULL) {
          // Only the one bounded gate can be full, and then there is no other.
          return false;
        }
      }
      return true;
    } finally {
      lock.unlock();
    }
  }

  @Override
  public void known(Entry entry) {
    lock.lock();
    try {
      remembers = true;
      gates.forEach(gate -> gate.markDelivered(entry.key(), entry.incarnation()));
    } finally {
      lock.unlock();
    }
  }

  @Override
  public void awaitRoom() throws InterruptedException {
    for (Gate<ObjectKey> gate : gates) {
      gate.awaitRoom();
    }
  }

  @Override
  public boolean pausesStream() {
    return prototype.kind() == Gate.Kind.PAUSE;
  }

  @Override
  public void synced(String version) {
    firstList = version;
    synced.countDown();
  }

  /** The version of the first list; empty until it has been handed over. */
  public Optional<String> firstList() {
    return Optional.ofNullable(firstList);
  }

  /** Whether the first list has been handed over. */
  public boolean isSynced() {
    return synced.getCount() == 0;
  }

  /** Waits until the first list has been handed over; false if that took longer. */
  public boolean awaitSynced(long nanos) throws InterruptedException {
    return synced.await(nanos, TimeUnit.NANOSECONDS);
  }

  /** The kind of the gates. */
  public Gate.Kind kind() {
    return prototype.kind();
  }
}
