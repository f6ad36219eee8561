package dev.sluice.cli.demo;

import dev.sluice.fabric8.SluiceFabric8;
import dev.sluice.kube.Change;
import dev.sluice.kube.ObjectKey;
import dev.sluice.kube.Subscription;
import dev.sluice.kube.Transport;
import dev.sluice.testkit.Faults.Replica;
import io.fabric8.kubernetes.client.Config;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;

/**
 * A load balancer moves the stream to another API server, whose cache has not seen what the stream
 * has seen already.
 */
final class ReplicaIncident implements Incident {
  @Override
  public String name() {
    return "lagging replica";
  }

  @Override
  public String story(Settings settings) {
    return "the stream is moved to another API server whose cache has seen less than the stream";
  }

  @Override
  public Duration needs(Settings settings) {
    return settings.pause().plusSeconds(5);
  }

  @Override
  public Verdict run(Scene scene) throws Exception {
    int objects = scene.settings().objects();
    Map<ObjectKey, Long> newest = new ConcurrentHashMap<>();
    AtomicLong backwards = new AtomicLong();
    try (Replica replica = scene.ownServer().faults().addReplica();
        Transport other = SluiceFabric8.transport(Config.fromKubeconfig(replica.kubeconfig()));
        Subscription witness =
            scene
                .pipeline()
                .informer()
                .subscribe(
                    "witness",
                    change -> {
                      if (change instanceof Change.Put<Gauge> put) {
                        long version = Long.parseLong(put.resource().resourceVersion());
                        Long before = newest.put(put.key(), version);
                        if (before != null && version < before) {
                          backwards.incrementAndGet();
                        }
                      }
                    })) {
      scene.await(Scene.PATIENCE, () -> newest.size() >= objects && witness.backlog() == 0);
      replica.freeze();
      // What the stream sees of these the replica will not have seen when the stream comes to it.
      boolean first = scene.load().change(100, i -> i * 3 % objects).await(scene.left());
      boolean seen = scene.await(Scene.PATIENCE, scene::isSeen);
      scene.stage().proxy().moveTo(other);
      scene.cutAndAwaitReturn();
      boolean second = scene.load().change(100, i -> i * 5 % objects).await(scene.left());
      boolean stale = !scene.await(scene.settings().pause(), scene::isSeen);
      long behind = scene.load().unseenBy(scene.pipeline().informer().store());
      replica.catchUp();
      boolean settled = scene.awaitSettled();
      scene.stage().proxy().moveTo(scene.stage().direct());
      scene.cutAndAwaitReturn();
      return Verdict.heldBy("the stream waits for the version it has seen; no state goes backwards")
          .check(first && seen && second && settled, "not every change was answered in time")
          .check(backwards.get() == 0, "%d objects went back to an older state", backwards.get())
          .shown(stale, "the replica was not behind")
          .figure("%,d objects waited for while it was behind, none lost", behind)
          .figure("%d objects went backwards", backwards.get())
          .build();
    }
  }
}
