package dev.sluice.fabric8;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import com.sun.net.httpserver.HttpsConfigurator;
import com.sun.net.httpserver.HttpsExchange;
import com.sun.net.httpserver.HttpsParameters;
import com.sun.net.httpserver.HttpsServer;
import dev.sluice.fabric8.TestCertificates.Identity;
import dev.sluice.kube.Transport;
import dev.sluice.kube.Transport.Request;
import dev.sluice.kube.Transport.Response;
import io.fabric8.kubernetes.client.Config;
import io.fabric8.kubernetes.client.ConfigBuilder;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.util.Base64;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLException;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLPeerUnverifiedException;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.EnumSource;

/** What the user's fabric8 configuration says about trust and identity holds here, too. */
@ParameterizedClass
@EnumSource
class CredentialsTest {
  private final HttpClients http;

  CredentialsTest(HttpClients http) {
    this.http = http;
  }

  private static final Request GET = Request.get("/version", "application/json");

  @TempDir static Path directory;
  private static Identity loopback;
  private static Identity jane;

  @BeforeAll
  static void makeIdentities() throws Exception {
    TestCertificates certificates = new TestCertificates(directory);
    loopback = certificates.identity("server", "ip:127.0.0.1");
    jane = certificates.identity("jane", "dns:jane.example");
  }

  /** Answers with the name in the caller's certificate, or with its bearer token. */
  private static HttpsServer server(Identity identity)
      throws IOException, GeneralSecurityException {
    HttpsServer server =
        HttpsServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    SSLContext context = identity.context(jane);
    server.setHttpsConfigurator(
        new HttpsConfigurator(context) {
          @Override
          public void configure(HttpsParameters parameters) {
            SSLParameters ssl = context.getDefaultSSLParameters();
            ssl.setWantClientAuth(true);
            parameters.setSSLParameters(ssl);
          }
        });
    server.createContext(
        "/",
        exchange -> {
          String caller;
          try {
            caller = ((HttpsExchange) exchange).getSSLSession().getPeerPrincipal().getName();
          } catch (SSLPeerUnverifiedException e) {
            caller = String.valueOf(exchange.getRequestHeaders().getFirst("Authorization"));
          }
          byte[] body = caller.getBytes(UTF_8);
          exchange.sendResponseHeaders(200, body.length);
          exchange.getResponseBody().write(body);
          exchange.close();
        });
    server.start();
    return server;
  }

  private static String url(HttpsServer server) {
    return "https://127.0.0.1:" + server.getAddress().getPort();
  }

  private String caller(Config config) throws Exception {
    try (Transport transport = http.transport(config);
        Response response = transport.send(GET)) {
      return new String(response.body().readAllBytes(), UTF_8);
    }
  }

  @Test
  void presentsTheClientCertificate() throws Exception {
    HttpsServer server = server(loopback);
    try {
      Config config =
          new ConfigBuilder(Config.empty())
              .withMasterUrl(url(server))
              .withCaCertData(loopback.certificatePem())
              .withClientCertData(jane.certificatePem())
              .withClientKeyData(jane.keyPem())
              .withClientKeyAlgo("EC")
              .build();
      assertThat(caller(config)).isEqualTo("CN=jane");
    } finally {
      server.stop(0);
    }
  }

  @Test
  void runsTheExecPluginOfTheKubeconfig() throws Exception {
    HttpsServer server = server(loopback);
    try {
      String kubeconfig =
          """
          apiVersion: v1
          kind: Config
          current-context: here
          contexts: [{name: here, context: {cluster: here, user: plugin}}]
          clusters: [{name: here, cluster: {server: "%s", certificate-authority-data: "%s"}}]
          users:
          - name: plugin
            user:
              exec:
                apiVersion: client.authentication.k8s.io/v1
                command: sh
                args: [-c, "echo '{\\"apiVersion\\":\\"client.authentication.k8s.io/v1\\",\\"kind\\":\\"ExecCredential\\",\\"status\\":{\\"token\\":\\"from-the-plugin\\"}}'"]
                interactiveMode: Never
          """
              .formatted(url(server), base64(loopback.certificatePem()));
      assertThat(caller(Config.fromKubeconfig(kubeconfig))).isEqualTo("Bearer from-the-plugin");
    } finally {
      server.stop(0);
    }
  }

  private static String base64(String text) {
    return Base64.getEncoder().encodeToString(text.getBytes(UTF_8));
  }

  @Test
  void aReaderOverTlsWakesWhenTheExchangeIsClosed() throws Exception {
    CountDownLatch end = new CountDownLatch(1);
    HttpsServer server = server(loopback);
    server.createContext(
        "/stream",
        exchange -> {
          exchange.sendResponseHeaders(200, 0);
          exchange.getResponseBody().write('x');
          exchange.getResponseBody().flush();
          try {
            end.await();
          } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
          }
        });
    Config config =
        new ConfigBuilder(Config.empty())
            .withMasterUrl(url(server))
            .withCaCertData(loopback.certificatePem())
            .build();
    try (Transport transport = http.transport(config);
        Response response = transport.send(Request.get("/stream", "*/*"))) {
      assertThat(response.body().read()).isEqualTo('x');
      FutureTask<Integer> blocked = new FutureTask<>(() -> response.body().read());
      Thread reader = Thread.ofVirtual().start(blocked);
      while (reader.getState() != Thread.State.WAITING) {
        Thread.onSpinWait();
      }

      response.close();

      assertThatExceptionOfType(ExecutionException.class)
          .isThrownBy(() -> blocked.get(2, TimeUnit.SECONDS))
          .withCauseInstanceOf(IOException.class);
    } finally {
      end.countDown();
      server.stop(0);
    }
  }

  @Test
  void anyCertificateIsTakenWhenTheConfigurationSaysSo() throws Exception {
    HttpsServer server = server(jane);
    try {
      Config config =
          new ConfigBuilder(Config.empty())
              .withMasterUrl(url(server))
              .withTrustCerts(true)
              .withOauthToken("mine")
              .build();
      assertThat(caller(config)).isEqualTo("Bearer mine");
    } finally {
      server.stop(0);
    }
  }

  @Test
  void aCertificateThatNobodyVouchesForIsSaidToBeOne() throws Exception {
    HttpsServer server = server(loopback);
    try (Transport transport =
        http.transport(new ConfigBuilder(Config.empty()).withMasterUrl(url(server)).build())) {
      assertThatExceptionOfType(SSLException.class)
          .isThrownBy(() -> transport.send(GET))
          .withMessage(
              "GET "
                  + url(server)
                  + "/version: the server's certificate is not signed by an authority that is"
                  + " trusted here");
    } finally {
      server.stop(0);
    }
  }

  @Test
  void aCertificateForAnotherHostIsSaidToBeOne() throws Exception {
    HttpsServer server = server(jane);
    try (Transport transport =
        http.transport(
            new ConfigBuilder(Config.empty())
                .withMasterUrl(url(server))
                .withCaCertData(jane.certificatePem())
                .build())) {
      assertThatExceptionOfType(SSLException.class)
          .isThrownBy(() -> transport.send(GET))
          .withMessageContaining("the server's certificate is not accepted: ")
          .withMessageContaining("127.0.0.1");
    } finally {
      server.stop(0);
    }
  }
}
