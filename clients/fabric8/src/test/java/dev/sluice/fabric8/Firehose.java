package dev.sluice.fabric8;

import dev.sluice.kube.ObjectKey;
import java.io.BufferedOutputStream;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * An API server whose objects change at a steady rate, on a socket: LIST and WATCH of config maps,
 * with a history of limited length. As the real one it ends the watch of whoever reads too slowly,
 * and answers 410 to who asks for what it has forgotten. One change in fifty deletes an object or
 * creates one; one that comes back has another uid.
 *
 * <p>It keeps a few numbers for each object and change, and renders bytes when they are sent, so
 * that it can run for long in the JVM of a test that looks at memory.
 */
final class Firehose implements AutoCloseable {
  private static final long FIRST = 1_000_000;
  private static final int SEND_BUFFER = 64 << 10;
  private static final Pattern VERSION = Pattern.compile("[?&]resourceVersion=(\\d+)");
  private static final Pattern LIMIT = Pattern.compile("[?&]limit=1(&|$)");
  private static final String PADDING = "x".repeat(500);

  private final int objects;
  private final int perSecond;
  private final ServerSocket socket;
  private final Set<Socket> open = ConcurrentHashMap.newKeySet();
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();

  // Of each object.
  private final long[] versions;
  private final int[] lives;
  private final boolean[] exists;

  // Of each of the last changes.
  private final int[] which;
  private final int[] life;
  private final byte[] type;

  private long count;
  private volatile boolean running = true;
  private volatile boolean closed;

  /** A server whose changes begin at once. */
  Firehose(int objects, int perSecond, int history) throws IOException {
    this.objects = objects;
    this.perSecond = perSecond;
    this.versions = new long[objects];
    this.lives = new int[objects];
    this.exists = new boolean[objects];
    this.which = new int[history];
    this.life = new int[history];
    this.type = new byte[history];
    for (int i = 0; i < objects; i++) {
      change(i);
    }
    socket = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
    Thread.ofPlatform().daemon().name("firehose").start(this::accept);
    Thread.ofPlatform().daemon().name("firehose-writer").start(this::write);
  }

  URI url() {
    return URI.create("http://127.0.0.1:" + socket.getLocalPort());
  }

  /** How many changes there were. */
  long changes() {
    lock.lock();
    try {
      return count;
    } finally {
      lock.unlock();
    }
  }

  /** No more changes. */
  void stop() {
    running = false;
  }

  /** Key to uid@version. */
  Map<ObjectKey, String> state() {
    lock.lock();
    try {
      Map<ObjectKey, String> state = new HashMap<>();
      for (int i = 0; i < objects; i++) {
        if (exists[i]) {
          state.put(ObjectKey.of("default", "c" + i), uid(i, lives[i]) + "@" + versions[i]);
        }
      }
      return state;
    } finally {
      lock.unlock();
    }
  }

  private void write() {
    long began = System.nanoTime();
    long done = 0;
    while (running && !closed) {
      long due = (System.nanoTime() - began) * perSecond / 1_000_000_000L;
      lock.lock();
      try {
        for (; done < due; done++) {
          int i = (int) (done * 7919 % objects);
          if (done % 50 == 0 && exists[i]) {
            delete(i);
          } else {
            change(i);
          }
        }
        changed.signalAll();
      } finally {
        lock.unlock();
      }
      LockSupport.parkNanos(2_000_000);
    }
  }

  private void change(int i) {
    if (!exists[i]) {
      exists[i] = true;
      lives[i]++;
      event(i, 'A');
    } else {
      event(i, 'M');
    }
  }

  private void delete(int i) {
    exists[i] = false;
    event(i, 'D');
  }

  private void event(int i, char what) {
    int slot = (int) (count++ % which.length);
    versions[i] = FIRST + count;
    which[slot] = i;
    life[slot] = lives[i];
    type[slot] = (byte) what;
  }

  private static String uid(int i, int life) {
    return "uid-" + i + "-" + life;
  }

  private static void json(StringBuilder out, int i, int life, long version) {
    out.append("{\"kind\":\"ConfigMap\",\"apiVersion\":\"v1\",\"metadata\":{\"name\":\"c")
        .append(i)
        .append("\",\"namespace\":\"default\",\"uid\":\"")
        .append(uid(i, life))
        .append("\",\"resourceVersion\":\"")
        .append(version)
        .append("\"},\"data\":{\"value\":\"")
        .append(version)
        .append(PADDING)
        .append("\"}}");
  }

