package dev.sluice.journal.etcd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.kube.JournalBucket;
import dev.sluice.kube.JournalStore;
import dev.sluice.stores.RealServer;
import dev.sluice.stores.SharedStoreContract;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.util.Base64;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInfo;
import org.junit.jupiter.api.io.TempDir;

/** The released etcd does what every store must, with TLS and users too. */
@Tag("real")
class RealEtcdTest extends SharedStoreContract {
  @TempDir static Path directory;

  @SuppressWarnings("NullAway.Init") // before all
  private static RealServer etcd;

  private String prefix = "";

  @BeforeAll
  static void start() {
    etcd = RealServer.etcd(directory.resolve("data"), "http");
  }

  @AfterAll
  static void stop() {
    etcd.close();
  }

  @BeforeEach
  void prefix(TestInfo test) {
    prefix = "journals/" + test.getDisplayName().replaceAll("\\W", "");
  }

  private static URI at(RealServer server, String scheme) {
    return URI.create(scheme + "://127.0.0.1:" + server.port());
  }

  @Override
  protected JournalBucket bucket() {
    return EtcdJournal.at(at(etcd, "http")).prefix(prefix).bucket();
  }

  @Test
  void goesOnWhenEtcdWasAwayAndSaysSoMeanwhile() throws Exception {
    JournalStore store = opened();
    put(store, "log-1", "before");
    etcd.stop();
    try {
      assertThatThrownBy(() -> put(store, "log-2", "meanwhile"))
          .isInstanceOf(IOException.class)
          .hasMessageContaining(store.where())
          .hasMessageContaining("cannot write");
    } finally {
      etcd.start();
    }
    store.open();
    put(store, "log-3", "after");
    assertThat(store.names()).containsExactly("log-1", "log-3");
    assertThat(get(store, "log-1")).isEqualTo("before");
  }

  @Test
  void usesTheMemberThatAnswers() throws Exception {
    JournalStore store =
        EtcdJournal.at(URI.create("http://127.0.0.1:1"), at(etcd, "http")).prefix(prefix).store();
    store.open();
    put(store, "log-1", "1");
    assertThat(get(store, "log-1")).isEqualTo("1");
    store.close();
  }

  @Test
  void showsItsCertificateAndTrustsOnlyTheGivenAuthority() throws Exception {
    Path keys = directory.resolve("keys.p12");
    Process keytool =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "keytool").toString(),
                "-genkeypair",
                "-alias",
                "a",
                "-keyalg",
                "EC",
                "-dname",
                "CN=test",
                "-validity",
                "2",
                "-ext",
                "san=ip:127.0.0.1",
                "-ext",
                "bc:c=ca:true",
                "-storetype",
                "PKCS12",
                "-storepass",
                "changeit",
                "-keystore",
                keys.toString())
            .redirectErrorStream(true)
            .start();
    assertThat(keytool.waitFor()).isZero();
    KeyStore store = KeyStore.getInstance(keys.toFile(), "changeit".toCharArray());
    Path crt = pem("tls.crt", "CERTIFICATE", store.getCertificate("a").getEncoded());
    Path key =
        pem("tls.key", "PRIVATE KEY", store.getKey("a", "changeit".toCharArray()).getEncoded());
    try (RealServer secure =
        RealServer.etcd(
            directory.resolve("secure"),
            "https",
            "--cert-file",
            crt.toString(),
            "--key-file",
            key.toString(),
            "--client-cert-auth",
            "--trusted-ca-file",
            crt.toString())) {
      JournalStore journal =
          EtcdJournal.at(at(secure, "https"))
              .caCertificate(crt)
              .clientCertificate(crt, key)
              .store();
      journal.open();
      put(journal, "log-1", "secret");
      assertThat(get(journal, "log-1")).isEqualTo("secret");
      journal.close();
      assertThatThrownBy(EtcdJournal.at(at(secure, "https")).caCertificate(crt).store()::open)
          .isInstanceOf(IOException.class);
      assertThatThrownBy(EtcdJournal.at(at(secure, "https")).store()::open)
          .isInstanceOf(IOException.class)
          .hasMessageContaining("PKIX");
    }
  }

  private static Path pem(String name, String what, byte[] der) throws IOException {
    return Files.writeString(
        directory.resolve(name),
        "-----BEGIN "
            + what
            + "-----\n"
            + Base64.getMimeEncoder(64, new byte[] {'\n'}).encodeToString(der)
            + "\n-----END "
            + what
            + "-----\n");
  }

  private static void ask(RealServer server, String path, String body, String token)
      throws Exception {
    try (HttpClient client = HttpClient.newHttpClient()) {
      HttpResponse<String> response =
          client.send(
              HttpRequest.newBuilder(at(server, "http").resolve(path))
                  .header("Authorization", token)
                  .POST(HttpRequest.BodyPublishers.ofString(body))
                  .build(),
              HttpResponse.BodyHandlers.ofString());
      assertThat(response.statusCode()).as(path + ": " + response.body()).isEqualTo(200);
    }
  }

  private static String base64(String text) {
    return Base64.getEncoder().encodeToString(text.getBytes(StandardCharsets.UTF_8));
  }

  @Test
  void isAUserWithNoMoreRightsThanItsPrefix() throws Exception {
    try (RealServer closed =
        RealServer.etcd(directory.resolve("closed"), "http", "--auth-token-ttl", "1")) {
      ask(closed, "/v3/auth/user/add", "{\"name\":\"root\",\"password\":\"r\"}", "none");
      ask(closed, "/v3/auth/role/add", "{\"name\":\"root\"}", "none");
      ask(closed, "/v3/auth/user/grant", "{\"user\":\"root\",\"role\":\"root\"}", "none");
      ask(closed, "/v3/auth/user/add", "{\"name\":\"pod\",\"password\":\"p\\\"w\"}", "none");
      ask(closed, "/v3/auth/role/add", "{\"name\":\"journal\"}", "none");
      ask(closed, "/v3/auth/user/grant", "{\"user\":\"pod\",\"role\":\"journal\"}", "none");
      ask(
          closed,
          "/v3/auth/role/grant",
          "{\"name\":\"journal\",\"perm\":{\"permType\":\"READWRITE\",\"key\":\""
              + base64("mine/")
              + "\",\"range_end\":\""
              + base64("mine0")
              + "\"}}",
          "none");
      ask(closed, "/v3/auth/enable", "{}", "none");
      JournalStore store =
          EtcdJournal.at(at(closed, "http")).prefix("mine").user("pod", "p\"w").store();
      store.open();
      put(store, "log-1", "mine");
      // The token has run out by then, or is made to: etcd forgets tokens when it is restarted.
      closed.stop();
      closed.start();
      assertThat(get(store, "log-1")).isEqualTo("mine");
      store.close();
      assertThatThrownBy(
              EtcdJournal.at(at(closed, "http")).prefix("other").user("pod", "p\"w").store()::open)
          .isInstanceOf(IOException.class)
          .hasMessageContaining("permission denied")
          .hasMessageContaining("readwrite");
      assertThatThrownBy(
              EtcdJournal.at(at(closed, "http")).prefix("mine").user("pod", "wrong").store()::open)
          .isInstanceOf(IOException.class)
          .hasMessageContaining("authentication failed");
    }
  }
}
