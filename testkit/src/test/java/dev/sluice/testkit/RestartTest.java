package dev.sluice.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.testkit.Faults.History;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.nio.channels.SocketChannel;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The server goes and comes back, and its ports stay its own. */
@EmbeddedApiServer
class RestartTest {
  private static final String CONFIG_MAPS = "/api/v1/namespaces/default/configmaps";

  private static void create(Http http, String name) {
    assertThat(http.post(CONFIG_MAPS, "{\"metadata\":{\"name\":\"" + name + "\"}}").status())
        .isEqualTo(201);
  }

  private static String version(Http http) {
    return http.get(CONFIG_MAPS).at("/metadata/resourceVersion");
  }

  @Test
  void aRestartEndsWatchesInGoodOrderAndKeepsPortAndObjects(ApiServer server) throws Exception {
    URI url = server.url();
    try (Http http = new Http(server)) {
      create(http, "a");
      try (Http.Stream watch =
          http.watch(CONFIG_MAPS + "?watch=true&resourceVersion=" + version(http))) {
        create(http, "b");
        assertThat(watch.event()).isEqualTo("ADDED b");
        server.faults().restart(History.KEPT);
        assertThat(watch.line()).isNull();
      }
      assertThat(server.url()).isEqualTo(url);
      assertThat(http.get(CONFIG_MAPS + "/b").status()).isEqualTo(200);
    }
  }

  @Test
  void aWatchGoesOnOverARestartThatKeepsHistory(ApiServer server) throws Exception {
    try (Http http = new Http(server)) {
      String version = version(http);
      create(http, "a");
      server.faults().restart(History.KEPT);
      try (Http.Stream watch = http.watch(CONFIG_MAPS + "?watch=true&resourceVersion=" + version)) {
        assertThat(watch.event()).isEqualTo("ADDED a");
      }
    }
  }

  @ParameterizedTest
  @EnumSource(HttpClient.Version.class)
  void aWatchIsExpiredAfterARestartThatLosesHistory(HttpClient.Version protocol, ApiServer server)
      throws Exception {
    try (Http http = new Http(server.url(), server.adminToken(), protocol)) {
      String version = version(http);
      create(http, "a");
      server.faults().restart(History.LOST);
      try (Http.Stream watch = http.watch(CONFIG_MAPS + "?watch=true&resourceVersion=" + version)) {
        assertThat(watch.next().at("/object/code").asInt()).isEqualTo(410);
      }
    }
  }

  @Test
  void whatIsUnderWayIsAnsweredBeforeARestart(ApiServer server) throws Exception {
    try (Http http = new Http(server)) {
      Injection slow =
          server
              .faults()
              .inject(RequestMatch.list("secrets"), Fault.delay(java.time.Duration.ofMillis(200)));
      var answer =
          java.util.concurrent.CompletableFuture.supplyAsync(() -> http.get("/api/v1/secrets"));
      Await.until("the request has come", () -> slow.hits() == 1);
      server.faults().restart(History.KEPT);
      assertThat(answer.get().status()).isEqualTo(200);
    }
  }

  @Test
  void aCrashCutsWatches(ApiServer server) throws Exception {
    try (Http http = new Http(server);
        Http.Stream watch = http.watch(CONFIG_MAPS + "?watch=true")) {
      server.faults().crash(History.KEPT);
      assertThatThrownBy(watch::line).isInstanceOf(IOException.class);
      assertThat(http.get("/readyz").status()).isEqualTo(200);
    }
  }

  @Test
  void nobodyIsLetInDuringAnOutage(ApiServer server) throws Exception {
    try (Http http = new Http(server)) {
      try (Faults.Outage outage = server.faults().outage()) {
        assertThat(server.faults().outage()).isSameAs(outage);
        assertThatThrownBy(() -> connect(server)).hasMessageContaining("refused");
        // A restart in the meantime is not the end of it.
        server.faults().restart(History.LOST);
        assertThatThrownBy(() -> connect(server)).hasMessageContaining("refused");
        assertThatThrownBy(() -> server.faults().addReplica())
            .isInstanceOf(IllegalStateException.class);
      }
      assertThat(http.get("/readyz").status()).isEqualTo(200);
    }
  }

  private static void connect(ApiServer server) throws IOException {
    new Socket("127.0.0.1", server.url().getPort()).close();
  }

