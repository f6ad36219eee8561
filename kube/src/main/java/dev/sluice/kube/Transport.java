package dev.sluice.kube;

import dev.sluice.flow.Experimental;
import java.io.IOException;
import java.io.InputStream;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * One exchange with an API server: status, headers, and a body read as a blocking stream on a
 * virtual thread.
 *
 * <p>The way Sluice reaches a server without knowing any client library. An implementation brings
 * the configuration that the user already has: addresses, certificates, credentials and their
 * renewal, proxies. It neither retries nor interprets: what the server said is what the caller
 * gets.
 *
 * <p>Implementations are safe for use by any number of threads.
 */
@Experimental
public interface Transport extends AutoCloseable {

  /**
   * Sends a request and waits for the head of the response. Blocks the calling thread (a virtual
   * one, usually) until the headers have arrived.
   *
   * @return the response, which the caller must close; its body has not been read yet
   * @throws IOException if no response could be had: refused, unknown host, TLS failure, reset,
   *     time-out. The message says which address was tried
   * @throws InterruptedException if the calling thread is interrupted; the exchange is then aborted
   */
  Response send(Request request) throws IOException, InterruptedException;

  /** Releases what the transport itself created. Exchanges under way are aborted. */
  @Override
  void close();

  /**
   * A request.
   *
   * @param method an HTTP method
   * @param path path and query below the server's address, beginning with a slash, already
   *     percent-encoded
   * @param headers headers beside those that the transport adds by itself (authorization, user
   *     agent)
   * @param body the body; empty for none
   * @param guard asked as the last thing before the request's bytes leave, each time if they leave
   *     more than once
   */
  record Request(
      String method, String path, Map<String, String> headers, byte[] body, Guard guard) {

    /** A request that may leave at any time. */
    public Request(String method, String path, Map<String, String> headers, byte[] body) {
      this(method, path, headers, body, () -> {});
    }

    /** The same request, that may leave only if a guard has nothing against it. */
    public Request guardedBy(Guard other) {
      return new Request(method, path, headers, body, other);
    }

    /** A GET that accepts the given media type. */
    public static Request get(String path, String accept) {
      return new Request("GET", path, Map.of("Accept", accept), new byte[0]);
    }
  }

  /**
   * Whether a request may leave. A transport that opens connections or waits for them asks after
   * that, on the thread that sends; {@link LeaderElection} relies on it.
   */
  @FunctionalInterface
  interface Guard {
    /**
     * Lets the request leave by returning.
     *
     * @throws IOException if it is not to be sent: {@link #send} throws that
     */
    void check() throws IOException;
  }

  /** A response whose head has arrived. Owned by one thread, except for {@link #close()}. */
  interface Response extends AutoCloseable {
    /** The HTTP status, 100 to 599. */
    int status();

    /** The headers; names in lower case. */
    Map<String, List<String>> headers();

    /** The first value of a header; the name in any case. */
    default Optional<String> header(String name) {
      List<String> values = headers().get(name.toLowerCase(java.util.Locale.ROOT));
      return values == null || values.isEmpty() ? Optional.empty() : Optional.of(values.get(0));
    }

    /**
     * The body, already decompressed. Reading blocks until at least one byte is there and wakes
     * with an {@link IOException} when the exchange is closed or the connection fails, so that a
     * cut is told from a clean end ({@code -1}). What is not read is not fetched: the transport
     * holds at most a bounded amount, and then the server feels it.
     */
    InputStream body();

    /**
     * Ends the exchange, at once and from any thread; a reader blocked in the body wakes with an
     * {@link IOException}.
     */
    @Override
    void close();
  }
}
