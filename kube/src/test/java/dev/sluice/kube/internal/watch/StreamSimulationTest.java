package dev.sluice.kube.internal.watch;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.kube.ObjectKey;
import dev.sluice.modeltest.Gen;
import dev.sluice.modeltest.Seed;
import java.time.Duration;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * After any sequence of changes and faults the store, and what a consumer believes, equal the
 * server.
 */
@Tag("R1.2")
@Tag("R1.3")
@Tag("R4.1")
@Tag("R4.2")
class StreamSimulationTest {
  private static final int SEEDS = Integer.getInteger("sluice.simulation.seeds", 400);

  @Test
  void theStoreEqualsTheServerAfterAnySequenceOfChangesAndFaults() {
    for (int i = 0; i < SEEDS; i++) {
      Seed seed = Seed.of("stream-simulation").derive(i);
      Sim sim = null;
      try {
        sim = play(seed.random());
        assertThat(sim.stored()).as("the store").isEqualTo(sim.server.state());
        assertThat(sim.outlet.believed()).as("the consumer").isEqualTo(sim.server.state());
        assertThat(sim.runner.backlog()).isEmpty();
        assertThat(sim.runner.record().now().recentStops())
            .noneMatch(stop -> stop.detail().startsWith("unexpected"));
        assertThat(sim.outlet.synced).isTrue();
      } catch (AssertionError | RuntimeException e) {
        throw new AssertionError(
            "seed "
                + seed
                + " (run "
                + i
                + "): "
                + e.getMessage()
                + (sim == null ? "" : "\n" + sim.runner.record().now()),
            e);
      }
    }
  }

  private static Sim play(Gen gen) {
    int capacity = gen.oneOf(0, 0, 3, 20);
    Sim sim = new Sim(gen, capacity, gen.nextBoolean(), gen.nextBoolean());
    SimServer server = sim.server;
    server.sorted = gen.nextBoolean();
    server.streamingLists = gen.nextBoolean();
    int names = gen.between(1, 30);
    for (int i = gen.nextInt(40); i > 0; i--) {
      server.put(Sim.key(gen.nextInt(names)));
    }
    int minutes = gen.between(1, 20);
    int steps = gen.between(1, 120);
    for (int i = 0; i < steps; i++) {
      Duration when = gen.duration(Duration.ofMillis(1), Duration.ofMinutes(minutes));
      ObjectKey key = Sim.key(gen.nextInt(names));
      if (gen.chance(0.75)) {
        sim.at(when, gen.chance(0.7) ? () -> server.put(key) : () -> server.delete(key));
        continue;
      }
      fault(sim, when, key, gen.nextInt(20));
    }
    // The consumer is slow, stands still for a while, and catches up.
    long stall = gen.nextLong(Duration.ofMinutes(minutes).toNanos());
    for (int second = 1; second < (minutes + 40) * 60; second += 1 + gen.nextInt(5)) {
      boolean idle = Math.abs(second * 1_000_000_000L - stall) < 60_000_000_000L;
      int count = idle ? 0 : gen.between(1, 8);
      sim.at(Duration.ofSeconds(second), () -> sim.outlet.consume(count));
    }
    sim.run(Duration.ofMinutes(minutes + 40));
    return sim;
  }

  private static void fault(Sim sim, Duration when, ObjectKey key, int kind) {
    SimServer server = sim.server;
    switch (kind) {
      case 0 -> sim.at(when, server::endAll);
      case 1 -> sim.at(when, server::breakAll);
      case 2 -> sim.at(when, server::silenceAll);
      case 3, 4 -> sim.at(when, server::compact);
      case 5 -> sim.at(when, () -> server.errorAll(410, "Expired"));
      case 6 -> sim.at(when, () -> server.errorAll(500, "InternalError"));
      case 7 -> sim.at(when, () -> server.errorAll(429, "TooManyRequests"));
      case 8 -> sim.at(when, server::failNextConnect);
      case 9 -> sim.at(when, () -> server.refuseNext(401, "Unauthorized"));
      case 10 -> sim.at(when, () -> server.refuseNext(403, "Forbidden"));
      case 11 -> sim.at(when, () -> server.refuseNext(503, "ServiceUnavailable"));
      case 12 -> sim.at(when, () -> server.refuseNext(404, "NotFound"));
      case 13 -> {
        int bytes = sim.gen.nextInt(3000);
        sim.at(when, () -> server.cutAfter = bytes);
        sim.at(when, server::breakAll);
      }
      case 14 ->
          sim.at(
              when,
              () -> {
                server.corruptNextFrame = true;
                server.put(key);
              });
      case 15 -> sim.at(when, server::repeatLast);
      case 16 -> sim.at(when, () -> server.rawAll("no json at all\n\n\r\n[]\n"));
      case 17 -> sim.at(when, () -> server.rawAll(SimServer.status(410, "Expired") + "\n"));
      case 18 ->
          sim.at(
              when,
              () -> {
                server.delete(key);
                server.put(key);
              });
      default -> sim.at(when, server::restore);
    }
  }
}
