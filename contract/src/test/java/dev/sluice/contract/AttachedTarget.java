package dev.sluice.contract;

import java.net.URI;
import java.net.http.HttpClient;
import java.time.Duration;
import javax.net.ssl.SSLContext;
import org.opentest4j.TestAbortedException;

record AttachedTarget(HttpClient client, HttpClient http1Client) implements Target {
  static Target start() {
    return new AttachedTarget(
        Tls.client(HttpClient.Version.HTTP_2), Tls.client(HttpClient.Version.HTTP_1_1));
  }

  @Override
  public String name() {
    return "real";
  }

  @Override
  public String version() {
    return "attached";
  }

  @Override
  public URI url() {
    return URI.create("https://127.0.0.1:26443");
  }

  @Override
  public String token() {
    return "admintoken";
  }

  @Override
  public SSLContext trust() {
    return Tls.trustAll();
  }

  @Override
  public void compact() {
    throw new TestAbortedException("no");
  }

  @Override
  public void restart() {
    throw new TestAbortedException("no");
  }

  @Override
  public Duration bookmarkInterval() {
    return Duration.ofSeconds(60);
  }

  @Override
  public void close() {
    client.close();
    http1Client.close();
  }
}
