package dev.sluice.testkit.internal.http;

import java.io.IOException;
import java.net.BindException;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.nio.channels.SocketChannel;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * A port of loopback that is nobody else's, whether or not somebody listens on it: a socket is
 * bound to it that never listens, so connections are refused until another socket does.
 *
 * <p>Without one a server that closes its port to open it again loses it now and then: the system
 * may give it to any outgoing connection meanwhile, above all to those of clients that try again
 * and again to reach this very port. Linux lets one socket listen beside others that are bound to
 * the same port and do not listen, if all of them have {@code SO_REUSEADDR}. So the claim has it
 * while its owner {@linkplain #share opens the port}, and at no other time. Where one cannot listen
 * beside a claim, it must be given up just before.
 */
final class PortClaim implements AutoCloseable {
  static final String HOST = "127.0.0.1";

  private final SocketChannel channel;
  private final int port;

  private PortClaim(SocketChannel channel, int port) {
    this.channel = channel;
    this.port = port;
  }

  /**
   * Takes a port.
   *
   * @param port 0 for any that is free
   * @throws IOException if it cannot be had; the message names it and says why
   */
  static PortClaim of(int port) throws IOException {
    SocketChannel channel = SocketChannel.open();
    try {
      channel.setOption(StandardSocketOptions.SO_REUSEADDR, true);
      channel.bind(new InetSocketAddress(HOST, port));
      return new PortClaim(channel, ((InetSocketAddress) channel.getLocalAddress()).getPort());
    } catch (IOException e) {
      channel.close();
      throw new IOException(refusal(port, e), e);
    }
  }

  /** Whether it is somebody else who has the port. */
  static boolean isTaken(Throwable thrown) {
    BindException refused = bindException(thrown);
    return refused != null
        && String.valueOf(refused.getMessage()).toLowerCase(Locale.ROOT).contains("in use");
  }

  /** Why a port was refused, and what to do. */
  static String refusal(int port, Throwable thrown) {
    if (isTaken(thrown)) {
      return "port %d of %s is taken; end what listens there, choose another port, or 0 for any that is free"
          .formatted(port, HOST);
    }
    Throwable why = bindException(thrown);
    String message = (why == null ? thrown : why).getMessage();
    return "port %d of %s cannot be opened: %s%s"
        .formatted(
            port,
            HOST,
            message,
            port > 0 && port < 1024 ? "; choose one above 1023, or 0 for any that is free" : "");
  }

  private static @Nullable BindException bindException(Throwable thrown) {
    for (Throwable t = thrown; t != null; t = t.getCause()) {
      if (t instanceof BindException refused) {
        return refused;
      }
    }
    return null;
  }

  /** Lets somebody listen on the port, or nobody more. */
  void share(boolean shared) {
    try {
      channel.setOption(StandardSocketOptions.SO_REUSEADDR, shared);
    } catch (IOException e) {
      // Then it is as it was, and whoever wants to listen is told.
    }
  }

  int port() {
    return port;
  }

  @Override
  public void close() {
    try {
      channel.close();
    } catch (IOException e) {
      // It is gone either way.
    }
  }
}
