package dev.sluice.cli.demo;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.testkit.ApiServer;
import dev.sluice.testkit.EmbeddedApiServer;
import dev.sluice.testkit.Fault;
import dev.sluice.testkit.RequestMatch;
import io.fabric8.kubernetes.client.Config;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientBuilder;
import io.fabric8.kubernetes.client.KubernetesClientException;
import java.io.IOException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

@EmbeddedApiServer
class StageTest {
  private static final String LABEL = "app.kubernetes.io/managed-by";

  private final List<String> said = new ArrayList<>();

  @Test
  void makesANamespaceAndAKindAndRemovesThem(ApiServer server) throws Exception {
    try (KubernetesClient client = client(server)) {
      try (Stage stage = stage(server)) {
        stage.set();
        assertThat(left(client))
            .containsExactlyInAnyOrder(stage.namespace(), "gauges." + stage.kind().group());
      }
      assertThat(left(client)).isEmpty();
      assertThat(said).singleElement().asString().startsWith("removed the namespace sluice-demo-");
    }
  }

  @Test
  void aThreadThatIsInterruptedRemovesThemToo(ApiServer server) throws Exception {
    try (KubernetesClient client = client(server)) {
      try (Stage stage = stage(server)) {
        stage.set();
        Thread.currentThread().interrupt();
      }
      assertThat(Thread.interrupted()).isTrue();
      assertThat(left(client)).isEmpty();
    }
  }

  @Test
  void twoRunsDoNotMeet(ApiServer server) throws Exception {
    try (Stage one = stage(server);
        Stage other = stage(server)) {
      one.set();
      other.set();
      assertThat(one.kind()).isNotEqualTo(other.kind());
      assertThat(one.namespace()).isNotEqualTo(other.namespace());
    }
  }

  @Test
  void removesWhatAKilledRunHasLeftAndNothingThatIsInUse(ApiServer server) throws Exception {
    server.load(namespace("killed", Instant.now().minusSeconds(1)));
    server.load(namespace("running", Instant.now().plusSeconds(60)));
    server.load("{apiVersion: v1, kind: Namespace, metadata: {name: another}}");
    try (KubernetesClient client = client(server)) {
      try (Stage stage = stage(server)) {
        stage.set();
      }
      assertThat(client.namespaces().withName("killed").get()).isNull();
      assertThat(client.namespaces().withName("running").get()).isNotNull();
      assertThat(client.namespaces().withName("another").get()).isNotNull();
      assertThat(said).contains("removed what a run that was killed had left: namespace killed");
    }
  }

  @Test
  void whoMayNotMakeKindsMakesNothing(ApiServer server) throws Exception {
    server
        .faults()
        .inject(
            RequestMatch.verb("create").resource("customresourcedefinitions.apiextensions.k8s.io"),
            Fault.refuse(403, "Forbidden", "not you"));
    try (KubernetesClient client = client(server)) {
      try (Stage stage = stage(server)) {
        assertThatThrownBy(stage::set)
            .isInstanceOf(KubernetesClientException.class)
            .hasMessageContaining("not you");
      }
      assertThat(left(client)).isEmpty();
      assertThat(said).isEmpty();
    }
  }

  @Test
  void whoMayNotMakeNamespacesHasTheKindRemovedAgain(ApiServer server) throws Exception {
    server
        .faults()
        .inject(
            RequestMatch.verb("create").resource("namespaces"),
            Fault.refuse(403, "Forbidden", "not you"));
    try (KubernetesClient client = client(server)) {
      try (Stage stage = stage(server)) {
        assertThatThrownBy(stage::set).isInstanceOf(KubernetesClientException.class);
      }
      assertThat(left(client)).isEmpty();
    }
  }

  @Test
  void tellsWhatCouldNotBeRemoved(ApiServer server) throws Exception {
    Stage stage = stage(server);
    stage.set();
    server
        .faults()
        .inject(
            RequestMatch.verb("delete").resource("namespaces"),
            Fault.refuse(403, "Forbidden", "not you"));
    stage.close();

    assertThat(stage.isClean()).isFalse();
    assertThat(said)
        .anyMatch(line ->
            line.startsWith("could not remove namespace " + stage.namespace())
                && line.endsWith("kubectl delete namespace/" + stage.namespace()));
  }

  @Test
  void aServerThatIsAwayIsToldAtOnce(ApiServer server) throws Exception {
    Config config = Config.fromKubeconfig(server.kubeconfig());
    config.setMasterUrl("http://127.0.0.1:1/");
    try (Stage stage = new Stage(config, said::add)) {
      assertThatThrownBy(stage::set).isInstanceOf(IOException.class);
    }
    assertThat(said).isEmpty();
  }

  private Stage stage(ApiServer server) {
    return new Stage(Config.fromKubeconfig(server.kubeconfig()), said::add);
  }

  private static KubernetesClient client(ApiServer server) {
    return new KubernetesClientBuilder()
        .withConfig(Config.fromKubeconfig(server.kubeconfig()))
        .build();
  }

  private static List<String> left(KubernetesClient client) {
    List<String> left = new ArrayList<>();
    client
        .namespaces()
        .withLabel(LABEL, "sluice-demo")
        .list()
        .getItems()
        .forEach(object -> left.add(object.getMetadata().getName()));
    client
        .apiextensions()
        .v1()
        .customResourceDefinitions()
        .withLabel(LABEL, "sluice-demo")
        .list()
        .getItems()
        .forEach(object -> left.add(object.getMetadata().getName()));
    return left;
  }

  private static String namespace(String name, Instant until) {
    return """
    apiVersion: v1
    kind: Namespace
    metadata:
      name: %s
      labels: {%s: sluice-demo}
      annotations: {demo.sluice.dev/in-use-until: "%s"}
    """
        .formatted(name, LABEL, until);
  }
}
