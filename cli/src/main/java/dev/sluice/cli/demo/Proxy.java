package dev.sluice.cli.demo;

import dev.sluice.flow.TimeSource;
import dev.sluice.kube.Transport;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import org.eclipse.jetty.http.HttpField;
import org.eclipse.jetty.http.HttpHeader;
import org.eclipse.jetty.io.Content;
import org.eclipse.jetty.server.Handler;
import org.eclipse.jetty.server.HttpConfiguration;
import org.eclipse.jetty.server.HttpConnectionFactory;
import org.eclipse.jetty.server.Request;
import org.eclipse.jetty.server.Response;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.ServerConnector;
import org.eclipse.jetty.util.Callback;
import org.eclipse.jetty.util.VirtualThreads;
import org.eclipse.jetty.util.thread.QueuedThreadPool;
import org.jspecify.annotations.Nullable;

/**
 * A network that can be told to fail: it stands between the demo's controller and the API server,
 * on a loopback port, passes on what comes and counts it.
 *
 * <p>What the server sends is passed on as it comes, frame by frame. The faults:
 *
 * <ul>
 *   <li>{@link #cutStreams}: the open watches break in the middle of a frame;
 *   <li>{@link #silenceStreams}: the open watches stay open and deliver nothing more, as when the
 *       machine on the other side has gone;
 *   <li>{@link #throttle}: every request is answered with 429 and {@code Retry-After}.
 * </ul>
 *
 * <p>Requests must bear {@link #token()}, so that nobody else on this machine can use the
 * credentials behind it. Safe for use by any number of threads.
 */
final class Proxy implements AutoCloseable {
  /** How long a stream to be cut waits for a frame to be cut in the middle of. */
  private static final Duration CUT_ANYWAY = Duration.ofMillis(300);

  private static final int BUFFER = 64 << 10;

  /** Between two neighbors only, or no longer true when the body has been unpacked. */
  private static final Set<String> NOT_PASSED_ON =
      Set.of(
          "connection",
          "content-encoding",
          "content-length",
          "date",
          "keep-alive",
          "server",
          "te",
          "trailer",
          "transfer-encoding",
          "upgrade");

  private static final List<HttpHeader> PASSED_UP =
      List.of(HttpHeader.ACCEPT, HttpHeader.CONTENT_TYPE);

  private volatile Transport upstream;
  private final TimeSource time;
  private final CallLog calls = new CallLog();
  private final Set<Stream> streams = ConcurrentHashMap.newKeySet();
  private final String token = UUID.randomUUID().toString();
  private final Server server;
  private final ServerConnector connector;
  private final CountDownLatch closed = new CountDownLatch(1);
  private volatile @Nullable Duration throttle;

  private Proxy(Transport upstream, TimeSource time) {
    this.upstream = upstream;
    this.time = time;
    QueuedThreadPool threads = new QueuedThreadPool(16, 2);
    threads.setName("demo-proxy");
    threads.setDaemon(true);
    threads.setVirtualThreadsExecutor(VirtualThreads.getDefaultVirtualThreadsExecutor());
    this.server = new Server(threads);
    HttpConfiguration http = new HttpConfiguration();
    http.setSendServerVersion(false);
    http.setIdleTimeout(Duration.ofMinutes(10).toMillis());
    this.connector = new ServerConnector(server, 1, 1, new HttpConnectionFactory(http));
    connector.setHost("127.0.0.1");
    connector.setIdleTimeout(Duration.ofMinutes(10).toMillis());
    server.addConnector(connector);
    server.setHandler(
        new Handler.Abstract() {
          @Override
          public boolean handle(Request request, Response response, Callback callback) {
            exchange(request, response, callback);
            return true;
          }
        });
    server.setStopTimeout(0);
  }

  /**
   * Starts a proxy on a free loopback port.
   *
   * @param upstream the way to the API server; stays the caller's to close, after the proxy
   * @throws IOException if it cannot listen
   */
  static Proxy start(Transport upstream, TimeSource time) throws IOException {
    Proxy proxy = new Proxy(upstream, time);
    try {
      proxy.server.start();
    } catch (IOException e) {
      throw e;
    } catch (Exception e) {
      throw new IOException("the proxy did not start: " + e, e);
    }
    return proxy;
  }

  /** Where it listens: {@code http://127.0.0.1:PORT}. */
  URI url() {
    return URI.create("http://127.0.0.1:" + connector.getLocalPort());
  }

  /** What requests must bear as {@code Authorization: Bearer}. */
  String token() {
    return token;
  }

  /** What it saw. */
  CallLog calls() {
    return calls;
  }

  /** How many watches are open and deliver. */
  int openStreams() {
    return streams.size();
  }

  /**
   * Breaks every open watch in the middle of its next frame, or after {@code 300 ms} if none comes.
   *
   * @return those, of which each may also have ended in another way before it could be broken
   */
  List<Stream> cutStreams() {
    List<Stream> open = List.copyOf(streams);
    open.forEach(Stream::cut);
    return open;
  }

  /**
   * Lets every open watch deliver nothing more, ever, and stay open. Watches that are opened from
   * now on are not concerned.
   *
   * @return how many
   */
  int silenceStreams() {
    List<Stream> open = List.copyOf(streams);
    open.forEach(Stream::silence);
    return open.size();
  }

  /**
   * Answers every request with 429 from now on, until {@link #relent}.
   *
   * @param retryAfter what {@code Retry-After} says; whole seconds
   */
  void throttle(Duration retryAfter) {
    throttle = retryAfter;
  }

