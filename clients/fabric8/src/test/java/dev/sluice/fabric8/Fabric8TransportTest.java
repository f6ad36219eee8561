package dev.sluice.fabric8;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.fabric8.ScriptedServer.Call;
import dev.sluice.fabric8.ScriptedServer.Flood;
import dev.sluice.kube.Transport;
import dev.sluice.kube.Transport.Request;
import dev.sluice.kube.Transport.Response;
import io.fabric8.kubernetes.client.Config;
import io.fabric8.kubernetes.client.ConfigBuilder;
import io.fabric8.kubernetes.client.KubernetesClient;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.InterruptedIOException;
import java.io.OutputStream;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.SocketTimeoutException;
import java.net.UnknownHostException;
import java.time.Duration;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.EnumSource;

@ParameterizedClass
@EnumSource
class Fabric8TransportTest {
  private final HttpClients http;

  Fabric8TransportTest(HttpClients http) {
    this.http = http;
  }

  private static final Request GET = Request.get("/api/v1/pods?watch=true", "application/json");

  private static Config config(String url) {
    return new ConfigBuilder(Config.empty()).withMasterUrl(url).build();
  }

  @Test
  void sendsMethodPathHeadersCredentialsAndTheBytesOfTheBody() throws Exception {
    byte[] body = HexFormat.of().parseHex("6b3873000aff00fe80");
    try (ScriptedServer server = new ScriptedServer(call -> call.json(201, "{}"));
        Transport transport =
            http.transport(
                new ConfigBuilder(config(server.url())).withOauthToken("secret").build());
        Response response =
            transport.send(
                new Request(
                    "PUT",
                    "/api/v1/namespaces/n/pods/p?fieldManager=a%20b",
                    Map.of("Content-Type", "application/vnd.kubernetes.protobuf", "X-Mine", "yes"),
                    body))) {
      Call call = server.nextCall();
      assertThat(call.line())
          .isEqualTo("PUT /api/v1/namespaces/n/pods/p?fieldManager=a%20b HTTP/1.1");
      assertThat(call.header("content-type")).isEqualTo("application/vnd.kubernetes.protobuf");
      assertThat(call.header("x-mine")).isEqualTo("yes");
      assertThat(call.header("authorization")).isEqualTo("Bearer secret");
      assertThat(call.body()).isEqualTo(body);
      assertThat(response.status()).isEqualTo(201);
    }
  }

  @Test
  void aBodyWithoutAContentTypeIsJsonAndNoBodyHasNone() throws Exception {
    try (ScriptedServer server = new ScriptedServer(call -> call.json(200, "{}"));
        Transport transport = http.transport(config(server.url()))) {
      transport.send(new Request("DELETE", "/x", Map.of(), "{}".getBytes(UTF_8))).close();
      transport.send(new Request("DELETE", "/x", Map.of(), new byte[0])).close();
      assertThat(server.nextCall().header("content-type")).isEqualTo("application/json");
      assertThat(server.nextCall().header("content-type")).isEmpty();
    }
  }

  @Test
  void givesStatusHeadersInLowerCaseAndBodyAsTheServerSentThem() throws Exception {
    try (ScriptedServer server =
            new ScriptedServer(call ->
                call.write(
                    "HTTP/1.1 429 Too Many Requests\r\n"
                        + "Retry-After: 7\r\n"
                        + "Content-Length: 9\r\n\r\n"
                        + "slow down"));
        Transport transport = http.transport(config(server.url()));
        Response response = transport.send(GET)) {
      assertThat(response.status()).isEqualTo(429);
      assertThat(response.headers()).containsKey("retry-after");
      assertThat(response.header("Retry-After")).contains("7");
      assertThat(response.body()).hasContent("slow down");
    }
  }

  @Test
  void keepsThePathOfTheServersAddress() throws Exception {
    try (ScriptedServer server = new ScriptedServer(call -> call.json(200, "{}"));
        Transport transport = http.transport(config(server.url() + "/k8s/clusters/c-1"));
        Response response = transport.send(GET)) {
      assertThat(response.status()).isEqualTo(200);
      assertThat(server.nextCall().line())
          .isEqualTo("GET /k8s/clusters/c-1/api/v1/pods?watch=true HTTP/1.1");
    }
  }

