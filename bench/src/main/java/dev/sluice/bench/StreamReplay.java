package dev.sluice.bench;

import java.io.BufferedOutputStream;
import java.io.BufferedReader;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.BlockingDeque;
import java.util.concurrent.LinkedBlockingDeque;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.eclipse.jetty.alpn.server.ALPNServerConnectionFactory;
import org.eclipse.jetty.http2.server.HTTP2ServerConnectionFactory;
import org.eclipse.jetty.io.Content;
import org.eclipse.jetty.server.Handler;
import org.eclipse.jetty.server.HttpConfiguration;
import org.eclipse.jetty.server.HttpConnectionFactory;
import org.eclipse.jetty.server.Request;
import org.eclipse.jetty.server.Response;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.ServerConnector;
import org.eclipse.jetty.server.SslConnectionFactory;
import org.eclipse.jetty.util.Callback;
import org.eclipse.jetty.util.ssl.SslContextFactory;
import org.jspecify.annotations.Nullable;

/**
 * An API server that says the same again and again: a list of objects, page by page, and a watch
 * that tells MODIFIED events of them, as many and as fast as it is asked for. Runs in a process of
 * its own, so that what it costs is nobody's.
 *
 * <p>Plain text is HTTP/1.1 by hand, so that it is faster than who reads; over TLS it is HTTP/2 or
 * HTTP/1.1, as the client likes. A further port takes orders, see {@link Orders}.
 */
final class StreamReplay implements AutoCloseable {
  private static final Pattern LIMIT = Pattern.compile("[?&]limit=(\\d+)");
  private static final Pattern CONTINUE = Pattern.compile("[?&]continue=(\\d+)");
  private static final byte[] HEAD =
      "{\"type\":\"MODIFIED\",\"object\":".getBytes(StandardCharsets.US_ASCII);
  private static final byte[] TAIL = {'}', '\n'};
  private static final int DIGITS = 19;
  private static final String PASSWORD = "replay";

  /** Events to be told. {@code rate} a second; 0 for as fast as they are read. */
  private record Order(int events, int rate) {}

  /**
   * What is told in one form.
   *
   * @param objects as they stand in an event, each with its framing
   * @param versionAt where the digits of the version stand in each
   */
  private record Form(String type, byte[][] objects, int[] versionAt) {}

  private final StreamLoad load;
  private final Form json;
  private final @Nullable Form protobuf;
  private final byte @Nullable [][] items;
  private final ServerSocket plain;
  private final ServerSocket orders;
  private final @Nullable Server secure;
  private final BlockingDeque<Order> ordered = new LinkedBlockingDeque<>();
  private final AtomicInteger watches = new AtomicInteger();
  private final AtomicLong asked = new AtomicLong();
  private volatile String protocol = "";
  private long told;

  /**
   * @param keys what {@link #keys} has made; null for plain text only
   * @param go the Go program, which encodes protobuf; null to do without
   */
  StreamReplay(StreamLoad load, int count, @Nullable Path keys, @Nullable String go)
      throws Exception {
    this.load = load;
    byte[][] events = new byte[count][];
    int[] at = new int[count];
    for (int i = 0; i < count; i++) {
      byte[] object = load.object(i);
      events[i] =
          ByteBuffer.allocate(HEAD.length + object.length + TAIL.length)
              .put(HEAD)
              .put(object)
              .put(TAIL)
              .array();
      at[i] = find(events[i], Long.toString(StreamLoad.listed(i)));
    }
    json = new Form("application/json", events, at);
    if (go != null && load == StreamLoad.PODS) {
      items = encode(go);
      protobuf = framed(items);
    } else {
      items = null;
      protobuf = null;
    }
    plain = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
    orders = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
    Thread.ofPlatform().daemon().name("replay").start(() -> accept(plain, this::serve));
    Thread.ofPlatform().daemon().name("orders").start(() -> accept(orders, this::take));
    secure = keys == null ? null : secure(keys);
  }

