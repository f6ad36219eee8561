package dev.sluice.cli;

import io.fabric8.kubernetes.client.Config;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientBuilder;
import java.nio.file.Files;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/**
 * Which cluster, and as whom: a mixin for the subcommands that speak with one.
 *
 * <pre>{@code
 * @Mixin private ClusterOptions cluster = new ClusterOptions();
 * ...
 * try (KubernetesClient client = cluster.client()) { ... }
 * }</pre>
 */
public final class ClusterOptions {
  @Option(
      names = "--kubeconfig",
      paramLabel = "FILE",
      description =
          "The kubeconfig. Without it: $KUBECONFIG, ~/.kube/config, or the service account of the"
              + " pod this runs in.")
  private @Nullable Path kubeconfig;

  @Option(
      names = "--context",
      paramLabel = "NAME",
      description = "The context of the kubeconfig to use, instead of its current one.")
  private @Nullable String context;

  private String origin = "";

  /** Whether a kubeconfig or a context was named on the command line. */
  public boolean given() {
    return kubeconfig != null || context != null;
  }

  /**
   * What the kubeconfig says.
   *
   * @throws Trouble if it is missing or cannot be used
   */
  public Config config() {
    Path file = kubeconfig;
    if (file == null) {
      return Config.autoConfigure(context);
    }
    if (!Files.isReadable(file)) {
      throw new Trouble(
          ExitCode.KUBECONFIG,
          "there is no readable kubeconfig at "
              + file
              + "; check the path given with --kubeconfig");
    }
    origin = " in " + file;
    return Config.fromKubeconfig(context, file.toFile());
  }

  /**
   * A client for it, which the caller closes.
   *
   * @throws Trouble if the kubeconfig is missing or cannot be used
   */
  public KubernetesClient client() {
    return new KubernetesClientBuilder().withConfig(config()).build();
  }

  /**
   * Where the configuration came from, to stand in a sentence: " in FILE"; empty before it was
   * read.
   */
  String origin() {
    return origin;
  }
}
