package dev.sluice.fabric8;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.cluster.RealApiServer;
import dev.sluice.cluster.RealCluster;
import dev.sluice.kube.Change;
import dev.sluice.kube.Informer;
import dev.sluice.kube.ObjectKey;
import dev.sluice.kube.Transport;
import dev.sluice.kube.Transport.Request;
import dev.sluice.kube.Transport.Response;
import io.fabric8.kubernetes.api.model.ConfigMap;
import io.fabric8.kubernetes.api.model.ConfigMapBuilder;
import io.fabric8.kubernetes.api.model.NamespaceBuilder;
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

/** The transport on the released kube-apiserver. */
@RealApiServer
@ParameterizedClass
@EnumSource
class RealServerTest {
  private final HttpClients http;

  RealServerTest(HttpClients http) {
    this.http = http;
  }

  private static Config config(RealCluster cluster, String user) {
    return Config.fromKubeconfig(cluster.kubeconfig(user).toFile());
  }

  private KubernetesClient client(RealCluster cluster, String user) {
    return http.client(config(cluster, user));
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

  @Test
  void tokensAndClientCertificatesOfAKubeconfigAreTaken(RealCluster cluster) throws Exception {
    for (String user : List.of("admin", "admin-certificate")) {
      try (KubernetesClient client = client(cluster, user);
          Transport transport = SluiceFabric8.transport(client);
          Response response = transport.send(Request.get("/version", "application/json"))) {
        assertThat(response.status()).as(user).isEqualTo(200);
        assertThat(new String(response.body().readAllBytes(), UTF_8)).contains("\"major\": \"1\"");
      }
    }
  }

  @Test
  void refusalsComeAsTheServerSaysThem(RealCluster cluster) throws Exception {
    try (KubernetesClient client = client(cluster, "bob");
        Transport transport = SluiceFabric8.transport(client);
        Response response =
            transport.send(Request.get("/api/v1/namespaces/kube-system/secrets", "*/*"))) {
      assertThat(response.status()).isEqualTo(403);
      assertThat(new String(response.body().readAllBytes(), UTF_8)).contains("\"Forbidden\"");
    }
    Config wrongToken =
        new ConfigBuilder(Config.empty())
            .withMasterUrl(cluster.url().toString())
            .withCaCertFile(cluster.caCertificate().toString())
            .withOauthToken("expired")
            .build();
    try (Transport transport = http.transport(wrongToken);
        Response response = transport.send(Request.get("/version", "application/json"))) {
      assertThat(response.status()).isEqualTo(401);
    }
  }

  @Test
  void aLargeListComesCompressedAndWhole(RealCluster cluster) throws Exception {
    try (KubernetesClient client = client(cluster, "admin");
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
  void anInformerShowsFabric8sClassesAndTheirChanges(RealCluster cluster) throws Exception {
    BlockingQueue<ObjectKey> changed = new LinkedBlockingQueue<>();
    try (KubernetesClient client = client(cluster, "admin")) {
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
  void theGuidesExampleRuns(RealCluster cluster) throws Exception {
    try (KubernetesClient client = client(cluster, "admin")) {
      String namespace = namespace("guide");
      makeNamespace(client, namespace);
      cluster.kubectl("-n", namespace, "create", "deployment", "web", "--image=x", "--replicas=3");
      CompletableFuture<Integer> reported = new CompletableFuture<>();
      CountDownLatch stop = new CountDownLatch(1);
      GuideExample.run(
          Config.fromKubeconfig(cluster.kubeconfig().toFile()),
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
  void watchesThatNobodyReadsDoNotHoldUpOtherRequests(RealCluster cluster) throws Exception {
    List<Response> unread = new ArrayList<>();
    try (KubernetesClient client = client(cluster, "admin");
        Transport transport = http.transport(config(cluster, "admin"))) {
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
