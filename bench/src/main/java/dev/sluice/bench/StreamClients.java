package dev.sluice.bench;

import dev.sluice.fabric8.SluiceFabric8;
import dev.sluice.kube.Change;
import dev.sluice.kube.Informer;
import dev.sluice.kube.ObjectKey;
import dev.sluice.kube.Resource;
import dev.sluice.kube.ResourceKind;
import dev.sluice.kube.StoreStats;
import dev.sluice.kube.Transport;
import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.client.Config;
import io.fabric8.kubernetes.client.ConfigBuilder;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientBuilder;
import io.fabric8.kubernetes.client.dsl.base.ResourceDefinitionContext;
import io.fabric8.kubernetes.client.informers.ResourceEventHandler;
import io.fabric8.kubernetes.client.informers.SharedIndexInformer;
import io.kubernetes.client.common.KubernetesObject;
import io.kubernetes.client.informer.SharedInformerFactory;
import io.kubernetes.client.openapi.ApiClient;
import io.kubernetes.client.openapi.apis.CoreV1Api;
import io.kubernetes.client.openapi.models.V1ObjectMeta;
import io.kubernetes.client.openapi.models.V1Pod;
import io.kubernetes.client.openapi.models.V1PodList;
import io.kubernetes.client.util.ClientBuilder;
import io.kubernetes.client.util.credentials.AccessTokenAuthentication;
import io.kubernetes.client.util.generic.dynamic.DynamicKubernetesApi;
import io.kubernetes.client.util.generic.dynamic.DynamicKubernetesObject;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The informers in Java, each set up as its documentation does. */
final class StreamClients {
  /** After which objects are packed. By default it is longer; the CPU is the same. */
  private static final Duration REST = Duration.ofSeconds(5);

  private StreamClients() {}

  private static Config fabric8Config(StreamClient.Server server) {
    ConfigBuilder config =
        new ConfigBuilder(Config.empty())
            .withMasterUrl(server.url())
            .withOnlyHttpWatches(true); // the replay has no web sockets
    if (!server.certificate().isEmpty()) {
      config.withCaCertFile(server.certificate());
    }
    if (!server.token().isEmpty()) {
      config.withOauthToken(server.token());
    }
    return config.build();
  }

  static StreamClient sluice(StreamClient.Server server, StreamClient.Handler handler) {
    StreamLoad load = server.load();
    ResourceKind kind = ResourceKind.namespaced(load.group, load.version, load.plural, load.kind);
    Transport transport = SluiceFabric8.transport(fabric8Config(server));
    Informer<Resource> informer =
        Informer.of(transport, kind)
            .compressAfter(REST)
            .onChange(change -> {
              if (handler.count() && change instanceof Change.Put<Resource> put) {
                Resource resource = put.resource();
                handler.arrived(
                    handler.isStamped()
                        ? resource.annotations().get(StreamReal.WRITTEN)
                        : resource.resourceVersion());
              }
            })
            .start();
    return new StreamClient() {
      private int packed = -1;
      private long packedAt;

      @Override
      public @Nullable String version(String namespace, String name) {
        return informer
            .store()
            .resource(ObjectKey.of(namespace, name))
            .map(Resource::resourceVersion)
            .orElse(null);
      }

      @Override
      public boolean atRest() {
        StoreStats stats = informer.store().stats();
        if (stats.packed() != packed) {
          packed = stats.packed();
          packedAt = System.nanoTime();
        }
        // Some may not be worth packing.
        return stats.packing().startsWith("off")
            || packed >= stats.objects()
            || System.nanoTime() - packedAt > 3 * REST.toNanos();
      }

      @Override
      public void close() throws Exception {
        informer.close();
        transport.close();
      }
    };
  }

  static StreamClient fabric8(StreamClient.Server server, StreamClient.Handler handler) {
    StreamLoad load = server.load();
    KubernetesClient client =
        new KubernetesClientBuilder().withConfig(fabric8Config(server)).build();
    return load == StreamLoad.PODS
        ? fabric8(client, client.pods().inAnyNamespace().inform(counting(handler)))
        : fabric8(
            client,
            client
                .genericKubernetesResources(
                    new ResourceDefinitionContext.Builder()
                        .withGroup(load.group)
                        .withVersion(load.version)
                        .withPlural(load.plural)
                        .withKind(load.kind)
                        .withNamespaced(true)
                        .build())
                .inAnyNamespace()
                .inform(counting(handler)));
  }

