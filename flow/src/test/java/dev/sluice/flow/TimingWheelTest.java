package dev.sluice.flow;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.modeltest.ModelTest;
import dev.sluice.modeltest.Step;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;

class TimingWheelTest {
  private static final long TICK = 1L << TimingWheel.TICK_SHIFT;

  private static final class Timeout extends TimingWheel.Node<Timeout> {
    final int id;

    Timeout(int id) {
      this.id = id;
    }
  }

  /** The wheel beside a map from node to due time. */
  private static final class World {
    final TimingWheel<Timeout> wheel = new TimingWheel<>();
    final Map<Timeout, Long> pending = new HashMap<>();
    long now;
    int ids;

    void add(long delay) {
      Timeout timeout = new Timeout(ids++);
      wheel.add(timeout, now + delay);
      pending.put(timeout, now + delay);
    }

    void remove(int n) {
      if (!pending.isEmpty()) {
        List<Timeout> all = new ArrayList<>(pending.keySet());
        all.sort((a, b) -> Integer.compare(a.id, b.id));
        Timeout removed = all.get(n % all.size());
        wheel.remove(removed);
        pending.remove(removed);
        assertThat(removed.isScheduled()).isFalse();
      }
    }

    void advance(long by, int batch) {
      long before = now;
      now += by;
      Set<Timeout> expired = new HashSet<>();
      while (wheel.advance(now, batch, expired::add)) {
        assertThat(wheel.nextNanos()).as("more is due").isLessThanOrEqualTo(now);
      }
      for (Timeout timeout : expired) {
        Long due = pending.remove(timeout);
        assertThat(due).as("expired twice").isNotNull();
        assertThat(due).as("expired too early").isLessThanOrEqualTo(now);
        assertThat(timeout.isScheduled()).isFalse();
      }
      pending.forEach((timeout, due) ->
          assertThat(due)
              .as("not expired, due at %d, now %d, before %d", due, now, before)
              .isGreaterThan(now - TICK));
    }

    void knowsWhatComesNext() {
      assertThat(wheel.size()).isEqualTo(pending.size());
      long earliest = pending.values().stream().mapToLong(due -> due).min().orElse(Long.MAX_VALUE);
      assertThat(wheel.nextNanos())
          .as("next, with the earliest at %d", earliest)
          .isLessThan(earliest > Long.MAX_VALUE - TICK ? Long.MAX_VALUE : earliest + TICK)
          .isGreaterThanOrEqualTo(0);
    }
  }

  private record Add(long delay) implements Step<World> {
    @Override
    public void run(World world) {
      world.add(delay);
    }

    @Override
    public List<Add> simpler() {
      return delay <= 1 ? List.of() : List.of(new Add(delay / 2), new Add(delay - 1));
    }
  }

  private record Remove(int n) implements Step<World> {
    @Override
    public void run(World world) {
      world.remove(n);
    }
  }

  private record Advance(long by, int batch) implements Step<World> {
    @Override
    public void run(World world) {
      world.advance(by, batch);
    }

    @Override
    public List<Advance> simpler() {
      return by <= 1 ? List.of() : List.of(new Advance(by / 2, batch), new Advance(by - 1, batch));
    }
  }

  @Test
  void expiresEachNodeOnceNotBeforeItIsDueAndLessThanATickAfter() {
    Duration longest = Duration.ofDays(365);
    ModelTest.of("timing wheel", seed -> new World())
        .step(5, gen -> new Add(gen.duration(Duration.ofNanos(1), longest).toNanos()))
        .step(2, gen -> new Remove(gen.between(0, 1000)))
        .step(
            2,
            gen ->
                new Advance(gen.duration(Duration.ZERO, longest).toNanos(), gen.oneOf(1, 2, 100)))
        .invariant(world -> world.advance(0, 1))
        .invariant(world -> {
          if (!world.pending.isEmpty()) {
            world.knowsWhatComesNext();
          }
        })
        .histories(1_000)
        .check();
  }

  @Test
  void reachesTheEndOfTime() {
    World world = new World();
    world.add(Long.MAX_VALUE);
    world.add(1);

    world.advance(Duration.ofDays(365 * 290L).toNanos(), 100);

    assertThat(world.pending.values()).containsExactly(Long.MAX_VALUE);
    assertThat(world.wheel.nextNanos()).isPositive();
  }

  @Test
  void worksThroughACrowdedInstantInSmallSteps() {
    TimingWheel<Timeout> wheel = new TimingWheel<>();
    long due = Duration.ofMinutes(10).toNanos();
    for (int i = 0; i < 100_000; i++) {
      wheel.add(new Timeout(i), due);
    }

    List<Timeout> expired = new ArrayList<>();
    int steps = 0;
    boolean more = true;
    while (more) {
      int before = expired.size();
      more = wheel.advance(due + TICK, 100, expired::add);
      assertThat(expired.size() - before).isLessThanOrEqualTo(100);
      steps++;
    }

    assertThat(expired).hasSize(100_000);
    assertThat(steps).as("steps: each node moves over a few levels").isLessThan(8_000);
    assertThat(wheel.size()).isZero();
  }
}