  /** Load, objects, the file of keys or {@code -}, and the Go program if it shall encode. */
  public static void main(String[] args) throws Exception {
    try (StreamReplay replay =
        new StreamReplay(
            StreamLoad.valueOf(args[0]),
            Integer.parseInt(args[1]),
            args[2].equals("-") ? null : Path.of(args[2]),
            args.length > 3 ? args[3] : null)) {
      System.out.println(replay.address().line());
      while (System.in.read() >= 0) {}
    }
  }

  Address address() {
    Server jetty = secure;
    return new Address(
        plain.getLocalPort(),
        orders.getLocalPort(),
        jetty == null ? 0 : ((ServerConnector) jetty.getConnectors()[0]).getLocalPort());
  }

  /**
   * Its ports.
   *
   * @param tlsPort 0 if there is none
   */
  record Address(int port, int ordersPort, int tlsPort) {
    static Address of(String line) {
      String[] ports = line.split(" ");
      return new Address(
          Integer.parseInt(ports[0]), Integer.parseInt(ports[1]), Integer.parseInt(ports[2]));
    }

    String line() {
      return port + " " + ordersPort + " " + tlsPort;
    }
  }

  // --- plain -------------------------------------------------------------------------------------

  private interface Service {
    void serve(Socket client) throws IOException;
  }

  private static void accept(ServerSocket socket, Service service) {
    while (true) {
      try {
        Socket client = socket.accept();
        client.setTcpNoDelay(true);
        Thread.ofPlatform()
            .daemon()
            .start(() -> {
              try (client) {
                service.serve(client);
              } catch (IOException e) {
                // The client has gone.
              }
            });
      } catch (IOException e) {
        return;
      }
    }
  }

  /** Orders are for a watch that is newer than the connection they come on. */
  private void take(Socket client) throws IOException {
    int before = watches.get();
    var in =
        new BufferedReader(
            new InputStreamReader(client.getInputStream(), StandardCharsets.US_ASCII));
    var out = client.getOutputStream();
    out.write('\n');
    for (String line = in.readLine(); line != null; line = in.readLine()) {
      String[] words = line.split(" ");
      while (watches.get() == before) {
        LockSupport.parkNanos(1_000_000);
      }
      int events = Integer.parseInt(words[0]);
      long all = asked.addAndGet(events);
      int last = StreamLoad.objectOf(json.objects().length, all - 1);
      String key = StreamLoad.namespace(last) + "/" + StreamLoad.name(last);
      out.write((protocol + " " + all + " " + key + "\n").getBytes(StandardCharsets.US_ASCII));
      ordered.add(new Order(events, Integer.parseInt(words[1])));
    }
  }

  /**
   * Where orders are given: so many events, so many a second or as fast as they are read. To be
   * opened before the watch that shall carry them out.
   */
  static final class Orders implements AutoCloseable {
    private final Socket socket;
    private final BufferedReader in;

    /**
     * What was ordered.
     *
     * @param protocol of the watch that carries it out
     * @param all how many events will have been told since the replay began
     */
    record Taken(String protocol, long all) {}

    Orders(Address replay) throws IOException {
      socket = new Socket(InetAddress.getLoopbackAddress(), replay.ordersPort());
      in =
          new BufferedReader(
              new InputStreamReader(socket.getInputStream(), StandardCharsets.US_ASCII));
      in.readLine();
    }

    Taken give(int events, int rate) throws IOException {
      socket
          .getOutputStream()
          .write((events + " " + rate + "\n").getBytes(StandardCharsets.US_ASCII));
      String[] answer = String.valueOf(in.readLine()).split(" ");
      return new Taken(answer[0], Long.parseLong(answer[1]));
    }

    @Override
    public void close() throws IOException {
      socket.close();
    }
  }