  @Test
  void aCleanEndOfAChunkedBodyIsMinusOne() throws Exception {
    try (ScriptedServer server =
            new ScriptedServer(call -> {
              call.beginChunked();
              call.chunk("one\n");
              call.chunk("two\n");
              call.endChunked();
            });
        Transport transport = http.transport(config(server.url()));
        Response response = transport.send(GET)) {
      assertThat(response.body().readAllBytes()).asString().isEqualTo("one\ntwo\n");
      assertThat(response.body().read()).isEqualTo(-1);
    }
  }

  @Test
  void aBodyThatIsCutIsAnErrorAndNotAnEnd() throws Exception {
    CountDownLatch firstRead = new CountDownLatch(1);
    try (ScriptedServer server =
            new ScriptedServer(call -> {
              call.beginChunked();
              call.chunk("one\n");
              call.connection().close();
            });
        Transport transport = http.transport(config(server.url()));
        Response response = transport.send(GET)) {
      InputStream body = response.body();
      assertThat(body.readNBytes(4)).asString().isEqualTo("one\n");
      firstRead.countDown();
      assertThatThrownBy(body::read)
          .isInstanceOf(IOException.class)
          .hasMessageStartingWith("GET " + server.url() + "/api/v1/pods: ");
    }
  }

  @Test
  void aBodyShorterThanItsContentLengthIsACut() throws Exception {
    try (ScriptedServer server =
            new ScriptedServer(call -> {
              call.write("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this");
              call.reset();
            });
        Transport transport = http.transport(config(server.url()));
        Response response = transport.send(GET)) {
      assertThatThrownBy(() -> response.body().readAllBytes()).isInstanceOf(IOException.class);
    }
  }

  @Test
  void whatIsNotReadIsNotFetchedAndReadingOnGetsItAll() throws Exception {
    BlockingQueue<Long> lengths = new LinkedBlockingQueue<>();
    CountDownLatch readOn = new CountDownLatch(1);
    try (ScriptedServer server =
            new ScriptedServer(call -> {
              call.beginChunked();
              Flood flood = call.writeUntilRefused(Duration.ofMillis(500), 256L << 20);
              lengths.add(flood.length());
              readOn.await();
              flood.finish();
              call.endChunked();
            });
        Transport transport = http.transport(config(server.url()));
        Response response = transport.send(GET)) {
      InputStream body = response.body();
      assertThat(body.read()).isEqualTo('x');

      // What lies in the two sockets' buffers is the kernel's affair: a few megabytes.
      long held = lengths.take();
      assertThat(held).isLessThan(64L << 20);
      assertThat(body.available()).isLessThanOrEqualTo(PulledBody.ENOUGH + 64 * 1024);

      readOn.countDown();
      assertThat(body.transferTo(OutputStream.nullOutputStream())).isEqualTo(held - 1);
    }
  }

  @Test
  void aWholeBodyIsWholeEvenIfTheServerClosesTheConnectionAtOnce() throws Exception {
    byte[] payload = new byte[300_000];
    try (ScriptedServer server =
            new ScriptedServer(call -> {
              call.write("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 300000\r\n\r\n");
              call.write(payload);
              call.connection().close();
            });
        Transport transport = http.transport(config(server.url()))) {
      for (int i = 0; i < 50; i++) {
        try (Response response = transport.send(GET)) {
          assertThat(response.body().readAllBytes()).hasSize(payload.length);
        }
      }
    }
  }

  @Test
  void closingFromAnotherThreadWakesAReaderAndDropsTheConnection() throws Exception {
    CompletableFuture<Boolean> gone = new CompletableFuture<>();
    try (ScriptedServer server =
            new ScriptedServer(call -> {
              call.beginChunked();
              call.chunk("one\n");
              gone.complete(call.goneWithin(Duration.ofSeconds(10)));
            });
        Transport transport = http.transport(config(server.url()));
        Response response = transport.send(GET)) {
      assertThat(response.body().readNBytes(4)).hasSize(4);
      CompletableFuture<Integer> blocked = new CompletableFuture<>();
      Thread reader =
          Thread.ofVirtual()
              .start(() -> {
                try {
                  blocked.complete(response.body().read());
                } catch (IOException e) {
                  blocked.completeExceptionally(e);
                }
              });
      awaitBlocked(reader);

      response.close();

      assertThat(blocked)
          .failsWithin(Duration.ofSeconds(5))
          .withThrowableThat()
          .withCauseInstanceOf(IOException.class);
      assertThat(gone.get(10, TimeUnit.SECONDS)).isTrue();
    }
  }

