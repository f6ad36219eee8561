package dev.sluice.fabric8;

import dev.sluice.flow.Experimental;
import dev.sluice.kube.Codec;
import dev.sluice.kube.Informer;
import dev.sluice.kube.ResourceKind;
import dev.sluice.kube.Transport;
import io.fabric8.kubernetes.api.model.GenericKubernetesResource;
import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.Namespaced;
import io.fabric8.kubernetes.client.Config;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientBuilder;
import io.fabric8.kubernetes.client.KubernetesClientException;
import io.fabric8.kubernetes.client.http.HttpClient;
import io.fabric8.kubernetes.client.http.StandardHttpClientBuilder;
import io.fabric8.kubernetes.client.utils.KubernetesSerialization;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.util.function.BooleanSupplier;

/**
 * Where Sluice meets fabric8: its clients carry Sluice's requests, its classes are what Sluice's
 * informers show.
 *
 * <pre>{@code
 * try (KubernetesClient client = new KubernetesClientBuilder().build();
 *     Informer<Pod> pods = SluiceFabric8.informer(client, Pod.class).namespace("default").start()) {
 *   pods.awaitSynced(Duration.ofSeconds(30));
 *   pods.store().get(ObjectKey.of("default", "web-0")).ifPresent(pod -> pod.getSpec() ...);
 * }
 * }</pre>
 */
@Experimental
public final class SluiceFabric8 {
  private SluiceFabric8() {}

  /**
   * A transport over a client that the user has: the same addresses, certificates, credentials
   * (exec plugins and the renewal of tokens included), proxies and interceptors.
   *
   * <p>A client on fabric8's default HTTP client as it comes lends its settings: requests go over
   * connections of the transport's own, HTTP/1.1 on blocking sockets, each read by the thread that
   * waits for it, at a fraction of the cost. Any other HTTP client, which the user has chosen (a
   * factory of its own, or a subclass of the default one), carries the requests itself.
   *
   * <p>For requests of this transport fabric8's retries are off (a retry is decided in one place,
   * by Sluice), and its request time-out bounds the wait for the head of a response only: a watch
   * may be silent for as long as it likes. Two things are repeated, once, below Sluice: a request
   * answered with 401, with renewed credentials; and, by the JDK's HTTP client if that is the one
   * chosen, a GET whose connection was cut before the response began.
   *
   * <p>If a chosen HTTP client multiplexes streams over one HTTP/2 connection (the JDK's does),
   * streams that nobody reads for a while can hold up its other requests; {@code
   * Config.setHttp2Disable(true)} gives each stream a connection to itself.
   *
   * <p>Closing the transport aborts its own exchanges and leaves the client as it was; close the
   * client after it.
   *
   * @param client an open client
   */
  public static Transport transport(KubernetesClient client) {
    StandardHttpClientBuilder<?, ?, ?> settings = Settings.of(client);
    return settings == null
        ? new Fabric8Transport(client, () -> {})
        : blocking(client.getConfiguration(), settings, client.getHttpClient()::isClosed);
  }

  /**
   * A transport without a client: HTTP/1.1 on blocking sockets, a connection for each exchange that
   * is under way, with fabric8's ways to authenticate.
   *
   * @param config where the server is and who is calling; {@code Config.autoConfigure(null)} reads
   *     what {@code kubectl} would read
   * @throws io.fabric8.kubernetes.client.KubernetesClientException if the configuration cannot be
   *     used, a certificate that cannot be read for example
   */
  public static Transport transport(Config config) {
    return blocking(config, Settings.of(config), () -> false);
  }

  private static Transport blocking(
      Config config, StandardHttpClientBuilder<?, ?, ?> settings, BooleanSupplier closed) {
    String server = config.getMasterUrl();
    Integer timeout = config.getRequestTimeout();
    return new BlockingTransport(
        server.endsWith("/") ? server.substring(0, server.length() - 1) : server,
        timeout == null ? 0 : timeout,
        settings,
        config.getRequestConfig(),
        closed);
  }

  /** A transport over a client of its own, with whatever HTTP client its builder has. */
  static Transport transport(KubernetesClientBuilder builder) {
    KubernetesClient client =
        builder.withHttpClientBuilderConsumer(HttpClient.Builder::preferHttp11).build();
    return new Fabric8Transport(client, client::close);
  }

  /**
   * Decodes objects into fabric8's classes, or into classes of the user's own that follow fabric8's
   * rules for custom resources, with the client's own serialization.
   *
   * <p>Fields that a class does not know are treated as everywhere in fabric8: its own model
   * classes keep them among their additional properties; a custom resource's class refuses them
   * unless it says {@code @JsonIgnoreProperties(ignoreUnknown = true)}. A refused object stays in
   * the store and on the stream, and reading it says which field it was.
   *
   * @param client whose {@link KubernetesClient#getKubernetesSerialization()} to use; it need not
   *     stay open
   * @param type the class of the objects
   */
  public static <T> Codec<T> codec(KubernetesClient client, Class<T> type) {
    KubernetesSerialization serialization = client.getKubernetesSerialization();
    return json -> {
      try {
        return serialization.unmarshal(new ByteArrayInputStream(json), type);
      } catch (KubernetesClientException e) {
        // Its own message is "An error has occurred."
        String why = Failures.rootMessage(e).lines().findFirst().orElse("");
        throw new IOException("not a " + type.getSimpleName() + ": " + why, e);
      }
    };
  }

  /**
   * Group, version, plural and scope of a kind, as fabric8's annotations on its class tell them.
   *
   * @param type one of fabric8's model classes, or a custom resource's class with {@code @Group}
   *     and {@code @Version}
   * @throws IllegalArgumentException if the class does not say which kind it is
   */
  public static ResourceKind kind(Class<? extends HasMetadata> type) {
    String version = HasMetadata.getVersion(type);
    if (version == null || type == GenericKubernetesResource.class) {
      throw new IllegalArgumentException(
          type.getName()
              + " does not say which kind it is: it lacks @Group and @Version. Find the kind with"
              + " dev.sluice.kube.Discovery, or name it with ResourceKind.namespaced(...)");
    }
    String group = HasMetadata.getGroup(type);
    return new ResourceKind(
        group == null ? "" : group,
        version,
        HasMetadata.getPlural(type),
        HasMetadata.getKind(type),
        Namespaced.class.isAssignableFrom(type));
  }

  /**
   * An informer over a client and one of its classes: {@link #transport(KubernetesClient)}, {@link
   * #kind} and {@link #codec} in one.
   *
   * <p>The client must stay open as long as the informer runs.
   */
  public static <T extends HasMetadata> Informer.Builder<T> informer(
      KubernetesClient client, Class<T> type) {
    return Informer.of(transport(client), kind(type), codec(client, type));
  }
}
