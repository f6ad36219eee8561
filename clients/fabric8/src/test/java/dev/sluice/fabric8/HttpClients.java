package dev.sluice.fabric8;

import dev.sluice.kube.Transport;
import io.fabric8.kubernetes.client.Config;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientBuilder;
import io.fabric8.kubernetes.client.http.HttpClient;
import io.fabric8.kubernetes.client.jdkhttp.JdkHttpClientFactory;
import io.fabric8.kubernetes.client.vertx5.Vertx5HttpClientFactory;

/** The HTTP clients that fabric8 8.0 offers and that the transport is tested with. */
enum HttpClients {
  /** The one that comes with fabric8 when nobody chooses. */
  VERTX_5(new Vertx5HttpClientFactory()),
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
