package dev.sluice.kube.internal.watch;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.kube.ObjectKey;
import dev.sluice.modeltest.Gen;
import dev.sluice.modeltest.Seed;
import java.time.Duration;
import java.util.List;
import java.util.Map;
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
  private static final int SEEDS = Integer.getInteger("sluice.simulation.seeds", 200);

  @Test
  void theStoreEqualsTheServerAfterAnySequenceOfChangesAndFaults() {
    check(0, SEEDS);
  }

  @Test
  @Tag("long")
  void theStoreEqualsTheServerAfterTenThousandSequences() {
    check(SEEDS, SEEDS + 10_000);
  }

  private static void check(int from, int to) {
    for (int i = from; i < to; i++) {
      Seed seed = Seed.of("stream-simulation").derive(i);
      Sim sim = null;
      try {
        sim = play(seed.random());
        assertThat(sim.stored()).as("the store").isEqualTo(sim.server.state());
        assertThat(sim.outlet.believed()).as("the consumer").isEqualTo(sim.server.state());
        assertThat(sim.runner.backlog()).isEmpty();
        assertThat(sim.runner.record().now().recentStops())
            .noneMatch(stop ->
                stop.detail().startsWith("unexpected") && !stop.detail().contains("a defect"));
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
      fault(sim, when, key, gen.nextInt(37));
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
      case 19, 20 -> sim.at(when, server::restore);
      case 21 -> sim.at(when, () -> server.outdated(key));
      case 22 ->
          sim.at(when, () -> server.event("DELETED", Sim.key(1000), "never", server.version()));
      case 23 ->
          sim.at(
              when,
              () ->
                  server.rawAll(
                      "{\"type\":\"ADDED\",\"object\":{\"metadata\":{\"resourceVersion\":\"1\"}}}\n"));
      case 24 -> sim.at(when, () -> server.rawAll("x".repeat(1_100_000) + "\n"));
      case 25 ->
          sim.at(
              when,
              () -> server.rawAll("{\"type\":\"ADDED\",\"object\":" + "[".repeat(5000) + "\n"));
      case 26 -> {
        Duration error = Duration.ofDays(sim.gen.nextInt(-4000, 4000));
        sim.at(when, () -> sim.clockError = error);
      }
      case 27 -> {
        // The kind is gone for a while, or forbidden, or nobody is let in.
        int status = sim.gen.oneOf(401, 403, 404);
        sim.at(
            when,
            () -> {
              for (int i = 0; i < 4; i++) {
                server.refuseNext(status, "");
              }
              server.endAll();
            });
      }
      case 28 ->
          sim.at(
              when,
              () ->
                  server.answerNext(
                      new SimServer.Canned(
                          429,
                          Map.of("retry-after", List.of("Thu, 01 Jan 1970 02:00:00 GMT")),
                          "too many requests")));
      case 29 ->
          sim.at(
              when,
              () -> {
                server.answerNext(new SimServer.Canned(200, Map.of(), "<html>a proxy"));
                server.breakAll();
              });
      case 30 -> sim.at(when, server::hangNext);
      case 31 -> {
        int bytes = sim.gen.nextInt(2000);
        sim.at(
            when,
            () -> {
              server.breakNextWatchAfter(bytes);
              server.endAll();
            });
      }
      case 32 -> sim.at(when, () -> server.errorAll(403, "Forbidden"));
      case 33 -> sim.at(when, server::beginLineWithoutEnd);
      case 34 -> sim.at(when, () -> server.closingThrows = !server.closingThrows);
      case 35 -> {
        // Whoever listens leaves the thread interrupted, for a while.
        sim.at(when, () -> sim.onEvent = () -> Thread.currentThread().interrupt());
        sim.at(when.plusMinutes(2), () -> sim.onEvent = () -> {});
      }
      default -> sim.at(when, server::throwNext);
    }
  }
}
