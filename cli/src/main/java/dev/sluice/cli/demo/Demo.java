package dev.sluice.cli.demo;

import dev.sluice.cli.ExitCode;
import dev.sluice.testkit.ApiServer;
import io.fabric8.kubernetes.client.Config;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * One run: sets the stage, plays the script, compares, checks the limits, clears the stage, prints
 * the table.
 */
final class Demo {
  private static final Duration SECOND = Duration.ofSeconds(1);

  /** What is kept of the time limit for the comparison and for removing everything. */
  private static final Duration RESERVE = Duration.ofSeconds(12);

  /** With less time left than this an incident does not begin any more. */
  private static final Duration LEAST = Duration.ofSeconds(5);

  private static final int DIFFERENCES_SHOWN = 5;

  private final Settings settings;
  private final List<Incident> script;
  private final Screen screen;
  private final int width;
  private final Stage stage;
  private final Optional<ApiServer> server;
  private final long start = System.nanoTime();
  private final List<Row> rows = new ArrayList<>();
  private @Nullable Pipeline pipeline;
  private int leftOut;

  private record Row(String incident, Verdict verdict) {}

  /**
   * @param server the demo's own server, if it is one
   * @param width of the table, in characters
   */
  Demo(
      Settings settings,
      List<Incident> script,
      Config config,
      Optional<ApiServer> server,
      Screen screen,
      int width) {
    this.settings = settings;
    this.script = script;
    this.screen = screen;
    this.width = width;
    this.server = server;
    this.stage = new Stage(config, screen::say);
  }

  /**
   * Plays it. Blocks for as long as it takes.
   *
   * @return {@link ExitCode#OK}, or {@link ExitCode#CHECK_FAILED} if something did not hold
   * @throws IOException if the server cannot be reached
   * @throws InterruptedException if interrupted; everything has been removed then, too. What
   *     blocked at that moment may throw something else instead
   */
  ExitCode run() throws Exception {
    try {
      screen.say(
          "sluice demo on "
              + (server.isPresent() ? "an embedded API server" : stage.server())
              + ", namespace "
              + stage.namespace());
      screen.say("limits: " + settings.limits());
      stage.set();
      play();
    } finally {
      clear();
    }
    return report();
  }

  private void play() throws Exception {
    Pipeline running = new Pipeline(stage, settings);
    pipeline = running;
    try (Load load = new Load(stage.direct(), stage.kind(), stage.namespace());
        Watcher watcher = new Watcher(screen, running, load, stage.proxy(), start).start()) {
      create(load, watcher);
      Load.Job heartbeat = load.heartbeat();
      play(load, running, watcher);
      heartbeat.end(SECOND.multipliedBy(5));
      watcher.incident("comparison", "every object in the store beside the server's");
      rows.add(new Row("every object", compare(running)));
      rows.add(new Row("limits", limits(running)));
    }
  }

  private void create(Load load, Watcher watcher) throws IOException, InterruptedException {
    watcher.incident("objects", "they are created, and the controller begins to write statuses");
    Load.Job objects = load.create(settings.objects(), i -> i);
    boolean created = objects.await(settings.timeLimit().dividedBy(3));
    say("%,d objects created (%,.0f/s)", objects.done(), objects.perSecond());
    if (!created) {
      throw new IOException(
          String.format(
              Locale.ROOT,
              "the server created only %,d of %,d objects in %d s; choose fewer with --objects",
              objects.done(),
              settings.objects(),
              settings.timeLimit().dividedBy(3).toSeconds()));
    }
  }

  private void play(Load load, Pipeline running, Watcher watcher) throws Exception {
    long deadline = start + settings.timeLimit().minus(RESERVE).toNanos();
    for (int i = 0; i < script.size(); i++) {
      Incident incident = script.get(i);
      Scene scene =
          new Scene(
              settings, stage, load, running, watcher, server, deadline, needs(script, i + 1));
      if (scene.left().compareTo(LEAST) < 0) {
        leftOut++;
        rows.add(
            new Row(
                incident.name(),
                Verdict.heldBy("").shown(false, "there was no time left for it").build()));
        continue;
      }
      String number = (i + 1) + "/" + script.size() + " ";
      watcher.incident(number + incident.name(), incident.story(settings));
      say("%s%s: %s", number, incident.name(), incident.story(settings));
      scene.awaitWell();
      Verdict verdict = incident.run(scene);
      rows.add(new Row(incident.name(), verdict));
      say("%s: %s", verdict.outcome(), verdict.figures());
    }
  }

