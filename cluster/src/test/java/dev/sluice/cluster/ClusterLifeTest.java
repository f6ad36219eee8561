package dev.sluice.cluster;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** How clusters begin and end. The class's own cluster is the one that is in the way of others. */
@RealApiServer
class ClusterLifeTest {

  @Test
  void leavesNothingBehindWhenItIsClosed() {
    RealCluster cluster = RealCluster.start(RealCluster.Settings.plain());
    List<ProcessHandle> processes = processes(cluster);

    cluster.close();

    assertThat(processes).hasSize(2).noneMatch(ProcessHandle::isAlive);
    assertThat(cluster.directory()).doesNotExist();
    assertThatThrownBy(cluster::url).hasMessageContaining("was closed");
  }

  @Test
  @EnabledOnOs(OS.LINUX)
  void takesItsChildrenAlongWhenItIsKilled() throws Exception {
    RealCluster cluster =
        RealCluster.start(
            new RealCluster.Settings(List.of(), /* controllerManager= */ true, false));
    List<ProcessHandle> processes = processes(cluster);
    Path directory = cluster.directory();

    cluster.supervisor().destroyForcibly().waitFor();
    assertThatThrownBy(cluster::url).hasMessageContaining("has ended");
    cluster.close();

    for (ProcessHandle process : processes) {
      process.onExit().get(10, TimeUnit.SECONDS);
    }
    assertThat(processes).hasSize(3).noneMatch(ProcessHandle::isAlive);
    // The directory is taken over, and cleared, by the next in it.
    try (var next = new Foreground(directory)) {
      assertThat(next.kubeconfig()).isEqualTo(directory.resolve("kubeconfig"));
    }
    assertThat(directory).doesNotExist();
  }

  @Test
  void endsWithItsParentEvenIfThatIsKilled(@TempDir Path temporary) throws Exception {
    Path directory = temporary.resolve("orphan");
    Process parent =
        new ProcessBuilder("sh", "-c", program() + " up " + directory + "; true")
            .redirectError(ProcessBuilder.Redirect.DISCARD)
            .start();
    assertThat(parent.inputReader().readLine())
        .isEqualTo(directory.resolve("kubeconfig").toString());
    List<ProcessHandle> family = parent.descendants().toList();

    parent.destroyForcibly().waitFor();

    for (ProcessHandle process : family) {
      process.onExit().get(10, TimeUnit.SECONDS);
    }
    assertThat(family).hasSize(2);
    assertThat(directory).doesNotExist();
  }

  @Test
  void runsInTheBackgroundUntilItIsStopped(@TempDir Path temporary) {
    Path directory = temporary.resolve("background");
    long self = ProcessHandle.current().pid();

    String kubeconfig =
        sluiceCluster("up", "--background", "--parent=" + self, directory.toString());
    assertThat(kubeconfig.strip()).isEqualTo(directory.resolve("kubeconfig").toString());
    assertThat(sluiceCluster("status", directory.toString())).contains("apiserver=running");

    sluiceCluster("stop", directory.toString());
    assertThat(directory).doesNotExist();
  }

  @Test
  void keepsItsDataWhenToldToAndGoesOnFromThere(@TempDir Path temporary) throws Exception {
    Path directory = temporary.resolve("kept");
    String tokens;
    try (var first = new Foreground(directory, "--keep")) {
      kubectl(first, "create", "namespace", "kept");
      tokens = Files.readString(directory.resolve("tokens.csv"));
    }

    try (var second = new Foreground(directory)) {
      assertThat(kubectl(second, "get", "namespace", "kept", "-o", "name"))
          .isEqualTo("namespace/kept\n");
      assertThat(directory.resolve("tokens.csv")).hasContent(tokens);
    }
    assertThat(directory).doesNotExist();
  }

  @Test
  void keepsOnlyItsLogsWhenToldTo(@TempDir Path temporary) throws Exception {
    Path directory = temporary.resolve("logs");
    new Foreground(directory, "--keep-logs").close();

    try (Stream<Path> left = Files.list(directory)) {
      assertThat(left.map(file -> file.getFileName().toString()))
          .containsExactlyInAnyOrder(".sluice-cluster", "kube-apiserver.log", "etcd.log");
    }
  }

