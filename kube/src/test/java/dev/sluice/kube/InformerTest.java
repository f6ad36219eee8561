package dev.sluice.kube;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.flow.Gate;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

class InformerTest {
  private final FakeApi api = new FakeApi();
  private final ConcurrentLinkedQueue<String> told = new ConcurrentLinkedQueue<>();

  private void tell(Change<Resource> change) {
    told.add(
        switch (change) {
          case Change.Put<Resource> put ->
              (put.first() ? "+" : "~") + put.key().name() + specOf(put.object());
          case Change.Deleted<Resource> gone -> "-" + gone.key().name() + specOf(gone.object());
        });
  }

  private static String specOf(Resource resource) {
    return "="
        + new String(resource.json(), StandardCharsets.UTF_8)
            .replaceAll(".*\"spec\":\"([^\"]*)\".*", "$1");
  }

  private Informer.Builder<Resource> pods() {
    return Informer.of(api, FakeApi.PODS);
  }

  @Test
  void tellsAHandlerWhatIsThereAndWhatChanges() {
    api.put("a", "1");
    try (Informer<Resource> informer = pods().onChange(this::tell).start()) {
      Await.until(() -> assertThat(told).containsExactly("+a=1"));
      api.put("a", "2");
      Await.until(() -> assertThat(told).containsExactly("+a=1", "~a=2"));
      api.put("b", "1");
      Await.until(() -> assertThat(told).hasSize(3));
      api.delete("a");
      Await.until(() -> assertThat(told).containsExactly("+a=1", "~a=2", "+b=1", "-a=2"));
      assertThat(informer.store().size()).isEqualTo(1);
    }
  }

  @Test
  void resumesAfterACutWithoutTellingAnythingTwice() {
    api.put("a", "1");
    try (Informer<Resource> informer = pods().onChange(this::tell).start()) {
      Await.until(() -> assertThat(told).containsExactly("+a=1"));
      Await.until(() -> assertThat(api.watches()).isEqualTo(1));
      api.cut();
      Await.until(() -> assertThat(informer.status().stops()).containsEntry(StopCause.RESET, 1L));
      api.put("b", "1");
      Await.until(() -> assertThat(told).containsExactly("+a=1", "+b=1"));
      assertThat(informer.status().counts().lists()).isEqualTo(1);
    }
  }

  @Test
  void tellsALateConsumerEverythingThatIsThere() throws Exception {
    api.put("a", "1");
    api.put("b", "1");
    try (Informer<Resource> informer = pods().start()) {
      assertThat(informer.awaitSynced(Duration.ofSeconds(10))).isTrue();
      try (Subscription late = informer.subscribe("late", this::tell)) {
        Await.until(() -> assertThat(told).containsExactlyInAnyOrder("+a=1", "+b=1"));
        assertThat(late.delivered()).isEqualTo(2);
      }
      api.put("c", "1");
      Await.until(() -> assertThat(informer.store().size()).isEqualTo(3));
      assertThat(told).hasSize(2);
    }
  }

  @Test
  @Tag("R1.2")
  void tellsASlowConsumerOnlyTheLatestAndDoesNotHoldTheOthers() throws Exception {
    CountDownLatch go = new CountDownLatch(1);
    api.put("a", "0");
    try (Informer<Resource> informer = pods().start()) {
      ConcurrentLinkedQueue<String> quick = new ConcurrentLinkedQueue<>();
      informer.subscribe(
          "slow",
          change -> {
            if (told.isEmpty()) {
              tell(change);
              go.await();
            } else {
              tell(change);
            }
          });
      informer.subscribe("quick", change -> quick.add(change.key().name()));
      Await.until(() -> assertThat(told).hasSize(1));
      for (int i = 1; i <= 1000; i++) {
        api.put("a", Integer.toString(i));
        api.put("short-lived", "x");
        api.delete("short-lived");
      }
      api.put("last", "x");
      Await.until(() -> assertThat(quick).contains("last"));
      go.countDown();
      Await.until(() -> assertThat(told).containsExactly("+a=0", "~a=1000", "+last=x"));
    }
  }

  @Test
  @Tag("R4.1")
  void goesOnWhenAHandlerThrowsAndShowsIt() {
    api.put("a", "1");
    try (Informer<Resource> informer =
        pods()
            .onChange(change -> {
              tell(change);
              throw new IllegalStateException("a broken handler");
            })
            .start()) {
      Await.until(() -> assertThat(told).hasSize(1));
      api.put("b", "1");
      Await.until(() -> assertThat(told).hasSize(2));
      Await.until(() -> {
        assertThat(informer.status().stops()).containsEntry(StopCause.HANDLER_FAILURE, 2L);
        assertThat(informer.status().consumers().get(0).failures()).isEqualTo(2);
      });
      assertThat(informer.explain()).contains("handler-failure 2");
    }
  }

  @Test
  @Tag("R4.1")
  void keepsWhatItsCodecCannotDecodeAndTheStreamGoesOn() throws Exception {
    Codec<String> picky =
        json -> {
          String text = new String(json, StandardCharsets.UTF_8);
          if (text.contains("bad")) {
            throw new IOException("no bad ones");
          }
          return text;
        };
    api.put("a", "bad");
    try (Informer<String> informer = Informer.of(api, FakeApi.PODS, picky).start()) {
      informer.awaitSynced(Duration.ofSeconds(10));
      api.put("b", "good");
      Await.until(() -> assertThat(informer.store().size()).isEqualTo(2));

      assertThat(informer.store().get(ObjectKey.of("ns", "b"))).isPresent();
      assertThatThrownBy(() -> informer.store().get(ObjectKey.of("ns", "a")))
          .isInstanceOf(DecodeException.class)
          .hasMessageContaining("cannot decode ns/a at resource version 101")
          .hasMessageContaining("no bad ones");
      assertThat(informer.store().resource(ObjectKey.of("ns", "a"))).isPresent();
    }
  }

