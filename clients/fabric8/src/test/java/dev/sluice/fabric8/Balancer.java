package dev.sluice.fabric8;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Passes connections on to a server that may be replaced by another. The connections to the one
 * before then stay open, and nothing goes through them any more: as when a machine is switched off.
 */
final class Balancer implements AutoCloseable {
  private final ServerSocket listening;
  private final Set<Socket> sockets = ConcurrentHashMap.newKeySet();
  private volatile Backend backend;
  private volatile int accepted;

  /** A server, while it is the one. */
  private static final class Backend {
    private final int port;
    private volatile boolean gone;

    Backend(int port) {
      this.port = port;
    }
  }

  /**
   * Begins to listen.
   *
   * @param address where
   * @param port where; 0 for any
   * @param backend the port of the server, on 127.0.0.1
   */
  Balancer(String address, int port, int backend) throws IOException {
    this.backend = new Backend(backend);
    this.listening = new ServerSocket();
    listening.bind(new InetSocketAddress(InetAddress.getByName(address), port));
    Thread.ofVirtual().start(this::accept);
  }

  int port() {
    return listening.getLocalPort();
  }

  /** How many connections it was asked for. */
  int accepted() {
    return accepted;
  }

  /** Another server takes the place of the one before. */
  void replaceBy(int port) {
    Backend before = backend;
    backend = new Backend(port);
    before.gone = true;
  }

  /** The machine is switched off: nobody listens, and what is open is dead. */
  void switchOff() throws IOException {
    backend.gone = true;
    listening.close();
  }

  private void accept() {
    try {
      while (true) {
        Socket client = listening.accept();
        sockets.add(client);
        Backend to = backend;
        Socket server = new Socket(InetAddress.getByName("127.0.0.1"), to.port);
        sockets.add(server);
        accepted++;
        Thread.ofVirtual().start(() -> copy(client, server, to));
        Thread.ofVirtual().start(() -> copy(server, client, to));
      }
    } catch (IOException e) {
      // Closed.
    }
  }

  private static void copy(Socket from, Socket to, Backend by) {
    try {
      InputStream in = from.getInputStream();
      OutputStream out = to.getOutputStream();
      byte[] buffer = new byte[8192];
      for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
        if (!by.gone) {
          out.write(buffer, 0, n);
        }
      }
      if (!by.gone) {
        to.close();
      }
    } catch (IOException e) {
      // One of them has gone.
    }
  }

  @Override
  public void close() throws IOException {
    listening.close();
    for (Socket socket : sockets) {
      socket.close();
    }
  }
}
