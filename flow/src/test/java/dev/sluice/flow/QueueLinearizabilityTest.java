package dev.sluice.flow;

import static org.jetbrains.lincheck.datastructures.ManagedStrategyGuaranteeKt.forClasses;

import dev.sluice.flow.Gate.Change;
import dev.sluice.flow.WorkQueue.Item;
import java.time.Duration;
import org.jetbrains.lincheck.datastructures.IntGen;
import org.jetbrains.lincheck.datastructures.ModelCheckingOptions;
import org.jetbrains.lincheck.datastructures.Operation;
import org.jetbrains.lincheck.datastructures.Param;
import org.jetbrains.lincheck.datastructures.StressOptions;
import org.jetbrains.lincheck.datastructures.ThreadIdGen;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Every interleaving of a few operations on a queue or a gate gives results that some order of them
 * would give, too. The specification is the thing itself, used by one thread; the model tests say
 * what that must do.
 */
class QueueLinearizabilityTest {

  @ParameterizedTest
  @ValueSource(classes = {Queue.class, Coalescing.class, Bounded.class})
  @Tag("minutes")
  void everyInterleavingIsLinearizable(Class<?> scenario) {
    modelChecking().iterations(5).threads(2).invocationsPerIteration(100).check(scenario);
  }

  @ParameterizedTest
  @ValueSource(classes = {Queue.class, Coalescing.class, Bounded.class})
  @Tag("long")
  void everyInterleavingOfLongerHistoriesIsLinearizable(Class<?> scenario) {
    modelChecking().iterations(200).threads(3).invocationsPerIteration(5_000).check(scenario);
  }

  @ParameterizedTest
  @ValueSource(classes = {Queue.class, Coalescing.class, Bounded.class})
  @Tag("long")
  void underStressItIsLinearizable(Class<?> scenario) {
    new StressOptions()
        .iterations(100)
        .threads(3)
        .actorsPerThread(4)
        .invocationsPerIteration(10_000)
        .check(scenario);
  }

  private static ModelCheckingOptions modelChecking() {
    return new ModelCheckingOptions()
        .actorsPerThread(3)
        .actorsBefore(2)
        .actorsAfter(2)
        // Guarded by the queue's lock: threads switch between their calls, not inside.
        .addGuarantee(
            forClasses(
                    TimingWheel.class.getName(),
                    ReadyKeys.class.getName(),
                    Histogram.class.getName(),
                    LoadMeter.class.getName(),
                    "java.util.HashMap",
                    "java.time.Duration")
                .allMethods()
                .treatAsAtomic());
  }

  /** Each thread has at most one key in hand, so that each operation is one call of the queue. */
  @Param(name = "key", gen = IntGen.class, conf = "1:3")
  @Param(name = "thread", gen = ThreadIdGen.class)
  public static class Queue {
    private final VirtualTime time = new VirtualTime();
    private final WorkQueue<Integer> queue =
        WorkQueue.<Integer>builder().capacity(2).tenants(key -> "t" + key % 2).time(time).build();
    private final @Nullable Item<Integer>[] inHand = newItems();

    /** Of key 3, in the hands of all threads. */
    private final Item<Integer> shared = taken(3);

    private Item<Integer> taken(int key) {
      Item<Integer> item = queue.add(key) == WorkQueue.Offer.ACCEPTED ? queue.poll() : null;
      if (item == null) {
        throw new AssertionError(queue);
      }
      return item;
    }

    @SuppressWarnings({"unchecked", "rawtypes"})
    private static @Nullable Item<Integer>[] newItems() {
      return new Item[8];
    }

    @Operation
    public String add(@Param(name = "key") int key) {
      return queue.add(key).name();
    }

    @Operation
    public String addUrgent(@Param(name = "key") int key) {
      return queue.add(key, Priority.HIGH).name();
    }

    @Operation
    public String addAfter(@Param(name = "key") int key) {
      return queue.addAfter(key, Duration.ofMillis(5)).name();
    }

    /** Takes a key, or finishes the one in hand. */
    @Operation
    public int work(@Param(name = "thread") int thread) {
      Item<Integer> item = inHand[thread];
      if (item != null) {
        inHand[thread] = null;
        item.done();
        return -item.key();
      }
      item = queue.poll();
      inHand[thread] = item;
      return item == null ? 0 : item.key();
    }

    /** Only the first may, whoever else does at the same time. */
    @Operation
    public boolean finishShared() {
      try {
        shared.done();
        return true;
      } catch (IllegalStateException e) {
        return false;
      }
    }

    @Operation
    public String depth() {
      WorkQueue.Stats stats = queue.stats();
      return stats.depth() + " waiting, " + stats.inHand() + " in hand";
    }

    @Operation(nonParallelGroup = "time")
    public void timeGoes() {
      time.advanceNanos(10_000_000);
    }

    @Operation
    public void shutDown() {
      queue.shutDown();
    }
  }

  /** One thread offers, any number take. */
  @Param(name = "key", gen = IntGen.class, conf = "1:2")
  @Param(name = "uid", gen = IntGen.class, conf = "1:2")
  public static class Coalescing {
    private final Gate<Integer> gate = Gate.coalesce();

    @Operation(nonParallelGroup = "producer")
    public String put(@Param(name = "key") int key, @Param(name = "uid") int uid) {
      return gate.offer(key, Change.PUT, uid).name();
    }

    @Operation(nonParallelGroup = "producer")
    public String delete(@Param(name = "key") int key, @Param(name = "uid") int uid) {
      return gate.offer(key, Change.DELETE, uid).name();
    }

    @Operation
    public String poll() {
      return String.valueOf(gate.poll());
    }

    @Operation
    public int depth() {
      return gate.stats().depth();
    }

    @Operation
    public void close() {
      gate.close();
    }
  }

  /** One thread offers, any number take. */
  @Param(name = "key", gen = IntGen.class, conf = "1:9")
  public static class Bounded {
    private final Gate<Integer> gate = Gate.pause(2, 0);

    @Operation(nonParallelGroup = "producer")
    public String put(@Param(name = "key") int key) {
      return gate.offer(key, Change.PUT, 1).name();
    }

    @Operation
    public String poll() {
      return String.valueOf(gate.poll());
    }

    @Operation
    public boolean full() {
      return gate.stats().full();
    }

    @Operation
    public void close() {
      gate.close();
    }

    @Operation(nonParallelGroup = "producer")
    public void complete() {
      gate.complete();
    }
  }
}
