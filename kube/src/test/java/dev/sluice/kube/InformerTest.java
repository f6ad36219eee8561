package dev.sluice.kube;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.flow.Gate;
import dev.sluice.flow.Probe;
import dev.sluice.flow.VirtualTime;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

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

  /** What a handler can do to the thread it is called on. */
  enum Misdeed {
    AN_ERROR {
      @Override
      void run() {
        throw new StackOverflowError("too deep");
      }
    },
    AN_INTERRUPT_OF_ITS_OWN {
      @Override
      void run() throws Exception {
        throw new InterruptedException("not yours");
      }
    },
    AN_INTERRUPT_FLAG_LEFT_BEHIND {
      @Override
      void run() {
        Thread.currentThread().interrupt();
      }
    },
    A_SNEAKY_EXCEPTION {
      @Override
      void run() {
        InformerTest.<RuntimeException>sneak(new IOException("undeclared"));
      }
    };

    abstract void run() throws Exception;
  }

  @SuppressWarnings({"unchecked", "TypeParameterUnusedInFormals"})
  private static <E extends Exception> void sneak(Exception e) throws E {
    throw (E) e;
  }

  @ParameterizedTest
  @EnumSource
  void goesOnWithItsOneThreadWhateverAHandlerDoesToIt(Misdeed misdeed) {
    api.put("a", "1");
    try (Informer<Resource> informer =
        pods()
            .onChange(change -> {
              tell(change);
              misdeed.run();
            })
            .start()) {
      Await.until(() -> assertThat(told).hasSize(1));
      api.put("b", "1");
      Await.until(() -> assertThat(told).containsExactly("+a=1", "+b=1"));
      api.delete("a");
      Await.until(() -> assertThat(told).containsExactly("+a=1", "+b=1", "-a=1"));
      assertThat(informer.status().healthy()).isTrue();
    }
  }

  @Test
  void mayBeClosedByItsOwnHandler() {
    api.put("a", "1");
    AtomicReference<Informer<Resource>> own = new AtomicReference<>();
    CountDownLatch closed = new CountDownLatch(1);
    Informer<Resource> informer = pods().start();
    own.set(informer);
    informer.subscribe(
        "closer",
        change -> {
          own.get().close();
          closed.countDown();
        });
    Await.until(() -> assertThat(closed.getCount()).isZero());
    assertThat(informer.status().phase()).isEqualTo(StreamStatus.Phase.CLOSED);
  }

  /** fabric8's informer keeps each of them: about 400 MB. */
  @Test
  @Tag("R1.2")
  void keepsOneDeliveryForThreeHundredThousandEventsOfOneObject() throws Exception {
    Flood flood = new Flood(300_000);
    CountDownLatch go = new CountDownLatch(1);
    try (Informer<Resource> informer =
        Informer.of(flood, FakeApi.PODS)
            .onChange(change -> {
              go.await();
              tell(change);
            })
            .start()) {
      Await.until(() -> assertThat(informer.status().anchor()).contains(Integer.toString(300_000)));
      assertThat(informer.status().consumers().get(0).backlog()).isLessThanOrEqualTo(1);
      go.countDown();
      Await.until(() -> assertThat(told).contains("~p=300000"));
      assertThat(told).hasSizeLessThanOrEqualTo(2);
    }
  }

  @Test
  @Tag("R4.1")
  void crossesALineOfAHundredMegabytesAndGoesOn() {
    try (Informer<Resource> informer =
        Informer.of(new Flood(1, 100_000_001), FakeApi.PODS)
            .maxObjectSize(1 << 20)
            .onChange(this::tell)
            .start()) {
      Await.until(() -> assertThat(told).containsExactly("+p=1"));
      assertThat(informer.status().undecodable().get(0).size()).isEqualTo(100_000_000);
      assertThat(informer.status().undecodable().get(0).reason())
          .contains("more than the limit of 1048576");
      assertThat(informer.status().counts().watches()).isEqualTo(1);
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
  @Tag("R3.2")
  void stopsTheStreamWhileAProbeFindsTheDownstreamDownAndThenTellsAll() throws Exception {
    for (Gate<ObjectKey> gate : List.<Gate<ObjectKey>>of(Gate.block(4), Gate.pause(4, 1))) {
      told.clear();
      AtomicBoolean down = new AtomicBoolean(true);
      VirtualTime probing = new VirtualTime();
      FakeApi server = new FakeApi();
      try (Probe probe =
              Probe.builder()
                  .name("downstream")
                  .time(probing)
                  .holding(gate)
                  .start(() ->
                      down.get()
                          ? CompletableFuture.failedFuture(new IOException("refused"))
                          : CompletableFuture.completedFuture("pong"));
          Informer<Resource> informer =
              Informer.of(server, FakeApi.PODS).gate(gate).onChange(this::tell).start()) {
        informer.awaitSynced(Duration.ofSeconds(10));
        probing.advance(Duration.ofSeconds(1));
        assertThat(probe.verdict().state()).isEqualTo(Probe.State.OPEN);
        for (int i = 0; i < 100; i++) {
          server.put("p" + i, "x");
        }
        Await.until(() -> assertThat(informer.status().phase()).isEqualTo(StreamStatus.Phase.HELD));
        assertThat(told).isEmpty();

        down.set(false);
        probing.advance(Duration.ofSeconds(5));
        Await.until(() -> assertThat(told).hasSize(100));
        assertThat(informer.status().counts().lists()).isEqualTo(1);
      }
    }
  }

  @Test
  @Tag("R3.2")
  void tellsNothingOfAResyncWhileItsGateIsHeld() {
    Gate<ObjectKey> gate = Gate.coalesce();
    for (int i = 0; i < 10; i++) {
      api.put("p" + i, "1");
    }
    try (Informer<Resource> informer =
        inVirtualTime().gate(gate).resyncEvery(Duration.ofHours(1)).onChange(this::tell).start()) {
      Await.until(() -> assertThat(told).hasSize(10));
      told.clear();
      Gate.Hold hold = gate.hold("test");
      time.advance(Duration.ofMinutes(67));
      api.put("news", "1");
      handedOver(informer);
      Await.until(() -> assertThat(gate.stats().depth()).isEqualTo(1));
      assertThat(told).isEmpty();

      hold.release();
      Await.until(() -> assertThat(resync(informer).runs()).isEqualTo(1));
      assertThat(told).startsWith("+news=1").contains("~p0=1", "~p9=1");
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

  // --- what is done every so often ---

  private final VirtualTime time = new VirtualTime();

  private Informer.Builder<Resource> inVirtualTime() {
    return pods().time(time).silenceDeadline(Duration.ofDays(1000)).auditEvery(Duration.ZERO);
  }

  private void handedOver(Informer<Resource> informer) {
    Await.until(() -> assertThat(informer.status().anchor()).hasValue(api.version()));
  }

  @Test
  @Tag("R4.1")
  void tellsAllObjectsAgainEachPeriodWithoutListing() {
    api.put("a", "1");
    api.put("b", "1");
    try (Informer<Resource> informer =
        inVirtualTime().resyncEvery(Duration.ofHours(1)).onChange(this::tell).start()) {
      Await.until(() -> assertThat(told).containsExactlyInAnyOrder("+a=1", "+b=1"));
      told.clear();
      time.advance(Duration.ofMinutes(53));
      assertThat(told).isEmpty();
      time.advance(Duration.ofMinutes(14));
      Await.until(() -> assertThat(told).containsExactlyInAnyOrder("~a=1", "~b=1"));
      Await.until(() -> assertThat(resync(informer).runs()).isEqualTo(1));
      assertThat(resync(informer).last()).isPresent();
      assertThat(informer.status().counts().lists()).isEqualTo(1);
      assertThat(informer.explain()).contains("resync of handler every PT1H: 1 times");
    }
  }

  private static StreamStatus.Periodic resync(Informer<Resource> informer) {
    return informer.status().consumers().get(0).resync().orElseThrow();
  }

  @Test
  @Tag("R4.1")
  void showsAResyncThatDoesNotRunAsLate() throws Exception {
    CountDownLatch go = new CountDownLatch(1);
    api.put("a", "1");
    try (Informer<Resource> informer =
        inVirtualTime()
            .resyncEvery(Duration.ofHours(1))
            .onChange(change -> {
              go.await();
              tell(change);
            })
            .start()) {
      handedOver(informer);
      time.advance(Duration.ofHours(3));
      assertThat(resync(informer).runs()).isZero();
      assertThat(resync(informer).lateness())
          .isBetween(Duration.ofMinutes(114), Duration.ofMinutes(126));
      go.countDown();
      Await.until(() -> assertThat(resync(informer).runs()).isEqualTo(1));
      Await.until(() -> assertThat(told).containsExactly("+a=1", "~a=1"));
    }
  }

  @Test
  void tellsWhatChangesBeforeTheRestOfAResync() {
    Semaphore steps = new Semaphore(0);
    for (int i = 0; i < 100; i++) {
      api.put("p" + i, "1");
    }
    try (Informer<Resource> informer =
        inVirtualTime()
            .resyncEvery(Duration.ofHours(1))
            .onChange(change -> {
              steps.acquire();
              tell(change);
            })
            .start()) {
      steps.release(100);
      Await.until(() -> assertThat(told).hasSize(100));
      told.clear();
      time.advance(Duration.ofMinutes(67));
      steps.release(10);
      Await.until(() -> assertThat(told).hasSize(10));
      api.put("news", "1");
      api.delete("p0");
      handedOver(informer);
      // One is in hand already.
      steps.release(3);
      Await.until(() -> assertThat(told).hasSize(13));
      assertThat(told).contains("+news=1", "-p0=1");
      steps.release(1000);
      Await.until(() -> assertThat(resync(informer).runs()).isEqualTo(1));
      assertThat(told.stream().filter(text -> text.startsWith("~"))).hasSizeBetween(99, 100);
    }
  }

  @Test
  @Tag("R4.1")
  void findsAndHealsByAnAuditWhatTheStreamHasMissed() {
    for (String name : List.of("right", "wrong", "gone")) {
      api.put(name, "1");
    }
    try (Informer<Resource> informer =
        inVirtualTime().auditEvery(Duration.ofHours(6)).onChange(this::tell).start()) {
      Await.until(() -> assertThat(told).hasSize(3));
      api.putUnseen("wrong", "2");
      api.deleteUnseen("gone");
      api.putUnseen("missing", "1");
      api.put("right", "2");
      handedOver(informer);
      Await.until(() -> assertThat(told).hasSize(4));
      told.clear();

      time.advance(Duration.ofHours(7));
      Await.until(
          () -> assertThat(informer.status().audit().orElseThrow().diverged()).isEqualTo(3));
      // The list begins after a backoff.
      Await.until(() -> {
        time.advance(Duration.ofMillis(100));
        assertThat(told).containsExactlyInAnyOrder("~wrong=2", "-gone=1", "+missing=1");
      });
      assertThat(informer.status().stops()).containsEntry(StopCause.AUDIT_DIVERGED, 1L);
      assertThat(informer.explain())
          .contains("3 objects differ at version")
          .contains("watching -> backing-off (audit-diverged) 1");
    }
  }

  @Test
  void findsNothingInAnAuditWhileEverythingChanges() {
    AtomicBoolean stop = new AtomicBoolean();
    Thread writer =
        Thread.ofVirtual()
            .start(() -> {
              for (int i = 0; !stop.get(); i++) {
                api.put("p" + i % 50, Integer.toString(i));
                if (i % 3 == 0) {
                  api.delete("p" + (i * 7) % 50);
                }
                LockSupport.parkNanos(200_000);
              }
            });
    try (Informer<Resource> informer = inVirtualTime().auditEvery(Duration.ofHours(6)).start()) {
      handedOverOnce(informer);
      for (int i = 1; i <= 20; i++) {
        int audits = i;
        time.advance(Duration.ofHours(7));
        Await.until(() -> {
          time.advance(Duration.ofMillis(100));
          StreamStatus.Audit audit = informer.status().audit().orElseThrow();
          assertThat(audit.times().runs()).as(audit::result).isGreaterThanOrEqualTo(audits);
        });
      }
      assertThat(informer.status().audit().orElseThrow().diverged()).isZero();
      assertThat(informer.status().counts().lists()).isEqualTo(1);
    } finally {
      stop.set(true);
    }
    assertThat(writer).isNotNull();
  }

  private static void handedOverOnce(Informer<Resource> informer) {
    Await.until(() -> assertThat(informer.status().anchor()).isPresent());
  }

  @Test
  @Tag("R4.1")
  void saysWhyAnAuditCouldNotBeFinishedAndTriesAgain() {
    api.put("a", "1");
    try (Informer<Resource> informer = inVirtualTime().auditEvery(Duration.ofHours(6)).start()) {
      handedOver(informer);
      api.answer(
          "GET /api/v1/pods",
          new FakeApi.Canned(
              403,
              Map.of(),
              "{\"kind\":\"Status\",\"reason\":\"Forbidden\",\"message\":\"no\",\"code\":403}"));
      time.advance(Duration.ofHours(7));
      Await.until(() ->
          assertThat(informer.status().audit().orElseThrow().result())
              .isEqualTo("not finished: 403 Forbidden: no"));
      assertThat(informer.status().audit().orElseThrow().times().lateness()).isPositive();
      api.answerProperly("GET /api/v1/pods");
      Await.until(() -> {
        time.advance(Duration.ofMinutes(1));
        assertThat(informer.status().audit().orElseThrow().result())
            .isEqualTo("1 objects agree at version 101");
      });
      assertThat(informer.status().audit().orElseThrow().times().runs()).isEqualTo(1);
    }
  }

  @Test
  void refusesPeriodsThatAreTooShort() {
    assertThatThrownBy(() -> pods().resyncEvery(Duration.ofMillis(10)))
        .hasMessage("resyncEvery is at least a second, or zero for never, not PT0.01S");
    assertThatThrownBy(() -> pods().auditEvery(Duration.ofHours(-1)))
        .hasMessage("auditEvery is at least a second, or zero for never, not PT-1H");
  }

  @Test
  void findsObjectsByIndexesConsistentWithItsSnapshots() {
    api.put("a", "1");
    api.put("b", "2");
    Index specs = Index.byField("spec");
    try (Informer<Resource> informer = pods().indexBy(specs).indexBy(Index.byNamespace()).start()) {
      Await.until(() -> assertThat(informer.store().size()).isEqualTo(2));
      Store.Snapshot<Resource> before = informer.store().snapshot();
      api.put("a", "2");
      Await.until(() -> assertThat(informer.store().byIndex(specs, "2").size()).isEqualTo(2));

      assertThat(names(before.byIndex(specs, "1"))).containsExactly("a");
      assertThat(names(before.byIndex(specs, "2"))).containsExactly("b");
      assertThat(names(informer.store().byIndex(specs, "2"))).containsExactlyInAnyOrder("a", "b");
      assertThat(before.indexValues(specs)).containsExactlyInAnyOrder("1", "2");
      assertThat(names(before.byIndex(specs, "2").byIndex(Index.byNamespace(), "none"))).isEmpty();
      assertThat(before.byIndex(specs, "2").resource(key(before, "a"))).isEmpty();
      assertThat(before.byIndex(specs, "2").resource(key(before, "b"))).isPresent();
      assertThat(informer.explain()).contains("index field(spec): 1 values");
      assertThatThrownBy(() -> informer.store().byIndex(Index.byOwner(), "x"))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("no index 'owner'");
    }
  }

  private static List<String> names(Store.Snapshot<Resource> of) {
    return of.resources().map(resource -> resource.key().name()).toList();
  }

  private static ObjectKey key(Store.Snapshot<Resource> of, String name) {
    return of.resources()
        .map(Resource::key)
        .filter(key -> key.name().equals(name))
        .findFirst()
        .orElseThrow();
  }

  @Test
  void saysWhatAProjectionHasLeftOut() {
    api.put("a", "1");
    try (Informer<Resource> informer = pods().drop("spec", "metadata.labels").start()) {
      Await.until(() -> assertThat(informer.store().size()).isEqualTo(1));
      Resource a = informer.store().snapshot().resources().findFirst().orElseThrow();

      assertThat(new String(a.json(), StandardCharsets.UTF_8)).doesNotContain("spec");
      assertThat(a.projection().keeps("spec")).isFalse();
      assertThatThrownBy(a::labels)
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("everything but [spec, metadata.labels]");
      assertThatThrownBy(() -> a.label("app")).isInstanceOf(IllegalStateException.class);
    }
  }

  @Test
  void refusesAnIndexOfWhatIsNotKept() {
    assertThatThrownBy(() -> pods().drop("spec").indexBy(Index.byField("spec.nodeName")).start())
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("needs spec.nodeName");
  }

  @Test
  void packsWhatHasRestedByItself() {
    String words = "a value of some length that is everywhere the same ".repeat(40);
    for (int i = 0; i < 600; i++) {
      api.put("pod-" + i, words + i);
    }
    VirtualTime time = new VirtualTime();
    try (Informer<Resource> informer =
        pods().compression(new DeflateCompression()).time(time).start()) {
      Await.until(() -> assertThat(informer.store().size()).isEqualTo(600));
      Await.until(() -> {
        time.advance(Duration.ofSeconds(5));
        assertThat(informer.store().stats().packed()).isEqualTo(600);
      });

      assertThat(informer.store().snapshot().resources().map(InformerTest::specOf))
          .allMatch(spec -> spec.startsWith("=" + words));
      assertThat(informer.store().stats().packing()).isEqualTo("deflate");
    }
  }

  @Test
  @Tag("R4.1")
  void showsAHandlerThatHangsAndHoldsNobodyElse() throws Exception {
    CountDownLatch go = new CountDownLatch(1);
    api.put("a", "1");
    try (Informer<Resource> informer =
        inVirtualTime().auditEvery(Duration.ZERO).onChange(this::tell).start()) {
      informer.subscribe("hangs", change -> go.await());
      Await.until(() -> assertThat(informer.status().consumers().get(1).telling()).isPresent());
      time.advance(Duration.ofSeconds(43));
      api.put("b", "1");
      Await.until(() -> assertThat(told).containsExactly("+a=1", "+b=1"));
      StreamStatus.Consumer hangs = informer.status().consumers().get(1);
      assertThat(hangs.backlog()).isEqualTo(1);
      assertThat(informer.explain())
          .contains(
              "consumer hangs (coalesce): 1 waiting, 0 told, 0 failures; its handler has"
                  + " been at ns/a for 43000 ms");
      go.countDown();
      Await.until(() -> {
        assertThat(informer.status().consumers().get(1).delivered()).isEqualTo(2);
        assertThat(informer.status().consumers().get(1).telling()).isEmpty();
      });
    }
  }

  @Test
  @Tag("R4.1")
  void showsAnIndexFunctionThatHangsAndGoesOnWhenItReturns() throws Exception {
    CountDownLatch go = new CountDownLatch(1);
    Index hangs =
        Index.by(
            "hangs",
            resource -> {
              if (resource.key().name().equals("b")) {
                await(go);
              }
              return List.of("x");
            });
    api.put("a", "1");
    try (Informer<Resource> informer =
        inVirtualTime().auditEvery(Duration.ZERO).indexBy(hangs).onChange(this::tell).start()) {
      Await.until(() -> assertThat(told).containsExactly("+a=1"));
      assertThat(informer.status().healthy()).isTrue();
      api.put("b", "1");
      Await.until(() -> assertThat(informer.store().stats().inIndex()).isPresent());
      time.advance(Duration.ofSeconds(11));
      assertThat(informer.status().healthy()).isFalse();
      assertThat(informer.explain()).contains("not healthy").contains("the index 'hangs' on ns/b");
      // What is there already is read and told as ever.
      assertThat(informer.store().size()).isEqualTo(1);
      go.countDown();
      Await.until(() -> assertThat(told).containsExactly("+a=1", "+b=1"));
      assertThat(informer.status().healthy()).isTrue();
    }
  }

  /** Ten seconds for what waits and ten for what was interrupted, however many there are. */
  @Test
  @Tag("minutes")
  void waitsForSeveralHandlersThatHangAsLongAsForOne() throws Exception {
    CountDownLatch never = new CountDownLatch(1);
    api.put("a", "1");
    Informer<Resource> informer = pods().start();
    for (int i = 0; i < 5; i++) {
      informer.subscribe(
          "hangs-" + i,
          change -> {
            while (never.getCount() > 0) {
              LockSupport.parkNanos(1_000_000);
            }
          });
    }
    Await.until(() ->
        assertThat(informer.status().consumers())
            .hasSize(5)
            .allMatch(consumer -> consumer.telling().isPresent()));
    long began = System.nanoTime();
    informer.close();
    assertThat(Duration.ofNanos(System.nanoTime() - began)).isLessThan(Duration.ofSeconds(60));
    never.countDown();
  }

  private static void await(CountDownLatch latch) {
    try {
      latch.await();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  @ParameterizedTest
  @EnumSource
  @Tag("R4.1")
  void goesOnWhateverAnIndexFunctionDoesToItsThread(Misdeed misdeed) {
    Index bad =
        Index.by(
            "bad",
            resource -> {
              try {
                misdeed.run();
              } catch (Exception e) {
                InformerTest.<RuntimeException>sneak(e);
              }
              return List.of();
            });
    for (int i = 0; i < 20; i++) {
      api.put("p" + i, "1");
    }
    try (Informer<Resource> informer = pods().indexBy(bad).onChange(this::tell).start()) {
      Await.until(() -> assertThat(told).hasSize(20));
      api.put("last", "1");
      Await.until(() -> assertThat(told).contains("+last=1"));
      StreamStatus status = informer.status();
      assertThat(status.counts().lists()).isEqualTo(1);
      assertThat(status.recentStops()).isEmpty();
      if (misdeed != Misdeed.AN_INTERRUPT_FLAG_LEFT_BEHIND) {
        assertThat(status.stops()).containsEntry(StopCause.TRANSFORM_FAILURE, 21L);
      }
    }
  }
}
