package dev.sluice.kube.internal.controller;

import dev.sluice.kube.ObjectKey;
import java.time.Duration;
import java.util.Collection;
import java.util.List;
import java.util.Map;

/**
 * What a controller has finished, over restarts. Safe for use by any number of threads.
 *
 * <p>A key is finished up to the position at which its reconcile began: what came later stays to be
 * done.
 */
public interface Ledger {

  /** Remembers nothing: every key that comes is to be done. */
  Ledger NONE =
      new Ledger() {
        @Override
        public boolean remembers() {
          return false;
        }

        @Override
        public Claim claim(ObjectKey key) {
          return Claim.CHANGED;
        }

        @Override
        public long position() {
          return 0;
        }

        @Override
        public void finished(ObjectKey key, long from, String why) {}

        @Override
        public void finishedUntil(ObjectKey key, long from, Duration again) {}

        @Override
        public void failed(ObjectKey key, long from, Duration retry, String why) {}

        @Override
        public Collection<ObjectKey> pending() {
          return List.of();
        }

        @Override
        public Map<ObjectKey, Due> waiting() {
          return Map.of();
        }

        @Override
        public long repeatNanos() {
          return 0;
        }

        @Override
        public Progress progress() {
          return new Progress(0, 0);
        }
      };

  /** What is to be done with a key. */
  enum Claim {
    /** Nothing: it is finished. */
    FINISHED,
    /** It has changed since. */
    CHANGED,
    /** It has not changed, but is to be done again by another version of the reconciler. */
    REPEAT
  }

  /**
   * When a key is to be done.
   *
   * @param in how long it is until then; not negative
   * @param backoff whether not before, whatever happens to it
   */
  record Due(Duration in, boolean backoff) {}

  /**
   * How the repeating of all keys stands.
   *
   * @param left how many are still to be done
   * @param of how many there were
   */
  record Progress(int left, int of) {}

  /** Whether it remembers anything; then keys are judged only once the stream is synced. */
  boolean remembers();

  /** What is to be done with a key that has come. */
  Claim claim(ObjectKey key);

  /** Up to where the store has what has happened. */
  long position();

  /**
   * A key is done. May block until that is durable.
   *
   * @param why it is done although that failed; empty if it did not
   */
  void finished(ObjectKey key, long from, String why);

  /** A key is done, and is wanted again. May block until that is durable. */
  void finishedUntil(ObjectKey key, long from, Duration again);

  /**
   * A key is not done, and is not to be tried before some time has passed.
   *
   * @param why not
   */
  void failed(ObjectKey key, long from, Duration retry, String why);

  /** All keys that are not finished, those of objects that are gone included. */
  Collection<ObjectKey> pending();

  /** All keys with a time. */
  Map<ObjectKey, Due> waiting();

  /** How far apart keys are repeated, in nanoseconds. */
  long repeatNanos();

  /** How the repeating stands. */
  Progress progress();
}
