package dev.sluice.contract;

import java.net.Socket;
import java.net.http.HttpClient;
import java.security.GeneralSecurityException;
import java.security.SecureRandom;
import java.security.cert.X509Certificate;
import java.time.Duration;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.TrustManager;
import javax.net.ssl.X509ExtendedTrustManager;

final class Tls {
  static SSLContext trustAll() {
    try {
      SSLContext c = SSLContext.getInstance("TLS");
      c.init(
          null,
          new TrustManager[] {
            new X509ExtendedTrustManager() {
              @Override
              public void checkClientTrusted(X509Certificate[] a, String b, Socket s) {}

              @Override
              public void checkServerTrusted(X509Certificate[] a, String b, Socket s) {}

              @Override
              public void checkClientTrusted(X509Certificate[] a, String b, SSLEngine s) {}

              @Override
              public void checkServerTrusted(X509Certificate[] a, String b, SSLEngine s) {}

              @Override
              public void checkClientTrusted(X509Certificate[] a, String b) {}

              @Override
              public void checkServerTrusted(X509Certificate[] a, String b) {}

              @Override
              public X509Certificate[] getAcceptedIssuers() {
                return new X509Certificate[0];
              }
            }
          },
          new SecureRandom());
      return c;
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException(e);
    }
  }

  static HttpClient client(HttpClient.Version v) {
    return HttpClient.newBuilder()
        .version(v)
        .sslContext(trustAll())
        .connectTimeout(Duration.ofSeconds(5))
        .build();
  }

  private Tls() {}
}
