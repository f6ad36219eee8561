package dev.sluice.kube;

import dev.sluice.flow.Backoff;
import dev.sluice.flow.Experimental;
import dev.sluice.flow.FlowEvent;
import dev.sluice.flow.FlowListener;
import dev.sluice.flow.Rate;
import dev.sluice.flow.RateLimiter;
import dev.sluice.flow.TimeSource;
import dev.sluice.kube.internal.json.JsonTree;
import dev.sluice.kube.internal.json.JsonValue;
import dev.sluice.kube.internal.json.MalformedJsonException;
import dev.sluice.kube.internal.json.ObjectScanner;
import dev.sluice.kube.internal.store.Entry;
import dev.sluice.kube.internal.store.Incarnation;
import dev.sluice.kube.internal.store.ObjectStore;
import dev.sluice.kube.internal.time.Sleeper;
import dev.sluice.kube.internal.transport.RetryAfter;
import dev.sluice.kube.internal.transport.ServerStatus;
import java.io.IOException;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.LongAdder;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Writes to the server, no faster than allowed.
 *
 * <pre>{@code
 * Writer writer = Writer.over(transport)
 *     .limitedBy(RateLimiter.tokenBucket(Rate.perSecond(20), 30)).build();
 * WriteResult result = writer.updateStatus(kind, key, json);
 * return result.outcome();
 * }</pre>
 *
 * <p>Before each request the writer waits until no {@code Retry-After} of the server is running any
 * more, and then for a permit of its limiter: a permit is never held through a wait. It sends each
 * write once. A refusal is a {@link WriteResult} that says what to do about it; after a 429, or a
 * 503 with a {@code Retry-After}, nobody's write is sent before the time is over.
 *
 * <p>A write that fails on the way ({@link IOException}) may or may not have reached the server: it
 * is not repeated here, because only the caller knows whether that would be right. A reconciler
 * that runs again on the present state gets it right by itself.
 *
 * <p>Blocks the calling thread until the server has answered. Safe for use by any number of
 * threads.
 */
@Experimental
public final class Writer {
  private static final String JSON = "application/json";
  private static final String APPLY = "application/apply-patch+yaml";
  private static final int LONGEST = 16 << 20;
  private static final int ATTEMPTS = 5;

  private final Transport transport;
  private final String name;
  private final RateLimiter limiter;
  private final TimeSource time;
  private final InstantSource clock;
  private final Sleeper sleeper;
  private final FlowListener listener;
  private final List<Informer<?>> informers;

  private final ReentrantLock lock = new ReentrantLock();
  private final Backoff.Attempts attempts;
  private volatile boolean holding;
  private volatile long heldUntil;

  private final LongAdder sent = new LongAdder();
  private final LongAdder written = new LongAdder();
  private final LongAdder conflicts = new LongAdder();
  private final LongAdder throttled = new LongAdder();
  private final LongAdder rejected = new LongAdder();
  private final LongAdder unchanged = new LongAdder();

  private Writer(Builder builder) {
    this.transport = builder.transport;
    this.name = builder.name;
    this.time = builder.time;
    this.clock = builder.clock;
    this.listener = builder.listener;
    this.sleeper = Sleeper.by(time);
    this.informers = List.copyOf(builder.informers);
    this.limiter =
        builder.limiter == null
            ? RateLimiter.builder()
                .name(name)
                .time(time)
                .listener(listener)
                .tokenBucket(DEFAULT_RATE, DEFAULT_BURST)
            : builder.limiter;
    this.attempts = builder.backoff.attempts(time, () -> ThreadLocalRandom.current().nextLong());
  }

  /** How many writes a second are sent unless told otherwise: 20, as client-go's controllers do. */
  public static final Rate DEFAULT_RATE = Rate.perSecond(20);

  /** How many writes may be sent at once unless told otherwise. */
  public static final long DEFAULT_BURST = 30;

  /** A writer to the server behind a transport. */
  public static Builder over(Transport transport) {
    return new Builder(transport);
  }

