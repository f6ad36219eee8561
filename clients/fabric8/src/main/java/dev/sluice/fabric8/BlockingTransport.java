package dev.sluice.fabric8;

import dev.sluice.kube.Transport;
import io.fabric8.kubernetes.client.http.HttpClient;
import io.fabric8.kubernetes.client.http.Interceptor;
import io.fabric8.kubernetes.client.http.Interceptor.RequestTags;
import io.fabric8.kubernetes.client.http.StandardHttpClientBuilder;
import io.fabric8.kubernetes.client.http.StandardHttpRequest;
import io.fabric8.kubernetes.client.http.TlsVersion;
import io.fabric8.kubernetes.client.utils.HttpClientUtils;
import java.io.IOException;
import java.io.InputStream;
import java.io.InterruptedIOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.net.URI;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.BooleanSupplier;
import java.util.stream.Stream;
import org.apache.hc.client5.http.ConnectTimeoutException;
import org.apache.hc.client5.http.auth.AuthScope;
import org.apache.hc.client5.http.auth.UsernamePasswordCredentials;
import org.apache.hc.client5.http.classic.methods.HttpUriRequestBase;
import org.apache.hc.client5.http.config.ConnectionConfig;
import org.apache.hc.client5.http.config.RequestConfig;
import org.apache.hc.client5.http.impl.auth.BasicCredentialsProvider;
import org.apache.hc.client5.http.impl.classic.CloseableHttpClient;
import org.apache.hc.client5.http.impl.classic.HttpClientBuilder;
import org.apache.hc.client5.http.impl.io.DefaultManagedHttpClientConnection;
import org.apache.hc.client5.http.impl.io.PoolingHttpClientConnectionManager;
import org.apache.hc.client5.http.impl.io.PoolingHttpClientConnectionManagerBuilder;
import org.apache.hc.client5.http.io.ManagedHttpClientConnection;
import org.apache.hc.client5.http.protocol.HttpClientContext;
import org.apache.hc.client5.http.ssl.DefaultClientTlsStrategy;
import org.apache.hc.client5.http.ssl.HostnameVerificationPolicy;
import org.apache.hc.client5.http.ssl.TlsSocketStrategy;
import org.apache.hc.core5.http.ClassicHttpRequest;
import org.apache.hc.core5.http.ClassicHttpResponse;
import org.apache.hc.core5.http.ContentLengthStrategy;
import org.apache.hc.core5.http.Header;
import org.apache.hc.core5.http.HttpEntity;
import org.apache.hc.core5.http.HttpException;
import org.apache.hc.core5.http.HttpHost;
import org.apache.hc.core5.http.config.Http1Config;
import org.apache.hc.core5.http.impl.io.HttpRequestExecutor;
import org.apache.hc.core5.http.io.HttpClientConnection;
import org.apache.hc.core5.http.io.HttpConnectionFactory;
import org.apache.hc.core5.http.io.HttpResponseInformationCallback;
import org.apache.hc.core5.http.io.SessionInputBuffer;
import org.apache.hc.core5.http.io.SocketConfig;
import org.apache.hc.core5.http.io.entity.ByteArrayEntity;
import org.apache.hc.core5.http.protocol.HttpContext;
import org.apache.hc.core5.io.CloseMode;
import org.apache.hc.core5.reactor.ssl.SSLBufferMode;
import org.apache.hc.core5.util.TimeValue;
import org.apache.hc.core5.util.Timeout;
import org.jspecify.annotations.Nullable;

/**
 * Exchanges over HTTP/1.1 on blocking sockets, each on the thread of whoever waits for it: with
 * fabric8's configuration, its interceptors and its TLS material, but not its HTTP client.
 *
 * <p>What is read comes from the socket into the reader's array, through no other thread and no
 * queue: on a busy watch that is most of what an event costs. A connection carries one exchange at
 * a time, so that a stream which nobody reads stops nobody else's.
 *
 * <p>Closing an exchange from another thread closes its connection, on which a blocked reader
 * wakes. An interrupt wakes a blocked virtual thread likewise.
 */
final class BlockingTransport implements Transport {
  /** Much larger than a chunk of an API server's, so that a busy stream takes few system calls. */
  private static final int BUFFER = 64 * 1024;

