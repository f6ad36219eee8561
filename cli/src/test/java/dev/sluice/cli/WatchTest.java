package dev.sluice.cli;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.kube.StopCause;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** {@code sluice watch} as it is typed, against a server of little knowledge. */
class WatchTest {
  @TempDir private Path folder;

  private final FakeApiServer server = FakeApiServer.start();
  private String kubeconfig = "";

  @BeforeEach
  void objects() {
    kubeconfig = server.kubeconfig(folder).toString();
    server.put("a", "\"app\":\"web\"");
    server.put("b");
  }

  @AfterEach
  void stop() {
    server.close();
  }

  @PressesCtrlC
  void printsWhatIsThereAndThenWhatChangesUntilCtrlC() throws Exception {
    Run.Running running = Run.start("watch", "configmaps", "--kubeconfig", kubeconfig);
    running.out().await(text -> text.lines().count() == 2);
    running.err().await(text -> text.contains("watching"));
    server.put("c");
    running.out().await(text -> text.contains("ADDED    default/c"));
    server.put("a");
    running.out().await(text -> text.contains("MODIFIED default/a"));
    server.delete("b");
    running.out().await(text -> text.contains("DELETED  default/b"));

    Run run = running.interrupt();

    assertThat(run.exitCode()).isZero();
    assertThat(run.out().lines().toList())
        .containsExactly(
            "ADDED    default/a",
            "ADDED    default/b",
            "ADDED    default/c",
            "MODIFIED default/a",
            "DELETED  default/b");
    assertThat(run.err())
        .containsPattern("configmaps in default: 2 objects at version 102; watching")
        .containsPattern(
            "configmaps in default, .* m?s: wrote 3 added, 1 modified, 1 deleted; 2 objects at the"
                + " end, version 105; no interruptions");
  }

  @ParameterizedTest
  @ValueSource(strings = {"cm", "configmap", "ConfigMap", "CONFIGMAPS", "configmaps.v1."})
  void knowsAKindByAllItsNames(String word) {
    Run run = Run.upToLine(1, "watch", word, "--kubeconfig", kubeconfig);

    assertThat(run.err()).doesNotContain("error");
    assertThat(run.out()).isEqualTo("ADDED    default/a\n");
  }

  @Test
  void endsQuietlyWhenNobodyReadsAnyMore() {
    Run run = Run.upToLine(1, "watch", "cm", "--kubeconfig", kubeconfig);

    assertThat(run.exitCode()).isZero();
    assertThat(run.out()).isEqualTo("ADDED    default/a\n");
    assertThat(run.err()).doesNotContain("error").doesNotContain("wrote");
  }

  @Test
  void jsonIsOneLineAChangeWithTheWholeObject() {
    Run run = Run.upToLine(1, "watch", "cm", "-o", "json", "--kubeconfig", kubeconfig);

    assertThat(run.out())
        .isEqualTo(
            """
            {"type":"ADDED","namespace":"default","name":"a","resourceVersion":"101","object":\
            {"kind":"ConfigMap","apiVersion":"v1","metadata":{"name":"a","namespace":"default",\
            "uid":"uid-a","resourceVersion":"101","labels":{"app":"web"}},"data":{"version":"101"}}}
            """);
  }

  @Test
  void wideIsATable() {
    Run run = Run.upToLine(2, "watch", "cm", "-o", "wide", "--kubeconfig", kubeconfig);

    assertThat(run.out().lines().toList())
        .hasSize(2)
        .satisfies(lines -> {
          assertThat(lines.get(0)).startsWith("TIME ").endsWith("LABELS");
          assertThat(lines.get(1))
              .containsPattern(
                  "^\\d\\d:\\d\\d:\\d\\d\\.\\d{3} +ADDED +default/a +101 +- +app=web$");
        });
  }

  @Test
  void asksForMetadataOnlyWhereMoreIsNotShown() {
    Run.upToLine(1, "watch", "cm", "--kubeconfig", kubeconfig);

    assertThat(server.accepted()).anyMatch(accept -> accept.contains("as=PartialObjectMetadata"));
  }

