package dev.sluice.kube.internal.journal;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.kube.JournalStatus.Rung;
import dev.sluice.kube.JournalStatus.State;
import java.util.Arrays;
import java.util.Map;
import java.util.NavigableMap;
import java.util.TreeMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What is left of a journal after power failures, ends of processes, and damage. */
@Tag("R4.3")
class CrashTest {

  /** What was found is what there was as of one item. */
  static Recovery.Found consistent(
      SimDisk disk, NavigableMap<Long, History.State> states, String when) {
    Recovery.Found found = History.read(disk);
    assertThat(states).as("%s: %s", when, found.story()).containsKey(found.last());
    assertThat(History.of(found))
        .as("%s: the state as of item %d; %s", when, found.last(), found.story())
        .isEqualTo(states.get(found.last()));
    return found;
  }

  @Test
  void losesNothingThatWasMadeDurableWhateverPartOfTheRestAPowerFailureLetsThrough() {
    AtomicInteger crashes = new AtomicInteger();
    AtomicReference<History> running = new AtomicReference<>();
    SimDisk disk =
        new SimDisk(now -> {
          History history = running.get();
          if (history != null && history.disk == now) {
            everyFailure(now, history, crashes);
          }
        });
    History history = new History(disk);
    running.set(history);
    history.live();
    assertThat(running.getAndSet(new History(new SimDisk()))).isSameAs(history);
    assertThat(crashes.get()).isGreaterThan(150);
  }

  private static void everyFailure(SimDisk disk, History history, AtomicInteger crashes) {
    int[] fates = new int[disk.undecided()];
    assertThat(fates.length).as("a history short enough to try everything").isLessThan(9);
    long durable = history.writer.durable();
    do {
      String when = "crash " + crashes.incrementAndGet() + " " + Arrays.toString(fates);
      SimDisk left = disk.after(fates);
      Recovery.Found found = consistent(left, history.states, when);
      assertThat(found.last()).as("%s: %s", when, found.story()).isGreaterThanOrEqualTo(durable);
      if (found.rung() == Rung.EMPTY) {
        assertThat(found.objects()).as(when).isEmpty();
      }
      goOn(left, when);
    } while (next(fates));
  }

  /** Another run on what is left, which ends, and a third. */
  private static void goOn(SimDisk left, String when) {
    History second = new History(left);
    second.start();
    second.put("z", 100);
    second.anchor(101);
    second.flush();
    Recovery.Found found = consistent(left.afterKill(), second.states, when + ", then killed");
    assertThat(found.last()).as(when).isEqualTo(second.writer.number());
    assertThat(found.rung()).as(when).isIn(Rung.NEWEST, Rung.OLDER);
  }

  private static boolean next(int[] fates) {
    for (int i = 0; i < fates.length; i++) {
      if (++fates[i] <= 2) {
        return true;
      }
      fates[i] = 0;
    }
    return false;
  }

  @ParameterizedTest(name = "encrypted: {0}")
  @ValueSource(booleans = {false, true})
  void cutsATornEndOffWhereverItIsTorn(boolean sealed) {
    History history = new History(new SimDisk(), sealed);
    history.live();
    String log =
        history.files().stream()
            .filter(n -> n.startsWith("log-"))
            .reduce((a, b) -> b)
            .orElseThrow();
    byte[] whole = history.disk.bytes(log);
    long before = 0;
    for (int length = 0; length <= whole.length; length++) {
      SimDisk left = history.disk.afterKill();
      left.bytes(log, Arrays.copyOf(whole, length));
      Recovery.Found found = consistent(left, history.states, "cut to " + length);
      assertThat(found.rung()).isEqualTo(Rung.NEWEST);
      assertThat(found.last()).isGreaterThanOrEqualTo(before);
      before = found.last();
    }
    assertThat(before).isEqualTo(history.writer.number());
  }

  @ParameterizedTest(name = "encrypted: {0}")
  @ValueSource(booleans = {false, true})
  void noticesEveryFlippedBitAndAlwaysStarts(boolean sealed) {
    History history = new History(new SimDisk(), sealed);
    history.live();
    int tried = 0;
    Map<Rung, Integer> rungs = new TreeMap<>();
    for (String file : history.files()) {
      byte[] whole = history.disk.bytes(file);
      for (int i = 0; i < whole.length; i++) {
        SimDisk left = history.disk.afterKill();
        byte[] flipped = whole.clone();
        flipped[i] ^= (byte) (1 << i % 8);
        left.bytes(file, flipped);
        Recovery.Found found = consistent(left, history.states, file + " byte " + i);
        rungs.merge(found.rung(), 1, Integer::sum);
        tried++;
        if (i % 16 == 0) {
          goOn(left, file + " byte " + i);
        }
      }
    }
    assertThat(tried).isGreaterThan(1000);
    assertThat(rungs).containsKeys(Rung.NEWEST, Rung.OLDER, Rung.DIFFERENCES);
  }

