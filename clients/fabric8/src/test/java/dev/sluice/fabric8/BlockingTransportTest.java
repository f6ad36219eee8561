package dev.sluice.fabric8;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.sluice.kube.Transport;
import dev.sluice.kube.Transport.Request;
import dev.sluice.kube.Transport.Response;
import io.fabric8.kubernetes.client.Config;
import io.fabric8.kubernetes.client.ConfigBuilder;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientBuilder;
import io.fabric8.kubernetes.client.http.BasicBuilder;
import io.fabric8.kubernetes.client.http.HttpRequest;
import io.fabric8.kubernetes.client.http.Interceptor;
import io.fabric8.kubernetes.client.vertx5.Vertx5HttpClientFactory;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;

/** What only the transport's own connections do; the rest is {@link Fabric8TransportTest}'s. */
class BlockingTransportTest {
  private static final Request GET = Request.get("/api/v1/pods?watch=true", "application/json");

  private static Config config(ScriptedServer server) throws IOException {
    return new ConfigBuilder(Config.empty()).withMasterUrl(server.url()).build();
  }

  @Test
  void oneReadTakesTheChunksThatHaveArrived() throws Exception {
    int chunks = 300;
    String event = "e".repeat(99) + "\n";
    StringBuilder answer =
        new StringBuilder("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    answer.append("64\r\n%s\r\n".formatted(event).repeat(chunks)).append("0\r\n\r\n");
    try (ScriptedServer server = new ScriptedServer(call -> call.write(answer.toString()));
        Transport transport = SluiceFabric8.transport(config(server));
        Response response = transport.send(GET)) {
      byte[] target = new byte[1 << 16];
      int reads = 0;
      long total = 0;
      for (int n = 0; n >= 0; n = response.body().read(target)) {
        total += n;
        reads++;
      }
      assertThat(total).isEqualTo(chunks * 100L);
      assertThat(reads).isLessThan(chunks / 3);
    }
  }

  @Test
  void anInterruptWakesAPlatformThreadThatWaitsForTheHead() throws Exception {
    CountDownLatch asked = new CountDownLatch(1);
    CountDownLatch never = new CountDownLatch(1);
    try (ScriptedServer server =
            new ScriptedServer(call -> {
              asked.countDown();
              never.await();
            });
        Transport transport = SluiceFabric8.transport(config(server))) {
      FutureTask<Response> sending = new FutureTask<>(() -> transport.send(GET));
      Thread sender = Thread.ofPlatform().start(sending);
      asked.await();

      sender.interrupt();

      assertThatExceptionOfType(ExecutionException.class)
          .isThrownBy(() -> sending.get(5, TimeUnit.SECONDS))
          .withCauseInstanceOf(InterruptedException.class);
    }
  }

  @Test
  void aUsersInterceptorsSeeItsRequests() throws Exception {
    try (ScriptedServer server = new ScriptedServer(call -> call.json(200, "{}"));
        KubernetesClient client =
            new KubernetesClientBuilder()
                .withConfig(config(server))
                .withHttpClientFactory(new Vertx5HttpClientFactory())
                .withHttpClientBuilderConsumer(builder ->
                    builder.addOrReplaceInterceptor(
                        "mine",
                        new Interceptor() {
                          @Override
                          public void before(
                              BasicBuilder builder, HttpRequest request, RequestTags tags) {
                            builder.setHeader("X-Mine", "yes");
                          }
                        }))
                .build();
        Transport transport = SluiceFabric8.transport(client);
        Response response = transport.send(GET)) {
      assertThat(transport).isInstanceOf(BlockingTransport.class);
      assertThat(response.body().readAllBytes()).isEqualTo("{}".getBytes(UTF_8));
      assertThat(server.nextCall().header("x-mine")).isEqualTo("yes");
    }
  }

  /** In the part of HTTP/2's PING. The kernel says which of its timers a connection waits for. */
  @Test
  @EnabledOnOs(OS.LINUX)
  void asksThePeerWhetherItIsThereWhileNothingArrives() throws Exception {
    CountDownLatch done = new CountDownLatch(1);
    try (ScriptedServer server =
            new ScriptedServer(call -> {
              call.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
              done.await();
            });
        Transport transport = SluiceFabric8.transport(config(server));
        Response response = transport.send(GET)) {
      String port = String.format("%04X", URI.create(server.url()).getPort());
      List<String> timers = new ArrayList<>();
      for (String table : List.of("tcp", "tcp6")) {
        for (String line : Files.readAllLines(Path.of("/proc/net", table))) {
          String[] fields = line.strip().split("\\s+");
          if (fields[2].endsWith(":" + port) && fields[3].equals("01")) {
            timers.add(fields[5].substring(0, 2));
          }
        }
      }
      assertThat(response.status()).isEqualTo(200);
      assertThat(timers).containsExactly("02");
      done.countDown();
    }
  }
}
