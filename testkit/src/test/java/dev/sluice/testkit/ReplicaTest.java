package dev.sluice.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.net.http.HttpClient.Version;
import java.time.Duration;
import org.junit.jupiter.api.Test;

/** A second server in front of the same storage, whose cache is behind. */
@EmbeddedApiServer
class ReplicaTest {
  private static final String CONFIG_MAPS = "/api/v1/namespaces/default/configmaps";

  private static void create(Http http, String name) {
    assertThat(http.post(CONFIG_MAPS, "{\"metadata\":{\"name\":\"" + name + "\"}}").status())
        .isEqualTo(201);
  }

  private static int cached(Http http) {
    return http.get(CONFIG_MAPS + "?resourceVersion=0").json().at("/items").size();
  }

  private static Http http(Faults.Replica replica) {
    return new Http(replica.url(), "", Version.HTTP_1_1);
  }

  @Test
  void isUpToDateAtFirst(ApiServer server) {
    try (Faults.Replica replica = server.faults().addReplica();
        Http http = new Http(server);
        Http there = http(replica)) {
      assertThat(replica.url()).isNotEqualTo(server.url());
      assertThat(replica.kubeconfig()).contains(replica.url().toString());
      create(http, "a");
      assertThat(cached(there)).isEqualTo(1);
    }
  }

  @Test
  void answersFromItsFrozenCacheAndIsSilentUntilItCatchesUp(ApiServer server) throws Exception {
    try (Faults.Replica replica = server.faults().addReplica();
        Http http = new Http(server);
        Http there = http(replica)) {
      replica.freeze();
      String before = http.get(CONFIG_MAPS).at("/metadata/resourceVersion");
      try (Http.Stream watch = there.watch(CONFIG_MAPS + "?watch=true&resourceVersion=" + before)) {
        create(http, "a");
        assertThat(cached(there)).isZero();
        assertThat(cached(http)).isEqualTo(1);
        assertThat(watch.ready()).isFalse();
        replica.catchUp();
        assertThat(watch.event()).isEqualTo("ADDED a");
        assertThat(cached(there)).isEqualTo(1);
      }
    }
  }

  @Test
  void refusesAVersionThatItHasNotSeen(ApiServer server) {
    try (Faults.Replica replica = server.faults().addReplica();
        Http http = new Http(server);
        Http there = http(replica)) {
      replica.freeze();
      create(http, "a");
      Http.Answer answer = there.get(CONFIG_MAPS + "?resourceVersion=" + server.resourceVersion());
      assertThat(answer.status()).isEqualTo(504);
      assertThat(answer.at("/details/causes/0/reason")).isEqualTo("ResourceVersionTooLarge");
    }
  }

  @Test
  void lagsBehindByItsTimeAndThenSeesIt(ApiServer server) {
    try (Faults.Replica replica = server.faults().addReplica();
        Http http = new Http(server);
        Http there = http(replica)) {
      Duration lag = Duration.ofMillis(300);
      replica.lag(lag);
      long start = System.nanoTime();
      create(http, "a");
      Await.until("the replica sees it", () -> cached(there) == 1);
      assertThat(Duration.ofNanos(System.nanoTime() - start)).isGreaterThanOrEqualTo(lag);
    }
  }

  @Test
  void isGoneAfterItsEndAndAfterAReset(ApiServer server) {
    Faults.Replica replica = server.faults().addReplica();
    Faults.Replica other = server.faults().addReplica();
    replica.close();
    server.reset();
    for (Faults.Replica gone : new Faults.Replica[] {replica, other}) {
      try (Http there = http(gone)) {
        assertThatThrownBy(() -> there.get("/readyz"))
            .isInstanceOf(java.io.UncheckedIOException.class);
      }
    }
  }

  @Test
  void isNotAheadOfItsTime(ApiServer server) {
    try (Faults.Replica replica = server.faults().addReplica()) {
      assertThatThrownBy(() -> replica.lag(Duration.ofSeconds(-1)))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("PT-1S");
    }
  }
}
