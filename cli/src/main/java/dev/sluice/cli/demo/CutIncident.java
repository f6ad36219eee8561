package dev.sluice.cli.demo;

import dev.sluice.kube.StopCause;
import java.time.Duration;
import java.util.List;

/** The stream breaks in the middle of a frame, several times, while changes go on. */
final class CutIncident implements Incident {
  private static final int CUTS = 3;

  /** A stream can end by itself in the moment in which it is to be cut: then it is tried again. */
  private static final int ATTEMPTS = 3 * CUTS;

  private static final int PER_SECOND = 50;

  @Override
  public String name() {
    return "cut streams";
  }

  @Override
  public String story(Settings settings) {
    return "the proxy cuts the stream " + CUTS + " times in the middle of a frame; changes go on";
  }

  @Override
  public Duration needs(Settings settings) {
    return settings.pause().multipliedBy(CUTS).plusSeconds(3);
  }

  @Override
  public Verdict run(Scene scene) throws Exception {
    long lists = scene.lists();
    int objects = scene.settings().objects();
    Load.Job changes = scene.load().changeAt(PER_SECOND, i -> i * 7 % objects);
    int cuts = 0;
    int noticed = 0;
    for (int attempt = 0; attempt < ATTEMPTS && cuts < CUTS; attempt++) {
      scene.awaitWell();
      long before = scene.stops(StopCause.RESET);
      List<Proxy.Stream> streams = scene.stage().proxy().cutStreams();
      scene.await(Scene.PATIENCE, () -> streams.stream().allMatch(Proxy.Stream::isOver));
      if (streams.stream().noneMatch(Proxy.Stream::isBroken)) {
        continue;
      }
      cuts++;
      if (scene.await(Scene.PATIENCE, () -> scene.stops(StopCause.RESET) > before)) {
        noticed++;
      }
    }
    scene.awaitWell();
    boolean all = changes.end(scene.left());
    boolean settled = scene.awaitSettled();
    return Verdict.heldBy("the stream resumes at its anchor, after a backoff of 100 ms or more")
        .check(all && settled, "not every change was made and answered in time")
        .check(scene.lists() == lists, "%d lists were read anew", scene.lists() - lists)
        .check(noticed == cuts, "of %d cuts %d were noticed", cuts, noticed)
        .shown(cuts == CUTS, "the stream was cut %d times", cuts)
        .figure("%d cuts, %d stops `reset`", cuts, noticed)
        .figure("%,d changes meanwhile, none lost", changes.done())
        .figure("%d lists", scene.lists() - lists)
        .build();
  }
}
