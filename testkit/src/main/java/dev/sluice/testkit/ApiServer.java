package dev.sluice.testkit;

import dev.sluice.testkit.internal.api.ApiService;
import dev.sluice.testkit.internal.api.StatusException;
import dev.sluice.testkit.internal.api.View;
import dev.sluice.testkit.internal.http.Certificates;
import dev.sluice.testkit.internal.http.Front;
import dev.sluice.testkit.internal.json.Json;
import dev.sluice.testkit.internal.json.Yaml;
import dev.sluice.testkit.internal.store.Store;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HexFormat;
import java.util.List;
import java.util.Objects;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * A Kubernetes API server inside this JVM, on a port of loopback.
 *
 * <pre>{@code
 * try (ApiServer server = ApiServer.start()) {
 *   server.load(Path.of("crd.yaml"));
 *   var client = new KubernetesClientBuilder().withConfig(Config.fromKubeconfig(server.kubeconfig())).build();
 *   ...
 *   server.faults().compact();   // and see what the operator makes of it
 * }
 * }</pre>
 *
 * <p>It serves namespaces, pods, config maps, secrets, services, service accounts, events,
 * deployments, leases, CustomResourceDefinitions and whatever these bring, over HTTP/1.1 and
 * HTTP/2. There is no kubelet and no scheduler: a pod that is created stays Pending.
 *
 * <p>Safe for any number of threads. Everything it holds is in memory and gone when it is closed.
 */
public final class ApiServer implements AutoCloseable {
  private static final Duration PATIENCE = Duration.ofSeconds(5);

  /** Once in a JVM, beside what the first server has to load itself. */
  private static final Thread LOADING =
      Thread.ofPlatform().daemon().name("apiserver-loading").start(Front::load);

  private final @Nullable Certificates certificates;
  private final boolean tls;
  private final String adminToken;
  private final Users users;
  private final ApiService api;
  private final RequestLog log;
  private final FaultRoom faults;
  private final Front front;
  private final Front.Door door;
  private final AtomicBoolean closed = new AtomicBoolean();
  private volatile Snapshot baseline;

  private ApiServer(Builder builder) {
    tls = builder.tls;
    certificates = tls ? Certificates.create(builder.certificateValidity) : null;
    adminToken = builder.adminToken != null ? builder.adminToken : randomToken();
    users = new Users(builder.anonymous != null ? builder.anonymous : !tls);
    users.add("admin", adminToken, List.of(Rule.everything()));
    builder.users.forEach(user -> users.add(user.name(), user.token(), user.rules()));
    api =
        new ApiService(
            new ApiService.Settings(
                builder.clock,
                builder.random,
                builder.history,
                builder.bookmarkInterval,
                builder.minimumWatch,
                users,
                builder.collectGarbage));
    log = new RequestLog(this::openWatches, this::connections);
    faults = new FaultRoom(this, log);
    awaitLoading();
    front = new Front(api, users, faults, builder.clock, builder.watchBuffer, certificates);
    try {
      front.start();
      door = front.listen(builder.port, View.upToDate(api.store()));
    } catch (IOException e) {
      front.close();
      api.close();
      throw new UncheckedIOException("The API server did not start: " + e.getMessage(), e);
    }
    api.reachedAt("127.0.0.1:" + door.port());
    faults.open(front, api, door, this::kubeconfig);
    baseline = snapshot();
  }

