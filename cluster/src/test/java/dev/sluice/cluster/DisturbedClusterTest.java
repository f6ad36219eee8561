package dev.sluice.cluster;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.math.BigInteger;
import java.net.ConnectException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What is done to a running cluster. */
@RealApiServer(dedicated = true, controllerManager = true)
class DisturbedClusterTest {
  private final RealCluster cluster;

  DisturbedClusterTest(RealCluster cluster) {
    this.cluster = cluster;
  }

  @Test
  void keepsObjectsAndAddressOverARestart() {
    URI url = cluster.url();
    cluster.kubectl("create", "configmap", "kept");
    String before = cluster.property("apiserver.pid");

    cluster.restartApiServer();

    assertThat(cluster.property("apiserver.pid")).isNotEqualTo(before);
    assertThat(cluster.url()).isEqualTo(url);
    assertThat(cluster.kubectl("get", "configmap", "kept", "-o", "name"))
        .isEqualTo("configmap/kept\n");
  }

  @Test
  void takesOtherFlagsAtARestartAndKeepsThemAtTheNext() throws IOException {
    String header = "X-Kubernetes-PF-FlowSchema-UID";
    assertThat(cluster.get("bob", "/version").headers().firstValue(header)).isPresent();

    cluster.restartApiServer(List.of("--enable-priority-and-fairness=false"));
    assertThat(cluster.get("bob", "/version").headers().firstValue(header)).isEmpty();
    cluster.restartApiServer();
    assertThat(cluster.get("bob", "/version").headers().firstValue(header)).isEmpty();

    cluster.restartApiServer(List.of());
    assertThat(cluster.get("bob", "/version").headers().firstValue(header)).isPresent();
  }

  @Test
  void tellsWhatTheApiServerSaidOfAWrongFlagAndStartsAgainWithout() throws IOException {
    assertThatThrownBy(() -> cluster.restartApiServer(List.of("--no-such-flag")))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("unknown flag: --no-such-flag");

    cluster.startApiServer();

    assertThat(cluster.get("admin", "/readyz").statusCode()).isEqualTo(200);
  }

  @Test
  void refusesConnectionsWhileTheApiServerIsAway() throws IOException {
    cluster.stopApiServer();
    assertThatThrownBy(() -> cluster.get("admin", "/readyz")).isInstanceOf(ConnectException.class);
    assertThatThrownBy(cluster::stopApiServer).hasMessageContaining("stopped already");

    cluster.startApiServer();
    assertThat(cluster.get("admin", "/readyz").statusCode()).isEqualTo(200);
    assertThatThrownBy(cluster::startApiServer).hasMessageContaining("running already");
  }

  @Test
  void comesBackAfterACrash() throws IOException {
    ProcessHandle server =
        ProcessHandle.of(Long.parseLong(cluster.property("apiserver.pid"))).orElseThrow();

    cluster.crashApiServer();
    assertThat(server.isAlive()).isFalse();

    cluster.startApiServer();
    assertThat(cluster.get("admin", "/readyz").statusCode()).isEqualTo(200);
  }

  @Test
  void isSilentWhilePaused() throws IOException {
    cluster.pauseApiServer();
    try {
      assertThatThrownBy(() -> cluster.kubectl("get", "ns", "--request-timeout=1s"))
          .hasMessageContaining("exceeded");
    } finally {
      cluster.resumeApiServer();
    }

    assertThat(cluster.get("admin", "/readyz").statusCode()).isEqualTo(200);
  }

  @Test
  void runsVersionsBackwardsInARestore(@TempDir Path directory) {
    Path snapshot = directory.resolve("before.db");
    cluster.kubectl("create", "configmap", "before-the-snapshot");
    BigInteger then = version();
    cluster.snapshot(snapshot);
    for (int i = 0; i < 10; i++) {
      cluster.kubectl("create", "configmap", "after-the-snapshot-" + i);
    }
    BigInteger later = version();

    cluster.restore(snapshot);

    assertThat(later).isGreaterThanOrEqualTo(then.add(BigInteger.TEN));
    assertThat(version()).isGreaterThanOrEqualTo(then).isLessThan(later);
    assertThat(cluster.kubectl("get", "configmaps", "-o", "name"))
        .contains("before-the-snapshot")
        .doesNotContain("after-the-snapshot");
  }

  @Test
  void forgetsOlderVersionsWhenItIsCompacted() throws IOException {
    BigInteger then = version();
    cluster.kubectl("create", "configmap", "after-that-version");
    String list =
        "/api/v1/configmaps?resourceVersionMatch=Exact&resourceVersion=" + then.toString();
    assertThat(cluster.get("admin", list).statusCode()).isEqualTo(200);

    cluster.compact();

    cluster.restartApiServer(); // looks at once, not within 15 s
    assertThat(cluster.get("admin", list).statusCode()).isEqualTo(410);
  }

  @Test
  void changesNothingWhenTheSnapshotIsNone(@TempDir Path directory) throws IOException {
    Path file = Files.writeString(directory.resolve("torn.db"), "no snapshot at all");
    String before = cluster.property("apiserver.pid");

    assertThatThrownBy(() -> cluster.restore(file))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("torn.db is not a whole etcd snapshot");

    assertThat(cluster.property("apiserver.pid")).isEqualTo(before);
  }

  @Test
  void makesServiceAccountsAndEndsNamespaces() {
    cluster.kubectl("create", "namespace", "passing");

    // Waits until it is gone, which only the controller manager brings about.
    assertThat(cluster.kubectl("delete", "namespace", "passing", "--timeout=60s"))
        .contains("deleted");
    assertThat(cluster.kubectl("get", "serviceaccount", "default", "-o", "name"))
        .isEqualTo("serviceaccount/default\n");
  }

  /** The store's present resource version. */
  private BigInteger version() {
    String list = cluster.kubectl("get", "--raw", "/api/v1/namespaces?limit=1");
    String number = list.replaceFirst("(?s).*?\"resourceVersion\":\"(\\d+)\".*", "$1");
    return new BigInteger(number);
  }
}