  private static void awaitBlocked(Thread thread) {
    while (thread.getState() != Thread.State.WAITING) {
      Thread.onSpinWait();
    }
  }

  @Test
  void anInterruptedReaderAbortsTheExchange() throws Exception {
    CompletableFuture<Boolean> gone = new CompletableFuture<>();
    try (ScriptedServer server =
            new ScriptedServer(call -> {
              call.beginChunked();
              gone.complete(call.goneWithin(Duration.ofSeconds(10)));
            });
        Transport transport = http.transport(config(server.url()));
        Response response = transport.send(GET)) {
      Thread.currentThread().interrupt();
      assertThatExceptionOfType(InterruptedIOException.class)
          .isThrownBy(() -> response.body().read());
      assertThat(Thread.interrupted()).isTrue();
      assertThat(gone.get(10, TimeUnit.SECONDS)).isTrue();
    }
  }

  @Test
  void anInterruptedSenderStopsWaitingForTheHead() throws Exception {
    CountDownLatch never = new CountDownLatch(1);
    try (ScriptedServer server = new ScriptedServer(call -> never.await());
        Transport transport = http.transport(config(server.url()))) {
      Thread.currentThread().interrupt();
      assertThatExceptionOfType(InterruptedException.class).isThrownBy(() -> transport.send(GET));
    }
  }

  @Test
  void decompressesGzip() throws Exception {
    byte[] compressed = gzip("a".repeat(100_000));
    try (ScriptedServer server =
            new ScriptedServer(call -> {
              call.write(
                  "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n"
                      .formatted(compressed.length));
              call.write(compressed);
            });
        Transport transport = http.transport(config(server.url()));
        Response response = transport.send(GET)) {
      assertThat(response.body().readAllBytes()).asString().isEqualTo("a".repeat(100_000));
      assertThat(server.nextCall().header("accept-encoding")).isEqualTo("gzip");
    }
  }

  @Test
  void aCompressedBodyThatIsCutIsAnErrorAndNotAnEnd() throws Exception {
    byte[] compressed = gzip("a".repeat(100_000));
    try (ScriptedServer server =
            new ScriptedServer(call -> {
              call.beginChunked("Content-Encoding: gzip");
              call.chunk(Arrays.copyOf(compressed, compressed.length / 2));
              call.reset();
            });
        Transport transport = http.transport(config(server.url()));
        Response response = transport.send(GET)) {
      assertThatThrownBy(() -> response.body().readAllBytes()).isInstanceOf(IOException.class);
    }
  }

  @Test
  void eventsOfACompressedStreamArriveAsTheyAreFlushed() throws Exception {
    CountDownLatch firstRead = new CountDownLatch(1);
    try (ScriptedServer server =
            new ScriptedServer(call -> {
              call.beginChunked("Content-Encoding: gzip");
              ByteArrayOutputStream bytes = new ByteArrayOutputStream();
              try (GZIPOutputStream out = new GZIPOutputStream(bytes, 512, true)) {
                out.write("one\n".getBytes(UTF_8));
                out.flush();
                call.chunk(bytes.toByteArray());
                bytes.reset();
                firstRead.await();
                out.write("two\n".getBytes(UTF_8));
              }
              call.chunk(bytes.toByteArray());
              call.endChunked();
            });
        Transport transport = http.transport(config(server.url()));
        Response response = transport.send(GET)) {
      assertThat(response.body().readNBytes(4)).asString().isEqualTo("one\n");
      firstRead.countDown();
      assertThat(response.body().readAllBytes()).asString().isEqualTo("two\n");
    }
  }

  @Test
  void leavesABodyAloneThatSomebodyElseHasDecompressed() throws Exception {
    try (ScriptedServer server =
            new ScriptedServer(call ->
                call.write(
                    "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}"));
        Transport transport = http.transport(config(server.url()));
        Response response = transport.send(GET)) {
      assertThat(response.body()).hasContent("{}");
    }
  }

