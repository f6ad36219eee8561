package dev.sluice.kube.internal.watch;

import dev.sluice.flow.VirtualTime;
import dev.sluice.kube.ObjectKey;
import dev.sluice.kube.internal.store.Entry;
import dev.sluice.kube.internal.store.ObjectStore;
import java.util.ArrayDeque;
import java.util.HashMap;
import java.util.Map;

/**
 * A consumer behind a gate, in virtual time: what it would believe of the world if it had only what
 * was handed over, and read the store when told of a key.
 */
final class SimOutlet implements Outlet {
  private final VirtualTime time;
  private final ObjectStore store;
  private final int capacity;
  private final boolean pause;
  private final ArrayDeque<Handover> queue = new ArrayDeque<>();
  private final Map<ObjectKey, String> believed = new HashMap<>();
  private boolean full;
  int handedOver;
  int timesFull;
  boolean synced;

  /** A capacity of 0 means that it is never full. */
  SimOutlet(VirtualTime time, ObjectStore store, int capacity, boolean pause) {
    this.time = time;
    this.store = store;
    this.capacity = capacity;
    this.pause = pause;
  }

  @Override
  public boolean offer(Handover change) {
    if (capacity > 0 && (full || queue.size() >= capacity)) {
      if (!full) {
        timesFull++;
      }
      full = true;
      return false;
    }
    queue.add(change);
    handedOver++;
    return true;
  }

  /** Takes so many changes. */
  void consume(int count) {
    for (int i = 0; i < count && !queue.isEmpty(); i++) {
      Handover change = queue.remove();
      if (change.put()) {
        Entry entry = store.view().entries().get(change.key());
        if (entry != null && entry.incarnation().equals(change.incarnation())) {
          believed.put(change.key(), SimServer.state(entry));
        }
      } else if (believed
          .getOrDefault(change.key(), "")
          .startsWith(change.incarnation().uid() + "/")) {
        believed.remove(change.key());
      }
    }
    if (queue.size() <= capacity / 4) {
      full = false;
    }
  }

  Map<ObjectKey, String> believed() {
    return believed;
  }

  @Override
  public void flush() {}

  @Override
  public void awaitRoom() throws InterruptedException {
    while (full) {
      if (Thread.interrupted()) {
        throw new InterruptedException();
      }
      if (!time.advanceToNext()) {
        throw new IllegalStateException("a wait for room that nothing will ever end");
      }
    }
  }

  @Override
  public boolean pausesStream() {
    return pause;
  }

  @Override
  public void synced(String version) {
    synced = true;
  }
}