  /**
   * A kept-alive connection idle for longer is not used again: API servers close theirs at 90 s.
   */
  private static final TimeValue KEEP_ALIVE = TimeValue.ofSeconds(60);

  /** One idle for longer is looked at before it is used. */
  private static final TimeValue VALIDATE_AFTER = TimeValue.ofSeconds(1);

  // A peer that has gone without a word is found out by the kernel after 30 + 3 * 10 s.
  private static final int PROBE_AFTER_SECONDS = 30;
  private static final int PROBE_EVERY_SECONDS = 10;
  private static final int PROBES = 3;

  /** Under what a request's guard stands in its context. */
  private static final String GUARD = "sluice.guard";

  private final CloseableHttpClient http;
  private final String server;
  private final int headTimeoutMillis;
  private final List<Interceptor> interceptors;
  private final RequestTags tags;
  private final BooleanSupplier clientClosed;
  private final Set<Exchange> open = ConcurrentHashMap.newKeySet();
  private final AtomicBoolean closed = new AtomicBoolean();

  /**
   * A transport.
   *
   * @param server where requests go, without a slash at the end
   * @param headTimeoutMillis how long a response's head may take; 0 for as long as it likes
   * @param settings TLS, proxy, interceptors and the like
   * @param requestConfig the user's, which interceptors ask for
   * @param clientClosed whether the client that all this was taken from is closed
   */
  BlockingTransport(
      String server,
      int headTimeoutMillis,
      StandardHttpClientBuilder<?, ?, ?> settings,
      io.fabric8.kubernetes.client.RequestConfig requestConfig,
      BooleanSupplier clientClosed) {
    this.server = server;
    this.headTimeoutMillis = headTimeoutMillis;
    this.interceptors = List.copyOf(settings.getInterceptors().values());
    Map<Class<?>, Object> tagged = new LinkedHashMap<>(settings.getTags());
    tagged.put(io.fabric8.kubernetes.client.RequestConfig.class, requestConfig);
    this.tags =
        new RequestTags() {
          @Override
          public <T> @Nullable T getTag(Class<T> type) {
            return type.cast(tagged.get(type));
          }
        };
    this.clientClosed = clientClosed;
    this.http = client(settings);
  }

  private CloseableHttpClient client(StandardHttpClientBuilder<?, ?, ?> settings) {
    HttpClientBuilder builder =
        HttpClientBuilder.create()
            .setConnectionManager(connections(settings))
            .setRequestExecutor(new HeadInTime(headTimeoutMillis))
            .setDefaultRequestConfig(
                RequestConfig.custom()
                    .setProtocolUpgradeEnabled(false)
                    .setDefaultKeepAlive(KEEP_ALIVE.toSeconds(), TimeUnit.SECONDS)
                    .build())
            .disableAutomaticRetries()
            .disableContentCompression()
            .disableCookieManagement()
            .disableAuthCaching()
            .disableConnectionState()
            .disableDefaultUserAgent();
    if (!settings.isFollowRedirects()) {
      builder.disableRedirectHandling();
    }
    InetSocketAddress proxy = settings.getProxyAddress();
    if (proxy != null && settings.getProxyType() == HttpClient.ProxyType.HTTP) {
      builder.setProxy(new HttpHost("http", proxy.getHostString(), proxy.getPort()));
      String authorization = settings.getProxyAuthorization();
      String[] credentials = HttpClientUtils.decodeBasicCredentials(authorization);
      if (credentials != null) {
        BasicCredentialsProvider provider = new BasicCredentialsProvider();
        provider.setCredentials(
            new AuthScope(proxy.getHostString(), proxy.getPort()),
            new UsernamePasswordCredentials(credentials[0], credentials[1].toCharArray()));
        builder.setDefaultCredentialsProvider(provider);
      } else if (authorization != null && server.startsWith("http:")) {
        // The header of a tunnel's requests would reach the API server instead of the proxy.
        builder.addRequestInterceptorLast(
            (request, entity, context) -> request.setHeader("Proxy-Authorization", authorization));
      }
    }
    return builder.build();
  }

