package dev.sluice.cli;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/**
 * The little of an API server that the command needs: discovery, config maps and nodes to list and
 * watch, and refusals on demand. Knows no selectors and no history.
 */
public final class FakeApiServer implements AutoCloseable {
  private static final String END = "";

  private final HttpServer server;
  private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
  private final ReentrantLock lock = new ReentrantLock();
  private final Map<String, String> configMaps = new TreeMap<>();
  private final List<LinkedBlockingQueue<String>> watchers = new ArrayList<>();
  private final Map<String, Refusal> refusals = new TreeMap<>();
  private final List<String> requests = new CopyOnWriteArrayList<>();
  private final List<String> accepted = new CopyOnWriteArrayList<>();
  private final Condition watched = lock.newCondition();
  private long version = 100;

  private record Refusal(int status, String body) {}

  private FakeApiServer(HttpServer server) {
    this.server = server;
    server.createContext("/", this::answer);
    server.setExecutor(threads);
    server.start();
  }

  /** A server on a free loopback port. */
  public static FakeApiServer start() {
    try {
      return new FakeApiServer(
          HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Where it is. */
  public String url() {
    return "http://127.0.0.1:" + server.getAddress().getPort();
  }

  /** Writes a kubeconfig for it. */
  public Path kubeconfig(Path folder) {
    return write(folder.resolve("kubeconfig"), url());
  }

  /** Writes a kubeconfig for a server. */
  static Path write(Path file, String url) {
    try {
      return Files.writeString(
          file,
          """
          apiVersion: v1
          kind: Config
          current-context: fake
          contexts: [{name: fake, context: {cluster: fake, user: tester}}]
          clusters: [{name: fake, cluster: {server: "%s"}}]
          users: [{name: tester, user: {token: secret}}]
          """
              .formatted(url));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Creates or changes a config map in the namespace default. */
  void put(String name, String labels) {
    lock.lock();
    try {
      version++;
      String object =
          """
          {"kind":"ConfigMap","apiVersion":"v1","metadata":{"name":"%s","namespace":"default",\
          "uid":"uid-%s","resourceVersion":"%d","labels":{%s}},"data":{"version":"%d"}}\
          """
              .formatted(name, name, version, labels, version);
      String type = configMaps.put(name, object) == null ? "ADDED" : "MODIFIED";
      send(frame(type, object));
    } finally {
      lock.unlock();
    }
  }

  /** Creates or changes a config map without labels. */
  void put(String name) {
    put(name, "");
  }

  /** Deletes a config map. */
  void delete(String name) {
    lock.lock();
    try {
      String before = configMaps.remove(name);
      if (before == null) {
        throw new IllegalStateException("there is no " + name);
      }
      version++;
      send(
          frame(
              "DELETED",
              before.replaceFirst(
                  "\"resourceVersion\":\"\\d+\"", "\"resourceVersion\":\"" + version + "\"")));
    } finally {
      lock.unlock();
    }
  }

  private static String frame(String type, String object) {
    return "{\"type\":\"" + type + "\",\"object\":" + object + "}\n";
  }

  private void send(String frame) {
    watchers.forEach(watcher -> watcher.add(frame));
  }

  /** Ends all watches. */
  void cutWatches() {
    lock.lock();
    try {
      send(END);
      watchers.clear();
    } finally {
      lock.unlock();
    }
  }

  /** Refuses requests whose path begins so, from now on. */
  void refuse(String path, int status, String reason, String message) {
    refusals.put(
        path,
        new Refusal(
            status,
            """
            {"kind":"Status","apiVersion":"v1","status":"Failure","message":"%s","reason":"%s",\
            "code":%d}\
            """
                .formatted(message, reason, status)));
  }

  /** Waits until somebody watches. */
  void awaitWatch() throws InterruptedException {
    lock.lock();
    try {
      while (watchers.isEmpty()) {
        watched.await();
      }
    } finally {
      lock.unlock();
    }
  }

  /** The Accept headers of what was asked for. */
  List<String> accepted() {
    return accepted;
  }

  /** What was asked for: paths with queries. */
  List<String> requests() {
    return requests;
  }

  private void answer(HttpExchange exchange) throws IOException {
    String path = exchange.getRequestURI().getPath();
    requests.add(exchange.getRequestURI().toString());
    accepted.add(String.valueOf(exchange.getRequestHeaders().getFirst("Accept")));
    exchange.getRequestBody().readAllBytes();
    for (Map.Entry<String, Refusal> refusal : refusals.entrySet()) {
      if (path.startsWith(refusal.getKey())) {
        reply(exchange, refusal.getValue().status(), refusal.getValue().body());
        return;
      }
    }
    String query = exchange.getRequestURI().getQuery();
    switch (path) {
      case "/api" -> reply(exchange, 200, "{\"kind\":\"APIVersions\",\"versions\":[\"v1\"]}");
      case "/apis" -> reply(exchange, 200, "{\"kind\":\"APIGroupList\",\"groups\":[]}");
      case "/api/v1" ->
          reply(
              exchange,
              200,
              """
              {"kind":"APIResourceList","groupVersion":"v1","resources":[
              {"name":"configmaps","singularName":"configmap","namespaced":true,\
              "kind":"ConfigMap","shortNames":["cm"],"verbs":["get","list","watch"]},
              {"name":"nodes","singularName":"node","namespaced":false,\
              "kind":"Node","shortNames":["no"],"verbs":["get","list","watch"]}]}\
              """);
      case "/api/v1/configmaps", "/api/v1/namespaces/default/configmaps" -> {
        if (query != null && query.contains("watch=")) {
          watch(exchange, version(query));
        } else {
          reply(exchange, 200, list("ConfigMap"));
        }
      }
      case "/api/v1/nodes", "/api/v1/namespaces/empty/configmaps" -> {
        if (query != null && query.contains("watch=")) {
          watch(exchange, Long.MAX_VALUE);
        } else {
          reply(
              exchange,
              200,
              "{\"kind\":\"List\",\"metadata\":{\"resourceVersion\":\"100\"},\"items\":[]}");
        }
      }
      default -> reply(exchange, 404, "404 page not found");
    }
  }

  private static long version(String query) {
    for (String part : query.split("&")) {
      if (part.startsWith("resourceVersion=")) {
        return Long.parseLong(part.substring("resourceVersion=".length()));
      }
    }
    return 0;
  }

  private String list(String kind) {
    lock.lock();
    try {
      return """
      {"kind":"%sList","apiVersion":"v1","metadata":{"resourceVersion":"%d"},"items":[%s]}\
      """
          .formatted(kind, version, String.join(",", configMaps.values()));
    } finally {
      lock.unlock();
    }
  }

  /** Sends what is newer than the version asked for as it is now, and then what happens. */
  private void watch(HttpExchange exchange, long from) throws IOException {
    LinkedBlockingQueue<String> frames = new LinkedBlockingQueue<>();
    lock.lock();
    try {
      for (String object : configMaps.values()) {
        String own = object.replaceFirst("(?s).*\"resourceVersion\":\"(\\d+)\".*", "$1");
        if (Long.parseLong(own) > from) {
          frames.add(frame("MODIFIED", object));
        }
      }
      watchers.add(frames);
      watched.signalAll();
    } finally {
      lock.unlock();
    }
    exchange.getResponseHeaders().set("Content-Type", "application/json");
    exchange.sendResponseHeaders(200, 0);
    try (OutputStream body = exchange.getResponseBody()) {
      body.flush();
      for (String frame = frames.take(); !frame.equals(END); frame = frames.take()) {
        body.write(frame.getBytes(StandardCharsets.UTF_8));
        body.flush();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private static void reply(HttpExchange exchange, int status, String body) throws IOException {
    byte[] bytes = body.getBytes(StandardCharsets.UTF_8);
    exchange.getResponseHeaders().set("Content-Type", "application/json");
    exchange.sendResponseHeaders(status, bytes.length);
    try (OutputStream out = exchange.getResponseBody()) {
      out.write(bytes);
    }
  }

  @Override
  public void close() {
    cutWatches();
    server.stop(0);
    threads.shutdownNow();
  }
}
