package dev.sluice.bench;

import dev.sluice.bench.StreamClient.Handler;
import dev.sluice.cluster.RealCluster;
import dev.sluice.testkit.ApiServer;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.DoubleStream;
import javax.net.ssl.SSLContext;
import org.jspecify.annotations.Nullable;

/**
 * Informers on the released kube-apiserver with etcd, one after the other on the same cluster: a
 * list of its pods, then a writer that changes them as fast as the server lets it. Each is a
 * process of its own, of which all CPU counts from the first write until its cache has the last
 * one. What a handler is late is the time since the write was begun, which stands in an annotation
 * of the pod; every eighth is looked at.
 *
 * <p>Server, etcd, writer and client share the machine: the client that takes less leaves more to
 * the writer, so that its events come faster.
 */
@Work(
    name = "stream-real-cpu",
    title = "pods of the real kube-apiserver: CPU an event, a writer at full speed",
    unit = Work.Unit.US_PER_OP)
@Work(
    name = "stream-real-events",
    title = "pods of the real kube-apiserver: written a second meanwhile",
    unit = Work.Unit.OPS_PER_SECOND)
@Work(
    name = "stream-real-list",
    title = "pods of the real kube-apiserver: the list, first in its process",
    unit = Work.Unit.MILLISECONDS)
@Work(
    name = "stream-real-lag",
    title = "pods of the real kube-apiserver: from the write to the handler",
    unit = Work.Unit.MILLISECONDS)
@Work(
    name = "stream-real-memory",
    title = "pods of the real kube-apiserver: memory an object",
    unit = Work.Unit.BYTES)
@Work(
    name = "stream-real-rss",
    title = "pods of the real kube-apiserver: RSS of the whole process",
    unit = Work.Unit.BYTES)
public final class StreamReal implements Measured {
  /** When a pod was written, by the machine's monotonic clock. */
  static final String WRITTEN = "bench.sluice.dev/written";

  private static final int WRITERS = 4;
  private static final int FEWEST_WRITES = 60;
  private static final int NAMESPACES = 7;
  private static final Pattern VERSION = Pattern.compile("\"resourceVersion\": ?\"(\\d+)\"");

  /** The figures in the order in which they are handed from process to process. */
  private enum Part {
    CPU,
    LIST,
    MEMORY,
    RSS,
    LAG,
    LAG_99
  }

  /**
   * Where the pods are.
   *
   * @param certificate the authority's file; empty for plain text
   * @param token empty for none
   */
  private record Target(String url, String certificate, String token, SSLContext tls) {}

  /** The last write of a load: when a cache has this, it has all. */
  private record Last(long writes, double seconds, int pod, String version) {}

  @Override
  public List<Figure> measure(Effort effort) throws Exception {
    int count = effort.choose(10_000, 2_000, 20);
    Duration writing = Duration.ofMillis(effort.choose(12_000, 5_000, 20));
    if (effort == Effort.BLINK) {
      try (ApiServer server = ApiServer.start()) {
        return measure(
            new Target(server.url().toString(), "", "", SSLContext.getDefault()),
            count,
            writing,
            true);
      }
    }
    String missing = RealCluster.whatIsMissing().orElse(null);
    if (missing != null) {
      throw new IOException("there is no real kube-apiserver here: " + missing);
    }
    try (RealCluster cluster = RealCluster.start(RealCluster.Settings.plain())) {
      Target target =
          new Target(
              cluster.url().toString(),
              cluster.caCertificate().toString(),
              cluster.token("admin"),
              cluster.sslContext());
      return measure(target, count, writing, false);
    }
  }

  private static List<Figure> measure(Target target, int count, Duration writing, boolean here)
      throws Exception {
    List<Figure> figures = new ArrayList<>();
    List<String> failures = new ArrayList<>();
    String go = System.getProperty("bench.go");
    try (Writer writer = new Writer(target)) {
      writer.create(count);
      for (String contender :
          List.of(
              StreamSet.SLUICE,
              StreamSet.FABRIC8,
              StreamSet.OFFICIAL,
              StreamSet.GO_JSON,
              StreamSet.GO_PROTOBUF)) {
        boolean inGo = contender.startsWith("client-go");
        if (inGo && (go == null || here)) {
          continue;
        }
        try (Client client =
            here
                ? new Client.Here(contender, target, count)
                : Client.Child.start(
                    inGo && go != null
                        ? inGo(go, contender, target, count)
                        : inJava(contender, target, count))) {
          client.listed();
          Last last = writer.write(count, writing);
          double[] values = client.figures(last);
          String version = StreamSet.version(contender, go);
          List<Figure> own =
              List.of(
                  figure("cpu", contender, version, values[Part.CPU.ordinal()]),
                  figure("events", contender, version, last.writes / last.seconds),
                  figure("list", contender, version, values[Part.LIST.ordinal()]),
                  figure("lag", contender + ", median", version, values[Part.LAG.ordinal()]),
                  figure(
                      "lag",
                      contender + ", 99th percentile",
                      version,
                      values[Part.LAG_99.ordinal()]),
                  figure("memory", contender, version, values[Part.MEMORY.ordinal()]),
                  figure("rss", contender, version, values[Part.RSS.ordinal()]));
          own.stream().filter(figure -> Double.isFinite(figure.value())).forEach(figures::add);
        } catch (IOException | ExecutionException | TimeoutException e) {
          failures.add(contender + ": " + e.getMessage());
          System.err.println("error: " + failures.getLast());
        }
      }
    }
    if (!failures.isEmpty()) {
      throw new PartialException(failures, figures);
    }
    return figures;
  }

