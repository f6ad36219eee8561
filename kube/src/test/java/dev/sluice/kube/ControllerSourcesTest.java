package dev.sluice.kube;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.flow.Backoff;
import dev.sluice.flow.VirtualTime;
import dev.sluice.kube.internal.store.Entry;
import dev.sluice.kube.internal.store.Incarnation;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What makes a controller reconcile, beside every change of its own objects. */
class ControllerSourcesTest {
  private static final ObjectKey A = ObjectKey.of("ns", "a");
  private static final ObjectKey B = ObjectKey.of("ns", "b");

  private final FakeApi api = new FakeApi();
  private final FakeApi others = new FakeApi();
  private final VirtualTime time = new VirtualTime();
  private final ConcurrentLinkedQueue<String> seen = new ConcurrentLinkedQueue<>();
  private final Informer<Resource> informer = Informer.of(api, FakeApi.PODS).start();
  private final Informer<Resource> other =
      Informer.of(others, FakeApi.PODS)
          .name("others")
          .backoff(Backoff.exponential(Duration.ofMillis(5), 1, Duration.ofMillis(5)))
          .start();

  @AfterEach
  void close() {
    informer.close();
    other.close();
  }

  private Controller.Builder<Resource> controller() {
    return Controller.named("test").watching(informer).reconcile(this::see);
  }

  private Outcome see(ObjectKey key, Context<Resource> context) {
    seen.add(key.name());
    return Outcome.done();
  }

  private void owned(String name, String owner, String more) {
    others.put(
        "ns",
        name,
        more,
        "\"ownerReferences\":[{\"apiVersion\":\"v1\",\"kind\":\"Node\",\"name\":\"a\",\"controller\":true},"
            + "{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"name\":\"bystander\"},"
            + "{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"controller\":true,\"name\":\""
            + owner
            + "\"}],");
  }

  private void awaitIdle(Controller<?> controller, int reconciles) {
    Await.until(() -> {
      ControllerStatus status = controller.status();
      assertThat(status.counts().done()).isEqualTo(reconciles);
      assertThat(status.waiting()).isZero();
      assertThat(status.inHand()).isZero();
      assertThat(status.caughtUp()).isTrue();
    });
  }

  @Test
  void reconcilesTheOwnerWhenWhatItOwnsChangesOrGoes() {
    api.put("a", "1");
    try (Controller<Resource> controller = controller().owning(other).start()) {
      awaitIdle(controller, 1);
      owned("x", "a", "1");
      awaitIdle(controller, 2);
      owned("x", "a", "2");
      awaitIdle(controller, 3);
      others.delete("x");
      awaitIdle(controller, 4);
      assertThat(seen).containsOnly("a");
      assertThat(controller.status().sources())
          .containsExactly(new ControllerStatus.Source("others", "owns", true, 0, 3, 0, 3, 0));
    }
  }

  @Test
  void reconcilesTheFormerOwnerTooWhenAnObjectChangesHands() {
    try (Controller<Resource> controller = controller().owning(other).start()) {
      owned("x", "a", "1");
      awaitIdle(controller, 1);
      owned("x", "b", "1");
      awaitIdle(controller, 3);
      assertThat(seen).containsExactlyInAnyOrder("a", "a", "b");
    }
  }

  @Test
  void reconcilesNothingBeforeAllItWatchesIsThere() throws Exception {
    others.answer(
        "GET /api/v1/pods",
        new FakeApi.Canned(403, Map.of(), "{\"kind\":\"Status\",\"code\":403}"));
    try (Informer<Resource> late =
            Informer.of(others, FakeApi.PODS)
                .backoff(Backoff.exponential(Duration.ofMillis(5), 1, Duration.ofMillis(5)))
                .start();
        Controller<Resource> controller =
            Controller.named("test")
                .watching(informer)
                .owning(late)
                .reconcile((key, context) -> {
                  seen.add(key.name() + " sees " + late.store().size());
                  return Outcome.done();
                })
                .start()) {
      others.put("x", "1");
      api.put("a", "1");
      Await.until(() -> assertThat(late.status().recentStops()).isNotEmpty());
      Await.until(() -> assertThat(controller.status().waiting()).isEqualTo(1));
      assertThat(controller.awaitReady(Duration.ofMillis(1))).isFalse();
      assertThat(controller.status().ready()).isFalse();
      assertThat(controller.status().counts().started()).isZero();
      assertThat(controller.status().sources().get(0).synced()).isFalse();

      others.answerProperly("GET /api/v1/pods");
      assertThat(controller.awaitReady(Duration.ofSeconds(30))).isTrue();
      awaitIdle(controller, 1);
      assertThat(seen).containsExactly("a sees 1");
      assertThat(controller.status().ready()).isTrue();
    }
  }

