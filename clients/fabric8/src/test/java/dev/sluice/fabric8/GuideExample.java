package dev.sluice.fabric8;

import dev.sluice.flow.Rate;
import dev.sluice.flow.RateLimiter;
import dev.sluice.kube.Controller;
import dev.sluice.kube.Informer;
import dev.sluice.kube.ObjectKey;
import dev.sluice.kube.Outcome;
import io.fabric8.kubernetes.api.model.apps.Deployment;
import io.fabric8.kubernetes.client.Config;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientBuilder;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.function.BiConsumer;

/** The code of docs/guides/fabric8.md, to the letter ({@link GuideTest} holds that). */
final class GuideExample {
  private GuideExample() {}

  static void run(
      Config config, String namespace, BiConsumer<ObjectKey, Integer> report, CountDownLatch stop)
      throws Exception {
    try (KubernetesClient client = new KubernetesClientBuilder().withConfig(config).build();
        Informer<Deployment> deployments =
            SluiceFabric8.informer(client, Deployment.class).namespace(namespace).start();
        Controller<Deployment> controller =
            Controller.named("replicas")
                .watching(deployments)
                .limitedBy(RateLimiter.tokenBucket(Rate.perSecond(10), 20))
                .workers(4)
                .reconcile((key, context) -> {
                  int replicas = context.object().map(d -> d.getSpec().getReplicas()).orElse(0);
                  report.accept(key, replicas);
                  return Outcome.done();
                })
                .start()) {
      deployments.awaitSynced(Duration.ofSeconds(30));
      stop.await();
    }
  }
}
