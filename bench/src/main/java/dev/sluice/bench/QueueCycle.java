package dev.sluice.bench;

import dev.sluice.flow.Priority;
import dev.sluice.flow.WorkQueue;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;

/** One thread adds a key, takes it and is done with it. */
@State(Scope.Thread)
@Work(
    name = "queue-cycle",
    title = "queue: add + get + done",
    unit = Work.Unit.NS_PER_OP,
    target = "at most 200 ns with priority and fairness on",
    goals = @Goal(of = "sluice, priority.*", atMost = 200))
public class QueueCycle {
  private static final Priority[] PRIORITIES = Priority.values();

  private final String[] keys = new String[1024];
  private WorkQueue<String> plain = WorkQueue.<String>builder().build();
  private WorkQueue<String> fair = WorkQueue.<String>builder().build();
  private int next;

  @Setup
  public void fill() {
    for (int i = 0; i < keys.length; i++) {
      keys[i] = "namespace-" + i % 16 + "/name-" + i;
    }
    plain = WorkQueue.<String>builder().build();
    fair =
        WorkQueue.<String>builder()
            .tenants(key -> key.substring(0, key.indexOf('/')))
            .weight("namespace-3", 5)
            .build();
    // Some keys wait all the time, so that the rules have something to choose from.
    for (int i = 0; i < 48; i++) {
      offer(fair, "namespace-" + i % 16 + "/waits-" + i, PRIORITIES[i % 3]);
    }
  }

  private static void offer(WorkQueue<String> queue, String key, Priority priority) {
    if (queue.add(key, priority) != WorkQueue.Offer.ACCEPTED) {
      throw new AssertionError(queue);
    }
  }

  @Benchmark
  @Contender("sluice, plain")
  public String plain() {
    String key = keys[next++ & 1023];
    offer(plain, key, Priority.NORMAL);
    WorkQueue.Item<String> item = plain.poll();
    if (item == null) {
      throw new AssertionError(plain);
    }
    item.done();
    return item.key();
  }

  @Benchmark
  @Contender("sluice, priority and fairness, 48 keys waiting")
  public String fair() {
    int i = next++;
    offer(fair, keys[i & 1023], PRIORITIES[i % 3]);
    WorkQueue.Item<String> item = fair.poll();
    if (item == null) {
      throw new AssertionError(fair);
    }
    item.done();
    return item.key();
  }
}
