package dev.sluice.fabric8;

import dev.sluice.cluster.RealApiServer;
import dev.sluice.cluster.RealCluster;
import io.fabric8.kubernetes.client.Config;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientBuilder;
import java.io.ByteArrayInputStream;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.BeforeAll;

/** On the released kube-apiserver. */
@RealApiServer
class RealOperatorTest extends OperatorCases {
  private static Config config;

  @BeforeAll
  static void define(RealCluster cluster) {
    config = Config.fromKubeconfig(cluster.kubeconfig().toFile());
    try (KubernetesClient client = new KubernetesClientBuilder().withConfig(config).build()) {
      client
          .load(new ByteArrayInputStream(GADGETS_CRD.getBytes(StandardCharsets.UTF_8)))
          .serverSideApply();
      Line.until(() -> {
        try {
          client.genericKubernetesResources("operator.sluice.dev/v1", "Gadget").list();
        } catch (RuntimeException e) {
          throw new AssertionError("not served yet", e);
        }
      });
    }
  }

  @Override
  Config config() {
    return config;
  }
}
