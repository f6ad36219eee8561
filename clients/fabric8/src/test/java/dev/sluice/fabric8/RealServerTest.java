package dev.sluice.fabric8;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.cluster.RealApiServer;
import dev.sluice.cluster.RealCluster;
import dev.sluice.kube.Transport;
import dev.sluice.kube.Transport.Request;
import dev.sluice.kube.Transport.Response;
import io.fabric8.kubernetes.client.Config;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The transport on the released kube-apiserver. */
@RealApiServer
class RealServerTest extends ServerCases {
  private RealCluster cluster;

  RealServerTest(HttpClients http) {
    super(http);
  }

  @BeforeEach
  void use(RealCluster cluster) {
    this.cluster = cluster;
  }

  @Override
  Config config(String user) {
    return Config.fromKubeconfig(cluster.kubeconfig(user).toFile());
  }

  @Test
  void theClientCertificateOfAKubeconfigIsTaken() throws Exception {
    try (Transport transport = http.transport(config("admin-certificate"));
        Response response =
            transport.send(Request.get("/api/v1/namespaces/kube-system", "application/json"))) {
      assertThat(response.status()).isEqualTo(200);
      assertThat(new String(response.body().readAllBytes(), UTF_8)).contains("kube-system");
    }
  }
}