  @Test
  void refusesADirectoryInUse(RealCluster cluster) {
    assertThatThrownBy(() -> sluiceCluster("up", cluster.directory().toString()))
        .hasMessageContaining("exit code 1")
        .hasMessageContaining(
            "a cluster (process %d) is running in %s already"
                .formatted(cluster.supervisor().pid(), cluster.directory()));
  }

  @Test
  void refusesADirectoryOfSomebodyElse(@TempDir Path temporary) throws IOException {
    Path file = Files.writeString(temporary.resolve("thesis.txt"), "ten years of work");

    assertThatThrownBy(() -> sluiceCluster("up", temporary.toString()))
        .hasMessageContaining("is not empty and was not made by sluice-cluster")
        .hasMessageContaining("thesis.txt");
    assertThat(file).hasContent("ten years of work");
  }

  @Test
  void refusesAPortInUse(RealCluster cluster, @TempDir Path temporary) {
    int port = cluster.url().getPort();

    assertThatThrownBy(
            () -> sluiceCluster("up", "--port=" + port, temporary.resolve("c").toString()))
        .hasMessageContaining("port " + port + " on 127.0.0.1 is taken");
    assertThat(temporary.resolve("c")).doesNotExist();
  }

  @Test
  void saysWhatTheApiServerSaidWhenItDoesNotStart() {
    assertThatThrownBy(() ->
            RealCluster.start(new RealCluster.Settings(List.of("--no-such-flag"), false, false)))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("kube-apiserver ended (exit status 1)")
        .hasMessageContaining("unknown flag: --no-such-flag");
  }

  @Test
  void saysThatNothingRunsInADirectory(@TempDir Path temporary) {
    assertThatThrownBy(() -> sluiceCluster("stop", temporary.toString()))
        .hasMessageContaining("no cluster is running in " + temporary);
  }

  private static List<ProcessHandle> processes(RealCluster cluster) {
    ProcessHandle supervisor = cluster.supervisor().toHandle();
    return Stream.concat(Stream.of(supervisor), supervisor.descendants()).toList();
  }

  private static Path program() {
    return Toolchain.home().resolve("bin/sluice-cluster");
  }

  private static String sluiceCluster(String... arguments) {
    var command = Stream.concat(Stream.of(program().toString()), Stream.of(arguments)).toList();
    return Program.run(new ProcessBuilder(command), "", Duration.ofMinutes(1));
  }

  private static String kubectl(Foreground cluster, String... arguments) {
    var command =
        Stream.concat(
                Stream.of(Toolchain.home().resolve("bin/kubectl").toString()), Stream.of(arguments))
            .toList();
    var builder = new ProcessBuilder(command);
    builder.environment().put("KUBECONFIG", cluster.kubeconfig().toString());
    return Program.run(builder, "", Duration.ofMinutes(1));
  }

  /** A cluster started as by hand and ended as by Ctrl-C. */
  private static final class Foreground implements AutoCloseable {
    private final Process process;
    private final Path kubeconfig;

    Foreground(Path directory, String... options) throws IOException {
      var command =
          Stream.of(
                  Stream.of(program().toString(), "up"),
                  Stream.of(options),
                  Stream.of(directory.toString()))
              .flatMap(words -> words)
              .toList();
      process = new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.DISCARD).start();
      String line = process.inputReader().readLine();
      assertThat(line).as("the kubeconfig of the cluster in %s", directory).isNotNull();
      kubeconfig = Path.of(line);
    }

    Path kubeconfig() {
      return kubeconfig;
    }

    @Override
    public void close() {
      Program.run(
          new ProcessBuilder("kill", "-INT", "" + process.pid()), "", Duration.ofSeconds(5));
      assertThat(process.onExit().orTimeout(30, TimeUnit.SECONDS).join().exitValue()).isZero();
    }
  }
}
