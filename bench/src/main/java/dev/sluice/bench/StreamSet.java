package dev.sluice.bench;

import com.github.luben.zstd.Zstd;
import com.sun.management.OperatingSystemMXBean;
import com.sun.management.ThreadMXBean;
import dev.sluice.bench.StreamClient.Handler;
import io.fabric8.kubernetes.client.KubernetesClientBuilder;
import io.kubernetes.client.openapi.ApiClient;
import java.io.BufferedReader;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.lang.ref.Reference;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import javax.management.JMException;
import javax.management.ObjectName;
import org.jspecify.annotations.Nullable;

/**
 * An informer's life beside its peers': a list, MODIFIED events as fast as it takes them, what it
 * keeps, and how late a handler hears of what was written. A server replays them from another
 * process. Each contender has a process of its own, too, of which all CPU is counted, the
 * compiler's and the collector's included: from the first event until the last is in the cache, all
 * handlers are done, and what is stored has come to rest.
 *
 * <p>Memory is what the heap holds after collections, what was allocated outside of it, and what is
 * dirty of mapped files, less the same before the client was made.
 */
abstract class StreamSet implements Measured {
  static final String SLUICE = "sluice";
  static final String FABRIC8 = "fabric8";
  static final String OFFICIAL = "official Java client";
  private static final String FLOOR = "floor: read, find newlines";
  static final String GO_JSON = "client-go, JSON";
  static final String GO_PROTOBUF = "client-go, protobuf";
  private static final int RATE = 2_000;
  private static final int ZSTD_LEVEL = 3;

  private final String name;
  private final StreamLoad load;
  private final boolean tls;
  private final int events;
  private final int paced;

  /**
   * @param name what the names of its works begin with
   * @param events told as fast as they are read
   * @param paced how many are told at 2,000 a second
   */
  StreamSet(String name, StreamLoad load, boolean tls, int events, int paced) {
    this.name = name;
    this.load = load;
    this.tls = tls;
    this.events = events;
    this.paced = paced;
  }

  /**
   * How much of it, and with whom: what a process of its own is told.
   *
   * @param keys the file of the server's keys; empty for plain text
   */
  private record Run(
      String contender, StreamLoad load, String keys, int count, int events, int paced) {
    static Run of(String line) {
      String[] parts = line.split("\\|", -1);
      return new Run(
          parts[0],
          StreamLoad.valueOf(parts[1]),
          parts[2],
          Integer.parseInt(parts[3]),
          Integer.parseInt(parts[4]),
          Integer.parseInt(parts[5]));
    }

    String line() {
      return String.join("|", contender, load.name(), keys, count + "", events + "", paced + "");
    }

    boolean tls() {
      return !keys.isEmpty();
    }

    String certificate() {
      return tls() ? StreamReplay.certificate(Path.of(keys)).toString() : "";
    }
  }

  /** The figures of a life, in the order in which they are handed from process to process. */
  private enum Part {
    CPU("-cpu", ""),
    EVENTS("-events", ""),
    ALLOCATION("-allocation", ""),
    LIST("-list", ", first in its process"),
    WARM_LIST("-list", ""),
    MEMORY("-memory", ""),
    RSS("-rss", ""),
    LAG("-lag", ", median"),
    LAG_99("-lag", ", 99th percentile"),
    HTTP2("", "");

    private final String work;
    private final String variant;

    Part(String work, String variant) {
      this.work = work;
      this.variant = variant;
    }
  }

  @Override
  public List<Figure> measure(Effort effort) throws Exception {
    if (!tls) {
      return measure(effort, "");
    }
    Path folder = Files.createTempDirectory("sluice-bench");
    Path keys = StreamReplay.keys(folder);
    try {
      return measure(effort, keys.toString());
    } finally {
      Files.delete(StreamReplay.certificate(keys));
      Files.delete(keys);
      Files.delete(folder);
    }
  }

