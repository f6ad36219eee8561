package dev.sluice.bench;

import dev.sluice.cluster.RealCluster;
import dev.sluice.fabric8.SluiceFabric8;
import dev.sluice.kube.Controller;
import dev.sluice.kube.Informer;
import dev.sluice.kube.Journal;
import dev.sluice.kube.Outcome;
import dev.sluice.kube.Resource;
import dev.sluice.kube.ResourceKind;
import dev.sluice.kube.Transport;
import dev.sluice.testkit.ApiServer;
import io.fabric8.kubernetes.api.model.ConfigMap;
import io.fabric8.kubernetes.client.Config;
import io.fabric8.kubernetes.client.ConfigBuilder;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientBuilder;
import io.fabric8.kubernetes.client.informers.ResourceEventHandler;
import io.kubernetes.client.informer.SharedInformerFactory;
import io.kubernetes.client.openapi.ApiClient;
import io.kubernetes.client.openapi.apis.CoreV1Api;
import io.kubernetes.client.openapi.models.V1ConfigMap;
import io.kubernetes.client.openapi.models.V1ConfigMapList;
import io.kubernetes.client.util.ClientBuilder;
import io.kubernetes.client.util.credentials.AccessTokenAuthentication;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.SplittableRandom;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.LongAdder;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * A controller that comes back to 10,000 config maps of 4.6 KB on the real API server: each in a
 * process of its own, through a relay that counts bytes, and with an eye on the API server's CPU
 * time. A client that lists is back when its cache has everything; one with a journal when its
 * store has and the server has accepted the watch. The server's CPU is that from the process's
 * beginning until half a second after, less what an idle one takes in that time.
 */
@Work(
    name = "journal-real",
    title = "10,000 objects on the real kube-apiserver: from main until the client is back",
    unit = Work.Unit.MILLISECONDS,
    target = "ahead of all that list",
    goals = @Goal(of = "sluice, journal", aheadOf = "fabric8|official.*|client-go.*"))
@Work(
    name = "journal-real-cpu",
    title = "the same: CPU time of the kube-apiserver",
    unit = Work.Unit.MILLISECONDS,
    target = "ahead of all that list",
    goals = @Goal(of = "sluice, journal", aheadOf = "fabric8|official.*|client-go.*"))
@Work(
    name = "journal-real-bytes",
    title = "the same: bytes on the wire",
    unit = Work.Unit.BYTES,
    target = "ahead of all that list",
    goals = @Goal(of = "sluice, journal", aheadOf = "fabric8|official.*|client-go.*"))
public final class JournalReal implements Measured {
  private static final String JOURNAL = "sluice, journal";
  private static final String LISTING = "sluice, no journal";
  private static final String FABRIC8 = "fabric8";
  private static final String OFFICIAL = "official Java client";
  private static final String GO = "client-go";
  private static final String NAMESPACE = "default";
  private static final ResourceKind MAPS =
      ResourceKind.namespaced("", "v1", "configmaps", "ConfigMap");
  private static final int AT_ONCE = 16;
  private static final int SIZE = 4_300;

  /** Where a server is, and as whom to speak with it. {@code ca} is empty for plain text. */
  private record Server(String url, String token, String ca) {}

  @Override
  public List<Figure> measure(Effort effort) throws Exception {
    int count = effort.choose(10_000, 2_000, 20);
    if (effort == Effort.BLINK) {
      // The real one takes too long for a look: what is tried is the way of measuring.
      try (ApiServer server = ApiServer.start()) {
        return measure(effort, count, new Server(server.url().toString(), server.adminToken(), ""));
      }
    }
    try (RealCluster cluster = RealCluster.start(RealCluster.Settings.plain())) {
      return measure(
          effort,
          count,
          new Server(
              cluster.url().toString(),
              cluster.token("admin"),
              cluster.caCertificate().toString()));
    }
  }

