package dev.sluice.fabric8;

import dev.sluice.kube.Transport;
import io.fabric8.kubernetes.client.Config;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.RequestConfig;
import io.fabric8.kubernetes.client.RequestConfigBuilder;
import io.fabric8.kubernetes.client.http.AsyncBody;
import io.fabric8.kubernetes.client.http.HttpClient;
import io.fabric8.kubernetes.client.http.HttpRequest;
import io.fabric8.kubernetes.client.http.HttpResponse;
import java.io.IOException;
import java.io.InputStream;
import java.net.SocketTimeoutException;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * One exchange at a time for any number of threads, over fabric8's asynchronous HTTP client.
 *
 * <p>The head of a response is awaited by blocking on fabric8's future; the body is pulled by the
 * reader through a {@link PulledBody}. Neither blocks a thread of fabric8's.
 */
final class Fabric8Transport implements Transport {

  /**
   * When the HTTP client itself gives up an exchange on which nothing has moved. Only a backstop:
   * fabric8 has no way to abort a request whose response has not begun, so that one which is
   * abandoned while it hangs would keep its connection for as long as the peer keeps it open.
   */
  private static final long ABANDONED_AFTER_HOURS = 1;

  private final HttpClient http;
  private final String server;
  private final long headTimeoutMillis;
  private final Runnable whenClosed;
  private final Set<Exchange> open = ConcurrentHashMap.newKeySet();
  private final AtomicBoolean closed = new AtomicBoolean();

  Fabric8Transport(KubernetesClient client, Runnable whenClosed) {
    Config config = client.getConfiguration();
    this.http =
        client.getHttpClient().newBuilder().tag(withoutRetries(config.getRequestConfig())).build();
    this.server = withoutTrailingSlash(client.getMasterUrl().toString());
    Integer timeout = config.getRequestTimeout();
    this.headTimeoutMillis = timeout == null ? 0 : timeout;
    this.whenClosed = whenClosed;
  }

  /** The user's request configuration (whom to impersonate, among others), but never a retry. */
  private static RequestConfig withoutRetries(RequestConfig config) {
    return new RequestConfigBuilder(config).withRequestRetryBackoffLimit(0).build();
  }

  private static String withoutTrailingSlash(String url) {
    return url.endsWith("/") ? url.substring(0, url.length() - 1) : url;
  }

  @Override
  public Response send(Request request) throws IOException, InterruptedException {
    if (!request.path().startsWith("/")) {
      throw new IllegalArgumentException(
          "a request's path begins with a slash, unlike '" + request.path() + "'");
    }
    Exchange exchange = new Exchange(request);
    open.add(exchange);
    try {
      if (closed.get()) {
        throw new IOException(exchange.describe("the transport is closed"));
      }
      request.guard().check();
      exchange.awaitHead();
      return exchange;
    } catch (Throwable e) {
      exchange.close();
      throw e;
    }
  }

  @Override
  public void close() {
    if (closed.compareAndSet(false, true)) {
      open.forEach(Exchange::close);
      whenClosed.run();
    }
  }

  private HttpRequest translate(Request request) {
    HttpRequest.Builder builder = http.newHttpRequestBuilder().uri(server + request.path());
    String contentType = request.body().length > 0 ? "application/json" : null;
    boolean encodingChosen = false;
    for (Map.Entry<String, String> header : request.headers().entrySet()) {
      if (header.getKey().equalsIgnoreCase("Content-Type")) {
        contentType = header.getValue();
      } else {
        encodingChosen |= header.getKey().equalsIgnoreCase("Accept-Encoding");
        builder.setHeader(header.getKey(), header.getValue());
      }
    }
    if (!encodingChosen) {
      builder.setHeader("Accept-Encoding", "gzip");
    }
    if (request.body().length > 0) {
      // The one door through which fabric8 takes bytes; the method is put right by the next call,
      // which leaves the body alone when it is given none.
      builder.post(contentType, request.body());
    }
    return builder
        .method(request.method(), contentType, (String) null)
        .timeout(ABANDONED_AFTER_HOURS, TimeUnit.HOURS)
        .build();
  }

  /** A request on its way and then its response. */
  private final class Exchange implements Response {
    private final Request request;
    private final PulledBody body;
    private final CompletableFuture<HttpResponse<AsyncBody>> head = new CompletableFuture<>();
    private volatile int status;
    private volatile Map<String, List<String>> headers = Map.of();
    private volatile InputStream decoded;

    Exchange(Request request) {
      this.request = request;
      this.body = new PulledBody(this::failure, () -> open.remove(this));
      this.decoded = body;
    }

    void awaitHead() throws IOException, InterruptedException {
      try {
        // The first chunk is asked for on the HTTP client's thread, before that reads on: Vert.x
        // drops what nobody has asked for when the connection ends with the response.
        http.consumeBytes(translate(request), body)
            .whenComplete((response, failure) -> {
              if (failure != null) {
                head.completeExceptionally(failure);
              } else {
                body.attach(response.body());
                head.complete(response);
              }
            });
        HttpResponse<AsyncBody> response =
            headTimeoutMillis > 0 ? head.get(headTimeoutMillis, TimeUnit.MILLISECONDS) : head.get();
        status = response.code();
        headers = lowerCased(response.headers());
        decoded = Gunzip.ifCompressed(body, header("content-encoding").orElse(""));
      } catch (ExecutionException e) {
        throw failure(e);
      } catch (TimeoutException e) {
        throw new SocketTimeoutException(
            describe("no response within " + headTimeoutMillis + " ms (fabric8's requestTimeout)"));
      } catch (IllegalStateException e) {
        // The client is closed, or (a CancellationException) this exchange was.
        throw failure(e);
      }
    }

    @Override
    public int status() {
      return status;
    }

    @Override
    public Map<String, List<String>> headers() {
      return headers;
    }

    @Override
    public InputStream body() {
      return decoded;
    }

    @Override
    public void close() {
      head.cancel(false);
      body.close();
    }

    IOException failure(Throwable cause) {
      return Failures.explain(describe(""), cause);
    }

    String describe(String what) {
      int query = request.path().indexOf('?');
      String path = query < 0 ? request.path() : request.path().substring(0, query);
      return request.method() + " " + server + path + ": " + what;
    }
  }

  private static Map<String, List<String>> lowerCased(Map<String, List<String>> headers) {
    Map<String, List<String>> lower = new HashMap<>();
    headers.forEach((name, values) -> lower.put(name.toLowerCase(Locale.ROOT), values));
    return Map.copyOf(lower);
  }
}
