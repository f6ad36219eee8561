package dev.sluice.kube;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.flow.Backoff;
import dev.sluice.flow.Gate;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** One handler and one store view over several namespaces. */
@Tag("R1.2")
@Tag("R4.1")
class NamespacesTest {
  private final FakeApi api = new FakeApi();
  private final ConcurrentLinkedQueue<String> told = new ConcurrentLinkedQueue<>();

  private Informer.Builder<Resource> pods(String... namespaces) {
    return Informer.of(api, FakeApi.PODS)
        .namespaces(List.of(namespaces))
        .backoff(Backoff.exponential(Duration.ofMillis(1), 1.6, Duration.ofMillis(10)));
  }

  private void tell(Change<Resource> change) {
    told.add((change instanceof Change.Put ? "+" : "-") + change.key());
  }

  @Test
  void areTakenForOne() throws Exception {
    api.put("a", "x", "1");
    api.put("b", "x", "1");
    api.put("elsewhere", "x", "1");
    try (Informer<Resource> informer = pods("a", "b", "a").onChange(this::tell).start()) {
      assertThat(informer.awaitSynced(Duration.ofSeconds(10))).isTrue();
      Await.until(() -> assertThat(told).hasSize(2));
      api.put("b", "y", "1");
      api.put("elsewhere", "y", "1");
      api.delete("a", "x");

      Await.until(() -> assertThat(told).containsExactlyInAnyOrder("+a/x", "+b/x", "+b/y", "-a/x"));
      assertThat(informer.store().size()).isEqualTo(2);
      assertThat(informer.store().resource(ObjectKey.of("b", "y"))).isPresent();
      assertThat(informer.store().get(ObjectKey.of("b", "y"))).isPresent();
      assertThat(informer.store().get(ObjectKey.of("elsewhere", "y"))).isEmpty();
      Store.Snapshot<Resource> snapshot = informer.store().snapshot();
      assertThat(snapshot.resources().map(Resource::key).toList())
          .containsExactlyInAnyOrder(ObjectKey.of("b", "x"), ObjectKey.of("b", "y"));
      assertThat(snapshot.objects()).hasSize(2);
      assertThat(snapshot.size()).isEqualTo(2);
      assertThat(snapshot.resource(ObjectKey.of("b", "x"))).isPresent();
      assertThat(snapshot.resource(ObjectKey.of("c", "x"))).isEmpty();
      assertThat(snapshot.resourceVersion()).isEmpty();
    }
  }

  @Test
  void areSyncedWhenTheLastOfThemIs() throws Exception {
    api.answer("GET /api/v1/namespaces/b/pods", new FakeApi.Canned(503, Map.of(), "not now"));
    try (Informer<Resource> informer = pods("a", "b").start()) {
      Await.until(() ->
          assertThat(informer.status().streams())
              .extracting(StreamStatus::synced)
              .containsExactly(true, false));
      assertThat(informer.isSynced()).isFalse();
      api.answerProperly("GET /api/v1/namespaces/b/pods");
      assertThat(informer.awaitSynced(Duration.ofSeconds(10))).isTrue();
    }
  }

  @Test
  void doNotHoldEachOtherWhenOneIsInTrouble() {
    api.answer(
        "GET /api/v1/namespaces/secret/pods",
        new FakeApi.Canned(
            403,
            Map.of(),
            "{\"kind\":\"Status\",\"reason\":\"Forbidden\",\"message\":\"no\",\"code\":403}"));
    api.put("a", "x", "1");
    try (Informer<Resource> informer =
        pods("a", "secret").name("mine").onChange(this::tell).start()) {
      Await.until(() -> assertThat(told).containsExactly("+a/x"));
      Await.until(() ->
          assertThat(informer.status().stops().getOrDefault(StopCause.FORBIDDEN, 0L))
              .isGreaterThan(2));
      api.put("a", "y", "1");
      Await.until(() -> assertThat(told).containsExactly("+a/x", "+a/y"));

      // While it asks once more it is listing again.
      Await.until(() -> assertThat(informer.status().healthy()).isFalse());
      StreamStatus status = informer.status();
      assertThat(status.streams().get(0).healthy()).isTrue();
      assertThat(status.counts().lists()).isEqualTo(1);
      assertThat(status.objects()).isEqualTo(2);
      assertThat(informer.explain())
          .startsWith("mine (v1 Pod): ")
          .contains("stream mine/a: watching since")
          .contains("stream mine/secret: ")
          .contains("forbidden: 403 Forbidden: no; list again in")
          .contains("consumer handler (coalesce): 0 waiting, 2 told");
    }
  }

  @Test
  void needNoThreadOfTheOperatingSystemEach() throws Exception {
    String[] many = IntStream.range(0, 500).mapToObj(i -> "n" + i).toArray(String[]::new);
    try (Informer<Resource> first = pods("warm-up").start()) {
      first.awaitSynced(Duration.ofSeconds(10));
    }
    int before = Thread.getAllStackTraces().size();
    try (Informer<Resource> informer = pods(many).onChange(this::tell).start()) {
      assertThat(informer.awaitSynced(Duration.ofSeconds(30))).isTrue();
      Await.until(() -> assertThat(api.watches()).isEqualTo(500));
      api.put("n0", "x", "1");
      api.put("n499", "x", "1");
      Await.until(() -> assertThat(told).containsExactlyInAnyOrder("+n0/x", "+n499/x"));

      // Without virtual threads; their carriers are as many as there are processors.
      assertThat(Thread.getAllStackTraces().size() - before)
          .isLessThanOrEqualTo(Runtime.getRuntime().availableProcessors() + 8);
    }
    assertThat(api.watches()).isZero();
  }

  @Test
  void loseNothingBehindOneBoundedGate() {
    for (Gate<ObjectKey> gate : List.<Gate<ObjectKey>>of(Gate.block(4), Gate.pause(4, 1))) {
      told.clear();
      FakeApi server = new FakeApi();
      CountDownLatch go = new CountDownLatch(1);
      List<String> expected = new ArrayList<>();
      try (Informer<Resource> informer =
          Informer.of(server, FakeApi.PODS)
              .namespaces(List.of("a", "b", "c"))
              .gate(gate)
              .onChange(change -> {
                go.await();
                tell(change);
              })
              .start()) {
        Await.until(() -> assertThat(server.watches()).isEqualTo(3));
        for (int i = 0; i < 50; i++) {
          for (String namespace : List.of("a", "b", "c")) {
            server.put(namespace, "p" + i, "1");
            expected.add("+" + namespace + "/p" + i);
          }
        }
        Await.until(() -> assertThat(informer.status().phase()).isEqualTo(StreamStatus.Phase.HELD));
        go.countDown();
        Await.until(() -> assertThat(told).containsExactlyInAnyOrderElementsOf(expected));
        assertThat(informer.status().counts().lists()).isEqualTo(3);
      }
    }
  }

  @Test
  void areRefusedIfTheyMakeNoSense() {
    assertThatThrownBy(() -> pods()).hasMessageContaining("no namespaces to watch pods in");
    assertThatThrownBy(() -> pods("a", "")).hasMessageContaining("an empty name among");
    assertThatThrownBy(() ->
            Informer.of(api, ResourceKind.clusterScoped("", "v1", "nodes", "Node"))
                .namespaces(List.of("a")))
        .hasMessageContaining("nodes is cluster-scoped");
  }
}