  @Test
  void fallsBackToTheSnapshotBeforeAndTheLogSinceWhenTheNewestIsDamaged() {
    History history = new History(new SimDisk());
    history.live();
    SimDisk left = history.disk.afterKill();
    String newest =
        history.files().stream()
            .filter(n -> n.startsWith("snapshot-"))
            .reduce((a, b) -> b)
            .orElseThrow();
    left.bytes(newest, new byte[100]);
    Recovery.Found found = consistent(left, history.states, "no newest snapshot");
    assertThat(found.rung()).isEqualTo(Rung.OLDER);
    assertThat(found.last()).isEqualTo(history.writer.number());
    assertThat(found.story()).anyMatch(step -> step.contains(newest) && step.contains("damaged"));
  }

  @Test
  void tellsDamageInTheMiddleFromATornEnd() {
    History history = new History(new SimDisk());
    history.start();
    history.list();
    history.put("a", 1);
    history.anchor(1);
    history.flush();
    String log =
        history.files().stream().filter(n -> n.startsWith("log-")).findFirst().orElseThrow();
    int middle = history.disk.bytes(log).length + 20;
    history.put("a", 2);
    history.flush();
    history.acknowledge("a", history.writer.number());
    history.anchor(2);
    history.flush();
    SimDisk left = history.disk.afterKill();
    left.bytes(log)[middle] ^= 1;
    Recovery.Found found = consistent(left, history.states, "damage in the middle");
    assertThat(found.rung()).isEqualTo(Rung.DIFFERENCES);
    assertThat(found.story()).anyMatch(step -> step.contains("middle of the log"));
    // What had to be listed again still has to be, if that did not come to pass.
    Recovery.Found later = History.read(new History(left).disk.afterKill());
    assertThat(later.rung()).isEqualTo(Rung.DIFFERENCES);
    assertThat(later.next()).isGreaterThan(history.writer.number());
  }

  @Test
  void healsWithASnapshotAfterTheDiskWasFullOrItsFilesWereRemoved() {
    History history = new History(new SimDisk());
    history.live();
    history.disk.room = 0;
    history.put("x", 20);
    history.flush();
    history.put("y", 21);
    assertThat(history.writer.state()).isEqualTo(State.FAILED);
    assertThat(history.writer.trouble()).contains("No space left");
    assertThat(history.writer.heal()).isFalse();
    history.disk.room = Long.MAX_VALUE;
    assertThat(history.writer.heal()).isTrue();
    assertThat(consistent(history.disk.afterKill(), history.states, "healed").last())
        .isEqualTo(history.writer.number());
    history.disk.remove();
    assertThat(history.writer.check()).isFalse();
    assertThat(history.writer.heal()).isTrue();
    history.put("w", 22);
    history.flush();
    assertThat(consistent(history.disk.afterKill(), history.states, "healed again").objects())
        .hasSize(history.states.lastEntry().getValue().objects().size());
  }

  @Test
  void goesOnWithoutADiskThatHangsAndHealsWhenItAnswers() throws Exception {
    CountDownLatch hanging = new CountDownLatch(1);
    CountDownLatch go = new CountDownLatch(1);
    AtomicBoolean hangs = new AtomicBoolean();
    AtomicLong nanos = new AtomicLong();
    SimDisk disk =
        new SimDisk(now -> {
          if (hangs.compareAndSet(true, false)) {
            hanging.countDown();
            try {
              go.await();
            } catch (InterruptedException e) {
              throw new AssertionError(e);
            }
          }
        });
    History history = new History(disk, nanos::get);
    history.start();
    history.list();
    history.put("a", 1);
    history.anchor(1);
    history.flush();
    history.put("b", 2);
    history.anchor(2);
    hangs.set(true);
    Thread flushing = Thread.ofVirtual().start(history::flush);
    hanging.await();
    Thread waiting =
        Thread.ofVirtual()
            .start(() -> {
              try {
                history.writer.awaitDurable(Long.MAX_VALUE);
              } catch (InterruptedException e) {
                throw new AssertionError(e);
              }
            });
    nanos.addAndGet(JournalWriter.DISK_PATIENCE.toNanos());
    assertThat(history.writer.overdue()).isFalse();
    nanos.addAndGet(1);
    assertThat(history.writer.overdue() || history.writer.state() == State.FAILED).isTrue();
    assertThat(history.writer.trouble()).isEqualTo("it has not answered for 10 s");
    waiting.join(); // who waits for the disk no longer does
    history.put("c", 3);
    go.countDown();
    flushing.join();
    assertThat(history.writer.heal()).isTrue();
    assertThat(consistent(disk.afterKill(), history.states, "healed").objects()).hasSize(3);
  }

  @Test
  void keepsSoManySnapshotsAndNoMoreLogThanItMay() {
    History history = new History(new SimDisk());
    history.live();
    for (int i = 0; i < 4000; i++) {
      history.put("big" + i % 3, 100 + i);
      if (i % 100 == 0) {
        history.anchor(100 + i);
        history.flush();
        history.snapshot();
      }
    }
    history.anchor(5000);
    history.flush();
    assertThat(history.files().stream().filter(n -> n.startsWith("snapshot-"))).hasSize(2);
    consistent(history.disk.afterKill(), history.states, "after pruning");
  }
}
