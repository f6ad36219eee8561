package dev.sluice.bench;

import com.sun.management.OperatingSystemMXBean;
import dev.sluice.testkit.ApiServer;
import java.io.BufferedReader;
import java.io.DataInputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.lang.management.ManagementFactory;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.URI;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * The embedded API server under the load of a busy cluster: 20,000 config maps, of which 5,000 a
 * second are patched, and 50 watches of all of them, each of which must see every change.
 *
 * <p>The server has a JVM, and those who write and watch have another one: raw HTTP/1.1, one thread
 * that reads all watches and counts lines, so that little of what is measured is theirs. A patch
 * carries the time it was sent at; a watch looks at it in every 16th event. So the latency is that
 * of the write and of the event together, all on one machine.
 */
@Work(
    name = "embedded-rate",
    title = "embedded API server, 20,000 objects, 50 watches that see everything: writes",
    unit = Work.Unit.OPS_PER_SECOND,
    target = "5,000 a second, sustained",
    goals = @Goal(of = "sluice, asked for 5,000/s", atLeast = 4_950))
@Work(
    name = "embedded-latency",
    title = "the same: from the write to its event",
    unit = Work.Unit.MILLISECONDS,
    target = "99th percentile below 100 ms",
    goals = @Goal(of = "sluice, 99th percentile", atMost = 100))
@Work(
    name = "embedded-cpu",
    title = "the same: CPU, 100 % being one core",
    unit = Work.Unit.PERCENT)
@Work(
    name = "embedded-heap",
    title = "the same: the server's heap after collections",
    unit = Work.Unit.BYTES)
@Work(
    name = "embedded-start",
    title = "embedded API server: from nothing to the first answer",
    unit = Work.Unit.MILLISECONDS,
    target = "below a second",
    goals = @Goal(atMost = 1_000))
@Work(
    name = "embedded-reset",
    title = "embedded API server: reset",
    unit = Work.Unit.MILLISECONDS,
    target = "below 10 ms with 1,000 objects",
    goals = @Goal(of = "sluice, 1,000 objects", atMost = 10))
public final class EmbeddedServer implements Measured {

  @Override
  public List<Figure> measure(Effort effort) throws Exception {
    double[] life = Fork.run(Life.class, effort, "");
    double[] load = Fork.run(Load.class, effort, "5000");
    double[] most = Fork.run(Load.class, effort, "1000000");
    return List.of(
        Figure.of("embedded-rate", "sluice, asked for 5,000/s", load[0]),
        Figure.of("embedded-rate", "sluice, asked for as many as go", most[0]),
        Figure.of("embedded-latency", "sluice, median", load[1]),
        Figure.of("embedded-latency", "sluice, 99th percentile", load[2]),
        Figure.of("embedded-cpu", "sluice, the server", load[3]),
        Figure.of("embedded-cpu", "those who write and watch", load[4]),
        Figure.of("embedded-heap", "sluice", load[5]),
        Figure.of("embedded-start", "sluice, first in its JVM", life[0]),
        Figure.of("embedded-start", "sluice, further ones", life[1]),
        Figure.of("embedded-start", "sluice, further ones with TLS", life[2]),
        Figure.of("embedded-reset", "sluice, 1,000 objects", life[3]),
        Figure.of("embedded-reset", "sluice, 20,000 objects", life[4]));
  }

  private static String name(int number) {
    return String.format(Locale.ROOT, "object-%05d", number);
  }