  private static Figure figure(String work, String contender, String version, double value) {
    return new Figure("stream-real-" + work, contender, version, value, Double.NaN);
  }

  private static List<String> inJava(String contender, Target target, int count) {
    List<String> command =
        new ArrayList<>(
            List.of(
                System.getProperty("java.home") + "/bin/java",
                "-Xms2g",
                "-Xmx2g",
                "-XX:NativeMemoryTracking=summary"));
    command.addAll(Bench.JVM_ARGS);
    command.addAll(
        List.of(
            "-cp",
            System.getProperty("java.class.path"),
            StreamReal.class.getName(),
            contender,
            target.url,
            target.certificate,
            target.token,
            count + ""));
    return command;
  }

  private static List<String> inGo(String go, String contender, Target target, int count) {
    List<String> command =
        new ArrayList<>(
            List.of(
                go,
                "-stream=" + target.url,
                "-real",
                "-ca=" + target.certificate,
                "-token=" + target.token,
                "-resource=/api/v1/pods",
                "-objects=" + count));
    if (contender.equals(StreamSet.GO_PROTOBUF)) {
      command.add("-protobuf");
    }
    return command;
  }

  /** One contender's life, in its process. It is told by lines when what begins. */
  public static void main(String[] args) throws Exception {
    new Quiet();
    PrintStream out = System.out;
    var in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.US_ASCII));
    Target target = new Target(args[1], args[2], args[3], SSLContext.getDefault());
    try (Life life = new Life(args[0], target, Integer.parseInt(args[4]))) {
      out.println("listed");
      String[] words = String.valueOf(in.readLine()).split(" ");
      double[] figures =
          life.figures(new Last(Long.parseLong(words[0]), 1, Integer.parseInt(words[1]), words[2]));
      StringBuilder line = new StringBuilder("figures");
      DoubleStream.of(figures).forEach(figure -> line.append(' ').append(figure));
      out.println(line);
    }
    System.exit(0); // whatever threads a contender left behind
  }

  /** From the list to the last event. */
  private static final class Life implements AutoCloseable {
    private final Handler handler = Handler.stamped(1 << 16);
    private final int count;
    private final StreamClient client;
    private final double before;
    private final double list;
    private final double cpu;

    Life(String contender, Target target, int count) throws Exception {
      this.count = count;
      before = StreamSet.Life.memory();
      long began = System.nanoTime();
      client =
          StreamSet.start(contender)
              .start(
                  new StreamClient.Server(
                      StreamLoad.PODS, target.url, target.certificate, target.token),
                  handler);
      StreamSet.Life.await("the list", () -> handler.told() >= count);
      list = (System.nanoTime() - began) / 1e6;
      handler.time(true);
      cpu = StreamSet.Life.cpu();
    }

    double[] figures(Last last) throws Exception {
      String namespace = StreamLoad.namespace(last.pod);
      String name = StreamLoad.name(last.pod);
      StreamSet.Life.await(
          "the last event", () -> last.version.equals(client.version(namespace, name)));
      StreamSet.Life.settle(handler);
      double[] figures = new double[Part.values().length];
      figures[Part.CPU.ordinal()] = (StreamSet.Life.cpu() - cpu) / 1e3 / last.writes;
      handler.time(false);
      figures[Part.LIST.ordinal()] = list;
      if (count >= 200) {
        StreamSet.Life.await("rest", client::atRest);
        figures[Part.MEMORY.ordinal()] = (StreamSet.Life.memory() - before) / count;
        figures[Part.RSS.ordinal()] = StreamSet.Life.status("VmRSS");
      }
      figures[Part.LAG.ordinal()] = handler.percentile(0.5);
      figures[Part.LAG_99.ordinal()] = handler.percentile(0.99);
      return figures;
    }

    @Override
    public void close() throws Exception {
      client.close();
    }
  }

  /** A contender, wherever it lives. */
  private sealed interface Client extends AutoCloseable {
    /** Waits until its handlers have the list. */
    void listed() throws Exception;

    double[] figures(Last last) throws Exception;

    /** In this process. */
    record Here(Life life) implements Client {
      Here(String contender, Target target, int count) throws Exception {
        this(new Life(contender, target, count));
      }

      @Override
      public void listed() {}

      @Override
      public double[] figures(Last last) throws Exception {
        return life.figures(last);
      }

      @Override
      public void close() throws Exception {
        life.close();
      }
    }

    /** In a process of its own, which is ended if it does not answer in time. */
    record Child(Process process, BufferedReader said) implements Client {
      private static final long PATIENCE_SECONDS = 60;

      static Child start(List<String> command) throws IOException {
        Process process =
            new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start();
        return new Child(process, process.inputReader(StandardCharsets.US_ASCII));
      }

      @Override
      public void listed() throws IOException {
        answer("listed");
      }

      @Override
      public double[] figures(Last last) throws IOException {
        process
            .getOutputStream()
            .write(
                (last.writes + " " + last.pod + " " + last.version + "\n")
                    .getBytes(StandardCharsets.US_ASCII));
        process.getOutputStream().flush();
        String[] words = answer("figures").split(" ");
        return Arrays.stream(words).skip(1).mapToDouble(Double::parseDouble).toArray();
      }

      private String answer(String word) throws IOException {
        CompletableFuture<Void> late =
            CompletableFuture.runAsync(
                process::destroyForcibly,
                CompletableFuture.delayedExecutor(PATIENCE_SECONDS, TimeUnit.SECONDS));
        try {
          for (String line = said.readLine(); line != null; line = said.readLine()) {
            if (line.startsWith(word)) {
              return line;
            }
          }
        } finally {
          late.cancel(false);
        }
        throw new IOException(
            process.isAlive()
                ? "says no more"
                : "ended, or did not come to '" + word + "' within " + PATIENCE_SECONDS + " s");
      }

      @Override
      public void close() {
        process.destroyForcibly();
      }
    }
  }

  /** Makes the pods and changes them. */
  private static final class Writer implements AutoCloseable {
    private final Target target;
    private final HttpClient http;

    Writer(Target target) {
      this.target = target;
      this.http =
          HttpClient.newBuilder()
              .sslContext(target.tls)
              .connectTimeout(Duration.ofSeconds(10))
              .build();
    }

    void create(int count) throws Exception {
      for (int i = 0; i < NAMESPACES; i++) {
        send(
            "POST",
            "/api/v1/namespaces",
            "application/json",
            ("{\"metadata\":{\"name\":\"" + StreamLoad.namespace(i) + "\"}}")
                .getBytes(StandardCharsets.UTF_8));
      }
      AtomicInteger next = new AtomicInteger();
      together(() -> {
        for (int i = next.getAndIncrement(); i < count; i = next.getAndIncrement()) {
          send(
              "POST",
              "/api/v1/namespaces/" + StreamLoad.namespace(i) + "/pods",
              "application/json",
              StreamLoad.creatable(i));
        }
        return null;
      });
    }

    /** Changes one pod after the other for so long, and one at the end. */
    Last write(int count, Duration writing) throws Exception {
      AtomicInteger next = new AtomicInteger();
      long began = System.nanoTime();
      long end = began + writing.toNanos();
      together(() -> {
        while (System.nanoTime() < end || next.get() < FEWEST_WRITES) {
          patch(StreamLoad.objectOf(count, next.getAndIncrement()));
        }
        return null;
      });
      int pod = StreamLoad.objectOf(count, next.get());
      String version = patch(pod);
      return new Last(next.get() + 1L, (System.nanoTime() - began) / 1e9, pod, version);
    }

    private String patch(int pod) throws IOException, InterruptedException {
      String said =
          send(
              "PATCH",
              "/api/v1/namespaces/" + StreamLoad.namespace(pod) + "/pods/" + StreamLoad.name(pod),
              "application/merge-patch+json",
              ("{\"metadata\":{\"annotations\":{\""
                      + WRITTEN
                      + "\":\""
                      + System.nanoTime()
                      + "\"}}}")
                  .getBytes(StandardCharsets.UTF_8));
      Matcher version = VERSION.matcher(said);
      if (!version.find()) {
        throw new IOException("a pod without a version was answered: " + said);
      }
      return version.group(1);
    }

    private static void together(Callable<@Nullable Void> work) throws Exception {
      try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
        List<Future<?>> all = new ArrayList<>();
        for (int i = 0; i < WRITERS; i++) {
          all.add(threads.submit(work));
        }
        for (Future<?> one : all) {
          one.get();
        }
      }
    }

    private String send(String method, String path, String type, byte[] body)
        throws IOException, InterruptedException {
      HttpRequest.Builder request =
          HttpRequest.newBuilder(URI.create(target.url + path))
              .timeout(Duration.ofSeconds(30))
              .header("Content-Type", type)
              .method(method, HttpRequest.BodyPublishers.ofByteArray(body));
      if (!target.token.isEmpty()) {
        request.header("Authorization", "Bearer " + target.token);
      }
      HttpResponse<String> response =
          http.send(request.build(), HttpResponse.BodyHandlers.ofString());
      if (response.statusCode() / 100 != 2 && response.statusCode() != 409) {
        throw new IOException(
            method + " " + path + ": " + response.statusCode() + " " + response.body());
      }
      return response.body();
    }

    @Override
    public void close() {
      http.shutdownNow();
    }
  }
}
