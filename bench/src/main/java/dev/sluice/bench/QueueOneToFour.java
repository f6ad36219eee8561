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
    target = "ahead of client-go",
    goals = @Goal(of = "sluice, virtual threads", aheadOf = "client-go"))
public final class QueueOneToFour implements Measured {
  private static final int WORKERS = 4;
  private static final List<String> VARIANTS =
      List.of(
          "virtual threads",
          "virtual threads, 16 tenants",
          "virtual threads, capacity 100",
          "platform threads");

  @Override
  public List<Figure> measure(Effort effort) throws Exception {
    List<Figure> figures = new ArrayList<>();
    for (String variant : VARIANTS) {
      figures.add(
          Figure.of(
              "queue-1-to-4", "sluice, " + variant, Fork.run(Race.class, effort, variant)[0]));
    }
    return figures;
  }

  /** One variant. */
  static final class Race implements Fork.Task {
    @Override
    public double[] run(Effort effort, String variant) throws Exception {
      int count = effort.choose(1_000_000, 200_000, 1_000);
      String[] keys = new String[count];
      for (int i = 0; i < count; i++) {
        keys[i] = "namespace-" + i % 16 + "/name-" + i;
      }
      ThreadFactory threads =
          variant.startsWith("platform")
              ? Thread.ofPlatform().factory()
              : Thread.ofVirtual().factory();
      int capacity = variant.contains("capacity 100") ? 100 : count;
      boolean tenants = variant.contains("tenants");
      return new double[] {
        Measured.median(
            effort.choose(11, 5, 1),
            () -> {
              System.gc(); // as the Go program does
              return QueueOneToFour.run(keys, queue(capacity, tenants), threads);
            })
      };
    }
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
