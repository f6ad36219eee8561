package dev.sluice.flow;

import org.jspecify.annotations.Nullable;

/**
 * A key that a {@link WorkQueue} holds: waiting, in hand, delayed, or more than one of these.
 *
 * <p>One object for all of them, so that a key costs one entry however much happens to it. Guarded
 * by the queue's lock.
 */
final class HeldKey<K> extends TimingWheel.Node<HeldKey<K>> {
  final K key;
  final ReadyKeys.Tenant<K> tenant;

  /** Waiting for a worker: it stands in the {@link ReadyKeys}. */
  boolean waiting;

  /** A worker has it. */
  boolean inHand;

  /**
   * It was added while in hand, and waits again when the worker is done. Written under the lock;
   * the worker that returns it looks without.
   */
  volatile boolean again;

  /** How urgent it is while waiting. */
  Priority priority = Priority.NORMAL;

  /** How urgent it will be when it waits again. */
  Priority againPriority = Priority.LOW;

  /** How urgent it will be when its delay is over. */
  Priority delayedPriority = Priority.LOW;

  /** When it began to wait. */
  long since;

  /** When it got its present priority; the later of that and {@link #since}. */
  long prioritySince;

  // Its place among the waiting: in its lane, which is the order of dispatch; among those of its
  // level, and among all, in order of arrival.
  @Nullable HeldKey<K> laneBefore;
  @Nullable HeldKey<K> laneAfter;
  @Nullable HeldKey<K> levelBefore;
  @Nullable HeldKey<K> levelAfter;
  @Nullable HeldKey<K> ageBefore;
  @Nullable HeldKey<K> ageAfter;

  HeldKey(K key, ReadyKeys.Tenant<K> tenant) {
    this.key = key;
    this.tenant = tenant;
  }
}