  private void serve(Socket client) throws IOException {
    var in =
        new BufferedReader(
            new InputStreamReader(client.getInputStream(), StandardCharsets.US_ASCII));
    var out = new BufferedOutputStream(client.getOutputStream(), 1 << 16);
    for (String line = in.readLine(); line != null; line = in.readLine()) {
      String target = line.split(" ", -1)[1];
      boolean proto = false;
      for (String header = in.readLine(); !header.isEmpty(); header = in.readLine()) {
        proto |= wantsProtobuf(header);
      }
      Form form = proto && protobuf != null ? protobuf : json;
      if (isWatch(target)) {
        head(
            out,
            form == json ? form.type() : form.type() + ";stream=watch",
            "Transfer-Encoding: chunked");
        out.flush();
        watch(form, out, true, "HTTP/1.1");
        return;
      } else {
        byte[] list = list(form, target);
        head(out, form.type(), "Content-Length: " + list.length);
        out.write(list);
        out.flush();
      }
    }
  }

  private static void head(OutputStream out, String type, String framing) throws IOException {
    out.write(
        ("HTTP/1.1 200 OK\r\nContent-Type: " + type + "\r\n" + framing + "\r\n\r\n")
            .getBytes(StandardCharsets.US_ASCII));
  }

  private static boolean wantsProtobuf(String header) {
    return header.regionMatches(true, 0, "Accept:", 0, 7)
        && header.contains("application/vnd.kubernetes.protobuf");
  }

  private static boolean isWatch(String target) {
    return target.contains("watch=true") || target.contains("watch=1");
  }

  // --- TLS ---------------------------------------------------------------------------------------

  private Server secure(Path keys) throws Exception {
    Server jetty = new Server();
    HttpConfiguration config = new HttpConfiguration();
    HttpConnectionFactory http1 = new HttpConnectionFactory(config);
    HTTP2ServerConnectionFactory http2 = new HTTP2ServerConnectionFactory(config);
    http2.setStreamIdleTimeout(0);
    ALPNServerConnectionFactory alpn = new ALPNServerConnectionFactory();
    alpn.setDefaultProtocol(http1.getProtocol());
    SslContextFactory.Server ssl = new SslContextFactory.Server();
    ssl.setKeyStorePath(keys.toString());
    ssl.setKeyStorePassword(PASSWORD);
    ssl.setSniRequired(false);
    ServerConnector connector =
        new ServerConnector(
            jetty, new SslConnectionFactory(ssl, alpn.getProtocol()), alpn, http2, http1);
    connector.setHost("127.0.0.1");
    connector.setIdleTimeout(0);
    jetty.addConnector(connector);
    jetty.setHandler(
        new Handler.Abstract() {
          @Override
          public boolean handle(Request request, Response response, Callback callback)
              throws Exception {
            String target = request.getHttpURI().getPathQuery();
            Form form = json;
            try (OutputStream out =
                new BufferedOutputStream(Content.Sink.asOutputStream(response), 1 << 16)) {
              response.getHeaders().put("Content-Type", form.type());
              if (isWatch(target)) {
                out.flush();
                watch(
                    form, out, false, request.getConnectionMetaData().getHttpVersion().asString());
              } else {
                byte[] list = list(form, target);
                response.getHeaders().put("Content-Length", list.length);
                out.write(list);
              }
            }
            callback.succeeded();
            return true;
          }
        });
    jetty.start();
    return jetty;
  }

