package dev.sluice.cli.demo;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.cli.ExitCode;
import dev.sluice.testkit.ApiServer;
import dev.sluice.testkit.EmbeddedApiServer;
import io.fabric8.kubernetes.client.Config;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@EmbeddedApiServer
@Timeout(120)
class DemoTest {
  private final StringWriter out = new StringWriter();

  @Test
  void everythingHoldsOnAnEmbeddedServer(ApiServer server) throws Exception {
    ExitCode exitCode = demo(server, Script.onOwnServer(), Settings.quick(100, 500)).run();

    assertThat(exitCode).as(out.toString()).isEqualTo(ExitCode.OK);
    assertThat(out.toString())
        .contains("everything held", "removed the namespace sluice-demo-")
        .containsPattern("cut streams +held .*3 cuts, 3 stops `reset`")
        .containsPattern("silent stream +held")
        .containsPattern("429 +held")
        .containsPattern("compaction +held")
        .containsPattern("restart +held")
        .containsPattern("restart, history lost +held")
        .containsPattern("lagging replica +held")
        .containsPattern("every object +held .*100 in the store, 100 at the server")
        .containsPattern("limits +held .* writes of 190");
  }

  @Test
  void anIncidentThatDidNotHoldEndsWithOne(ApiServer server) throws Exception {
    Incident failing = incident(scene -> Verdict.heldBy("nothing").check(false, "it fell").build());

    ExitCode exitCode = demo(server, List.of(failing), Settings.quick(20, 1)).run();

    assertThat(exitCode).isEqualTo(ExitCode.CHECK_FAILED);
    assertThat(out.toString()).contains("FAILED  nothing", "it fell", "1 did not hold");
  }

  @Test
  void aStoreThatDiffersEndsWithOne(ApiServer server) throws Exception {
    Incident blinding =
        incident(scene -> {
          scene.awaitSettled();
          scene.pipeline().informer().close();
          scene.load().change(3, i -> i + 5).await(scene.left());
          return Verdict.heldBy("nothing").build();
        });

    ExitCode exitCode = demo(server, List.of(blinding), Settings.quick(20, 1)).run();

    assertThat(exitCode).isEqualTo(ExitCode.CHECK_FAILED);
    assertThat(out.toString()).contains("objects differ", "gauge-00005");
  }

  @Test
  void aLimitThatWasExceededEndsWithOne(ApiServer server) throws Exception {
    Incident tooMuch =
        incident(scene -> {
          for (int i = 0; i < 191; i++) {
            scene.stage().proxy().calls().add(new Call(i, "patch", "gauges/status", false));
          }
          return Verdict.heldBy("nothing").build();
        });

    ExitCode exitCode = demo(server, List.of(tooMuch), Settings.quick(20, 1)).run();

    assertThat(exitCode).isEqualTo(ExitCode.CHECK_FAILED);
    assertThat(out.toString()).contains("191 writes in a second");
  }

  @Test
  void aRunThatIsInterruptedLeavesNothingBehind(ApiServer server) throws Exception {
    Thread runner = Thread.currentThread();
    Incident interrupting =
        incident(scene -> {
          scene.load().change(10_000, i -> i % 20);
          runner.interrupt();
          scene.await(scene.left(), () -> false);
          return Verdict.heldBy("nothing").build();
        });
    Demo demo = demo(server, List.of(interrupting), Settings.quick(20, 1));

    assertThatThrownBy(demo::run).isInstanceOf(InterruptedException.class);
    Thread.interrupted();

    assertThat(out.toString()).contains("removed the namespace sluice-demo-");
    assertThat(server.requests().openWatches()).isZero();
  }

  private Demo demo(ApiServer server, List<Incident> script, Settings settings) {
    return new Demo(
        settings,
        script,
        Config.fromKubeconfig(server.kubeconfig()),
        Optional.of(server),
        new PlainScreen(new PrintWriter(out)),
        400);
  }

  private interface Act {
    Verdict play(Scene scene) throws Exception;
  }

  private static Incident incident(Act act) {
    return new Incident() {
      @Override
      public String name() {
        return "test";
      }

      @Override
      public String story(Settings settings) {
        return "something happens";
      }

      @Override
      public Duration needs(Settings settings) {
        return Duration.ofSeconds(1);
      }

      @Override
      public Verdict run(Scene scene) throws Exception {
        return act.play(scene);
      }
    };
  }
}
