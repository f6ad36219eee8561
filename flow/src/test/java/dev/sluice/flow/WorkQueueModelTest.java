package dev.sluice.flow;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.flow.WorkQueue.Item;
import dev.sluice.flow.WorkQueue.Offer;
import dev.sluice.modeltest.ModelTest;
import dev.sluice.modeltest.Step;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * The work queue against a model that keeps each key's state in plain maps: what every add answers,
 * what may be taken, and that each accepted key is run once more and by one worker at a time.
 */
@Tag("R3.1")
class WorkQueueModelTest {
  private static final int CAPACITY = 6;
  private static final int MAX_DELAYED = 4;
  private static final Duration AGEING = Duration.ofSeconds(1);
  private static final int AGED_ONE_IN = 3;
  private static final Map<String, Integer> WEIGHTS = Map.of("a", 1, "b", 2, "c", 3);
  private static final long TICK = 1L << TimingWheel.TICK_SHIFT;

  private record Waiting(Priority priority, long since, long prioritySince, int dispatches) {}

  private record Delay(long due, Priority priority) {}

  private static final class World {
    final VirtualTime time = new VirtualTime(Long.MAX_VALUE - Duration.ofSeconds(5).toNanos());
    final WorkQueue<String> queue =
        WorkQueue.<String>builder()
            .capacity(CAPACITY)
            .maxDelayed(MAX_DELAYED)
            .ageing(AGEING, AGED_ONE_IN)
            .tenants(key -> key.substring(0, 1))
            .weight("b", 2)
            .weight("c", 3)
            .time(time)
            .build();

    /** In the order in which they got their present priority, which is that of their lanes. */
    final Map<String, Waiting> waiting = new LinkedHashMap<>();

    final Map<String, Item<String>> inHand = new TreeMap<>();
    final Map<String, Priority> again = new HashMap<>();
    final Map<String, Delay> delayed = new HashMap<>();

    /** Bounds on further dispatches, for keys that have aged. */
    final Map<String, Integer> bounds = new HashMap<>();

    boolean shutDown;
    int sinceAged = AGED_ONE_IN;

    long now() {
      return time.elapsed().toNanos();
    }

    boolean holds(String key) {
      return waiting.containsKey(key) || inHand.containsKey(key) || delayed.containsKey(key);
    }

    int depth() {
      return waiting.size() + again.size();
    }

    Offer expectedOfAdd(String key, Priority priority) {
      if (shutDown) {
        return Offer.CLOSED;
      }
      if (!holds(key) && depth() >= CAPACITY) {
        return Offer.FULL;
      }
      return becomesDue(key, priority);
    }

    Offer becomesDue(String key, Priority priority) {
      Waiting before = waiting.get(key);
      if (before != null) {
        if (priority.compareTo(before.priority) < 0) {
          waiting.remove(key);
          waiting.put(key, new Waiting(priority, before.since, now(), 0));
          bounds.remove(key);
        }
        return Offer.COALESCED;
      }
      if (inHand.containsKey(key)) {
        Priority earlier = again.get(key);
        again.put(key, earlier == null ? priority : earlier.or(priority));
        return earlier == null ? Offer.ACCEPTED : Offer.COALESCED;
      }
      waiting.put(key, new Waiting(priority, now(), now(), 0));
      return Offer.ACCEPTED;
    }

    void add(String key, Priority priority) {
      Offer expected = expectedOfAdd(key, priority);
      assertThat(queue.add(key, priority)).isEqualTo(expected);
    }

    void addAfter(String key, Duration delay, Priority priority) {
      Offer expected;
      Delay before = delayed.get(key);
      long due = Math.ceilDiv(now() + delay.toNanos(), TICK) * TICK;
      if (shutDown) {
        expected = Offer.CLOSED;
      } else if (!holds(key) && delayed.size() >= MAX_DELAYED) {
        expected = Offer.FULL;
      } else if (before != null) {
        delayed.put(key, new Delay(Math.min(due, before.due), priority.or(before.priority)));
        expected = Offer.COALESCED;
      } else {
        delayed.put(key, new Delay(due, priority));
        expected = Offer.ACCEPTED;
      }
      assertThat(queue.addAfter(key, delay, priority)).isEqualTo(expected);
    }

