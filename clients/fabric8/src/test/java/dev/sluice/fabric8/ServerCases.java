package dev.sluice.fabric8;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.kube.Change;
import dev.sluice.kube.Informer;
import dev.sluice.kube.ObjectKey;
import dev.sluice.kube.Transport;
import dev.sluice.kube.Transport.Request;
import dev.sluice.kube.Transport.Response;
import io.fabric8.kubernetes.api.model.ConfigMap;
import io.fabric8.kubernetes.api.model.ConfigMapBuilder;
import io.fabric8.kubernetes.api.model.NamespaceBuilder;
import io.fabric8.kubernetes.api.model.apps.Deployment;
import io.fabric8.kubernetes.api.model.apps.DeploymentBuilder;
import io.fabric8.kubernetes.client.Config;
import io.fabric8.kubernetes.client.ConfigBuilder;
import io.fabric8.kubernetes.client.KubernetesClient;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.EnumSource;

/** What holds on every API server: the embedded one in the plain build, and the released one. */
@ParameterizedClass
@EnumSource
abstract class ServerCases {
  final HttpClients http;

  ServerCases(HttpClients http) {
    this.http = http;
  }

  /**
   * How a user reaches the server.
   *
   * @param user {@code admin}, who may do everything, or {@code bob}, who may not read secrets
   */
  abstract Config config(String user);

  private KubernetesClient client(String user) {
    return http.client(config(user));
  }

  /** One for each run, as runs share the cluster. */
  private String namespace(String name) {
    return name + "-" + http.name().toLowerCase(Locale.ROOT).replace('_', '-');
  }

  private static void makeNamespace(KubernetesClient client, String name) {
    client
        .namespaces()
        .resource(new NamespaceBuilder().withNewMetadata().withName(name).endMetadata().build())
        .create();
  }

  private static ConfigMap configMap(String namespace, String name, int characters) {
    return new ConfigMapBuilder()
        .withNewMetadata()
        .withNamespace(namespace)
        .withName(name)
        .endMetadata()
        .addToData("payload", "x".repeat(characters))
        .build();
  }

  private static Deployment deployment(String namespace, String name, int replicas) {
    return new DeploymentBuilder()
        .withNewMetadata()
        .withNamespace(namespace)
        .withName(name)
        .endMetadata()
        .withNewSpec()
        .withReplicas(replicas)
        .withNewSelector()
        .addToMatchLabels("app", name)
        .endSelector()
        .withNewTemplate()
        .withNewMetadata()
        .addToLabels("app", name)
        .endMetadata()
        .withNewSpec()
        .addNewContainer()
        .withName(name)
        .withImage("registry.example/" + name)
        .endContainer()
        .endSpec()
        .endTemplate()
        .endSpec()
        .build();
  }

  @Test
  void refusalsComeAsTheServerSaysThem() throws Exception {
    try (KubernetesClient client = client("bob");
        Transport transport = SluiceFabric8.transport(client);
        Response response =
            transport.send(Request.get("/api/v1/namespaces/kube-system/secrets", "*/*"))) {
      assertThat(response.status()).isEqualTo(403);
      assertThat(new String(response.body().readAllBytes(), UTF_8)).contains("\"Forbidden\"");
    }
    Config wrongToken = new ConfigBuilder(config("bob")).withOauthToken("expired").build();
    try (Transport transport = http.transport(wrongToken);
        Response response = transport.send(Request.get("/version", "application/json"))) {
      assertThat(response.status()).isEqualTo(401);
    }
  }

  @Test
  void aLargeListComesCompressedAndWhole() throws Exception {
    try (KubernetesClient client = client("admin");
        Transport transport = SluiceFabric8.transport(client)) {
      String namespace = namespace("large-list");
      makeNamespace(client, namespace);
      for (int i = 0; i < 20; i++) {
        client.resource(configMap(namespace, "c" + i, 20_000)).create();
      }
      try (Response response =
          transport.send(
              Request.get("/api/v1/namespaces/" + namespace + "/configmaps", "application/json"))) {
        assertThat(response.header("content-encoding")).contains("gzip");
        String list = new String(response.body().readAllBytes(), UTF_8);
        assertThat(list).hasSizeGreaterThan(400_000).endsWith("}\n");
      }
    }
  }

  @Test
  void anInformerShowsFabric8sClassesAndTheirChanges() throws Exception {
    BlockingQueue<ObjectKey> changed = new LinkedBlockingQueue<>();
    try (KubernetesClient client = client("admin")) {
      String namespace = namespace("informed");
      makeNamespace(client, namespace);
      client.resource(configMap(namespace, "before", 3)).create();
      try (Informer<ConfigMap> informer =
          SluiceFabric8.informer(client, ConfigMap.class)
              .namespace(namespace)
              .onChange((Change<ConfigMap> change) -> changed.add(change.key()))
              .start()) {
        assertThat(informer.awaitSynced(Duration.ofSeconds(30))).isTrue();
        assertThat(informer.store().get(ObjectKey.of(namespace, "before")))
            .hasValueSatisfying(map -> assertThat(map.getData()).containsEntry("payload", "xxx"));
        assertThat(changed.poll(10, TimeUnit.SECONDS)).isEqualTo(ObjectKey.of(namespace, "before"));

        client.resource(configMap(namespace, "after", 3)).create();
        assertThat(changed.poll(10, TimeUnit.SECONDS)).isEqualTo(ObjectKey.of(namespace, "after"));
      }
    }
  }

  @Test
  void theGuidesExampleRuns() throws Exception {
    try (KubernetesClient client = client("admin")) {
      String namespace = namespace("guide");
      makeNamespace(client, namespace);
      client.resource(deployment(namespace, "web", 3)).create();
      CompletableFuture<Integer> reported = new CompletableFuture<>();
      CountDownLatch stop = new CountDownLatch(1);
      GuideExample.run(
          config("admin"),
          namespace,
          (key, replicas) -> {
            assertThat(key).isEqualTo(ObjectKey.of(namespace, "web"));
            reported.complete(replicas);
            stop.countDown();
          },
          stop);
      assertThat(reported).isCompletedWithValue(3);
    }
  }

  @Test
  void watchesThatNobodyReadsDoNotHoldUpOtherRequests() throws Exception {
    List<Response> unread = new ArrayList<>();
    try (KubernetesClient client = client("admin");
        Transport transport = http.transport(config("admin"))) {
      String namespace = namespace("unread");
      makeNamespace(client, namespace);
      for (int i = 0; i < 8; i++) {
        client.resource(configMap(namespace, "big" + i, 500_000)).create();
      }
      // Each begins with 4 MB of initial events.
      for (int i = 0; i < 30; i++) {
        unread.add(
            transport.send(
                Request.get(
                    "/api/v1/namespaces/" + namespace + "/configmaps?watch=true&resourceVersion=0",
                    "application/json")));
      }
      for (int i = 0; i < 20; i++) {
        try (Response response =
            transport.send(
                new Request(
                    "PATCH",
                    "/api/v1/namespaces/" + namespace + "/configmaps/big0",
                    Map.of("Content-Type", "application/merge-patch+json"),
                    ("{\"metadata\":{\"labels\":{\"n\":\"" + i + "\"}}}").getBytes(UTF_8)))) {
          assertThat(response.status()).isEqualTo(200);
          assertThat(response.body().readAllBytes()).hasSizeGreaterThan(500_000);
        }
      }
    } finally {
      unread.forEach(Response::close);
    }
  }
}
