package dev.sluice.fabric8;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.kube.ChangeFilter;
import dev.sluice.kube.Controller;
import dev.sluice.kube.ControllerStatus;
import dev.sluice.kube.Finalizer;
import dev.sluice.kube.Informer;
import dev.sluice.kube.LeaderElection;
import dev.sluice.kube.ObjectKey;
import dev.sluice.kube.Outcome;
import dev.sluice.kube.Patch;
import dev.sluice.kube.Reconciler;
import dev.sluice.kube.Resource;
import dev.sluice.kube.ResourceKind;
import dev.sluice.kube.StatusWriter;
import dev.sluice.kube.StatusWriter.Truth;
import dev.sluice.kube.Transport;
import dev.sluice.kube.WriteResult;
import dev.sluice.kube.Writer;
import io.fabric8.kubernetes.client.Config;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInfo;

/** What an operator's author relies on, on every API server. */
abstract class OperatorCases {
  static final ResourceKind GADGETS =
      ResourceKind.namespaced("operator.sluice.dev", "v1", "gadgets", "Gadget");

  static final String GADGETS_CRD =
      """
      apiVersion: apiextensions.k8s.io/v1
      kind: CustomResourceDefinition
      metadata: {name: gadgets.operator.sluice.dev}
      spec:
        group: operator.sluice.dev
        scope: Namespaced
        names: {plural: gadgets, singular: gadget, kind: Gadget}
        versions:
          - name: v1
            served: true
            storage: true
            subresources: {status: {}}
            schema:
              openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}
      """;

  private final ConcurrentLinkedQueue<String> seen = new ConcurrentLinkedQueue<>();
  private Transport transport;
  private Informer<Resource> gadgets;
  private Writer writer;
  private StatusWriter status;
  private String name;

  /** How a user reaches the server, which knows gadgets. */
  abstract Config config();

  @BeforeEach
  void open(TestInfo test) throws Exception {
    name = "g-" + Integer.toHexString(test.getDisplayName().hashCode());
    transport = SluiceFabric8.transport(config());
    gadgets = Informer.of(transport, GADGETS).namespace("default").start();
    assertThat(gadgets.awaitSynced(Duration.ofSeconds(60))).isTrue();
    writer = Writer.over(transport).readYourWrites(gadgets).build();
    status = StatusWriter.over(writer, GADGETS).clock(() -> Instant.parse("2026-01-02T03:04:05Z"));
  }

  @AfterEach
  void close() {
    gadgets.close();
    transport.close();
  }

  private static byte[] bytes(String json) {
    return json.getBytes(StandardCharsets.UTF_8);
  }

  private static String text(Resource resource) {
    return new String(resource.json(), StandardCharsets.UTF_8);
  }

  private ObjectKey key() {
    return ObjectKey.of("default", name);
  }

  private Resource create(String more) throws Exception {
    return written(
        writer.create(
            GADGETS,
            "default",
            bytes(
                "{\"apiVersion\":\"operator.sluice.dev/v1\",\"kind\":\"Gadget\",\"metadata\":{\"name\":\""
                    + name
                    + "\"},\"spec\":{\"size\":1}"
                    + more
                    + "}")));
  }

  private Resource merge(String patch) throws Exception {
    return written(writer.patch(GADGETS, key(), Patch.MERGE, bytes(patch)));
  }

  private static Resource written(WriteResult result) {
    assertThat(result).isInstanceOf(WriteResult.Written.class);
    return ((WriteResult.Written) result).resource();
  }

  private Resource present() throws Exception {
    return writer.read(GADGETS, key()).orElseThrow();
  }

  private Controller<Resource> controller(Reconciler<Resource> reconciler) {
    return Controller.named("gadgets")
        .watching(gadgets)
        .reconcile((key, context) ->
            key.equals(key()) ? reconciler.reconcile(key, context) : Outcome.done())
        .start();
  }