  private static List<Figure> measure(Effort effort, int count, Server server) throws Exception {
    Path folder = Files.createTempDirectory("sluice-bench");
    try {
      int there = create(server, count);
      String argument =
          server.token + "|" + server.ca + "|" + folder.resolve("journal") + "|" + there;
      // The run that leaves the journal.
      Fork.run(Life.class, effort, JOURNAL + "|" + server.url + "|" + argument, options());
      List<Figure> figures = new ArrayList<>();
      String go = System.getProperty("bench.go");
      for (String who : List.of(JOURNAL, LISTING, FABRIC8, OFFICIAL, GO)) {
        if (who.equals(GO) && (go == null || effort == Effort.BLINK)) {
          continue;
        }
        List<double[]> runs = new ArrayList<>();
        for (int i = 0; i < effort.choose(5, 2, 1); i++) {
          try (Relay relay = new Relay(URI.create(server.url))) {
            double idle = idle(effort);
            long from = System.nanoTime();
            double before = serverCpu();
            String url = (server.ca.isEmpty() ? "http" : "https") + "://127.0.0.1:" + relay.port();
            double[] run =
                who.equals(GO) && go != null
                    ? inGo(go, url, server, there)
                    : Fork.run(Life.class, effort, who + "|" + url + "|" + argument, options());
            if (effort != Effort.BLINK) {
              LockSupport.parkNanos(500_000_000L);
            }
            double seconds = (System.nanoTime() - from) / 1e9;
            runs.add(
                new double[] {
                  run[0], Math.max(0, serverCpu() - before - idle * seconds), relay.bytes()
                });
          }
        }
        String version = version(who, go);
        String[] works = {"journal-real", "journal-real-cpu", "journal-real-bytes"};
        for (int part = 0; part < works.length; part++) {
          int which = part;
          double[] values = runs.stream().mapToDouble(run -> run[which]).sorted().toArray();
          figures.add(new Figure(works[part], who, version, values[values.length / 2], Double.NaN));
        }
      }
      return figures;
    } finally {
      JournalRestart.delete(folder);
    }
  }

  private static List<String> options() {
    return List.of("-Xmx1g");
  }

  private static String version(String who, @Nullable String go) throws IOException {
    return switch (who) {
      case FABRIC8 -> Bench.version(KubernetesClientBuilder.class);
      case OFFICIAL -> Bench.version(ApiClient.class);
      case GO -> {
        Process asked = new ProcessBuilder(String.valueOf(go), "-version", GO + ", JSON").start();
        try (var said = asked.inputReader(StandardCharsets.US_ASCII)) {
          yield String.valueOf(said.readLine());
        }
      }
      default -> "";
    };
  }

  /** CPU time of the API server, in milliseconds. */
  private static double serverCpu() {
    return ProcessHandle.current()
        .descendants()
        .filter(process ->
            process.info().command().filter(name -> name.endsWith("kube-apiserver")).isPresent())
        .mapToDouble(
            process -> process.info().totalCpuDuration().map(Duration::toMillis).orElse(0L))
        .sum();
  }

  /** What it takes by itself, in milliseconds a second. */
  private static double idle(Effort effort) {
    if (effort == Effort.BLINK) {
      return 0;
    }
    double before = serverCpu();
    LockSupport.parkNanos(2_000_000_000L);
    return (serverCpu() - before) / 2;
  }

  /** Makes the objects; how many there are then. */
  private static int create(Server server, int count) throws Exception {
    try (Transport transport = SluiceFabric8.transport(config(server.url, server));
        ExecutorService threads = Executors.newFixedThreadPool(AT_ONCE)) {
      List<Future<Integer>> made = new ArrayList<>();
      for (int i = 0; i < count; i++) {
        int number = i;
        made.add(threads.submit(() -> create(transport, number)));
      }
      for (Future<Integer> one : made) {
        if (one.get() >= 300) {
          throw new IOException("an object was not created: " + one.get());
        }
      }
    }
    try (KubernetesClient client =
        new KubernetesClientBuilder().withConfig(config(server.url, server)).build()) {
      return client.configMaps().inNamespace(NAMESPACE).list().getItems().size();
    }
  }

