package dev.sluice.cluster;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A shared cluster: its servers, its users, its flags. */
@RealApiServer(
    flags = {"--max-requests-inflight=11", "--max-mutating-requests-inflight=6"},
    audit = true)
class RealApiServerTest {
  private static final String LEVEL_UID = "X-Kubernetes-PF-PriorityLevel-UID";

  private final RealCluster cluster;

  RealApiServerTest(RealCluster cluster) {
    this.cluster = cluster;
  }

  @Test
  void isReady() throws IOException {
    assertThat(cluster.get("admin", "/readyz").body()).isEqualTo("ok");
  }

  @Test
  void isTheRelease() throws IOException {
    assertThat(cluster.get("admin", "/version").body())
        .contains("\"gitVersion\": \"v1.37.2\"", "\"major\": \"1\"", "\"minor\": \"37\"");
  }

  @Test
  void bringsKubectlOfTheSameRelease() {
    assertThat(cluster.kubectl("version"))
        .contains("Client Version: v1.37.2", "Server Version: v1.37.2");
  }

  @ParameterizedTest
  @ValueSource(strings = {"admin", "alice", "bob", "carol"})
  void knowsItsUsersByTheirTokens(String user) {
    assertThat(
            cluster.kubectl(
                "--kubeconfig=" + cluster.kubeconfig(user),
                "auth",
                "whoami",
                "-o",
                "jsonpath={.status.userInfo.username}"))
        .isEqualTo(user);
  }

  @Test
  void knowsTheAdminByCertificate() {
    assertThat(cluster.kubectl("--context=admin-certificate", "auth", "can-i", "*", "*"))
        .isEqualTo("yes\n");
  }

  @Test
  void letsAliceDoEverything() {
    assertThat(cluster.kubectl("--context=alice", "auth", "can-i", "*", "*", "-A"))
        .isEqualTo("yes\n");
  }

  @Test
  void letsBobEditInHisNamespace() {
    cluster.kubectl("--context=bob", "create", "configmap", "from-bob");

    assertThat(cluster.kubectl("get", "configmap", "from-bob", "-o", "name"))
        .isEqualTo("configmap/from-bob\n");
  }

  @Test
  void forbidsBobTheOtherNamespaces() throws IOException {
    HttpResponse<String> answer = cluster.get("bob", "/api/v1/namespaces/kube-system/configmaps");

    assertThat(answer.statusCode()).isEqualTo(403);
    assertThat(answer.body()).contains("cannot list resource").contains("kube-system");
  }

  @Test
  void letsCarolReadAndNotWrite() throws IOException {
    assertThat(cluster.get("carol", "/api/v1/configmaps").statusCode()).isEqualTo(200);
    assertThat(cluster.get("carol", "/api/v1/secrets").statusCode()).isEqualTo(403);
    assertThatThrownBy(() -> cluster.kubectl("--context=carol", "create", "configmap", "c"))
        .hasMessageContaining("exit code 1")
        .hasMessageContaining("configmaps is forbidden: User \"carol\" cannot create");
  }

  @Test
  void exemptsOnlyTheAdminFromPriorityAndFairness() throws IOException {
    String exempt =
        cluster.kubectl(
            "get", "prioritylevelconfiguration", "exempt", "-o", "jsonpath={.metadata.uid}");

    assertThat(level("admin")).isEqualTo(exempt);
    assertThat(List.of(level("alice"), level("bob"), level("carol")))
        .doesNotContain(exempt)
        .containsOnly(
            cluster.kubectl(
                "get",
                "prioritylevelconfiguration",
                "global-default",
                "-o",
                "jsonpath={.metadata.uid}"));
  }

  private String level(String user) throws IOException {
    return cluster
        .get(user, "/api/v1/namespaces/default/configmaps")
        .headers()
        .firstValue(LEVEL_UID)
        .orElse("no header " + LEVEL_UID);
  }

  @Test
  void passesFlagsToTheApiServer() throws IOException {
    // 11 + 6 seats, shared out among the levels and rounded up for each.
    double seats =
        cluster
            .get("admin", "/metrics")
            .body()
            .lines()
            .filter(line -> line.startsWith("apiserver_flowcontrol_nominal_limit_seats{"))
            .mapToDouble(line -> Double.parseDouble(line.substring(line.lastIndexOf(' ') + 1)))
            .sum();

    assertThat(seats).isBetween(17.0, 25.0);
  }

  @Test
  void writesTheAuditLog() throws IOException {
    cluster.get("carol", "/api/v1/namespaces/default/pods?labelSelector=audited");

    assertThat(Files.readAllLines(cluster.auditLog()))
        .anyMatch(line -> line.contains("labelSelector=audited") && line.contains("\"carol\""));
  }

  @Test
  void refusesToDisturbASharedCluster(@TempDir Path directory) {
    assertThatThrownBy(cluster::restartApiServer)
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("dedicated = true");
    assertThatThrownBy(() -> cluster.restore(directory.resolve("any")))
        .hasMessageContaining("dedicated = true");
  }

  @Test
  void namesTheUsersThereAre() {
    assertThatThrownBy(() -> cluster.kubeconfig("dave"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("alice");
    assertThatThrownBy(() -> cluster.token("dave"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("alice");
  }

  /** Uses the outer class's. */
  @Nested
  class InANestedClass {
    @Test
    void isTheSameCluster(RealCluster inner) {
      assertThat(inner).isSameAs(cluster);
    }
  }
}