  private List<Figure> measure(Effort effort, String keys) throws Exception {
    List<Figure> figures = new ArrayList<>();
    List<String> failures = new ArrayList<>();
    Set<String> works =
        Bench.works(getClass()).stream().map(Work::name).collect(Collectors.toSet());
    for (String contender : List.of(SLUICE, FABRIC8, OFFICIAL, FLOOR, GO_JSON, GO_PROTOBUF)) {
      String go = System.getProperty("bench.go");
      boolean inGo = contender.startsWith("client-go");
      if (inGo && (go == null || effort == Effort.BLINK)
          || contender.equals(GO_PROTOBUF) && (load != StreamLoad.PODS || tls)) {
        continue;
      }
      Run run =
          new Run(
              contender,
              load,
              keys,
              effort.choose(load.count, load.count, load == StreamLoad.LARGE ? 2 : 20),
              effort.choose(events, Math.max(100, events / 10), 40),
              effort.choose(paced, paced / 4, paced == 0 ? 0 : 20));
      try {
        String version = version(contender, go);
        double[] values =
            inGo && go != null
                ? inGo(go, run)
                : Fork.run(
                    Life.class,
                    effort,
                    run.line(),
                    List.of(
                        load == StreamLoad.LARGE ? "-Xmx6g" : "-Xmx2g",
                        "-Xms2g",
                        "-XX:NativeMemoryTracking=summary"));
        boolean http2 = values[Part.HTTP2.ordinal()] > 0;
        for (Part part : Part.values()) {
          double value = values[part.ordinal()];
          String work = name + part.work;
          if (works.contains(work) && Double.isFinite(value)) {
            String who = contender + (tls ? http2 ? ", HTTP/2" : ", HTTP/1.1" : "") + part.variant;
            figures.add(new Figure(work, who, version, value, Double.NaN));
          }
        }
      } catch (IOException | TimeoutException e) {
        failures.add(contender + ": " + e.getMessage());
        System.err.println("error: " + failures.getLast());
      }
    }
    sizes(effort, figures, works);
    if (!failures.isEmpty()) {
      throw new PartialException(failures, figures);
    }
    return figures;
  }

  static String version(String contender, @Nullable String go) throws IOException {
    return switch (contender) {
      case FABRIC8 -> Bench.version(KubernetesClientBuilder.class);
      case OFFICIAL -> Bench.version(ApiClient.class);
      case GO_JSON, GO_PROTOBUF -> {
        Process asked = new ProcessBuilder(String.valueOf(go), "-version", contender).start();
        try (BufferedReader said = asked.inputReader(StandardCharsets.US_ASCII)) {
          yield String.valueOf(said.readLine());
        }
      }
      default -> "";
    };
  }

  /** What the objects are like. */
  private void sizes(Effort effort, List<Figure> figures, Set<String> works) {
    int count = Math.min(effort.choose(2_000, 500, 5), load.count);
    ByteArrayOutputStream together = new ByteArrayOutputStream();
    long cut = 0;
    long packed = 0;
    for (int i = 0; i < count; i++) {
      byte[] object = load.object(i);
      together.writeBytes(object);
      packed += Zstd.compress(object, ZSTD_LEVEL).length;
      cut += load.withoutManagedFields(i).length;
    }
    double all = together.size();
    if (works.contains(name + "-size")) {
      double[] bytes = {all, cut, packed, Zstd.compress(together.toByteArray(), ZSTD_LEVEL).length};
      String[] what = {
        "sluice and all others, JSON",
        "floor: less managedFields",
        "floor: by zstd -3, each by itself",
        "floor: by zstd -3, all together"
      };
      for (int i = 0; i < bytes.length; i++) {
        figures.add(Figure.of(name + "-size", what[i], bytes[i] / count));
      }
    }
    if (works.contains(name + "-allocation")) {
      figures.add(
          Figure.of(
              name + "-allocation",
              "floor: an object less its managedFields",
              (double) cut / count));
    }
  }

  // --- the processes -----------------------------------------------------------------------------

  /** A replay in its process, until it is closed. */
  record ReplayProcess(Process process, StreamReplay.Address address) implements AutoCloseable {
    /** Of objects over plain text only. */
    static ReplayProcess start(StreamLoad load, int count) throws IOException {
      return start(new Run("", load, "", count, 0, 0), null);
    }

    private static ReplayProcess start(Run run, @Nullable String go) throws IOException {
      List<String> command =
          new ArrayList<>(
              List.of(
                  System.getProperty("java.home") + "/bin/java",
                  "-Xmx3g",
                  "-XX:+UseSerialGC",
                  "-Dslf4j.internal.verbosity=ERROR",
                  "-Djava.util.logging.config.class=" + Quiet.class.getName(),
                  "-cp",
                  System.getProperty("java.class.path"),
                  StreamReplay.class.getName(),
                  run.load().name(),
                  Integer.toString(run.count()),
                  run.tls() ? run.keys() : "-"));
      if (go != null) {
        command.add(go);
      }
      Process process =
          new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start();
      BufferedReader said = process.inputReader(StandardCharsets.UTF_8);
      String line = said.readLine();
      if (line == null) {
        throw new IOException("the replay did not start");
      }
      return new ReplayProcess(process, StreamReplay.Address.of(line));
    }

    @Override
    public void close() {
      process.destroyForcibly();
    }
  }

