package dev.sluice.fabric8;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.cluster.RealApiServer;
import dev.sluice.cluster.RealCluster;
import dev.sluice.kube.Informer;
import dev.sluice.kube.ObjectKey;
import dev.sluice.kube.Resource;
import dev.sluice.kube.StopCause;
import dev.sluice.kube.Transport;
import io.fabric8.kubernetes.client.Config;
import java.io.IOException;
import java.net.ConnectException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.api.io.TempDir;

/**
 * The line from socket to handler on the released kube-apiserver: after each trouble that it can be
 * put into, the store and the handler agree with the server.
 */
@RealApiServer(dedicated = true)
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
@Tag("R1.3")
@Tag("R4.2")
class RealLineTest {

  private final RealCluster cluster;

  RealLineTest(RealCluster cluster) {
    this.cluster = cluster;
  }

  private Config config() {
    return Config.fromKubeconfig(cluster.kubeconfig().toFile());
  }

  private Line open(UnaryOperator<Informer.Builder<Resource>> settings) {
    return new Line(config(), SluiceFabric8.transport(config()), Line.CONFIG_MAPS, settings);
  }

  private static void change(Line line, String by) {
    line.put("changed", by);
    line.put("gone", by);
    line.delete("gone");
  }

  @Test
  @Order(1)
  void readsTwoThousandObjectsPageByPage() throws Exception {
    StringBuilder yaml = new StringBuilder();
    for (int i = 0; i < 2000; i++) {
      yaml.append("---\napiVersion: v1\nkind: ConfigMap\nmetadata: {namespace: default, name: c")
          .append(i)
          .append("}\ndata: {value: x}\n");
    }
    cluster.apply(yaml.toString());
    try (Line line = open(informer -> informer.pageSize(100))) {
      assertThat(line.informer().awaitSynced(Duration.ofSeconds(60))).isTrue();
      line.flows();
      change(line, "paged");
      line.agrees();
      assertThat(line.informer().status().counts().lists()).isEqualTo(1);
    }
  }

  @Test
  @Order(2)
  void readsAStreamingListFromItsWatch() throws Exception {
    try (Line line = open(informer -> informer.streamingList(true))) {
      assertThat(line.informer().awaitSynced(Duration.ofSeconds(60))).isTrue();
      change(line, "streamed");
      line.agrees();
      assertThat(line.informer().status().counts().watches()).isEqualTo(1);
      assertThat(line.informer().status().recentStops()).isEmpty();
    }
  }

  @Test
  @Order(3)
  void isToldTheDifferencesOnlyAfterARestartAndAfterACrash() {
    try (Line line = open(informer -> informer)) {
      line.flows();
      long told = line.told();
      cluster.restartApiServer();
      change(line, "restarted");
      line.agrees();
      cluster.crashApiServer();
      Line.until(() -> assertThat(line.stops(StopCause.UNREACHABLE)).isPositive());
      cluster.startApiServer();
      change(line, "crashed");
      line.agrees();
      // Two changes each time at most: "gone" may have come and gone unseen.
      assertThat(line.told() - told).isLessThanOrEqualTo(6);
    }
  }

  @Test
  @Order(4)
  void replacesAStreamThatFallsSilent() {
    try (Line line =
        open(informer ->
            informer
                .silenceDeadline(Duration.ofSeconds(2))
                .requestDeadline(Duration.ofSeconds(2)))) {
      line.flows();
      cluster.pauseApiServer();
      Line.until(() -> assertThat(line.stops(StopCause.IDLE)).isPositive());
      cluster.resumeApiServer();
      change(line, "resumed");
      line.agrees();
    }
  }

  @Test
  @Order(5)
  void beginsAListAgainWhoseContinuationHasExpired() throws Exception {
    Barrier barrier = new Barrier(SluiceFabric8.transport(config()), 3);
    try (Transport other = SluiceFabric8.transport(config());
        Line line =
            new Line(config(), barrier, Line.CONFIG_MAPS, informer -> informer.pageSize(100))) {
      barrier.reached.await();
      String before = version(other);
      change(line, "compacted");
      line.delete("c0");
      cluster.compact();
      Line.until(() -> assertThat(statusOfListAt(other, before)).isEqualTo(410));
      barrier.go.countDown();

      line.flows();
      assertThat(line.stops(StopCause.CONTINUE_EXPIRED)).isEqualTo(1);
    }
  }