  /**
   * Creates an object.
   *
   * @param namespace where; empty for a cluster-scoped kind
   * @param json the object
   * @throws IOException if the server could not be reached, or broke off
   */
  public WriteResult create(ResourceKind kind, String namespace, byte[] json)
      throws IOException, InterruptedException {
    return write(new Target(kind, namespace, null), "POST", kind.path(namespace), JSON, json);
  }

  /**
   * Replaces an object. With the {@code resourceVersion} that was read in its metadata, it is
   * refused as {@link WriteResult.Conflict} if somebody else wrote meanwhile.
   *
   * @throws IOException if the server could not be reached, or broke off
   */
  public WriteResult update(ResourceKind kind, ObjectKey key, byte[] json)
      throws IOException, InterruptedException {
    return write(new Target(kind, key), "PUT", kind.path(key), JSON, json);
  }

  /**
   * Replaces an object's status; spec and most of metadata are ignored by the server.
   *
   * @throws IOException if the server could not be reached, or broke off
   */
  public WriteResult updateStatus(ResourceKind kind, ObjectKey key, byte[] json)
      throws IOException, InterruptedException {
    return write(new Target(kind, key), "PUT", kind.path(key) + "/status", JSON, json);
  }

  /**
   * Patches an object.
   *
   * @throws IOException if the server could not be reached, or broke off
   */
  public WriteResult patch(ResourceKind kind, ObjectKey key, Patch type, byte[] body)
      throws IOException, InterruptedException {
    return write(new Target(kind, key), "PATCH", kind.path(key), type.mediaType(), body);
  }

  /**
   * Merges into an object's status: {@code {"status":{"phase":"Ready"}}}.
   *
   * @throws IOException if the server could not be reached, or broke off
   */
  public WriteResult patchStatus(ResourceKind kind, ObjectKey key, byte[] mergePatch)
      throws IOException, InterruptedException {
    return write(
        new Target(kind, key),
        "PATCH",
        kind.path(key) + "/status",
        Patch.MERGE.mediaType(),
        mergePatch);
  }

  /**
   * Applies an object server-side, taking over the fields that others manage.
   *
   * @param fieldManager who applies
   * @param document the fields that the manager wants, in YAML or JSON
   * @throws IOException if the server could not be reached, or broke off
   */
  public WriteResult apply(ResourceKind kind, ObjectKey key, String fieldManager, byte[] document)
      throws IOException, InterruptedException {
    String query =
        "?force=true&fieldManager=" + URLEncoder.encode(fieldManager, StandardCharsets.UTF_8);
    return write(new Target(kind, key), "PATCH", kind.path(key) + query, APPLY, document);
  }

  /**
   * Deletes an object. If it has finalizers it is still there afterwards, being deleted: {@link
   * WriteResult.Written}; else it is {@link WriteResult.Deleted}.
   *
   * @throws IOException if the server could not be reached, or broke off
   */
  public WriteResult delete(ResourceKind kind, ObjectKey key)
      throws IOException, InterruptedException {
    return write(new Target(kind, key), "DELETE", kind.path(key), JSON, new byte[0]);
  }

