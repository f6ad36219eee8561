package dev.sluice.kube.internal.watch;

import dev.sluice.kube.ObjectKey;
import dev.sluice.kube.internal.store.Difference;
import dev.sluice.kube.internal.store.ObjectStore;
import java.util.Optional;

/**
 * Where a stream keeps what it needs after a restart. All calls come from the stream's thread,
 * {@link #changed} after the store has the change and before anybody is told of it.
 */
public interface StreamLog {

  /** Keeps nothing. */
  StreamLog NONE =
      new StreamLog() {
        @Override
        public Restored restore(ObjectStore store, Cluster cluster) {
          return new Restored.Nothing();
        }

        @Override
        public void listing() {}

        @Override
        public void changed(Difference difference, ObjectStore.View view) {}
      };

  /** What was there at the start. */
  sealed interface Restored {
    /** Nothing: the objects are listed. */
    record Nothing() implements Restored {}

    /** Objects are in the store, and the stream goes on after a version. */
    record Resume(String anchor) implements Restored {}

    /** Objects are in the store, to tell differences by; they are listed again. */
    record Relist() implements Restored {}
  }

  /** Which cluster the stream comes from. */
  interface Cluster {
    /**
     * Asks the server, for as long as it takes.
     *
     * @return what is the same for all of a cluster's life; empty if the server does not tell
     */
    String uid() throws InterruptedException;

    /**
     * Asks once for the first object of the stream's kind and namespace, which is also how the
     * stream learns at which version the server is.
     *
     * @return empty if there is none, or no answer
     */
    Optional<First> first() throws InterruptedException;

    /**
     * Asks for an object, as the store keeps it. From any thread, also later.
     *
     * @throws IllegalStateException if it cannot be had, or is another one by now
     */
    byte[] value(ObjectKey key, String uid);
  }

  /** An object of the server's. */
  record First(ObjectKey key, String uid) {}

  /**
   * The first call: brings what was kept into an empty store.
   *
   * @param cluster which cluster the server belongs to
   */
  Restored restore(ObjectStore store, Cluster cluster) throws InterruptedException;

  /** A list begins: until it has been handed over there is no anchor. */
  void listing();

  /**
   * The store has changed, or has not.
   *
   * @param difference in what
   * @param view the store with this change and without any later one
   */
  void changed(Difference difference, ObjectStore.View view);
}
