package dev.sluice.kube.internal.watch;

import dev.sluice.kube.ObjectKey;
import dev.sluice.kube.internal.store.Entry;
import dev.sluice.kube.internal.store.Incarnation;

/** Where a stream hands over what it has brought into the store. Called by the stream's thread. */
public interface Outlet {

  /**
   * A change to be handed over: a key or a deletion, never an object.
   *
   * @param key which object
   * @param put whether it exists, or else is gone
   * @param incarnation which life of that name
   */
  record Handover(ObjectKey key, boolean put, Incarnation incarnation) {}

  /**
   * Offers a change to all consumers. Does not block.
   *
   * @return false if a gate is full and nothing was taken: it is to be offered again when there is
   *     room
   */
  boolean offer(Handover change);

  /**
   * An object that consumers may know of from before a restart, so that its deletion is told even
   * if they were not told of it since. Comes before the object is offered.
   */
  default void known(Entry entry) {}

  /**
   * Waits until an offer would be taken.
   *
   * @throws InterruptedException if interrupted because the stream is to be closed
   */
  void awaitRoom() throws InterruptedException;

  /** Whether the stream is to be closed while a gate is full. */
  boolean pausesStream();

  /**
   * The first list has been handed over.
   *
   * @param version the list's version
   */
  void synced(String version);
}
