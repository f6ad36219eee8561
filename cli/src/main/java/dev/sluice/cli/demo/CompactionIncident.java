package dev.sluice.cli.demo;

import dev.sluice.kube.Change;
import dev.sluice.kube.StopCause;
import dev.sluice.kube.Subscription;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicLong;

/**
 * While the stream is away, objects are changed, deleted and created, and the server forgets its
 * history: the stream cannot be resumed any more.
 */
final class CompactionIncident implements Incident {
  @Override
  public String name() {
    return "compaction";
  }

  @Override
  public String story(Settings settings) {
    return "while the stream is cut, objects are changed, deleted and created, and the server"
        + " forgets its history (410)";
  }

  @Override
  public Duration needs(Settings settings) {
    return Duration.ofSeconds(6);
  }

  @Override
  public Verdict run(Scene scene) throws Exception {
    int objects = scene.settings().objects();
    int few = Math.max(1, objects / 100);
    long lists = scene.lists();
    long expired = scene.stops(StopCause.EXPIRED);
    AtomicLong told = new AtomicLong();
    AtomicLong deletions = new AtomicLong();
    try (Subscription counter =
        scene
            .pipeline()
            .informer()
            .subscribe(
                "counter",
                change -> {
                  told.incrementAndGet();
                  if (change instanceof Change.Deleted<Gauge>) {
                    deletions.incrementAndGet();
                  }
                })) {
      scene.await(Scene.PATIENCE, () -> told.get() >= objects && counter.backlog() == 0);
      long toldBefore = told.get();
      boolean away = scene.keepStreamAway();
      boolean all =
          scene.load().change(few * 10, i -> i * 10 % objects).await(scene.left())
              && scene.load().delete(few, i -> i * 10 + 3).await(scene.left())
              && scene.load().create(few, i -> i * 10 + 3).await(scene.left())
              && scene.load().delete(few, i -> i * 10 + 4).await(scene.left());
      scene.ownServer().faults().compact();
      scene.letStreamReturn();
      boolean noticed = scene.await(Scene.PATIENCE, () -> scene.stops(StopCause.EXPIRED) > expired);
      boolean listed = scene.await(Scene.PATIENCE, () -> scene.lists() > lists);
      scene.await(Scene.PATIENCE, () -> scene.isSeen() && counter.backlog() == 0);
      long differences = told.get() - toldBefore;
      boolean settled = scene.awaitSettled();
      // Put the deleted ones back, for the incidents that follow.
      boolean again = scene.load().create(few, i -> i * 10 + 4).await(scene.left());
      return Verdict.heldBy("one list, of which consumers are told the differences only")
          .check(all && again && settled, "not every change was made and answered in time")
          .check(scene.lists() - lists == 1, "%d lists were read", scene.lists() - lists)
          .check(
              deletions.get() == few * 2L,
              "%d of %d deletions were told",
              deletions.get(),
              few * 2L)
          .check(
              differences < objects / 2,
              "%,d changes were told, as if everything were new",
              differences)
          .shown(away && noticed && listed, "the history was not gone")
          .figure("%d stops `expired`", scene.stops(StopCause.EXPIRED) - expired)
          .figure("1 list of %,d objects", objects - few)
          .figure("%,d differences told, %d deletions among them", differences, deletions.get())
          .build();
    }
  }
}
