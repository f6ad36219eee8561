package dev.sluice.fabric8;

import dev.sluice.testkit.ApiServer;
import io.fabric8.kubernetes.client.Config;
import io.fabric8.kubernetes.client.ConfigBuilder;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;

/** The transport on the embedded API server, over TLS. */
class EmbeddedServerTest extends ServerCases {
  private static ApiServer server;

  EmbeddedServerTest(HttpClients http) {
    super(http);
  }

  @BeforeAll
  static void start() {
    server = ApiServer.builder().tls(true).user("bob", "bobs-token").start();
  }

  @AfterAll
  static void stop() {
    server.close();
  }

  @Override
  Config config(String user) {
    Config admin = Config.fromKubeconfig(server.kubeconfig());
    return user.equals("bob")
        ? new ConfigBuilder(Config.empty())
            .withMasterUrl(server.url().toString())
            .withCaCertData(admin.getCaCertData())
            .withOauthToken("bobs-token")
            .build()
        : admin;
  }
}
