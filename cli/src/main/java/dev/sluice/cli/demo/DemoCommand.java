package dev.sluice.cli.demo;

import dev.sluice.cli.ClusterOptions;
import dev.sluice.cli.ExitCode;
import dev.sluice.cli.Signals;
import dev.sluice.cli.Trouble;
import dev.sluice.testkit.ApiServer;
import io.fabric8.kubernetes.client.Config;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Help.Ansi;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code sluice demo}. */
@Command(
    name = "demo",
    description = {
      "Shows what holds when things go wrong: a controller keeps a status on 2,000 objects while"
          + " there are a burst of 20,000 changes, a slow consumer, cut and silent streams, and a"
          + " server that says 429. In the end every object in the store is compared with the"
          + " server, and every limit checked.",
      "Without --kubeconfig or --context it runs on an API server embedded in this process, which"
          + " then also forgets its history, restarts and lags. With one of them it runs on that"
          + " cluster, in a namespace and with a kind of its own, which it makes and removes; it"
          + " needs to be allowed to create and delete namespaces and custom resource definitions."
    })
public final class DemoCommand implements Callable<Integer> {
  /** What a shell expects of a command that Ctrl-C has ended. */
  private static final int INTERRUPTED = 130;

  private static final int USUAL_SECONDS = 90;
  private static final int USUAL_SECONDS_EMBEDDED = 115;
  private static final int FEWEST_OBJECTS = 20;
  private static final int MOST_OBJECTS = 100_000;
  private static final int PLAIN_WIDTH = 120;

  @Spec
  @SuppressWarnings("NullAway.Init") // by picocli
  private CommandSpec spec;

  @Mixin private ClusterOptions cluster = new ClusterOptions();

  @Option(
      names = "--objects",
      paramLabel = "N",
      defaultValue = "2000",
      description = "How many objects; ${DEFAULT-VALUE} unless told otherwise.")
  private int objects;

  @Option(
      names = "--burst",
      paramLabel = "N",
      defaultValue = "20000",
      description = "How many changes the burst has; ${DEFAULT-VALUE} unless told otherwise.")
  private int burst;

  @Option(
      names = "--time-limit",
      paramLabel = "SECONDS",
      description =
          "How long all of it may take; "
              + USUAL_SECONDS
              + " unless told otherwise, "
              + USUAL_SECONDS_EMBEDDED
              + " on the embedded server. What is not over by then did not hold.")
  private @Nullable Integer timeLimit;

  @Option(names = "--plain", description = "Plain lines, also where standard output is a terminal.")
  private boolean plain;

  @Override
  public Integer call() throws Exception {
    check("--objects", objects, FEWEST_OBJECTS, MOST_OBJECTS);
    check("--burst", burst, 1, 10_000_000);
    int seconds =
        timeLimit != null ? timeLimit : cluster.given() ? USUAL_SECONDS : USUAL_SECONDS_EMBEDDED;
    check("--time-limit", seconds, 30, 86_400);
    Settings settings = Settings.standard(objects, burst, Duration.ofSeconds(seconds));
    if (cluster.given()) {
      return play(settings, cluster.config(), Optional.empty());
    }
    try (ApiServer server = ApiServer.start()) {
      Config config = Config.fromKubeconfig(server.kubeconfig());
      return play(settings, config, Optional.of(server));
    }
  }

  private int play(Settings settings, Config config, Optional<ApiServer> server) throws Exception {
    PrintWriter out = spec.commandLine().getOut();
    boolean live = !plain && Ansi.AUTO.enabled();
    Terminal terminal = new Terminal();
    Screen screen =
        live
            ? new LiveScreen(out, terminal, canDraw(), settings.writeLimit())
            : new PlainScreen(out);
    Demo demo =
        new Demo(
            settings,
            server.isPresent() ? Script.onOwnServer() : Script.anywhere(),
            config,
            server,
            screen,
            live ? terminal.get().columns() : PLAIN_WIDTH);
    Thread main = Thread.currentThread();
    AtomicBoolean told = new AtomicBoolean();
    try (LogLines log = LogLines.to(screen, verbose());
        Signals signals =
            new Signals(() -> {
              told.set(true);
              main.interrupt();
            })) {
      return demo.run().code();
    } catch (Exception e) {
      if (!told.get()) {
        throw e;
      }
      screen.say("ended before its time");
      return INTERRUPTED;
    } finally {
      screen.close();
    }
  }

  private boolean verbose() {
    return spec.root().findOption("--verbose").getValue();
  }

  private static boolean canDraw() {
    return StandardCharsets.UTF_8.name().equalsIgnoreCase(System.getProperty("stdout.encoding"));
  }

  private static void check(String option, int value, int least, int most) {
    if (value < least || value > most) {
      throw new Trouble(
          ExitCode.USAGE,
          option + " is " + value + ", but must lie between " + least + " and " + most);
    }
  }
}