  private static int create(Transport transport, int number) throws Exception {
    StringBuilder text = new StringBuilder();
    SplittableRandom random = new SplittableRandom(number);
    while (text.length() < SIZE) {
      text.append("setting-").append(random.nextInt(40)).append(": ").append(random.nextInt(100));
      text.append("\\n");
    }
    String json =
        String.format(
            Locale.ROOT,
            "{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"map-%06d\"},"
                + "\"data\":{\"settings\":\"%s\"}}",
            number,
            text);
    Transport.Request request =
        new Transport.Request(
            "POST",
            MAPS.path(NAMESPACE),
            java.util.Map.of("Accept", "application/json", "Content-Type", "application/json"),
            json.getBytes(StandardCharsets.UTF_8));
    try (Transport.Response response = transport.send(request)) {
      response.body().readAllBytes();
      return response.status();
    }
  }

  private static Config config(String url, Server server) {
    ConfigBuilder config =
        new ConfigBuilder(Config.empty())
            .withMasterUrl(url)
            .withOauthToken(server.token)
            .withOnlyHttpWatches(true);
    if (!server.ca.isEmpty()) {
      config.withCaCertFile(server.ca);
    }
    return config.build();
  }

  private static double[] inGo(String go, String url, Server server, int count)
      throws IOException, InterruptedException {
    ProcessBuilder builder =
        new ProcessBuilder(go, "-restart=" + url, "-ca=" + server.ca, "-objects=" + count)
            .redirectError(ProcessBuilder.Redirect.INHERIT);
    builder.environment().put("BENCH_TOKEN", server.token);
    Process process = builder.start();
    try (var out = process.inputReader(StandardCharsets.US_ASCII)) {
      if (!process.waitFor(Fork.PATIENCE_SECONDS, TimeUnit.SECONDS)) {
        throw new IOException("did not end within " + Fork.PATIENCE_SECONDS + " s");
      }
      return new double[] {Double.parseDouble(String.valueOf(out.readLine()))};
    } finally {
      process.destroyForcibly();
    }
  }

  /** Passes bytes on and counts them. */
  private static final class Relay implements AutoCloseable {
    private final ServerSocket socket;
    private final URI server;
    private final LongAdder bytes = new LongAdder();

    Relay(URI server) throws IOException {
      this.server = server;
      this.socket = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
      Thread.ofPlatform().daemon().name("relay").start(this::accept);
    }

    int port() {
      return socket.getLocalPort();
    }

    long bytes() {
      return bytes.sum();
    }

    private void accept() {
      while (true) {
        try {
          Socket client = socket.accept();
          Socket upstream = new Socket(server.getHost(), server.getPort());
          client.setTcpNoDelay(true);
          upstream.setTcpNoDelay(true);
          Thread.ofPlatform().daemon().start(() -> pass(client, upstream));
          Thread.ofPlatform().daemon().start(() -> pass(upstream, client));
        } catch (IOException e) {
          return;
        }
      }
    }

    private void pass(Socket from, Socket to) {
      byte[] buffer = new byte[1 << 16];
      try (from;
          to) {
        InputStream in = from.getInputStream();
        OutputStream out = to.getOutputStream();
        for (int length = in.read(buffer); length >= 0; length = in.read(buffer)) {
          bytes.add(length);
          out.write(buffer, 0, length);
        }
      } catch (IOException e) {
        // One of them has gone.
      }
    }

    @Override
    public void close() throws IOException {
      socket.close();
    }
  }