  private static PoolingHttpClientConnectionManager connections(
      StandardHttpClientBuilder<?, ?, ?> settings) {
    SocketConfig.Builder socket =
        SocketConfig.custom()
            .setTcpNoDelay(true)
            .setSoTimeout(Timeout.DISABLED)
            .setSoKeepAlive(true)
            .setTcpKeepIdle(PROBE_AFTER_SECONDS)
            .setTcpKeepInterval(PROBE_EVERY_SECONDS)
            .setTcpKeepCount(PROBES);
    HttpClient.ProxyType proxyType = settings.getProxyType();
    if (settings.getProxyAddress() != null
        && (proxyType == HttpClient.ProxyType.SOCKS4 || proxyType == HttpClient.ProxyType.SOCKS5)) {
      socket.setSocksProxyAddress(settings.getProxyAddress());
    }
    ConnectionConfig.Builder connection =
        ConnectionConfig.custom().setValidateAfterInactivity(VALIDATE_AFTER);
    if (settings.getConnectTimeout() != null) {
      connection.setConnectTimeout(Timeout.of(settings.getConnectTimeout()));
    }
    PoolingHttpClientConnectionManagerBuilder manager =
        PoolingHttpClientConnectionManagerBuilder.create()
            .setMaxConnTotal(Integer.MAX_VALUE)
            .setMaxConnPerRoute(Integer.MAX_VALUE)
            .setConnectionFactory(new Connections())
            .setDefaultSocketConfig(socket.build())
            .setDefaultConnectionConfig(connection.build());
    if (settings.getSslContext() != null) {
      manager.setTlsSocketStrategy(tls(settings));
    }
    return manager.build();
  }

  /** Whose certificate it is, the JDK's own trust managers look at, or fabric8's that trust all. */
  private static TlsSocketStrategy tls(StandardHttpClientBuilder<?, ?, ?> settings) {
    TlsVersion[] versions = settings.getTlsVersions();
    String[] protocols =
        versions == null || versions.length == 0
            ? null
            : Stream.of(versions).map(TlsVersion::javaName).toArray(String[]::new);
    DefaultClientTlsStrategy strategy =
        new DefaultClientTlsStrategy(
            settings.getSslContext(),
            protocols,
            null,
            SSLBufferMode.STATIC,
            HostnameVerificationPolicy.BUILTIN,
            null);
    String name = settings.getTlsServerName();
    return name == null || name.isEmpty()
        ? strategy
        : (socket, target, port, attachment, context) ->
            strategy.upgrade(socket, name, port, attachment, context);
  }

  @Override
  public Response send(Request request) throws IOException, InterruptedException {
    if (!request.path().startsWith("/")) {
      throw new IllegalArgumentException(
          "a request's path begins with a slash, unlike '" + request.path() + "'");
    }
    if (Thread.interrupted()) {
      throw new InterruptedException();
    }
    Exchange exchange = new Exchange(request);
    open.add(exchange);
    try {
      if (closed.get()) {
        throw new IOException(exchange.describe("the transport is closed"));
      }
      if (clientClosed.getAsBoolean()) {
        throw new IOException(exchange.describe("Client is closed"));
      }
      if (Thread.currentThread().isVirtual()) {
        exchange.awaitHead();
      } else {
        interruptibly(exchange);
      }
      return exchange;
    } catch (Throwable e) {
      exchange.close();
      throw e;
    }
  }

  /** Waits on a virtual thread: a platform thread that is blocked in a socket cannot be woken. */
  private static void interruptibly(Exchange exchange) throws IOException, InterruptedException {
    FutureTask<@Nullable Void> head =
        new FutureTask<>(() -> {
          exchange.awaitHead();
          return null;
        });
    Thread.ofVirtual().name("sluice-send").start(head);
    try {
      head.get();
    } catch (ExecutionException e) {
      switch (e.getCause()) {
        case IOException broken -> throw broken;
        case InterruptedException interrupted -> throw interrupted;
        case RuntimeException defect -> throw defect;
        case null, default -> throw new IllegalStateException(e);
      }
    }
  }

  @Override
  public void close() {
    if (closed.compareAndSet(false, true)) {
      open.forEach(Exchange::close);
      http.close(CloseMode.IMMEDIATE);
    }
  }

  /** A request on its way and then its response. */
  private final class Exchange implements Response {
    private final Request request;
    private volatile @Nullable HttpUriRequestBase sent;
    private volatile boolean aborted;
    private volatile boolean over;
    private int status;
    private Map<String, List<String>> headers = Map.of();
    private InputStream body = InputStream.nullInputStream();

