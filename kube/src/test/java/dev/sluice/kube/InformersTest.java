package dev.sluice.kube;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.flow.Gate;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Consumers that do not know each other, on one stream. */
@Tag("R1.2")
class InformersTest {
  private static final Codec<String> TEXT = json -> new String(json, StandardCharsets.UTF_8);

  private final FakeApi api = new FakeApi();
  private final Informers informers = Informers.over(api);
  private final ConcurrentLinkedQueue<String> told = new ConcurrentLinkedQueue<>();

  private static <T> ChangeHandler<T> into(ConcurrentLinkedQueue<String> queue) {
    return change -> queue.add((change instanceof Change.Put ? "+" : "-") + change.key().name());
  }

  private long asked(String what) {
    return api.requests.stream().filter(request -> request.path().contains(what)).count();
  }

  @Test
  void useOneListAndOneWatchForTheSameSelectionWhateverTheirCodecs() throws Exception {
    api.put("a", "1");
    ConcurrentLinkedQueue<String> other = new ConcurrentLinkedQueue<>();
    try (Informer<Resource> one = informers.of(FakeApi.PODS).onChange(into(told)).start();
        Informer<String> two = informers.of(FakeApi.PODS, TEXT).onChange(into(other)).start()) {
      assertThat(one.awaitSynced(Duration.ofSeconds(10))).isTrue();
      assertThat(two.awaitSynced(Duration.ofSeconds(10))).isTrue();
      Await.until(() -> assertThat(told).hasSize(1));
      Await.until(() -> assertThat(other).hasSize(1));
      api.put("b", "1");
      Await.until(() -> assertThat(told).hasSize(2));
      Await.until(() -> assertThat(other).hasSize(2));
      api.delete("a");

      Await.until(() -> assertThat(told).containsExactly("+a", "+b", "-a"));
      Await.until(() -> assertThat(other).containsExactly("+a", "+b", "-a"));
      assertThat(two.store().get(ObjectKey.of("ns", "b")).orElseThrow()).contains("\"name\":\"b\"");
      assertThat(one.store().size()).isEqualTo(1);
      assertThat(informers.streams()).isEqualTo(1);
      assertThat(api.requests).hasSize(2);
    }
    assertThat(informers.streams()).isZero();
    assertThat(api.watches()).isZero();
  }

  @Test
  void tellOneThatComesLaterAllThatIsThereAtOnce() throws Exception {
    api.put("a", "1");
    try (Informer<Resource> one = informers.of(FakeApi.PODS).start()) {
      one.awaitSynced(Duration.ofSeconds(10));
      try (Informer<Resource> late = informers.of(FakeApi.PODS).onChange(into(told)).start()) {
        assertThat(late.isSynced()).isTrue();
        Await.until(() -> assertThat(told).containsExactly("+a"));
        assertThat(asked("watch=true")).isEqualTo(1);
      }
    }
  }

  @Test
  void doNotHoldEachOtherHoweverSlowOneIs() {
    CountDownLatch go = new CountDownLatch(1);
    try (Informer<Resource> slow =
            informers
                .of(FakeApi.PODS)
                .onChange(change -> {
                  go.await();
                  InformersTest.<Resource>into(told).on(change);
                })
                .start();
        Informer<Resource> quick = informers.of(FakeApi.PODS).start()) {
      ConcurrentLinkedQueue<String> other = new ConcurrentLinkedQueue<>();
      quick.subscribe("quick", into(other));
      api.put("first", "1");
      for (int i = 0; i < 1000; i++) {
        api.put("busy", Integer.toString(i));
      }
      api.put("last", "1");

      Await.until(() -> assertThat(other).contains("+last"));
      assertThat(told).isEmpty();
      assertThat(slow.status().consumers().get(0).backlog()).isLessThanOrEqualTo(3);
      assertThat(quick.status().consumers())
          .extracting(StreamStatus.Consumer::name)
          .containsExactly("quick");
      go.countDown();
      Await.until(() -> assertThat(told).contains("+first", "+busy", "+last"));
      assertThat(told).hasSizeLessThanOrEqualTo(4);
    }
  }

  @Test
  void goOnWhenOneIsClosedAndEndTheStreamWithTheLastOne() {
    Informer<Resource> one = informers.of(FakeApi.PODS).onChange(into(told)).start();
    Informer<Resource> two = informers.of(FakeApi.PODS).start();
    api.put("a", "1");
    Await.until(() -> assertThat(told).containsExactly("+a"));
    one.close();
    one.close();
    api.put("b", "1");
    Await.until(() -> assertThat(two.store().size()).isEqualTo(2));
    assertThat(told).containsExactly("+a");
    assertThatThrownBy(() -> one.subscribe("late", into(told))).hasMessageContaining("is closed");
    two.close();
    assertThat(api.watches()).isZero();

    try (Informer<Resource> again = informers.of(FakeApi.PODS).onChange(into(told)).start()) {
      Await.until(() -> assertThat(told).containsExactly("+a", "+a", "+b"));
      assertThat(again.status().counts().lists()).isEqualTo(1);
    }
    assertThat(asked("watch=true")).isEqualTo(2);
  }

