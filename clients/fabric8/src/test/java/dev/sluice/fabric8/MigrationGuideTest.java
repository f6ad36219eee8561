package dev.sluice.fabric8;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.testkit.ApiServer;
import io.fabric8.kubernetes.client.Config;
import io.fabric8.kubernetes.client.ConfigBuilder;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientBuilder;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.function.BiConsumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The code of the guide on moving from a fabric8 informer: before and after do the same. */
class MigrationGuideTest {
  private final ApiServer server = ApiServer.start();
  private final Config config =
      new ConfigBuilder(Config.empty())
          .withMasterUrl(server.url().toString())
          .withOnlyHttpWatches(true)
          .build();
  private final KubernetesClient client = new KubernetesClientBuilder().withConfig(config).build();
  private final ConcurrentLinkedQueue<String> reported = new ConcurrentLinkedQueue<>();

  private interface Example {
    void run(BiConsumer<String, String> report, CountDownLatch stop) throws Exception;
  }

  @BeforeEach
  void load() {
    map("settings", "on");
  }

  @AfterEach
  void close() {
    client.close();
    server.close();
  }

  private void map(String name, String value) {
    server.load(
        "{apiVersion: v1, kind: ConfigMap, metadata: {namespace: default, name: "
            + name
            + "}, data: {value: '"
            + value
            + "'}}");
  }

  private void runs(Example example) throws Exception {
    CountDownLatch stop = new CountDownLatch(1);
    Thread running =
        Thread.ofVirtual()
            .start(() -> {
              try {
                example.run((what, which) -> reported.add(what + " " + which), stop);
              } catch (Exception e) {
                reported.add(e.toString());
              }
            });
    Line.until(() -> assertThat(reported).contains("added settings", "settings on"));
    map("other", "x");
    Line.until(() -> assertThat(reported).contains("added other"));
    client
        .configMaps()
        .inNamespace("default")
        .withName("other")
        .edit(map -> {
          map.getData().put("value", "y");
          return map;
        });
    Line.until(() -> assertThat(reported).contains("changed other"));
    client.configMaps().inNamespace("default").withName("other").delete();
    Line.until(() -> assertThat(reported).contains("deleted other"));
    stop.countDown();
    running.join();
    assertThat(reported).hasSize(5);
  }

  @Test
  void whatStoodThereBeforeRuns() throws Exception {
    runs((report, stop) -> MigrationExample.before(client, "default", report, stop));
  }

  @Test
  void whatStandsThereAfterwardsDoesTheSame() throws Exception {
    runs((report, stop) -> MigrationExample.after(client, "default", report, stop));
  }

  @Test
  void twoInformersShareTheStreamsOfTwoNamespaces() throws Exception {
    MigrationExample.shared(
        client,
        List.of("default", "kube-system"),
        (what, which) -> reported.add(what + " " + which));
    assertThat(reported).contains("one default/settings", "two default/settings", "streams 2");
    assertThat(server.requests().count("list", "configmaps")).isEqualTo(2);
  }
}