  /** Passes requests on again. */
  void relent() {
    throttle = null;
  }

  /**
   * Sends requests elsewhere from now on. Streams that are open stay where they are.
   *
   * @param other the way there; stays the caller's to close
   */
  void moveTo(Transport other) {
    upstream = other;
  }

  @Override
  public void close() {
    closed.countDown();
    streams.forEach(Stream::abort);
    try {
      server.stop();
    } catch (Exception e) {
      throw new IllegalStateException("the proxy did not stop: " + e, e);
    }
  }

  private void exchange(Request request, Response response, Callback callback) {
    try {
      answer(request, response);
      callback.succeeded();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      callback.failed(e);
    } catch (Exception e) {
      // Where the head has been sent this breaks the connection, which is what a cut is.
      callback.failed(e);
    }
  }

  private void answer(Request request, Response response) throws Exception {
    String path = request.getHttpURI().getPath();
    String query = request.getHttpURI().getQuery();
    if (!authorized(request)) {
      refuse(response, 401, "this is not for you");
      return;
    }
    Duration retryAfter = throttle;
    Call call =
        Call.of(
            time.nanoTime(),
            request.getMethod(),
            path,
            query == null ? "" : query,
            retryAfter != null);
    calls.add(call);
    byte[] body;
    try (InputStream in = Content.Source.asInputStream(request)) {
      body = in.readAllBytes();
    }
    if (retryAfter != null) {
      response.getHeaders().put(HttpHeader.RETRY_AFTER, retryAfter.toSeconds());
      refuse(response, 429, "Too many requests, please try again later.");
      return;
    }
    Map<String, String> headers = new HashMap<>();
    for (HttpHeader header : PASSED_UP) {
      String value = request.getHeaders().get(header);
      if (value != null) {
        headers.put(header.asString(), value);
      }
    }
    String target = request.getHttpURI().getPathQuery();
    Transport.Response answer;
    try {
      answer = upstream.send(new Transport.Request(request.getMethod(), target, headers, body));
    } catch (IOException e) {
      refuse(response, 502, "the API server does not answer: " + e.getMessage());
      return;
    }
    try (answer) {
      response.setStatus(answer.status());
      answer
          .headers()
          .forEach((name, values) -> {
            if (!NOT_PASSED_ON.contains(name)) {
              response.getHeaders().put(new HttpField(name, String.join(", ", values)));
            }
          });
      OutputStream out = Content.Sink.asOutputStream(response);
      if (call.verb().equals("watch") && answer.status() == 200) {
        Stream stream = new Stream(answer);
        streams.add(stream);
        try {
          stream.passOn(out);
        } finally {
          streams.remove(stream);
          stream.over = true;
        }
      } else {
        answer.body().transferTo(out);
      }
      // Only what was whole is ended as whole: closed after a failure, it would look complete.
      out.close();
    }
  }

  private boolean authorized(Request request) {
    String given = request.getHeaders().get(HttpHeader.AUTHORIZATION);
    return given != null
        && MessageDigest.isEqual(
            given.getBytes(StandardCharsets.UTF_8),
            ("Bearer " + token).getBytes(StandardCharsets.UTF_8));
  }

  private static void refuse(Response response, int status, String message) throws IOException {
    response.setStatus(status);
    response.getHeaders().put(HttpHeader.CONTENT_TYPE, "text/plain; charset=utf-8");
    try (OutputStream out = Content.Sink.asOutputStream(response)) {
      out.write((message + "\n").getBytes(StandardCharsets.UTF_8));
    }
  }

  /** An open watch. Its handler's thread reads; the others only leave word. */
  final class Stream {
    private final Transport.Response source;
    private volatile boolean cut;
    private volatile boolean silent;
    private volatile boolean broken;
    private volatile boolean over;

    private Stream(Transport.Response source) {
      this.source = source;
    }

    /** Whether nothing is passed on any more, for whatever reason. */
    boolean isOver() {
      return over;
    }

    /** Whether it is over because it was cut: in the middle of a frame, or between two. */
    boolean isBroken() {
      return broken;
    }

    private void passOn(OutputStream out) throws IOException, InterruptedException {
      out.flush(); // the head, before the first event
      InputStream in = source.body();
      byte[] buffer = new byte[BUFFER];
      while (true) {
        int count;
        try {
          count = in.read(buffer);
        } catch (IOException e) {
          count = 0; // aborted by us, or broken by the server: passed on as it is
          if (!silent) {
            broken = cut;
            throw e;
          }
        }
        if (silent) {
          stayOpen();
        }
        if (count < 0) {
          return;
        }
        if (cut) {
          out.write(buffer, 0, middle(buffer, count));
          out.flush();
          broken = true;
          throw new IOException("cut by the demo");
        }
        out.write(buffer, 0, count);
        out.flush();
      }
    }

    /** Where the middle is, but not between two frames. */
    private static int middle(byte[] buffer, int count) {
      int middle = Math.max(1, count / 2);
      return buffer[middle - 1] == '\n' ? middle - 1 : middle;
    }

    private void stayOpen() throws IOException, InterruptedException {
      streams.remove(this);
      source.close();
      closed.await();
      throw new IOException("the proxy is closed");
    }

    private void cut() {
      cut = true;
      time.schedule(CUT_ANYWAY.toNanos(), this::abort);
    }

    private void silence() {
      silent = true;
      abort();
    }

    /** Wakes the reader, which then finds out why. */
    private void abort() {
      source.close();
    }
  }
}