  private static String version(Transport transport) throws Exception {
    try (Transport.Response response = get(transport, "?limit=1")) {
      return new String(response.body().readAllBytes(), StandardCharsets.UTF_8)
          .replaceAll("(?s).*?\"resourceVersion\":\\s*\"(\\d+)\".*", "$1");
    }
  }

  private static int statusOfListAt(Transport transport, String version) {
    try (Transport.Response response =
        get(transport, "?limit=1&resourceVersionMatch=Exact&resourceVersion=" + version)) {
      return response.status();
    } catch (IOException | InterruptedException e) {
      throw new AssertionError(e);
    }
  }

  private static Transport.Response get(Transport transport, String query)
      throws IOException, InterruptedException {
    return transport.send(
        Transport.Request.get(Line.CONFIG_MAPS.path(Line.NAMESPACE) + query, "application/json"));
  }

  @Test
  @Order(6)
  void seesObjectsOfAKindThatWasRemovedAndInstalledAgain() {
    install("one", "two");
    try (Line line =
        new Line(config(), SluiceFabric8.transport(config()), Line.WIDGETS, informer -> informer)) {
      line.flows();
      cluster.kubectl("delete", "crd", "widgets.line.sluice.dev");
      Line.until(() -> assertThat(line.stops(StopCause.NOT_FOUND)).isPositive());
      install("two", "three");

      line.agrees();
      assertThat(line.informer().store().size()).isEqualTo(2);
    }
  }

  private void install(String... widgets) {
    cluster.apply(Line.WIDGETS_CRD);
    cluster.kubectl(
        "wait", "--for=condition=Established", "crd/widgets.line.sluice.dev", "--timeout=60s");
    for (String name : widgets) {
      Line.until(() -> {
        try {
          cluster.apply(
              "{apiVersion: line.sluice.dev/v1, kind: Widget, metadata: {namespace: default,"
                  + " name: "
                  + name
                  + "}, spec: {size: 1}}");
        } catch (IllegalStateException e) {
          // Discovery lags behind the condition.
          throw new AssertionError(e);
        }
      });
    }
  }

  @Test
  @Order(7)
  void noticesADatabaseThatWasRestored(@TempDir Path directory) {
    Path before = directory.resolve("before.db");
    try (Line line = open(informer -> informer)) {
      line.put("c1", "kept");
      line.flows();
      cluster.snapshot(before);
      for (int i = 0; i < 50; i++) {
        line.put("c1", "lost-" + i);
      }
      line.put("lost", "x");
      line.agrees();
      cluster.restore(before);

      line.agrees();
      assertThat(line.stops(StopCause.VERSION_REGRESSED)).isPositive();
      assertThat(line.informer().store().resource(ObjectKey.of(Line.NAMESPACE, "lost"))).isEmpty();
    }
  }

  /** Lets requests through only while it is open. */
  private static final class Valve implements Transport {
    private final Transport transport;
    private volatile boolean open = true;

    Valve(Transport transport) {
      this.transport = transport;
    }

    @Override
    public Response send(Request request) throws IOException, InterruptedException {
      if (!open) {
        throw new ConnectException("shut");
      }
      return transport.send(request);
    }

    @Override
    public void close() {
      transport.close();
    }
  }