  @Test
  void reconcilesAKeyOnceAtTheStartHoweverManyObjectsOfTheOthersConcernIt() {
    for (int i = 0; i < 50; i++) {
      api.put("p" + i, "x");
      owned("x" + i, "p" + i, "");
      owned("y" + i, "p" + i, "");
    }
    // Nothing can be reconciled until these are told, so that they find the keys that wait.
    AtomicBoolean go = new AtomicBoolean();
    CountDownLatch gone = new CountDownLatch(1);
    try (Controller<Resource> controller =
        controller()
            .workers(1)
            .reconcile((key, context) -> {
              if (go.compareAndSet(false, true)) {
                gone.await();
              }
              return see(key, context);
            })
            .owning(other)
            .start()) {
      Await.until(() -> assertThat(controller.status().sources().get(0).changes()).isEqualTo(100));
      // All but the one in hand wait, each in one place, and nothing is on its way there.
      Await.until(() -> assertThat(informer.store().size()).isEqualTo(50));
      Await.until(() -> {
        assertThat(controller.status().backlog()).isZero();
        assertThat(controller.status().waiting()).isEqualTo(49);
      });
      gone.countDown();
      Await.until(() -> assertThat(seen).containsAll(names(50)));
      Await.until(() -> assertThat(controller.status().caughtUp()).isTrue());
      Await.until(() -> assertThat(controller.status().waiting()).isZero());
      // Run again are the one that was in hand when it was named, and those that were named last.
      assertThat(seen.size()).isBetween(50, 53);
    }
  }

  private static List<String> names(int count) {
    return IntStream.range(0, count).mapToObj(i -> "p" + i).toList();
  }

  @Test
  void reconcilesWhatIsMappedToAndWhatWasMappedToBefore() {
    try (Controller<Resource> controller =
        controller()
            .mapping(
                other,
                object ->
                    object.labels().values().stream()
                        .map(name -> ObjectKey.of("ns", name))
                        .toList())
            .start()) {
      others.put("ns", "x", "1", "\"labels\":{\"one\":\"a\",\"two\":\"b\"},");
      awaitIdle(controller, 2);
      assertThat(seen).containsExactlyInAnyOrder("a", "b");
      others.put("ns", "x", "1", "\"labels\":{\"one\":\"c\"},");
      awaitIdle(controller, 5);
      assertThat(seen).containsExactlyInAnyOrder("a", "b", "a", "b", "c");
      others.put("ns", "x", "1", "");
      awaitIdle(controller, 6);
      others.put("ns", "x", "2", "");
      others.put("ns", "y", "2", "\"labels\":{\"one\":\"d\"},");
      awaitIdle(controller, 7);
      assertThat(seen).endsWith("c", "d");
    }
  }

  @Test
  void reconcilesWhatWasMappedToWhenTheMappingThrowsAndCountsThat() {
    try (Controller<Resource> controller =
        controller()
            .mapping(
                other,
                object -> {
                  if (object.label("bad").isPresent()) {
                    throw new IllegalStateException("no idea");
                  }
                  return List.of(A);
                })
            .start()) {
      others.put("x", "1");
      awaitIdle(controller, 1);
      others.put("ns", "x", "2", "\"labels\":{\"bad\":\"\"},");
      awaitIdle(controller, 2);
      others.put("x", "3");
      awaitIdle(controller, 3);
      assertThat(controller.status().sources().get(0).failures()).isEqualTo(1);
    }
  }

  @Test
  void takesNoticeOnlyOfWhatCounts() {
    api.put("ns", "a", "1", "\"generation\":1,");
    owned("x", "b", "1");
    try (Controller<Resource> controller =
        controller()
            .filteredBy(ChangeFilter.generation())
            .owning(other, ChangeFilter.labels("app"))
            .start()) {
      awaitIdle(controller, 2);
      seen.clear();
      api.put("ns", "a", "status", "\"generation\":1,");
      owned("x", "b", "2");
      Await.until(() -> {
        assertThat(controller.status().counts().filtered()).isEqualTo(1);
        assertThat(controller.status().sources().get(0).filtered()).isEqualTo(1);
      });
      api.put("ns", "a", "2", "\"generation\":2,");
      awaitIdle(controller, 3);
      assertThat(seen).containsExactly("a");
      api.put("ns", "a", "2", "\"deletionTimestamp\":\"2026-01-01T00:00:00Z\",\"generation\":2,");
      awaitIdle(controller, 4);
      api.put("ns", "a", "3", "\"deletionTimestamp\":\"2026-01-01T00:00:00Z\",\"generation\":2,");
      awaitIdle(controller, 5);
      api.delete("a");
      awaitIdle(controller, 6);
      api.put("ns", "a", "1", "\"generation\":2,");
      awaitIdle(controller, 7);
    }
  }

