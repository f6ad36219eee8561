package dev.sluice.testkit.internal.http;

import dev.sluice.testkit.Fault;
import dev.sluice.testkit.RequestMatch;
import dev.sluice.testkit.SeenRequest;
import dev.sluice.testkit.internal.api.ApiRequest;
import dev.sluice.testkit.internal.api.ApiService;
import dev.sluice.testkit.internal.api.Reply;
import dev.sluice.testkit.internal.api.StatusException;
import dev.sluice.testkit.internal.api.View;
import dev.sluice.testkit.internal.api.WatchSource;
import dev.sluice.testkit.internal.json.Json;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.zip.Deflater;
import java.util.zip.GZIPOutputStream;
import org.eclipse.jetty.http.HttpField;
import org.eclipse.jetty.http.HttpVersion;
import org.eclipse.jetty.http2.HTTP2Connection;
import org.eclipse.jetty.io.Content;
import org.eclipse.jetty.server.Request;
import org.eclipse.jetty.server.Response;
import org.eclipse.jetty.util.Callback;
import org.jspecify.annotations.Nullable;

/**
 * One exchange after the other: who asks, what goes wrong with it, what the service answers, how it
 * is written. Blocking; each exchange on a virtual thread of its own.
 */
public final class Exchanges {
  /** How much of a body that nobody asked for is read before the answer. */
  private static final int UNREAD_BODY = 4 << 20;

  /** Bodies above this are compressed for those who accept it. */
  private static final int GZIP_FROM = 128 * 1024;

  /** A watch whose client does not read is given up when so long has passed in one write. */
  private static final long PATIENCE_NANOS = TimeUnit.MILLISECONDS.toNanos(100);

  /** Frames that come closer than this together are written together. */
  private static final long LINGER_NANOS = TimeUnit.MILLISECONDS.toNanos(4);

  /** The same while they come fast: each write costs more than the frames in it. */
  private static final long BUSY_LINGER_NANOS = TimeUnit.MILLISECONDS.toNanos(10);

  /** So many frames in one write are many. */
  private static final int BUSY_FRAMES = 8;

  private static final int WRITE_BYTES = 64 * 1024;

  private static final String FLOW_SCHEMA = UUID.randomUUID().toString();
  private static final String PRIORITY_LEVEL = UUID.randomUUID().toString();

  private final ApiService api;
  private final Authentication users;
  private final Traffic traffic;
  private final java.time.InstantSource clock;
  private final int watchBuffer;
  private final Set<WatchStream> streams = ConcurrentHashMap.newKeySet();
  private final AtomicInteger underWay = new AtomicInteger();
  private final ScheduledExecutorService reaper;

  Exchanges(
      ApiService api,
      Authentication users,
      Traffic traffic,
      java.time.InstantSource clock,
      int watchBuffer) {
    this.api = api;
    this.users = users;
    this.traffic = traffic;
    this.clock = clock;
    this.watchBuffer = watchBuffer;
    ScheduledThreadPoolExecutor scheduler =
        new ScheduledThreadPoolExecutor(
            1,
            task -> {
              Thread thread = new Thread(task, "apiserver-reaper");
              thread.setDaemon(true);
              return thread;
            });
    scheduler.scheduleWithFixedDelay(this::reap, 50, 50, TimeUnit.MILLISECONDS);
    this.reaper = scheduler;
  }

  void close() {
    reaper.shutdownNow();
    endWatches();
  }

  /**
   * Gives up watches whose clients do not read: they end, cleanly, once the write is through. Ends
   * those whose clients have gone.
   */
  private void reap() {
    long now = System.nanoTime();
    for (WatchStream stream : streams) {
      long since = stream.writingSince;
      boolean late =
          since != 0 && now - since > PATIENCE_NANOS && stream.source.behind() > watchBuffer;
      if (late || stream.wire.hasLeft()) {
        stream.source.cut();
      }
    }
  }

  /** Waits until nothing is under way, for so long at most. */
  void awaitIdle(long nanos) {
    long deadline = System.nanoTime() + nanos;
    while (underWay.get() > 0 && System.nanoTime() - deadline < 0) {
      LockSupport.parkNanos(1_000_000);
    }
  }