  /**
   * Makes a key pair and its certificate, by the JDK's own tool, and the certificate once more in a
   * file of its own ({@link #certificate}) for clients to trust.
   */
  static Path keys(Path folder) throws Exception {
    Path keys = folder.resolve("keys.p12");
    String arguments =
        "-genkeypair -keyalg EC -groupname secp256r1 -dname CN=replay -validity 30 -ext bc=ca:true"
            + " -ext san=ip:127.0.0.1,dns:localhost -storetype PKCS12 -alias server -storepass "
            + PASSWORD;
    List<String> command = new ArrayList<>();
    command.add(System.getProperty("java.home") + "/bin/keytool");
    command.addAll(List.of(arguments.split(" ")));
    command.addAll(List.of("-keystore", keys.toString()));
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    if (process.waitFor() != 0) {
      throw new IOException("keytool ended with status " + process.exitValue() + ": " + said);
    }
    KeyStore store = KeyStore.getInstance(keys.toFile(), PASSWORD.toCharArray());
    Files.writeString(
        certificate(keys),
        "-----BEGIN CERTIFICATE-----\n"
            + Base64.getMimeEncoder(64, new byte[] {'\n'})
                .encodeToString(store.getCertificate("server").getEncoded())
            + "\n-----END CERTIFICATE-----\n");
    return keys;
  }

  static Path certificate(Path keys) {
    return keys.resolveSibling("ca.pem");
  }

  // --- what is told ------------------------------------------------------------------------------

  private byte[] list(Form form, String target) throws IOException {
    Matcher limit = LIMIT.matcher(target);
    Matcher from = CONTINUE.matcher(target);
    int start = from.find() ? Integer.parseInt(from.group(1)) : 0;
    byte[][] events = json.objects();
    int end =
        limit.find() && !limit.group(1).equals("0")
            ? Math.min(events.length, start + Integer.parseInt(limit.group(1)))
            : events.length;
    ByteArrayOutputStream out = new ByteArrayOutputStream((end - start) * events[0].length + 1000);
    byte[][] encoded = items;
    if (form != json && encoded != null) {
      ByteArrayOutputStream meta = new ByteArrayOutputStream();
      field(meta, 2, Long.toString(StreamLoad.VERSION).getBytes(StandardCharsets.US_ASCII));
      if (end < events.length) {
        field(meta, 3, Integer.toString(end).getBytes(StandardCharsets.US_ASCII));
      }
      field(out, 1, meta.toByteArray());
      for (int i = start; i < end; i++) {
        field(out, 2, encoded[i]);
      }
      return envelope("PodList", out.toByteArray());
    }
    String next = end < events.length ? ",\"continue\":\"" + end + "\"" : "";
    out.writeBytes(
        String.format(
                Locale.ROOT,
                "{\"kind\":\"%sList\",\"apiVersion\":\"%s\",\"metadata\":{\"resourceVersion\":\"%d\"%s},\"items\":[",
                load.kind,
                load.apiVersion(),
                StreamLoad.VERSION,
                next)
            .getBytes(StandardCharsets.US_ASCII));
    for (int i = start; i < end; i++) {
      if (i > start) {
        out.write(',');
      }
      out.write('{');
      int itemFrom = HEAD.length + load.itemFrom();
      out.write(events[i], itemFrom, events[i].length - TAIL.length - itemFrom);
    }
    out.write(']');
    out.write('}');
    return out.toByteArray();
  }

