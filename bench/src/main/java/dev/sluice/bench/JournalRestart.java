package dev.sluice.bench;

import com.github.luben.zstd.Zstd;
import dev.sluice.fabric8.SluiceFabric8;
import dev.sluice.kube.Controller;
import dev.sluice.kube.Informer;
import dev.sluice.kube.Journal;
import dev.sluice.kube.JournalFiles;
import dev.sluice.kube.JournalStatus;
import dev.sluice.kube.JournalStore;
import dev.sluice.kube.Outcome;
import dev.sluice.kube.Resource;
import dev.sluice.kube.ResourceKind;
import dev.sluice.kube.Transport;
import io.fabric8.kubernetes.client.Config;
import io.fabric8.kubernetes.client.ConfigBuilder;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.stream.Stream;

/**
 * A controller that comes back to 100,000 pods. One process lists and reconciles them and leaves a
 * journal; others, each in a JVM of its own, start with a copy of it, or without one, while the
 * server is the same. The time is that from the first line of {@code main}, with all classes loaded
 * and compiled that are needed until the store can be read and the server has accepted the watch.
 */
@Work(
    name = "journal-restart",
    title = "100,000 pods: from main until the store can be read and the watch stands",
    unit = Work.Unit.MILLISECONDS,
    target = "below a second",
    goals = @Goal(of = "sluice, journal.*", atMost = 1_000))
@Work(
    name = "journal-restart-requests",
    title = "the same: requests besides the watch",
    unit = Work.Unit.COUNT,
    target = "1, and no object listed",
    goals = @Goal(of = "sluice, journal.*", atMost = 1))
@Work(
    name = "journal-restart-listed",
    title = "the same: objects listed",
    unit = Work.Unit.COUNT,
    target = "0",
    goals = @Goal(of = "sluice, journal.*", atMost = 0))
@Work(
    name = "journal-restart-reconciles",
    title = "the same: reconciles, nothing having changed",
    unit = Work.Unit.COUNT,
    target = "0",
    goals = @Goal(of = "sluice, journal.*", atMost = 0))
@Work(
    name = "journal-size",
    title = "100,000 pods on the disk: bytes an object",
    unit = Work.Unit.BYTES,
    target = "a snapshot at most 1.5 x what is stored, compressed",
    goals =
        @Goal(
            of = "sluice, a snapshot",
            aheadOf = "floor: what is stored, by zstd -3, each by itself",
            times = 1 / 1.5))
public final class JournalRestart implements Measured {
  private static final ResourceKind PODS = ResourceKind.namespaced("", "v1", "pods", "Pod");
  private static final List<String> OPTIONS = List.of("-Xmx2g");

  @Override
  public List<Figure> measure(Effort effort) throws Exception {
    int count = effort.choose(100_000, 20_000, 20);
    if (effort == Effort.BLINK) {
      try (StreamReplay replay = new StreamReplay(StreamLoad.PODS, count, null, null)) {
        return measure(effort, count, replay.address());
      }
    }
    try (StreamSet.ReplayProcess replay = StreamSet.ReplayProcess.start(StreamLoad.PODS, count)) {
      return measure(effort, count, replay.address());
    }
  }

  private static List<Figure> measure(Effort effort, int count, StreamReplay.Address address)
      throws Exception {
    String url = "http://127.0.0.1:" + address.port();
    Path folder = Files.createTempDirectory("sluice-bench");
    try {
      List<Figure> figures = new ArrayList<>();
      Path kept = folder.resolve("kept");
      double[] first = Fork.run(First.class, effort, url + "|" + kept + "|" + count, OPTIONS);
      figures.add(Figure.of("journal-restart-reconciles", "sluice, the first start", first[0]));
      sizes(figures, kept, count);
      for (String how : List.of("journal", "journal, AOT cache", "no journal")) {
        List<double[]> runs = new ArrayList<>();
        Path archive = folder.resolve("archive.jsa");
        for (int i = 0; i < effort.choose(5, 3, 1) + 1; i++) {
          Path used = folder.resolve("used");
          copy(kept, used);
          List<String> options = new ArrayList<>(OPTIONS);
          if (how.contains("AOT") && effort != Effort.BLINK) {
            options.add(
                (Files.exists(archive) ? "-XX:AOTCache=" : "-XX:AOTCacheOutput=") + archive);
          }
          double[] run =
              Fork.run(
                  Restart.class,
                  effort,
                  url + "|" + (how.startsWith("no") ? "" : used) + "|" + count,
                  options);
          if (i > 0 || effort == Effort.BLINK) {
            runs.add(run);
          }
          delete(used);
        }
        String who = "sluice, " + how;
        figures.add(Figure.of("journal-restart", who, median(runs, 0)));
        figures.add(Figure.of("journal-restart-requests", who, median(runs, 1)));
        figures.add(Figure.of("journal-restart-listed", who, median(runs, 2)));
        figures.add(Figure.of("journal-restart-reconciles", who, median(runs, 3)));
      }
      return figures;
    } finally {
      delete(folder);
    }
  }

  private static double median(List<double[]> runs, int part) {
    double[] values = runs.stream().mapToDouble(run -> run[part]).sorted().toArray();
    return values[values.length / 2];
  }