    Exchange(Request request) {
      this.request = request;
    }

    void awaitHead() throws IOException, InterruptedException {
      try {
        exchange();
      } catch (HeldBack e) {
        throw e.why;
      } catch (IOException | RuntimeException e) {
        if (Thread.interrupted()) {
          InterruptedException interrupted = new InterruptedException();
          interrupted.initCause(e);
          throw interrupted;
        }
        if (aborted) {
          throw failure(new CancellationException());
        }
        if (e instanceof SocketTimeoutException && !(e instanceof ConnectTimeoutException)) {
          throw timedOut("no response within " + headTimeoutMillis, " (fabric8's requestTimeout)");
        }
        throw failure(e);
      }
    }

    private void exchange() throws IOException, InterruptedException {
      StandardHttpRequest.Builder builder = translated();
      for (Interceptor interceptor : interceptors) {
        interceptor.before(builder, builder.build(), tags);
      }
      ClassicHttpResponse response = sendOnce(builder.build());
      for (Interceptor interceptor : interceptors) {
        if (response.getCode() >= 200 && response.getCode() < 300) {
          break;
        }
        boolean again;
        try {
          again =
              interceptor.afterFailure(builder, new Refusal(builder.build(), response), tags).get();
        } catch (ExecutionException e) {
          throw failure(e);
        }
        if (again) {
          abort();
          response = sendOnce(builder.build());
        }
      }
      status = response.getCode();
      headers = lowerCased(response);
      HttpEntity entity = response.getEntity();
      if (entity == null) {
        over();
      } else {
        body =
            Gunzip.ifCompressed(
                new Body(entity.getContent()), header("content-encoding").orElse(""));
      }
    }

    private StandardHttpRequest.Builder translated() {
      StandardHttpRequest.Builder builder = new StandardHttpRequest.Builder();
      builder.uri(URI.create(server + request.path()));
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
      if (contentType != null) {
        builder.setHeader("Content-Type", contentType);
      }
      builder.method(request.method(), contentType, null);
      return builder;
    }

    private ClassicHttpResponse sendOnce(StandardHttpRequest translated) throws IOException {
      HttpUriRequestBase message = new HttpUriRequestBase(request.method(), translated.uri());
      translated
          .headers()
          .forEach((name, values) -> values.forEach(value -> message.addHeader(name, value)));
      if (request.body().length > 0) {
        message.setEntity(new ByteArrayEntity(request.body(), null));
      }
      sent = message;
      if (aborted) {
        message.cancel();
      }
      HttpClientContext context = HttpClientContext.create();
      context.setAttribute(GUARD, request.guard());
      return http.executeOpen(null, message, context);
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
      return body;
    }

    @Override
    public void close() {
      aborted = true;
      if (!over) {
        abort();
      }
      open.remove(this);
    }

    private void abort() {
      HttpUriRequestBase message = sent;
      if (message != null) {
        message.cancel();
      }
    }

    private void over() {
      over = true;
      open.remove(this);
    }

    IOException failure(Throwable cause) {
      return Failures.explain(describe(""), cause);
    }

    private SocketTimeoutException timedOut(String what, String whose) {
      return new SocketTimeoutException(describe(what + " ms" + whose));
    }

    String describe(String what) {
      int query = request.path().indexOf('?');
      String path = query < 0 ? request.path() : request.path().substring(0, query);
      return request.method() + " " + server + path + ": " + what;
    }

    /** What arrives, with failures that say of which exchange they are. */
    private final class Body extends InputStream {
      private final InputStream in;

      Body(InputStream in) {
        this.in = in;
      }

      @Override
      public int read() throws IOException {
        byte[] one = new byte[1];
        return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
      }

      @Override
      public int read(byte[] target, int offset, int length) throws IOException {
        if (Thread.currentThread().isInterrupted()) {
          throw interrupted(null);
        }
        if (aborted) {
          throw closedMeanwhile(null);
        }
        try {
          int count = in.read(target, offset, length);
          if (count < 0) {
            over();
          }
          return count;
        } catch (IOException | RuntimeException e) {
          if (aborted) {
            throw closedMeanwhile(e);
          }
          if (Thread.currentThread().isInterrupted()) {
            throw interrupted(e);
          }
          throw failure(e);
        }
      }