  @Test
  void reconcilesWhatAnExternalSourceNamesAndRunsItAgainAfterItFailed() {
    AtomicInteger runs = new AtomicInteger();
    AtomicBoolean ended = new AtomicBoolean();
    try (Controller<Resource> controller =
        controller()
            .time(time)
            .backoff(
                Backoff.exponential(Duration.ofSeconds(10), 2, Duration.ofMinutes(10))
                    .with(Backoff.Jitter.NONE))
            .source(
                "queue",
                trigger -> {
                  if (runs.incrementAndGet() == 1) {
                    trigger.accept(A);
                    throw new IllegalStateException("the queue is gone");
                  }
                  trigger.accept(B);
                  try {
                    new CountDownLatch(1).await();
                  } finally {
                    ended.set(true);
                  }
                })
            .start()) {
      Await.until(() -> assertThat(seen).containsExactly("a"));
      Await.until(() -> assertThat(controller.status().sources().get(0).failures()).isEqualTo(1));
      Await.until(() -> assertThat(time.pending()).isPositive());
      time.advance(Duration.ofSeconds(9));
      assertThat(runs).hasValue(1);
      Await.until(() -> {
        time.advance(Duration.ofSeconds(1));
        assertThat(seen).containsExactly("a", "b");
      });
    }
    assertThat(ended).isTrue();
    assertThatThrownBy(() -> controller().source("x", t -> {}).source("x", t -> {}))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("there is a source 'x' already");
  }

  @Test
  void reconcilesWhatSomebodyAsksForWhateverTheFilterSays() throws Exception {
    api.put("ns", "a", "1", "\"generation\":1,");
    try (Controller<Resource> controller =
        controller().filteredBy(ChangeFilter.generation()).start()) {
      awaitIdle(controller, 1);
      controller.trigger(A);
      awaitIdle(controller, 2);
    }
  }

  @Test
  void doesNotReconcileAgainForAReconcilesOwnWriteWhetherTheStreamOrTheAnswerIsFirst() {
    AtomicBoolean streamFirst = new AtomicBoolean(true);
    try (Controller<Resource> controller =
        controller()
            .reconcile((key, context) -> {
              seen.add(context.resource().map(Resource::resourceVersion).orElse("gone"));
              if (context.resource().isPresent()) {
                String version = Long.toString(Long.parseLong(api.version()) + 1);
                if (streamFirst.get()) {
                  api.put("a", "mine");
                  Await.until(() -> assertThat(informer.status().anchor()).hasValue(version));
                  context.ownWrite(written(version));
                } else {
                  context.ownWrite(written(version));
                  api.put("a", "mine");
                }
              }
              return Outcome.done();
            })
            .start()) {
      api.put("a", "theirs");
      awaitIdle(controller, 1);
      Await.until(() -> assertThat(controller.status().counts().ownWrites()).isEqualTo(1));
      streamFirst.set(false);
      api.put("a", "theirs");
      awaitIdle(controller, 2);
      Await.until(() -> assertThat(controller.status().counts().ownWrites()).isEqualTo(2));
      assertThat(seen).containsExactly("101", "103");
    }
  }

  @Test
  void reconcilesWhatOthersWroteAfterAnOwnWrite() {
    AtomicBoolean first = new AtomicBoolean(true);
    try (Controller<Resource> controller =
        controller()
            .reconcile((key, context) -> {
              seen.add(context.resource().map(Resource::resourceVersion).orElse("gone"));
              if (first.getAndSet(false)) {
                context.ownWrite(written("102"));
                api.put("a", "mine");
                api.put("a", "theirs");
              }
              return Outcome.done();
            })
            .start()) {
      api.put("a", "1");
      Await.until(() -> assertThat(seen).containsExactly("101", "103"));
      awaitIdle(controller, 2);
    }
  }

  @Test
  void decidesOnOneStateThroughoutAReconcile() {
    try (Controller<Resource> controller =
        controller()
            .reconcile((key, context) -> {
              String before = context.resource().orElseThrow().resourceVersion();
              if (before.equals("101")) {
                api.put("a", "2");
                Await.until(() ->
                    assertThat(context.store().resource(key).orElseThrow().resourceVersion())
                        .isEqualTo("102"));
              }
              seen.add(before + "-" + context.object().orElseThrow().resourceVersion());
              return Outcome.done();
            })
            .start()) {
      api.put("a", "1");
      Await.until(() -> assertThat(seen).containsExactly("101-101", "102-102"));
      awaitIdle(controller, 2);
    }
  }

  private static Resource written(String version) {
    return new Entry(A, new Incarnation("uid-1"), version, 0, false, new byte[] {'{', '}'});
  }
}
