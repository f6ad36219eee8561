package dev.sluice.kube.internal.informer;

import dev.sluice.flow.FlowListener;
import dev.sluice.flow.Gate;
import dev.sluice.flow.Gate.Change;
import dev.sluice.flow.Gate.Offer;
import dev.sluice.flow.TimeSource;
import dev.sluice.kube.ObjectKey;
import dev.sluice.kube.internal.store.Entry;
import dev.sluice.kube.internal.store.Versions;
import dev.sluice.kube.internal.watch.Outlet;
import java.util.ArrayList;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * Offers what the streams of a source hand over to every consumer's gate.
 *
 * <p>With COALESCE there may be any number of consumers, each with a gate of its own, so that a
 * slow one holds nobody; one that comes later is first offered all that is in the store. BLOCK and
 * PAUSE act on the streams themselves, so there is one such gate and one consumer; the gate is
 * there from the start, and keeps what comes before its consumer does.
 *
 * <p>Offers, from however many streams, and the coming of a consumer exclude each other: an event
 * that is written to the store before a consumer came is among what it is offered first, one that
 * is written later is offered to it after that. (Both may happen, which a COALESCE gate turns into
 * one.)
 */
public final class Hub {
  private final String name;
  private final @Nullable Gate<ObjectKey> bounded;
  private final Entries entries;
  private final TimeSource time;
  private final FlowListener listener;
  private final ReentrantLock lock = new ReentrantLock();
  private final CountDownLatch synced;
  private volatile List<Gate<ObjectKey>> gates = List.of();
  private volatile @Nullable String firstList;
  private String latestList = "";
  private boolean taken;
  private final Set<Gate<ObjectKey>> informed = Collections.newSetFromMap(new IdentityHashMap<>());
  private final boolean remembers;
  private boolean completed;

  /**
   * A hub.
   *
   * @param streams how many streams hand over here
   * @param bounded the one gate of the one consumer; null for COALESCE gates
   * @param entries what is in the store
   * @param remembers whether consumers may know objects from before a restart
   */
  Hub(
      String name,
      int streams,
      @Nullable Gate<ObjectKey> bounded,
      Entries entries,
      TimeSource time,
      FlowListener listener,
      boolean remembers) {
    this.name = name;
    this.synced = new CountDownLatch(streams);
    this.bounded = bounded;
    this.entries = entries;
    this.time = time;
    this.listener = listener;
    this.remembers = remembers;
    if (bounded != null) {
      gates = List.of(bounded);
    }
  }

  /** Where one of the streams hands over. */
  Outlet outlet() {
    return new Tap();
  }

  /**
   * Gives a consumer its gate.
   *
   * @param own the COALESCE gate that it wants to have; null for a new one
   * @throws IllegalStateException if the gate is bounded and has its consumer already
   */
  Gate<ObjectKey> attach(String consumer, @Nullable Gate<ObjectKey> own) {
    lock.lock();
    try {
      if (bounded != null) {
        if (taken) {
          throw new IllegalStateException(
              "the informer '"
                  + name
                  + "' has a "
                  + bounded.kind()
                  + " gate, which acts on the whole stream, and a consumer already: give '"
                  + consumer
                  + "' an informer of its own, or use COALESCE");
        }
        taken = true;
        return bounded;
      }
      Gate<ObjectKey> gate =
          own != null
              ? own
              : Gate.<ObjectKey>builder(Gate.Kind.COALESCE)
                  .name(taken ? name + "/" + consumer : name)
                  .time(time)
                  .listener(listener)
                  .build();
      taken = true;
      Entry[] stored = entries.all();
      for (Entry entry : stored) {
        if (remembers) {
          gate.markDelivered(entry.key(), entry.incarnation());
        }
        gate.offer(entry.key(), Change.PUT, entry.incarnation());
      }
      if (stored.length > 0) {
        informed.add(gate);
      }
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

  /** A consumer goes at once, and with it its gate. */
  void detach(Gate<ObjectKey> gate) {
    gate.close();
    remove(gate);
  }

  /** A consumer goes as soon as it has been told what waits for it. */
  void retire(Gate<ObjectKey> gate) {
    gate.complete();
    remove(gate);
  }

  private void remove(Gate<ObjectKey> gate) {
    lock.lock();
    try {
      List<Gate<ObjectKey>> fewer = new ArrayList<>(gates);
      fewer.remove(gate);
      informed.remove(gate);
      gates = List.copyOf(fewer);
    } finally {
      lock.unlock();
    }
  }

  /** The streams have ended: consumers are told what is left. */
  void complete() {
    lock.lock();
    try {
      completed = true;
      gates.forEach(Gate::complete);
    } finally {
      lock.unlock();
    }
  }

  /**
   * The version of the first list, the latest of them if there were several; empty until they have
   * been handed over.
   */
  Optional<String> firstList() {
    return Optional.ofNullable(firstList);
  }

  /** Whether the first list of every stream has been handed over. */
  boolean isSynced() {
    return synced.getCount() == 0;
  }

  /** Waits until the first lists have been handed over; false if that took longer. */
  boolean awaitSynced(long nanos) throws InterruptedException {
    return synced.await(nanos, TimeUnit.NANOSECONDS);
  }

  /** The kind of the gates. */
  Gate.Kind kind() {
    return bounded == null ? Gate.Kind.COALESCE : bounded.kind();
  }

  private final class Tap implements Outlet {
    @Override
    public boolean offer(Handover change) {
      Change what = change.put() ? Change.PUT : Change.DELETE;
      lock.lock();
      try {
        for (Gate<ObjectKey> gate : gates) {
          if (gate.offerQuietly(change.key(), what, change.incarnation()) == Offer.FULL) {
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
        for (Gate<ObjectKey> gate : gates) {
          // What was kept comes into the store all at once, so one that came after that has it all.
          if (!informed.contains(gate)) {
            gate.markDelivered(entry.key(), entry.incarnation());
          }
        }
      } finally {
        lock.unlock();
      }
    }

    @Override
    public void flush() {
      gates.forEach(Gate::flush);
    }

    @Override
    public void awaitRoom() throws InterruptedException {
      for (Gate<ObjectKey> gate : gates) {
        gate.awaitRoom();
      }
    }

    @Override
    public boolean pausesStream() {
      return kind() == Gate.Kind.PAUSE;
    }

    @Override
    public void synced(String version) {
      lock.lock();
      try {
        if (latestList.isEmpty() || Versions.older(latestList, version)) {
          latestList = version;
        }
        if (synced.getCount() == 1) {
          firstList = latestList;
        }
        synced.countDown();
      } finally {
        lock.unlock();
      }
    }
  }
}
