package dev.sluice.cli.demo;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Predicate;

/**
 * Every request that the proxy saw, in the order in which they came. Grows by one entry a request
 * and lives as long as one run of the demo. Safe for use by any number of threads.
 */
final class CallLog {
  private final ReentrantLock lock = new ReentrantLock();
  private final List<Call> calls = new ArrayList<>();
  private long writes;

  void add(Call call) {
    lock.lock();
    try {
      calls.add(call);
      if (call.isWrite()) {
        writes++;
      }
    } finally {
      lock.unlock();
    }
  }

  /** How many requests were to change something. */
  long writes() {
    lock.lock();
    try {
      return writes;
    } finally {
      lock.unlock();
    }
  }

  /** How many of those from {@code nanos} on are such. */
  long count(long nanos, Predicate<Call> which) {
    return all().stream().filter(call -> call.nanos() - nanos >= 0).filter(which).count();
  }

  /** How often each verb came for each resource: {@code patch gauges/status} to its number. */
  Map<String, Long> byVerbAndResource() {
    Map<String, Long> counts = new TreeMap<>();
    all().forEach(call -> counts.merge(call.verb() + " " + call.resource(), 1L, Long::sum));
    return counts;
  }

  /** The largest number of such requests in any window of the given length. */
  int peak(Predicate<Call> which, Duration window) {
    return Windows.peak(all().stream().filter(which).mapToLong(Call::nanos).toArray(), window);
  }

  /** All of them. */
  List<Call> all() {
    lock.lock();
    try {
      return List.copyOf(calls);
    } finally {
      lock.unlock();
    }
  }
}
