package dev.sluice.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.cluster.Kubectl;
import dev.sluice.cluster.RealCluster;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code sluice apiserver}, from its options to what it leaves behind. */
class ApiServerTest {
  private static final String CONFIG_MAP =
      "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: %s, namespace: default}\n";

  @TempDir private Path folder;

  /** The only line on standard output. */
  private static Path ready(Run.Running running) throws Exception {
    running.out().await(text -> text.endsWith(System.lineSeparator()) || running.task().isDone());
    assertThat(running.out().toString().lines()).as(running.err().toString()).hasSize(1);
    return Path.of(running.out().toString().strip());
  }

  private static URI address(Path kubeconfig) throws IOException {
    Matcher server =
        Pattern.compile("server: \"?(http[^\\s\"]+)").matcher(Files.readString(kubeconfig));
    assertThat(server.find()).isTrue();
    return URI.create(server.group(1));
  }

  private static int status(URI server, String path) throws Exception {
    try (HttpClient client = HttpClient.newHttpClient()) {
      HttpRequest request = HttpRequest.newBuilder(URI.create(server + path)).build();
      return client.send(request, BodyHandlers.discarding()).statusCode();
    }
  }

  private static boolean isOpen(URI server) {
    try (Socket socket = new Socket(server.getHost(), server.getPort())) {
      return socket.isConnected();
    } catch (IOException e) {
      return false;
    }
  }

  private Path file(String name, String text) throws IOException {
    return Files.writeString(folder.resolve(name), text);
  }

  private static void assertTrouble(Run run, ExitCode code, String... said) {
    assertThat(run.err().lines()).singleElement().asString().startsWith("error: ").contains(said);
    assertThat(run.out()).isEmpty();
    assertThat(run.exitCode()).isEqualTo(code.code());
  }

  // --- its life ----------------------------------------------------------------------------------

  @PressesCtrlC
  void printsThePathOfItsKubeconfigAndLeavesNothingBehindAfterCtrlC() throws Exception {
    Run.Running running = Run.start("apiserver");
    Path kubeconfig = ready(running);
    URI server = address(kubeconfig);
    assertThat(status(server, "/api/v1/namespaces")).isEqualTo(200);

    Run run = running.interrupt();

    assertThat(run.exitCode()).isZero();
    assertThat(run.err()).contains("API server at " + server, "Ctrl-C ends it");
    assertThat(kubeconfig.getParent()).doesNotExist();
    assertThat(isOpen(server)).isFalse();
  }

  @Test
  void endsByItselfWhenItsTimeIsUp() {
    Run run = Run.of("apiserver", "--for", "10ms");

    assertThat(run.exitCode()).isZero();
    assertThat(run.err()).contains("the time is up");
    assertThat(Path.of(run.out().strip()).getParent()).doesNotExist();
  }

  @PressesCtrlC
  void writesItsKubeconfigWhereItIsToldAndForItsOwnerOnly() throws Exception {
    Path wanted = folder.resolve("embedded");
    Run.Running running = Run.start("apiserver", "--kubeconfig", wanted.toString());
    Path kubeconfig = ready(running);

    assertThat(kubeconfig).isEqualTo(wanted);
    if (Files.getFileStore(folder).supportsFileAttributeView("posix")) {
      assertThat(Files.getPosixFilePermissions(kubeconfig))
          .isEqualTo(PosixFilePermissions.fromString("rw-------"));
    }
    running.interrupt();
    assertThat(folder).isEmptyDirectory();
  }

  @PressesCtrlC
  void anotherKubeconfigThatTookThePlaceMeanwhileStays() throws Exception {
    Path wanted = folder.resolve("embedded");
    Run.Running running = Run.start("apiserver", "--kubeconfig", wanted.toString());
    ready(running);
    Files.writeString(wanted, "mine now");
    running.interrupt();
    assertThat(wanted).hasContent("mine now");
  }

  @PressesCtrlC
  void loadsFilesAndFolders() throws Exception {
    Path one = file("one.yaml", CONFIG_MAP.formatted("a") + "---\n" + CONFIG_MAP.formatted("b"));
    Path many = Files.createDirectory(folder.resolve("many"));
    Files.writeString(many.resolve("c.yml"), CONFIG_MAP.formatted("c"));
    Files.writeString(
        many.resolve("d.json"),
        "{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"d\",\"namespace\":\"default\"}}");
    Files.writeString(many.resolve("README"), "not to be loaded");

    Run.Running running =
        Run.start("apiserver", "--load", one.toString(), "--load", many.toString());
    URI server = address(ready(running));

    for (String name : new String[] {"a", "b", "c", "d"}) {
      assertThat(status(server, "/api/v1/namespaces/default/configmaps/" + name)).isEqualTo(200);
    }
    assertThat(running.interrupt().err()).contains("4 objects loaded");
  }

  @PressesCtrlC
  void listensWhereItIsTold() throws Exception {
    int port;
    try (ServerSocket free = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      port = free.getLocalPort();
    }
    Run.Running running = Run.start("apiserver", "--port", String.valueOf(port));
    assertThat(address(ready(running))).hasPort(port);
    running.interrupt();
  }

