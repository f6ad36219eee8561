package dev.sluice.testkit.internal.http;

import dev.sluice.testkit.internal.api.ApiService;
import dev.sluice.testkit.internal.api.View;
import java.io.IOException;
import java.nio.channels.SelectionKey;
import java.nio.channels.SocketChannel;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.eclipse.jetty.alpn.server.ALPNServerConnectionFactory;
import org.eclipse.jetty.http2.HTTP2Connection;
import org.eclipse.jetty.http2.server.HTTP2CServerConnectionFactory;
import org.eclipse.jetty.http2.server.HTTP2ServerConnectionFactory;
import org.eclipse.jetty.io.ManagedSelector;
import org.eclipse.jetty.io.RateControl;
import org.eclipse.jetty.io.SocketChannelEndPoint;
import org.eclipse.jetty.server.Connector;
import org.eclipse.jetty.server.Handler;
import org.eclipse.jetty.server.HttpConfiguration;
import org.eclipse.jetty.server.HttpConnectionFactory;
import org.eclipse.jetty.server.Request;
import org.eclipse.jetty.server.Response;
import org.eclipse.jetty.server.SecureRequestCustomizer;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.ServerConnector;
import org.eclipse.jetty.server.SslConnectionFactory;
import org.eclipse.jetty.util.Callback;
import org.eclipse.jetty.util.ssl.SslContextFactory;
import org.eclipse.jetty.util.thread.QueuedThreadPool;
import org.jspecify.annotations.Nullable;

/**
 * Jetty, and the doors on it: one for the server itself, one for each further replica. Safe for any
 * thread.
 */
public final class Front implements AutoCloseable {
  /** More than connections that tests open; those not needed end after a minute. */
  private static final int MAX_THREADS = 10_000;

  private static final String HOST = PortClaim.HOST;

  /** How long what is under way may take when the server stops in good order. */
  private static final long GRACE_NANOS = TimeUnit.SECONDS.toNanos(1);

  /** How long a port that is somebody else's for a moment is asked for again. */
  private static final long PORT_PATIENCE_NANOS = TimeUnit.SECONDS.toNanos(10);

  private final Server jetty;
  private final Exchanges exchanges;
  private final @Nullable Certificates certificates;
  private final Map<Connector, Door> doors = new ConcurrentHashMap<>();

  /**
   * @param certificates null for plain text
   */
  public Front(
      ApiService api,
      Authentication users,
      Traffic traffic,
      java.time.InstantSource clock,
      int watchBuffer,
      @Nullable Certificates certificates) {
    this.certificates = certificates;
    this.exchanges = new Exchanges(api, users, traffic, clock, watchBuffer);
    // Requests run on virtual threads, but not all: over TLS the first one of a connection may be
    // handled by a thread that helped with the handshake, and a watch keeps it while it lives.
    QueuedThreadPool threads = new QueuedThreadPool(MAX_THREADS, 4);
    threads.setName("apiserver");
    threads.setDaemon(true);
    threads.setVirtualThreadsExecutor(
        Executors.newThreadPerTaskExecutor(Thread.ofVirtual().name("apiserver-", 0).factory()));
    jetty = new Server(threads);
    jetty.setHandler(
        new Handler.Abstract() {
          @Override
          public boolean handle(Request request, Response response, Callback callback) {
            Door door = doors.get(request.getConnectionMetaData().getConnector());
            exchanges.handle(request, response, callback, door == null ? null : door.view);
            return true;
          }
        });
  }

  /**
   * Loads most of what a server needs of Jetty, which is most of what the first start in a JVM
   * costs, so that another thread can do it beside the rest. To be called once, before the first
   * server is made, and to be waited for.
   */
  public static void load() {
    // Without this Jetty asks the JVM's management for the size of a reference, and that takes a
    // quarter of the whole start. It is only how far counters are kept apart in memory.
    String known = "org.eclipse.jetty.util.referencesPerCacheLine";
    boolean ours = System.getProperty(known) == null;
    if (ours) {
      System.setProperty(known, "16");
    }
    try {
      HttpConfiguration config = new HttpConfiguration();
      HttpConnectionFactory http1 = new HttpConnectionFactory(config);
      HTTP2CServerConnectionFactory http2 = new HTTP2CServerConnectionFactory(config);
      new ServerConnector(new Server(new QueuedThreadPool()), http1, http2);
    } finally {
      if (ours) {
        System.clearProperty(known);
      }
    }
  }

  public void start() throws IOException {
    try {
      jetty.start();
    } catch (Exception e) {
      throw new IOException("The embedded API server did not start: " + e.getMessage(), e);
    }
  }

