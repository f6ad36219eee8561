package dev.sluice.testkit.internal.api;

import dev.sluice.testkit.internal.store.Store;
import java.time.Duration;

/**
 * What one API server of the cluster has seen: its watch cache may be behind the storage.
 *
 * <p>Consistent reads go to the storage; reads at "any" version and watches see only what the cache
 * holds. Safe for any thread.
 */
public interface View {

  /** The revision up to which the cache has seen everything. */
  long visible();

  /** A view that is never behind. */
  static View upToDate(Store store) {
    return store::revision;
  }

  /**
   * Waits until the cache has come to a revision.
   *
   * @return whether it has; false when the time was over first
   */
  default boolean await(long revision, Duration atMost) {
    long deadline = System.nanoTime() + atMost.toNanos();
    while (visible() < revision) {
      if (System.nanoTime() - deadline >= 0 || Thread.currentThread().isInterrupted()) {
        return false;
      }
      java.util.concurrent.locks.LockSupport.parkNanos(2_000_000);
    }
    return true;
  }
}
