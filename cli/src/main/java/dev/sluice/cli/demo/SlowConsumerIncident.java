package dev.sluice.cli.demo;

import dev.sluice.flow.Gate;
import dev.sluice.kube.Change;
import dev.sluice.kube.Informer;
import dev.sluice.kube.ObjectKey;
import dev.sluice.kube.Resource;
import dev.sluice.kube.StopCause;
import dev.sluice.kube.StreamStatus;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Collectors;

/**
 * The same slow consumer three times, each on a stream of its own behind another gate: one is told
 * the latest states, for one the stream is read no further, for one it is closed and resumed. Each
 * hangs until its gate has something to hold, so that it is slow on the fastest and on the slowest
 * machine, and then takes its time for each change.
 */
final class SlowConsumerIncident implements Incident {
  private static final int CAPACITY = 128; // the default; less where there are few objects

  /** How many changes each object of the shard gets. */
  private static final int ROUNDS = 3;

  /** What the consumer takes for one change. */
  private static final Duration WORK = Duration.ofMillis(4);

  @Override
  public String name() {
    return "slow consumer";
  }

  @Override
  public String story(Settings settings) {
    return String.format(
        Locale.ROOT,
        "%,d changes to three consumers that hang, then take %d ms for each, one behind each kind"
            + " of gate",
        shard(settings) * ROUNDS,
        WORK.toMillis());
  }

  private static int capacity(Settings settings) {
    return Math.min(CAPACITY, 2 * shard(settings));
  }

  private static int shard(Settings settings) {
    return settings.objects() / Settings.SHARDS;
  }

  @Override
  public Duration needs(Settings settings) {
    return Duration.ofSeconds(3 + shard(settings) * ROUNDS / 120);
  }

  @Override
  public Verdict run(Scene scene) throws Exception {
    int capacity = capacity(scene.settings());
    List<Slow> consumers = new ArrayList<>();
    try {
      for (Gate<ObjectKey> gate :
          List.of(
              Gate.<ObjectKey>coalesce(),
              Gate.<ObjectKey>block(capacity),
              Gate.<ObjectKey>pause(capacity))) {
        Slow consumer = new Slow(scene, gate);
        consumers.add(consumer);
        scene.watcher().beside(consumer::line);
      }
      for (Slow consumer : consumers) {
        if (!consumer.informer.awaitSynced(scene.left())) {
          return Verdict.heldBy("")
              .check(false, "the %s stream did not sync", consumer.kind())
              .build();
        }
      }
      scene.await(Scene.PATIENCE, () -> consumers.stream().allMatch(Slow::isUpToDate));
      consumers.forEach(Slow::hang);
      int objects = shard(scene.settings());
      Load.Job changes = scene.load().change(objects * ROUNDS, i -> i % objects * Settings.SHARDS);
      boolean all = changes.await(scene.left());
      scene.await(Scene.PATIENCE, () -> consumers.stream().allMatch(Slow::isHeld));
      consumers.forEach(Slow::goOn);
      boolean settled = scene.awaitSettled();
      boolean told = scene.await(scene.left(), () -> consumers.stream().allMatch(Slow::isUpToDate));
      Verdict.Builder verdict =
          Verdict.heldBy(
                  "COALESCE keeps the latest state of each key; BLOCK stops the reading; PAUSE"
                      + " closes the stream and resumes it at the anchor")
              .check(all && settled, "not every change was made and answered in time")
              .check(told, "not every consumer was told the latest state of each object")
              .figure("%,d changes", changes.done());
      for (Slow consumer : consumers) {
        consumer.judge(verdict, capacity);
      }
      return verdict.build();
    } finally {
      consumers.forEach(Slow::close);
    }
  }

