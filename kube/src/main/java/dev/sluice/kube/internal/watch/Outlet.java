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
   * Offers a change to all consumers, and leaves asleep those that wait. Does not block.
   *
   * @return false if a gate is full and nothing was taken: it is to be offered again when there is
   *     room
   */
  boolean offer(Handover change);

  /**
   * Wakes consumers that wait for what was offered. Between an offer and this call they may sleep
   * on: it comes when the stream has nothing more at hand, before it waits for anything.
   */
  void flush();

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