    void advance(Duration by) {
      long target = now() + by.toNanos();
      while (true) {
        long next = delayed.values().stream().mapToLong(Delay::due).min().orElse(Long.MAX_VALUE);
        if (next > target) {
          break;
        }
        time.advanceNanos(next - now());
        // Keys whose delays end in one tick may wait in any order; each still in a lane's order.
        List<String> due = new ArrayList<>();
        delayed.forEach((key, delay) -> {
          if (delay.due <= now()) {
            due.add(key);
          }
        });
        for (String key : due) {
          Delay delay = delayed.remove(key);
          if (delay != null) {
            becomesDue(key, delay.priority);
          }
        }
        simultaneous.add(due);
      }
      time.advanceNanos(target - now());
      noteAged();
    }

    /** Keys that became ready in one instant, so that their order is not known. */
    final List<List<String>> simultaneous = new ArrayList<>();

    void noteAged() {
      waiting.forEach((key, state) -> {
        if (state.priority != Priority.HIGH
            && now() - state.prioritySince >= AGEING.toNanos()
            && !bounds.containsKey(key)) {
          int ahead = 0;
          for (Map.Entry<String, Waiting> other : waiting.entrySet()) {
            if (sameLane(key, state, other.getKey(), other.getValue())) {
              ahead++;
            }
          }
          int weight = WEIGHTS.getOrDefault(key.substring(0, 1), 1);
          int turns = Math.ceilDiv(ahead + 1, weight) + 1;
          bounds.put(key, 2 * AGED_ONE_IN * turns * 6);
        }
      });
    }

    private static boolean sameLane(String key, Waiting state, String other, Waiting otherState) {
      return other.charAt(0) == key.charAt(0)
          && !other.equals(key)
          && otherState.priority == state.priority;
    }

    void take() {
      noteAged();
      Item<String> item = queue.poll();
      if (waiting.isEmpty()) {
        assertThat(item).isNull();
        return;
      }
      assertThat(item).as("a key, as some wait").isNotNull();
      if (item == null) {
        return;
      }
      String key = item.key();
      Waiting state = waiting.get(key);
      assertThat(state).as("the state of the taken " + key).isNotNull();
      assertThat(inHand).as("given out twice").doesNotContainKey(key);
      if (state == null) {
        return;
      }
      assertThat(item.priority()).isEqualTo(state.priority);
      assertThat(item.waited().toNanos()).isEqualTo(now() - state.since);
      inItsOrder(key, state);
      inItsLevel(state);
      waiting.remove(key);
      bounds.remove(key);
      bounds.replaceAll((other, left) -> left - 1);
      assertThat(bounds.values()).as("dispatches left to aged keys").allMatch(left -> left > 0);
      inHand.put(key, item);
    }

    private void inItsOrder(String key, Waiting state) {
      for (Map.Entry<String, Waiting> other : waiting.entrySet()) {
        if (other.getKey().equals(key)) {
          return;
        }
        if (sameLane(key, state, other.getKey(), other.getValue())) {
          assertThat(other.getValue().prioritySince)
              .as(other.getKey() + " came before " + key)
              .isEqualTo(state.prioritySince);
          assertThat(simultaneous)
              .anyMatch(all -> all.contains(key) && all.contains(other.getKey()));
        }
      }
    }

    private void inItsLevel(Waiting state) {
      Priority highest =
          waiting.values().stream().map(Waiting::priority).reduce(Priority::or).orElseThrow();
      boolean agedBelow =
          waiting.values().stream()
              .anyMatch(other ->
                  other.priority != highest && now() - other.prioritySince >= AGEING.toNanos());
      if (agedBelow && sinceAged + 1 >= AGED_ONE_IN) {
        assertThat(state.priority).as("owed to age").isNotEqualTo(highest);
        assertThat(
                waiting.values().stream()
                    .anyMatch(other ->
                        other.priority == state.priority
                            && now() - other.prioritySince >= AGEING.toNanos()))
            .isTrue();
        sinceAged = 0;
      } else {
        assertThat(state.priority).as("the highest").isEqualTo(highest);
        sinceAged = Math.min(sinceAged + 1, AGED_ONE_IN);
      }
    }