  private static double[] inGo(String go, Run run) throws IOException, InterruptedException {
    boolean protobuf = run.contender().equals(GO_PROTOBUF);
    try (ReplayProcess replay = ReplayProcess.start(run, protobuf ? go : null)) {
      StreamReplay.Address address = replay.address();
      String url = url(run, address);
      List<String> command =
          new ArrayList<>(
              List.of(
                  go,
                  "-stream=" + url,
                  "-orders=127.0.0.1:" + address.ordersPort(),
                  "-ca=" + run.certificate(),
                  "-resource=" + run.load().path(),
                  "-objects=" + run.count(),
                  "-events=" + run.events(),
                  "-paced=" + run.paced(),
                  "-rate=" + RATE));
      if (protobuf) {
        command.add("-protobuf");
      }
      ProcessBuilder builder =
          new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT);
      builder.environment().put("KUBE_FEATURE_WatchListClient", "false");
      Process process = builder.start();
      try (var out = process.inputReader(StandardCharsets.US_ASCII)) {
        if (!process.waitFor(Fork.PATIENCE_SECONDS, TimeUnit.SECONDS)) {
          throw new IOException("did not end within " + Fork.PATIENCE_SECONDS + " s");
        }
        String line = out.readLine();
        if (process.exitValue() != 0 || line == null) {
          throw new IOException("ended with status " + process.exitValue());
        }
        return Arrays.stream(line.split(" ")).mapToDouble(Double::parseDouble).toArray();
      } finally {
        process.destroyForcibly();
      }
    }
  }

  private static String url(Run run, StreamReplay.Address replay) {
    return run.tls()
        ? "https://127.0.0.1:" + replay.tlsPort()
        : "http://127.0.0.1:" + replay.port();
  }

  /** How a contender in Java is started. */
  static StreamClient.Start start(String contender) {
    return switch (contender) {
      case SLUICE -> StreamClients::sluice;
      case FABRIC8 -> StreamClients::fabric8;
      default -> StreamClients::official;
    };
  }

  /** One contender's, in Java. */
  static final class Life implements Fork.Task {
    @Override
    public double[] run(Effort effort, String argument) throws Exception {
      new Quiet();
      Run run = Run.of(argument);
      if (effort == Effort.BLINK) {
        try (StreamReplay replay =
            new StreamReplay(
                run.load(), run.count(), run.tls() ? Path.of(run.keys()) : null, null)) {
          return live(run, replay.address());
        }
      }
      try (ReplayProcess replay = ReplayProcess.start(run, null)) {
        return live(run, replay.address());
      }
    }

    private static double[] live(Run run, StreamReplay.Address replay) throws Exception {
      if (run.contender().equals(FLOOR)) {
        return floor(run, replay);
      }
      StreamClient.Start start = start(run.contender());
      StreamClient.Server server =
          new StreamClient.Server(run.load(), url(run, replay), run.certificate(), "");
      double[] figures = new double[Part.values().length];
      Arrays.fill(figures, Double.NaN);
      Handler handler = new Handler(run.paced());
      double memory = memory();
      try (StreamReplay.Orders orders = new StreamReplay.Orders(replay)) {
        long began = System.nanoTime();
        try (StreamClient client = start.start(server, handler)) {
          await("the list", () -> handler.told() >= run.count());
          figures[Part.LIST.ordinal()] = (System.nanoTime() - began) / 1e6;

          double cpu = cpu();
          double allocated = allocated();
          long from = System.nanoTime();
          var taken = orders.give(run.events(), 0);
          figures[Part.HTTP2.ordinal()] = taken.protocol().startsWith("HTTP/2") ? 1 : 0;
          int last = StreamLoad.objectOf(run.count(), taken.all() - 1);
          String namespace = StreamLoad.namespace(last);
          String name = StreamLoad.name(last);
          String version = Long.toString(StreamLoad.VERSION + taken.all());
          await("the last event", () -> version.equals(client.version(namespace, name)));
          figures[Part.EVENTS.ordinal()] = run.events() / ((System.nanoTime() - from) / 1e9);
          settle(handler);
          if (effortful(run)) {
            await("rest", client::atRest);
          }
          figures[Part.CPU.ordinal()] = (cpu() - cpu) / 1e3 / run.events();
          figures[Part.ALLOCATION.ordinal()] = (allocated() - allocated) / run.events();
          if (effortful(run)) {
            figures[Part.MEMORY.ordinal()] = (memory() - memory) / run.count();
            figures[Part.RSS.ordinal()] = status("VmRSS");
          } else {
            figures[Part.MEMORY.ordinal()] = 0;
            figures[Part.RSS.ordinal()] = 0;
          }
          if (run.paced() > 0) {
            handler.time(true);
            orders.give(run.paced(), RATE);
            LockSupport.parkNanos(run.paced() * 1_000_000_000L / RATE);
            await("a paced event", () -> handler.timed() > 0);
            settle(handler);
            handler.time(false);
            figures[Part.LAG.ordinal()] = handler.percentile(0.5);
            figures[Part.LAG_99.ordinal()] = handler.percentile(0.99);
          }
          Reference.reachabilityFence(client);
        }
      }
      Handler again = new Handler(0);
      long began = System.nanoTime();
      try (StreamClient client = start.start(server, again)) {
        await("the second list", () -> again.told() >= run.count());
        figures[Part.WARM_LIST.ordinal()] = (System.nanoTime() - began) / 1e6;
        Reference.reachabilityFence(client);
      }
      return figures;
    }

    /** Collections and rest take longer than a short look at it should. */
    private static boolean effortful(Run run) {
      return run.count() >= 200;
    }

    private static double[] floor(Run run, StreamReplay.Address replay) throws Exception {
      double[] figures = new double[Part.values().length];
      Arrays.fill(figures, Double.NaN);
      try (StreamReplay.Orders orders = new StreamReplay.Orders(replay)) {
        StreamFloor floor = StreamFloor.open(run.load(), replay, run.certificate());
        double cpu = cpu();
        long from = System.nanoTime();
        var taken = orders.give(run.events(), 0);
        floor.read(run.events());
        figures[Part.EVENTS.ordinal()] = run.events() / ((System.nanoTime() - from) / 1e9);
        figures[Part.CPU.ordinal()] = (cpu() - cpu) / 1e3 / run.events();
        figures[Part.HTTP2.ordinal()] = taken.protocol().startsWith("HTTP/2") ? 1 : 0;
        floor.close();
      }
      return figures;
    }

    static void await(String what, BooleanSupplier condition) throws TimeoutException {
      long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(Fork.PATIENCE_SECONDS - 20);
      while (!condition.getAsBoolean()) {
        if (System.nanoTime() - deadline > 0) {
          throw new TimeoutException(what + " did not come");
        }
        LockSupport.parkNanos(1_000_000);
      }
    }

    /** Until handlers have not been called for a while. */
    static void settle(Handler handler) {
      long told = -1;
      while (told != handler.told()) {
        told = handler.told();
        LockSupport.parkNanos(100_000_000);
      }
    }

    static double cpu() {
      return ((OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean())
          .getProcessCpuTime();
    }

    private static double allocated() {
      return ((ThreadMXBean) ManagementFactory.getThreadMXBean()).getTotalThreadAllocatedBytes();
    }

    /** On the heap after collections, outside of it, and dirty in mapped files. */
    static double memory() throws IOException, JMException {
      return Heap.used() + outside() + mappedDirty();
    }

    /** Direct buffers and whatever else was allocated natively by Java code. */
    private static double outside() throws JMException {
      String said =
          String.valueOf(
              ManagementFactory.getPlatformMBeanServer()
                  .invoke(
                      new ObjectName("com.sun.management:type=DiagnosticCommand"),
                      "vmNativeMemory",
                      new Object[] {new String[] {"summary"}},
                      new String[] {String[].class.getName()}));
      Matcher other = Pattern.compile("Other \\(reserved=\\d+KB, committed=(\\d+)KB").matcher(said);
      return other.find() ? Double.parseDouble(other.group(1)) * 1024 : 0;
    }

    private static double mappedDirty() throws IOException {
      Path maps = Path.of("/proc/self/smaps");
      if (!Files.isReadable(maps)) {
        return 0;
      }
      double dirty = 0;
      boolean counts = false;
      for (String line : Files.readAllLines(maps, StandardCharsets.ISO_8859_1)) {
        if (line.matches("[0-9a-f]+-[0-9a-f]+ .*")) {
          counts = line.matches("\\S+ rw.s .*/.*") && !line.contains("hsperfdata");
        } else if (counts && line.matches("(Private|Shared)_Dirty:.*")) {
          dirty += Double.parseDouble(line.replaceAll("\\D", "")) * 1024;
        }
      }
      return dirty;
    }

    static double status(String what) throws IOException {
      Path status = Path.of("/proc/self/status");
      if (!Files.isReadable(status)) {
        return Double.NaN;
      }
      for (String line : Files.readAllLines(status)) {
        if (line.startsWith(what + ":")) {
          return Double.parseDouble(line.replaceAll("\\D", "")) * 1024;
        }
      }
      return Double.NaN;
    }
  }
}
