package dev.sluice.kube;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.flow.FlowEvent;
import dev.sluice.kube.Journal.Durability;
import dev.sluice.kube.JournalStatus.Rung;
import dev.sluice.kube.JournalStatus.State;
import dev.sluice.kube.JournalStore.Ownership;
import dev.sluice.stores.MemoryBucket;
import dev.sluice.stores.MemoryBucket.Fate;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** A journal that one pod leaves to the next. */
@Tag("R4.3")
class SharedJournalTest {
  private final FakeApi api = new FakeApi();
  private final MemoryBucket bucket = new MemoryBucket();

  /** A pod: an informer and a controller. */
  private final class Pod implements AutoCloseable {
    final ConcurrentLinkedQueue<String> seen = new ConcurrentLinkedQueue<>();
    final ConcurrentLinkedQueue<FlowEvent> events = new ConcurrentLinkedQueue<>();
    final Informer<Resource> informer;
    final Controller<Resource> controller;

    Pod(String name) {
      JournalStore store =
          JournalStore.shared(bucket, Ownership.standard().holder(name).takingOver());
      informer =
          Informer.of(api, FakeApi.PODS)
              .journal(Journal.in(store).cluster("test"))
              .listener(events::add)
              .start();
      controller =
          Controller.named("test")
              .watching(informer)
              .unlimited()
              .reconcile((key, context) -> {
                seen.add(key.name());
                return Outcome.done();
              })
              .start();
    }

    JournalStatus journal() {
      return informer.status().journal().orElseThrow();
    }

    void sees(String... names) {
      Await.until(() -> assertThat(seen).contains(names));
      Await.until(() -> assertThat(controller.status().caughtUp()).isTrue());
    }

    void uploaded() {
      Await.until(() -> {
        assertThat(informer.status().anchor()).hasValue(api.version());
        assertThat(journal().state()).isEqualTo(State.WRITING);
        assertThat(journal().durable()).isEqualTo(journal().position());
      });
    }

    void told(String cause) {
      Await.until(() -> assertThat(events).anyMatch(event -> event.cause().equals(cause)));
    }

    @Override
    public void close() {
      controller.close();
      informer.close();
    }
  }

  @Test
  void inheritsWhatWasAcknowledgedUpToTheLastUploadAndRepeatsTheRest() {
    api.put("a", "1");
    api.put("b", "1");
    try (Pod first = new Pod("first")) {
      first.sees("a", "b");
      first.uploaded();
      // From here on nothing that the first writes gets through; it hangs, and is not dead.
      CountDownLatch never = new CountDownLatch(1);
      bucket.fates((call, name) -> {
        if (call.equals("put") && name.startsWith("1-")) {
          awaitQuietly(never);
        }
        return Fate.DONE;
      });
      api.put("b", "2");
      Await.until(() -> assertThat(first.seen).hasSize(3));
      Await.until(
          () -> assertThat(first.journal().position()).isGreaterThan(first.journal().durable()));
      try (Pod second = new Pod("second")) {
        second.sees("b");
        assertThat(second.seen).containsExactly("b");
        assertThat(second.journal().rung()).isEqualTo(Rung.NEWEST);
        second.uploaded();
        // The first wakes up: what it still wanted to write is refused, and it is told.
        never.countDown();
        Await.until(() -> assertThat(first.journal().state()).isEqualTo(State.REFUSED));
        assertThat(first.journal().trouble()).contains("was taken over by second");
        first.told("journal-refused");
        api.put("c", "1");
        first.sees("c");
        second.sees("c");
        second.uploaded();
      }
    }
    try (Pod third = new Pod("third")) {
      Await.until(() -> assertThat(third.controller.status().caughtUp()).isTrue());
      assertThat(third.seen).isEmpty();
      assertThat(third.informer.store().size()).isEqualTo(3);
    }
  }

