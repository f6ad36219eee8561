package dev.sluice.cli.apiserver;

import dev.sluice.cli.ExitCode;
import dev.sluice.cli.Signals;
import dev.sluice.cli.Trouble;
import dev.sluice.testkit.ApiServer;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** The options of {@code sluice apiserver}, and its life. */
@Command(
    name = "apiserver",
    abbreviateSynopsis = true,
    sortOptions = false,
    description = {
      "Run a Kubernetes API server in this process until Ctrl-C: no cluster, no nodes, everything"
          + " in memory.",
      "When it is ready, the path of its kubeconfig is printed as the only line on standard output."
    },
    footer = {
      "",
      "Examples:",
      "  sluice apiserver --load crds.yaml --load objects/",
      "  sluice apiserver --port 6443 --tls --kubeconfig embedded.kubeconfig",
      "  kubectl --kubeconfig embedded.kubeconfig get namespaces"
    })
public final class ApiServerCommand implements Callable<Integer> {
  @Spec
  @SuppressWarnings("NullAway.Init") // by picocli
  private CommandSpec spec;

  @Option(
      names = "--port",
      paramLabel = "N",
      defaultValue = "0",
      description = "The port, on loopback. Without it: any that is free.")
  private int port;

  @Option(
      names = "--tls",
      description =
          "Speak https, with a certificate of an authority of its own that stands in the"
              + " kubeconfig; requests then need the kubeconfig's token. Without it anyone on this"
              + " machine may do everything.")
  private boolean tls;

  @Option(
      names = "--kubeconfig",
      paramLabel = "FILE",
      description =
          "Where to write the kubeconfig; it is removed at the end. Without it: a temporary file."
              + " A file that comes from elsewhere is not overwritten.")
  private @Nullable Path kubeconfig;

  @Option(
      names = "--load",
      paramLabel = "FILE",
      description =
          "Objects to begin with: YAML or JSON, any number of documents; of a folder all its .yaml,"
              + " .yml and .json files by name. May be given more than once.")
  private List<Path> load = new ArrayList<>();

  @Option(
      names = "--for",
      paramLabel = "DURATION",
      description = "End after this time: 30s, 5m, 1h30m.")
  private @Nullable Duration duration;

  @Override
  public Integer call() throws IOException, InterruptedException {
    if (port < 0 || port > 65535) {
      throw new ParameterException(
          spec.commandLine(), "--port is from 0 (any that is free) to 65535, not " + port);
    }
    List<Path> files = files();
    CountDownLatch stop = new CountDownLatch(1);
    // Signals first: a Ctrl-C while it starts must leave nothing behind, either.
    try (Signals signals = new Signals(stop::countDown);
        KubeconfigFile written = KubeconfigFile.reserve(kubeconfig);
        ApiServer server = start()) {
      int objects = 0;
      for (Path file : files) {
        objects += load(server, file);
      }
      written.write(server.kubeconfig());
      PrintWriter err = spec.commandLine().getErr();
      err.printf(
          Locale.ROOT,
          "API server at %s, %d object%s loaded; Ctrl-C ends it%ntry: kubectl --kubeconfig '%s' get"
              + " namespaces%n",
          server.url(),
          objects,
          objects == 1 ? "" : "s",
          written.path());
      err.flush();
      PrintWriter out = spec.commandLine().getOut();
      out.println(written.path());
      out.flush();
      if (duration == null) {
        stop.await();
      } else if (!stop.await(duration.toMillis(), TimeUnit.MILLISECONDS)) {
        err.println("the time is up");
        err.flush();
      }
    }
    return ExitCode.OK.code();
  }

  private ApiServer start() {
    try {
      return ApiServer.builder().port(port).tls(tls).start();
    } catch (UncheckedIOException e) {
      throw new Trouble(ExitCode.LOCAL, String.valueOf(e.getMessage()) + " (--port)", e);
    }
  }

  /** The files to load, each known to be there. */
  private List<Path> files() throws IOException {
    List<Path> files = new ArrayList<>();
    for (Path path : load) {
      if (Files.isDirectory(path)) {
        int before = files.size();
        try (Stream<Path> inside = Files.list(path)) {
          files.addAll(inside.filter(ApiServerCommand::isManifest).sorted().toList());
        }
        if (files.size() == before) {
          throw new Trouble(
              ExitCode.LOCAL,
              "there is no .yaml, .yml or .json file in the folder "
                  + path
                  + "; check what --load says");
        }
      } else if (Files.isReadable(path)) {
        files.add(path);
      } else {
        throw new Trouble(
            ExitCode.LOCAL,
            "there is no readable file " + path + " to load; check what --load says");
      }
    }
    return files;
  }

  private static boolean isManifest(Path file) {
    String name = file.getFileName().toString();
    return Files.isRegularFile(file)
        && (name.endsWith(".yaml") || name.endsWith(".yml") || name.endsWith(".json"));
  }

  private static int load(ApiServer server, Path file) {
    try {
      return server.load(file);
    } catch (IllegalArgumentException e) {
      throw new Trouble(
          ExitCode.LOCAL,
          String.valueOf(e.getMessage()).strip().replaceAll("\\s*\\R\\s*", " ")
              + "; mend it, or leave it out of --load",
          e);
    } catch (UncheckedIOException e) {
      throw new Trouble(
          ExitCode.LOCAL,
          e.getCause() instanceof CharacterCodingException
              ? file + " is not text in UTF-8; mend it, or leave it out of --load"
              : file + " cannot be read: " + e.getCause() + "; check its rights",
          e);
    }
  }
}