  /** Ends all watches, cleanly. */
  public void endWatches() {
    streams.forEach(stream -> stream.source.cut());
  }

  public int openWatches() {
    return streams.size();
  }

  /** Throws a fault into open watches. Gives how many were struck. */
  public int strike(RequestMatch match, Traffic.Strike strike) {
    int count = 0;
    for (WatchStream stream : streams) {
      if (match.matches(stream.request)) {
        stream.strike(strike);
        count++;
      }
    }
    return count;
  }

  // --- one exchange ------------------------------------------------------------------------------

  void handle(Request request, Response response, Callback callback, @Nullable View view) {
    Wire wire = new Wire(request, response);
    underWay.incrementAndGet();
    try {
      if (view == null) {
        throw new Wire.CutException("the listener is being closed");
      }
      exchange(request, wire, view);
      callback.succeeded();
    } catch (Wire.CutException e) {
      wire.cut(false);
      callback.failed(e);
    } catch (HungUpException e) {
      wire.cut(true);
      callback.failed(e);
    } catch (IOException | RuntimeException e) {
      callback.failed(e);
    } finally {
      underWay.decrementAndGet();
    }
  }

  private static final class HungUpException extends IOException {
    private static final long serialVersionUID = 1;

    HungUpException() {
      super("hung up by a fault");
    }
  }

  private void exchange(Request request, Wire wire, View view) throws IOException {
    String path = request.getHttpURI().getPath();
    String query = request.getHttpURI().getQuery();
    String agent = header(request, "User-Agent");
    String user = users.user(token(request));
    AtomicBoolean bodyRead = new AtomicBoolean();
    ApiRequest asked =
        new ApiRequest(
            request.getMethod(),
            path == null ? "/" : path,
            ApiRequest.parseQuery(query),
            accept(request),
            header(request, "Content-Type"),
            agent,
            user == null ? "" : user,
            limit -> {
              bodyRead.set(true);
              return body(request, limit);
            });
    ApiRequest.Target target = asked.target();
    SeenRequest seen =
        new SeenRequest(
            clock.instant(),
            request.getMethod(),
            asked.path(),
            query == null ? "" : query,
            target.verb(),
            target.group(),
            target.resource(),
            target.namespace(),
            target.name(),
            target.subresource(),
            asked.user(),
            agent,
            request.getConnectionMetaData().getHttpVersion() == HttpVersion.HTTP_2
                ? "HTTP/2.0"
                : "HTTP/1.1");
    List<? extends Traffic.Strike> strikes = traffic.arrived(seen);
    boolean hangsUp = false;
    for (Traffic.Strike strike : strikes) {
      switch (strike.fault()) {
        case Fault.Delay delay -> pause(delay.delay().toNanos(), strike);
        case Fault.Refuse refuse -> {
          refuse(wire, refuse);
          return;
        }
        case Fault.HangUp hangUp -> {
          if (!hangUp.afterwards()) {
            throw new HungUpException();
          }
          hangsUp = true;
        }
        case Fault.GoAway ignored -> goAway(request);
        default -> wire.hold(strike);
      }
    }
    Reply reply = user == null ? unauthorized(asked) : api.handle(asked, view);
    if (hangsUp) {
      if (reply instanceof Reply.Watching watching) {
        watching.source().close();
      }
      throw new HungUpException();
    }
    // No switch over patterns: the first one in a JVM costs more than all the rest of an answer.
    if (reply instanceof Reply.Watching watching) {
      try (WatchStream stream = new WatchStream(watching, wire, seen)) {
        strikes.forEach(stream::strikeFrames);
        stream.run();
      }
      return;
    }
    // An answer that overtakes the body resets an HTTP/2 stream, and some clients lose it then.
    if (!bodyRead.get()) {
      body(request, UNREAD_BODY);
    }
    write(request, wire, (Reply.Full) reply);
  }

  private static Reply unauthorized(ApiRequest request) {
    return ApiService.failure(
        new StatusException(401, "Unauthorized", "Unauthorized", null), request);
  }

