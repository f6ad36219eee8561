package dev.sluice.fabric8;

import dev.sluice.kube.Change;
import dev.sluice.kube.Informer;
import dev.sluice.kube.Informers;
import dev.sluice.kube.ObjectKey;
import dev.sluice.kube.Transport;
import io.fabric8.kubernetes.api.model.ConfigMap;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.informers.ResourceEventHandler;
import io.fabric8.kubernetes.client.informers.SharedIndexInformer;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.function.BiConsumer;

/**
 * The code of docs/guides/from-fabric8-informer.md, to the letter ({@link GuideTest} holds that).
 */
final class MigrationExample {
  private MigrationExample() {}

  static void before(
      KubernetesClient client,
      String namespace,
      BiConsumer<String, String> report,
      CountDownLatch stop)
      throws Exception {
    try (SharedIndexInformer<ConfigMap> informer =
        client
            .configMaps()
            .inNamespace(namespace)
            .inform(
                new ResourceEventHandler<ConfigMap>() {
                  @Override
                  public void onAdd(ConfigMap map) {
                    report.accept("added", map.getMetadata().getName());
                  }

                  @Override
                  public void onUpdate(ConfigMap old, ConfigMap map) {
                    report.accept("changed", map.getMetadata().getName());
                  }

                  @Override
                  public void onDelete(ConfigMap map, boolean unknown) {
                    report.accept("deleted", map.getMetadata().getName());
                  }
                })) {
      ConfigMap settings = informer.getStore().getByKey(namespace + "/settings");
      report.accept("settings", settings == null ? "none" : settings.getData().get("value"));
      stop.await();
    }
  }

  static void after(
      KubernetesClient client,
      String namespace,
      BiConsumer<String, String> report,
      CountDownLatch stop)
      throws Exception {
    try (Informer<ConfigMap> informer =
        SluiceFabric8.informer(client, ConfigMap.class)
            .namespace(namespace)
            .onChange(change -> {
              switch (change) {
                case Change.Put<ConfigMap> put ->
                    report.accept(put.first() ? "added" : "changed", put.key().name());
                case Change.Deleted<ConfigMap> gone -> report.accept("deleted", gone.key().name());
              }
            })
            .start()) {
      informer.awaitSynced(Duration.ofSeconds(30));
      String settings =
          informer
              .store()
              .get(ObjectKey.of(namespace, "settings"))
              .map(map -> map.getData().get("value"))
              .orElse("none");
      report.accept("settings", settings);
      stop.await();
    }
  }

  static void shared(
      KubernetesClient client, List<String> namespaces, BiConsumer<String, String> report)
      throws Exception {
    try (Transport transport = SluiceFabric8.transport(client);
        Informers informers = Informers.over(transport);
        Informer<ConfigMap> one =
            informers
                .of(
                    SluiceFabric8.kind(ConfigMap.class),
                    SluiceFabric8.codec(client, ConfigMap.class))
                .namespaces(namespaces)
                .onChange(change -> report.accept("one", change.key().toString()))
                .start();
        Informer<ConfigMap> two =
            informers
                .of(
                    SluiceFabric8.kind(ConfigMap.class),
                    SluiceFabric8.codec(client, ConfigMap.class))
                .namespaces(namespaces)
                .onChange(change -> report.accept("two", change.key().toString()))
                .start()) {
      one.awaitSynced(Duration.ofSeconds(30));
      two.awaitSynced(Duration.ofSeconds(30));
      report.accept("streams", Integer.toString(informers.streams()));
    }
  }
}
