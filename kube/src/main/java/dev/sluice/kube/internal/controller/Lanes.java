package dev.sluice.kube.internal.controller;

import dev.sluice.kube.ObjectKey;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;

/**
 * Keys that wait for room in the queue, a lane for each tenant: when there is room the lanes take
 * turns, so that the many keys of one do not stand before the few of another. Holds each key once.
 * Owned by one thread, but for its size.
 */
final class Lanes {
  private final Function<? super ObjectKey, String> tenants;
  private final Map<String, Set<ObjectKey>> lanes = new LinkedHashMap<>();
  private final AtomicInteger size = new AtomicInteger();

  Lanes(Function<? super ObjectKey, String> tenants) {
    this.tenants = tenants;
  }

  /** A key comes; whether it was not there. */
  boolean add(ObjectKey key) {
    boolean added =
        lanes.computeIfAbsent(tenants.apply(key), tenant -> new LinkedHashSet<>()).add(key);
    if (added) {
      size.incrementAndGet();
    }
    return added;
  }

  /** The key whose turn it is. There must be one. */
  ObjectKey next() {
    return lanes.values().iterator().next().iterator().next();
  }

  /** The key whose turn it is goes, and its tenant's next one comes when all others had a turn. */
  void taken() {
    Iterator<Map.Entry<String, Set<ObjectKey>>> first = lanes.entrySet().iterator();
    Map.Entry<String, Set<ObjectKey>> lane = first.next();
    String tenant = lane.getKey();
    Set<ObjectKey> keys = lane.getValue();
    first.remove();
    keys.remove(keys.iterator().next());
    if (!keys.isEmpty()) {
      lanes.put(tenant, keys);
    }
    size.decrementAndGet();
  }

  boolean isEmpty() {
    return lanes.isEmpty();
  }

  /** How many keys wait. From any thread. */
  int size() {
    return size.get();
  }
}
