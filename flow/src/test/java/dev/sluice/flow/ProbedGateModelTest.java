package dev.sluice.flow;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.flow.Gate.Change;
import dev.sluice.flow.Gate.Delivery;
import dev.sluice.flow.Gate.Kind;
import dev.sluice.flow.Gate.Offer;
import dev.sluice.modeltest.ModelTest;
import dev.sluice.modeltest.Step;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * A stream, a gate, a consumer, and a probe of what lies behind the consumer, in virtual time:
 * while the circuit is open nothing is delivered, and what is delivered is everything, in order.
 */
@Tag("R3.2")
class ProbedGateModelTest {
  private static final int CAPACITY = 5;

  private enum Health {
    WELL,
    SLOW,
    REFUSING,
    SILENT
  }

  private static final class World {
    final VirtualTime time = new VirtualTime(Long.MAX_VALUE - Duration.ofSeconds(3).toNanos());
    final Gate<Integer> gate =
        Gate.<Integer>builder(Kind.PAUSE).capacity(CAPACITY).lowWatermark(2).time(time).build();
    final Deque<Integer> pending = new ArrayDeque<>();
    Health health = Health.WELL;
    Probe.State last = Probe.State.UNKNOWN;
    int next;
    final Probe probe =
        Probe.builder()
            .time(time)
            .random(new SplittableRandom(7))
            .holding(gate)
            .onVerdict(verdict -> last = verdict.state())
            .start(this::ask);

    private CompletableFuture<?> ask() {
      CompletableFuture<String> call = new CompletableFuture<>();
      switch (health) {
        case WELL -> time.schedule(2_000_000, () -> call.complete("pong"));
        case SLOW -> time.schedule(250_000_000, () -> call.complete("pong"));
        case REFUSING -> call.completeExceptionally(new IOException("refused"));
        case SILENT -> {}
      }
      return call;
    }

    void stream(int count) {
      for (int i = 0; i < count; i++) {
        Offer offer = gate.offer(next, Change.PUT, "uid");
        if (offer == Offer.FULL) {
          return; // the stream stops before this one, and comes back to it
        }
        assertThat(offer).isEqualTo(Offer.ACCEPTED);
        pending.add(next++);
      }
    }

    void consume() {
      Integer expected = last == Probe.State.OPEN ? null : pending.poll();
      assertThat(gate.poll())
          .isEqualTo(expected == null ? null : new Delivery<>(expected, Change.PUT, "uid"));
    }

    void agrees() {
      assertThat(gate.isHeld()).as("held").isEqualTo(last == Probe.State.OPEN);
      assertThat(gate.stats().depth()).isEqualTo(pending.size()).isLessThanOrEqualTo(CAPACITY);
    }

    void deliversAllWhenItIsWellAgain() {
      health = Health.WELL;
      time.advance(Duration.ofSeconds(6));
      assertThat(last).isIn(Probe.State.HEALTHY, Probe.State.SLOW);
      while (!pending.isEmpty()) {
        consume();
      }
      stream(1);
      consume();
      assertThat(gate.stats().delivered()).isEqualTo(next);
      health = Health.REFUSING;
      time.advance(Duration.ofSeconds(11)); // a stretched interval, and three failures
      probe.close();
      assertThat(gate.isHeld()).isFalse();
      assertThat(time.pending()).as("timers left").isZero();
    }
  }

  private record Becomes(Health health) implements Step<World> {
    @Override
    public void run(World world) {
      world.health = health;
    }
  }

  private record Stream(int count) implements Step<World> {
    @Override
    public void run(World world) {
      world.stream(count);
    }

    @Override
    public List<Stream> simpler() {
      return count <= 1 ? List.of() : List.of(new Stream(1));
    }
  }

  private record Consume() implements Step<World> {
    @Override
    public void run(World world) {
      world.consume();
    }
  }

  private record Advance(Duration by) implements Step<World> {
    @Override
    public void run(World world) {
      world.time.advance(by);
    }

    @Override
    public List<Advance> simpler() {
      return by.toMillis() < 2 ? List.of() : List.of(new Advance(by.dividedBy(2)));
    }
  }

  @Test
  void deliversNothingWhileTheCircuitIsOpenAndLosesNothing() {
    ModelTest.of("probed gate", seed -> new World())
        .step(2, gen -> new Becomes(gen.oneOf(Health.class)))
        .step(4, gen -> new Stream(gen.between(1, 8)))
        .step(6, gen -> new Consume())
        .step(4, gen -> new Advance(gen.duration(Duration.ofMillis(1), Duration.ofSeconds(8))))
        .invariant(World::agrees)
        .atEnd(World::deliversAllWhenItIsWellAgain)
        .histories(300)
        .check();
  }
}
