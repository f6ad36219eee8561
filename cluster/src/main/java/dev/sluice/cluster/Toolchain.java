package dev.sluice.cluster;

import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.regex.Pattern;

/** Where {@code cluster/} is, whether it can be built here, and its build. */
final class Toolchain {
  private Toolchain() {}

  /**
   * Says what the cluster cannot be built without, or nothing if all is there.
   *
   * @param path directories to search, in the form of the environment variable PATH
   */
  static Optional<String> whatIsMissing(String path) {
    if (System.getProperty("os.name").startsWith("Windows")) {
      return Optional.of("The real API server runs on Linux and macOS, not on Windows.");
    }
    boolean found =
        Pattern.compile(Pattern.quote(File.pathSeparator))
            .splitAsStream(path)
            .filter(directory -> !directory.isEmpty())
            .map(directory -> Path.of(directory, "go"))
            .anyMatch(go -> Files.isRegularFile(go) && Files.isExecutable(go));
    if (found) {
      return Optional.empty();
    }
    return Optional.of(
        "Go is not on the PATH, and the real API server is built with it. See https://go.dev/dl/"
            + " and cluster/README.md.");
  }

  /**
   * The directory {@code cluster/} of this checkout: below the system property {@code
   * sluice.basedir}, which the build sets, or below a parent of the working directory.
   */
  static Path home() {
    String base = System.getProperty("sluice.basedir");
    Path start = Path.of(base == null ? "" : base).toAbsolutePath();
    for (Path at = start; at != null; at = at.getParent()) {
      Path candidate = at.resolve("cluster");
      if (Files.isExecutable(candidate.resolve("sluice-cluster"))) {
        return candidate;
      }
    }
    throw new IllegalStateException(
        "no cluster/sluice-cluster at or above "
            + start
            + "; run the tests inside a checkout, or set the system property sluice.basedir to"
            + " one");
  }

  /**
   * Builds the programs in {@code cluster/bin}, if needed. Blocks for minutes the first time, and
   * says so on the standard error stream.
   */
  static Path bin() {
    Path home = home();
    try {
      var build =
          new ProcessBuilder(home.resolve("build").toString())
              .redirectOutput(ProcessBuilder.Redirect.DISCARD)
              .redirectError(ProcessBuilder.Redirect.INHERIT)
              .start();
      int status = build.waitFor();
      if (status != 0) {
        throw new IllegalStateException(
            home.resolve("build") + " failed with exit code " + status + "; it said why above");
      }
    } catch (IOException e) {
      throw new UncheckedIOException("cannot run " + home.resolve("build"), e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted while building the cluster", e);
    }
    return home.resolve("bin");
  }
}