  @Test
  void aStatusIsWrittenOnceByTheConventionsAndLeadsToNoReconcile() throws Exception {
    create("");
    try (Controller<Resource> controller =
        controller((key, context) -> {
          seen.add(context.resource().map(Resource::generation).orElse(-1L).toString());
          return status
              .write(
                  context,
                  draft ->
                      draft
                          .set("phase", "Good")
                          .condition("Ready", Truth.TRUE, "AllGood", "as it should be"))
              .outcome();
        })) {
      Line.until(() -> assertThat(controller.status().counts().ownWrites()).isEqualTo(1));
      assertThat(text(present()))
          .contains("\"observedGeneration\":1")
          .contains("\"phase\":\"Good\"")
          .contains("\"type\":\"Ready\"")
          .contains("\"status\":\"True\"")
          .contains("\"lastTransitionTime\":\"2026-01-02T03:04:05Z\"")
          .contains("\"reason\":\"AllGood\"");
      String version = present().resourceVersion();
      controller.trigger(key());
      Line.until(() -> assertThat(seen).hasSize(2));
      Line.until(() -> assertThat(writer.stats().unchanged()).isEqualTo(1));
      assertThat(present().resourceVersion()).isEqualTo(version);

      merge("{\"spec\":{\"size\":2}}");
      Line.until(() ->
          assertThat(controller.status().counts().ownWrites())
              .as("after %s: %s %s", seen, controller.status(), writer.stats())
              .isEqualTo(2));
      assertThat(text(present()))
          .contains("\"observedGeneration\":2")
          .contains("\"lastTransitionTime\":\"2026-01-02T03:04:05Z\"");
      assertThat(seen).containsExactly("1", "1", "2");
    }
  }

  @Test
  void aStatusIsWrittenOnTheFreshStateAfterAConflictAndTheOthersChangeIsReconciled()
      throws Exception {
    create("");
    AtomicBoolean first = new AtomicBoolean(true);
    try (Controller<Resource> controller =
        controller((key, context) -> {
          Resource base = context.resource().orElseThrow();
          seen.add(base.label("by").orElse("nobody"));
          if (first.getAndSet(false)) {
            written(
                writer.patchStatus(
                    GADGETS,
                    key,
                    bytes(
                        "{\"status\":{\"conditions\":[{\"type\":\"Theirs\",\"status\":\"True\"}]}}")));
            merge("{\"metadata\":{\"labels\":{\"by\":\"them\"}}}");
          }
          return status
              .write(context, draft -> draft.condition("Ours", Truth.FALSE, "Not", ""))
              .outcome();
        })) {
      Line.until(() -> assertThat(seen).contains("them"));
      Line.until(() -> assertThat(controller.status().inHand()).isZero());
      assertThat(text(present())).contains("\"type\":\"Theirs\"").contains("\"type\":\"Ours\"");
      assertThat(writer.stats().conflicts()).isPositive();
    }
  }

  @Test
  void anObjectStaysUntilWhatBelongsToItIsClearedAway() throws Exception {
    create("");
    AtomicBoolean cleared = new AtomicBoolean();
    Reconciler<Resource> reconciler =
        Finalizer.named("operator.sluice.dev/test")
            .over(writer, GADGETS)
            .around(
                (key, context) -> {
                  context
                      .resource()
                      .ifPresent(object ->
                          seen.add(
                              "reconciled " + text(object).contains("operator.sluice.dev/test")));
                  return Outcome.done();
                },
                (key, context) -> {
                  seen.add("clears away");
                  return cleared.getAndSet(true)
                      ? Outcome.done()
                      : Outcome.again(Duration.ofMillis(10));
                });
    try (Controller<Resource> controller = controller(reconciler)) {
      Line.until(() -> assertThat(controller.status().counts().ownWrites()).isEqualTo(1));
      Line.until(() -> assertThat(seen).containsExactly("reconciled true"));
      merge(
          "{\"metadata\":{\"finalizers\":[\"operator.sluice.dev/other\",\"operator.sluice.dev/test\"]}}");
      assertThat(writer.delete(GADGETS, key())).isInstanceOf(WriteResult.Written.class);
      Line.until(() -> {
        assertThat(cleared).isTrue();
        assertThat(gadgets.store().resource(key()).map(OperatorCases::text).orElse(""))
            .contains("operator.sluice.dev/other")
            .doesNotContain("operator.sluice.dev/test");
      });
      merge("{\"metadata\":{\"finalizers\":null}}");
      Line.until(() -> assertThat(gadgets.store().resource(key())).isEmpty());
      assertThat(seen).contains("clears away");
    }
  }

