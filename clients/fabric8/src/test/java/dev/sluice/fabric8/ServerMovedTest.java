package dev.sluice.fabric8;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.kube.Informer;
import dev.sluice.kube.Resource;
import dev.sluice.kube.StopCause;
import dev.sluice.testkit.ApiServer;
import dev.sluice.testkit.EmbeddedApiServer;
import dev.sluice.testkit.Faults;
import io.fabric8.kubernetes.client.Config;
import io.fabric8.kubernetes.client.ConfigBuilder;
import java.time.Duration;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * The server is somewhere else than it was, and where it was nobody says so: the machine is
 * switched off, its connections are dead without an end.
 */
@EmbeddedApiServer
@Tag("R1.3")
@Tag("R4.2")
class ServerMovedTest {
  private static final String NAME = "api.moving.test";

  private final ApiServer server;
  private final Faults faults;

  ServerMovedTest(ApiServer server) {
    this.server = server;
    this.faults = server.faults();
  }

  private static Config config(String url) {
    return new ConfigBuilder(Config.empty())
        .withMasterUrl(url)
        .withRequestRetryBackoffLimit(0)
        .build();
  }

  private Line open(Faults.Replica truth, String url) {
    server.load("{apiVersion: v1, kind: ConfigMap, metadata: {namespace: default, name: first}}");
    UnaryOperator<Informer.Builder<Resource>> impatient =
        informer ->
            informer
                .silenceDeadline(Duration.ofMillis(500))
                .requestDeadline(Duration.ofMillis(500));
    // The truth is told by the server that there will be.
    return new Line(
        config(truth.url().toString()),
        SluiceFabric8.transport(config(url)),
        Line.CONFIG_MAPS,
        impatient);
  }

  private static void watches(Line line) {
    line.flows();
    Line.until(() -> assertThat(line.informer().status().counts().watches()).isPositive());
  }

  private static void goesOn(Line line) {
    line.put("second", "x");
    line.delete("first");
    line.agrees();
    assertThat(line.stops(StopCause.IDLE)).isPositive();
    assertThat(line.informer().status().counts().lists()).isEqualTo(1);
    assertThat(line.told()).isEqualTo(3);
  }

  /** Only a client that asks for the address anew finds it. */
  @Test
  void isFoundWhereItsNameNowPoints() throws Exception {
    MovingNames.point(NAME, "127.0.0.1");
    try (Faults.Replica replica = faults.addReplica();
        Balancer here = new Balancer("127.0.0.1", 0, server.url().getPort());
        Balancer elsewhere = new Balancer("127.0.0.2", here.port(), replica.url().getPort());
        Line line = open(replica, "http://" + NAME + ":" + here.port())) {
      watches(line);
      assertThat(elsewhere.accepted()).isZero();
      MovingNames.point(NAME, "127.0.0.2");
      here.switchOff();

      goesOn(line);
      assertThat(elsewhere.accepted()).isPositive();
    }
  }

  @Test
  void isFoundBehindABalancerThatHasReplacedIt() throws Exception {
    try (Faults.Replica replica = faults.addReplica();
        Balancer balancer = new Balancer("127.0.0.1", 0, server.url().getPort());
        Line line = open(replica, "http://127.0.0.1:" + balancer.port())) {
      watches(line);
      balancer.replaceBy(replica.url().getPort());

      goesOn(line);
    }
  }
}