  private static void pause(long nanos, Traffic.Strike strike) throws IOException {
    long deadline = System.nanoTime() + nanos;
    while (!strike.removed()) {
      long left = deadline - System.nanoTime();
      if (left <= 0) {
        return;
      }
      LockSupport.parkNanos(Math.min(left, 5_000_000));
      if (Thread.interrupted()) {
        throw new Wire.CutException("interrupted while it was delayed");
      }
    }
  }

  private static void goAway(Request request) {
    if (request.getConnectionMetaData().getConnection() instanceof HTTP2Connection http2) {
      http2.getSession().shutdown();
    }
  }

  private static void refuse(Wire wire, Fault.Refuse refuse) throws IOException {
    List<Map.Entry<String, String>> headers = new ArrayList<>();
    if (!refuse.retryAfter().isEmpty()) {
      headers.add(Map.entry("Retry-After", refuse.retryAfter()));
    }
    byte[] body;
    String type;
    if (refuse.plainText()) {
      headers.add(Map.entry("X-Content-Type-Options", "nosniff"));
      type = "text/plain; charset=utf-8";
      body = refuse.message().getBytes(StandardCharsets.UTF_8);
    } else {
      type = "application/json";
      int seconds =
          refuse.retryAfter().matches("\\d{1,9}") ? Integer.parseInt(refuse.retryAfter()) : 0;
      body =
          Json.encode(
              new StatusException(
                      refuse.code(),
                      refuse.reason(),
                      refuse.message(),
                      seconds == 0
                          ? null
                          : new StatusException.Details("", "", "", "", null, seconds))
                  .status());
    }
    begin(wire, refuse.code(), type, headers);
    wire.header("Content-Length", Integer.toString(body.length));
    wire.write(body, 0, body.length, true);
  }

  private static void begin(
      Wire wire, int status, String type, List<Map.Entry<String, String>> headers) {
    wire.begin(status, type, headers);
    String audit = wire.asked("Audit-Id");
    wire.header("Audit-Id", audit.isEmpty() ? UUID.randomUUID().toString() : audit);
    wire.header("X-Kubernetes-Pf-Flowschema-Uid", FLOW_SCHEMA);
    wire.header("X-Kubernetes-Pf-Prioritylevel-Uid", PRIORITY_LEVEL);
  }

  private static void write(Request request, Wire wire, Reply.Full full) throws IOException {
    begin(wire, full.status(), full.contentType(), full.headers());
    byte[] body = full.body();
    if (body.length > GZIP_FROM
        && !wire.isHeld()
        && header(request, "Accept-Encoding").contains("gzip")) {
      ByteArrayOutputStream out = new ByteArrayOutputStream(body.length / 4);
      try (GZIPOutputStream gzip =
          new GZIPOutputStream(out, 8192) {
            {
              def.setLevel(Deflater.BEST_SPEED);
            }
          }) {
        gzip.write(body);
      }
      body = out.toByteArray();
      wire.header("Content-Encoding", "gzip");
      wire.header("Vary", "Accept-Encoding");
    }
    wire.header("Content-Length", Integer.toString(body.length));
    if (request.getMethod().equals("HEAD")) {
      wire.write(new byte[0], 0, 0, true);
      return;
    }
    wire.write(body, 0, body.length, true);
  }

  private static String header(Request request, String name) {
    String value = request.getHeaders().get(name);
    return value == null ? "" : value;
  }

  private static String accept(Request request) {
    StringBuilder all = new StringBuilder();
    for (HttpField field : request.getHeaders()) {
      if (field.is("Accept")) {
        all.append(all.isEmpty() ? "" : ",").append(field.getValue());
      }
    }
    return all.toString();
  }

  private static @Nullable String token(Request request) {
    String value = header(request, "Authorization");
    return value.regionMatches(true, 0, "Bearer ", 0, 7) ? value.substring(7).strip() : null;
  }

  private static byte[] body(Request request, int limit) throws IOException {
    try (InputStream in = Content.Source.asInputStream(request)) {
      return in.readNBytes(limit);
    }
  }

  // --- watches -----------------------------------------------------------------------------------

