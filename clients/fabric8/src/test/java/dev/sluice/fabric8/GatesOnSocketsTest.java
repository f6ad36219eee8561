package dev.sluice.fabric8;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.flow.Gate;
import dev.sluice.kube.Change;
import dev.sluice.kube.Informer;
import dev.sluice.kube.ObjectKey;
import dev.sluice.kube.Resource;
import dev.sluice.kube.StopCause;
import dev.sluice.kube.StreamStatus;
import dev.sluice.kube.Transport;
import io.fabric8.kubernetes.client.Config;
import io.fabric8.kubernetes.client.ConfigBuilder;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * A consumer that stands still for longer than the server remembers, while objects change all the
 * time, on real sockets: for each kind of gate nothing piles up, there is at most one list more,
 * and afterwards store and consumer agree with the server.
 */
@Tag("R1.2")
@Tag("R1.3")
class GatesOnSocketsTest {
  private static final Duration PATIENCE = Duration.ofMinutes(2);
  private static final long MOST_GROWTH = 64L << 20;

  /** What is put up with. */
  private record Load(int objects, int perSecond, Duration history, Duration stall) {
    int events(Duration time) {
      return (int) (perSecond * time.toMillis() / 1000);
    }
  }

  @Test
  void aConsumerMayStandStillForLongerThanTheServersHistory() throws Exception {
    standStill(new Load(200, 500, Duration.ofSeconds(2), Duration.ofSeconds(3)), true);
  }

  @Test
  @Tag("minutes")
  @Timeout(value = 15, unit = TimeUnit.MINUTES)
  void aConsumerMayStandStillForAMinuteUnderFiveThousandChangesASecond() throws Exception {
    standStill(new Load(2000, 5000, Duration.ofSeconds(20), Duration.ofSeconds(60)), false);
  }

  @Test
  @Tag("long")
  void aConsumerMayStandStillForTenMinutesUnderFiveThousandChangesASecond() throws Exception {
    standStill(new Load(2000, 5000, Duration.ofSeconds(20), Duration.ofMinutes(10)), false);
  }