  @Test
  void aWriterReadsItsWritesAtOnce() throws Exception {
    Resource created = create("");
    assertThat(gadgets.store().resource(key()).orElseThrow().uid()).isEqualTo(created.uid());
    for (int i = 2; i < 20; i++) {
      Resource changed = merge("{\"spec\":{\"size\":" + i + "}}");
      assertThat(gadgets.store().resource(key()).orElseThrow().resourceVersion())
          .isEqualTo(changed.resourceVersion());
    }
    assertThat(gadgets.store().snapshot().resources().map(Resource::key)).contains(key());
    assertThat(writer.delete(GADGETS, key())).isInstanceOf(WriteResult.Deleted.class);
    assertThat(gadgets.store().resource(key())).isEmpty();
    Resource again = create("");
    assertThat(gadgets.store().resource(key()).orElseThrow().uid()).isEqualTo(again.uid());
    writer.delete(GADGETS, key());
    assertThat(gadgets.store().resource(key())).isEmpty();
  }

  @Test
  void aChangeIsMadeAgainOnTheFreshStateAfterAConflictAndNotSentIfItChangesNothing()
      throws Exception {
    Resource old = create("");
    Resource now = merge("{\"spec\":{\"theirs\":true}}");
    long conflicts = writer.stats().conflicts();
    WriteResult result =
        writer.modify(
            GADGETS, old, object -> bytes(text(object).replace("\"size\":1", "\"size\":7")));
    assertThat(text(written(result))).contains("\"size\":7").contains("\"theirs\":true");
    assertThat(writer.stats().conflicts()).isEqualTo(conflicts + 1);
    long sent = writer.stats().sent();
    assertThat(writer.modify(GADGETS, written(result), Resource::json))
        .isInstanceOf(WriteResult.Unchanged.class);
    assertThat(writer.stats().sent()).isEqualTo(sent);
    assertThat(writer.stats().unchanged()).isPositive();
    writer.delete(GADGETS, key());
    assertThat(
            writer.modify(
                GADGETS, now, object -> bytes(text(object).replace("\"size\":1", "\"size\":9"))))
        .isInstanceOf(WriteResult.Gone.class);
  }

  @Test
  void theOwnerOfAChangedObjectIsReconciled() throws Exception {
    Resource owner = create("");
    try (Informer<Resource> maps =
            Informer.of(transport, Line.CONFIG_MAPS).namespace("default").start();
        Controller<Resource> controller =
            Controller.named("gadgets")
                .watching(gadgets)
                .filteredBy(ChangeFilter.generation())
                .owning(maps)
                .reconcile((key, context) -> {
                  if (key.equals(key())) {
                    seen.add("x");
                  }
                  return Outcome.done();
                })
                .start()) {
      assertThat(controller.awaitReady(Duration.ofSeconds(60))).isTrue();
      Line.until(() -> assertThat(seen).hasSize(1));
      written(
          writer.create(
              Line.CONFIG_MAPS,
              "default",
              bytes(
                  "{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\""
                      + name
                      + "\",\"ownerReferences\":[{\"apiVersion\":\"operator.sluice.dev/v1\",\"kind\":\"Gadget\",\"controller\":true,\"name\":\""
                      + name
                      + "\",\"uid\":\""
                      + owner.uid()
                      + "\"}]}}")));
      Line.until(() -> assertThat(seen).hasSize(2));
      writer.delete(Line.CONFIG_MAPS, ObjectKey.of("default", name));
      Line.until(() -> assertThat(seen).hasSize(3));
      ControllerStatus now = controller.status();
      assertThat(now.ready()).isTrue();
      assertThat(now.sources().get(0).triggered()).isEqualTo(2);
    }
  }

  @Test
  void aLeaderThatEndsIsFollowedAtOnceAlthoughItsLeaseWouldLastForMinutes() throws Exception {
    LeaderElection first = candidate("first");
    Line.until(() -> assertThat(seen).containsExactly("first"));
    try (LeaderElection second = candidate("second")) {
      Line.until(() -> assertThat(second.status().holder()).isEqualTo("first"));
      assertThat(second.isLeader()).isFalse();
      first.close();
      Line.until(() -> assertThat(seen).containsExactly("first", "first ends", "second"));
      assertThat(second.status().term()).isEqualTo(1);
    } finally {
      first.close();
      writer.delete(ResourceKind.namespaced("coordination.k8s.io", "v1", "leases", "Lease"), key());
    }
  }

  private LeaderElection candidate(String who) {
    return LeaderElection.over(transport)
        .lease("default", name)
        .identity(who)
        .durations(Duration.ofMinutes(10), Duration.ofMinutes(5), Duration.ofSeconds(1))
        .pollEvery(Duration.ofMillis(200))
        .whileLeading(leadership -> {
          seen.add(who);
          return () -> seen.add(who + " ends");
        })
        .start();
  }
}
