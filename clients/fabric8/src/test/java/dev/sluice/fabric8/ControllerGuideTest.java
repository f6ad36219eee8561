package dev.sluice.fabric8;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.fabric8.ControllerGuideExample.Gadget;
import dev.sluice.fabric8.ControllerGuideExample.Widget;
import dev.sluice.testkit.ApiServer;
import dev.sluice.testkit.Fault;
import dev.sluice.testkit.RequestMatch;
import io.fabric8.kubernetes.client.Config;
import io.fabric8.kubernetes.client.ConfigBuilder;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientBuilder;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;

/** What docs/guides/controller.md makes does what it says, and bears what can happen to it. */
class ControllerGuideTest {
  private static final String CRD =
      """
      apiVersion: apiextensions.k8s.io/v1
      kind: CustomResourceDefinition
      metadata: {name: widgets.example.com}
      spec:
        group: example.com
        scope: Namespaced
        names: {plural: widgets, singular: widget, kind: Widget}
        versions:
          - name: v1
            served: true
            storage: true
            subresources: {status: {}}
            schema:
              openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}
      """;

  private static void widget(ApiServer server, String name, int size) {
    server.load(
        "{apiVersion: example.com/v1, kind: Widget, metadata: {namespace: default, name: "
            + name
            + "}, spec: {size: "
            + size
            + "}}");
  }

  private static void allAreRight(KubernetesClient client, int count) {
    Line.until(() ->
        assertThat(client.resources(Widget.class).inNamespace("default").list().getItems())
            .hasSize(count)
            .allSatisfy(widget -> {
              assertThat(widget.getStatus()).isNotNull();
              assertThat(widget.getStatus().size).isEqualTo(widget.getSpec().size);
            }));
  }

  @Test
  void theGuidesControllerBringsEveryStatusToItsSpec() throws Exception {
    try (ApiServer server = ApiServer.start()) {
      server.load(CRD);
      for (int i = 0; i < 10; i++) {
        widget(server, "w" + i, i);
      }
      Config config =
          new ConfigBuilder(Config.empty()).withMasterUrl(server.url().toString()).build();
      CountDownLatch stop = new CountDownLatch(1);
      CompletableFuture<Void> run =
          CompletableFuture.runAsync(
              () -> {
                try {
                  ControllerGuideExample.run(config, stop);
                } catch (Exception e) {
                  throw new AssertionError(e);
                }
              },
              Thread::startVirtualThread);
      try (KubernetesClient client = new KubernetesClientBuilder().withConfig(config).build()) {
        allAreRight(client, 10);

        server
            .faults()
            .inject(
                RequestMatch.verb("patch").times(3), Fault.tooManyRequests(Duration.ofSeconds(1)));
        server.faults().endWatches();
        widget(server, "w1", 100);
        widget(server, "w2", 100);
        widget(server, "new", 7);
        allAreRight(client, 11);
      } finally {
        stop.countDown();
      }
      run.join();
    }
  }

  @Test
  void theGuidesOperatorMakesMendsTellsAndClearsUp() throws Exception {
    try (ApiServer server = ApiServer.start()) {
      server.load(CRD.replace("widget", "gadget").replace("Widget", "Gadget"));
      Config config =
          new ConfigBuilder(Config.empty()).withMasterUrl(server.url().toString()).build();
      CountDownLatch stop = new CountDownLatch(1);
      CompletableFuture<Void> run =
          CompletableFuture.runAsync(
              () -> {
                try {
                  ControllerGuideExample.operate(config, stop);
                } catch (Exception e) {
                  throw new AssertionError(e);
                }
              },
              Thread::startVirtualThread);
      try (KubernetesClient client = new KubernetesClientBuilder().withConfig(config).build()) {
        server.load(
            "{apiVersion: example.com/v1, kind: Gadget, metadata: {namespace: default, name: g},"
                + " spec: {size: 3}}");
        var gadget = client.resources(Gadget.class).inNamespace("default").withName("g");
        var map = client.configMaps().inNamespace("default").withName("g");
        Line.until(() -> {
          assertThat(map.get()).isNotNull();
          assertThat(gadget.get().getStatus()).isNotNull();
          assertThat(gadget.get().getStatus().conditions)
              .singleElement()
              .satisfies(ready -> {
                assertThat(ready.getType()).isEqualTo("Ready");
                assertThat(ready.getStatus()).isEqualTo("True");
              });
        });
        map.delete();
        Line.until(() -> assertThat(map.get()).isNotNull());
        map.edit(object -> {
          object.getData().put("size", "100");
          return object;
        });
        Line.until(() -> assertThat(map.get().getData()).isEqualTo(Map.of("size", "3")));
        gadget.edit(object -> {
          object.getSpec().size = 4;
          return object;
        });
        Line.until(() -> {
          assertThat(map.get().getData()).isEqualTo(Map.of("size", "4"));
          assertThat(gadget.get().getStatus().size).isEqualTo(4);
        });
        assertThat(gadget.get().getMetadata().getFinalizers())
            .containsExactly("example.com/gadgets");
        gadget.delete();
        Line.until(() -> assertThat(gadget.get()).isNull());
      } finally {
        stop.countDown();
      }
      run.join();
    }
  }
}