    void done(int n) {
      if (inHand.isEmpty()) {
        return;
      }
      String key = new ArrayList<>(inHand.keySet()).get(n % inHand.size());
      Item<String> item = inHand.remove(key);
      if (item == null) {
        return;
      }
      item.done();
      Priority priority = again.remove(key);
      if (priority != null) {
        waiting.put(key, new Waiting(priority, now(), now(), 0));
      }
      assertThatThrownBy(item::done)
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining(key);
    }

    void shutDown() {
      shutDown = true;
      delayed.clear();
      queue.shutDown();
    }

    void agrees() {
      WorkQueue.Stats stats = queue.stats();
      assertThat(stats.depth()).as("depth").isEqualTo(depth());
      assertThat(stats.inHand()).as("in hand").isEqualTo(inHand.size());
      assertThat(stats.delayed()).as("delayed").isEqualTo(delayed.size());
      assertThat(stats.oldestAge().toNanos())
          .as("age of the oldest")
          .isEqualTo(waiting.values().stream().mapToLong(w -> now() - w.since).max().orElse(0));
      for (Priority priority : Priority.values()) {
        assertThat(queue.depth(priority))
            .isEqualTo((int) waiting.values().stream().filter(w -> w.priority == priority).count());
      }
      for (String tenant : WEIGHTS.keySet()) {
        assertThat(queue.depth(tenant))
            .isEqualTo((int) waiting.keySet().stream().filter(k -> k.startsWith(tenant)).count());
      }
    }

    void losesNothing() {
      while (!delayed.isEmpty() || depth() > 0 || !inHand.isEmpty()) {
        advance(Duration.ofSeconds(1));
        take();
        done(0);
        agrees();
      }
      assertThat(queue.poll()).isNull();
      assertThat(time.pending()).as("timers left").isZero();
    }
  }

  private record Add(String key, Priority priority) implements Step<World> {
    @Override
    public void run(World world) {
      world.add(key, priority);
    }
  }

  private record AddAfter(String key, Duration delay, Priority priority) implements Step<World> {
    @Override
    public void run(World world) {
      world.addAfter(key, delay, priority);
    }

    @Override
    public List<AddAfter> simpler() {
      return delay.toNanos() < 2_000_000
          ? List.of()
          : List.of(new AddAfter(key, delay.dividedBy(2), priority));
    }
  }

  private record Take(int count) implements Step<World> {
    @Override
    public void run(World world) {
      for (int i = 0; i < count; i++) {
        world.take();
      }
    }

    @Override
    public List<Take> simpler() {
      return count <= 1 ? List.of() : List.of(new Take(1), new Take(count - 1));
    }
  }

  private record Done(int n) implements Step<World> {
    @Override
    public void run(World world) {
      world.done(n);
    }

    @Override
    public List<Done> simpler() {
      return n == 0 ? List.of() : List.of(new Done(0));
    }
  }

  private record Advance(Duration by) implements Step<World> {
    @Override
    public void run(World world) {
      world.advance(by);
    }

    @Override
    public List<Advance> simpler() {
      return by.toNanos() < 2_000_000 ? List.of() : List.of(new Advance(by.dividedBy(2)));
    }
  }

  private record ShutDown() implements Step<World> {
    @Override
    public void run(World world) {
      world.shutDown();
    }
  }

  @Test
  void holdsEachKeyOnceGivesItToOneAndLosesNone() {
    List<String> keys = List.of("a1", "a2", "a3", "a4", "b1", "b2", "b3", "c1", "c2", "c3");
    ModelTest.of("work queue", seed -> new World())
        .step(8, gen -> new Add(gen.oneOf(keys), gen.oneOf(Priority.class)))
        .step(
            3,
            gen ->
                new AddAfter(
                    gen.oneOf(keys),
                    gen.duration(Duration.ofNanos(1), Duration.ofSeconds(10)),
                    gen.oneOf(Priority.class)))
        .step(5, gen -> new Take(gen.between(1, 3)))
        .step(5, gen -> new Done(gen.between(0, 5)))
        .step(3, gen -> new Advance(gen.duration(Duration.ofNanos(1), Duration.ofSeconds(5))))
        .step(1, gen -> gen.chance(0.1) ? new ShutDown() : new Take(1))
        .invariant(World::agrees)
        .atEnd(World::losesNothing)
        .histories(1_000)
        .steps(1, 200)
        .check();
  }
}
