package dev.sluice.fabric8;

import dev.sluice.testkit.ApiServer;
import io.fabric8.kubernetes.client.Config;
import io.fabric8.kubernetes.client.ConfigBuilder;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;

/** On the embedded API server. */
class OperatorTest extends OperatorCases {
  private static ApiServer server;

  @BeforeAll
  static void start() {
    server = ApiServer.start();
    server.load(GADGETS_CRD);
  }

  @AfterAll
  static void stop() {
    server.close();
  }

  @Override
  Config config() {
    return new ConfigBuilder(Config.empty()).withMasterUrl(server.url().toString()).build();
  }
}
