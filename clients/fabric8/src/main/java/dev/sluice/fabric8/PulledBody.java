package dev.sluice.fabric8;

import io.fabric8.kubernetes.client.http.AsyncBody;
import java.io.IOException;
import java.io.InputStream;
import java.io.InterruptedIOException;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.Iterator;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * A body that fabric8 pushes, turned into one that its reader pulls.
 *
 * <p>fabric8 delivers one chunk for each {@link AsyncBody#consume()} and nothing without one. As
 * long as less than {@link #ENOUGH} bytes are held here, the next chunk is asked for as soon as one
 * has arrived, on the HTTP client's own thread; then no more, until the reader has taken half of
 * them. So a reader that keeps up is never waited for, and one that stops reading stops the socket.
 *
 * <p>Full: the HTTP client stops reading the connection. Empty: the reader blocks. Closed by the
 * reader, from any thread: the exchange is cancelled, and a blocked read wakes with an {@link
 * IOException}. Ended by the server: what is held is read, then -1. Cut: what is held is read, then
 * an {@link IOException}; what the HTTP client itself still held at that moment may be lost.
 */
final class PulledBody extends InputStream implements AsyncBody.Consumer<List<ByteBuffer>> {
  /** In bytes; what is held may be more by one delivery, 8 to 16 KiB with fabric8's clients. */
  static final int ENOUGH = 256 * 1024;

  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();
  private final ArrayDeque<List<ByteBuffer>> deliveries = new ArrayDeque<>();
  private final Function<Throwable, IOException> explain;
  private final Runnable whenOver;

  private Iterator<ByteBuffer> taken = List.<ByteBuffer>of().iterator();
  private ByteBuffer current = ByteBuffer.allocate(0);
  private int held;
  private boolean asked;
  private @Nullable AsyncBody source;
  private @Nullable Throwable cut;
  private boolean ended;
  private boolean closed;

  /**
   * @param explain turns fabric8's failure into the one that the reader gets
   * @param whenOver called when the exchange needs nobody's care any more; more than once, perhaps
   */
  PulledBody(Function<Throwable, IOException> explain, Runnable whenOver) {
    this.explain = explain;
    this.whenOver = whenOver;
  }

  /** The head has arrived: the first chunk is asked for. Called on the HTTP client's thread. */
  void attach(AsyncBody body) {
    boolean tooLate;
    lock.lock();
    try {
      source = body;
      tooLate = closed;
      asked = true;
    } finally {
      lock.unlock();
    }
    if (tooLate) {
      body.cancel();
      return;
    }
    body.done().whenComplete((nothing, failure) -> over(failure));
    body.consume();
  }

  @Override
  public void consume(List<ByteBuffer> delivery, AsyncBody body) {
    boolean more;
    lock.lock();
    try {
      if (closed) {
        return;
      }
      deliveries.add(delivery);
      for (ByteBuffer chunk : delivery) {
        held += chunk.remaining();
      }
      more = held < ENOUGH;
      asked = more;
      changed.signalAll();
    } finally {
      lock.unlock();
    }
    // Outside the lock: an HTTP client may deliver from within, or hold a lock of its own.
    if (more) {
      body.consume();
    }
  }

  private void over(@Nullable Throwable failure) {
    lock.lock();
    try {
      cut = failure;
      ended = true;
      changed.signalAll();
    } finally {
      lock.unlock();
    }
    whenOver.run();
  }

  @Override
  public int read() throws IOException {
    byte[] one = new byte[1];
    return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
  }

  @Override
  public int read(byte[] target, int offset, int length) throws IOException {
    Objects.checkFromIndexSize(offset, length, target.length);
    if (length == 0) {
      return 0;
    }
    int copied;
    AsyncBody more = null;
    lock.lock();
    try {
      while (true) {
        if (closed) {
          throw new IOException("the exchange was closed while its body was being read");
        }
        copied = copyHeld(ByteBuffer.wrap(target, offset, length));
        if (copied > 0) {
          break;
        }
        if (cut != null) {
          throw explain.apply(cut);
        }
        if (ended) {
          return -1;
        }
        awaitChange();
      }
      held -= copied;
      if (!asked && held <= ENOUGH / 2) {
        asked = true;
        more = source;
      }
    } finally {
      lock.unlock();
    }
    if (more != null) {
      more.consume();
    }
    return copied;
  }

  private int copyHeld(ByteBuffer target) {
    int start = target.position();
    while (target.hasRemaining()) {
      if (current.hasRemaining()) {
        int n = Math.min(target.remaining(), current.remaining());
        target.put(target.position(), current, current.position(), n);
        target.position(target.position() + n);
        current.position(current.position() + n);
      } else if (taken.hasNext()) {
        current = taken.next();
      } else if (!deliveries.isEmpty()) {
        taken = deliveries.remove().iterator();
      } else {
        break;
      }
    }
    return target.position() - start;
  }

  private void awaitChange() throws IOException {
    try {
      changed.await();
    } catch (InterruptedException e) {
      close();
      Thread.currentThread().interrupt();
      InterruptedIOException interrupted =
          new InterruptedIOException("interrupted while reading a body; the exchange was aborted");
      interrupted.initCause(e);
      throw interrupted;
    }
  }

  /** How much can be read without blocking: what is held. */
  @Override
  public int available() {
    lock.lock();
    try {
      return held;
    } finally {
      lock.unlock();
    }
  }

  @Override
  public void close() {
    AsyncBody cancelled;
    lock.lock();
    try {
      if (closed) {
        return;
      }
      closed = true;
      cancelled = ended ? null : source;
      deliveries.clear();
      held = 0;
      changed.signalAll();
    } finally {
      lock.unlock();
    }
    if (cancelled != null) {
      cancelled.cancel();
    }
    whenOver.run();
  }
}