  /**
   * Changes an object: makes of its present state what it is to be, and writes that bound to the
   * state it was made of. If somebody else wrote meanwhile, the fresh state is read from the server
   * and changed instead, four times at most. What would change nothing is not sent.
   *
   * @param from the state to begin with, usually from an informer's store
   * @param change makes the whole object, in JSON, of a state; called once for each state
   * @return {@link WriteResult.Unchanged} if nothing was to be written; {@link WriteResult.Gone} if
   *     the object is gone, or is another of that name by now
   * @throws IOException if the server could not be reached, or broke off
   * @throws IllegalArgumentException if the change makes no object in JSON
   * @throws IllegalStateException if the informer keeps only parts of the object
   */
  public WriteResult modify(ResourceKind kind, Resource from, Function<Resource, byte[]> change)
      throws IOException, InterruptedException {
    if (!from.projection().equals(Projection.WHOLE)) {
      throw new IllegalStateException(
          "of "
              + from.key()
              + " only a part is here, and the whole would be replaced by it: patch it");
    }
    Resource present = from;
    for (int attempt = 1; ; attempt++) {
      Map<String, @Nullable Object> wanted;
      try {
        wanted = JsonTree.object(change.apply(present));
        if (wanted.equals(JsonTree.object(present.json()))) {
          suppressed();
          return new WriteResult.Unchanged(present);
        }
      } catch (MalformedJsonException e) {
        throw new IllegalArgumentException(
            "what " + present.key() + " is to be is no object in JSON: " + e.getMessage(), e);
      }
      Map<String, @Nullable Object> metadata = JsonTree.child(wanted, "metadata");
      metadata.putAll(Bound.metadata(present));
      wanted.put("metadata", metadata);
      WriteResult result = update(kind, from.key(), JsonTree.write(wanted));
      if (!(result instanceof WriteResult.Conflict) || attempt == ATTEMPTS) {
        return result;
      }
      Resource fresh = read(kind, from.key()).orElse(null);
      if (fresh == null || !fresh.uid().equals(from.uid())) {
        return new WriteResult.Gone("the object is gone");
      }
      present = fresh;
    }
  }

  /**
   * Reads an object from the server: the latest state there is. Waits for a {@code Retry-After}
   * that is running, but takes no permit of the limiter.
   *
   * @return empty if it is not there
   * @throws ServerException if the server refuses
   * @throws IOException if the server could not be reached, or broke off
   */
  public Optional<Resource> read(ResourceKind kind, ObjectKey key)
      throws IOException, InterruptedException {
    awaitRelease();
    Transport.Request request = Transport.Request.get(kind.path(key), JSON);
    try (Transport.Response response = transport.send(request)) {
      if (response.status() == 404) {
        return Optional.empty();
      }
      if (response.status() != 200) {
        ServerStatus status = ServerStatus.read(response.status(), response.body());
        if (response.status() == 429 || response.status() == 503) {
          var unused =
              refused(
                  status,
                  response
                      .header("retry-after")
                      .flatMap(text -> RetryAfter.parse(text, clock.instant())));
        }
        throw new ServerException(
            "GET " + request.path(), response.status(), status.reason(), status.message());
      }
      byte[] body = response.body().readNBytes(LONGEST);
      ObjectScanner object = new ObjectScanner();
      try {
        object.scanObject(body, 0, body.length);
      } catch (MalformedJsonException e) {
        throw new IOException("GET " + request.path() + ": no object: " + e.getMessage(), e);
      }
      return Optional.of(entry(object));
    }
  }

  /** A write was not sent because it would have changed nothing. */
  void suppressed() {
    unchanged.increment();
  }

  private static Entry entry(ObjectScanner object) {
    return new Entry(
        new ObjectKey(object.namespace(), object.name()),
        new Incarnation(object.uid()),
        object.resourceVersion(),
        object.generation(),
        object.deleting(),
        object.body(true, new byte[0]));
  }

  /** What is written; the key of an object that is to be created is not known yet. */
  private record Target(ResourceKind kind, String namespace, @Nullable ObjectKey key) {
    Target(ResourceKind kind, ObjectKey key) {
      this(kind, key.namespace(), key);
    }
  }

  private WriteResult write(Target target, String method, String path, String type, byte[] body)
      throws IOException, InterruptedException {
    awaitTurn();
    Map<String, String> headers = new LinkedHashMap<>();
    headers.put("Accept", JSON);
    if (body.length > 0) {
      headers.put("Content-Type", type);
    }
    List<ObjectStore.Write> shown = new ArrayList<>();
    for (Informer<?> informer : informers) {
      informer.write(target.kind, target.namespace).ifPresent(shown::add);
    }
    sent.increment();
    Transport.Request request = new Transport.Request(method, path, headers, body);
    try (Transport.Response response = transport.send(request)) {
      int status = response.status();
      if (status >= 200 && status < 300) {
        WriteResult result = accepted(target, request, response.body().readNBytes(LONGEST), shown);
        succeeded();
        return result;
      }
      return refused(
          ServerStatus.read(status, response.body()),
          response.header("retry-after").flatMap(text -> RetryAfter.parse(text, clock.instant())));
    } finally {
      shown.forEach(ObjectStore.Write::close);
    }
  }