  /** Its versions have grown past the anchor: nothing in the stream shows what happened. */
  @Test
  @Order(8)
  void findsByAnAuditThatADatabaseWasRestoredAndOvertook(@TempDir Path directory) {
    Path before = directory.resolve("before.db");
    Valve valve = new Valve(SluiceFabric8.transport(config()));
    try (Line line =
        new Line(
            config(),
            valve,
            Line.CONFIG_MAPS,
            informer -> informer.auditEvery(Duration.ofSeconds(360)))) {
      line.put("c1", "kept");
      line.put("c3", "kept");
      line.flows();
      cluster.snapshot(before);
      line.put("c1", "lost");
      line.put("lost", "x");
      line.delete("c3");
      line.agrees();
      long anchor = Long.parseLong(line.informer().status().anchor().orElseThrow());
      valve.open = false;
      cluster.restore(before);
      long version = 0;
      for (int i = 0; version <= anchor + 5; i++) {
        line.put("filler", Integer.toString(i));
        version =
            Long.parseLong(
                line.client()
                    .configMaps()
                    .inNamespace(Line.NAMESPACE)
                    .withName("filler")
                    .get()
                    .getMetadata()
                    .getResourceVersion());
      }
      valve.open = true;

      line.agrees();
      assertThat(line.stops(StopCause.VERSION_REGRESSED)).isZero();
      assertThat(line.informer().store().resource(ObjectKey.of(Line.NAMESPACE, "lost"))).isEmpty();
      assertThat(line.informer().store().resource(ObjectKey.of(Line.NAMESPACE, "c3"))).isPresent();
    }
  }

  @Test
  @Order(9)
  void stopsAtNothingWhenTextIsOutsideAscii() {
    try (Line line = open(informer -> informer)) {
      line.flows();
      line.put("text", "Gr\u00fc\u00dfe, \u4f60\u597d \uD83D\uDEA2 \"\\\u2028");
      line.agrees();
      assertThat(
              new String(
                  line.informer()
                      .store()
                      .resource(ObjectKey.of(Line.NAMESPACE, "text"))
                      .orElseThrow()
                      .json(),
                  StandardCharsets.UTF_8))
          .contains("Gr\u00fc\u00dfe, \u4f60\u597d \uD83D\uDEA2");
      assertThat(line.informer().status().recentStops()).isEmpty();
    }
  }

  @Test
  @Order(10)
  void tellsMetadataOnlyOfTheSameObjects() {
    try (Line line = open(informer -> informer.metadataOnly(true))) {
      line.flows();
      change(line, "metadata");
      line.agrees();
      assertThat(
              line.informer()
                  .store()
                  .snapshot()
                  .resources()
                  .map(object -> new String(object.json(), StandardCharsets.UTF_8)))
          .isNotEmpty()
          .allMatch(json -> json.contains("PartialObjectMetadata") && !json.contains("\"data\""));
    }
  }

  private static final String READER =
      """
      {apiVersion: rbac.authorization.k8s.io/v1, kind: Role,
       metadata: {namespace: default, name: line-reader},
       rules: [{apiGroups: [""], resources: [configmaps], verbs: [list, watch]}]}
      """;

  private static final String READER_BINDING =
      """
      {apiVersion: rbac.authorization.k8s.io/v1, kind: RoleBinding,
       metadata: {namespace: default, name: line-reader},
       roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: line-reader},
       subjects: [{apiGroup: rbac.authorization.k8s.io, kind: User, name: dave}]}
      """;

  @Test
  @Order(11)
  void goesOnWhereItStoodWhenItsRoleIsTakenAwayAndGivenBack() {
    cluster.apply(READER);
    cluster.apply(READER_BINDING);
    // All users of the cluster may read; one whom nobody knows may not.
    Config dave = config();
    dave.setImpersonateUsername("dave");
    try (Line line =
        new Line(
            config(),
            SluiceFabric8.transport(dave),
            Line.CONFIG_MAPS,
            informer -> informer.watchTimeout(Duration.ofSeconds(2)))) {
      line.flows();
      cluster.kubectl("delete", "rolebinding", "line-reader");
      Line.until(() -> assertThat(line.stops(StopCause.FORBIDDEN)).isGreaterThan(2));
      Line.until(() -> assertThat(line.informer().status().healthy()).isFalse());
      change(line, "unseen");
      cluster.apply(READER_BINDING);

      line.agrees();
      assertThat(line.informer().status().counts().lists()).isEqualTo(1);
    }
  }
}