  @Test
  void tellOneThatClosesWhatWasHandedOverBefore() {
    CountDownLatch go = new CountDownLatch(1);
    try (Informer<Resource> other = informers.of(FakeApi.PODS).start()) {
      Informer<Resource> one =
          informers
              .of(FakeApi.PODS)
              .onChange(change -> {
                go.await();
                InformersTest.<Resource>into(told).on(change);
              })
              .start();
      api.put("a", "1");
      api.put("b", "1");
      Await.until(() -> assertThat(other.status().anchor()).hasValue(api.version()));
      Thread closing = Thread.ofVirtual().start(one::close);
      go.countDown();
      Await.until(() -> assertThat(closing.isAlive()).isFalse());

      assertThat(told).containsExactly("+a", "+b");
      assertThat(other.status().phase()).isEqualTo(StreamStatus.Phase.WATCHING);
    }
  }

  @Test
  void endTheControllersOfTheOneThatIsClosed() {
    ConcurrentLinkedQueue<ObjectKey> reconciled = new ConcurrentLinkedQueue<>();
    try (Informer<Resource> other = informers.of(FakeApi.PODS).start()) {
      Informer<Resource> one = informers.of(FakeApi.PODS).start();
      try (Controller<Resource> controller =
          Controller.named("c")
              .watching(one)
              .unlimited()
              .reconcile((key, context) -> {
                reconciled.add(key);
                return Outcome.done();
              })
              .start()) {
        api.put("a", "1");
        Await.until(() -> assertThat(reconciled).hasSize(1));
        one.close();
        api.put("b", "1");
        Await.until(() -> assertThat(other.store().size()).isEqualTo(2));
        assertThat(reconciled).hasSize(1);
        assertThat(controller.status().backlog()).isZero();
      }
    }
  }

  @Test
  void haveAStreamForEachSelection() throws Exception {
    try (Informer<Resource> all = informers.of(FakeApi.PODS).start();
        Informer<Resource> some = informers.of(FakeApi.PODS).labelSelector("a=b").start();
        Informer<Resource> metadata = informers.of(FakeApi.PODS).metadataOnly(true).start();
        Informer<Resource> here = informers.of(FakeApi.PODS).namespace("ns").start();
        Informer<Resource> sameHere =
            informers.of(FakeApi.PODS).namespaces(List.of("ns")).start()) {
      for (Informer<Resource> one : List.of(all, some, metadata, here, sameHere)) {
        assertThat(one.awaitSynced(Duration.ofSeconds(10))).isTrue();
      }
      assertThat(informers.streams()).isEqualTo(4);
      Await.until(() -> assertThat(api.watches()).isEqualTo(4));
    }
  }

  @Test
  void refuseWhatTheSharedStreamCannotBe() {
    try (Informer<Resource> first = informers.of(FakeApi.PODS).name("first").start()) {
      assertThatThrownBy(() -> informers.of(FakeApi.PODS).name("second").pageSize(7).start())
          .isInstanceOf(IllegalStateException.class)
          .hasMessage(
              "the shared stream 'first' of pods has pageSize 500 and not 7: ask for the same, or"
                  + " start 'second' with Informer.of");
      assertThatThrownBy(() -> informers.of(FakeApi.PODS).gate(Gate.block()).start())
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("a BLOCK gate acts on the whole stream and cannot share it");
      assertThat(first.isSynced() || informers.streams() == 1).isTrue();
    }
    assertThat(informers.streams()).isZero();
  }

  @Test
  void areAllClosedTogether() {
    Informer<Resource> one = informers.of(FakeApi.PODS).start();
    Informer<Resource> two = informers.of(FakeApi.PODS).labelSelector("a=b").start();
    informers.close();

    assertThat(one.status().phase()).isEqualTo(StreamStatus.Phase.CLOSED);
    assertThat(two.status().phase()).isEqualTo(StreamStatus.Phase.CLOSED);
    assertThatThrownBy(() -> informers.of(FakeApi.PODS).start()).hasMessageContaining("closed");
    assertThat(api.watches()).isZero();
  }

  @Test
  void comeAndGoFromManyThreadsAndLeaveNothingBehind() throws Exception {
    api.put("a", "1");
    try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      List<Future<?>> all = new ArrayList<>();
      for (int i = 0; i < 16; i++) {
        all.add(
            threads.submit(() -> {
              for (int round = 0; round < 25; round++) {
                CountDownLatch seen = new CountDownLatch(1);
                try (Informer<Resource> informer =
                    informers.of(FakeApi.PODS).onChange(change -> seen.countDown()).start()) {
                  seen.await();
                  assertThat(informer.store().size()).isEqualTo(1);
                }
              }
              return null;
            }));
      }
      for (Future<?> one : all) {
        one.get();
      }
    }
    assertThat(informers.streams()).isZero();
    assertThat(api.watches()).isZero();
  }
}
