package dev.sluice.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.cluster.RealApiServer;
import dev.sluice.cluster.RealCluster;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import javax.net.ssl.TrustManagerFactory;
import javax.net.ssl.X509TrustManager;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** {@code sluice watch} as it is typed, on the released API server. */
@RealApiServer(dedicated = true)
@Timeout(120)
class RealWatchTest {
  private static final JsonMapper JSON = new JsonMapper();
  private static final String NAMESPACE = "watched";

  @TempDir private Path folder;
  private final RealCluster cluster;
  private final String kubeconfig;

  RealWatchTest(RealCluster cluster) {
    this.cluster = cluster;
    this.kubeconfig = cluster.kubeconfig("alice").toString();
  }

  @BeforeEach
  void objects() {
    cluster.apply(
        """
        apiVersion: v1
        kind: Namespace
        metadata: {name: watched}
        ---
        apiVersion: v1
        kind: ConfigMap
        metadata: {name: a, namespace: watched, labels: {app: web}}
        data: {key: value}
        ---
        apiVersion: v1
        kind: ConfigMap
        metadata: {name: b, namespace: watched}
        """);
    cluster.kubectl("delete", "configmap", "-n", NAMESPACE, "c", "--ignore-not-found");
  }

  @ParameterizedTest
  @ValueSource(strings = {"cm", "configmap", "ConfigMap", "configmaps", "configmaps.v1."})
  void knowsAKindByAllItsNames(String word) {
    Run run = Run.upToLine(1, "watch", word, "-n", NAMESPACE, "--kubeconfig", kubeconfig);

    assertThat(run.out()).as(run.err()).isEqualTo("ADDED    watched/a\n");
  }

  @PressesCtrlC
  void printsWhatIsThereAndThenWhatChangesUntilCtrlC() throws Exception {
    Run.Running running = start("cm", "-n", NAMESPACE);
    running.out().await(text -> text.lines().count() == 2);
    cluster.kubectl("create", "configmap", "-n", NAMESPACE, "c");
    running.out().await(text -> text.contains("ADDED    watched/c"));
    cluster.kubectl("label", "configmap", "-n", NAMESPACE, "c", "x=y");
    running.out().await(text -> text.contains("MODIFIED watched/c"));
    cluster.kubectl("delete", "configmap", "-n", NAMESPACE, "c");
    running.out().await(text -> text.contains("DELETED  watched/c"));

    Run run = running.interrupt();

    assertThat(run.exitCode()).as(run.err()).isZero();
    assertThat(run.err()).contains("wrote 3 added, 1 modified, 1 deleted; 2 objects at the end");
  }

  @Test
  void jsonHasTheWholeObject() {
    Run run =
        Run.upToLine(1, "watch", "cm", "-n", NAMESPACE, "-o", "json", "--kubeconfig", kubeconfig);

    JsonNode line = JSON.readTree(run.out());
    assertThat(line.path("type").asString()).isEqualTo("ADDED");
    assertThat(line.path("namespace").asString()).isEqualTo(NAMESPACE);
    assertThat(line.path("name").asString()).isEqualTo("a");
    assertThat(line.path("resourceVersion").asString()).matches("[1-9]\\d*");
    assertThat(line.path("object").path("kind").asString()).isEqualTo("ConfigMap");
    assertThat(line.path("object").path("data").path("key").asString()).isEqualTo("value");
  }

  @Test
  void wideIsATable() {
    Run run =
        Run.upToLine(2, "watch", "cm", "-n", NAMESPACE, "-o", "wide", "--kubeconfig", kubeconfig);

    assertThat(run.out().lines().toList())
        .hasSize(2)
        .satisfies(lines -> {
          assertThat(lines.get(0)).startsWith("TIME ").endsWith("LABELS");
          assertThat(lines.get(1)).containsPattern("ADDED +watched/a +\\d+ +- +app=web$");
        });
  }

  @Test
  void selectorsAreTheServers() {
    Run byLabel = watch("cm", "-n", NAMESPACE, "-l", "app=web", "--for", "1s");
    Run byField = watch("cm", "-A", "--field-selector", "metadata.name=b", "--for", "1s");

    assertThat(byLabel.out()).as(byLabel.err()).isEqualTo("ADDED    watched/a\n");
    assertThat(byField.out()).as(byField.err()).isEqualTo("ADDED    watched/b\n");
  }

  @Test
  void allNamespacesIsAllOfThem() {
    Run run = watch("cm", "-A", "--for", "1s");

    assertThat(run.exitCode()).as(run.err()).isZero();
    assertThat(run.out())
        .contains("ADDED    watched/a\n")
        .contains("ADDED    kube-system/extension-apiserver-authentication\n");
  }

  @ParameterizedTest
  @ValueSource(strings = {"coalesce", "block", "pause"})
  void eachGateTellsEverythingHoweverSlowlyItIsWritten(String gate) {
    Run run = watch("cm", "-n", NAMESPACE, "--gate", gate, "--qps", "20", "--for", "2s");

    assertThat(run.exitCode()).as(run.err()).isZero();
    assertThat(run.out()).isEqualTo("ADDED    watched/a\nADDED    watched/b\n");
  }