  @PressesCtrlC
  void tellsWhyTheStreamWasCutAndLosesNothing() throws Exception {
    Run.Running running = Run.start("watch", "cm", "--explain", "--kubeconfig", kubeconfig);
    running.err().await(text -> text.contains("watching"));
    server.awaitWatch();
    server.cutWatches();
    server.put("late");
    running.out().await(text -> text.contains("ADDED    default/late"));
    running.err().await(text -> text.contains("watching again after"));

    Run run = running.interrupt();

    assertThat(run.exitCode()).isZero();
    assertThat(run.err())
        .contains("stream stopped: eof (the server closed the stream before its deadline)")
        .contains("reconnected 1 time (eof 1)")
        .contains("causes: ");
    assertThat(run.out().lines().count()).isEqualTo(3);
  }

  @PressesCtrlC
  void dumpsTheLastStateWhenItEnds() throws Exception {
    Path dump = folder.resolve("dump.jsonl");
    Run.Running running =
        Run.start("watch", "cm", "--dump", dump.toString(), "--kubeconfig", kubeconfig);
    running.err().await(text -> text.contains("watching"));
    server.put("c");
    running.out().await(text -> text.contains("default/c"));

    Run run = running.interrupt();

    assertThat(run.err()).contains("dumped 3 objects to " + dump);
    List<String> lines = Files.readAllLines(dump);
    assertThat(lines).hasSize(3);
    assertThat(lines.get(2)).contains("\"name\":\"c\"").contains("\"data\":{\"version\":\"103\"}");
  }

  @Test
  void endsAfterTheTimeGiven() {
    Run run = Run.of("watch", "cm", "--for", "3s", "--dump", "-", "--kubeconfig", kubeconfig);

    assertThat(run.exitCode()).isZero();
    assertThat(run.out().lines().count()).isEqualTo(4);
    assertThat(run.err()).contains("wrote 2 added").contains("2 objects at the end");
  }

  @PressesCtrlC
  void writesNoFasterThanItMayAndLosesNothing() throws Exception {
    for (int i = 0; i < 50; i++) {
      server.put("more-" + i);
    }
    Run.Running running =
        Run.start("watch", "cm", "--qps", "0.01", "--gate", "coalesce", "--kubeconfig", kubeconfig);
    running.out().await(text -> text.contains("default/a"));
    running.err().await(text -> text.contains("52 objects"));

    Run run = running.interrupt();

    assertThat(run.out()).isEqualTo("ADDED    default/a\n");
    assertThat(run.err()).contains("wrote 1 added, 0 modified, 0 deleted (51 more were waiting)");
  }

  @PressesCtrlC
  void aFullGatePausesTheStreamVisibly() throws Exception {
    Run.Running running =
        Run.start(
            "watch",
            "cm",
            "--qps",
            "0.01",
            "--gate",
            "pause",
            "--gate-capacity",
            "1",
            "--kubeconfig",
            kubeconfig);
    running.out().await(text -> text.contains("default/a"));
    server.put("c");
    server.put("d");
    running.err().await(text -> text.contains("gate"));

    assertThat(running.interrupt().exitCode()).isZero();
  }

  @Test
  void listsTheKindsThatThereAre() {
    Run run = Run.of("watch", "--kinds", "--kubeconfig", kubeconfig);

    assertThat(run.exitCode()).isZero();
    assertThat(run.out())
        .containsPattern("(?m)^configmaps +v1 +yes +ConfigMap$")
        .containsPattern("(?m)^nodes +v1 +no +Node$");
  }

