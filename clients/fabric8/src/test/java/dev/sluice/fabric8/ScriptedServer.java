package dev.sluice.fabric8;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/** A server that misbehaves to the byte: each request is answered by what the script writes. */
final class ScriptedServer implements AutoCloseable {

  /** What a request was answered with. */
  interface Script {
    void answer(Call call) throws IOException, InterruptedException;
  }

  private final ServerSocketChannel listener;
  private final Script script;
  private final Set<SocketChannel> connections = ConcurrentHashMap.newKeySet();
  final BlockingQueue<Call> calls = new LinkedBlockingQueue<>();

  ScriptedServer(Script script) throws IOException {
    this.script = script;
    this.listener = ServerSocketChannel.open();
    listener.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
    Thread.ofVirtual().start(this::accept);
  }

  String url() throws IOException {
    return "http://127.0.0.1:" + ((InetSocketAddress) listener.getLocalAddress()).getPort();
  }

  int connectionsSoFar;

  Call nextCall() throws InterruptedException {
    Call call = calls.poll(10, TimeUnit.SECONDS);
    if (call == null) {
      throw new AssertionError("no request within 10 s");
    }
    return call;
  }

  private void accept() {
    try {
      while (true) {
        SocketChannel connection = listener.accept();
        connection.setOption(StandardSocketOptions.TCP_NODELAY, true);
        connections.add(connection);
        connectionsSoFar++;
        Thread.ofVirtual().start(() -> serve(connection));
      }
    } catch (IOException e) {
      // closed
    }
  }

  private void serve(SocketChannel connection) {
    try (connection) {
      InputStream in = connection.socket().getInputStream();
      for (String head = readHead(in); !head.isEmpty(); head = readHead(in)) {
        Call call = new Call(connection, head, readBody(in, head));
        calls.add(call);
        script.answer(call);
      }
    } catch (IOException | InterruptedException e) {
      // the client went away, or the script closed the connection
    }
  }

  private static String readHead(InputStream in) throws IOException {
    ByteArrayOutputStream head = new ByteArrayOutputStream();
    int c = in.read();
    while (c >= 0) {
      head.write(c);
      String text = head.toString(StandardCharsets.ISO_8859_1);
      if (text.endsWith("\r\n\r\n")) {
        return text;
      }
      c = in.read();
    }
    return "";
  }

  private static byte[] readBody(InputStream in, String head) throws IOException {
    List<String> length =
        Arrays.stream(head.split("\r\n"))
            .filter(line -> line.toLowerCase(Locale.ROOT).startsWith("content-length:"))
            .toList();
    return length.isEmpty()
        ? new byte[0]
        : in.readNBytes(Integer.parseInt(length.get(0).substring(15).trim()));
  }

  @Override
  public void close() throws IOException {
    listener.close();
    for (SocketChannel connection : connections) {
      connection.close();
    }
  }

  /** A request that has arrived, and the connection on which to answer it. */
  record Call(SocketChannel connection, String head, byte[] body) {
    String line() {
      return head.substring(0, head.indexOf('\r'));
    }

    String header(String name) {
      return Arrays.stream(head.split("\r\n"))
          .filter(line -> line.toLowerCase(Locale.ROOT).startsWith(name.toLowerCase(Locale.ROOT)))
          .map(line -> line.substring(name.length() + 1).trim())
          .findFirst()
          .orElse("");
    }

    void write(String text) throws IOException {
      write(text.getBytes(StandardCharsets.UTF_8));
    }

    void write(byte[] bytes) throws IOException {
      OutputStream out = connection.socket().getOutputStream();
      out.write(bytes);
      out.flush();
    }

    void json(int status, String body) throws IOException {
      write(
          "HTTP/1.1 %d x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s"
              .formatted(status, body.getBytes(StandardCharsets.UTF_8).length, body));
    }

    void beginChunked(String... headers) throws IOException {
      StringBuilder head = new StringBuilder("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n");
      for (String header : headers) {
        head.append(header).append("\r\n");
      }
      write(head.append("\r\n").toString());
    }

    void chunk(byte[] bytes) throws IOException {
      ByteArrayOutputStream framed = new ByteArrayOutputStream();
      framed.write((Integer.toHexString(bytes.length) + "\r\n").getBytes(StandardCharsets.UTF_8));
      framed.write(bytes);
      framed.write("\r\n".getBytes(StandardCharsets.UTF_8));
      write(framed.toByteArray());
    }

    void chunk(String text) throws IOException {
      chunk(text.getBytes(StandardCharsets.UTF_8));
    }

    void endChunked() throws IOException {
      write("0\r\n\r\n");
    }

    /** Closes in the middle with a reset, as a crashed process or a firewall does. */
    void reset() throws IOException {
      connection.setOption(StandardSocketOptions.SO_LINGER, 0);
      connection.close();
    }

    /** Whether the client has closed its end, waiting for that as long as given. */
    boolean goneWithin(Duration patience) throws IOException {
      try (Selector selector = Selector.open()) {
        connection.configureBlocking(false);
        connection.register(selector, SelectionKey.OP_READ);
        if (selector.select(patience.toMillis()) == 0) {
          return false;
        }
        try {
          return connection.read(ByteBuffer.allocate(1)) < 0;
        } catch (IOException reset) {
          return true;
        }
      } finally {
        if (connection.isOpen()) {
          connection.configureBlocking(true);
        }
      }
    }

    /**
     * Writes chunks until nothing has been taken for the time given; what is left of the last one
     * is written by {@link Flood#finish()}.
     */
    Flood writeUntilRefused(Duration patience, long atMost) throws IOException {
      byte[] payload = new byte[64 * 1024];
      Arrays.fill(payload, (byte) 'x');
      ByteArrayOutputStream framed = new ByteArrayOutputStream();
      framed.write((Integer.toHexString(payload.length) + "\r\n").getBytes(StandardCharsets.UTF_8));
      framed.write(payload);
      framed.write("\r\n".getBytes(StandardCharsets.UTF_8));
      ByteBuffer chunk = ByteBuffer.wrap(framed.toByteArray());
      long chunks = 1;
      connection.configureBlocking(false);
      try (Selector selector = Selector.open()) {
        connection.register(selector, SelectionKey.OP_WRITE);
        while (chunks * payload.length < atMost && selector.select(patience.toMillis()) > 0) {
          selector.selectedKeys().clear();
          if (!chunk.hasRemaining()) {
            chunk.rewind();
            chunks++;
          }
          connection.write(chunk);
        }
      }
      connection.configureBlocking(true);
      return new Flood(connection, chunks * payload.length, chunk);
    }
  }

  /**
   * A body whose writer was held back.
   *
   * @param length of the body, once it is finished
   * @param rest of the last chunk
   */
  record Flood(SocketChannel connection, long length, ByteBuffer rest) {
    void finish() throws IOException {
      while (rest.hasRemaining()) {
        connection.write(rest);
      }
    }
  }
}
