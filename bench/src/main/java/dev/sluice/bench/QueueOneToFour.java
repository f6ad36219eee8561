package dev.sluice.bench;

import dev.sluice.flow.WorkQueue;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ThreadFactory;

/** One thread adds different keys, four take them; the time is over when all are done. */
@Work(
    name = "queue-1-to-4",
    title = "queue: 1 producer, 4 workers",
    unit = Work.Unit.OPS_PER_SECOND,
    target = "ahead of client-go")
public final class QueueOneToFour implements Measured {
  private static final int WORKERS = 4;

  @Override
  public List<Figure> measure(boolean quick) throws Exception {
    int count = quick ? 200_000 : 1_000_000;
    int runs = quick ? 5 : 11;
    String[] keys = new String[count];
    for (int i = 0; i < count; i++) {
      keys[i] = "namespace-" + i % 16 + "/name-" + i;
    }
    ThreadFactory virtual = Thread.ofVirtual().factory();
    ThreadFactory platform = Thread.ofPlatform().factory();
    List<Figure> figures = new ArrayList<>();
    figures.add(
        Figure.of(
            "queue-1-to-4",
            "sluice, virtual threads",
            Measured.median(runs, () -> run(keys, queue(count, false), virtual))));
    figures.add(
        Figure.of(
            "queue-1-to-4",
            "sluice, virtual threads, 16 tenants",
            Measured.median(runs, () -> run(keys, queue(count, true), virtual))));
    figures.add(
        Figure.of(
            "queue-1-to-4",
            "sluice, virtual threads, capacity 100",
            Measured.median(runs, () -> run(keys, queue(100, false), virtual))));
    figures.add(
        Figure.of(
            "queue-1-to-4",
            "sluice, platform threads",
            Measured.median(runs, () -> run(keys, queue(count, false), platform))));
    return figures;
  }

  private static WorkQueue<String> queue(int capacity, boolean fair) {
    WorkQueue.Builder<String> builder = WorkQueue.<String>builder().capacity(capacity);
    if (fair) {
      builder.tenants(key -> key.substring(0, key.indexOf('/')));
    }
    return builder.build();
  }

  private static double run(String[] keys, WorkQueue<String> queue, ThreadFactory threads)
      throws InterruptedException {
    CountDownLatch ended = new CountDownLatch(WORKERS);
    long start = System.nanoTime();
    for (int i = 0; i < WORKERS; i++) {
      threads.newThread(() -> work(queue, ended)).start();
    }
    Thread producer =
        threads.newThread(() -> {
          try {
            for (String key : keys) {
              if (!queue.put(key)) {
                throw new AssertionError(queue);
              }
            }
            queue.shutDown();
          } catch (InterruptedException e) {
            throw new AssertionError(e);
          }
        });
    producer.start();
    ended.await();
    long took = System.nanoTime() - start;
    if (queue.stats().workTimes().count() != keys.length) {
      throw new AssertionError(queue);
    }
    return keys.length / (took / 1e9);
  }

  private static void work(WorkQueue<String> queue, CountDownLatch ended) {
    try {
      for (WorkQueue.Item<String> item; (item = queue.take()) != null; ) {
        item.done();
      }
      ended.countDown();
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }
}
