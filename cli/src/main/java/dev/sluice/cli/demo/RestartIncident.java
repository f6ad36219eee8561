package dev.sluice.cli.demo;

import dev.sluice.testkit.Faults.History;
import java.time.Duration;

/** The server is restarted while the stream is away, and still knows its history or does not. */
final class RestartIncident implements Incident {
  private final History history;

  RestartIncident(History history) {
    this.history = history;
  }

  @Override
  public String name() {
    return history == History.KEPT ? "restart" : "restart, history lost";
  }

  @Override
  public String story(Settings settings) {
    return history == History.KEPT
        ? "while the stream is away the server is restarted, and still has its history"
        : "while the stream is away the server is restarted, and has lost its history";
  }

  @Override
  public Duration needs(Settings settings) {
    return Duration.ofSeconds(5);
  }

  @Override
  public Verdict run(Scene scene) throws Exception {
    int objects = scene.settings().objects();
    long lists = scene.lists();
    long stops = scene.allStops();
    boolean away = scene.keepStreamAway();
    Load.Job before = scene.load().change(objects / 10, i -> i * 17 % objects);
    boolean all = before.await(scene.left());
    scene.ownServer().faults().restart(history);
    scene.letStreamReturn();
    Load.Job after = scene.load().change(objects / 10, i -> i * 19 % objects);
    all &= after.await(scene.left());
    boolean settled = scene.awaitSettled();
    long expected = history == History.KEPT ? 0 : 1;
    return Verdict.heldBy(
            history == History.KEPT
                ? "the stream resumes at its anchor"
                : "410 leads to one list, then the stream goes on")
        .check(all && settled, "not every change was made and answered in time")
        .check(
            scene.lists() - lists == expected,
            "%d lists were read, not %d",
            scene.lists() - lists,
            expected)
        .shown(away && scene.allStops() > stops, "the stream did not stop")
        .figure("%d stops", scene.allStops() - stops)
        .figure("%,d changes before and after it, none lost", before.done() + after.done())
        .figure("%d lists", scene.lists() - lists)
        .build();
  }
}
