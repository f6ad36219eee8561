package dev.sluice.fabric8;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.kube.Codec;
import dev.sluice.kube.ResourceKind;
import io.fabric8.kubernetes.api.model.GenericKubernetesResource;
import io.fabric8.kubernetes.api.model.Namespaced;
import io.fabric8.kubernetes.api.model.Node;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.apps.Deployment;
import io.fabric8.kubernetes.client.Config;
import io.fabric8.kubernetes.client.ConfigBuilder;
import io.fabric8.kubernetes.client.CustomResource;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientBuilder;
import io.fabric8.kubernetes.model.annotation.Group;
import io.fabric8.kubernetes.model.annotation.Plural;
import io.fabric8.kubernetes.model.annotation.Version;
import java.io.IOException;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;

class SluiceFabric8Test {
  /** Never asked for anything. */
  private static final KubernetesClient CLIENT =
      new KubernetesClientBuilder()
          .withConfig(new ConfigBuilder(Config.empty()).withMasterUrl("http://127.0.0.1:1").build())
          .build();

  @AfterAll
  static void closeTheClient() {
    CLIENT.close();
  }

  @Group("example.com")
  @Version("v1beta1")
  @Plural("sluicegates")
  static class SluiceGate extends CustomResource<Map<String, Object>, Void> implements Namespaced {}

  static class Undescribed extends CustomResource<Void, Void> {}

  @Test
  void tellsTheKindOfFabric8sClasses() {
    assertThat(SluiceFabric8.kind(Pod.class))
        .isEqualTo(ResourceKind.namespaced("", "v1", "pods", "Pod"));
    assertThat(SluiceFabric8.kind(Deployment.class))
        .isEqualTo(ResourceKind.namespaced("apps", "v1", "deployments", "Deployment"));
    assertThat(SluiceFabric8.kind(Node.class))
        .isEqualTo(ResourceKind.clusterScoped("", "v1", "nodes", "Node"));
  }

  @Test
  void tellsTheKindOfACustomResourcesClass() {
    assertThat(SluiceFabric8.kind(SluiceGate.class))
        .isEqualTo(ResourceKind.namespaced("example.com", "v1beta1", "sluicegates", "SluiceGate"));
  }

  @Test
  void aClassThatDoesNotSayItsKindIsRefusedWithWhatToDo() {
    assertThatThrownBy(() -> SluiceFabric8.kind(Undescribed.class))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("Undescribed")
        .hasMessageContaining("@Group and @Version");
    assertThatThrownBy(() -> SluiceFabric8.kind(GenericKubernetesResource.class))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("Discovery");
  }

  @Test
  void decodesIntoFabric8sClassesWhateverTheLanguageOfTheText() throws Exception {
    Pod pod =
        SluiceFabric8.codec(CLIENT, Pod.class)
            .decode(
                """
                {"kind":"Pod","apiVersion":"v1","metadata":{"name":"web-0","labels":{"city":"Zürich 東京"}},
                 "spec":{"nodeName":"n1","invented":{"a":[1]}}}\
                """
                    .getBytes(UTF_8));
    assertThat(pod.getMetadata().getLabels()).containsEntry("city", "Zürich 東京");
    assertThat(pod.getSpec().getNodeName()).isEqualTo("n1");
    assertThat(pod.getSpec().getAdditionalProperties()).containsKey("invented");
  }

  @Test
  void decodesIntoACustomResourcesClass() throws Exception {
    SluiceGate gate =
        SluiceFabric8.codec(CLIENT, SluiceGate.class)
            .decode("{\"metadata\":{\"name\":\"g\"},\"spec\":{\"height\":3}}".getBytes(UTF_8));
    assertThat(gate.getSpec()).containsEntry("height", 3);
  }

  @Test
  void aFieldThatACustomResourcesClassDoesNotKnowIsNamed() {
    Codec<SluiceGate> codec = SluiceFabric8.codec(CLIENT, SluiceGate.class);
    assertThatThrownBy(
            () -> codec.decode("{\"metadata\":{\"name\":\"g\"},\"later\":true}".getBytes(UTF_8)))
        .isInstanceOf(IOException.class)
        .hasMessageStartingWith("not a SluiceGate: ")
        .hasMessageContaining("\"later\"");
  }

  @Test
  void bytesThatAreNoSuchObjectAreAnErrorThatSaysWhy() {
    Codec<Pod> codec = SluiceFabric8.codec(CLIENT, Pod.class);
    assertThatThrownBy(() -> codec.decode("{\"metadata\":\"none\"}".getBytes(UTF_8)))
        .isInstanceOf(IOException.class)
        .hasMessageStartingWith("not a Pod: ")
        .hasMessageContaining("'none'");
    assertThatThrownBy(() -> codec.decode("{\"metadata\":{\"na".getBytes(UTF_8)))
        .isInstanceOf(IOException.class)
        .hasMessageStartingWith("not a Pod: ");
  }
}
