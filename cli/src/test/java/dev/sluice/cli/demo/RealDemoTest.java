package dev.sluice.cli.demo;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.cli.ExitCode;
import dev.sluice.cli.PressesCtrlC;
import dev.sluice.cluster.RealApiServer;
import dev.sluice.cluster.RealCluster;
import io.fabric8.kubernetes.client.Config;
import java.io.BufferedReader;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The demo on the released API server; {@code .ci/run} plays it there at full scale. */
@RealApiServer(controllerManager = true)
@Timeout(180)
class RealDemoTest {

  @Test
  void everythingHoldsOnTheRealServer(RealCluster cluster) throws Exception {
    StringWriter out = new StringWriter();
    Demo demo =
        new Demo(
            Settings.quick(200, 1_000),
            Script.anywhere(),
            Config.fromKubeconfig(cluster.kubeconfig("alice").toFile()),
            Optional.empty(),
            new PlainScreen(new PrintWriter(out)),
            120);

    ExitCode exitCode = demo.run();

    assertThat(exitCode).as(out.toString()).isEqualTo(ExitCode.OK);
    assertThat(left(cluster)).isEmpty();
  }

  @PressesCtrlC
  void ctrlCInTheMiddleLeavesNothingBehind(RealCluster cluster) throws Exception {
    Process process = demo(cluster.kubeconfig("alice"));
    List<String> lines = new ArrayList<>();
    try (BufferedReader out = process.inputReader(StandardCharsets.UTF_8)) {
      for (String line = out.readLine(); line != null; line = out.readLine()) {
        lines.add(line);
        if (line.contains("burst: ")) {
          assertThat(left(cluster)).isNotEmpty();
          new ProcessBuilder("kill", "-INT", Long.toString(process.pid())).start().waitFor();
        }
      }
    }

    assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
    assertThat(process.exitValue()).as(String.join("\n", lines)).isEqualTo(130);
    assertThat(lines).anyMatch(line -> line.startsWith("removed the namespace sluice-demo-"));
    assertThat(left(cluster)).isEmpty();
  }

  @Test
  void whoMayNotCreateKindsIsToldSo(RealCluster cluster) throws Exception {
    Process process = demo(cluster.kubeconfig("bob"));
    String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);

    assertThat(process.waitFor()).as(said).isEqualTo(ExitCode.FORBIDDEN.code());
    assertThat(said).contains("error: ", "customresourcedefinitions", "403");
    assertThat(left(cluster)).isEmpty();
  }

  private static Process demo(Path kubeconfig) throws Exception {
    return new ProcessBuilder(
            ProcessHandle.current().info().command().orElseThrow(),
            "-cp",
            System.getProperty("java.class.path"),
            "dev.sluice.cli.Sluice",
            "demo",
            "--plain",
            "--objects=200",
            "--kubeconfig=" + kubeconfig)
        .redirectErrorStream(true)
        .start();
  }

  private static String left(RealCluster cluster) {
    return cluster.kubectl(
        "get",
        "namespaces,customresourcedefinitions",
        "-l",
        "app.kubernetes.io/managed-by=sluice-demo",
        "-o",
        "name");
  }
}