  private Duration needs(List<Incident> script, int from) {
    return script.stream()
        .skip(from)
        .map(incident -> incident.needs(settings))
        .reduce(Duration.ZERO, Duration::plus);
  }

  private Verdict compare(Pipeline running) throws InterruptedException {
    Comparison[] last = new Comparison[1];
    long began = System.nanoTime();
    // Nothing changes any more, but the last status may still be on its way here; at worst on a
    // stream of which it has to be noticed first that it is dead.
    Duration most = settings.silence().multipliedBy(2).plusSeconds(2);
    boolean same =
        Scene.poll(
            most,
            () -> {
              last[0] =
                  Comparison.of(
                      stage.client(), stage.kind(), stage.namespace(), running.informer().store());
              return last[0].agrees() && last[0].unsettled().isEmpty();
            });
    Comparison comparison = last[0];
    Verdict.Builder verdict =
        Verdict.heldBy("listed by fabric8's client, compared as JSON")
            .check(
                comparison.agrees(),
                "%,d objects differ: %s",
                comparison.differences().size(),
                some(comparison.differences()))
            .check(
                comparison.unsettled().isEmpty(),
                "%,d statuses are not of the latest generation: %s",
                comparison.unsettled().size(),
                some(comparison.unsettled()))
            .check(comparison.server() > 0, "the server has no objects");
    return verdict
        .figure("%,d in the store, %,d at the server", comparison.store(), comparison.server())
        .figure(
            "%,d statuses of the latest generation",
            comparison.server() - comparison.unsettled().size())
        .figure("%s after %.1f s", same ? "equal" : "not equal", (System.nanoTime() - began) / 1e9)
        .build();
  }

  private Verdict limits(Pipeline running) {
    CallLog calls = stage.proxy().calls();
    int writes = calls.peak(Call::isWrite, SECOND);
    int dispatches = Windows.peak(running.dispatches(), SECOND);
    int writesAllowed = settings.writeRate() + settings.writeBurst();
    int dispatchesAllowed = settings.dispatchRate() + settings.dispatchBurst();
    return Verdict.heldBy("two token buckets; counted at the proxy, in every window of one second")
        .check(writes <= writesAllowed, "%d writes in a second", writes)
        .check(dispatches <= dispatchesAllowed, "%d reconciles in a second", dispatches)
        .check(writes > 0, "no writes were seen")
        .figure("at most %d writes of %d", writes, writesAllowed)
        .figure("at most %d reconciles of %d", dispatches, dispatchesAllowed)
        .figure("%,d writes in all", calls.writes())
        .build();
  }

  private void clear() {
    Pipeline running = pipeline;
    if (running != null) {
      running.close();
    }
    stage.close();
  }

  private ExitCode report() {
    screen.close();
    Table table = new Table("incident", "", "what held it", "figures");
    rows.forEach(row ->
        table.row(
            row.incident(),
            row.verdict().outcome().toString(),
            row.verdict().heldBy(),
            row.verdict().figures()));
    screen.say("");
    table.lines(width).forEach(screen::say);
    long failed =
        rows.stream().filter(row -> row.verdict().outcome() == Verdict.Outcome.FAILED).count();
    screen.say("");
    List<String> complaints = new ArrayList<>();
    if (failed > 0) {
      complaints.add(failed + " did not hold, see the table");
    }
    if (leftOut > 0) {
      complaints.add(
          "the "
              + settings.timeLimit().toSeconds()
              + " s were over before the script was: this server or machine is too slow for it;"
              + " choose fewer with --objects and --burst, or a longer --time-limit");
    }
    if (!stage.isClean()) {
      complaints.add("not everything could be removed");
    }
    say("%s", complaints.isEmpty() ? "everything held" : String.join("; ", complaints));
    return complaints.isEmpty() ? ExitCode.OK : ExitCode.CHECK_FAILED;
  }

  private void say(String format, Object... values) {
    screen.say(
        String.format(Locale.ROOT, "%6.1fs  ", (System.nanoTime() - start) / 1e9)
            + String.format(Locale.ROOT, format, values));
  }

  private static String some(List<String> all) {
    return String.join(", ", all.subList(0, Math.min(DIFFERENCES_SHOWN, all.size())))
        + (all.size() > DIFFERENCES_SHOWN ? ", ..." : "");
  }
}
