package dev.sluice.cli.demo;

import dev.sluice.cli.ExitCode;
import dev.sluice.cli.Trouble;
import dev.sluice.fabric8.SluiceFabric8;
import dev.sluice.flow.TimeSource;
import dev.sluice.kube.ResourceKind;
import dev.sluice.kube.Transport;
import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.client.Config;
import io.fabric8.kubernetes.client.ConfigBuilder;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientBuilder;
import io.fabric8.kubernetes.client.KubernetesClientException;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Where the demo plays: a namespace and a kind of its own on an API server, and the proxy before
 * it. Both have names that no other run has, and are removed in the end, whatever the end is.
 *
 * <p>A run that was killed leaves them behind. They say of themselves until when they are in use,
 * and the next run removes those whose time is over.
 *
 * <p>Set and closed by one thread; what it gives may be used by any.
 */
final class Stage implements AutoCloseable {
  private static final String MARK = "app.kubernetes.io/managed-by";
  private static final String OWNER = "sluice-demo";
  private static final String IN_USE_UNTIL = "demo.sluice.dev/in-use-until";
  private static final Duration USE = Duration.ofMinutes(5);
  private static final Duration PATIENCE = Duration.ofSeconds(12);
  private static final Duration POLL = Duration.ofMillis(100);

  private final String suffix = suffix();
  private final Config config;
  private final Consumer<String> say;
  private final KubernetesClient client;
  private final Transport direct;
  private final ResourceKind kind =
      ResourceKind.namespaced(suffix + ".demo.sluice.dev", "v1", "gauges", "Gauge");
  private final List<HasMetadata> made = new ArrayList<>();
  private @Nullable Proxy proxy;
  private @Nullable Transport proxied;
  private boolean closed;
  private boolean clean = true;

  /**
   * Prepares it; nothing is made yet.
   *
   * @param config where the server is, and as whom to speak with it
   * @param say where to tell what could not be removed, and what an earlier run had left
   */
  Stage(Config config, Consumer<String> say) {
    this.config = new ConfigBuilder(config).withRequestRetryBackoffLimit(1).build();
    this.say = say;
    this.client = new KubernetesClientBuilder().withConfig(this.config).build();
    this.direct = SluiceFabric8.transport(client);
  }

  /**
   * Makes the kind, the namespace and the proxy. Blocks until the server serves the kind.
   *
   * @throws IOException if the server cannot be reached or the proxy cannot listen
   * @throws KubernetesClientException if the server refuses: no permission, usually
   */
  void set() throws IOException, InterruptedException {
    // Through the transport, which does not retry: a server that is absent is told at once.
    try (Transport.Response version =
        direct.send(Transport.Request.get("/version", "application/json"))) {
      version.body().readAllBytes();
    }
    removeLeftovers();
    make(CRD.formatted(kind, MARK, OWNER, IN_USE_UNTIL, until(), kind.group()));
    make(NAMESPACE.formatted(namespace(), MARK, OWNER, IN_USE_UNTIL, until()));
    awaitServed();
    Proxy started = Proxy.start(direct, TimeSource.system());
    proxy = started;
    proxied =
        SluiceFabric8.transport(
            new ConfigBuilder(Config.empty())
                .withMasterUrl(started.url().toString())
                .withOauthToken(started.token())
                .build());
  }

  /** The kind of the objects. */
  ResourceKind kind() {
    return kind;
  }

  /** The namespace. */
  String namespace() {
    return "sluice-demo-" + suffix;
  }

  /** The server's address. */
  String server() {
    return client.getMasterUrl().toString();
  }

  /** fabric8's client, for what must not go through code of Sluice. */
  KubernetesClient client() {
    return client;
  }

  /** Straight to the server. */
  Transport direct() {
    return direct;
  }

  /** Through the proxy. */
  Transport proxied() {
    Transport transport = proxied;
    if (transport == null) {
      throw new IllegalStateException("the stage is not set");
    }
    return transport;
  }

  /** The proxy. */
  Proxy proxy() {
    Proxy started = proxy;
    if (started == null) {
      throw new IllegalStateException("the stage is not set");
    }
    return started;
  }

  /** Whether {@link #close} could remove everything. */
  boolean isClean() {
    return clean;
  }