  @Override
  public void close() {
    exchanges.close();
    doors.values().forEach(Door::closeConnections);
    try {
      jetty.stop();
    } catch (Exception e) {
      throw new IllegalStateException("The embedded API server did not stop: " + e.getMessage(), e);
    } finally {
      doors.values().forEach(Door::release);
    }
  }

  /** Kills the server: all connections are reset, all ports are closed. They stay this server's. */
  public void crash() {
    doors.values().forEach(Door::crash);
  }

  /**
   * Stops the server in good order: nobody new is let in, watches end, what is under way is
   * answered (for a second at most), HTTP/2 clients are told to go, connections are closed. The
   * ports stay this server's.
   */
  public void shutDown() {
    doors.values().forEach(Door::stopListening);
    exchanges.endWatches();
    exchanges.awaitIdle(GRACE_NANOS);
    doors.values().forEach(Door::shutDown);
  }

  /**
   * Opens all ports again.
   *
   * @throws IOException if one of them cannot be opened; the others are
   */
  public void open() throws IOException {
    IOException failed = null;
    for (Door door : doors.values()) {
      try {
        door.open();
      } catch (IOException e) {
        if (failed == null) {
          failed = e;
        } else {
          failed.addSuppressed(e);
        }
      }
    }
    if (failed != null) {
      throw failed;
    }
  }

  /** Ends all watches, cleanly. */
  public void endWatches() {
    exchanges.endWatches();
  }

  public Exchanges exchanges() {
    return exchanges;
  }

  /**
   * Opens a port.
   *
   * @param port 0 for any that is free
   * @throws IOException if it cannot be had; the message names it and says why
   */
  public Door listen(int port, View view) throws IOException {
    WireConnector connector = new WireConnector(jetty, factories());
    connector.setHost(HOST);
    connector.setIdleTimeout(0);
    connector.setAcceptQueueSize(1024);
    Door door = new Door(connector, view, PortClaim.of(port));
    doors.put(connector, door);
    jetty.addConnector(connector);
    try {
      door.open();
    } catch (IOException e) {
      door.remove();
      throw e;
    }
    return door;
  }

  private org.eclipse.jetty.server.ConnectionFactory[] factories() {
    HttpConfiguration config = new HttpConfiguration();
    config.setSendServerVersion(false);
    config.setSendDateHeader(true);
    config.setRequestHeaderSize(64 * 1024);
    config.setOutputBufferSize(64 * 1024);
    config.setIdleTimeout(-1);
    HttpConnectionFactory http1 = new HttpConnectionFactory(config);
    if (certificates == null) {
      HTTP2CServerConnectionFactory http2 = new HTTP2CServerConnectionFactory(config);
      configure(http2);
      return new org.eclipse.jetty.server.ConnectionFactory[] {http1, http2};
    }
    SecureRequestCustomizer customizer = new SecureRequestCustomizer();
    customizer.setSniHostCheck(false);
    config.addCustomizer(customizer);
    HTTP2ServerConnectionFactory http2 = new HTTP2ServerConnectionFactory(config);
    configure(http2);
    ALPNServerConnectionFactory alpn = new ALPNServerConnectionFactory();
    alpn.setDefaultProtocol(http1.getProtocol());
    SslContextFactory.Server ssl = new SslContextFactory.Server();
    ssl.setKeyStore(certificates.keyStore());
    ssl.setKeyStorePassword("");
    ssl.setSniRequired(false);
    return new org.eclipse.jetty.server.ConnectionFactory[] {
      new SslConnectionFactory(ssl, alpn.getProtocol()), alpn, http2, http1
    };
  }

  private static void configure(
      org.eclipse.jetty.http2.server.AbstractHTTP2ServerConnectionFactory http2) {
    // As the real server: http2-max-streams-per-connection is 1000 there.
    http2.setMaxConcurrentStreams(1000);
    http2.setStreamIdleTimeout(0);
    http2.setRateControlFactory(new RateControl.Factory() {});
  }

  /**
   * A port on which the server listens. It is the server's from the first opening until the end,
   * also while nobody listens: see {@link PortClaim}. Any thread may use it, but only one at a time
   * may open and shut it.
   */
  public final class Door {
    private final WireConnector connector;
    private final View view;
    private final int port;
    private volatile @Nullable PortClaim claim;

    private Door(WireConnector connector, View view, PortClaim claim) {
      this.connector = connector;
      this.view = view;
      this.port = claim.port();
      this.claim = claim;
      connector.setPort(port);
    }

    /** The port, also while it is closed. */
    public int port() {
      return port;
    }