  private static void awaitLoading() {
    boolean interrupted = false;
    while (LOADING.isAlive()) {
      try {
        LOADING.join();
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  /** Starts a server with all defaults: plain HTTP, any free port. */
  public static ApiServer start() {
    return builder().start();
  }

  /** A builder with all defaults. */
  public static Builder builder() {
    return new Builder();
  }

  private static String randomToken() {
    byte[] bytes = new byte[24];
    new SecureRandom().nextBytes(bytes);
    return HexFormat.of().formatHex(bytes);
  }

  private int openWatches() {
    return front.exchanges().openWatches();
  }

  private int connections() {
    return faults.connections();
  }

  // --- where it is -------------------------------------------------------------------------------

  /** Its address, such as {@code http://127.0.0.1:41234}. */
  public URI url() {
    return url(door.port());
  }

  URI url(int port) {
    return URI.create((tls ? "https" : "http") + "://127.0.0.1:" + port);
  }

  /** The bearer token of the user {@code admin}, who may do everything. */
  public String adminToken() {
    return adminToken;
  }

  /** The certificate of the authority that signed this server's, as PEM; empty without TLS. */
  public String caCertificate() {
    return certificates == null ? "" : certificates.authorityPem();
  }

  /** A kubeconfig for {@code admin}. */
  public String kubeconfig() {
    return kubeconfig(url());
  }

  /**
   * Writes the kubeconfig for {@code admin} to a file, readable by its owner only.
   *
   * @return {@code file}
   * @throws UncheckedIOException if it cannot be written
   */
  public Path kubeconfig(Path file) {
    try {
      Path parent = file.toAbsolutePath().getParent();
      if (parent != null) {
        Files.createDirectories(parent);
      }
      if (file.getFileSystem().supportedFileAttributeViews().contains("posix")) {
        // Nobody else may read it, not even for a moment.
        var ownerOnly = PosixFilePermissions.fromString("rw-------");
        if (Files.exists(file)) {
          Files.setPosixFilePermissions(file, ownerOnly);
        } else {
          Files.createFile(file, PosixFilePermissions.asFileAttribute(ownerOnly));
        }
      }
      Files.writeString(file, kubeconfig());
      return file;
    } catch (IOException e) {
      throw new UncheckedIOException("The kubeconfig cannot be written to " + file, e);
    }
  }

  private String kubeconfig(URI address) {
    ObjectNode config = Json.object();
    config.put("apiVersion", "v1");
    config.put("kind", "Config");
    ObjectNode cluster = config.putArray("clusters").addObject();
    cluster.put("name", "embedded");
    ObjectNode where = cluster.putObject("cluster");
    where.put("server", address.toString());
    if (certificates != null) {
      where.put(
          "certificate-authority-data",
          Base64.getEncoder()
              .encodeToString(certificates.authorityPem().getBytes(StandardCharsets.UTF_8)));
    }
    ObjectNode user = config.putArray("users").addObject();
    user.put("name", "admin");
    user.putObject("user").put("token", adminToken);
    ObjectNode context = config.putArray("contexts").addObject();
    context.put("name", "embedded");
    ObjectNode what = context.putObject("context");
    what.put("cluster", "embedded");
    what.put("user", "admin");
    what.put("namespace", "default");
    config.put("current-context", "embedded");
    return Yaml.write(config);
  }

  // --- what is in it -----------------------------------------------------------------------------

  /**
   * Creates, or replaces, the objects of a file: YAML with any number of documents, or JSON.
   *
   * <p>Objects go through the same rules as those of a request; a {@code status} is written, too.
   * CustomResourceDefinitions are served as soon as they are loaded, so objects of theirs may
   * follow in the same file.
   *
   * @return the number of objects
   * @throws UncheckedIOException if the file cannot be read
   * @throws IllegalArgumentException if it is no YAML, or the server refuses an object; the message
   *     says which and why. Objects before it have been loaded
   */
  public int load(Path file) {
    try {
      return load(Files.readString(file), file.toString());
    } catch (IOException e) {
      throw new UncheckedIOException("No objects could be read from " + file, e);
    }
  }

  /** The same from a stream, which is read to its end and not closed. */
  public int load(InputStream in) {
    try {
      return load(new String(in.readAllBytes(), StandardCharsets.UTF_8), "the stream");
    } catch (IOException e) {
      throw new UncheckedIOException("No objects could be read from the stream", e);
    }
  }

  /** The same from a text. */
  public int load(String yaml) {
    return load(yaml, "the text");
  }

  private int load(String yaml, String source) {
    List<JsonNode> documents;
    try {
      documents = Yaml.parseAll(yaml);
    } catch (Yaml.MalformedException e) {
      throw new IllegalArgumentException(source + " is no YAML: " + e.getMessage(), e);
    }
    int count = 0;
    for (int i = 0; i < documents.size(); i++) {
      String where = "Document " + (i + 1) + " of " + source;
      if (!(documents.get(i) instanceof ObjectNode object)) {
        throw new IllegalArgumentException(where + " is no object: " + Json.text(documents.get(i)));
      }
      ArrayNode items = Json.arrayAt(object, "items");
      if (items != null && Json.textAt(object, "kind").endsWith("List")) {
        for (JsonNode item : items) {
          if (!(item instanceof ObjectNode listed)) {
            throw new IllegalArgumentException(
                where + " has an item that is no object: " + Json.text(item));
          }
          put(where, listed);
          count++;
        }
      } else {
        put(where, object);
        count++;
      }
    }
    return count;
  }

  private void put(String where, ObjectNode object) {
    try {
      api.put(object);
    } catch (StatusException e) {
      throw new IllegalArgumentException(
          "%s (%s '%s') was refused: %s"
              .formatted(
                  where,
                  Json.textAt(object, "kind"),
                  Json.textAt(Json.ensureObject(object, "metadata"), "name"),
                  e.getMessage()),
          e);
    }
  }

  /** The newest resource version. */
  public String resourceVersion() {
    return Long.toString(api.store().revision());
  }

  /** Everything the server holds now, to come back to. */
  public Snapshot snapshot() {
    return new Snapshot(api.store().snapshot(), this);
  }

  /**
   * Puts objects back to a snapshot. Watches end, history is empty, resource versions go on growing
   * (see {@link Faults#rewind} for versions that go backwards).
   *
   * @throws IllegalArgumentException if the snapshot is another server's
   */
  public void restore(Snapshot snapshot) {
    Store.Snapshot content = snapshot.content(this);
    front.endWatches();
    api.restore(content, false);
  }

  /** From now on {@link #reset} comes back to what the server holds now. */
  public void markBaseline() {
    baseline = snapshot();
  }

  /**
   * As good as new, in milliseconds: faults and replicas are gone, watches end, objects are those
   * of the start (or of {@link #markBaseline}), the log of requests is empty. The port stays.
   */
  public void reset() {
    faults.reset();
    restore(baseline);
    log.clear();
  }

  /**
   * Waits until what the server does in the background is done: namespaces that end are emptied,
   * definitions that go take their objects along, dependents of what was deleted are gone.
   *
   * @return whether that was so before five seconds had passed
   */
  public boolean awaitQuiet() throws InterruptedException {
    return api.awaitQuiet(PATIENCE);
  }

  /** Everything that can go wrong. */
  public Faults faults() {
    return faults;
  }

  /** What has been asked of the server. */
  public Requests requests() {
    return log;
  }

  /** Stops the server: connections are reset, the port is free. Closing it again does nothing. */
  @Override
  public void close() {
    if (closed.compareAndSet(false, true)) {
      faults.close();
      front.close();
      api.close();
    }
  }

  /** How a server is to be. Not safe for several threads. */
  public static final class Builder {
    private int port;
    private boolean tls;
    private Duration certificateValidity = Duration.ofDays(365);
    private @Nullable Boolean anonymous;
    private @Nullable String adminToken;
    private final List<User> users = new ArrayList<>();
    private int history = 10_000;
    private int watchBuffer = 50;
    private Duration bookmarkInterval = Duration.ofSeconds(60);
    private Duration minimumWatch = Duration.ofMinutes(30);
    private boolean collectGarbage = true;
    private InstantSource clock = InstantSource.system();
    private RandomGenerator random = new SynchronizedRandom(new SplittableRandom());

    private record User(String name, String token, List<Rule> rules) {}

    private Builder() {}

    /**
     * The port; 0, the default, for any that is free.
     *
     * @throws IllegalArgumentException if it is not from 0 to 65535
     */
    public Builder port(int port) {
      if (port < 0 || port > 65535) {
        throw new IllegalArgumentException("A port is from 0 to 65535, not " + port);
      }
      this.port = port;
      return this;
    }

    /** Whether to speak TLS (with a certificate of its own authority); plain text by default. */
    public Builder tls(boolean tls) {
      this.tls = tls;
      return this;
    }

    /**
     * How long the server's certificate is good; a year by default.
     *
     * @throws IllegalArgumentException if it is not above zero and at most ten years
     */
    public Builder certificateValidity(Duration validity) {
      this.certificateValidity = positive(validity, "The validity of a certificate");
      return this;
    }

    /**
     * Whether a request without a token may do everything. By default it may over plain text
     * (kubectl and every client built on client-go send no token there), and is refused with 403
     * over TLS.
     */
    public Builder anonymous(boolean mayDoEverything) {
      this.anonymous = mayDoEverything;
      return this;
    }

    /**
     * The token of {@code admin}; a random one by default.
     *
     * @throws IllegalArgumentException if no header can carry it, or it is another user's
     */
    public Builder adminToken(String token) {
      this.adminToken = unused(token);
      return this;
    }

    /**
     * A further user, who may do what any of the rules allows.
     *
     * @throws IllegalArgumentException if no header can carry the token, or name or token are
     *     another user's
     */
    public Builder user(String name, String token, Rule... rules) {
      if (name.isBlank()) {
        throw new IllegalArgumentException("A user has a name, not '" + name + "'");
      }
      if (name.equals("admin") || users.stream().anyMatch(user -> user.name().equals(name))) {
        throw new IllegalArgumentException("There is a user '" + name + "' already");
      }
      users.add(new User(name, unused(token), List.of(rules)));
      return this;
    }

    private String unused(String token) {
      if (token.isEmpty() || !token.chars().allMatch(c -> c > ' ' && c < 127)) {
        throw new IllegalArgumentException(
            "A token consists of printable ASCII characters without spaces, and of one at least;"
                + " this one has "
                + token.length()
                + " characters");
      }
      if (token.equals(adminToken) || users.stream().anyMatch(u -> u.token().equals(token))) {
        throw new IllegalArgumentException("This token is another user's already");
      }
      return token;
    }

    private static Duration positive(Duration duration, String what) {
      if (duration.isNegative() || duration.isZero() || duration.compareTo(Fault.LONGEST) > 0) {
        throw new IllegalArgumentException(
            "%s is above zero and at most %d days, not %s"
                .formatted(what, Fault.LONGEST.toDays(), duration));
      }
      return duration;
    }

    /**
     * How many events of each resource are remembered: watches and exact reads from before them get
     * 410. 10,000 by default.
     *
     * @throws IllegalArgumentException if it is less than 1
     */
    public Builder history(int events) {
      if (events < 1) {
        throw new IllegalArgumentException("A history holds at least 1 event, not " + events);
      }
      this.history = events;
      return this;
    }

    /**
     * How many events a watch may be behind while its client does not read; then it is ended,
     * cleanly. 50 by default; the real server has from 10 to 1,000.
     *
     * @throws IllegalArgumentException if it is less than 1
     */
    public Builder watchBuffer(int events) {
      if (events < 1) {
        throw new IllegalArgumentException("A watch buffers at least 1 event, not " + events);
      }
      this.watchBuffer = events;
      return this;
    }

    /**
     * Between two bookmarks of a watch; a minute by default, as on the real server.
     *
     * @throws IllegalArgumentException if it is not above zero and at most ten years
     */
    public Builder bookmarkInterval(Duration interval) {
      this.bookmarkInterval = positive(interval, "The interval of bookmarks");
      return this;
    }

    /**
     * A watch without {@code timeoutSeconds} ends after between this and twice this; 30 minutes by
     * default, as on the real server.
     *
     * @throws IllegalArgumentException if it is not above zero and at most ten years
     */
    public Builder minimumWatch(Duration minimum) {
      this.minimumWatch = positive(minimum, "The least time of a watch");
      return this;
    }

    /** Whether dependents go with their owner, as with a controller manager; true by default. */
    public Builder collectGarbage(boolean collect) {
      this.collectGarbage = collect;
      return this;
    }

    /** Where timestamps come from; the system's clock by default. */
    public Builder clock(InstantSource clock) {
      this.clock = Objects.requireNonNull(clock, "clock");
      return this;
    }

    /**
     * Generated names and time-outs that are the same in each run. Uids are random all the same.
     */
    public Builder seed(long seed) {
      this.random = new SynchronizedRandom(new SplittableRandom(seed));
      return this;
    }

    /**
     * Starts the server; it is ready when this returns.
     *
     * @throws UncheckedIOException if the port cannot be had; the message names it and says why
     */
    public ApiServer start() {
      return new ApiServer(this);
    }
  }

  private record SynchronizedRandom(RandomGenerator generator) implements RandomGenerator {
    @Override
    public long nextLong() {
      synchronized (generator) {
        return generator.nextLong();
      }
    }
  }
}
