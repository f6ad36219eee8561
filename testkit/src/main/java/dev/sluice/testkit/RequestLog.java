package dev.sluice.testkit;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.IntSupplier;

/** {@link Requests}, kept. Safe for any thread. */
final class RequestLog implements Requests {
  private static final int KEPT = 10_000;

  private final ReentrantLock lock = new ReentrantLock();
  private final ArrayDeque<SeenRequest> kept = new ArrayDeque<>();
  private final Map<String, Long> counts = new HashMap<>();
  private final IntSupplier watches;
  private final IntSupplier connections;
  private long total;

  RequestLog(IntSupplier watches, IntSupplier connections) {
    this.watches = watches;
    this.connections = connections;
  }

  void add(SeenRequest request) {
    lock.lock();
    try {
      total++;
      counts.merge(request.verb() + " " + request.qualifiedResource(), 1L, Long::sum);
      if (kept.size() == KEPT) {
        kept.removeFirst();
      }
      kept.addLast(request);
    } finally {
      lock.unlock();
    }
  }

  @Override
  public long count() {
    lock.lock();
    try {
      return total;
    } finally {
      lock.unlock();
    }
  }

  @Override
  public long count(RequestMatch match) {
    return list(match).size();
  }

  @Override
  public long countSince(Instant since, RequestMatch match) {
    return list(match).stream().filter(request -> !request.at().isBefore(since)).count();
  }

  @Override
  public long most(Duration window, RequestMatch match) {
    ArrayDeque<SeenRequest> within = new ArrayDeque<>();
    int most = 0;
    for (SeenRequest request : list(match)) {
      within.addLast(request);
      Instant edge = request.at().minus(window);
      while (!within.isEmpty() && within.getFirst().at().compareTo(edge) <= 0) {
        within.removeFirst();
      }
      most = Math.max(most, within.size());
    }
    return most;
  }

  @Override
  public long count(String verb, String qualifiedResource) {
    lock.lock();
    try {
      return counts.getOrDefault(verb + " " + qualifiedResource, 0L);
    } finally {
      lock.unlock();
    }
  }

  @Override
  public List<SeenRequest> list(RequestMatch match) {
    lock.lock();
    try {
      List<SeenRequest> list = new ArrayList<>();
      for (SeenRequest request : kept) {
        if (match.matches(request)) {
          list.add(request);
        }
      }
      return list;
    } finally {
      lock.unlock();
    }
  }

  @Override
  public int openWatches() {
    return watches.getAsInt();
  }

  @Override
  public int connections() {
    return connections.getAsInt();
  }

  @Override
  public void clear() {
    lock.lock();
    try {
      kept.clear();
      counts.clear();
      total = 0;
    } finally {
      lock.unlock();
    }
  }
}