  /** Config maps as one list; each is about 700 bytes when it is sent. */
  private static String objects(int count) {
    StringBuilder list = new StringBuilder("{\"apiVersion\":\"v1\",\"kind\":\"List\",\"items\":[");
    String noise = "0123456789".repeat(20);
    for (int i = 0; i < count; i++) {
      list.append(i == 0 ? "" : ",")
          .append("{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"")
          .append(name(i))
          .append("\",\"namespace\":\"default\",\"labels\":{\"app\":\"load\"}},\"data\":{\"a\":\"")
          .append(noise)
          .append("\",\"t\":\"")
          .append(stamp(0))
          .append("\"}}");
    }
    return list.append("]}").toString();
  }

  /** A time in 19 digits. */
  private static String stamp(long nanos) {
    return String.format(Locale.ROOT, "%019d", nanos);
  }

  // --- its beginning and its resets --------------------------------------------------------------

  /** Starts and resets. */
  static final class Life implements Fork.Task {
    @Override
    public double[] run(Effort effort, String argument) throws Exception {
      double first = start(false);
      int runs = effort.choose(9, 3, 1);
      return new double[] {
        first,
        Measured.median(runs, () -> start(false)),
        Measured.median(runs, () -> start(true)),
        reset(runs, effort.choose(1_000, 1_000, 10)),
        reset(runs, effort.choose(20_000, 20_000, 10))
      };
    }

    private static double start(boolean tls) throws IOException {
      long start = System.nanoTime();
      try (ApiServer server = ApiServer.builder().tls(tls).start()) {
        if (!tls) {
          try (Connection connection = new Connection(server.url())) {
            connection.send("GET", "/readyz", "");
          }
        }
        return (System.nanoTime() - start) / 1e6;
      }
    }

    /** The objects are new since the baseline: the reset takes all of them away. */
    private static double reset(int runs, int count) throws Exception {
      String objects = objects(count);
      try (ApiServer server = ApiServer.start()) {
        return Measured.median(
            runs,
            () -> {
              server.load(objects);
              long start = System.nanoTime();
              server.reset();
              return (System.nanoTime() - start) / 1e6;
            });
      }
    }
  }

  /** One connection, one request after the other. */
  private static final class Connection implements AutoCloseable {
    private final Socket socket;
    private final DataInputStream in;
    private final OutputStream out;
    private final byte[] buffer = new byte[64 * 1024];

    Connection(URI server) throws IOException {
      socket = new Socket(server.getHost(), server.getPort());
      socket.setTcpNoDelay(true);
      in = new DataInputStream(new java.io.BufferedInputStream(socket.getInputStream(), 16 * 1024));
      out = socket.getOutputStream();
    }

    void send(String method, String path, String body) throws IOException {
      out.write(
          (method
                  + " "
                  + path
                  + " HTTP/1.1\r\n"
                  + "Host: x\r\n"
                  + "Content-Type: application/merge-patch+json\r\n"
                  + "Content-Length: "
                  + body.length()
                  + "\r\n\r\n"
                  + body)
              .getBytes(StandardCharsets.US_ASCII));
      String status = line();
      int length = 0;
      for (String header = line(); !header.isEmpty(); header = line()) {
        if (header.regionMatches(true, 0, "Content-Length:", 0, 15)) {
          length = Integer.parseInt(header.substring(15).strip());
        }
      }
      in.readFully(buffer, 0, length);
      if (!status.startsWith("HTTP/1.1 200")) {
        throw new IOException(
            status + ": " + new String(buffer, 0, length, StandardCharsets.UTF_8));
      }
    }

    private String line() throws IOException {
      int n = 0;
      for (int b = in.read(); b != '\n'; b = in.read()) {
        if (b < 0) {
          throw new IOException("the server has closed the connection");
        }
        if (b != '\r') {
          buffer[n++] = (byte) b;
        }
      }
      return new String(buffer, 0, n, StandardCharsets.US_ASCII);
    }

    @Override
    public void close() throws IOException {
      socket.close();
    }
  }

  // --- under load --------------------------------------------------------------------------------

  /** The server's process: starts the clients' one and looks at its own CPU time and heap. */
  static final class Load implements Fork.Task {
    @Override
    public double[] run(Effort effort, String rate) throws Exception {
      int count = effort.choose(20_000, 20_000, 20);
      try (ApiServer server = ApiServer.start()) {
        server.load(objects(count));
        String[] arguments = {
          server.url().toString(),
          server.resourceVersion(),
          String.valueOf(count),
          String.valueOf(effort.choose(50, 50, 2)),
          rate,
          String.valueOf(effort.choose(8_000, 3_000, 20)),
          String.valueOf(effort.choose(30_000, 5_000, 100))
        };
        if (effort == Effort.BLINK) {
          double[] seen = Clients.run(arguments, () -> {}, () -> {});
          return new double[] {seen[0], seen[1], seen[2], 0, 0, Heap.used()};
        }
        List<String> command =
            new ArrayList<>(
                List.of(
                    System.getProperty("java.home") + "/bin/java", "-Xmx256m", "-XX:+UseSerialGC"));
        command.addAll(
            List.of("-cp", System.getProperty("java.class.path"), Clients.class.getName()));
        command.addAll(List.of(arguments));
        Process clients =
            new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start();
        try (BufferedReader said = clients.inputReader(StandardCharsets.US_ASCII)) {
          expect(said, "begin");
          long before = cpu();
          expect(said, "end");
          long used = cpu() - before;
          double[] seen =
              Arrays.stream(String.valueOf(said.readLine()).split(" "))
                  .mapToDouble(Double::parseDouble)
                  .toArray();
          return new double[] {
            seen[0], seen[1], seen[2], 100.0 * used / (seen[4] * 1e9), seen[3], Heap.used()
          };
        } finally {
          clients.destroyForcibly().waitFor();
        }
      }
    }

    private static void expect(BufferedReader said, String line) throws IOException {
      String read = said.readLine();
      if (!line.equals(read)) {
        throw new IOException("the clients said " + read + " instead of " + line);
      }
    }
  }

  private static long cpu() {
    return ((OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean())
        .getProcessCpuTime();
  }

  /** Those who write and those who watch. */
  static final class Clients {
    private static final int WRITERS = 8;
    private static final String PATH = "/api/v1/namespaces/default/configmaps";

    private final URI server;
    private final int objects;
    private final long interval;
    private volatile Plan plan = new Plan(System.nanoTime(), new AtomicLong());
    private final AtomicLong written = new AtomicLong();
    private final Watches watches;
    private volatile boolean stop;
    private volatile @Nullable Throwable failure;

    /**
     * When the writes are due: the first at the start, each further one an interval later.
     *
     * @param turn how many have been taken
     */
    private record Plan(long start, AtomicLong turn) {}

    private Clients(URI server, int objects, int rate, Watches watches) {
      this.server = server;
      this.objects = objects;
      this.interval = 1_000_000_000L / rate;
      this.watches = watches;
    }

    public static void main(String[] arguments) throws Exception {
      double[] seen =
          run(arguments, () -> System.out.println("begin"), () -> System.out.println("end"));
      System.out.println(String.join(" ", Arrays.stream(seen).mapToObj(String::valueOf).toList()));
    }

    /** Gives writes a second, median and 99th percentile in ms, CPU in percent, seconds. */
    static double[] run(String[] arguments, Runnable begin, Runnable end) throws Exception {
      URI server = URI.create(arguments[0]);
      try (Watches watches = new Watches(server, arguments[1], Integer.parseInt(arguments[3]))) {
        Clients clients =
            new Clients(
                server, Integer.parseInt(arguments[2]), Integer.parseInt(arguments[4]), watches);
        return clients.run(Long.parseLong(arguments[5]), Long.parseLong(arguments[6]), begin, end);
      }
    }

    private double[] run(long warmUpMillis, long millis, Runnable begin, Runnable end)
        throws Exception {
      List<Thread> writers = new ArrayList<>();
      for (int i = 0; i < WRITERS; i++) {
        writers.add(Thread.ofPlatform().daemon().start(this::write));
      }
      await(warmUpMillis);
      // What the warm-up was late with is not made up for: that would be more than was asked for.
      plan = new Plan(System.nanoTime(), new AtomicLong());
      watches.measuredFrom = System.nanoTime();
      long before = written.get();
      long from = System.nanoTime();
      long cpuBefore = cpu();
      begin.run();
      await(millis);
      long count = written.get() - before;
      double seconds = (System.nanoTime() - from) / 1e9;
      double percent = 100 * (cpu() - cpuBefore) / (seconds * 1e9);
      end.run();
      stop = true;
      for (Thread writer : writers) {
        writer.join();
      }
      check();
      watches.awaitAll(written.get());
      return new double[] {
        count / seconds, watches.percentile(0.5), watches.percentile(0.99), percent, seconds
      };
    }

    private void await(long millis) throws Exception {
      long deadline = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(millis);
      while (System.nanoTime() - deadline < 0) {
        check();
        LockSupport.parkNanos(Math.min(20_000_000, Math.max(1, deadline - System.nanoTime())));
      }
    }

    private void check() throws Exception {
      Throwable thrown = failure != null ? failure : watches.failure;
      if (thrown != null) {
        throw new IOException("the load failed: " + thrown, thrown);
      }
    }

    private void write() {
      try (Connection connection = new Connection(server)) {
        while (!stop) {
          Plan now = plan;
          long number = now.turn().getAndIncrement();
          long due = now.start() + number * interval;
          for (long wait = due - System.nanoTime(); wait > 0; wait = due - System.nanoTime()) {
            LockSupport.parkNanos(wait);
          }
          connection.send(
              "PATCH",
              PATH + "/" + name((int) (number * 7919 % objects)),
              "{\"data\":{\"t\":\"" + stamp(System.nanoTime()) + "\"}}");
          written.incrementAndGet();
        }
      } catch (IOException | RuntimeException e) {
        failure = e;
      }
    }
  }

  /** All watches, read by one thread. */
  private static final class Watches implements AutoCloseable {
    private static final int STEP_NANOS = 50_000;

    /** What stands behind the stamp in a frame. */
    private static final int BEHIND = "\"}}}\n".length();

    private static final int SAMPLED = 16;

    private final Selector selector = Selector.open();
    private final List<Watch> watches = new ArrayList<>();
    private final int[] latencies = new int[400_000];
    private final Thread reader;
    private volatile long measuredFrom = Long.MAX_VALUE;
    private volatile @Nullable Throwable failure;

    private static final class Watch {
      private volatile long frames;
      private byte last;
    }

    Watches(URI server, String version, int count) throws IOException {
      for (int i = 0; i < count; i++) {
        SocketChannel channel =
            SocketChannel.open(new InetSocketAddress(server.getHost(), server.getPort()));
        channel.write(
            ByteBuffer.wrap(
                ("GET /api/v1/configmaps?watch=true&resourceVersion="
                        + version
                        + " HTTP/1.1\r\nHost: x\r\n\r\n")
                    .getBytes(StandardCharsets.US_ASCII)));
        channel.configureBlocking(false);
        Watch watch = new Watch();
        watches.add(watch);
        channel.register(selector, SelectionKey.OP_READ, watch);
      }
      reader = Thread.ofPlatform().daemon().start(this::read);
    }

    private void read() {
      ByteBuffer direct = ByteBuffer.allocateDirect(256 * 1024);
      byte[] bytes = new byte[direct.capacity()];
      try {
        while (selector.isOpen()) {
          selector.select(key -> {
            try {
              direct.clear();
              int length = ((SocketChannel) key.channel()).read(direct);
              if (length < 0) {
                throw new IOException("a watch has ended");
              }
              direct.flip();
              direct.get(bytes, 0, length);
              count((Watch) key.attachment(), bytes, length);
            } catch (IOException e) {
              failure = e;
              key.cancel();
            }
          });
        }
      } catch (IOException | java.nio.channels.ClosedSelectorException e) {
        if (selector.isOpen()) {
          failure = e;
        }
      }
    }

    /** A frame ends with a brace and the end of a line; the lines of chunks do not. */
    private void count(Watch watch, byte[] bytes, int length) {
      long now = System.nanoTime();
      long frames = watch.frames;
      byte before = watch.last;
      for (int i = 0; i < length; i++) {
        byte b = bytes[i];
        if (b == '\n' && before == '}' && ++frames % SAMPLED == 0) {
          sample(bytes, i, now);
        }
        before = b;
      }
      watch.last = before;
      watch.frames = frames;
    }

    private void sample(byte[] bytes, int end, long now) {
      int from = end + 1 - BEHIND - 19;
      if (from < 0) {
        return;
      }
      long sent = 0;
      for (int i = from; i < from + 19; i++) {
        int digit = bytes[i] - '0';
        if (digit < 0 || digit > 9) {
          return; // a chunk begins in the middle of it
        }
        sent = sent * 10 + digit;
      }
      if (sent - measuredFrom >= 0) {
        latencies[(int) Math.min(latencies.length - 1, (now - sent) / STEP_NANOS)]++;
      }
    }

    double percentile(double part) {
      long all = Arrays.stream(latencies).asLongStream().sum();
      long left = (long) Math.ceil(part * all);
      for (int i = 0; i < latencies.length; i++) {
        left -= latencies[i];
        if (left <= 0) {
          return (i + 1) * (STEP_NANOS / 1e6);
        }
      }
      return Double.NaN;
    }

    /** Every watch has seen every write, and no more. */
    void awaitAll(long writes) throws Exception {
      long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(30);
      for (Watch watch : watches) {
        while (watch.frames < writes && failure == null && System.nanoTime() - deadline < 0) {
          LockSupport.parkNanos(1_000_000);
        }
        if (watch.frames != writes) {
          throw new IOException(
              "a watch has seen " + watch.frames + " of " + writes + " writes; " + failure);
        }
      }
    }

    @Override
    public void close() throws IOException, InterruptedException {
      for (SelectionKey key : selector.keys()) {
        key.channel().close();
      }
      selector.close();
      reader.join();
    }
  }
}
