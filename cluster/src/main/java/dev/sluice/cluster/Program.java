package dev.sluice.cluster;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** A command run to its end, its output caught. */
final class Program {
  private Program() {}

  /**
   * Runs a command and returns its standard output. Blocks until it has ended.
   *
   * @param input what it reads
   * @throws IllegalStateException if its exit code is not 0, with what it wrote to its standard
   *     error stream, or if it takes longer than {@code limit}; it is then killed
   */
  static String run(ProcessBuilder builder, String input, Duration limit) {
    List<String> command = builder.command();
    Process process;
    try {
      process = builder.start();
    } catch (IOException e) {
      throw new UncheckedIOException("cannot run " + command.getFirst(), e);
    }
    var output = read(process.inputReader(StandardCharsets.UTF_8));
    var errors = read(process.errorReader(StandardCharsets.UTF_8));
    try (OutputStream stdin = process.getOutputStream()) {
      stdin.write(input.getBytes(StandardCharsets.UTF_8));
    } catch (IOException e) {
      // It ended without reading everything: its exit code and its words say why.
    }
    try {
      if (!process.waitFor(limit.toMillis(), TimeUnit.MILLISECONDS)) {
        throw new IllegalStateException(
            String.join(" ", command) + " was not done within " + limit.toSeconds() + " s");
      }
      String text = output.get(10, TimeUnit.SECONDS);
      if (process.exitValue() != 0) {
        throw new IllegalStateException(
            "%s ended with exit code %d: %s%s"
                .formatted(
                    String.join(" ", command),
                    process.exitValue(),
                    errors.get(10, TimeUnit.SECONDS).strip(),
                    text.isBlank() ? "" : "\n" + text.strip()));
      }
      return text;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted while " + command.getFirst() + " ran", e);
    } catch (ExecutionException | TimeoutException e) {
      throw new IllegalStateException("cannot read the output of " + command.getFirst(), e);
    } finally {
      process.destroyForcibly();
    }
  }

  private static CompletableFuture<String> read(BufferedReader reader) {
    var text = new CompletableFuture<String>();
    Thread.startVirtualThread(() -> {
      try (reader) {
        var all = new StringBuilder();
        char[] buffer = new char[8192];
        for (int n = reader.read(buffer); n >= 0; n = reader.read(buffer)) {
          all.append(buffer, 0, n);
        }
        text.complete(all.toString());
      } catch (IOException e) {
        text.completeExceptionally(e);
      }
    });
    return text;
  }
}