  /** A consumer with its stream. */
  private static final class Slow implements AutoCloseable {
    private final Scene scene;
    final Gate<ObjectKey> gate;
    final Informer<Gauge> informer;
    private final Map<ObjectKey, String> told = new ConcurrentHashMap<>();
    private final AtomicLong count = new AtomicLong();
    private final AtomicLong deepest = new AtomicLong();
    private volatile CountDownLatch hanging = new CountDownLatch(0);
    private volatile long fullBefore;

    Slow(Scene scene, Gate<ObjectKey> gate) {
      this.scene = scene;
      this.gate = gate;
      this.informer =
          Informer.of(scene.stage().direct(), scene.stage().kind(), Gauge.CODEC)
              .name("slow-" + gate.kind().name().toLowerCase(Locale.ROOT))
              .namespace(scene.stage().namespace())
              .labelSelector("shard=0")
              .silenceDeadline(Duration.ofSeconds(60))
              .gate(gate)
              .onChange(this::on)
              .start();
    }

    private void on(Change<Gauge> change) throws InterruptedException {
      deepest.accumulateAndGet(gate.stats().depth(), Math::max);
      switch (change) {
        case Change.Put<Gauge> put -> told.put(put.key(), put.resource().resourceVersion());
        case Change.Deleted<Gauge> deleted -> told.remove(deleted.key());
      }
      count.incrementAndGet();
      hanging.await();
      Thread.sleep(WORK);
    }

    /** From the next change on it takes no other. */
    void hang() {
      fullBefore = gate.stats().timesFull();
      hanging = new CountDownLatch(1);
    }

    /** Whether the gate has what it holds back: it is full, or has states that nobody was told. */
    boolean isHeld() {
      return gate.kind() == Gate.Kind.COALESCE
          ? gate.stats().depth() > 0
          : gate.stats().timesFull() > fullBefore;
    }

    void goOn() {
      hanging.countDown();
    }

    String kind() {
      return gate.kind().name();
    }

    /** Whether it was told what the controller's store has: its own may be behind, being held. */
    boolean isUpToDate() {
      Map<ObjectKey, String> latest =
          scene
              .pipeline()
              .informer()
              .store()
              .snapshot()
              .resources()
              .filter(resource -> "0".equals(resource.labels().get("shard")))
              .collect(Collectors.toMap(Resource::key, Resource::resourceVersion));
      return told.equals(latest);
    }

    String line() {
      StreamStatus status = informer.status();
      return String.format(
          Locale.ROOT,
          "%-8s %,6d events received, %,6d told, %,4d wait; %s, paused %d times",
          kind(),
          Watcher.events(status),
          count.get(),
          gate.stats().depth(),
          status.phase().name().toLowerCase(Locale.ROOT).replace('_', '-'),
          status.stops().getOrDefault(StopCause.GATE_PAUSED, 0L));
    }

    void judge(Verdict.Builder verdict, int capacity) {
      Gate.Stats stats = gate.stats();
      StreamStatus status = informer.status();
      long events = Watcher.events(status);
      long paused = status.stops().getOrDefault(StopCause.GATE_PAUSED, 0L);
      verdict
          .check(
              gate.kind() == Gate.Kind.COALESCE || deepest.get() <= capacity,
              "%s held %d changes, more than its capacity",
              kind(),
              deepest.get())
          .shown(
              gate.kind() == Gate.Kind.COALESCE
                  ? count.get() < events
                  : stats.timesFull() > fullBefore,
              "%s had nothing to hold",
              kind());
      switch (gate.kind()) {
        case COALESCE -> verdict.figure("COALESCE: %,d events, %,d told", events, count.get());
        case BLOCK ->
            verdict.figure(
                "BLOCK: %,d told, not read for %.1f s",
                count.get(), stats.timeFull().toMillis() / 1e3);
        case PAUSE ->
            verdict.figure("PAUSE: %,d told, closed and resumed %d times", count.get(), paused);
      }
    }

    @Override
    public void close() {
      goOn();
      gate.close();
      informer.close();
    }
  }
}
