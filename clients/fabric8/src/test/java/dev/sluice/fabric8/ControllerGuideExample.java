package dev.sluice.fabric8;

import dev.sluice.kube.ChangeFilter;
import dev.sluice.kube.Context;
import dev.sluice.kube.Controller;
import dev.sluice.kube.Finalizer;
import dev.sluice.kube.Informer;
import dev.sluice.kube.LeaderElection;
import dev.sluice.kube.ObjectKey;
import dev.sluice.kube.Outcome;
import dev.sluice.kube.ResourceKind;
import dev.sluice.kube.StatusWriter;
import dev.sluice.kube.StatusWriter.Truth;
import dev.sluice.kube.Transport;
import dev.sluice.kube.WriteResult;
import dev.sluice.kube.Writer;
import io.fabric8.kubernetes.api.model.Condition;
import io.fabric8.kubernetes.api.model.ConfigMap;
import io.fabric8.kubernetes.api.model.ConfigMapBuilder;
import io.fabric8.kubernetes.api.model.Namespaced;
import io.fabric8.kubernetes.api.model.OwnerReferenceBuilder;
import io.fabric8.kubernetes.client.Config;
import io.fabric8.kubernetes.client.CustomResource;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientBuilder;
import io.fabric8.kubernetes.client.utils.Serialization;
import io.fabric8.kubernetes.model.annotation.Group;
import io.fabric8.kubernetes.model.annotation.Version;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.CountDownLatch;

/** The code of docs/guides/controller.md, to the letter ({@link GuideTest} holds that). */
final class ControllerGuideExample {
  private ControllerGuideExample() {}

  @Group("example.com")
  @Version("v1")
  public static final class Widget extends CustomResource<Size, Size> implements Namespaced {
    private static final long serialVersionUID = 1L;
  }

  public static final class Size {
    public int size;
  }

  static Outcome reconcile(ResourceKind kind, ObjectKey key, Context<Widget> context, Writer writer)
      throws IOException, InterruptedException {
    Widget widget = context.object().orElse(null);
    if (widget == null) {
      return Outcome.done(); // gone: nothing of ours is left to clear away
    }
    int wanted = widget.getSpec().size;
    if (widget.getStatus() != null && widget.getStatus().size == wanted) {
      return Outcome.done(); // our own write comes back as a change: this is where it ends
    }
    String patch = "{\"status\":{\"size\":" + wanted + "}}";
    return writer.patchStatus(kind, key, patch.getBytes(StandardCharsets.UTF_8)).outcome();
  }

  static void run(Config config, CountDownLatch stop) throws Exception {
    try (KubernetesClient client = new KubernetesClientBuilder().withConfig(config).build();
        Transport transport = SluiceFabric8.transport(client);
        Informer<Widget> widgets = SluiceFabric8.informer(client, Widget.class).start()) {
      Writer writer = Writer.over(transport).build();
      try (Controller<Widget> controller =
          Controller.named("widgets")
              .watching(widgets)
              .workers(4)
              .reconcile((key, context) -> reconcile(widgets.kind(), key, context, writer))
              .start()) {
        stop.await();
      }
    }
  }

  @Group("example.com")
  @Version("v1")
  public static final class Gadget extends CustomResource<Size, GadgetStatus>
      implements Namespaced {
    private static final long serialVersionUID = 1L;
  }

  public static final class GadgetStatus {
    public int size;
    public long observedGeneration;
    public List<Condition> conditions = List.of();
  }

  static Controller<Gadget> gadgets(
      Informer<Gadget> gadgets, Informer<ConfigMap> maps, Writer writer) {
    StatusWriter status = StatusWriter.over(writer, gadgets.kind());
    return Controller.named("gadgets")
        .watching(gadgets)
        .filteredBy(ChangeFilter.generation())
        .owning(maps)
        .reconcile(
            Finalizer.named("example.com/gadgets")
                .over(writer, gadgets.kind())
                .around(
                    (key, context) -> build(key, context, maps, writer, status),
                    (key, context) -> Outcome.done() /* clear away what is outside Kubernetes */))
        .start();
  }

  static Outcome build(
      ObjectKey key,
      Context<Gadget> context,
      Informer<ConfigMap> maps,
      Writer writer,
      StatusWriter status)
      throws IOException, InterruptedException {
    Gadget gadget = context.object().orElse(null);
    if (gadget == null) {
      return Outcome.done();
    }
    ConfigMap wanted = mapOf(gadget);
    ConfigMap map = maps.store().get(key).orElse(null);
    if (map == null || !wanted.getData().equals(map.getData())) {
      byte[] json = Serialization.asJson(wanted).getBytes(StandardCharsets.UTF_8);
      WriteResult made =
          map == null
              ? writer.create(maps.kind(), key.namespace(), json)
              : writer.update(maps.kind(), key, json);
      if (!(made instanceof WriteResult.Written)) {
        return made.outcome();
      }
    }
    return status
        .write(
            context,
            draft ->
                draft
                    .set("size", gadget.getSpec().size)
                    .condition("Ready", Truth.TRUE, "MapMade", "its config map is there"))
        .outcome();
  }

  static ConfigMap mapOf(Gadget gadget) {
    return new ConfigMapBuilder()
        .withNewMetadata()
        .withNamespace(gadget.getMetadata().getNamespace())
        .withName(gadget.getMetadata().getName())
        .addToOwnerReferences(
            new OwnerReferenceBuilder()
                .withApiVersion(gadget.getApiVersion())
                .withKind(gadget.getKind())
                .withName(gadget.getMetadata().getName())
                .withUid(gadget.getMetadata().getUid())
                .withController(true)
                .build())
        .endMetadata()
        .addToData("size", Integer.toString(gadget.getSpec().size))
        .build();
  }

  static void operate(Config config, CountDownLatch stop) throws Exception {
    try (KubernetesClient client = new KubernetesClientBuilder().withConfig(config).build();
        Transport transport = SluiceFabric8.transport(client);
        Informer<Gadget> gadgets = SluiceFabric8.informer(client, Gadget.class).start();
        Informer<ConfigMap> maps = SluiceFabric8.informer(client, ConfigMap.class).start();
        LeaderElection election =
            LeaderElection.over(transport)
                .lease("default", "gadgets")
                .whileLeading(leadership -> {
                  Writer writer =
                      Writer.over(leadership.guard(transport))
                          .readYourWrites(gadgets, maps)
                          .build();
                  return gadgets(gadgets, maps, writer);
                })
                .start()) {
      stop.await();
    }
  }
}