  /** A client's process. */
  static final class Life implements Fork.Task {
    @Override
    public double[] run(Effort effort, String argument) throws Exception {
      long began = System.nanoTime();
      String[] parts = argument.split("\\|", -1);
      Server server = new Server(parts[1], parts[2], parts[3]);
      int count = Integer.parseInt(parts[5]);
      return new double[] {
        switch (parts[0]) {
          case JOURNAL -> sluice(server, Path.of(parts[4]), began);
          case LISTING -> sluice(server, null, began);
          case FABRIC8 -> fabric8(server, count, began);
          default -> official(server, count, began);
        }
      };
    }

    private static double since(long began) {
      return (System.nanoTime() - began) / 1e6;
    }

    private static void await(String what, BooleanSupplier condition) throws TimeoutException {
      long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(Fork.PATIENCE_SECONDS - 20);
      while (!condition.getAsBoolean()) {
        if (System.nanoTime() - deadline > 0) {
          throw new TimeoutException(what + " did not come");
        }
        LockSupport.parkNanos(1_000_000);
      }
    }

    private static double sluice(Server server, @Nullable Path journal, long began)
        throws Exception {
      try (Transport transport = SluiceFabric8.transport(config(server.url, server))) {
        Informer.Builder<Resource> builder = Informer.of(transport, MAPS).namespace(NAMESPACE);
        if (journal != null) {
          builder.journal(Journal.at(journal));
        }
        try (Informer<Resource> informer = builder.start();
            Controller<Resource> controller =
                Controller.named("bench")
                    .watching(informer)
                    .unlimited()
                    .reconcile((key, context) -> Outcome.done())
                    .start()) {
          if (!informer.awaitSynced(Duration.ofSeconds(Fork.PATIENCE_SECONDS - 20))) {
            throw new TimeoutException("not back: " + informer.explain());
          }
          double millis = since(began);
          await("what is left to do", () -> controller.status().caughtUp());
          await(
              "what is to be durable",
              () ->
                  controller.status().inHand() == 0
                      && informer
                          .status()
                          .journal()
                          .map(status -> status.durable() == status.position())
                          .orElse(true));
          return millis;
        }
      }
    }

    private static double fabric8(Server server, int count, long began) throws Exception {
      LongAdder told = new LongAdder();
      try (KubernetesClient client =
              new KubernetesClientBuilder().withConfig(config(server.url, server)).build();
          var informer =
              client
                  .configMaps()
                  .inNamespace(NAMESPACE)
                  .inform(
                      new ResourceEventHandler<ConfigMap>() {
                        @Override
                        public void onAdd(ConfigMap object) {
                          told.increment();
                        }

                        @Override
                        public void onUpdate(ConfigMap object, ConfigMap newer) {}

                        @Override
                        public void onDelete(ConfigMap object, boolean unknown) {}
                      })) {
        await("all objects", () -> told.sum() >= count && informer.hasSynced());
        return since(began);
      }
    }

    private static double official(Server server, int count, long began) throws Exception {
      ClientBuilder builder = new ClientBuilder().setBasePath(server.url);
      if (!server.ca.isEmpty()) {
        builder.setCertificateAuthority(Files.readAllBytes(Path.of(server.ca)));
        builder.setAuthentication(new AccessTokenAuthentication(server.token));
      }
      ApiClient client = builder.build().setReadTimeout(0);
      SharedInformerFactory factory = new SharedInformerFactory(client);
      CoreV1Api api = new CoreV1Api(client);
      var informer =
          factory.sharedIndexInformerFor(
              parameters ->
                  api.listNamespacedConfigMap(NAMESPACE)
                      .resourceVersion(parameters.resourceVersion)
                      .timeoutSeconds(parameters.timeoutSeconds)
                      .watch(parameters.watch)
                      .buildCall(null),
              V1ConfigMap.class,
              V1ConfigMapList.class);
      factory.startAllRegisteredInformers();
      try {
        await(
            "all objects",
            () -> informer.hasSynced() && informer.getIndexer().list().size() >= count);
        return since(began);
      } finally {
        factory.stopAllRegisteredInformers();
      }
    }
  }
}