  @Test
  void watchesAllNamespacesOrOneOrNone() throws Exception {
    Run.upToLine(1, "watch", "cm", "-A", "--kubeconfig", kubeconfig);
    assertThat(server.requests()).anyMatch(path -> path.startsWith("/api/v1/configmaps?"));

    Run run = Run.of("watch", "cm", "-n", "empty", "--for", "2s", "--kubeconfig", kubeconfig);
    assertThat(run.err()).contains("configmaps in empty: 0 objects");

    run = Run.of("watch", "nodes", "-n", "x", "--for", "2s", "--kubeconfig", kubeconfig);
    assertThat(run.err())
        .contains("note: nodes live in no namespace; --namespace x has no effect")
        .contains("nodes: 0 objects");
  }

  @Test
  void handsSelectorsAndTheNameToTheServer() {
    Run.upToLine(
        1,
        "watch",
        "cm",
        "a",
        "-l",
        "app=web",
        "--field-selector",
        "metadata.namespace=default",
        "--kubeconfig",
        kubeconfig);

    assertThat(server.requests())
        .anyMatch(path ->
            path.contains("labelSelector=app%3Dweb")
                && path.contains("fieldSelector=metadata.namespace%3Ddefault%2Cmetadata.name%3Da"));
  }

  // --- what goes wrong ---

  @Test
  void anUnknownKindIsSaidWithThoseSpelledAlike() {
    refused(
        ExitCode.NOT_FOUND,
        "the server has no kind \"configmap5\"; did you mean configmaps?",
        "watch",
        "configmap5",
        "--kubeconfig",
        kubeconfig);
  }

  @Test
  void aTokenThatIsNotAcceptedIsSaidWithItsUser() {
    server.refuse("/", 401, "Unauthorized", "Unauthorized");

    refused(
        ExitCode.UNAUTHENTICATED,
        "the server " + server.url() + " does not accept the credentials of user \"tester\" (401)",
        "watch",
        "cm",
        "--kubeconfig",
        kubeconfig);
  }

  @Test
  void whatIsForbiddenIsSaidInTheServersWords() {
    server.refuse(
        "/api/v1/namespaces", 403, "Forbidden", "configmaps is forbidden: tester cannot list them");

    refused(
        ExitCode.FORBIDDEN,
        "forbids it (403): configmaps is forbidden: tester cannot list them; ask for a role",
        "watch",
        "cm",
        "--kubeconfig",
        kubeconfig);
  }

  @Test
  void aCallerWithoutCredentialsIsToldSo() {
    server.refuse("/", 403, "Forbidden", "User system:anonymous cannot get path /api");

    refused(
        ExitCode.FORBIDDEN,
        "takes the caller for anonymous (403)",
        "watch",
        "cm",
        "--kubeconfig",
        kubeconfig);
  }

  @Test
  void aSelectorThatTheServerRefusesIsAUsageError() {
    server.refuse("/api/v1/namespaces", 400, "BadRequest", "field label not supported: spec.x");

    refused(
        ExitCode.USAGE,
        "the server does not accept the selector --field-selector spec.x=1: field label not"
            + " supported: spec.x",
        "watch",
        "cm",
        "--field-selector",
        "spec.x=1",
        "--kubeconfig",
        kubeconfig);
  }

  @Test
  void aServerThatIsNotThereIsSaidWithItsAddress() {
    server.close();

    refused(
        ExitCode.UNREACHABLE,
        "the server " + server.url() + " refuses the connection; start it, or correct its address",
        "watch",
        "cm",
        "--kubeconfig",
        kubeconfig);
  }

  @Test
  void aHostThatNobodyKnowsIsSaid() {
    Path file = FakeApiServer.write(folder.resolve("nowhere"), "https://nowhere.invalid");

    refused(
        ExitCode.UNREACHABLE,
        "the host of the server https://nowhere.invalid is not known",
        "watch",
        "cm",
        "--kubeconfig",
        file.toString());
  }

  @Test
  void aServerThatSpeaksNoTlsIsSaid() throws IOException {
    try (ServerSocket plain = new ServerSocket(0, 50, InetAddress.getLoopbackAddress())) {
      Thread.ofVirtual().start(() -> answerPlainly(plain));
      Path file =
          FakeApiServer.write(folder.resolve("tls"), "https://127.0.0.1:" + plain.getLocalPort());

      refused(
          ExitCode.KUBECONFIG,
          " speaks no TLS; correct its address, or write http:// if that is meant",
          "watch",
          "cm",
          "--kubeconfig",
          file.toString());
    }
  }

