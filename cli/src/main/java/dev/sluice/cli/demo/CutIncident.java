package dev.sluice.cli.demo;

import dev.sluice.flow.Rate;
import dev.sluice.flow.RateLimiter;
import dev.sluice.kube.StopCause;
import java.time.Duration;

/** The stream breaks in the middle of a frame, several times, while changes go on. */
final class CutIncident implements Incident {
  private static final int CUTS = 3;
  private static final int PER_SECOND = 150;
  private static final Duration PATIENCE = Duration.ofSeconds(5);

  @Override
  public String name() {
    return "cut streams";
  }

  @Override
  public String story(Settings settings) {
    return "the proxy cuts the stream " + CUTS + " times in the middle of a frame; changes go on";
  }

  @Override
  public Verdict run(Scene scene) throws Exception {
    long lists = scene.lists();
    long resets = scene.stops(StopCause.RESET);
    int objects = scene.settings().objects();
    Load.Job changes =
        scene
            .load()
            .change(
                PER_SECOND * (CUTS + 1),
                i -> i * 7 % objects,
                RateLimiter.tokenBucket(Rate.perSecond(PER_SECOND), 1));
    int cut = 0;
    for (int i = 0; i < CUTS; i++) {
      long before = scene.stops(StopCause.RESET);
      scene.await(PATIENCE, () -> scene.stage().proxy().openStreams() > 0);
      cut += scene.stage().proxy().cutStreams();
      scene.await(PATIENCE, () -> scene.stops(StopCause.RESET) > before);
      Thread.sleep(scene.settings().pause());
    }
    boolean all = changes.await(scene.left());
    boolean settled = scene.awaitSettled(Duration.ofSeconds(30));
    return Verdict.heldBy("the stream resumes at its anchor, after a backoff of 100 ms or more")
        .check(all && settled, "not every change was made and answered in time")
        .check(scene.lists() == lists, "%d lists were read anew", scene.lists() - lists)
        .check(
            scene.stops(StopCause.RESET) - resets == cut,
            "%d stops were noticed",
            scene.stops(StopCause.RESET) - resets)
        .shown(cut == CUTS, "%d streams were cut", cut)
        .figure("%d cuts, %d stops `reset`", cut, scene.stops(StopCause.RESET) - resets)
        .figure("%,d changes meanwhile, none lost", changes.done())
        .figure("%d lists", scene.lists() - lists)
        .build();
  }
}
