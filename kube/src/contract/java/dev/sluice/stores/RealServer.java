package dev.sluice.stores;

import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Assumptions;

/**
 * A released server, built from the Go module in {@code stores/servers}, as a process on a loopback
 * port. Stopped and started again it has the same port and data.
 */
public final class RealServer implements AutoCloseable {
  private static final Duration PATIENCE = Duration.ofSeconds(60);

  private final List<String> command;
  private final Path log;
  private final int port;
  private @Nullable Process process;

  private RealServer(List<String> command, Path log, int port) {
    this.command = command;
    this.log = log;
    this.port = port;
    Runtime.getRuntime().addShutdownHook(new Thread(this::close));
  }

  /**
   * An S3 server on the directories in a directory, with the key and secret {@code sluice-test}.
   */
  public static RealServer s3(Path data) {
    int port = freePort();
    RealServer server =
        new RealServer(
            List.of(
                program("versitygw"),
                "--quiet",
                "--access",
                "sluice-test",
                "--secret",
                "sluice-test",
                "--port",
                "127.0.0.1:" + port,
                "posix",
                data.toString()),
            data.resolveSibling("versitygw.log"),
            port);
    server.start();
    return server;
  }

  /**
   * An etcd.
   *
   * @param scheme http or https
   * @param more flags
   */
  public static RealServer etcd(Path data, String scheme, String... more) {
    int port = freePort();
    List<String> command =
        new ArrayList<>(
            List.of(
                program("etcd"),
                "--data-dir",
                data.toString(),
                "--listen-client-urls",
                scheme + "://127.0.0.1:" + port,
                "--advertise-client-urls",
                scheme + "://127.0.0.1:" + port,
                "--listen-peer-urls",
                "http://127.0.0.1:0",
                "--unsafe-no-fsync",
                "--log-level",
                "error"));
    command.addAll(List.of(more));
    RealServer server = new RealServer(command, data.resolveSibling("etcd.log"), port);
    server.start();
    return server;
  }

  private static String program(String name) {
    boolean go =
        Pattern.compile(Pattern.quote(File.pathSeparator))
            .splitAsStream(String.valueOf(System.getenv("PATH")))
            .anyMatch(directory -> Files.isExecutable(Path.of(directory, "go")));
    Assumptions.assumeTrue(go, "Go is not on the PATH, and " + name + " is built with it");
    Path home = Path.of(System.getProperty("sluice.basedir", ".")).resolve("stores/servers");
    try {
      Process build =
          new ProcessBuilder(home.resolve("build").toString())
              .redirectOutput(ProcessBuilder.Redirect.DISCARD)
              .redirectError(ProcessBuilder.Redirect.INHERIT)
              .start();
      if (build.waitFor() != 0) {
        throw new IllegalStateException(home.resolve("build") + " failed; it said why above");
      }
    } catch (IOException e) {
      throw new UncheckedIOException("cannot run " + home.resolve("build"), e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted while building " + name, e);
    }
    return home.resolve("bin").resolve(name).toString();
  }

  private static int freePort() {
    try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      return socket.getLocalPort();
    } catch (IOException e) {
      throw new UncheckedIOException("no free port", e);
    }
  }

  /** Its port on 127.0.0.1. */
  public int port() {
    return port;
  }

  /** Starts it again; returns when it listens. */
  public void start() {
    Process started;
    try {
      started =
          new ProcessBuilder(command)
              .redirectErrorStream(true)
              .redirectOutput(ProcessBuilder.Redirect.appendTo(log.toFile()))
              .start();
    } catch (IOException e) {
      throw new UncheckedIOException("cannot run " + command, e);
    }
    process = started;
    long deadline = System.nanoTime() + PATIENCE.toNanos();
    while (!listens()) {
      if (!started.isAlive() || System.nanoTime() - deadline > 0) {
        throw new IllegalStateException(command + " does not listen; see " + log);
      }
      try {
        TimeUnit.MILLISECONDS.sleep(50);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new IllegalStateException("interrupted", e);
      }
    }
  }

  private boolean listens() {
    try (Socket socket = new Socket()) {
      socket.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), port), 1000);
      return true;
    } catch (IOException e) {
      return false;
    }
  }

  /** Ends it, at once. */
  public void stop() {
    Process running = process;
    if (running != null) {
      running.destroyForcibly();
      try {
        running.waitFor();
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    }
  }

  @Override
  public void close() {
    stop();
  }
}
