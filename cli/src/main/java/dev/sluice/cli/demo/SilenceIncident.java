package dev.sluice.cli.demo;

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
  public Duration needs(Settings settings) {
    return settings.silence().plusMillis(2_500);
  }

  @Override
  public Verdict run(Scene scene) throws Exception {
    Duration deadline = scene.settings().silence();
    long lists = scene.lists();
    long idle = scene.stops(StopCause.IDLE);
    int objects = scene.settings().objects();
    Load.Job changes = scene.load().changeAt(PER_SECOND, i -> i * 11 % objects);
    boolean silenced =
        scene.await(Scene.PATIENCE, () -> scene.stage().proxy().silenceStreams() > 0);
    long start = System.nanoTime();
    boolean noticed =
        scene.await(deadline.plus(Scene.PATIENCE), () -> scene.stops(StopCause.IDLE) > idle);
    double after = (System.nanoTime() - start) / 1e9;
    boolean all = changes.end(scene.left());
    boolean settled = scene.awaitSettled();
    return Verdict.heldBy(
            "the deadline for silence (" + deadline.toSeconds() + " s here, 150 s by default)")
        .check(!silenced || noticed, "the silence was not noticed")
        .check(all && settled, "not every change was made and answered in time")
        .check(scene.lists() == lists, "%d lists were read anew", scene.lists() - lists)
        .shown(silenced, "there was no stream to silence")
        .figure("noticed after %.1f s, resumed at the anchor", after)
        .figure("%,d changes meanwhile, none lost", changes.done())
        .figure("%d lists", scene.lists() - lists)
        .build();
  }
}