  private static <T extends HasMetadata> ResourceEventHandler<T> counting(
      StreamClient.Handler handler) {
    return new ResourceEventHandler<>() {
      @Override
      public void onAdd(T object) {
        handler.count();
      }

      @Override
      public void onUpdate(T object, T newer) {
        if (handler.count()) {
          handler.arrived(
              handler.isStamped()
                  ? newer.getMetadata().getAnnotations().get(StreamReal.WRITTEN)
                  : newer.getMetadata().getResourceVersion());
        }
      }

      @Override
      public void onDelete(T object, boolean unknown) {
        handler.count();
      }
    };
  }

  private static <T extends HasMetadata> StreamClient fabric8(
      KubernetesClient client, SharedIndexInformer<T> informer) {
    return new StreamClient() {
      @Override
      public @Nullable String version(String namespace, String name) {
        T object = informer.getIndexer().getByKey(namespace + "/" + name);
        return object == null ? null : object.getMetadata().getResourceVersion();
      }

      @Override
      public void close() {
        informer.close();
        client.close();
      }
    };
  }

  static StreamClient official(StreamClient.Server server, StreamClient.Handler handler)
      throws Exception {
    StreamLoad load = server.load();
    ClientBuilder builder = new ClientBuilder().setBasePath(server.url());
    if (!server.certificate().isEmpty()) {
      builder.setCertificateAuthority(Files.readAllBytes(Path.of(server.certificate())));
    }
    if (!server.token().isEmpty()) {
      builder.setAuthentication(new AccessTokenAuthentication(server.token()));
    }
    ApiClient client = builder.build().setReadTimeout(0);
    SharedInformerFactory factory = new SharedInformerFactory(client);
    if (load == StreamLoad.PODS) {
      CoreV1Api api = new CoreV1Api(client);
      return official(
          client,
          factory,
          factory.sharedIndexInformerFor(
              parameters ->
                  api.listPodForAllNamespaces()
                      .resourceVersion(parameters.resourceVersion)
                      .timeoutSeconds(parameters.timeoutSeconds)
                      .watch(parameters.watch)
                      .buildCall(null),
              V1Pod.class,
              V1PodList.class),
          handler);
    }
    return official(
        client,
        factory,
        factory.sharedIndexInformerFor(
            new DynamicKubernetesApi(load.group, load.version, load.plural, client),
            DynamicKubernetesObject.class,
            Duration.ZERO.toMillis()),
        handler);
  }

  private static <T extends KubernetesObject> StreamClient official(
      ApiClient client,
      SharedInformerFactory factory,
      io.kubernetes.client.informer.SharedIndexInformer<T> informer,
      StreamClient.Handler handler) {
    informer.addEventHandler(
        new io.kubernetes.client.informer.ResourceEventHandler<>() {
          @Override
          public void onAdd(T object) {
            handler.count();
          }

          @Override
          public void onUpdate(T object, T newer) {
            if (handler.count()) {
              V1ObjectMeta metadata = newer.getMetadata();
              Map<String, String> annotations = metadata.getAnnotations();
              handler.arrived(
                  !handler.isStamped()
                      ? metadata.getResourceVersion()
                      : annotations == null ? null : annotations.get(StreamReal.WRITTEN));
            }
          }

          @Override
          public void onDelete(T object, boolean unknown) {
            handler.count();
          }
        });
    factory.startAllRegisteredInformers();
    return new StreamClient() {
      @Override
      public @Nullable String version(String namespace, String name) {
        T object = informer.getIndexer().getByKey(namespace + "/" + name);
        return object == null ? null : object.getMetadata().getResourceVersion();
      }

      @Override
      public void close() {
        factory.stopAllRegisteredInformers(true);
        client.getHttpClient().dispatcher().executorService().shutdownNow();
        client.getHttpClient().connectionPool().evictAll();
      }
    };
  }
}