  @Test
  void nobodyElseCanGetThePortDuringAnOutage(ApiServer server) throws Exception {
    try (Faults.Outage outage = server.faults().outage()) {
      assertThat(outage).isNotNull();
      assertThatThrownBy(
              () -> {
                try (ServerSocket other = new ServerSocket()) {
                  other.setReuseAddress(false);
                  other.bind(new InetSocketAddress("127.0.0.1", server.url().getPort()));
                }
              })
          .hasMessageContaining("in use");
    }
  }

  /** Clients that try again and again may be given the very port they try as their own. */
  @Test
  void thePortOutlivesManyRestartsWhileConnectionsPileUp(ApiServer server) throws Exception {
    AtomicBoolean stop = new AtomicBoolean();
    List<Thread> clients = new ArrayList<>();
    for (int i = 0; i < 4; i++) {
      clients.add(
          Thread.ofPlatform()
              .start(() -> {
                while (!stop.get()) {
                  try (SocketChannel channel = SocketChannel.open()) {
                    channel.connect(new InetSocketAddress("127.0.0.1", server.url().getPort()));
                  } catch (IOException e) {
                    // Refused, as long as the server is away.
                  }
                }
              }));
    }
    try {
      for (int i = 0; i < 10; i++) {
        server.faults().crash(History.KEPT);
        try (Http http = new Http(server)) {
          assertThat(http.get("/readyz").status()).isEqualTo(200);
        }
      }
    } finally {
      stop.set(true);
      for (Thread client : clients) {
        client.join();
      }
    }
  }

  @Test
  void versionsGoBackwardsAfterARewind(ApiServer server) throws Exception {
    try (Http http = new Http(server)) {
      create(http, "kept");
      Snapshot snapshot = server.snapshot();
      create(http, "lost");
      long before = Long.parseLong(server.resourceVersion());
      try (Http.Stream watch = http.watch(CONFIG_MAPS + "?watch=true")) {
        server.faults().rewind(snapshot);
        assertThatThrownBy(
                () -> {
                  while (watch.line() != null) {}
                })
            .isInstanceOf(IOException.class);
      }
      assertThat(Long.parseLong(server.resourceVersion()))
          .isLessThan(before)
          .isEqualTo(Long.parseLong(snapshot.resourceVersion()));
      assertThat(http.get(CONFIG_MAPS + "/lost").status()).isEqualTo(404);
      assertThat(http.get(CONFIG_MAPS + "/kept").status()).isEqualTo(200);
      // A watch from the lost future.
      Http.Answer list = http.get(CONFIG_MAPS + "?resourceVersion=" + before);
      assertThat(list.status()).isEqualTo(504);
    }
  }

  @Test
  void aRestoreGoesOnCounting(ApiServer server) {
    try (Http http = new Http(server)) {
      Snapshot snapshot = server.snapshot();
      create(http, "lost");
      long before = Long.parseLong(server.resourceVersion());
      server.restore(snapshot);
      assertThat(Long.parseLong(server.resourceVersion())).isGreaterThan(before);
      assertThat(http.get(CONFIG_MAPS + "/lost").status()).isEqualTo(404);
    }
  }

  @Test
  void aSnapshotOfAnotherServerIsRefused(ApiServer server) {
    try (ApiServer other = ApiServer.start()) {
      assertThatThrownBy(() -> server.restore(other.snapshot()))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("another server");
      assertThatThrownBy(() -> server.faults().rewind(other.snapshot()))
          .isInstanceOf(IllegalArgumentException.class);
    }
  }

  @Test
  void replicasKeepTheirPortsOverARestart(ApiServer server) {
    try (Faults.Replica replica = server.faults().addReplica()) {
      server.faults().crash(History.KEPT);
      try (Http http = new Http(replica.url(), "", HttpClient.Version.HTTP_1_1)) {
        assertThat(http.get("/readyz").status()).isEqualTo(200);
      }
    }
  }

  @Test
  void aPortIsFreeAfterTheServersEnd() throws Exception {
    ApiServer ended = ApiServer.start();
    int port = ended.url().getPort();
    ended.close();
    ended.close();
    try (ApiServer next = ApiServer.builder().port(port).start();
        Http http = new Http(next)) {
      assertThat(http.get("/readyz").status()).isEqualTo(200);
    }
  }
}
