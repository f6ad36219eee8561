package dev.sluice.cli.demo;

import java.time.Duration;
import java.util.Locale;
import java.util.SplittableRandom;

/**
 * Far more changes than the controller may write. They come while it still has the first status of
 * every object to write, so that it writes at its limit from beginning to end.
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
        "%,d changes of %,d new objects, as fast as the server takes them",
        settings.burst(),
        settings.objects());
  }

  @Override
  public Verdict run(Scene scene) throws Exception {
    Settings settings = scene.settings();
    // Some must be left to write the last statuses, and for the incidents that follow.
    Duration most = settings.timeLimit().multipliedBy(4).dividedBy(10);
    long writesBefore = scene.stage().proxy().calls().writes();
    long eventsBefore = scene.events();
    long coalescedBefore = scene.pipeline().status().counts().coalesced();
    SplittableRandom random = new SplittableRandom(20_000);
    int[] picks = random.ints(settings.burst(), 0, settings.objects()).toArray();
    Load.Job burst = scene.load().change(settings.burst(), i -> picks[i]);
    boolean all = burst.await(most);
    long writesMeanwhile = scene.stage().proxy().calls().writes() - writesBefore;
    boolean settled = scene.awaitSettled(Duration.ofSeconds(60));
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
        .shown(all, "only %,d changes in %d s", burst.done(), most.toSeconds())
        .figure(
            "%,d changes in %.1f s (%,.0f/s)",
            burst.done(), burst.took().toMillis() / 1e3, burst.perSecond())
        .figure("%,d writes meanwhile", writesMeanwhile)
        .figure(
            "%,d events, %,d of them coalesced",
            scene.events() - eventsBefore,
            scene.pipeline().status().counts().coalesced() - coalescedBefore)
        .figure("at most %,d keys waited", scene.watcher().peakDepth())
        .build();
  }
}
