package dev.sluice.fabric8;

import dev.sluice.flow.Experimental;
import dev.sluice.kube.Transport;
import io.fabric8.kubernetes.client.Config;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientBuilder;

/**
 * Where Sluice meets fabric8.
 *
 * <pre>{@code
 * try (KubernetesClient client = new KubernetesClientBuilder().build();
 *     Transport transport = SluiceFabric8.transport(client)) {
 *   ...
 * }
 * }</pre>
 */
@Experimental
public final class SluiceFabric8 {
  private SluiceFabric8() {}

  /**
   * A transport over a client that the user has: the same addresses, certificates, credentials
   * (exec plugins and the renewal of tokens included), proxies, interceptors and connections.
   *
   * <p>For requests of this transport fabric8's retries are off (a retry is decided in one place,
   * by Sluice), and its request time-out bounds the wait for the head of a response only: a watch
   * may be silent for as long as it likes.
   *
   * <p>Closing the transport aborts its own exchanges and leaves the client as it was; close the
   * client after it.
   *
   * @param client an open client
   */
  public static Transport transport(KubernetesClient client) {
    return new Fabric8Transport(client, () -> {});
  }

  /**
   * A transport with a client of its own, which is closed together with it.
   *
   * @param config where the server is and who is calling; {@code Config.autoConfigure(null)} reads
   *     what {@code kubectl} would read
   * @throws io.fabric8.kubernetes.client.KubernetesClientException if the configuration cannot be
   *     used, a certificate that cannot be read for example
   */
  public static Transport transport(Config config) {
    KubernetesClient client = new KubernetesClientBuilder().withConfig(config).build();
    return new Fabric8Transport(client, client::close);
  }
}
