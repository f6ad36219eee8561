package dev.sluice.flow;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.flow.Gate.Change;
import dev.sluice.flow.Gate.Delivery;
import dev.sluice.modeltest.ModelTest;
import dev.sluice.modeltest.Step;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * A COALESCE gate against a model that keeps the whole log of what was not delivered yet and says,
 * from that log alone, what the gate must still deliver and in which order.
 */
@Tag("R1.2")
class CoalescingGateModelTest {

  private record Logged(int position, Change change, String incarnation) {}

  private record Expected(int position, Delivery<String> delivery) {}

  private static final class World {
    final Gate<String> gate = Gate.coalesce();
    final Map<String, String> live = new HashMap<>();
    final Map<String, String> lastDeleted = new HashMap<>();
    final Map<String, String> consumer = new HashMap<>();
    final Map<String, List<Logged>> undelivered = new HashMap<>();
    final List<Gate.Hold> holds = new ArrayList<>();
    int position;
    int uids;

    String newIncarnation(String key) {
      return key + "#" + ++uids;
    }

    void put(String key, String incarnation) {
      live.put(key, incarnation);
      offer(key, Change.PUT, incarnation);
    }

    void offer(String key, Change change, String incarnation) {
      List<Logged> log = undelivered.computeIfAbsent(key, k -> new ArrayList<>());
      log.add(new Logged(position++, change, incarnation));
      List<Delivery<String>> before = expected();
      Gate.Offer outcome = gate.offer(key, change, incarnation);
      assertThat(outcome).isIn(Gate.Offer.ACCEPTED, Gate.Offer.COALESCED, Gate.Offer.ANNIHILATED);
      assertThat(before).hasSize(gate.stats().depth());
    }

    /** The ten lines: what is still to be delivered, in order. */
    List<Delivery<String>> expected() {
      List<Expected> all = new ArrayList<>();
      undelivered.forEach((key, log) -> {
        String known = consumer.get(key);
        Logged latest = log.get(log.size() - 1);
        String now = latest.change == Change.PUT ? latest.incarnation : null;
        int first = log.get(0).position;
        if (known != null && known.equals(now)) {
          all.add(new Expected(first, new Delivery<>(key, Change.PUT, known)));
          return;
        }
        if (known != null) {
          all.add(new Expected(first, new Delivery<>(key, Change.DELETE, known)));
        }
        if (now != null) {
          int run = log.size() - 1;
          while (run > 0
              && log.get(run - 1).change == Change.PUT
              && !log.get(run - 1).incarnation.equals(known)) {
            run--;
          }
          all.add(new Expected(log.get(run).position, new Delivery<>(key, Change.PUT, now)));
        }
      });
      all.sort(
          Comparator.comparingInt(Expected::position)
              .thenComparing(e -> e.delivery.change() == Change.PUT));
      return all.stream().map(Expected::delivery).toList();
    }

    void take() {
      List<Delivery<String>> expected = expected();
      Delivery<String> taken = gate.poll();
      assertThat(taken).isEqualTo(expected.isEmpty() || !holds.isEmpty() ? null : expected.get(0));
      if (taken != null) {
        receive(taken);
      }
    }

    private void receive(Delivery<String> taken) {
      String key = taken.key();
      String known = consumer.get(key);
      List<Logged> log = undelivered.getOrDefault(key, List.of());
      if (taken.change() == Change.PUT) {
        assertThat(known).as("incarnation known before a put").isIn(null, taken.incarnation());
        consumer.put(key, (String) taken.incarnation());
        undelivered.remove(key);
      } else {
        assertThat(known).as("incarnation known before a deletion").isEqualTo(taken.incarnation());
        consumer.remove(key);
        // What is left to tell is the life of the present incarnation, if there is one.
        @Nullable String now = live.get(key);
        if (now == null) {
          undelivered.remove(key);
        } else {
          log.removeIf(change -> change.change == Change.PUT && change.incarnation.equals(known));
        }
      }
    }

    void bounded() {
      Set<String> alive = new HashSet<>(live.keySet());
      alive.addAll(consumer.keySet());
      Gate.Stats stats = gate.stats();
      assertThat(stats.known()).as("names kept").isLessThanOrEqualTo(alive.size());
      assertThat(stats.depth()).as("entries").isLessThanOrEqualTo(2 * alive.size());
    }

    void drained() {
      holds.forEach(Gate.Hold::release);
      holds.clear();
      for (int i = gate.stats().depth(); i > 0; i--) {
        take();
      }
      assertThat(gate.poll()).isNull();
      assertThat(consumer).as("what the consumer knows in the end").isEqualTo(live);
      assertThat(gate.stats().known()).isEqualTo(live.size());
    }
  }

  private record Put(String key) implements Step<World> {
    @Override
    public void run(World world) {
      String incarnation = world.live.get(key);
      world.put(key, incarnation == null ? world.newIncarnation(key) : incarnation);
    }
  }

  private record Delete(String key) implements Step<World> {
    @Override
    public void run(World world) {
      String incarnation = world.live.remove(key);
      if (incarnation != null) {
        world.lastDeleted.put(key, incarnation);
        world.offer(key, Change.DELETE, incarnation);
      }
    }
  }

  /** A gap in the stream: the deletion of the old one was never seen. */
  private record Replace(String key) implements Step<World> {
    @Override
    public void run(World world) {
      world.put(key, world.newIncarnation(key));
    }
  }

  /** An object that stopped matching a selector matches it again. */
  private record Reappear(String key) implements Step<World> {
    @Override
    public void run(World world) {
      String incarnation = world.lastDeleted.get(key);
      if (incarnation != null && !world.live.containsKey(key)) {
        world.put(key, incarnation);
      }
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

  /** Another one holds the deliveries back, or the first of those who do no longer does. */
  private record Hold(boolean more) implements Step<World> {
    @Override
    public void run(World world) {
      if (more) {
        world.holds.add(world.gate.hold("model"));
      } else if (!world.holds.isEmpty()) {
        world.holds.removeFirst().release();
      }
      assertThat(world.gate.isHeld()).isEqualTo(!world.holds.isEmpty());
    }
  }

  @Test
  void deliversTheLatestStateInOrderOfFirstPendingChangeWithinItsBound() {
    List<String> keys = List.of("a", "b", "c");
    ModelTest.of("COALESCE gate", seed -> new World())
        .step(6, gen -> new Put(gen.oneOf(keys)))
        .step(4, gen -> new Delete(gen.oneOf(keys)))
        .step(1, gen -> new Replace(gen.oneOf(keys)))
        .step(1, gen -> new Reappear(gen.oneOf(keys)))
        .step(4, gen -> new Take(gen.between(1, 3)))
        .step(1, gen -> new Hold(gen.chance(0.4)))
        .invariant(World::bounded)
        .atEnd(World::drained)
        .histories(3_000)
        .check();
  }
}