  private WriteResult accepted(
      Target target, Transport.Request request, byte[] body, List<ObjectStore.Write> shown)
      throws IOException {
    ObjectScanner object = new ObjectScanner();
    String what = request.method() + " " + request.path();
    try {
      object.scanObject(body, 0, body.length);
    } catch (MalformedJsonException e) {
      throw new IOException(what + ": accepted, but the answer is no object: " + e.getMessage(), e);
    }
    written.increment();
    if (object.isStatus()) {
      gone(target, statusUid(body), shown);
      return new WriteResult.Deleted();
    }
    if (object.name().isEmpty()) {
      throw new IOException(what + ": accepted, but the answer has no name");
    }
    // A DELETE that leaves nothing behind answers some kinds with the object that was.
    if (request.method().equals("DELETE") && !object.deleting()) {
      gone(target, object.uid(), shown);
      return new WriteResult.Deleted();
    }
    shown.forEach(write -> write.wrote(body));
    return new WriteResult.Written(entry(object));
  }

  private static String statusUid(byte[] status) {
    try {
      return JsonValue.parse(status).get("details").get("uid").text();
    } catch (MalformedJsonException e) {
      return "";
    }
  }

  private static void gone(Target target, String uid, List<ObjectStore.Write> shown) {
    ObjectKey key = target.key;
    if (key != null) {
      shown.forEach(write -> write.deleted(key, uid));
    }
  }

  private WriteResult refused(ServerStatus status, Optional<Duration> header) {
    Duration asked = header.orElse(Duration.ofSeconds(Math.max(0, status.retryAfterSeconds())));
    if (status.code() == 429 || status.code() == 503 && !asked.isZero()) {
      throttled.increment();
      return new WriteResult.Throttled(hold(asked), status.toString());
    }
    if (status.code() == 409) {
      conflicts.increment();
      return new WriteResult.Conflict(status.message());
    }
    rejected.increment();
    return status.code() == 404
        ? new WriteResult.Gone(status.message())
        : new WriteResult.Rejected(status.code(), status.reason(), status.message());
  }

  /** Sends nothing for a while, and says for how long. */
  private Duration hold(Duration asked) {
    Duration delay;
    String cause;
    lock.lock();
    try {
      delay = asked.isZero() ? attempts.nextDelay() : attempts.nextDelay(asked);
      cause = attempts.cause();
      long until = time.nanoTime() + delay.toNanos();
      if (!holding || until - heldUntil > 0) {
        heldUntil = until;
      }
      holding = true;
    } finally {
      lock.unlock();
    }
    announce(new FlowEvent.Rejected(name, cause));
    return delay;
  }

  private void succeeded() {
    lock.lock();
    try {
      attempts.healthy();
    } finally {
      lock.unlock();
    }
  }

  private void awaitTurn() throws InterruptedException {
    long since = time.nanoTime();
    boolean waited = false;
    while (true) {
      waited |= awaitRelease();
      limiter.acquire();
      // While we waited for the permit another write may have been told to stay away. The permit is
      // spent then: to keep it would add to those that fill up meanwhile.
      if (!holding) {
        break;
      }
    }
    if (waited) {
      announce(new FlowEvent.Waited(name, "retry-after", time.nanoTime() - since));
    }
  }

  /** Waits out a Retry-After; whether there was one. */
  private boolean awaitRelease() throws InterruptedException {
    boolean waited = false;
    while (holding) {
      long rest = heldUntil - time.nanoTime();
      if (rest <= 0) {
        release();
      } else {
        waited = true;
        sleeper.sleep(rest);
      }
    }
    return waited;
  }