  @Test
  @Tag("R1.2")
  void refusesASecondConsumerOfABoundedGate() {
    try (Informer<Resource> informer = pods().gate(Gate.block()).start()) {
      informer.subscribe("first", this::tell);

      assertThatThrownBy(() -> informer.subscribe("second", this::tell))
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("BLOCK gate")
          .hasMessageContaining("give 'second' an informer of its own");
    }
  }

  @Test
  @Tag("R1.2")
  void holdsTheStreamAtABoundedGateAndThenTellsAll() throws Exception {
    for (Gate<ObjectKey> gate : List.<Gate<ObjectKey>>of(Gate.block(4), Gate.pause(4, 1))) {
      told.clear();
      CountDownLatch go = new CountDownLatch(1);
      FakeApi server = new FakeApi();
      try (Informer<Resource> informer =
          Informer.of(server, FakeApi.PODS)
              .gate(gate)
              .onChange(change -> {
                go.await();
                tell(change);
              })
              .start()) {
        informer.awaitSynced(Duration.ofSeconds(10));
        for (int i = 0; i < 100; i++) {
          server.put("p" + i, "x");
        }
        Await.until(() -> assertThat(informer.status().phase()).isEqualTo(StreamStatus.Phase.HELD));
        assertThat(informer.store().size()).isLessThan(10);
        go.countDown();
        Await.until(() -> assertThat(told).hasSize(100));
        assertThat(informer.status().counts().lists()).isEqualTo(1);
      }
    }
  }

  @Test
  void showsASnapshotThatNeverChanges() throws Exception {
    api.put("a", "1");
    try (Informer<Resource> informer = pods().start()) {
      informer.awaitSynced(Duration.ofSeconds(10));
      Store.Snapshot<Resource> before = informer.store().snapshot();
      api.put("b", "1");
      Await.until(() -> assertThat(informer.store().size()).isEqualTo(2));

      assertThat(before.size()).isEqualTo(1);
      assertThat(before.resourceVersion()).contains("101");
      assertThat(informer.store().snapshot().resourceVersion()).contains("102");
      try (Stream<Resource> all = before.resources()) {
        assertThat(all.map(Resource::key)).containsExactly(ObjectKey.of("ns", "a"));
      }
    }
  }

  @Test
  void givesReadersBytesThatTheyMaySpoil() throws Exception {
    api.put("a", "1");
    try (Informer<Resource> informer = pods().start()) {
      informer.awaitSynced(Duration.ofSeconds(10));
      Resource resource = informer.store().resource(ObjectKey.of("ns", "a")).orElseThrow();
      resource.json()[0] = 'X';

      assertThat(resource.json()[0]).isEqualTo((byte) '{');
      assertThatThrownBy(() -> resource.labels().put("a", "b"))
          .isInstanceOf(UnsupportedOperationException.class);
    }
  }

  @Test
  void sendsItsSelectorsWithEveryRequestAndAsksForMetadataOnlyIfToldTo() throws Exception {
    try (Informer<Resource> informer =
        pods().labelSelector("app in (a,b)").fieldSelector("x=y").metadataOnly(true).start()) {
      informer.awaitSynced(Duration.ofSeconds(10));
      Await.until(() -> assertThat(api.requests).hasSize(2));
    }

    assertThat(api.requests)
        .allMatch(request -> request.path().contains("labelSelector=app+in+%28a%2Cb%29"))
        .allMatch(request -> request.path().contains("fieldSelector=x%3Dy"));
    assertThat(api.requests.stream().map(request -> request.headers().get("Accept")))
        .containsExactly(
            "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1",
            "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1");
  }

  @Test
  void tellsWhatWasHandedOverBeforeItCloses() throws Exception {
    api.put("a", "1");
    Informer<Resource> informer = pods().onChange(this::tell).start();
    informer.awaitSynced(Duration.ofSeconds(10));
    informer.close();
    informer.close();

    assertThat(told).containsExactly("+a=1");
    assertThat(informer.status().phase()).isEqualTo(StreamStatus.Phase.CLOSED);
    assertThat(informer.store().size()).isEqualTo(1);
    assertThatThrownBy(() -> informer.subscribe("late", this::tell))
        .hasMessageContaining("is closed");
  }

  @Test
  void explainsItselfInWords() throws Exception {
    api.put("a", "1");
    try (Informer<Resource> informer = pods().name("my pods").onChange(this::tell).start()) {
      informer.awaitSynced(Duration.ofSeconds(10));
      Await.until(() -> assertThat(api.watches()).isEqualTo(1));
      api.cut();
      Await.until(() ->
          assertThat(informer.explain())
              .startsWith("my pods (v1 Pod): ")
              .contains("synced, 1 objects, anchor 101")
              .contains("reset: Connection reset; probe, then resume after 101 in")
              .contains("causes: reset 1")
              .contains("consumer handler (coalesce): 0 waiting"));
    }
  }

  @Test
  void refusesSettingsThatMakeNoSense() {
    assertThatThrownBy(() -> pods().pageSize(0)).hasMessageContaining("not 0");
    assertThatThrownBy(() -> pods().watchTimeout(Duration.ZERO)).hasMessageContaining("PT0S");
    assertThatThrownBy(() -> pods().maxObjectSize(1)).hasMessageContaining("1 KiB");
    assertThatThrownBy(() ->
            Informer.of(api, ResourceKind.clusterScoped("", "v1", "nodes", "Node")).namespace("x"))
        .hasMessageContaining("nodes is cluster-scoped");
  }
}