  private static void awaitQuietly(CountDownLatch latch) {
    try {
      latch.await();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  @Test
  void doesNotHoldUpTheStreamWhileAnUploadHangs() {
    api.put("a", "1");
    CountDownLatch go = new CountDownLatch(1);
    try (Pod pod = new Pod("pod")) {
      pod.sees("a");
      pod.uploaded();
      bucket.fates((call, name) -> {
        awaitQuietly(go);
        return Fate.DONE;
      });
      api.put("b", "1");
      pod.sees("b");
      api.put("c", "1");
      pod.sees("c");
      assertThat(pod.journal().position()).isGreaterThan(pod.journal().durable());
      go.countDown();
      pod.uploaded();
      assertThat(pod.journal().failures()).isZero();
    }
  }

  @Test
  void goesOnLoudlyWhileTheBucketIsAwayAndHeals() {
    api.put("a", "1");
    try (Pod pod = new Pod("pod")) {
      pod.sees("a");
      pod.uploaded();
      bucket.fates((call, name) -> Fate.REFUSED);
      api.put("b", "1");
      pod.sees("b");
      pod.told("journal-failed");
      assertThat(pod.journal().state()).isEqualTo(State.FAILED);
      assertThat(pod.journal().trouble()).contains("a bucket in memory");
      api.put("c", "1");
      pod.sees("c");
      bucket.fates((call, name) -> Fate.DONE);
      pod.told("journal-healed");
      pod.uploaded();
    }
    try (Pod next = new Pod("next")) {
      Await.until(() -> assertThat(next.controller.status().caughtUp()).isTrue());
      assertThat(next.seen).isEmpty();
      assertThat(next.informer.store().size()).isEqualTo(3);
    }
  }

  @Test
  void startsWithoutABucketThatIsAwayAndMixesNothingWithWhatIsInIt() {
    for (String name : List.of("a", "b", "c", "d")) {
      api.put(name, "1");
    }
    try (Pod first = new Pod("first")) {
      first.sees("a", "b", "c", "d");
      first.uploaded();
      api.put("a", "2");
      api.put("a", "3");
      first.uploaded();
    }
    api.delete("b");
    bucket.fates((call, name) -> Fate.REFUSED);
    try (Pod second = new Pod("second")) {
      second.sees("a", "c", "d");
      second.told("journal-failed");
      bucket.fates((call, name) -> Fate.DONE);
      second.told("journal-healed");
      api.put("e", "1");
      second.sees("e");
      second.uploaded();
    }
    try (Pod third = new Pod("third")) {
      Await.until(() -> assertThat(third.controller.status().caughtUp()).isTrue());
      assertThat(third.journal().rung()).isEqualTo(Rung.NEWEST);
      assertThat(third.seen).isEmpty();
      assertThat(third.informer.store().size()).isEqualTo(4);
    }
  }

  @Test
  void leavesAloneWhatIsAnotherStreamsAlthoughItCouldNotBeReadAtTheStart() {
    api.put("a", "1");
    JournalStore store = JournalStore.shared(bucket, Ownership.standard());
    try (Informer<Resource> other =
        Informer.of(api, FakeApi.PODS)
            .labelSelector("x=y")
            .journal(Journal.in(store).cluster("test"))
            .start()) {
      Await.until(() -> assertThat(other.status().anchor()).isPresent());
    }
    bucket.fates((call, name) -> Fate.REFUSED);
    try (Pod pod = new Pod("pod")) {
      pod.sees("a");
      pod.told("journal-failed");
      bucket.fates((call, name) -> Fate.DONE);
      pod.told("journal-refused");
      assertThat(pod.journal().trouble()).contains("belongs to another stream").contains("x=y");
    }
  }

  @Test
  void keepsAListAsTheSnapshotAtItsEnd() throws Exception {
    api.put("a", "1");
    try (Pod pod = new Pod("pod")) {
      pod.sees("a");
      pod.uploaded();
      assertThat(pod.journal().snapshots()).isPositive();
      JournalFiles.Report report =
          JournalFiles.in(JournalStore.shared(bucket, Ownership.standard())).inspect();
      assertThat(report.objects()).isEqualTo(1);
      assertThat(report.anchor()).isPresent();
      assertThat(report.whole()).isTrue();
    }
  }

  @Test
  void refusesToWaitForAnUploadBeforeEachChange() {
    Journal journal = Journal.in(JournalStore.shared(bucket, Ownership.standard()));
    assertThatThrownBy(() -> journal.durability(Durability.EACH))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("a bucket in memory");
  }
}
