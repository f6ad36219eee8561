package dev.sluice.bench;

import dev.sluice.flow.VirtualTime;
import dev.sluice.flow.WorkQueue;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.PriorityQueue;
import java.util.Queue;
import java.util.Set;
import java.util.SplittableRandom;

/**
 * A million keys are delayed, each for a millisecond to an hour, and become due in virtual time, a
 * millisecond at a time: what that takes for a key from its add until it waits for a worker.
 *
 * <p>Beside it the way of client-go's delaying queue, in Java: a heap by due time, and a map that
 * keeps a key from being there twice; then a set and a queue of those that wait. It has no lock, no
 * priorities and no tenants.
 */
@Work(
    name = "delays",
    title = "1,000,000 delayed keys: added and ended, a key",
    unit = Work.Unit.NS_PER_OP,
    target = "ahead of a heap",
    goals = @Goal(of = "sluice.*", aheadOf = "heap.*"))
@Work(
    name = "delays-bytes",
    title = "1,000,000 delayed keys: bytes beyond the key",
    unit = Work.Unit.BYTES)
public final class Delays implements Measured {
  private static final long HOUR_MILLIS = Duration.ofHours(1).toMillis();

  @Override
  public List<Figure> measure(Effort effort) throws Exception {
    double[] ours = Fork.run(Million.class, effort, "sluice");
    double[] heap = Fork.run(Million.class, effort, "heap");
    return List.of(
        Figure.of("delays", "sluice, addAfter", ours[0]),
        Figure.of("delays", "heap and map, as in client-go, in Java", heap[0]),
        Figure.of("delays-bytes", "sluice, addAfter", ours[1]),
        Figure.of("delays-bytes", "heap and map, as in client-go, in Java", heap[1]));
  }

  /** One of the two, some times over; the median counts. */
  static final class Million implements Fork.Task {
    @Override
    public double[] run(Effort effort, String kind) {
      int count = effort.choose(1_000_000, 1_000_000, 10_000);
      int runs = effort.choose(7, 3, 1);
      double[] nanos = new double[runs];
      double[] bytes = new double[runs];
      SplittableRandom random = new SplittableRandom(42);
      for (int i = 0; i < runs; i++) {
        Integer[] keys = new Integer[count];
        long[] millis = new long[count];
        for (int k = 0; k < count; k++) {
          keys[k] = k;
          millis[k] = random.nextLong(1, HOUR_MILLIS);
        }
        double[] one = kind.equals("sluice") ? sluice(keys, millis) : heap(keys, millis);
        nanos[i] = one[0];
        bytes[i] = one[1];
      }
      Arrays.sort(nanos);
      Arrays.sort(bytes);
      return new double[] {nanos[runs / 2], bytes[runs / 2]};
    }
  }

  private static double[] sluice(Integer[] keys, long[] millis) {
    VirtualTime time = new VirtualTime();
    WorkQueue<Integer> queue =
        WorkQueue.<Integer>builder().time(time).maxDelayed(keys.length).build();
    long before = Heap.used();
    long start = System.nanoTime();
    for (int i = 0; i < keys.length; i++) {
      if (queue.addAfter(keys[i], Duration.ofMillis(millis[i])) != WorkQueue.Offer.ACCEPTED) {
        throw new AssertionError(queue);
      }
    }
    long added = System.nanoTime() - start;
    double bytes = (double) (Heap.used() - before) / keys.length;
    start = System.nanoTime();
    for (long now = 0; now <= HOUR_MILLIS; now++) {
      time.advanceNanos(1_000_000);
    }
    long ended = System.nanoTime() - start;
    if (queue.stats().depth() != keys.length) {
      throw new AssertionError(queue);
    }
    return new double[] {(double) (added + ended) / keys.length, bytes};
  }

  private record Entry(Integer key, long due) {}

  private static double[] heap(Integer[] keys, long[] millis) {
    PriorityQueue<Entry> byTime = new PriorityQueue<>(Comparator.comparingLong(Entry::due));
    Map<Integer, Entry> byKey = new HashMap<>();
    Set<Integer> dirty = new HashSet<>();
    Queue<Integer> ready = new ArrayDeque<>();
    long before = Heap.used();
    long start = System.nanoTime();
    for (int i = 0; i < keys.length; i++) {
      Entry entry = new Entry(keys[i], millis[i]);
      if (byKey.putIfAbsent(entry.key, entry) == null) {
        byTime.add(entry);
      }
    }
    long added = System.nanoTime() - start;
    double bytes = (double) (Heap.used() - before) / keys.length;
    start = System.nanoTime();
    for (long now = 0; now <= HOUR_MILLIS; now++) {
      for (Entry next = byTime.peek(); next != null && next.due <= now; next = byTime.peek()) {
        byTime.remove();
        byKey.remove(next.key);
        if (dirty.add(next.key)) {
          ready.add(next.key);
        }
      }
    }
    long ended = System.nanoTime() - start;
    if (ready.size() != keys.length) {
      throw new AssertionError(ready.size());
    }
    return new double[] {(double) (added + ended) / keys.length, bytes};
  }
}
