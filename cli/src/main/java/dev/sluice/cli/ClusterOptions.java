package dev.sluice.cli;

import dev.sluice.fabric8.SluiceFabric8;
import dev.sluice.kube.Transport;
import io.fabric8.kubernetes.client.Config;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientBuilder;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/**
 * Which cluster, and as whom: a mixin for the subcommands that speak with one.
 *
 * <pre>{@code
 * @Mixin private ClusterOptions cluster = new ClusterOptions();
 * ...
 * try (Transport transport = cluster.transport()) { ... }
 * }</pre>
 *
 * Used by one thread.
 */
public final class ClusterOptions {
  /** As long as an API server itself may take, less would give up lists that are on their way. */
  private static final int REQUEST_TIMEOUT_MILLIS = 60_000;

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

  private @Nullable Kubeconfig found;

  /** Whether a kubeconfig or a context was named on the command line. */
  public boolean given() {
    return kubeconfig != null || context != null;
  }

  private Kubeconfig found() {
    Kubeconfig read = found;
    if (read == null) {
      read =
          Kubeconfig.find(
              kubeconfig, context, System.getenv(), Path.of(System.getProperty("user.home", "/")));
      read.config().setRequestTimeout(REQUEST_TIMEOUT_MILLIS);
      found = read;
    }
    return read;
  }

  /**
   * What the kubeconfig says. Read once.
   *
   * @throws Trouble if it is missing or cannot be used
   */
  public Config config() {
    return found().config();
  }

  /**
   * The namespace that the context names, else {@code default}.
   *
   * @throws Trouble if the kubeconfig is missing or cannot be used
   */
  public String namespace() {
    String namespace = config().getNamespace();
    return namespace == null || namespace.isBlank() ? "default" : namespace;
  }

  /**
   * A client for it, which the caller closes.
   *
   * @throws Trouble if the kubeconfig is missing or cannot be used
   */
  public KubernetesClient client() {
    Config config = config();
    try {
      return new KubernetesClientBuilder().withConfig(config).build();
    } catch (RuntimeException e) {
      throw unusable(e);
    }
  }

  /**
   * A transport with a client of its own, which the caller closes.
   *
   * @throws Trouble if the kubeconfig is missing or cannot be used
   */
  public Transport transport() {
    Config config = config();
    try {
      return SluiceFabric8.transport(config);
    } catch (RuntimeException e) {
      throw unusable(e);
    }
  }

  private Trouble unusable(RuntimeException e) {
    return new Trouble(
        ExitCode.KUBECONFIG,
        origin() + " cannot be used: " + Diagnosis.innermost(e) + "; check its certificates",
        e);
  }

  /** The server's address; empty if no kubeconfig was read. */
  String server() {
    Kubeconfig read = found;
    String url = read == null ? "" : read.config().getMasterUrl();
    return url.endsWith("/") ? url.substring(0, url.length() - 1) : url;
  }

  /** The user's name in the kubeconfig; empty if it has none, or was not read. */
  String user() {
    Kubeconfig read = found;
    return read == null ? "" : read.user();
  }

  /** Where the configuration came from: {@code context "a" of FILE}; empty if it was not read. */
  public String origin() {
    Kubeconfig read = found;
    return read == null ? "" : read.origin();
  }
}
