package dev.sluice.contract;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.sluice.cluster.Kubectl;
import dev.sluice.cluster.RealCluster;
import dev.sluice.testkit.ApiServer;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.io.TempDir;

/**
 * kubectl drives the embedded server. Tagged so because kubectl is built where the real server is.
 */
@Tag("real")
class EmbeddedKubectlTest extends KubectlSuite {
  private static ApiServer server;
  private static Kubectl kubectl;

  @BeforeAll
  static void start(@TempDir Path directory) {
    assumeTrue(
        RealCluster.whatIsMissing().isEmpty(), () -> RealCluster.whatIsMissing().orElseThrow());
    server = ApiServer.builder().tls(true).start();
    kubectl = Kubectl.with(server.kubeconfig(directory.resolve("kubeconfig")));
  }

  @AfterAll
  static void stop() {
    if (server != null) {
      server.close();
    }
  }

  @Override
  Kubectl server() {
    return kubectl;
  }
}