  @Test
  void theDumpIsWhatTheServerLists() throws Exception {
    Path dump = folder.resolve("dump");

    Run run = watch("cm", "-A", "--dump", dump.toString(), "--for", "2s");

    assertThat(run.exitCode()).as(run.err()).isZero();
    List<JsonNode> listed = new ArrayList<>();
    for (JsonNode item :
        JSON.readTree(cluster.get("admin", "/api/v1/configmaps").body()).path("items")) {
      ((ObjectNode) item).put("kind", "ConfigMap").put("apiVersion", "v1");
      ((ObjectNode) item.path("metadata")).remove("managedFields");
      listed.add(item);
    }
    assertThat(Files.readAllLines(dump).stream().map(JSON::readTree))
        .isNotEmpty()
        .containsExactlyInAnyOrderElementsOf(listed);
  }

  @PressesCtrlC
  void aRestartOfTheServerIsToldAndSurvived() throws Exception {
    Run.Running running = start("cm", "-n", NAMESPACE);
    running.out().await(text -> text.lines().count() == 2);

    cluster.restartApiServer();
    running.err().await(text -> text.contains("watching again after"));
    cluster.kubectl("create", "configmap", "-n", NAMESPACE, "c");
    running.out().await(text -> text.contains("ADDED    watched/c"));
    Run run = running.interrupt();

    assertThat(run.exitCode()).isZero();
    assertThat(run.err()).contains("stream stopped: ").contains("; next: ");
    assertThat(run.out().lines()).containsOnlyOnce("ADDED    watched/a", "ADDED    watched/c");
  }

  @Test
  void anUnknownKindIsSaidWithWhatIsNear() {
    assertOneLine(watch("podz"), ExitCode.NOT_FOUND, "\"podz\"", "did you mean pods");
  }

  @Test
  void whatOneMayNotIsSaidWithWhoOneIs() {
    Run run =
        Run.of("watch", "secrets", "-A", "--kubeconfig", cluster.kubeconfig("carol").toString());

    assertOneLine(run, ExitCode.FORBIDDEN, "(403)", "\"carol\"", "secrets", "ask for a role");
  }

  @Test
  void aTokenThatIsNotGoodIsSaid() throws Exception {
    String good = Files.readString(cluster.kubeconfig("alice"));

    Run run = withKubeconfig(good.replace(cluster.token("alice"), "expired"));

    assertOneLine(run, ExitCode.UNAUTHENTICATED, "(401)");
  }

  @Test
  void aCertificateThatIsNotTrustedIsSaid() throws Exception {
    String good = Files.readString(cluster.kubeconfig("alice"));
    Path other = folder.resolve("other.crt");
    Files.writeString(other, someAuthority());

    Run run =
        withKubeconfig(
            good.replaceAll(
                "certificate-authority(-data)?: .*", "certificate-authority: " + other));

    assertOneLine(run, ExitCode.UNTRUSTED, "certificate", "not signed by an authority");
  }

  @Test
  void aServerThatIsNotThereIsSaid() throws Exception {
    int free;
    try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      free = socket.getLocalPort();
    }
    String good = Files.readString(cluster.kubeconfig("alice"));

    Run run = withKubeconfig(good.replace(":" + cluster.url().getPort(), ":" + free));

    assertOneLine(run, ExitCode.UNREACHABLE, "refuses the connection", ":" + free);
  }

  @Test
  void aKubeconfigThatIsNotOneIsSaid() throws Exception {
    Run run = withKubeconfig("apiVersion: v1\nkind: Config\ncurrent-context: nowhere\n");

    assertOneLine(run, ExitCode.KUBECONFIG, "\"nowhere\"");
  }

  @Test
  void verboseGivesTheRest() {
    Run run = Run.of("watch", "podz", "--verbose", "--kubeconfig", kubeconfig);

    assertThat(run.err()).contains("error: ").contains("\tat dev.sluice.");
  }

  private Run withKubeconfig(String text) throws IOException {
    Path file = folder.resolve("config");
    Files.writeString(file, text);
    return Run.of("watch", "cm", "--kubeconfig", file.toString());
  }

  private Run watch(String... args) {
    return Run.of(line(args));
  }

  private Run.Running start(String... args) {
    return Run.start(line(args));
  }

  private String[] line(String... args) {
    List<String> line = new ArrayList<>(List.of("watch", "--kubeconfig", kubeconfig));
    line.addAll(List.of(args));
    return line.toArray(String[]::new);
  }

  /** The certificate of one of the authorities that come with Java; none of them signed ours. */
  private static String someAuthority() throws GeneralSecurityException {
    TrustManagerFactory trust =
        TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
    trust.init((KeyStore) null);
    X509TrustManager manager = (X509TrustManager) trust.getTrustManagers()[0];
    return "-----BEGIN CERTIFICATE-----\n"
        + Base64.getMimeEncoder().encodeToString(manager.getAcceptedIssuers()[0].getEncoded())
        + "\n-----END CERTIFICATE-----\n";
  }

  private static void assertOneLine(Run run, ExitCode exitCode, String... said) {
    assertThat(run.err().lines()).as(run.err()).hasSize(1);
    assertThat(run.err()).startsWith("error: ").contains(said);
    assertThat(run.exitCode()).isEqualTo(exitCode.code());
    assertThat(run.out()).isEmpty();
  }
}