  private static void answerPlainly(ServerSocket plain) {
    while (true) {
      try (Socket socket = plain.accept()) {
        socket.getInputStream().readNBytes(5);
        socket.getOutputStream().write("HTTP/1.1 400 Bad Request\r\n\r\n".getBytes(US_ASCII));
        socket.shutdownOutput();
        socket.getInputStream().transferTo(OutputStream.nullOutputStream());
      } catch (IOException e) {
        return;
      }
    }
  }

  @Test
  void aServerOfAnotherKindIsSaid() {
    server.refuse("/", 404, "NotFound", "no such page");

    refused(
        ExitCode.SERVER,
        "answers 404: no such page; is it an API server",
        "watch",
        "cm",
        "--kubeconfig",
        kubeconfig);
  }

  @Test
  void aContextThatIsNotThereIsSaidWithThoseThatAre() {
    refused(
        ExitCode.KUBECONFIG,
        "has no context \"other\"; it has: fake",
        "watch",
        "cm",
        "--context",
        "other",
        "--kubeconfig",
        kubeconfig);
  }

  @Test
  void aFolderThatIsNotThereIsSaidBeforeAnythingIsWatched() {
    refused(
        ExitCode.LOCAL,
        "there is no folder " + folder.resolve("none"),
        "watch",
        "cm",
        "--dump",
        folder.resolve("none/dump").toString(),
        "--kubeconfig",
        kubeconfig);
    assertThat(server.requests()).isEmpty();
  }

  @Test
  void wrongOptionsAreSaidWithTheirValues() {
    refused(ExitCode.USAGE, "say what to watch", "watch");
    refused(
        ExitCode.USAGE,
        "greater than 0, such as 10 or 0.5, not -1.0",
        "watch",
        "cm",
        "--qps",
        "-1");
    refused(ExitCode.USAGE, "'fast'", "watch", "cm", "--qps", "fast");
    refused(ExitCode.USAGE, "'soon' is not a duration such as 30s", "watch", "cm", "--for", "soon");
    refused(ExitCode.USAGE, "yaml", "watch", "cm", "-o", "yaml");
    refused(ExitCode.USAGE, "[COALESCE, BLOCK, PAUSE]", "watch", "cm", "--gate", "drop");
    refused(
        ExitCode.USAGE, "coalesce holds each object once", "watch", "cm", "--gate-capacity", "5");
    refused(ExitCode.USAGE, "mutually exclusive", "watch", "cm", "-A", "-n", "x");
  }

  @Test
  void verboseShowsTheStackTraceBehindTheLine() {
    server.close();

    Run quiet = Run.of("watch", "cm", "--kubeconfig", kubeconfig);
    Run verbose = Run.of("watch", "cm", "--verbose", "--kubeconfig", kubeconfig);

    assertThat(quiet.err()).doesNotContain("\tat ");
    assertThat(verbose.err()).contains("java.net.ConnectException").contains("\tat ");
  }

  /** One line on standard error, nothing on standard output, and the exit code. */
  private static void refused(ExitCode exitCode, String message, String... args) {
    Run run = Run.of(args);

    assertThat(run.err()).startsWith("error: ").contains(message);
    assertThat(run.exitCode()).isEqualTo(exitCode.code());
    assertThat(run.out()).isEmpty();
    assertThat(run.err().lines().filter(line -> !line.startsWith("try '"))).hasSize(1);
  }

  @Test
  void namesInItsGuideEachCauseThereIs() throws Exception {
    String guide = Files.readString(Path.of("../docs/guides/watch.md"));
    for (StopCause cause : StopCause.values()) {
      assertThat(guide).contains("| `" + cause.id() + "` | " + cause.text() + " |");
    }
  }
}
