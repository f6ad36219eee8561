package dev.sluice.contract;

import dev.sluice.cluster.RealCluster;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import javax.net.ssl.SSLContext;
import org.opentest4j.TestAbortedException;

/** The released kube-apiserver and etcd, started for the suite alone. */
final class RealTarget implements Target {
  private final RealCluster cluster = RealCluster.start(RealCluster.Settings.plain());
  private final SSLContext trust = cluster.sslContext();
  private final HttpClient client =
      HttpClient.newBuilder().sslContext(trust).version(HttpClient.Version.HTTP_2).build();
  private final HttpClient http1Client =
      HttpClient.newBuilder().sslContext(trust).version(HttpClient.Version.HTTP_1_1).build();
  private final HttpClient etcd = HttpClient.newHttpClient();
  private final String name;
  private int snapshots;

  private RealTarget(String name) {
    this.name = name;
  }

  /** Starts it; what calls this is skipped where it cannot be built. */
  static Target start() {
    return start("real");
  }

  static Target start(String name) {
    RealCluster.whatIsMissing()
        .ifPresent(missing -> {
          throw new TestAbortedException(missing);
        });
    return new RealTarget(name);
  }

  @Override
  public String name() {
    return name;
  }

  @Override
  public String version() {
    try {
      return "kube-apiserver "
          + Json.parse(cluster.get("admin", "/version").body()).path("gitVersion").asString("")
          + ", etcd "
          + Json.parse(
                  etcd.send(
                          HttpRequest.newBuilder(cluster.etcdUrl().resolve("/version")).build(),
                          HttpResponse.BodyHandlers.ofString())
                      .body())
              .path("etcdserver")
              .asString("");
    } catch (IOException e) {
      throw new AssertionError("cannot ask for the versions", e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new AssertionError("interrupted", e);
    }
  }

  @Override
  public URI url() {
    return cluster.url();
  }

  @Override
  public HttpClient client() {
    return client;
  }

  @Override
  public HttpClient http1Client() {
    return http1Client;
  }

  @Override
  public SSLContext trust() {
    return trust;
  }

  @Override
  public String token() {
    return cluster.token("admin");
  }

  @Override
  public void compact() {
    cluster.compact();
  }

  @Override
  public void restart() {
    cluster.restartApiServer();
  }

  @Override
  public Runnable snapshot() {
    Path file = Path.of("target", "contract", "snapshot-" + snapshots++ + ".db").toAbsolutePath();
    try {
      Files.createDirectories(file.getParent());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    cluster.snapshot(file);
    return () -> cluster.restore(file);
  }

  @Override
  public Duration bookmarkInterval() {
    return Duration.ofSeconds(60);
  }

  @Override
  public void close() {
    client.close();
    http1Client.close();
    etcd.close();
    cluster.close();
  }
}
