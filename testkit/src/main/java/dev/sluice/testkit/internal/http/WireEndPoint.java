package dev.sluice.testkit.internal.http;

import java.io.IOException;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.SocketChannel;
import java.util.concurrent.locks.ReentrantLock;
import org.eclipse.jetty.http2.HTTP2Connection;
import org.eclipse.jetty.io.Connection;
import org.eclipse.jetty.io.ManagedSelector;
import org.eclipse.jetty.io.SocketChannelEndPoint;
import org.eclipse.jetty.io.ssl.SslConnection;
import org.eclipse.jetty.util.BufferUtil;
import org.eclipse.jetty.util.thread.Scheduler;
import org.jspecify.annotations.Nullable;

/**
 * A connection that can be frozen: nothing is read from it and nothing written to it any more, not
 * even HTTP/2 pings are answered, and the client is told nothing. What a peer looks like that lost
 * its power or its route.
 */
final class WireEndPoint extends SocketChannelEndPoint {
  /** How much is read ahead at most to find out whether the client is still there. */
  private static final int AHEAD = 1024;

  private volatile boolean frozen;
  private final ReentrantLock reading = new ReentrantLock();
  private @Nullable ByteBuffer ahead;

  WireEndPoint(
      SocketChannel channel, ManagedSelector selector, SelectionKey key, Scheduler scheduler) {
    super(channel, selector, key, scheduler);
  }

  void freeze() {
    frozen = true;
  }

  /** The HTTP/2 connection that speaks through it, within TLS or without; null if none does. */
  @Nullable HTTP2Connection http2() {
    Connection connection = getConnection();
    if (connection instanceof SslConnection tls) {
      connection = tls.getSslEndPoint().getConnection();
    }
    return connection instanceof HTTP2Connection http2 ? http2 : null;
  }

  /** Ends the connection with a TCP reset instead of an orderly end. */
  void abort() {
    try {
      getChannel().setOption(StandardSocketOptions.SO_LINGER, 0);
    } catch (IOException e) {
      // It is already closed.
    }
    close(new IOException("cut by a fault"));
  }

  /**
   * Whether it holds back what comes and goes. It does until it is closed: what was held back must
   * not get out while that happens, and whoever comes afterwards must hear of it instead of
   * waiting.
   */
  boolean isFrozen() {
    return frozen && getChannel().isOpen();
  }

  /**
   * Whether the client has gone, seen from here while nothing reads: over HTTP/1.1 nobody does
   * while an answer is being written. What has come in is kept for the next who reads. Does not
   * block.
   */
  boolean hasLeft() {
    if (isFrozen()) {
      return false;
    }
    reading.lock();
    try {
      ByteBuffer kept = ahead;
      if (kept == null) {
        kept = ByteBuffer.allocate(AHEAD);
        int read = getChannel().read(kept);
        if (read > 0) {
          ahead = kept;
        }
        return read < 0;
      }
      return kept.hasRemaining() && getChannel().read(kept) < 0;
    } catch (IOException e) {
      return true;
    } finally {
      reading.unlock();
    }
  }

  /** Buffers are as Jetty's: what is between position and limit is what is in it. */
  @Override
  public int fill(ByteBuffer buffer) throws IOException {
    if (isFrozen()) {
      return 0;
    }
    reading.lock();
    try {
      ByteBuffer kept = ahead;
      if (kept == null) {
        return super.fill(buffer);
      }
      kept.flip();
      int filled = BufferUtil.append(buffer, kept);
      if (kept.hasRemaining()) {
        kept.compact();
      } else {
        ahead = null;
      }
      return filled;
    } finally {
      reading.unlock();
    }
  }

  @Override
  protected void needsFillInterest() {
    if (isFrozen()) {
      return;
    }
    reading.lock();
    try {
      if (ahead != null) {
        // It is here already: the system will not tell of it again.
        Thread.startVirtualThread(getFillInterest()::fillable);
        return;
      }
    } finally {
      reading.unlock();
    }
    super.needsFillInterest();
  }

  @Override
  public boolean flush(ByteBuffer... buffers) throws IOException {
    return !isFrozen() && super.flush(buffers);
  }

  @Override
  protected void onIncompleteFlush() {
    if (!isFrozen()) {
      super.onIncompleteFlush();
    }
  }
}