  private static void sizes(List<Figure> figures, Path folder, int count) throws IOException {
    long newest = 0;
    for (Path file : files(folder)) {
      long size = Files.size(file);
      String name = file.getFileName().toString();
      newest = name.startsWith("snapshot-") ? size : newest;
    }
    int sample = Math.min(count, 5_000);
    ByteArrayOutputStream together = new ByteArrayOutputStream();
    double each = 0;
    for (int i = 0; i < sample; i++) {
      byte[] stored = StreamLoad.PODS.withoutManagedFields(i);
      together.writeBytes(stored);
      each += Zstd.compress(stored, 3).length;
    }
    String[] what = {
      "sluice, a snapshot",
      "sluice, the five snapshots that are kept",
      "floor: what is stored, by zstd -3, each by itself",
      "floor: what is stored, by zstd -3, all together",
      "floor: what is stored"
    };
    double[] bytes = {
      (double) newest / count,
      5.0 * newest / count,
      each / sample,
      (double) Zstd.compress(together.toByteArray(), 3).length / sample,
      (double) together.size() / sample
    };
    for (int i = 0; i < bytes.length; i++) {
      figures.add(Figure.of("journal-size", what[i], bytes[i]));
    }
  }

  private static List<Path> files(Path folder) throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      return files.sorted().toList();
    }
  }

  private static void copy(Path from, Path to) throws IOException {
    Files.createDirectory(to);
    for (Path file : files(from)) {
      Files.copy(file, to.resolve(file.getFileName()));
    }
  }

  static void delete(Path folder) throws IOException {
    try (Stream<Path> files = Files.walk(folder)) {
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(file);
      }
    }
  }

  // --- the processes -----------------------------------------------------------------------------

  /** Counts what is asked of the server. */
  private record Counting(Transport transport, Queue<String> asked) implements Transport {
    @Override
    public Response send(Request request) throws IOException, InterruptedException {
      asked.add(request.path());
      return transport.send(request);
    }

    @Override
    public void close() {
      transport.close();
    }
  }

  private static Transport transport(String url) {
    Config config =
        new ConfigBuilder(Config.empty()).withMasterUrl(url).withOnlyHttpWatches(true).build();
    return SluiceFabric8.transport(config);
  }

  private static Controller<Resource> controller(Informer<Resource> informer) {
    return Controller.named("bench")
        .watching(informer)
        .unlimited()
        .reconcilerVersion("1")
        .reconcile((key, context) -> Outcome.done())
        .start();
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

  /** Lists, reconciles, and leaves a snapshot of all that is there. */
  static final class First implements Fork.Task {
    @Override
    public double[] run(Effort effort, String argument) throws Exception {
      new Quiet();
      String[] parts = argument.split("\\|", -1);
      long count = Long.parseLong(parts[2]);
      double started;
      try (Transport transport = transport(parts[0]);
          Informer<Resource> informer =
              Informer.of(transport, PODS)
                  .pageSize(5_000)
                  .journal(Journal.at(Path.of(parts[1])).cluster("bench"))
                  .start();
          Controller<Resource> controller = controller(informer)) {
        await("all reconciles", () -> controller.status().counts().done() == count);
        await(
            "what is to be durable",
            () -> status(informer).durable() == status(informer).position());
        started = controller.status().counts().started();
      }
      // What a snapshot that was written a moment ago leaves.
      JournalFiles.in(JournalStore.directory(Path.of(parts[1]))).compact();
      return new double[] {started};
    }

    private static JournalStatus status(Informer<Resource> informer) {
      return informer.status().journal().orElseThrow();
    }
  }

  /** Starts again. */
  static final class Restart implements Fork.Task {
    @Override
    public double[] run(Effort effort, String argument) throws Exception {
      long began = System.nanoTime();
      String[] parts = argument.split("\\|", -1);
      int count = Integer.parseInt(parts[2]);
      Queue<String> asked = new ConcurrentLinkedQueue<>();
      try (Transport transport = new Counting(transport(parts[0]), asked)) {
        Informer.Builder<Resource> builder = Informer.of(transport, PODS).pageSize(5_000);
        if (!parts[1].isEmpty()) {
          builder.journal(Path.of(parts[1]));
        }
        try (Informer<Resource> informer = builder.start();
            Controller<Resource> controller = controller(informer)) {
          if (!informer.awaitSynced(Duration.ofSeconds(Fork.PATIENCE_SECONDS - 20))) {
            throw new TimeoutException("not resumed: " + informer.explain());
          }
          double millis = (System.nanoTime() - began) / 1e6;
          if (informer.store().size() != count) {
            throw new IOException(informer.store().size() + " objects instead of " + count);
          }
          await("what is left to do", () -> controller.status().caughtUp());
          long listed = informer.status().counts().added();
          long requests = asked.stream().filter(path -> !path.contains("watch=true")).count();
          if (System.getenv("SLUICE_BENCH_EXPLAIN") != null) {
            System.err.println(informer.explain());
          }
          return new double[] {millis, requests, listed, controller.status().counts().started()};
        }
      }
    }
  }
}
