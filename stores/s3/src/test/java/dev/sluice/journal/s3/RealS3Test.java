package dev.sluice.journal.s3;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.fabric8.SluiceFabric8;
import dev.sluice.flow.FlowEvent;
import dev.sluice.kube.Controller;
import dev.sluice.kube.Informer;
import dev.sluice.kube.Journal;
import dev.sluice.kube.JournalBucket;
import dev.sluice.kube.JournalStatus.Rung;
import dev.sluice.kube.JournalStatus.State;
import dev.sluice.kube.JournalStore;
import dev.sluice.kube.JournalStore.Ownership;
import dev.sluice.kube.ObjectKey;
import dev.sluice.kube.Outcome;
import dev.sluice.kube.Resource;
import dev.sluice.kube.ResourceKind;
import dev.sluice.kube.Transport;
import dev.sluice.kube.WriteResult;
import dev.sluice.kube.Writer;
import dev.sluice.stores.RealServer;
import dev.sluice.stores.SharedStoreContract;
import dev.sluice.testkit.ApiServer;
import io.fabric8.kubernetes.client.Config;
import io.fabric8.kubernetes.client.ConfigBuilder;
import java.io.IOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Base64;
import java.util.List;
import java.util.Random;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInfo;
import org.junit.jupiter.api.io.TempDir;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.http.urlconnection.UrlConnectionHttpClient;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.s3.S3Client;

/** A released S3 server does what every store must, and carries a controller from pod to pod. */
@Tag("real")
class RealS3Test extends SharedStoreContract {
  private static final ResourceKind CONFIG_MAPS =
      ResourceKind.namespaced("", "v1", "configmaps", "ConfigMap");

  @TempDir static Path directory;

  @SuppressWarnings("NullAway.Init") // before all
  private static RealServer server;

  private String prefix = "";

  @BeforeAll
  static void start() throws IOException {
    Files.createDirectories(directory.resolve("data/state"));
    server = RealServer.s3(directory.resolve("data"));
  }

  @AfterAll
  static void stop() {
    server.close();
  }

  @BeforeEach
  void prefix(TestInfo test) {
    prefix = "journals/" + test.getDisplayName().replaceAll("\\W", "");
  }

  private static S3Client client(String secret) {
    return S3Client.builder()
        .httpClientBuilder(UrlConnectionHttpClient.builder())
        .endpointOverride(URI.create("http://127.0.0.1:" + server.port()))
        .forcePathStyle(true)
        .region(Region.US_EAST_1)
        .credentialsProvider(
            StaticCredentialsProvider.create(AwsBasicCredentials.create("sluice-test", secret)))
        .build();
  }

  private S3Journal journal() {
    return S3Journal.in("state").prefix(prefix).client(client("sluice-test"));
  }

  @Override
  protected JournalBucket bucket() {
    return journal().bucket();
  }

  @Test
  void saysWhatIsMissing() {
    assertThatThrownBy(S3Journal.in("nobody").client(client("sluice-test")).store()::open)
        .isInstanceOf(IOException.class)
        .hasMessageContaining("NoSuchBucket")
        .hasMessageContaining("must be made first");
    assertThatThrownBy(S3Journal.in("state").client(client("wrong")).store()::open)
        .isInstanceOf(IOException.class)
        .hasMessageContaining("HTTP 403")
        .hasMessageContaining("s3:PutObject");
  }

  @Test
  void findsCredentialsAsTheSdkDoes() throws Exception {
    System.setProperty("aws.accessKeyId", "sluice-test");
    System.setProperty("aws.secretAccessKey", "sluice-test");
    try {
      JournalStore store =
          S3Journal.in("state")
              .prefix(prefix)
              .region("us-east-1")
              .endpoint(URI.create("http://127.0.0.1:" + server.port()))
              .store();
      store.open();
      put(store, "log-1", "1");
      assertThat(get(store, "log-1")).isEqualTo("1");
      store.close();
    } finally {
      System.clearProperty("aws.accessKeyId");
      System.clearProperty("aws.secretAccessKey");
    }
  }

  private static void await(Runnable assertion) throws InterruptedException {
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
    while (true) {
      try {
        assertion.run();
        return;
      } catch (AssertionError e) {
        if (System.nanoTime() - deadline > 0) {
          throw e;
        }
        TimeUnit.MILLISECONDS.sleep(20);
      }
    }
  }

  private static void put(Writer writer, String name, String value) throws Exception {
    String json =
        "{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\""
            + name
            + "\",\"namespace\":\"default\"},\"data\":{\"v\":\""
            + value
            + "\"}}";
    byte[] body = json.getBytes(StandardCharsets.UTF_8);
    WriteResult result = writer.create(CONFIG_MAPS, "default", body);
    if (!(result instanceof WriteResult.Written)) {
      result = writer.update(CONFIG_MAPS, ObjectKey.of("default", name), body);
    }
    assertThat(result).isInstanceOf(WriteResult.Written.class);
  }

  private static Config config(ApiServer api) {
    return new ConfigBuilder(Config.empty()).withMasterUrl(api.url().toString()).build();
  }

  /** A pod: what it has reconciled, and what it was told of its journal. */
  private final class Pod implements AutoCloseable {
    final ConcurrentLinkedQueue<String> seen = new ConcurrentLinkedQueue<>();
    final ConcurrentLinkedQueue<FlowEvent> events = new ConcurrentLinkedQueue<>();
    final Informer<Resource> informer;
    final Controller<Resource> controller;

    Pod(String name, Transport transport) {
      Journal journal =
          Journal.in(journal().ownership(Ownership.standard().holder(name).takingOver()).store())
              .interval(Duration.ofMillis(100));
      informer =
          Informer.of(transport, CONFIG_MAPS)
              .namespace("default")
              .journal(journal)
              .listener(events::add)
              .start();
      controller =
          Controller.named("test")
              .watching(informer)
              .unlimited()
              .reconcile((key, context) -> {
                seen.add(key.name());
                return Outcome.done();
              })
              .start();
    }

