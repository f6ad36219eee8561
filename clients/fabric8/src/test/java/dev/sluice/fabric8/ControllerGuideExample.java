package dev.sluice.fabric8;

import dev.sluice.kube.Context;
import dev.sluice.kube.Controller;
import dev.sluice.kube.Informer;
import dev.sluice.kube.ObjectKey;
import dev.sluice.kube.Outcome;
import dev.sluice.kube.ResourceKind;
import dev.sluice.kube.Transport;
import dev.sluice.kube.Writer;
import io.fabric8.kubernetes.api.model.Namespaced;
import io.fabric8.kubernetes.client.Config;
import io.fabric8.kubernetes.client.CustomResource;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientBuilder;
import io.fabric8.kubernetes.model.annotation.Group;
import io.fabric8.kubernetes.model.annotation.Version;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
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
}
