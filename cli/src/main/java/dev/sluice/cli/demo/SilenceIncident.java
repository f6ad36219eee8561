package dev.sluice.cli.demo;

import dev.sluice.flow.Rate;
import dev.sluice.flow.RateLimiter;
import dev.sluice.kube.StopCause;
import java.time.Duration;

/** The stream stays open and says nothing more, as when the machine on the other side has gone. */
final class SilenceIncident implements Incident {
  private static final int PER_SECOND = 50;

  @Override
  public String name() {
    return "silent stream";
  }

  @Override
  public String story(Settings settings) {
    return "the stream stays open but delivers nothing more; changes go on";
  }

  @Override
  public Verdict run(Scene scene) throws Exception {
    Duration deadline = scene.settings().silence();
    long lists = scene.lists();
    long idle = scene.stops(StopCause.IDLE);
    int objects = scene.settings().objects();
    int silenced = scene.stage().proxy().silenceStreams();
    long start = System.nanoTime();
    Load.Job changes =
        scene
            .load()
            .change(
                (int) (PER_SECOND * (deadline.toMillis() + 1_000) / 1_000),
                i -> i * 11 % objects,
                RateLimiter.tokenBucket(Rate.perSecond(PER_SECOND), 1));
    boolean noticed =
        scene.await(deadline.multipliedBy(3), () -> scene.stops(StopCause.IDLE) > idle);
    double after = (System.nanoTime() - start) / 1e9;
    boolean all = changes.await(scene.left());
    boolean settled = scene.awaitSettled(Duration.ofSeconds(30));
    return Verdict.heldBy(
            "the deadline for silence (" + deadline.toSeconds() + " s here, 150 s by default)")
        .check(noticed, "the silence was not noticed")
        .check(all && settled, "not every change was made and answered in time")
        .check(scene.lists() == lists, "%d lists were read anew", scene.lists() - lists)
        .shown(silenced == 1, "%d streams were silenced", silenced)
        .figure("noticed after %.1f s, resumed at the anchor", after)
        .figure("%,d changes meanwhile, none lost", changes.done())
        .figure("%d lists", scene.lists() - lists)
        .build();
  }
}