  /**
   * Removes everything that {@link #set} made, also when the thread is interrupted, and tells what
   * could not be. Blocks for 12 s at most while the server removes it. Closing twice is harmless.
   */
  @Override
  public void close() {
    if (closed) {
      return;
    }
    closed = true;
    boolean interrupted = Thread.interrupted(); // what was made is removed all the same
    if (proxied != null) {
      proxied.close();
    }
    if (proxy != null) {
      proxy.close();
    }
    interrupted |= remove();
    direct.close();
    client.close();
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  private void make(String yaml) {
    HasMetadata object = client.resource(yaml).item();
    made.add(object); // before it is: an answer that is lost does not mean that it was not made
    try {
      client.resource(object).create();
    } catch (KubernetesClientException e) {
      if (e.getCode() >= 400 && e.getCode() < 500) {
        made.removeLast();
      }
      throw e;
    }
  }

  private void awaitServed() throws IOException, InterruptedException {
    long end = System.nanoTime() + PATIENCE.toNanos();
    int status;
    do {
      try (Transport.Response list =
          direct.send(
              Transport.Request.get(kind.path(namespace()) + "?limit=1", "application/json"))) {
        list.body().readAllBytes();
        status = list.status();
      }
      if (status == 200) {
        return;
      }
      Thread.sleep(POLL);
    } while (System.nanoTime() - end < 0);
    throw new Trouble(
        ExitCode.SERVER,
        "the server does not serve the new kind "
            + kind
            + " "
            + PATIENCE.toSeconds()
            + " s after its definition was created (its last answer was "
            + status
            + "); look at 'kubectl describe crd "
            + kind
            + "'");
  }

  /** Removes what was made; answers whether it was interrupted while it waited. */
  private boolean remove() {
    if (made.isEmpty()) {
      return false;
    }
    boolean interrupted = false;
    long start = System.nanoTime();
    List<HasMetadata> left = new ArrayList<>();
    for (HasMetadata object : made) {
      try {
        client.resource(object).delete();
        left.add(object);
      } catch (KubernetesClientException e) {
        clean = false;
        say.accept(
            "could not remove "
                + name(object)
                + ": "
                + e.getMessage()
                + "; remove it with: kubectl delete "
                + name(object).replace(' ', '/'));
      }
    }
    try {
      while (!left.isEmpty() && System.nanoTime() - start < PATIENCE.toNanos()) {
        left.removeIf(this::isGone);
        if (!left.isEmpty()) {
          Thread.sleep(POLL);
        }
      }
    } catch (InterruptedException e) {
      interrupted = true;
    }
    for (HasMetadata object : left) {
      say.accept(
          "the server has accepted the removal of "
              + name(object)
              + " but has not finished it after "
              + PATIENCE.toSeconds()
              + " s"
              + (object.getKind().equals("Namespace")
                  ? "; is its controller manager running?"
                  : ""));
    }
    if (clean && left.isEmpty()) {
      say.accept(
          String.format(
              Locale.ROOT,
              "removed the namespace %s and the kind %s (%.1f s)",
              namespace(),
              kind,
              (System.nanoTime() - start) / 1e9));
    }
    return interrupted;
  }

  private boolean isGone(HasMetadata object) {
    try {
      return client.resource(object).get() == null;
    } catch (KubernetesClientException e) {
      return false;
    }
  }

  /** What runs that were killed have left. Whoever may not look for it has made none. */
  private void removeLeftovers() {
    List<HasMetadata> found = new ArrayList<>();
    try {
      found.addAll(
          client
              .apiextensions()
              .v1()
              .customResourceDefinitions()
              .withLabel(MARK, OWNER)
              .list()
              .getItems());
      found.addAll(client.namespaces().withLabel(MARK, OWNER).list().getItems());
    } catch (KubernetesClientException e) {
      if (e.getCode() != 403) {
        throw e;
      }
    }
    for (HasMetadata object : found) {
      if (object.getMetadata().getDeletionTimestamp() == null && isExpired(object)) {
        client.resource(object).delete();
        say.accept("removed what a run that was killed had left: " + name(object));
      }
    }
  }

  private static boolean isExpired(HasMetadata object) {
    String until = object.getMetadata().getAnnotations().getOrDefault(IN_USE_UNTIL, "");
    return !until.isEmpty() && Instant.parse(until).isBefore(Instant.now());
  }

  private static String name(HasMetadata object) {
    return (object.getKind().equals("Namespace") ? "namespace " : "crd ")
        + object.getMetadata().getName();
  }

  private static String until() {
    return Instant.now().plus(USE).toString();
  }

  private static String suffix() {
    return Long.toString(ThreadLocalRandom.current().nextLong(1L << 25, 1L << 30), 36)
        .toLowerCase(Locale.ROOT);
  }

  private static final String NAMESPACE =
      """
      apiVersion: v1
      kind: Namespace
      metadata:
        name: %s
        labels: {%s: %s}
        annotations: {%s: "%s"}
      """;

  private static final String CRD =
      """
      apiVersion: apiextensions.k8s.io/v1
      kind: CustomResourceDefinition
      metadata:
        name: %s
        labels: {%s: %s}
        annotations: {%s: "%s"}
      spec:
        group: %s
        scope: Namespaced
        names: {plural: gauges, singular: gauge, kind: Gauge}
        versions:
        - name: v1
          served: true
          storage: true
          subresources: {status: {}}
          schema:
            openAPIV3Schema:
              type: object
              properties:
                spec:
                  type: object
                  properties:
                    level: {type: integer, format: int64}
                    text: {type: string}
                status:
                  type: object
                  properties:
                    observedGeneration: {type: integer, format: int64}
                    level: {type: integer, format: int64}
      """;
}
