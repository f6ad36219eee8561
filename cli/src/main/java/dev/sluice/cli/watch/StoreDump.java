package dev.sluice.cli.watch;

import dev.sluice.cli.ExitCode;
import dev.sluice.cli.Trouble;
import dev.sluice.kube.Resource;
import dev.sluice.kube.Store;
import java.io.BufferedWriter;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.AtomicMoveNotSupportedException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Comparator;
import java.util.List;

/**
 * Writes all objects of a store, one a line, by namespace and name. A file appears whole or not at
 * all: what was there before is replaced at the very end.
 */
final class StoreDump {
  private final String target;

  /**
   * A dump.
   *
   * @param target a file, or {@code -} for standard output
   * @throws Trouble if the file's folder is not there or may not be written to
   */
  StoreDump(String target) {
    this.target = target;
    if (!toOutput()) {
      Path file = Path.of(target);
      if (Files.isDirectory(file)) {
        throw new Trouble(
            ExitCode.LOCAL, "cannot dump to " + file + ", which is a folder; name a file in it");
      }
      Path folder = folder(file);
      if (!Files.isDirectory(folder)) {
        throw new Trouble(
            ExitCode.LOCAL,
            "cannot dump to " + file + ": there is no folder " + folder + "; create it first");
      }
      if (!Files.isWritable(folder)) {
        throw new Trouble(
            ExitCode.LOCAL, "cannot dump to " + file + ": " + folder + " may not be written to");
      }
    }
  }

  /** Where it goes, in words. */
  String target() {
    return toOutput() ? "standard output" : target;
  }

  /** Whether it goes to standard output. */
  boolean toOutput() {
    return target.equals("-");
  }

  private static Path folder(Path file) {
    Path parent = file.toAbsolutePath().getParent();
    return parent == null ? file.toAbsolutePath() : parent;
  }

  /**
   * Writes.
   *
   * @param out standard output
   * @return how many objects
   * @throws Trouble if the file cannot be written
   */
  int write(Store<Resource> store, PrintWriter out) {
    List<Resource> resources =
        store.snapshot().resources().sorted(Comparator.comparing(Resource::key)).toList();
    if (toOutput()) {
      resources.forEach(resource -> out.append(Lines.object(resource)).append('\n'));
      out.flush();
      return resources.size();
    }
    Path file = Path.of(target);
    try {
      writeFile(file, resources);
    } catch (IOException e) {
      throw new Trouble(
          ExitCode.LOCAL,
          "cannot dump to "
              + file
              + ": "
              + (e.getMessage() == null ? e.getClass().getSimpleName() : e.getMessage()),
          e);
    }
    return resources.size();
  }

  private static void writeFile(Path file, List<Resource> resources) throws IOException {
    Path temporary = Files.createTempFile(folder(file), "." + file.getFileName(), ".part");
    try {
      try (BufferedWriter writer = Files.newBufferedWriter(temporary, StandardCharsets.UTF_8)) {
        for (Resource resource : resources) {
          writer.append(Lines.object(resource)).append('\n');
        }
      }
      try {
        Files.move(temporary, file, StandardCopyOption.ATOMIC_MOVE);
      } catch (AtomicMoveNotSupportedException e) {
        Files.move(temporary, file, StandardCopyOption.REPLACE_EXISTING);
      }
    } finally {
      Files.deleteIfExists(temporary);
    }
  }
}
