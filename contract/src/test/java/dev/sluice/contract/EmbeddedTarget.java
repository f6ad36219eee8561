package dev.sluice.contract;

import dev.sluice.testkit.ApiServer;
import dev.sluice.testkit.Faults;
import dev.sluice.testkit.Snapshot;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.SecureRandom;
import java.security.cert.CertificateFactory;
import java.time.Duration;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;

/** The embedded server, in this JVM. */
final class EmbeddedTarget implements Target {
  private static final Duration BOOKMARKS = Duration.ofSeconds(4);

  private final ApiServer server =
      ApiServer.builder().tls(true).bookmarkInterval(BOOKMARKS).watchBuffer(20).start();
  private final SSLContext trust = trusting(server.caCertificate());
  private final HttpClient client =
      HttpClient.newBuilder().sslContext(trust).version(HttpClient.Version.HTTP_2).build();
  private final HttpClient http1Client =
      HttpClient.newBuilder().sslContext(trust).version(HttpClient.Version.HTTP_1_1).build();

  private static SSLContext trusting(String authority) {
    try {
      KeyStore store = KeyStore.getInstance(KeyStore.getDefaultType());
      store.load(null, null);
      store.setCertificateEntry(
          "authority",
          CertificateFactory.getInstance("X.509")
              .generateCertificate(
                  new ByteArrayInputStream(authority.getBytes(StandardCharsets.UTF_8))));
      TrustManagerFactory managers =
          TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
      managers.init(store);
      SSLContext context = SSLContext.getInstance("TLS");
      context.init(null, managers.getTrustManagers(), new SecureRandom());
      return context;
    } catch (GeneralSecurityException | IOException e) {
      throw new AssertionError("cannot trust the embedded server", e);
    }
  }

  @Override
  public String name() {
    return "embedded";
  }

  @Override
  public String version() {
    return "embedded API server of this commit";
  }

  @Override
  public URI url() {
    return server.url();
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
    return server.adminToken();
  }

  @Override
  public void compact() {
    server.faults().compact();
  }

  @Override
  public void restart() {
    server.faults().restart(Faults.History.LOST);
  }

  @Override
  public Runnable snapshot() {
    Snapshot snapshot = server.snapshot();
    return () -> server.faults().rewind(snapshot);
  }

  @Override
  public Duration bookmarkInterval() {
    return BOOKMARKS;
  }

  @Override
  public void close() {
    client.close();
    http1Client.close();
    server.close();
  }
}
