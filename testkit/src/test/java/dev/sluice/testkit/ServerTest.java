package dev.sluice.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.http.HttpClient;
import java.nio.charset.StandardCharsets;
import java.security.KeyStore;
import java.security.cert.CertificateFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLException;
import javax.net.ssl.TrustManagerFactory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The server as a whole: what it is reached by, and what it comes back to. */
@EmbeddedApiServer
class ServerTest {

  @Test
  void hasTheNamespacesOfAFreshCluster(ApiServer server) {
    try (Http http = new Http(server)) {
      assertThat(http.get("/api/v1/namespaces").json().at("/items"))
          .extracting(item -> item.at("/metadata/name").asString())
          .containsExactly("default", "kube-node-lease", "kube-public", "kube-system");
    }
  }

  @Test
  void writesAndReadsBack(ApiServer server) {
    try (Http http = new Http(server)) {
      Http.Answer made =
          http.post(
              "/api/v1/namespaces/default/configmaps",
              "{\"metadata\":{\"name\":\"a\"},\"data\":{\"k\":\"v\"}}");
      assertThat(made.status()).isEqualTo(201);
      Http.Answer read = http.get("/api/v1/namespaces/default/configmaps/a");
      assertThat(read.text()).isEqualTo(made.text());
    }
  }

  @Test
  void speaksHttp2OverPlainText(ApiServer server) {
    try (Http http = new Http(server.url(), server.adminToken(), HttpClient.Version.HTTP_2)) {
      assertThat(http.get("/version").status()).isEqualTo(200);
      assertThat(http.get("/version").status()).isEqualTo(200);
    }
    assertThat(server.requests().list(RequestMatch.any()))
        .last()
        .extracting(SeenRequest::protocol)
        .isEqualTo("HTTP/2.0");
  }

  @Test
  void speaksHttp1(ApiServer server) {
    try (Http http = new Http(server)) {
      assertThat(http.get("/version").status()).isEqualTo(200);
    }
    assertThat(server.requests().list(RequestMatch.any()))
        .last()
        .extracting(SeenRequest::protocol)
        .isEqualTo("HTTP/1.1");
  }

  private static SSLContext trusting(String pem) throws Exception {
    KeyStore store = KeyStore.getInstance(KeyStore.getDefaultType());
    store.load(null, null);
    store.setCertificateEntry(
        "authority",
        CertificateFactory.getInstance("X.509")
            .generateCertificate(
                new ByteArrayInputStream(pem.getBytes(StandardCharsets.US_ASCII))));
    TrustManagerFactory trust =
        TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
    trust.init(store);
    SSLContext context = SSLContext.getInstance("TLS");
    context.init(null, trust.getTrustManagers(), null);
    return context;
  }

  @ParameterizedTest
  @EnumSource(HttpClient.Version.class)
  @EmbeddedApiServer(tls = true)
  void choosesTheProtocolOverTlsAsTheClientLikes(HttpClient.Version version, ApiServer server)
      throws Exception {
    SSLContext trust = trusting(server.caCertificate());
    try (Http http = new Http(server.url(), server.adminToken(), version, trust);
        Http nobody = new Http(server.url(), "", version, trust)) {
      assertThat(http.get("/api/v1/namespaces").status()).isEqualTo(200);
      assertThat(server.requests().list(RequestMatch.list("namespaces")))
          .last()
          .extracting(SeenRequest::protocol)
          .isEqualTo(version == HttpClient.Version.HTTP_2 ? "HTTP/2.0" : "HTTP/1.1");
      assertThat(nobody.get("/api/v1/namespaces").status()).isEqualTo(403);
      try (Http.Stream watch = http.watch("/api/v1/configmaps?watch=true&resourceVersion=1")) {
        http.post("/api/v1/namespaces/default/configmaps", "{\"metadata\":{\"name\":\"a\"}}");
        assertThat(watch.event()).isEqualTo("ADDED a");
        watch.close();
        Await.until("nobody watches", () -> server.requests().openWatches() == 0);
      }
    }
  }

  @Test
  @EmbeddedApiServer(tls = true)
  void isNotTrustedByThoseWhoDoNotKnowItsAuthority(ApiServer server) {
    try (Http http = new Http(server)) {
      assertThatThrownBy(() -> http.get("/version")).hasCauseInstanceOf(SSLException.class);
    }
  }

  @Test
  void letsUsersDoWhatTheirRulesAllow() {
    try (ApiServer server =
            ApiServer.builder()
                .anonymous(false)
                .user("reader", "read", Rule.readEverything())
                .user("local", "local", Rule.everything().in("default"))
                .start();
        Http reader = new Http(server.url(), "read", HttpClient.Version.HTTP_1_1);
        Http local = new Http(server.url(), "local", HttpClient.Version.HTTP_1_1);
        Http stranger = new Http(server.url(), "wrong", HttpClient.Version.HTTP_1_1)) {
      String body = "{\"metadata\":{\"name\":\"a\"}}";
      assertThat(reader.get("/api/v1/namespaces").status()).isEqualTo(200);
      assertThat(reader.post("/api/v1/namespaces/default/configmaps", body).status())
          .isEqualTo(403);
      assertThat(local.post("/api/v1/namespaces/default/configmaps", body).status()).isEqualTo(201);
      assertThat(local.post("/api/v1/namespaces/kube-public/configmaps", body).status())
          .isEqualTo(403);
      assertThat(stranger.get("/api/v1/namespaces").status()).isEqualTo(401);
    }
  }

