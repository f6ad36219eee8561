package dev.sluice.bench;

import com.sun.management.OperatingSystemMXBean;
import dev.sluice.fabric8.SluiceFabric8;
import dev.sluice.kube.Informer;
import dev.sluice.kube.Journal;
import dev.sluice.kube.ObjectKey;
import dev.sluice.kube.Resource;
import dev.sluice.kube.ResourceKind;
import dev.sluice.kube.Transport;
import io.fabric8.kubernetes.client.Config;
import io.fabric8.kubernetes.client.ConfigBuilder;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.LongAdder;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;

/**
 * What a journal costs a stream: 10,000 pods and 200,000 MODIFIED events of them, as fast as they
 * are read, in a JVM of its own, with and without one. All CPU of the process counts, that of
 * writing the log, of making it durable and of the snapshots, too. The first half of the events
 * warms up.
 */
@Work(
    name = "journal-stream-cpu",
    title = "pods, HTTP/1.1, with a journal: CPU an event",
    unit = Work.Unit.US_PER_OP,
    target = "at most 2 us above that without one",
    goals = @Goal(of = "sluice, journal", above = "floor: sluice, no journal", atMost = 2))
@Work(
    name = "journal-stream-events",
    title = "the same: events a second",
    unit = Work.Unit.OPS_PER_SECOND,
    target = "at least 80 % of those without one",
    goals = @Goal(of = "sluice, journal", aheadOf = "floor: sluice, no journal", times = 0.8))
public final class JournalStream implements Measured {
  private static final String JOURNAL = "sluice, journal";
  private static final String SEALED = "sluice, journal, encrypted";
  private static final String NONE = "floor: sluice, no journal";

  @Override
  public List<Figure> measure(Effort effort) throws Exception {
    int count = effort.choose(10_000, 2_000, 20);
    int events = effort.choose(200_000, 20_000, 40);
    List<Figure> figures = new ArrayList<>();
    for (String who : List.of(NONE, JOURNAL, SEALED)) {
      List<double[]> runs = new ArrayList<>();
      for (int i = 0; i < effort.choose(3, 1, 1); i++) {
        Path folder = Files.createTempDirectory("sluice-bench");
        String argument = who + "|" + folder + "|" + count + "|" + events;
        try {
          runs.add(Fork.run(Life.class, effort, argument, List.of("-Xmx2g", "-Xms2g")));
        } finally {
          JournalRestart.delete(folder);
        }
      }
      figures.add(Figure.of("journal-stream-cpu", who, median(runs, 0)));
      figures.add(Figure.of("journal-stream-events", who, median(runs, 1)));
    }
    return figures;
  }

  private static double median(List<double[]> runs, int part) {
    double[] values = runs.stream().mapToDouble(run -> run[part]).sorted().toArray();
    return values[values.length / 2];
  }

  /** A process of its own. */
  static final class Life implements Fork.Task {
    @Override
    public double[] run(Effort effort, String argument) throws Exception {
      new Quiet();
      String[] parts = argument.split("\\|", -1);
      int count = Integer.parseInt(parts[2]);
      int events = Integer.parseInt(parts[3]);
      if (effort == Effort.BLINK) {
        try (StreamReplay replay = new StreamReplay(StreamLoad.PODS, count, null, null)) {
          return live(parts[0], Path.of(parts[1]), count, events, replay.address());
        }
      }
      try (StreamSet.ReplayProcess replay = StreamSet.ReplayProcess.start(StreamLoad.PODS, count)) {
        return live(parts[0], Path.of(parts[1]), count, events, replay.address());
      }
    }

    private static double[] live(
        String who, Path folder, int count, int events, StreamReplay.Address replay)
        throws Exception {
      Config config =
          new ConfigBuilder(Config.empty())
              .withMasterUrl("http://127.0.0.1:" + replay.port())
              .withOnlyHttpWatches(true)
              .build();
      LongAdder told = new LongAdder();
      try (StreamReplay.Orders orders = new StreamReplay.Orders(replay);
          Transport transport = SluiceFabric8.transport(config)) {
        Informer.Builder<Resource> builder =
            Informer.of(transport, ResourceKind.namespaced("", "v1", "pods", "Pod"))
                .onChange(change -> told.increment());
        Journal journal = Journal.at(folder.resolve("journal")).cluster("bench");
        switch (who) {
          case JOURNAL -> builder.journal(journal);
          case SEALED ->
              builder.journal(
                  journal.encryptedWith(
                      dev.sluice.kube.JournalKeys.of(
                          "bench",
                          new byte[] {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16})));
          default -> {}
        }
        try (Informer<Resource> informer = builder.start()) {
          await("the list", () -> told.sum() >= count);
          drive(informer, orders, count, events / 2);
          long cpu = cpu();
          long from = System.nanoTime();
          drive(informer, orders, count, events / 2);
          double seconds = (System.nanoTime() - from) / 1e9;
          await(
              "what is to be durable",
              () ->
                  informer
                      .status()
                      .journal()
                      .map(status -> status.durable() == status.position())
                      .orElse(true));
          return new double[] {(cpu() - cpu) / 1e3 / (events / 2), events / 2 / seconds};
        }
      }
    }

    private static void drive(
        Informer<Resource> informer, StreamReplay.Orders orders, int count, int events)
        throws Exception {
      var taken = orders.give(events, 0);
      int last = StreamLoad.objectOf(count, taken.all() - 1);
      ObjectKey key = ObjectKey.of(StreamLoad.namespace(last), StreamLoad.name(last));
      String version = Long.toString(StreamLoad.VERSION + taken.all());
      await(
          "the last event",
          () ->
              informer
                  .store()
                  .resource(key)
                  .filter(object -> object.resourceVersion().equals(version))
                  .isPresent());
    }

    private static void await(String what, BooleanSupplier condition) throws TimeoutException {
      long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(Fork.PATIENCE_SECONDS - 20);
      while (!condition.getAsBoolean()) {
        if (System.nanoTime() - deadline > 0) {
          throw new TimeoutException(what + " did not come");
        }
        LockSupport.parkNanos(1_000_000);
      }
    }

    private static long cpu() {
      return ((OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean())
          .getProcessCpuTime();
    }
  }
}