    State state() {
      return informer.status().journal().orElseThrow().state();
    }

    void uploaded() throws InterruptedException {
      await(() -> {
        var status = informer.status().journal().orElseThrow();
        assertThat(status.state()).isEqualTo(State.WRITING);
        assertThat(status.durable()).isEqualTo(status.position());
      });
    }

    @Override
    public void close() {
      controller.close();
      informer.close();
    }
  }

  @Test
  void handsWhatIsFinishedFromPodToPodAndLocksThePausedOneOut() throws Exception {
    try (ApiServer api = ApiServer.start()) {
      Config config = config(api);
      Transport transport = SluiceFabric8.transport(config);
      Writer writer = Writer.over(transport).build();
      for (String name : List.of("a", "b", "c")) {
        put(writer, name, "1");
      }
      try (Pod first = new Pod("pod-1", transport)) {
        await(() -> assertThat(first.seen).contains("a", "b", "c"));
        await(() -> assertThat(first.controller.status().caughtUp()).isTrue());
        first.uploaded();
        int before = first.seen.size();
        // pod-1 is cut off from its lease, say, and another is made leader.
        try (Pod second = new Pod("pod-2", transport)) {
          await(() -> assertThat(second.controller.status().caughtUp()).isTrue());
          assertThat(second.informer.status().journal().orElseThrow().rung())
              .isEqualTo(Rung.NEWEST);
          assertThat(second.seen).isEmpty();
          put(writer, "b", "2");
          await(() -> assertThat(second.seen).containsExactly("b"));
          await(() -> assertThat(first.seen).hasSizeGreaterThan(before));
          // The first is told, and its stream goes on without a journal.
          await(() -> assertThat(first.state()).isEqualTo(State.REFUSED));
          assertThat(first.informer.status().journal().orElseThrow().trouble())
              .contains("was taken over by pod-2");
          assertThat(first.events).anyMatch(event -> event.cause().equals("journal-refused"));
          await(() -> assertThat(second.controller.status().caughtUp()).isTrue());
          second.uploaded();
        }
      }
      try (Pod third = new Pod("pod-3", transport)) {
        await(() -> assertThat(third.controller.status().caughtUp()).isTrue());
        assertThat(third.seen).isEmpty();
        assertThat(third.informer.store().size()).isEqualTo(3);
      }
    }
  }

  @Test
  void bringsTenThousandObjectsBackWithoutListingThem() throws Exception {
    int objects = 10_000;
    try (ApiServer api = ApiServer.start()) {
      StringBuilder list =
          new StringBuilder("{\"apiVersion\":\"v1\",\"kind\":\"List\",\"items\":[");
      Random random = new Random(1);
      byte[] value = new byte[3000];
      for (int i = 0; i < objects; i++) {
        random.nextBytes(value);
        list.append(i == 0 ? "" : ",")
            .append("{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"c-")
            .append(i)
            .append("\",\"namespace\":\"default\"},\"data\":{\"v\":\"")
            .append(Base64.getEncoder().encodeToString(value))
            .append("\"}}");
      }
      api.load(list.append("]}").toString());
      Transport transport = SluiceFabric8.transport(config(api));
      try (Pod first = new Pod("pod-1", transport)) {
        await(() -> assertThat(first.controller.status().counts().done()).isEqualTo(objects));
        first.uploaded();
      }
      api.requests().clear();
      long began = System.nanoTime();
      try (Pod second = new Pod("pod-2", transport)) {
        assertThat(second.informer.awaitSynced(Duration.ofSeconds(60))).isTrue();
        long took = System.nanoTime() - began;
        System.out.printf(
            "%d objects of 4 KB that do not pack, from S3: resumed after %d ms%n",
            objects, took / 1_000_000);
        assertThat(second.informer.store().size()).isEqualTo(objects);
        await(() -> assertThat(second.controller.status().caughtUp()).isTrue());
        assertThat(second.seen).isEmpty();
        // One, with a limit of 1, to see where the server stands.
        assertThat(api.requests().count("list", "configmaps")).isEqualTo(1);
      }
    }
  }

  @Test
  void goesOnLoudlyWhileTheServerIsAwayAndHeals() throws Exception {
    try (ApiServer api = ApiServer.start()) {
      Transport transport = SluiceFabric8.transport(config(api));
      Writer writer = Writer.over(transport).build();
      put(writer, "a", "1");
      try (Pod pod = new Pod("pod-1", transport)) {
        await(() -> assertThat(pod.seen).contains("a"));
        pod.uploaded();
        server.stop();
        try {
          put(writer, "b", "1");
          await(() -> assertThat(pod.seen).contains("b"));
          await(() -> assertThat(pod.state()).isEqualTo(State.FAILED));
          put(writer, "c", "1");
          await(() -> assertThat(pod.seen).contains("c"));
          assertThat(pod.informer.status().journal().orElseThrow().trouble())
              .contains("s3://state/");
          await(() ->
              assertThat(pod.events).anyMatch(event -> event.cause().equals("journal-failed")));
        } finally {
          server.start();
        }
        await(() -> assertThat(pod.events).anyMatch(e -> e.cause().equals("journal-healed")));
        await(() -> assertThat(pod.controller.status().caughtUp()).isTrue());
        pod.uploaded();
      }
      try (Pod next = new Pod("pod-2", transport)) {
        await(() -> assertThat(next.controller.status().caughtUp()).isTrue());
        assertThat(next.seen).isEmpty();
        assertThat(next.informer.store().size()).isEqualTo(3);
      }
    }
  }
}