  private void accept() {
    while (!closed) {
      try {
        Socket connection = socket.accept();
        connection.setSendBufferSize(SEND_BUFFER);
        open.add(connection);
        Thread.ofVirtual().start(() -> serve(connection));
      } catch (IOException e) {
        return;
      }
    }
  }

  private void serve(Socket connection) {
    try (connection;
        BufferedReader in =
            new BufferedReader(
                new InputStreamReader(connection.getInputStream(), StandardCharsets.US_ASCII));
        OutputStream out = new BufferedOutputStream(connection.getOutputStream(), 16 << 10)) {
      for (String line = in.readLine(); line != null; line = in.readLine()) {
        String path = line.split(" ", -1)[1];
        String header = in.readLine();
        while (header != null && !header.isEmpty()) {
          header = in.readLine();
        }
        if (path.contains("watch=true")) {
          watch(path, out);
        } else {
          list(path, out);
        }
      }
    } catch (IOException e) {
      // Whoever was there is gone.
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } finally {
      open.remove(connection);
    }
  }

  private void list(String path, OutputStream out) throws IOException {
    StringBuilder body = new StringBuilder("{\"kind\":\"ConfigMapList\",\"apiVersion\":\"v1\",");
    boolean one = LIMIT.matcher(path).find();
    lock.lock();
    try {
      body.append("\"metadata\":{\"resourceVersion\":\"").append(FIRST + count).append("\"},");
      body.append("\"items\":[");
      int listed = 0;
      for (int i = 0; i < objects && !(one && listed == 1); i++) {
        if (exists[i]) {
          body.append(listed++ == 0 ? "" : ",");
          json(body, i, lives[i], versions[i]);
        }
      }
    } finally {
      lock.unlock();
    }
    byte[] bytes = body.append("]}").toString().getBytes(StandardCharsets.UTF_8);
    out.write(head("Content-Length: " + bytes.length));
    out.write(bytes);
    out.flush();
  }

  private static byte[] head(String header) {
    return ("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n" + header + "\r\n\r\n")
        .getBytes(StandardCharsets.US_ASCII);
  }

  private void watch(String path, OutputStream out) throws IOException, InterruptedException {
    Matcher version = VERSION.matcher(path);
    if (!version.find()) {
      throw new IOException("only watches from a version are offered, not " + path);
    }
    long next = Long.parseLong(version.group(1)) - FIRST;
    out.write(head("Transfer-Encoding: chunked"));
    out.flush();
    StringBuilder frames = new StringBuilder();
    boolean first = true;
    while (true) {
      frames.setLength(0);
      boolean end = false;
      lock.lock();
      try {
        if (next == count && !closed) {
          var unused = changed.await(1, TimeUnit.SECONDS);
        }
        if (closed) {
          return;
        }
        if (count - next > which.length) {
          end = true;
          if (first) {
            frames.append(
                "{\"type\":\"ERROR\",\"object\":{\"kind\":\"Status\",\"apiVersion\":\"v1\","
                    + "\"status\":\"Failure\",\"reason\":\"Expired\",\"code\":410,"
                    + "\"message\":\"too old resource version\"}}\n");
          }
        } else if (next == count) {
          bookmark(frames);
        }
        for (int i = 0; i < 32 && next < count && !end; i++, next++) {
          event(frames, (int) (next % which.length), FIRST + next + 1);
        }
      } finally {
        lock.unlock();
      }
      first = false;
      if (!frames.isEmpty()) {
        byte[] bytes = frames.toString().getBytes(StandardCharsets.UTF_8);
        out.write((Integer.toHexString(bytes.length) + "\r\n").getBytes(StandardCharsets.US_ASCII));
        out.write(bytes);
        out.write("\r\n".getBytes(StandardCharsets.US_ASCII));
      }
      if (end) {
        out.write("0\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
        out.flush();
        return;
      }
      out.flush();
    }
  }

  private void bookmark(StringBuilder frames) {
    frames
        .append("{\"type\":\"BOOKMARK\",\"object\":{\"kind\":\"ConfigMap\",\"apiVersion\":\"v1\",")
        .append("\"metadata\":{\"resourceVersion\":\"")
        .append(FIRST + count)
        .append("\"}}}\n");
  }

  private void event(StringBuilder frames, int slot, long version) {
    frames
        .append("{\"type\":\"")
        .append(type[slot] == 'A' ? "ADDED" : type[slot] == 'M' ? "MODIFIED" : "DELETED")
        .append("\",\"object\":");
    json(frames, which[slot], life[slot], version);
    frames.append("}\n");
  }

  @Override
  public void close() throws IOException {
    closed = true;
    socket.close();
    for (Socket connection : open) {
      connection.close();
    }
  }
}
