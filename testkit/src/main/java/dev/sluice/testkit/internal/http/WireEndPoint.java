package dev.sluice.testkit.internal.http;

import java.io.IOException;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.SocketChannel;
import org.eclipse.jetty.io.ManagedSelector;
import org.eclipse.jetty.io.SocketChannelEndPoint;
import org.eclipse.jetty.util.thread.Scheduler;

/**
 * A connection that can be frozen: nothing is read from it and nothing written to it any more, not
 * even HTTP/2 pings are answered, and the client is told nothing. What a peer looks like that lost
 * its power or its route.
 */
final class WireEndPoint extends SocketChannelEndPoint {
  private volatile boolean frozen;

  WireEndPoint(
      SocketChannel channel, ManagedSelector selector, SelectionKey key, Scheduler scheduler) {
    super(channel, selector, key, scheduler);
  }

  void freeze() {
    frozen = true;
  }

  /** Ends the connection with a TCP reset instead of an orderly end. */
  void abort() {
    try {
      getChannel().setOption(StandardSocketOptions.SO_LINGER, 0);
    } catch (IOException e) {
      // It is already closed.
    }
    frozen = false;
    close(new IOException("cut by a fault"));
  }

  @Override
  public int fill(ByteBuffer buffer) throws IOException {
    return frozen ? 0 : super.fill(buffer);
  }

  @Override
  protected void needsFillInterest() {
    if (!frozen) {
      super.needsFillInterest();
    }
  }

  @Override
  public boolean flush(ByteBuffer... buffers) throws IOException {
    return !frozen && super.flush(buffers);
  }

  @Override
  protected void onIncompleteFlush() {
    if (!frozen) {
      super.onIncompleteFlush();
    }
  }
}