  private void release() {
    lock.lock();
    try {
      if (holding && heldUntil - time.nanoTime() <= 0) {
        holding = false;
      }
    } finally {
      lock.unlock();
    }
  }

  private void announce(FlowEvent event) {
    try {
      listener.on(event);
    } catch (RuntimeException e) {
      System.getLogger(Writer.class.getName())
          .log(System.Logger.Level.DEBUG, "a listener threw; the writer goes on", e);
    }
  }

  /**
   * What a writer has done.
   *
   * @param sent requests sent
   * @param written accepted by the server
   * @param conflicts refused with 409
   * @param throttled refused with 429, or 503 with a {@code Retry-After}
   * @param rejected refused otherwise
   * @param unchanged not sent, because they would have changed nothing
   * @param held for how long nothing is sent any more; zero if nothing holds it
   */
  public record Stats(
      long sent,
      long written,
      long conflicts,
      long throttled,
      long rejected,
      long unchanged,
      Duration held) {}

  /** The counters. */
  public Stats stats() {
    long rest = holding ? Math.max(0, heldUntil - time.nanoTime()) : 0;
    return new Stats(
        sent.sum(),
        written.sum(),
        conflicts.sum(),
        throttled.sum(),
        rejected.sum(),
        unchanged.sum(),
        Duration.ofNanos(rest));
  }

  /** Builds a writer. Owned by one thread. */
  @Experimental
  public static final class Builder {
    private final Transport transport;
    private String name = "writer";
    private @Nullable RateLimiter limiter;
    private Backoff backoff = Backoff.exponential();
    private TimeSource time = TimeSource.system();
    private InstantSource clock = InstantSource.system();
    private FlowListener listener = FlowListener.NONE;
    private final List<Informer<?>> informers = new ArrayList<>();

    private Builder(Transport transport) {
      this.transport = Objects.requireNonNull(transport, "transport");
    }

    /** The name under which it speaks; "writer" unless told otherwise. */
    public Builder name(String name) {
      this.name = Objects.requireNonNull(name, "name");
      return this;
    }

    /**
     * How fast it may write; a token bucket of {@link Writer#DEFAULT_RATE} and {@link
     * Writer#DEFAULT_BURST} unless told otherwise. May be shared with others.
     */
    public Builder limitedBy(RateLimiter limiter) {
      this.limiter = Objects.requireNonNull(limiter, "limiter");
      return this;
    }

    /**
     * How long to hold back after a 429 without a {@code Retry-After}, and how much of one to
     * believe (60 s); {@link Backoff#exponential()} unless told otherwise.
     */
    public Builder backoff(Backoff backoff) {
      this.backoff = Objects.requireNonNull(backoff, "backoff");
      return this;
    }

    /** The time for waits; the system's unless told otherwise. */
    public Builder time(TimeSource time) {
      this.time = Objects.requireNonNull(time, "time");
      return this;
    }

    /** The wall clock, for dates in headers; the system's unless told otherwise. */
    public Builder clock(InstantSource clock) {
      this.clock = Objects.requireNonNull(clock, "clock");
      return this;
    }

    /**
     * Who is told of refusals that ask to come back later ({@link FlowEvent.Rejected}: {@code
     * retry-after}, {@code retry-after-capped}, {@code backoff}) and of the waits that follow.
     */
    public Builder listener(FlowListener listener) {
      this.listener = Objects.requireNonNull(listener, "listener");
      return this;
    }

    /**
     * Shows what was written in the stores of these informers at once: what a write returns is laid
     * over what the stream has delivered until it delivers that or something newer. So a reconcile
     * finds what an earlier one wrote, and nobody waits for the stream.
     *
     * <p>An object that an informer with selectors has not delivered before is not shown: it may
     * not be of those selected. Where the server's versions are opaque, something written may be
     * shown for up to 40 s although the stream has listed a newer state.
     */
    public Builder readYourWrites(Informer<?>... informers) {
      this.informers.addAll(List.of(informers));
      return this;
    }

    /** The writer. */
    public Writer build() {
      return new Writer(this);
    }
  }
}
