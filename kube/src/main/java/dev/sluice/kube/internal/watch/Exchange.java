package dev.sluice.kube.internal.watch;

import dev.sluice.flow.TimeSource;
import dev.sluice.kube.Transport;
import dev.sluice.kube.internal.time.Interrupter;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.InterruptedIOException;
import org.jspecify.annotations.Nullable;

/**
 * One exchange under a deadline for silence: whoever waits for its head or for the next bytes of
 * its body is woken when the other side says nothing for too long.
 *
 * <p>One timer per exchange, which is not moved at each read: when it fires it looks at when
 * something last arrived, and is set anew for the rest. While nobody reads (a gate is full and the
 * stream is held) the silence is our own and does not count.
 */
final class Exchange implements AutoCloseable {
  private static final System.Logger LOG = System.getLogger("dev.sluice.kube.Informer");

  private final TimeSource time;
  private final Transport.Response response;
  private final InputStream body;
  private final long deadlineNanos;
  private final long began;
  private volatile long lifeNanos = Long.MAX_VALUE;
  private volatile long since;
  private volatile boolean reading;
  private volatile boolean silent;
  private volatile boolean outlived;
  private volatile boolean closed;
  private volatile TimeSource.@Nullable Timer timer;
  private Runnable beforeReading = () -> {};

  private Exchange(TimeSource time, Transport.Response response, long deadlineNanos) {
    this.time = time;
    this.response = response;
    this.deadlineNanos = deadlineNanos;
    this.body = new Body(response.body());
    this.began = time.nanoTime();
    arm(deadlineNanos);
  }

  /**
   * Sends a request and waits for the head of the response.
   *
   * @param headNanos how long that may take
   * @param bodyNanos how long the body may be silent then
   * @throws InterruptedIOException if the head did not come in time
   */
  static Exchange open(
      TimeSource time,
      Transport transport,
      Transport.Request request,
      long headNanos,
      long bodyNanos)
      throws IOException, InterruptedException {
    Interrupter deadline = Interrupter.after(time, headNanos);
    Transport.Response response;
    try {
      response = transport.send(request);
    } catch (InterruptedException | InterruptedIOException e) {
      if (deadline.disarm()) {
        throw new InterruptedIOException(
            "no response within "
                + headNanos / 1_000_000
                + " ms to "
                + request.method()
                + " "
                + request.path());
      }
      throw e;
    } finally {
      deadline.disarm();
    }
    return new Exchange(time, response, bodyNanos);
  }

  Transport.Response response() {
    return response;
  }

  InputStream body() {
    return body;
  }

  /** What is to be done each time before the body is read from, which may block. */
  void beforeReading(Runnable done) {
    beforeReading = done;
  }

  /** Whether it was closed because nothing arrived for too long. */
  boolean silent() {
    return silent;
  }

  /**
   * How long it may last, whatever arrives: a line without an end is no silence, and yet nobody
   * hears anything. Looked at when the silence is.
   */
  void endsAfter(long nanos) {
    lifeNanos = nanos;
  }

  /** Whether it was closed because it went on for too long; it is {@link #silent} then, too. */
  boolean outlived() {
    return outlived;
  }

  private void arm(long nanos) {
    timer = time.schedule(nanos, this::look);
    if (closed) {
      cancel();
    }
  }

  private void look() {
    if (closed) {
      return;
    }
    long now = time.nanoTime();
    boolean waits = reading;
    long passed = waits ? now - since : 0;
    outlived = waits && now - began >= lifeNanos;
    if (passed >= deadlineNanos || outlived) {
      silent = true;
      closeResponse();
    } else {
      arm(deadlineNanos - passed);
    }
  }

  private void cancel() {
    TimeSource.Timer armed = timer;
    if (armed != null) {
      armed.cancel();
    }
  }

  @Override
  public void close() {
    closed = true;
    cancel();
    closeResponse();
  }

  private void closeResponse() {
    try {
      response.close();
    } catch (Throwable e) {
      LOG.log(System.Logger.Level.DEBUG, "a transport threw when a response was closed", e);
    }
  }

  private final class Body extends FilterInputStream {
    Body(InputStream in) {
      super(in);
    }

    @Override
    public int read() throws IOException {
      byte[] one = new byte[1];
      return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
    }

    @Override
    public int read(byte[] b, int offset, int length) throws IOException {
      beforeReading.run();
      since = time.nanoTime();
      reading = true;
      try {
        return in.read(b, offset, length);
      } finally {
        reading = false;
      }
    }
  }
}