  @PressesCtrlC
  @Tag("real")
  void kubectlWorksWithItsKubeconfigPlainAndOverTls() throws Exception {
    Assumptions.assumeTrue(
        RealCluster.whatIsMissing().isEmpty(), () -> RealCluster.whatIsMissing().orElseThrow());
    Path objects = file("objects.yaml", CONFIG_MAP.formatted("a"));
    for (String[] options : new String[][] {{}, {"--tls"}}) {
      String[] args = new String[options.length + 5];
      args[0] = "apiserver";
      args[1] = "--load";
      args[2] = objects.toString();
      args[3] = "--kubeconfig";
      args[4] = folder.resolve("kubeconfig").toString();
      System.arraycopy(options, 0, args, 5, options.length);
      Run.Running running = Run.start(args);
      Kubectl kubectl = Kubectl.with(ready(running));
      assertThat(kubectl.run("get", "configmaps", "-o", "name")).isEqualTo("configmap/a\n");
      kubectl.run("create", "configmap", "b", "--from-literal=k=v");
      assertThat(kubectl.run("get", "configmap", "b", "-o", "jsonpath={.data.k}")).isEqualTo("v");
      assertThat(running.interrupt().exitCode()).isZero();
    }
  }

  // --- what is wrong with its options ------------------------------------------------------------

  @Test
  void aPortThatIsTakenIsNamed() throws Exception {
    try (ServerSocket other = new ServerSocket(0, 1, InetAddress.getByName("127.0.0.1"))) {
      String port = String.valueOf(other.getLocalPort());
      assertTrouble(
          Run.of("apiserver", "--port", port, "--for", "1ms"),
          ExitCode.LOCAL,
          "port " + port + " of 127.0.0.1 is taken",
          "choose another port",
          "--port");
    }
  }

  @Test
  void aPortThatIsNoneIsAUsageError() {
    Run run = Run.of("apiserver", "--port", "70000");
    assertThat(run.exitCode()).isEqualTo(ExitCode.USAGE.code());
    assertThat(run.err())
        .startsWith("error: --port is from 0 (any that is free) to 65535, not 70000");
  }

  @Test
  void aKubeconfigOfSomebodyElseIsNotOverwritten() throws Exception {
    Path own = file("config", "apiVersion: v1\n");
    assertTrouble(
        Run.of("apiserver", "--kubeconfig", own.toString(), "--for", "1ms"),
        ExitCode.LOCAL,
        own.toString(),
        "was not written by sluice apiserver",
        "name another file");
    assertThat(own).hasContent("apiVersion: v1");
  }

  @Test
  void aKubeconfigThatCannotBeWrittenIsNamed() throws Exception {
    Path missing = folder.resolve("missing/kubeconfig");
    assertTrouble(
        Run.of("apiserver", "--kubeconfig", missing.toString(), "--for", "1ms"),
        ExitCode.LOCAL,
        "cannot write the kubeconfig " + missing,
        "there is no folder " + missing.getParent());
    assertTrouble(
        Run.of("apiserver", "--kubeconfig", folder.toString(), "--for", "1ms"),
        ExitCode.LOCAL,
        folder.toString(),
        "name another file");
  }

  @Test
  void aFileThatIsMissingIsNamed() {
    assertTrouble(
        Run.of("apiserver", "--load", "no-such.yaml", "--for", "1ms"),
        ExitCode.LOCAL,
        "no readable file no-such.yaml",
        "--load");
  }

  @Test
  void aFolderWithoutManifestsIsNamed() {
    assertTrouble(
        Run.of("apiserver", "--load", folder.toString(), "--for", "1ms"),
        ExitCode.LOCAL,
        "no .yaml, .yml or .json file in the folder " + folder);
  }

  @Test
  void brokenYamlIsNamedWithItsLine() throws Exception {
    Path broken = file("broken.yaml", "apiVersion: v1\nkind: ConfigMap\n  metadata: [\n");
    assertTrouble(
        Run.of("apiserver", "--load", broken.toString(), "--for", "1ms"),
        ExitCode.LOCAL,
        broken + " is no YAML",
        "line 3",
        "mend it");
  }

  @Test
  void anObjectThatIsRefusedIsNamedWithTheReason() throws Exception {
    Path refused =
        file("refused.yaml", CONFIG_MAP.formatted("a") + "---\n" + CONFIG_MAP.formatted("No_Name"));
    assertTrouble(
        Run.of("apiserver", "--load", refused.toString(), "--for", "1ms"),
        ExitCode.LOCAL,
        "Document 2 of " + refused,
        "ConfigMap 'No_Name'",
        "mend it");
  }

  @Test
  void aFileThatIsNoTextIsNamed() throws Exception {
    Path binary = folder.resolve("binary.yaml");
    Files.write(binary, "\u00e9".getBytes(StandardCharsets.ISO_8859_1));
    assertTrouble(
        Run.of("apiserver", "--load", binary.toString(), "--for", "1ms"),
        ExitCode.LOCAL,
        binary + " is not text in UTF-8");
  }

  @Test
  void troubleLeavesNoKubeconfigBehind() throws Exception {
    Path broken = file("broken.yaml", "[");
    Path kubeconfig = folder.resolve("kubeconfig");
    Run run =
        Run.of(
            "apiserver",
            "--load",
            broken.toString(),
            "--kubeconfig",
            kubeconfig.toString(),
            "--for",
            "1ms");
    assertThat(run.exitCode()).isEqualTo(ExitCode.LOCAL.code());
    assertThat(kubeconfig).doesNotExist();
  }

  @Test
  void itsHelpNamesEveryOption() {
    Run run = Run.of("apiserver", "--help");
    assertThat(run.exitCode()).isZero();
    assertThat(run.out())
        .contains("--port", "--tls", "--kubeconfig", "--load", "--for", "Ctrl-C", "Examples:");
  }
}