  /** A watch being served. Run by one thread; faults may be thrown in by any. */
  private final class WatchStream implements AutoCloseable {
    private final WatchSource source;
    private final Wire wire;
    private final SeenRequest request;
    private final Reply.Watching reply;
    private final List<FrameFault> frameFaults = new java.util.concurrent.CopyOnWriteArrayList<>();
    private volatile long frames;
    private volatile long writingSince;
    private byte[] buffer = new byte[WRITE_BYTES + 8192];
    private int filled;

    private record FrameFault(Traffic.Strike strike, long at) {}

    WatchStream(Reply.Watching reply, Wire wire, SeenRequest request) {
      this.reply = reply;
      this.source = reply.source();
      this.wire = wire;
      this.request = request;
    }

    void strikeFrames(Traffic.Strike strike) {
      int after =
          switch (strike.fault()) {
            case Fault.Garbage garbage -> garbage.frames();
            case Fault.ErrorEvent error -> error.frames();
            case Fault.EndAfter end -> end.frames();
            default -> -1;
          };
      if (after >= 0) {
        frameFaults.add(new FrameFault(strike, frames + after));
      }
    }

    void strike(Traffic.Strike strike) {
      wire.hold(strike);
      strikeFrames(strike);
      source.wake();
    }

    @Override
    public void close() {
      streams.remove(this);
      source.close();
    }

    void run() throws IOException {
      begin(wire, 200, reply.contentType(), reply.headers());
      if (request.protocol().equals("HTTP/1.1")) {
        // Also on a connection that closes afterwards: a clean end can be told from a cut one.
        wire.header("Transfer-Encoding", "chunked");
      }
      streams.add(this);
      wire.flush();
      long lastWrite = System.nanoTime() - LINGER_NANOS;
      while (true) {
        filled = 0;
        long drained = 0;
        boolean ends = struck();
        if (!ends) {
          // With faults that count frames one frame at a time, otherwise as many as there are.
          int enough = frameFaults.isEmpty() ? WRITE_BYTES : 1;
          drained = source.drain(this::append, enough);
          frames += drained;
          ends = source.ended();
        }
        if (filled > 0 || ends || wire.isHeld()) {
          writingSince = System.nanoTime();
          wire.write(buffer, 0, filled, ends);
          writingSince = 0;
          if (ends) {
            return;
          }
        }
        if (filled > 0) {
          if (filled < WRITE_BYTES && frameFaults.isEmpty()) {
            long linger = drained >= BUSY_FRAMES ? BUSY_LINGER_NANOS : LINGER_NANOS;
            long wait = lastWrite + linger - System.nanoTime();
            if (wait > 0) {
              LockSupport.parkNanos(wait);
            }
            lastWrite = System.nanoTime();
          }
        } else {
          source.await(wire.isHeld() ? 5_000_000L : Long.MAX_VALUE);
        }
        if (Thread.interrupted()) {
          throw new Wire.CutException("the server stops");
        }
      }
    }

    private void append(byte[] bytes, int offset, int length) {
      if (filled + length > buffer.length) {
        buffer = java.util.Arrays.copyOf(buffer, Math.max(buffer.length * 2, filled + length));
      }
      System.arraycopy(bytes, offset, buffer, filled, length);
      filled += length;
    }

    /** Writes what faults put between the frames. Gives whether the stream ends here. */
    private boolean struck() {
      for (FrameFault fault : frameFaults) {
        if (fault.strike().removed()) {
          frameFaults.remove(fault);
        } else if (frames >= fault.at()) {
          frameFaults.remove(fault);
          switch (fault.strike().fault()) {
            case Fault.Garbage garbage -> {
              byte[] line = (garbage.line() + "\n").getBytes(StandardCharsets.UTF_8);
              append(line, 0, line.length);
            }
            case Fault.ErrorEvent error -> {
              byte[] status =
                  Json.encode(
                      new StatusException(
                              error.code(),
                              error.reason(),
                              error.message(),
                              error.retryAfterSeconds() == 0
                                  ? null
                                  : new StatusException.Details(
                                      "", "", "", "", null, error.retryAfterSeconds()))
                          .status());
              byte[] frame = WatchSource.frame("ERROR", status);
              append(frame, 0, frame.length);
              return true;
            }
            case Fault.EndAfter ignored -> {
              return true;
            }
            default -> {}
          }
        }
      }
      return false;
    }
  }
}
