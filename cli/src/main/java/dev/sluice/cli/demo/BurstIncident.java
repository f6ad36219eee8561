package dev.sluice.cli.demo;

import java.time.Duration;
import java.util.Locale;
import java.util.SplittableRandom;

/**
 * Far more changes than the controller may write, and of far fewer objects. They come while it
 * still has first statuses to write, so that it writes at its limit from beginning to end.
 *
 * <p>On a machine that does not take so many in the time there is, it ends before all are made, and
 * says how many were: what must hold must hold for those.
 */
final class BurstIncident implements Incident {
  @Override
  public String name() {
    return "burst";
  }

  @Override
  public String story(Settings settings) {
    return String.format(
        Locale.ROOT,
        "%,d changes of %,d of the objects, as fast as the server takes them",
        settings.burst(),
        settings.burstObjects());
  }

  @Override
  public Duration needs(Settings settings) {
    return Duration.ofSeconds(settings.burst() / 500)
        .plus(toSettle(settings.burstObjects(), settings));
  }

  /** How long it takes to write the status of so many, at the rate that is allowed. */
  private static Duration toSettle(long keys, Settings settings) {
    return Duration.ofSeconds(3 + keys / settings.writeRate());
  }

  @Override
  public Verdict run(Scene scene) throws Exception {
    Settings settings = scene.settings();
    long writesBefore = scene.stage().proxy().calls().writes();
    long eventsBefore = scene.events();
    long coalescedBefore = scene.pipeline().status().counts().coalesced();
    SplittableRandom random = new SplittableRandom(20_000);
    int[] picks = random.ints(settings.burst(), 0, settings.burstObjects()).toArray();
    Load.Job burst = scene.load().change(settings.burst(), i -> picks[i]);
    scene.await(
        scene.left(),
        () -> burst.isOver() || scene.spare().compareTo(toSettle(scene.depth(), settings)) < 0);
    boolean all = burst.await(Duration.ZERO);
    long writesMeanwhile = scene.stage().proxy().calls().writes() - writesBefore;
    boolean settled = scene.awaitSettled();
    long coalesced = scene.pipeline().status().counts().coalesced() - coalescedBefore;
    Verdict.Builder verdict =
        Verdict.heldBy(
            "gate and queue keep each key once, the latest state stays in the store; token buckets"
                + " before reconciles and writes");
    return verdict
        .check(settled, "not every status was that of the latest generation in time")
        .shown(
            burst.perSecond() > settings.writeRate(),
            "the server took %.0f changes/s, fewer than the %d writes/s allowed",
            burst.perSecond(),
            settings.writeRate())
        .shown(coalesced > 0, "nothing had to be coalesced")
        .figure(
            "%,d %schanges in %.1f s (%,.0f/s)%s",
            burst.done(),
            all ? "" : String.format(Locale.ROOT, "of %,d ", settings.burst()),
            burst.took().toMillis() / 1e3,
            burst.perSecond(),
            all ? "" : ", then there was no time for more")
        .figure("%,d writes meanwhile", writesMeanwhile)
        .figure("%,d events, %,d of them coalesced", scene.events() - eventsBefore, coalesced)
        .figure("at most %,d keys waited", scene.watcher().peakDepth())
        .build();
  }
}
