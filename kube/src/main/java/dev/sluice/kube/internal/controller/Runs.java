package dev.sluice.kube.internal.controller;

import dev.sluice.flow.TimeSource;
import dev.sluice.kube.ObjectKey;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * Which keys are being reconciled, and which have failed and have to wait.
 *
 * <p>The work queue would run a key at once that is added while it is in hand. For one that then
 * fails that would be a way round its backoff, and a failing object that changes often would be
 * reconciled as often. So an event for a key in hand is noted here, and what becomes of it is
 * decided when the run is over: it runs again at once after a success, and after its backoff after
 * a failure. Events for a key that waits for its backoff do not shorten it.
 *
 * <p>Safe for use by any number of threads. Holds the keys in hand and those that wait.
 */
final class Runs {
  /** What to do with an event's key. */
  sealed interface Verdict {
    /** Put it into the queue. */
    record Add() implements Verdict {}

    /** Put it into the queue later, after so many nanoseconds. */
    record Later(long nanos) implements Verdict {}

    /** Nothing: it is noted. */
    record Noted() implements Verdict {}
  }

  private static final Verdict ADD = new Verdict.Add();
  private static final Verdict NOTED = new Verdict.Noted();

  private static final class Run {
    final long since;
    final Thread thread;

    /** At which version an event found the object last; null if there was none. */
    @Nullable String changedAt;

    Run(long since, Thread thread) {
      this.since = since;
      this.thread = thread;
    }
  }

  private final TimeSource time;
  private final ReentrantLock lock = new ReentrantLock();
  private final Map<ObjectKey, Run> inHand = new HashMap<>();
  private final Map<ObjectKey, Long> notBefore = new HashMap<>();

  Runs(TimeSource time) {
    this.time = time;
  }

  /** A state of an object that no reconcile's own write has. */
  static final String FOREIGN = "";

  /**
   * An event has come for a key.
   *
   * @param version of the object, as the event found it; {@link #FOREIGN} if the event is not one
   *     of the object
   */
  Verdict event(ObjectKey key, String version) {
    lock.lock();
    try {
      Run run = inHand.get(key);
      if (run != null) {
        if (!FOREIGN.equals(run.changedAt)) {
          run.changedAt = version;
        }
        return NOTED;
      }
      long rest = rest(key);
      return rest > 0 ? new Verdict.Later(rest) : ADD;
    } finally {
      lock.unlock();
    }
  }

  /**
   * A worker has taken a key and wants to begin.
   *
   * @return zero if it may; else how long the key has still to wait, and it has not begun
   */
  long begin(ObjectKey key) {
    lock.lock();
    try {
      long rest = rest(key);
      if (rest > 0) {
        return rest;
      }
      notBefore.remove(key);
      if (inHand.put(key, new Run(time.nanoTime(), Thread.currentThread())) != null) {
        throw new IllegalStateException("the key " + key + " is in two hands");
      }
      return 0;
    } finally {
      lock.unlock();
    }
  }

  /** The run is over and the key need not wait. At which version it changed meanwhile, or null. */
  @Nullable String end(ObjectKey key) {
    lock.lock();
    try {
      Run run = inHand.remove(key);
      return run == null ? null : run.changedAt;
    } finally {
      lock.unlock();
    }
  }

  /** The run is over, and the key must wait. */
  void endAndWait(ObjectKey key, long nanos) {
    lock.lock();
    try {
      inHand.remove(key);
      notBefore.put(key, time.nanoTime() + nanos);
    } finally {
      lock.unlock();
    }
  }

  /** A key that is not in hand must wait. */
  void hold(ObjectKey key, long nanos) {
    lock.lock();
    try {
      notBefore.put(key, time.nanoTime() + nanos);
    } finally {
      lock.unlock();
    }
  }

  private long rest(ObjectKey key) {
    Long until = notBefore.get(key);
    return until == null ? 0 : until - time.nanoTime();
  }

  /** How many keys are in hand. */
  int count() {
    lock.lock();
    try {
      return inHand.size();
    } finally {
      lock.unlock();
    }
  }

  /** For how long the oldest run has lasted, in nanoseconds. */
  long longest() {
    lock.lock();
    try {
      long now = time.nanoTime();
      return inHand.values().stream().mapToLong(run -> now - run.since).max().orElse(0);
    } finally {
      lock.unlock();
    }
  }

  /** Interrupts all runs. */
  void interruptAll() {
    lock.lock();
    try {
      inHand.values().forEach(run -> run.thread.interrupt());
    } finally {
      lock.unlock();
    }
  }
}