  private static byte[] gzip(String text) throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (GZIPOutputStream out = new GZIPOutputStream(bytes)) {
      out.write(text.getBytes(UTF_8));
    }
    return bytes.toByteArray();
  }

  @Test
  void aBodyReadToItsEndLeavesAConnectionThatIsUsedAgain() throws Exception {
    byte[] compressed = gzip("{}");
    try (ScriptedServer server =
            new ScriptedServer(call -> {
              call.beginChunked("Content-Encoding: gzip");
              call.chunk(compressed);
              call.endChunked();
            });
        Transport transport = http.transport(config(server.url()))) {
      for (int i = 0; i < 3; i++) {
        try (Response response = transport.send(GET)) {
          assertThat(response.body()).hasContent("{}");
        }
      }
      assertThat(server.connectionsSoFar).isEqualTo(1);
    }
  }

  @Test
  void neverRepeatsARequestThatWasAnswered() throws Exception {
    AtomicInteger calls = new AtomicInteger();
    try (ScriptedServer server =
            new ScriptedServer(call -> {
              calls.incrementAndGet();
              call.json(Integer.parseInt(call.line().substring(5, 8)), "{}");
            });
        Transport transport = http.transport(config(server.url()))) {
      for (int status : new int[] {500, 503, 504, 429}) {
        try (Response response = transport.send(Request.get("/" + status, "*/*"))) {
          assertThat(response.status()).isEqualTo(status);
        }
      }
      assertThat(calls).hasValue(4);
    }
  }

  @Test
  void neverRepeatsAWriteThatWasCutBeforeItWasAnswered() throws Exception {
    Request post = new Request("POST", "/api/v1/namespaces", Map.of(), "{}".getBytes(UTF_8));
    assertThat(timesSent(post)).isEqualTo(1);
  }

  @Test
  void onlyTheJdksClientRepeatsAReadThatWasCutBeforeItWasAnswered() throws Exception {
    assertThat(timesSent(GET)).isEqualTo(http == HttpClients.JDK ? 2 : 1);
  }

  private int timesSent(Request request) throws Exception {
    try (ScriptedServer server = new ScriptedServer(Call::reset);
        Transport transport = http.transport(config(server.url()))) {
      assertThatThrownBy(() -> transport.send(request)).isInstanceOf(IOException.class);
      return server.calls.size();
    }
  }

  @Test
  void requestTimeoutBoundsTheWaitForTheHead() throws Exception {
    CountDownLatch never = new CountDownLatch(1);
    try (ScriptedServer server = new ScriptedServer(call -> never.await());
        Transport transport =
            http.transport(
                new ConfigBuilder(config(server.url())).withRequestTimeout(100).build())) {
      assertThatExceptionOfType(SocketTimeoutException.class)
          .isThrownBy(() -> transport.send(GET))
          .withMessage(
              "GET "
                  + server.url()
                  + "/api/v1/pods: no response within 100 ms (fabric8's requestTimeout)");
    }
  }

  @Test
  void requestTimeoutDoesNotCutASilentStream() throws Exception {
    CountDownLatch never = new CountDownLatch(1);
    try (ScriptedServer server =
            new ScriptedServer(call -> {
              call.beginChunked();
              assertThat(never.await(2_500, TimeUnit.MILLISECONDS)).isFalse();
              call.chunk("late\n");
              call.endChunked();
            });
        Transport transport =
            http.transport(
                new ConfigBuilder(config(server.url())).withRequestTimeout(2_000).build());
        Response response = transport.send(GET)) {
      assertThat(response.body()).hasContent("late\n");
    }
  }

  @Test
  void renewsCredentialsAsFabric8Does() throws Exception {
    BlockingQueue<String> tokens = new LinkedBlockingQueue<>();
    try (ScriptedServer server =
        new ScriptedServer(call -> {
          tokens.add(call.header("authorization"));
          call.json(call.header("authorization").endsWith("fresh") ? 200 : 401, "{}");
        })) {
      Config config =
          new ConfigBuilder(config(server.url()))
              .withOauthTokenProvider(() -> tokens.isEmpty() ? "stale" : "fresh")
              .build();
      try (Transport transport = http.transport(config);
          Response response = transport.send(GET)) {
        assertThat(response.status()).isEqualTo(200);
        assertThat(tokens).containsExactly("Bearer stale", "Bearer fresh");
      }
    }
  }

  @Test
  void credentialsThatAreStillRefusedAreRenewedOnce() throws Exception {
    AtomicInteger given = new AtomicInteger();
    try (ScriptedServer server = new ScriptedServer(call -> call.json(401, "{}"))) {
      Config config =
          new ConfigBuilder(config(server.url()))
              .withOauthTokenProvider(() -> "token-" + given.incrementAndGet())
              .build();
      try (Transport transport = http.transport(config);
          Response response = transport.send(GET)) {
        assertThat(response.status()).isEqualTo(401);
        assertThat(server.calls).hasSize(2);
      }
    }
  }

  @Test
  void impersonatesWhomTheConfigurationNames() throws Exception {
    try (ScriptedServer server = new ScriptedServer(call -> call.json(200, "{}"));
        Transport transport =
            http.transport(
                new ConfigBuilder(config(server.url())).withImpersonateUsername("jane").build());
        Response response = transport.send(GET)) {
      assertThat(response.status()).isEqualTo(200);
      assertThat(server.nextCall().header("impersonate-user")).isEqualTo("jane");
    }
  }

  @Test
  void goesThroughTheProxyOfTheConfiguration() throws Exception {
    try (ScriptedServer proxy = new ScriptedServer(call -> call.json(200, "{}"));
        Transport transport =
            http.transport(
                new ConfigBuilder(config("http://cluster.invalid"))
                    .withHttpProxy(proxy.url())
                    .build());
        Response response = transport.send(GET)) {
      assertThat(response.status()).isEqualTo(200);
      assertThat(proxy.nextCall().line())
          .isEqualTo("GET http://cluster.invalid/api/v1/pods?watch=true HTTP/1.1");
    }
  }

  @Test
  void givesTheProxyItsOwnCredentials() throws Exception {
    try (ScriptedServer proxy =
            new ScriptedServer(call -> {
              if ("Basic amFuZTpzZWNyZXQ=".equals(call.header("proxy-authorization"))) {
                call.json(200, "{}");
              } else {
                call.write(
                    "HTTP/1.1 407 Who are you\r\nProxy-Authenticate: Basic realm=\"proxy\"\r\n"
                        + "Content-Length: 0\r\n\r\n");
              }
            });
        Transport transport =
            http.transport(
                new ConfigBuilder(config("http://cluster.invalid"))
                    .withHttpProxy(proxy.url())
                    .withProxyUsername("jane")
                    .withProxyPassword("secret")
                    .build());
        Response response = transport.send(GET)) {
      assertThat(response.status()).isEqualTo(200);
    }
  }

  @Test
  void aRefusedConnectionNamesTheAddress() throws Exception {
    int port;
    try (ServerSocket free = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      port = free.getLocalPort();
    }
    try (Transport transport = http.transport(config("http://127.0.0.1:" + port))) {
      assertThatExceptionOfType(ConnectException.class)
          .isThrownBy(() -> transport.send(GET))
          .withMessageStartingWith("GET http://127.0.0.1:" + port + "/api/v1/pods: ")
          .withMessageContaining("refused");
    }
  }

  @Test
  void anUnknownHostIsSaidToBeOne() {
    try (Transport transport = http.transport(config("http://nowhere.invalid"))) {
      assertThatExceptionOfType(UnknownHostException.class)
          .isThrownBy(() -> transport.send(GET))
          .withMessageContaining("nowhere.invalid");
    }
  }

  @Test
  void closingTheTransportAbortsItsExchangesAndLeavesTheUsersClientAlone() throws Exception {
    CountDownLatch never = new CountDownLatch(1);
    try (ScriptedServer server =
            new ScriptedServer(call -> {
              if (call.line().contains("/version")) {
                call.json(200, "{\"major\":\"1\",\"minor\":\"37\"}");
              } else {
                call.beginChunked();
                never.await();
              }
            });
        KubernetesClient client = http.client(config(server.url()))) {
      Transport transport = SluiceFabric8.transport(client);
      try (Response response = transport.send(GET)) {
        transport.close();
        assertThatThrownBy(() -> response.body().read()).isInstanceOf(IOException.class);
        assertThatThrownBy(() -> transport.send(GET)).hasMessageContaining("transport is closed");
        assertThat(client.getKubernetesVersion().getMinor()).isEqualTo("37");
      }
    }
  }

  @Test
  void aClosedClientIsReportedAndNotAnsweredWithARuntimeException() throws Exception {
    try (ScriptedServer server = new ScriptedServer(call -> call.json(200, "{}"))) {
      KubernetesClient client = http.client(config(server.url()));
      Transport transport = SluiceFabric8.transport(client);
      client.close();
      assertThatThrownBy(() -> transport.send(GET))
          .isInstanceOf(IOException.class)
          .hasMessageContaining("Client is closed");
    }
  }

  @Test
  void aPathWithoutASlashIsACallersMistake() {
    try (Transport transport = http.transport(config("http://127.0.0.1:1"))) {
      assertThatThrownBy(() -> transport.send(Request.get("api/v1/pods", "*/*")))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("'api/v1/pods'");
    }
  }
}
