package dev.sluice.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class KubeconfigTest {
  private static final String CONTEXT =
      """
      apiVersion: v1
      kind: Config
      current-context: here
      contexts:
      - {name: here, context: {cluster: near, user: me, namespace: mine}}
      - {name: there, context: {cluster: far, user: me}}
      """;
  private static final String CLUSTERS =
      """
      clusters:
      - {name: near, cluster: {server: "https://127.0.0.1:1"}}
      - {name: far, cluster: {server: "https://127.0.0.1:2"}}
      """;
  private static final String USERS = "users: [{name: me, user: {token: secret}}]\n";

  @TempDir private Path folder;

  @BeforeAll
  static void silenceWhatTheLibraryLogs() {
    Logs.direct(false);
  }

  @Test
  void readsTheCurrentContext() {
    Kubeconfig read = read(CONTEXT + CLUSTERS + USERS, null);

    assertThat(read.config().getMasterUrl()).isEqualTo("https://127.0.0.1:1/");
    assertThat(read.config().getNamespace()).isEqualTo("mine");
    assertThat(read.user()).isEqualTo("me");
    assertThat(read.origin()).isEqualTo("context \"here\" of " + folder.resolve("kubeconfig"));
  }

  @Test
  void readsTheContextNamed() {
    assertThat(read(CONTEXT + CLUSTERS + USERS, "there").config().getMasterUrl())
        .isEqualTo("https://127.0.0.1:2/");
  }

  @Test
  void mergesTheFilesOfTheVariable() throws IOException {
    Path first = Files.writeString(folder.resolve("first"), CONTEXT);
    Path second = Files.writeString(folder.resolve("second"), CLUSTERS + USERS);

    Kubeconfig read =
        Kubeconfig.find(
            null,
            "there",
            Map.of(
                "KUBECONFIG",
                first + File.pathSeparator + folder.resolve("none") + File.pathSeparator + second),
            folder);

    assertThat(read.config().getMasterUrl()).isEqualTo("https://127.0.0.1:2/");
  }

  @Test
  void takesTheOneOfTheHomeFolderWhenNothingElseIsSaid() throws IOException {
    Files.createDirectory(folder.resolve(".kube"));
    Files.writeString(folder.resolve(".kube/config"), CONTEXT + CLUSTERS + USERS);

    Kubeconfig read = Kubeconfig.find(null, null, Map.of(), folder);

    assertThat(read.config().getMasterUrl()).isEqualTo("https://127.0.0.1:1/");
  }

  @Test
  void saysWhereItLookedWhenThereIsNone() {
    assertThatThrownBy(() -> Kubeconfig.find(null, null, Map.of(), folder))
        .isInstanceOf(Trouble.class)
        .hasMessageContaining("KUBECONFIG is not set")
        .hasMessageContaining(folder.resolve(".kube").resolve("config").toString())
        .hasMessageContaining("--kubeconfig FILE");
  }

  @Test
  void saysThatTheFileNamedIsNotThere() {
    Path missing = folder.resolve("missing");

    assertThatThrownBy(() -> Kubeconfig.find(missing, null, Map.of(), folder))
        .hasMessage("there is no kubeconfig at " + missing + "; check what --kubeconfig says");
  }

  @Test
  void saysThatTheVariableNamesNoFile() {
    assertThatThrownBy(
            () -> Kubeconfig.find(null, null, Map.of("KUBECONFIG", "/no/such/file"), folder))
        .hasMessageContaining("/no/such/file")
        .hasMessageContaining("the variable KUBECONFIG");
  }

  @Test
  void saysThatItIsAFolder() {
    assertThatThrownBy(() -> Kubeconfig.find(folder, null, Map.of(), folder))
        .hasMessage("the kubeconfig " + folder + " is a folder; name the file in it");
  }

  @Test
  void saysWhereTheYamlIsBrokenWithoutShowingWhatStandsThere() {
    refused(CONTEXT + CLUSTERS + "users: [{name: me, user: {token: secret}]\n", null)
        .hasMessageContaining("is not valid YAML")
        .hasMessageContaining("(line 10, column 41)")
        .hasMessageNotContaining("secret");
  }

  @Test
  void saysThatAFileOfAnotherKindIsNoKubeconfig() {
    refused("just some words", null).hasMessageContaining("is not a kubeconfig");
    refused("clusters: 5", null).hasMessageContaining("is not a kubeconfig");
    refused(" \n", null).hasMessageContaining("is empty");
  }

  @Test
  void listsTheContextsWhenTheOneNamedIsNotThere() {
    refused(CONTEXT + CLUSTERS + USERS, "elsewhere")
        .hasMessageContaining("has no context \"elsewhere\"; it has: here, there");
  }

  @Test
  void listsTheContextsWhenNoneIsTheCurrentOne() {
    refused(CONTEXT.replace("current-context: here\n", "") + CLUSTERS + USERS, null)
        .hasMessageContaining("has no current context; choose one with --context: here, there");
  }

  @Test
  void namesTheClusterOrUserThatIsMissing() {
    refused(CONTEXT + USERS, null).hasMessageContaining("refers to cluster \"near\"");
    refused(CONTEXT + CLUSTERS, null).hasMessageContaining("refers to user \"me\"");
  }

  @Test
  void refusesAnAddressThatIsNone() {
    refused(CONTEXT + CLUSTERS.replace("https://127.0.0.1:1", "127.0.0.1:1") + USERS, null)
        .hasMessageContaining("has the server \"127.0.0.1:1\"")
        .hasMessageContaining("https://host:6443");
  }

  @Test
  void namesTheFileThatIsMissingNextToTheKubeconfig() {
    refused(
            CONTEXT
                + CLUSTERS.replace(
                    "\"https://127.0.0.1:1\"", "\"https://h\", certificate-authority: ca.crt")
                + USERS,
            null)
        .hasMessageContaining("the certificate-authority " + folder.resolve("ca.crt"));
    refused(CONTEXT + CLUSTERS + USERS.replace("token: secret", "tokenFile: gone"), null)
        .hasMessageContaining("the tokenFile " + folder.resolve("gone"));
  }

  @Test
  void namesTheCommandThatGivesNoCredentials() {
    refused(
            CONTEXT
                + CLUSTERS
                + """
                users:
                - name: me
                  user:
                    exec:
                      apiVersion: client.authentication.k8s.io/v1
                      command: "false"
                      interactiveMode: Never
                """,
            null)
        .hasMessageContaining("the command \"false\"")
        .hasMessageContaining("user \"me\"");
  }

  private Kubeconfig read(String content, @Nullable String context) {
    try {
      Path file = Files.writeString(folder.resolve("kubeconfig"), content);
      return Kubeconfig.find(file, context, Map.of(), folder);
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  private org.assertj.core.api.AbstractThrowableAssert<?, ? extends Throwable> refused(
      String content, @Nullable String context) {
    return assertThatThrownBy(() -> read(content, context))
        .isInstanceOfSatisfying(
            Trouble.class,
            trouble -> {
              assertThat(trouble.exitCode()).isEqualTo(ExitCode.KUBECONFIG);
              assertThat(trouble.getMessage()).doesNotContain("\n");
            });
  }
}
