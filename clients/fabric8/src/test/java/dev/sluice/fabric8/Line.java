package dev.sluice.fabric8;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.flow.Backoff;
import dev.sluice.kube.Change;
import dev.sluice.kube.Informer;
import dev.sluice.kube.ObjectKey;
import dev.sluice.kube.Resource;
import dev.sluice.kube.ResourceKind;
import dev.sluice.kube.StopCause;
import dev.sluice.kube.Transport;
import io.fabric8.kubernetes.api.model.ConfigMap;
import io.fabric8.kubernetes.api.model.ConfigMapBuilder;
import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.client.Config;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientBuilder;
import io.fabric8.kubernetes.client.KubernetesClientException;
import io.fabric8.kubernetes.client.dsl.base.ResourceDefinitionContext;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.LongAdder;
import java.util.concurrent.locks.LockSupport;
import java.util.function.UnaryOperator;

/**
 * The whole line from a server's socket to a handler: an informer over the transport as users get
 * it, what its handler believes after all it was told, and the server, to compare both with.
 */
final class Line implements AutoCloseable {
  static final ResourceKind CONFIG_MAPS =
      ResourceKind.namespaced("", "v1", "configmaps", "ConfigMap");

  /** A kind that may be taken away and brought back, and its definition. */
  static final ResourceKind WIDGETS =
      ResourceKind.namespaced("line.sluice.dev", "v1", "widgets", "Widget");

  static final String WIDGETS_CRD =
      """
      apiVersion: apiextensions.k8s.io/v1
      kind: CustomResourceDefinition
      metadata: {name: widgets.line.sluice.dev}
      spec:
        group: line.sluice.dev
        scope: Namespaced
        names: {plural: widgets, singular: widget, kind: Widget}
        versions:
          - name: v1
            served: true
            storage: true
            schema:
              openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}
      """;

  static final String NAMESPACE = "default";
  private static final Duration PATIENCE = Duration.ofSeconds(60);

  private final ResourceKind kind;
  private final KubernetesClient server;
  private final Transport transport;
  private final Informer<Resource> informer;
  private final Map<ObjectKey, String> believed = new ConcurrentHashMap<>();
  private final LongAdder told = new LongAdder();

  /**
   * Opens a line.
   *
   * @param server where changes are made and the truth is read
   * @param seen how the informer reaches it, or a replica of it; closed with the line
   */
  Line(
      Config server,
      Transport seen,
      ResourceKind kind,
      UnaryOperator<Informer.Builder<Resource>> settings) {
    this.kind = kind;
    this.server = new KubernetesClientBuilder().withConfig(server).build();
    this.transport = seen;
    this.informer =
        settings
            .apply(
                Informer.of(transport, kind)
                    .namespace(NAMESPACE)
                    .backoff(
                        Backoff.exponential(Duration.ofMillis(10), 1.6, Duration.ofMillis(100)))
                    .onChange(this::tell))
            .start();
  }

  private void tell(Change<Resource> change) {
    told.increment();
    switch (change) {
      case Change.Put<Resource> put -> believed.put(put.key(), identity(put.object()));
      case Change.Deleted<Resource> gone -> believed.remove(gone.key());
    }
  }

  private static String identity(Resource resource) {
    return resource.uid() + "@" + resource.resourceVersion();
  }

  Informer<Resource> informer() {
    return informer;
  }

  KubernetesClient client() {
    return server;
  }

  /** How many changes the handler has been told. */
  long told() {
    return told.sum();
  }

  long stops(StopCause cause) {
    return informer.status().stops().getOrDefault(cause, 0L);
  }

  /** Creates or changes an object. */
  void put(String name, String value) {
    ConfigMap map =
        new ConfigMapBuilder()
            .withNewMetadata()
            .withNamespace(NAMESPACE)
            .withName(name)
            .endMetadata()
            .addToData("value", value)
            .build();
    var existing = server.configMaps().inNamespace(NAMESPACE).withName(name);
    if (existing.get() == null) {
      server.resource(map).create();
    } else {
      server.resource(map).update();
    }
  }

  void delete(String name) {
    server.configMaps().inNamespace(NAMESPACE).withName(name).delete();
  }

  private Map<ObjectKey, String> onTheServer() {
    Map<ObjectKey, String> objects = new HashMap<>();
    var context =
        new ResourceDefinitionContext.Builder()
            .withGroup(kind.group())
            .withVersion(kind.version())
            .withPlural(kind.plural())
            .withKind(kind.kind())
            .withNamespaced(true)
            .build();
    var listed = server.genericKubernetesResources(context).inNamespace(NAMESPACE);
    List<? extends HasMetadata> items;
    try {
      items = listed.list().getItems();
    } catch (KubernetesClientException e) {
      // A connection that the test has dropped was this client's; it may not have noticed yet.
      items = listed.list().getItems();
    }
    for (HasMetadata object : items) {
      objects.put(
          ObjectKey.of(NAMESPACE, object.getMetadata().getName()),
          object.getMetadata().getUid() + "@" + object.getMetadata().getResourceVersion());
    }
    return objects;
  }

  private Map<ObjectKey, String> stored() {
    Map<ObjectKey, String> objects = new HashMap<>();
    informer
        .store()
        .snapshot()
        .resources()
        .forEach(resource -> objects.put(resource.key(), identity(resource)));
    return objects;
  }

  /** Waits until the store and the handler agree with the server. */
  void agrees() {
    Map<ObjectKey, String> truth = onTheServer();
    until(() -> {
      assertThat(stored()).as(informer::explain).isEqualTo(truth);
      assertThat(believed).as(informer::explain).isEqualTo(truth);
    });
  }

  /** Waits until events are read and everything so far has arrived. */
  void flows() {
    until(() -> assertThat(informer.status().anchor()).isPresent());
    agrees();
  }

  static void until(Runnable assertion) {
    until(assertion, PATIENCE);
  }

  static void until(Runnable assertion, Duration patience) {
    long deadline = System.nanoTime() + patience.toNanos();
    while (true) {
      try {
        assertion.run();
        return;
      } catch (AssertionError e) {
        if (System.nanoTime() - deadline > 0) {
          throw e;
        }
        LockSupport.parkNanos(5_000_000);
      }
    }
  }

  @Override
  public void close() {
    informer.close();
    transport.close();
    server.close();
  }
}
