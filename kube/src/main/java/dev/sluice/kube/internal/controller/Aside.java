package dev.sluice.kube.internal.controller;

import dev.sluice.kube.ObjectKey;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Keys that come after everything else: those of first lists, and of a resync. Each is there once.
 * Safe for use by any number of threads.
 *
 * <p>A key may be there for certain, because something else than its object's first state wants it,
 * or on trial: then what a ledger remembers decides when its turn comes.
 */
final class Aside {
  private final ReentrantLock lock = new ReentrantLock();
  private final Map<ObjectKey, Boolean> keys = new LinkedHashMap<>();
  private boolean closed;

  /** A key on trial. */
  void add(ObjectKey key) {
    lock.lock();
    try {
      keys.putIfAbsent(key, false);
    } finally {
      lock.unlock();
    }
  }

  /** A key for certain; false if such no longer come here. */
  boolean offer(ObjectKey key) {
    lock.lock();
    try {
      if (closed) {
        return false;
      }
      keys.put(key, true);
      return true;
    } finally {
      lock.unlock();
    }
  }

  /** Takes a key out; what it was there for is dealt with. */
  void remove(ObjectKey key) {
    lock.lock();
    try {
      keys.remove(key);
    } finally {
      lock.unlock();
    }
  }

  /** The key that has been there longest. */
  Map.Entry<ObjectKey, Boolean> first() {
    lock.lock();
    try {
      return Map.entry(keys.keySet().iterator().next(), keys.values().iterator().next());
    } finally {
      lock.unlock();
    }
  }

  /** All keys as of now. */
  List<ObjectKey> all() {
    lock.lock();
    try {
      return List.copyOf(keys.keySet());
    } finally {
      lock.unlock();
    }
  }

  boolean isEmpty() {
    return size() == 0;
  }

  int size() {
    lock.lock();
    try {
      return keys.size();
    } finally {
      lock.unlock();
    }
  }

  /** If it is empty, no more is offered from now on. */
  boolean closeIfEmpty() {
    lock.lock();
    try {
      closed |= keys.isEmpty();
      return closed;
    } finally {
      lock.unlock();
    }
  }
}
