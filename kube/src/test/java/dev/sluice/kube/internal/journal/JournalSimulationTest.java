package dev.sluice.kube.internal.journal;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * Lives of a journal, one after the other on the same disk: random changes, flushes, snapshots and
 * lists, encrypted or not, each ended by a kill or by a power failure that lets a random part of
 * what was not durable through. What is found then is always a state that there was, and never
 * older than what was known to be durable.
 */
@Tag("R4.3")
class JournalSimulationTest {
  private static final List<String> NAMES = List.of("a", "b", "c", "d", "e", "f");

  @Test
  void findsAStateThatThereWasAfterAnyCrash() {
    simulate(200);
  }

  @Test
  @Tag("long")
  void findsAStateThatThereWasAfterAnyCrashManyTimes() {
    simulate(Integer.getInteger("simulation.seeds", 200_000));
  }

  private static void simulate(int seeds) {
    int resumed = 0;
    for (int seed = 1; seed <= seeds; seed++) {
      resumed += lives(seed);
    }
    assertThat(resumed).as("lives that went on from what was there").isGreaterThan(seeds);
  }

  private static int lives(int seed) {
    SplittableRandom random = new SplittableRandom(seed);
    SimDisk disk = new SimDisk();
    int version = 0;
    int resumed = 0;
    for (int life = 0; life < 4; life++) {
      String when = "seed " + seed + ", life " + life;
      History history = new History(disk, random.nextBoolean());
      history.start();
      if (history.anchored() == null) {
        history.list();
      } else {
        resumed++;
      }
      for (int steps = random.nextInt(30); steps > 0; steps--) {
        version++;
        String name = NAMES.get(random.nextInt(NAMES.size()));
        switch (random.nextInt(10)) {
          case 0, 1, 2, 3 -> history.put(name, version);
          case 4 -> {
            if (history.names().contains(name)) {
              history.gone(name, version);
            }
          }
          case 5 -> history.acknowledge(name, history.writer.number() - random.nextInt(3));
          case 6 -> history.wait(name, version);
          case 7 -> {
            history.anchor(version);
            history.flush();
            history.snapshot();
          }
          default -> {
            history.anchor(version);
            history.flush();
          }
        }
      }
      long durable = history.writer.durable();
      disk = random.nextInt(3) == 0 ? disk.afterKill() : disk.after(fates(disk, random));
      Recovery.Found found = CrashTest.consistent(disk, history.states, when);
      assertThat(found.last()).as("%s: %s", when, found.story()).isGreaterThanOrEqualTo(durable);
    }
    return resumed;
  }

  private static int[] fates(SimDisk disk, SplittableRandom random) {
    int[] fates = new int[disk.undecided()];
    Arrays.setAll(fates, i -> random.nextInt(3));
    return fates;
  }
}
