package dev.sluice.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.http.HttpClient;
import org.junit.jupiter.api.Test;

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