  /**
   * All three at once, each with a server of its own.
   *
   * @param quiet whether the changes end with the stall: else a machine that is slow for a moment
   *     may be outrun by a short history
   */
  private static void standStill(Load load, boolean quiet) throws Exception {
    List<Trial> trials = new ArrayList<>();
    try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      for (Gate.Kind kind : Gate.Kind.values()) {
        trials.add(new Trial(kind, load));
      }
      together(threads, trials, Trial::begin);
      long before = used();
      together(threads, trials, Trial::standStill);
      long growth = used() - before;
      assertThat(growth).as("growth of the heap during the stall").isLessThan(MOST_GROWTH);
      together(threads, trials, trial -> trial.goOn(quiet));
    } finally {
      for (Trial trial : trials) {
        trial.close();
      }
    }
  }

  private interface Phase {
    void run(Trial trial);
  }

  private static void together(ExecutorService threads, List<Trial> trials, Phase phase)
      throws Exception {
    List<Future<?>> all = new ArrayList<>();
    for (Trial trial : trials) {
      all.add(threads.submit(() -> phase.run(trial)));
    }
    for (Future<?> one : all) {
      one.get();
    }
  }

  private static long used() {
    System.gc();
    Runtime runtime = Runtime.getRuntime();
    return runtime.totalMemory() - runtime.freeMemory();
  }

  /** One kind of gate between one server and one consumer. */
  private static final class Trial implements AutoCloseable {
    private final Gate.Kind kind;
    private final Load load;
    private final Firehose server;
    private final Transport transport;
    private final Informer<Resource> informer;
    private final Map<ObjectKey, String> believed = new ConcurrentHashMap<>();
    private final AtomicBoolean stands = new AtomicBoolean();
    private final CountDownLatch standing = new CountDownLatch(1);
    private final CountDownLatch go = new CountDownLatch(1);

    Trial(Gate.Kind kind, Load load) throws Exception {
      this.kind = kind;
      this.load = load;
      this.server = new Firehose(load.objects, load.perSecond, load.events(load.history));
      Config config =
          new ConfigBuilder(Config.empty())
              .withMasterUrl(server.url().toString())
              .withRequestRetryBackoffLimit(0)
              .build();
      this.transport = SluiceFabric8.transport(config);
      this.informer =
          Informer.of(transport, Line.CONFIG_MAPS)
              .name(kind.name())
              .auditEvery(Duration.ZERO)
              .gate(
                  switch (kind) {
                    case COALESCE -> Gate.coalesce();
                    case BLOCK -> Gate.block();
                    case PAUSE -> Gate.pause();
                  })
              .onChange(this::tell)
              .start();
    }

    private void tell(Change<Resource> change) throws InterruptedException {
      if (stands.get()) {
        standing.countDown();
        go.await();
      }
      switch (change) {
        case Change.Put<Resource> put -> believed.put(put.key(), identity(put.object()));
        case Change.Deleted<Resource> gone -> believed.remove(gone.key());
      }
    }

    private static String identity(Resource resource) {
      return resource.uid() + "@" + resource.resourceVersion();
    }

    void begin() {
      until(() -> assertThat(informer.status().anchor()).isPresent());
      long now = server.changes();
      until(() -> assertThat(server.changes()).isGreaterThan(now + load.perSecond / 10));
      assertThat(informer.status().counts().lists()).as(informer::explain).isEqualTo(1);
      stands.set(true);
      until(() -> assertThat(standing.getCount()).isZero());
    }

    void standStill() {
      long enough = server.changes() + load.events(load.stall);
      until(
          () -> {
            assertThat(informer.status().consumers().get(0).backlog())
                .as("changes that wait for the %s consumer", kind)
                .isLessThanOrEqualTo(mostWaiting());
            assertThat(server.changes()).isGreaterThanOrEqualTo(enough);
          },
          load.stall.multipliedBy(3).plus(PATIENCE));
      if (kind != Gate.Kind.COALESCE) {
        assertThat(informer.status().phase()).isEqualTo(StreamStatus.Phase.HELD);
      }
    }

    private int mostWaiting() {
      return kind == Gate.Kind.COALESCE ? 2 * load.objects : Gate.DEFAULT_CAPACITY;
    }

    void goOn(boolean quiet) {
      if (quiet) {
        server.stop();
      }
      go.countDown();
      stands.set(false);
      if (!quiet) {
        // It catches up while everything goes on changing, and stays there for a while.
        until(() -> assertThat(informer.status().phase()).isEqualTo(StreamStatus.Phase.WATCHING));
        long enough = server.changes() + load.events(load.history.multipliedBy(2));
        until(() -> assertThat(server.changes()).isGreaterThanOrEqualTo(enough));
        server.stop();
      }
      Map<ObjectKey, String> truth = settled();
      until(() -> {
        assertThat(stored()).as(informer::explain).isEqualTo(truth);
        assertThat(believed).as(informer::explain).isEqualTo(truth);
      });
      long lists = informer.status().counts().lists() - 1;
      if (kind == Gate.Kind.COALESCE) {
        assertThat(lists).as(informer::explain).isZero();
      } else {
        assertThat(lists).as(informer::explain).isLessThanOrEqualTo(1);
      }
      if (kind == Gate.Kind.PAUSE) {
        assertThat(lists).as(informer::explain).isEqualTo(1);
        assertThat(informer.status().stops()).containsKey(StopCause.GATE_PAUSED);
        assertThat(informer.status().stops()).containsEntry(StopCause.EXPIRED, 1L);
      }
    }

    /** The writer may be in the middle of its last changes. */
    private Map<ObjectKey, String> settled() {
      long[] before = {-1};
      until(() -> {
        long now = server.changes();
        boolean same = now == before[0];
        before[0] = now;
        assertThat(same).isTrue();
      });
      return server.state();
    }

    private Map<ObjectKey, String> stored() {
      Map<ObjectKey, String> objects = new HashMap<>();
      informer
          .store()
          .snapshot()
          .resources()
          .forEach(resource -> objects.put(resource.key(), identity(resource)));
      return objects;
    }

    private static void until(Runnable assertion) {
      until(assertion, PATIENCE);
    }

    private static void until(Runnable assertion, Duration patience) {
      Line.until(assertion, patience);
    }

    @Override
    public void close() throws Exception {
      go.countDown();
      informer.close();
      transport.close();
      server.close();
    }
  }
}