      private IOException closedMeanwhile(@Nullable Exception cause) {
        return new IOException("the exchange was closed while its body was being read", cause);
      }

      private InterruptedIOException interrupted(@Nullable Exception cause) {
        Exchange.this.close();
        InterruptedIOException interrupted =
            new InterruptedIOException(
                "interrupted while reading a body; the exchange was aborted");
        interrupted.initCause(cause);
        return interrupted;
      }

      @Override
      public int available() throws IOException {
        return in.available();
      }

      @Override
      public void close() {
        Exchange.this.close();
      }
    }
  }

  private static Map<String, List<String>> lowerCased(ClassicHttpResponse response) {
    Map<String, List<String>> lower = new HashMap<>();
    for (Header header : response.getHeaders()) {
      lower
          .computeIfAbsent(header.getName().toLowerCase(Locale.ROOT), name -> new ArrayList<>())
          .add(header.getValue());
    }
    return lower;
  }

  /** An answer other than success, as fabric8's interceptors want to see it. */
  private static final class Refusal
      implements io.fabric8.kubernetes.client.http.HttpResponse<@Nullable Object> {
    private final StandardHttpRequest request;
    private final ClassicHttpResponse response;

    Refusal(StandardHttpRequest request, ClassicHttpResponse response) {
      this.request = request;
      this.response = response;
    }

    @Override
    public int code() {
      return response.getCode();
    }

    @Override
    public @Nullable Object body() {
      return null;
    }

    @Override
    public io.fabric8.kubernetes.client.http.HttpRequest request() {
      return request;
    }

    @Override
    public java.util.Optional<io.fabric8.kubernetes.client.http.HttpResponse<?>>
        previousResponse() {
      return java.util.Optional.empty();
    }

    @Override
    public List<String> headers(String name) {
      return Stream.of(response.getHeaders(name)).map(Header::getValue).toList();
    }

    @Override
    public Map<String, List<String>> headers() {
      return lowerCased(response);
    }
  }

  /** Bounds the wait for a response's head, and not that for its body. */
  private static final class HeadInTime extends HttpRequestExecutor {
    private final Timeout timeout;

    HeadInTime(int millis) {
      this.timeout = Timeout.ofMilliseconds(millis);
    }

    @Override
    public ClassicHttpResponse execute(
        ClassicHttpRequest request,
        HttpClientConnection connection,
        HttpResponseInformationCallback informed,
        HttpContext context)
        throws IOException, HttpException {
      connection.setSocketTimeout(timeout);
      // There is a connection, and whoever waited for it has waited: now the bytes leave.
      if (context.getAttribute(GUARD) instanceof Guard guard) {
        try {
          guard.check();
        } catch (IOException e) {
          throw new HeldBack(e);
        }
      }
      ClassicHttpResponse response = super.execute(request, connection, informed, context);
      connection.setSocketTimeout(Timeout.DISABLED);
      return response;
    }
  }

  /** A guard let a request not leave. */
  private static final class HeldBack extends IOException {
    private static final long serialVersionUID = 1L;
    private final transient IOException why;

    HeldBack(IOException why) {
      super(why);
      this.why = why;
    }
  }

  private static final class Connections
      implements HttpConnectionFactory<ManagedHttpClientConnection> {
    private static final Http1Config CONFIG = Http1Config.custom().setBufferSize(BUFFER).build();
    private final AtomicLong made = new AtomicLong();

    @Override
    public ManagedHttpClientConnection createConnection(@Nullable Socket socket)
        throws IOException {
      Connection connection = new Connection("sluice-" + made.incrementAndGet(), CONFIG);
      if (socket != null) {
        connection.bind(socket);
      }
      return connection;
    }
  }

  /** A connection whose chunked bodies are read by the buffer instead of by the chunk. */
  private static final class Connection extends DefaultManagedHttpClientConnection {
    Connection(String id, Http1Config config) {
      super(id, null, null, config, null, null, null, null);
    }

    @Override
    protected InputStream createContentInputStream(
        long length, SessionInputBuffer buffer, InputStream socket) {
      return length == ContentLengthStrategy.CHUNKED
          ? new ChunkedBody(buffer, socket)
          : super.createContentInputStream(length, buffer, socket);
    }
  }
}
