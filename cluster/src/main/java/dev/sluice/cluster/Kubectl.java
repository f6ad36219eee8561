package dev.sluice.cluster;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/**
 * kubectl of the API server's version, as {@code cluster/build} makes it, for any API server that
 * has a kubeconfig. Safe for use by several threads.
 */
public final class Kubectl {
  private static final Duration PATIENCE = Duration.ofMinutes(3);

  private final Path bin;
  private final Path kubeconfig;

  Kubectl(Path bin, Path kubeconfig) {
    this.bin = bin;
    this.kubeconfig = kubeconfig;
  }

  /**
   * Builds kubectl first if needed, which takes minutes once.
   *
   * @param kubeconfig where the API server is and who asks
   * @throws IllegalStateException if it cannot be built, with what the build said
   */
  public static Kubectl with(Path kubeconfig) {
    return new Kubectl(Toolchain.bin(), kubeconfig);
  }

  /**
   * Runs kubectl and returns what it wrote. Blocks until it has ended.
   *
   * @throws IllegalStateException if its exit code is not 0, with what it said, or if it takes
   *     longer than three minutes
   */
  public String run(String... arguments) {
    return runWithInput("", arguments);
  }

  /** The same with something to read on its standard input, for {@code -f -}. */
  public String runWithInput(String input, String... arguments) {
    return Program.run(command(arguments), input, PATIENCE);
  }

  /**
   * Starts kubectl for a command that goes on, such as {@code get -w}; what it writes to its
   * standard error stream is in its output, too. The caller ends it.
   */
  public Process start(String... arguments) {
    try {
      return command(arguments).redirectErrorStream(true).start();
    } catch (IOException e) {
      throw new UncheckedIOException("cannot run kubectl", e);
    }
  }

  private ProcessBuilder command(String... arguments) {
    var command = new ArrayList<String>();
    command.add(bin.resolve("kubectl").toString());
    command.addAll(List.of(arguments));
    var builder = new ProcessBuilder(command);
    builder.environment().put("KUBECONFIG", kubeconfig.toString());
    // Its cache of what a server offers is kept by address; a port is soon another server's.
    builder
        .environment()
        .put("KUBECACHEDIR", kubeconfig.resolveSibling("kubectl-cache").toString());
    return builder;
  }
}
