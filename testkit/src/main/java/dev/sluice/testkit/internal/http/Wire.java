package dev.sluice.testkit.internal.http;

import dev.sluice.testkit.Fault;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.locks.LockSupport;
import org.eclipse.jetty.http.HttpFields;
import org.eclipse.jetty.http.HttpVersion;
import org.eclipse.jetty.io.EndPoint;
import org.eclipse.jetty.server.Request;
import org.eclipse.jetty.server.Response;
import org.eclipse.jetty.util.Blocker;
import org.jspecify.annotations.Nullable;

/**
 * Where a response is written: by one thread, blocking. Faults stand in between: they decide at
 * which byte the connection is cut, falls silent, or trickles. Faults may be added by any thread.
 */
final class Wire {
  private static final long POLL_NANOS = 5_000_000;

  private final Request request;
  private final Response response;
  private final List<Held> faults = new CopyOnWriteArrayList<>();
  private volatile long sent;
  private volatile boolean broken;

  /** A fault and the byte from which its own are counted. */
  private record Held(Traffic.Strike strike, long since) {}

  /** The connection was cut on purpose: there is nothing more to be written. */
  static final class CutException extends IOException {
    private static final long serialVersionUID = 1;

    CutException(String message) {
      super(message);
    }
  }

  Wire(Request request, Response response) {
    this.request = request;
    this.response = response;
    request.addFailureListener(why -> broken = true);
  }

  /**
   * Whether the client is known to be gone, without writing. If so, what waits here for a fault to
   * end waits no longer. Does not block.
   */
  boolean hasLeft() {
    if (!broken) {
      WireEndPoint endPoint = endPoint();
      broken = endPoint == null || !endPoint.isOpen() || (!isHttp2() && endPoint.hasLeft());
    }
    return broken;
  }

  /** Lets a fault take hold; its bytes are counted from here. */
  void hold(Traffic.Strike strike) {
    switch (strike.fault()) {
      case Fault.CutAfter ignored -> faults.add(new Held(strike, sent));
      case Fault.StallAfter ignored -> faults.add(new Held(strike, sent));
      case Fault.HalfOpenAfter ignored -> faults.add(new Held(strike, sent));
      case Fault.SlowBody ignored -> faults.add(new Held(strike, sent));
      default -> {}
    }
  }

  boolean isHeld() {
    return !faults.isEmpty();
  }

  boolean isHttp2() {
    return request.getConnectionMetaData().getHttpVersion() == HttpVersion.HTTP_2;
  }

  /** Sets the status and the headers; they go out with the first bytes of the body. */
  void begin(int status, String contentType, List<Map.Entry<String, String>> headers) {
    response.setStatus(status);
    HttpFields.Mutable fields = response.getHeaders();
    if (!contentType.isEmpty()) {
      fields.put("Content-Type", contentType);
    }
    for (Map.Entry<String, String> header : headers) {
      fields.add(header.getKey(), header.getValue());
    }
  }

  /** A header of the request; empty if there is none. */
  String asked(String name) {
    String value = request.getHeaders().get(name);
    return value == null ? "" : value;
  }

  void header(String name, String value) {
    response.getHeaders().put(name, value);
  }

  /** Sends the status and the headers. */
  void flush() throws IOException {
    if (isHeld()) {
      gate(0);
    }
    send(new byte[0], 0, 0, false);
  }

  /** Sends bytes; blocks until they are handed to the connection. */
  void write(byte[] bytes, int offset, int length, boolean last) throws IOException {
    if (!isHeld()) {
      send(bytes, offset, length, last);
      return;
    }
    int at = offset;
    int end = offset + length;
    while (at < end) {
      int room = (int) Math.min(end - at, gate(end - at));
      send(bytes, at, room, false);
      at += room;
    }
    gate(0);
    if (last) {
      send(bytes, end, 0, true);
    }
  }

  /**
   * Waits, or cuts, as the faults demand.
   *
   * @return how many bytes may be sent now, at most {@code wanted}
   */
  private long gate(long wanted) throws IOException {
    while (true) {
      long room = Math.max(1, wanted);
      boolean stalled = false;
      for (Held held : faults) {
        if (held.strike().removed()) {
          faults.remove(held);
          continue;
        }
        long own = sent - held.since();
        switch (held.strike().fault()) {
          case Fault.CutAfter cut -> {
            if (own >= cut.bytes()) {
              commit();
              throw new CutException("cut after " + cut.bytes() + " bytes");
            }
            room = Math.min(room, cut.bytes() - own);
          }
          case Fault.StallAfter stall -> {
            if (own >= stall.bytes()) {
              commit();
              stalled = true;
            } else {
              room = Math.min(room, stall.bytes() - own);
            }
          }
          case Fault.HalfOpenAfter dead -> {
            if (own >= dead.bytes()) {
              commit();
              freeze();
              stalled = true;
            } else {
              room = Math.min(room, dead.bytes() - own);
            }
          }
          case Fault.SlowBody slow -> {
            if (wanted > 0) {
              // A tenth of a second's worth at a time.
              room = Math.min(room, Math.max(1, slow.bytesPerSecond() / 10));
              LockSupport.parkNanos(room * 1_000_000_000L / slow.bytesPerSecond());
            }
          }
          default -> {}
        }
      }
      if (!stalled) {
        return room;
      }
      if (broken || !isOpen()) {
        throw new CutException("closed while it was stalled");
      }
      if (Thread.interrupted()) {
        throw new CutException("interrupted while it was stalled");
      }
      LockSupport.parkNanos(POLL_NANOS);
    }
  }

  /** What was set is on the wire before the wire goes wrong. */
  private void commit() throws IOException {
    if (!response.isCommitted()) {
      send(new byte[0], 0, 0, false);
    }
  }

  private boolean isOpen() {
    WireEndPoint endPoint = endPoint();
    return endPoint != null && endPoint.isOpen();
  }

  private void send(byte[] bytes, int offset, int length, boolean last) throws IOException {
    try (Blocker.Callback callback = Blocker.callback()) {
      response.write(last, ByteBuffer.wrap(bytes, offset, length), callback);
      callback.block();
    }
    sent += length;
  }

  /** Deadens the connection. */
  void freeze() {
    WireEndPoint endPoint = endPoint();
    if (endPoint != null) {
      endPoint.freeze();
    }
  }

  /** Ends the connection in the middle of what is being sent; over HTTP/2 only the stream ends. */
  void cut(boolean reset) {
    WireEndPoint endPoint = endPoint();
    if (isHttp2() || endPoint == null) {
      return;
    }
    if (reset) {
      endPoint.abort();
    } else {
      endPoint.close();
    }
  }

  /** The connection under the request, below TLS; null if it is none of this server's. */
  @Nullable WireEndPoint endPoint() {
    EndPoint at = request.getConnectionMetaData().getConnection().getEndPoint();
    while (at instanceof EndPoint.Wrapper wrapper) {
      at = wrapper.unwrap();
    }
    return at instanceof WireEndPoint wire ? wire : null;
  }
}