  /** Carries out orders while it is the newest watch. */
  private void watch(Form form, OutputStream out, boolean chunked, String spoken)
      throws IOException {
    protocol = spoken;
    int number = watches.incrementAndGet();
    try {
      while (watches.get() == number) {
        Order order = ordered.poll(20, TimeUnit.MILLISECONDS);
        if (order != null && watches.get() != number) {
          ordered.addFirst(order);
        } else if (order != null) {
          carryOut(order, form, out, chunked);
        }
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private void carryOut(Order order, Form form, OutputStream out, boolean chunked)
      throws IOException {
    byte[] digits = new byte[DIGITS];
    long start = System.nanoTime();
    for (int event = 0; event < order.events(); event++) {
      long version = StreamLoad.VERSION + told + 1;
      if (order.rate() > 0) {
        long due = start + event * 1_000_000_000L / order.rate();
        for (long wait = due - System.nanoTime(); wait > 0; wait = due - System.nanoTime()) {
          LockSupport.parkNanos(wait);
        }
        version = StreamLoad.VERSION + System.nanoTime();
      }
      int i = StreamLoad.objectOf(form.objects().length, told++);
      for (int d = DIGITS - 1; d >= 0; d--, version /= 10) {
        digits[d] = (byte) ('0' + version % 10);
      }
      byte[] object = form.objects()[i];
      int at = form.versionAt()[i];
      if (chunked) {
        out.write(
            (Integer.toHexString(object.length) + "\r\n").getBytes(StandardCharsets.US_ASCII));
      }
      out.write(object, 0, at);
      out.write(digits);
      out.write(object, at + DIGITS, object.length - at - DIGITS);
      if (chunked) {
        out.write('\r');
        out.write('\n');
      }
      if (order.rate() > 0) {
        out.flush();
      }
    }
    out.flush();
  }

  // --- protobuf ----------------------------------------------------------------------------------

  /** Each object as a message, by the types of Go. */
  private byte[][] encode(String go) throws IOException, InterruptedException {
    Process process =
        new ProcessBuilder(go, "-encode").redirectError(ProcessBuilder.Redirect.INHERIT).start();
    Thread writer =
        Thread.ofPlatform()
            .daemon()
            .start(() -> {
              try (var out =
                  new DataOutputStream(new BufferedOutputStream(process.getOutputStream()))) {
                for (byte[] event : json.objects()) {
                  int length = event.length - HEAD.length - TAIL.length;
                  out.writeInt(length);
                  out.write(event, HEAD.length, length);
                }
              } catch (IOException e) {
                throw new UncheckedIOException(e);
              }
            });
    byte[][] encoded = new byte[json.objects().length][];
    try (var in = new DataInputStream(new java.io.BufferedInputStream(process.getInputStream()))) {
      for (int i = 0; i < encoded.length; i++) {
        encoded[i] = in.readNBytes(in.readInt());
      }
    } finally {
      writer.join();
      process.destroyForcibly();
    }
    return encoded;
  }

  private static Form framed(byte[][] encoded) {
    byte[][] frames = new byte[encoded.length][];
    int[] at = new int[encoded.length];
    for (int i = 0; i < encoded.length; i++) {
      ByteArrayOutputStream object = new ByteArrayOutputStream();
      field(object, 1, envelope("Pod", encoded[i]));
      ByteArrayOutputStream event = new ByteArrayOutputStream();
      field(event, 1, "MODIFIED".getBytes(StandardCharsets.US_ASCII));
      field(event, 2, object.toByteArray());
      frames[i] =
          ByteBuffer.allocate(4 + event.size())
              .putInt(event.size())
              .put(event.toByteArray())
              .array();
      at[i] = find(frames[i], Long.toString(StreamLoad.listed(i)));
    }
    return new Form("application/vnd.kubernetes.protobuf", frames, at);
  }

  private static byte[] envelope(String kind, byte[] raw) {
    ByteArrayOutputStream meta = new ByteArrayOutputStream();
    field(meta, 1, "v1".getBytes(StandardCharsets.US_ASCII));
    field(meta, 2, kind.getBytes(StandardCharsets.US_ASCII));
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    out.writeBytes(new byte[] {'k', '8', 's', 0});
    field(out, 1, meta.toByteArray());
    field(out, 2, raw);
    return out.toByteArray();
  }

  private static void field(ByteArrayOutputStream out, int number, byte[] bytes) {
    out.write(number << 3 | 2);
    int rest = bytes.length;
    while (rest > 0x7f) {
      out.write(rest & 0x7f | 0x80);
      rest >>>= 7;
    }
    out.write(rest);
    out.writeBytes(bytes);
  }

  private static int find(byte[] bytes, String digits) {
    int at = new String(bytes, StandardCharsets.ISO_8859_1).indexOf(digits);
    if (at < 0) {
      throw new IllegalStateException("no version " + digits + " in an object");
    }
    return at;
  }

  @Override
  public void close() throws Exception {
    watches.incrementAndGet();
    plain.close();
    orders.close();
    if (secure != null) {
      secure.stop();
    }
  }
}