  @Test
  void comesBackToItsBaseline(ApiServer server) {
    try (Http http = new Http(server)) {
      server.load("{apiVersion: v1, kind: ConfigMap, metadata: {name: base, namespace: default}}");
      server.markBaseline();
      for (int i = 0; i < 50; i++) {
        http.post(
            "/api/v1/namespaces/default/configmaps", "{\"metadata\":{\"name\":\"a" + i + "\"}}");
      }
      server.faults().inject(RequestMatch.any(), Fault.refuse(500, "", ""));
      server.reset();
      assertThat(server.requests().count()).isZero();
      assertThat(http.get("/api/v1/namespaces/default/configmaps").json().at("/items"))
          .extracting(item -> item.at("/metadata/name").asString())
          .containsExactly("base");
    }
  }

  @Test
  void countsWhatIsAsked(ApiServer server) {
    try (Http http = new Http(server)) {
      java.time.Instant start = java.time.Instant.now();
      http.get("/apis/coordination.k8s.io/v1/leases");
      http.get("/apis/coordination.k8s.io/v1/leases");
      http.get("/api/v1/configmaps");
      Requests requests = server.requests();
      RequestMatch leases = RequestMatch.list("leases.coordination.k8s.io");
      assertThat(requests.count()).isEqualTo(3);
      assertThat(requests.count("list", "leases.coordination.k8s.io")).isEqualTo(2);
      assertThat(requests.count(leases)).isEqualTo(2);
      assertThat(requests.countSince(start, RequestMatch.any())).isEqualTo(3);
      assertThat(requests.countSince(start.plusSeconds(60), RequestMatch.any())).isZero();
      assertThat(requests.most(java.time.Duration.ofHours(1), RequestMatch.any())).isEqualTo(3);
      assertThat(requests.list(leases).getFirst().path())
          .isEqualTo("/apis/coordination.k8s.io/v1/leases");
      assertThat(requests.connections()).isEqualTo(1);
      requests.clear();
      assertThat(requests.count()).isZero();
      assertThat(requests.list(RequestMatch.any())).isEmpty();
    }
  }

  @Test
  void endsAWatchWhoseClientDoesNotRead() throws Exception {
    try (ApiServer server = ApiServer.builder().watchBuffer(5).start();
        Http http = new Http(server);
        Socket socket = new Socket()) {
      socket.setReceiveBufferSize(8 * 1024);
      socket.connect(new InetSocketAddress("127.0.0.1", server.url().getPort()));
      socket
          .getOutputStream()
          .write(
              "GET /api/v1/configmaps?watch=true&resourceVersion=1 HTTP/1.1\r\nHost: x\r\n\r\n"
                  .getBytes(StandardCharsets.US_ASCII));
      Await.until("the watch is open", () -> server.requests().openWatches() == 1);
      http.post("/api/v1/namespaces/default/configmaps", "{\"metadata\":{\"name\":\"a\"}}");
      String large = "x".repeat(500_000);
      for (int i = 0; i < 40; i++) {
        http.merge(
            "/api/v1/namespaces/default/configmaps/a", "{\"data\":{\"k\":\"" + large + i + "\"}}");
      }
      assertThat(endOf(socket)).endsWith("\r\n0\r\n\r\n");
      Await.until("it is no watch any more", () -> server.requests().openWatches() == 0);
    }
  }

  /** The last characters of an answer in chunks. */
  private static String endOf(Socket socket) throws IOException {
    socket.setSoTimeout(20_000);
    String end = "";
    byte[] buffer = new byte[1 << 16];
    while (!end.endsWith("\r\n0\r\n\r\n")) {
      int n = socket.getInputStream().read(buffer);
      if (n < 0) {
        return end + " and then the connection was closed";
      }
      String all = end + new String(buffer, 0, n, StandardCharsets.US_ASCII);
      end = all.substring(Math.max(0, all.length() - 16));
    }
    return end;
  }

  @Test
  void streamsWhatHappensAfterAVersion(ApiServer server) throws Exception {
    try (Http http = new Http(server)) {
      String version = http.get("/api/v1/configmaps").at("/metadata/resourceVersion");
      try (Http.Stream stream =
          http.watch("/api/v1/configmaps?watch=true&resourceVersion=" + version)) {
        http.post("/api/v1/namespaces/default/configmaps", "{\"metadata\":{\"name\":\"a\"}}");
        http.merge("/api/v1/namespaces/default/configmaps/a", "{\"data\":{\"k\":\"v\"}}");
        http.delete("/api/v1/namespaces/default/configmaps/a");
        assertThat(stream.event()).isEqualTo("ADDED a");
        assertThat(stream.event()).isEqualTo("MODIFIED a");
        assertThat(stream.event()).isEqualTo("DELETED a");
      }
    }
  }
}
