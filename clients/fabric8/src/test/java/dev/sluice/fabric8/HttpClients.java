package dev.sluice.fabric8;

import dev.sluice.kube.Transport;
import io.fabric8.kubernetes.client.Config;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientBuilder;
import io.fabric8.kubernetes.client.http.HttpClient;
import io.fabric8.kubernetes.client.jdkhttp.JdkHttpClientFactory;
import io.fabric8.kubernetes.client.vertx5.Vertx5HttpClientFactory;

/**
 * The HTTP clients that the transport is tested with: its own, and those that fabric8 8.0 offers.
 */
enum HttpClients {
  /** When nobody chooses. */
  BLOCKING(new Vertx5HttpClientFactory()) {
    @Override
    Transport transport(Config config) {
      return SluiceFabric8.transport(config);
    }
  },
  /** fabric8's default one, but with options of the user's own, perhaps. */
  VERTX_5(new Vertx5HttpClientFactory() {}),
  JDK(new JdkHttpClientFactory());

  private final HttpClient.Factory factory;

  HttpClients(HttpClient.Factory factory) {
    this.factory = factory;
  }

  KubernetesClient client(Config config) {
    return builder(config).build();
  }

  /** As {@link SluiceFabric8#transport(Config)}, with this HTTP client. */
  Transport transport(Config config) {
    return SluiceFabric8.transport(builder(config));
  }

  private KubernetesClientBuilder builder(Config config) {
    return new KubernetesClientBuilder().withConfig(config).withHttpClientFactory(factory);
  }
}