    private void open() throws IOException {
      long deadline = System.nanoTime() + PORT_PATIENCE_NANOS;
      while (true) {
        PortClaim held = claim;
        if (held != null) {
          held.share(true);
        }
        try {
          connector.start();
          if (held != null) {
            held.share(false);
          }
          return;
        } catch (Exception e) {
          if (held != null) {
            // Not every system lets one listen beside a claim.
            release();
          } else if (!PortClaim.isTaken(e) || System.nanoTime() - deadline >= 0) {
            throw new IOException(PortClaim.refusal(port, e), e);
          } else {
            LockSupport.parkNanos(10_000_000);
          }
        }
      }
    }

    private void crash() {
      closeConnections();
      stop();
      // What was let in meanwhile.
      closeConnections();
    }

    private void stopListening() {
      connector.close();
      connector.awaitClosed();
    }

    private void shutDown() {
      goAway();
      connector.endPoints.forEach(WireEndPoint::close);
      stop();
    }

    private void stop() {
      try {
        connector.stop();
      } catch (Exception e) {
        throw new IllegalStateException(
            "Port %d of %s was not closed: %s".formatted(port, HOST, e.getMessage()), e);
      }
      connector.awaitClosed();
      if (claim == null) {
        try {
          claim = PortClaim.of(port);
        } catch (IOException e) {
          // Somebody was faster. Opening the port waits for it, and says so if it must.
        }
      }
    }

    private void release() {
      PortClaim held = claim;
      claim = null;
      if (held != null) {
        held.close();
      }
    }

    /** Closes the port for good. */
    public void remove() {
      crash();
      release();
      doors.remove(connector);
      jetty.removeConnector(connector);
    }

    /** Cuts all connections, as if the process had been killed. */
    public void closeConnections() {
      connector.endPoints.forEach(WireEndPoint::abort);
    }

    /** Cuts those connections that were frozen. */
    public void closeFrozen() {
      for (WireEndPoint endPoint : connector.endPoints) {
        if (endPoint.isFrozen()) {
          endPoint.abort();
        }
      }
    }

    /** Freezes all connections there are; new ones work. */
    public int freezeConnections() {
      int count = 0;
      for (WireEndPoint endPoint : connector.endPoints) {
        endPoint.freeze();
        count++;
      }
      return count;
    }

    /** Tells all HTTP/2 clients to go and open another connection. */
    public int goAway() {
      int count = 0;
      for (WireEndPoint endPoint : connector.endPoints) {
        HTTP2Connection http2 = endPoint.http2();
        if (endPoint.isOpen() && http2 != null) {
          http2.getSession().shutdown();
          count++;
        }
      }
      return count;
    }

    public int connections() {
      int count = 0;
      for (WireEndPoint endPoint : connector.endPoints) {
        if (endPoint.isOpen()) {
          count++;
        }
      }
      return count;
    }
  }

  /** A connector that knows its connections. */
  private static final class WireConnector extends ServerConnector {
    private final Set<WireEndPoint> endPoints = ConcurrentHashMap.newKeySet();
    private final AtomicInteger accepting = new AtomicInteger();

    WireConnector(Server server, org.eclipse.jetty.server.ConnectionFactory... factories) {
      super(server, 1, 2, factories);
      setReuseAddress(true);
    }

    @Override
    public void accept(int acceptor) throws IOException {
      accepting.incrementAndGet();
      try {
        super.accept(acceptor);
      } finally {
        accepting.decrementAndGet();
      }
    }

    /**
     * Waits until nobody can be let in any more: a port that was closed is open for as long as a
     * thread has not come back from waiting for connections.
     */
    void awaitClosed() {
      long deadline = System.nanoTime() + PORT_PATIENCE_NANOS;
      while (accepting.get() > 0 && System.nanoTime() - deadline < 0) {
        LockSupport.parkNanos(50_000);
      }
    }

    @Override
    protected boolean handleAcceptFailure(Throwable failure) {
      // Closing the port on purpose is no failure.
      return isOpen() && super.handleAcceptFailure(failure);
    }

    @Override
    protected SocketChannelEndPoint newEndPoint(
        SocketChannel channel, ManagedSelector selector, SelectionKey key) {
      WireEndPoint endPoint = new WireEndPoint(channel, selector, key, getScheduler());
      endPoint.setIdleTimeout(getIdleTimeout());
      endPoints.add(endPoint);
      return endPoint;
    }

    @Override
    protected void onEndPointClosed(org.eclipse.jetty.io.EndPoint endPoint) {
      if (endPoint instanceof WireEndPoint wire) {
        endPoints.remove(wire);
      }
      super.onEndPointClosed(endPoint);
    }
  }
}
