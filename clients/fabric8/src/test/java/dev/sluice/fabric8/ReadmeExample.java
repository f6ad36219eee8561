package dev.sluice.fabric8;

import dev.sluice.flow.Gate;
import dev.sluice.flow.Rate;
import dev.sluice.flow.RateLimiter;
import dev.sluice.kube.Controller;
import dev.sluice.kube.Discovery;
import dev.sluice.kube.Informer;
import dev.sluice.kube.Outcome;
import dev.sluice.kube.Resource;
import dev.sluice.kube.Transport;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientBuilder;

/** The code of the README, to the letter ({@link GuideTest} holds that). */
final class ReadmeExample {
  private ReadmeExample() {}

  static void kube() throws Exception {
    try (KubernetesClient client = new KubernetesClientBuilder().build();
        Transport transport = SluiceFabric8.transport(client);
        Informer<Resource> pods =
            Informer.of(transport, Discovery.over(transport).resolve("pods"))
                .gate(Gate.coalesce()) // a slow consumer gets the latest state, not a backlog
                .start();
        Controller<Resource> controller =
            Controller.named("pods")
                .watching(pods)
                .limitedBy(RateLimiter.tokenBucket(Rate.perSecond(50), 100))
                .workers(8)
                .reconcile((key, context) -> {
                  System.out.println(key + " is at " + pods.store().resource(key));
                  return Outcome.done();
                })
                .start()) {
      Thread.currentThread().join();
    }
  }

  static void flow() throws InterruptedException {
    RateLimiter limiter = RateLimiter.tokenBucket(Rate.perSecond(10), 20);
    limiter.acquire(); // waits its turn; virtual or platform thread
  }
}
