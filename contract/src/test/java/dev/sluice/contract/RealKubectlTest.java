package dev.sluice.contract;

import dev.sluice.cluster.Kubectl;
import dev.sluice.cluster.RealApiServer;
import dev.sluice.cluster.RealCluster;

/** The same on the real server: what is asked of the embedded one is true. */
@RealApiServer
class RealKubectlTest extends KubectlSuite {
  private final Kubectl kubectl;

  RealKubectlTest(RealCluster cluster) {
    kubectl = Kubectl.with(cluster.kubeconfig());
  }

  @Override
  Kubectl server() {
    return kubectl;
  }
}
