package dev.sluice.kube;

import dev.sluice.flow.Backoff;
import dev.sluice.flow.Experimental;
import dev.sluice.flow.FlowEvent;
import dev.sluice.flow.FlowListener;
import dev.sluice.flow.Rate;
import dev.sluice.flow.RateLimiter;
import dev.sluice.flow.TimeSource;
import dev.sluice.kube.internal.json.MalformedJsonException;
import dev.sluice.kube.internal.json.ObjectScanner;
import dev.sluice.kube.internal.store.Entry;
import dev.sluice.kube.internal.store.Incarnation;
import dev.sluice.kube.internal.time.Sleeper;
import dev.sluice.kube.internal.transport.RetryAfter;
import dev.sluice.kube.internal.transport.ServerStatus;
import java.io.IOException;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.InstantSource;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.LongAdder;
import java.util.concurrent.locks.ReentrantLock;
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

  private final Transport transport;
  private final String name;
  private final RateLimiter limiter;
  private final TimeSource time;
  private final InstantSource clock;
  private final Sleeper sleeper;
  private final FlowListener listener;

  private final ReentrantLock lock = new ReentrantLock();
  private final Backoff.Attempts attempts;
  private volatile boolean holding;
  private volatile long heldUntil;

  private final LongAdder sent = new LongAdder();
  private final LongAdder written = new LongAdder();
  private final LongAdder conflicts = new LongAdder();
  private final LongAdder throttled = new LongAdder();
  private final LongAdder rejected = new LongAdder();

  private Writer(Builder builder) {
    this.transport = builder.transport;
    this.name = builder.name;
    this.time = builder.time;
    this.clock = builder.clock;
    this.listener = builder.listener;
    this.sleeper = Sleeper.by(time);
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
    return write("POST", kind.path(namespace), JSON, json);
  }

  /**
   * Replaces an object. With the {@code resourceVersion} that was read in its metadata, it is
   * refused as {@link WriteResult.Conflict} if somebody else wrote meanwhile.
   *
   * @throws IOException if the server could not be reached, or broke off
   */
  public WriteResult update(ResourceKind kind, ObjectKey key, byte[] json)
      throws IOException, InterruptedException {
    return write("PUT", kind.path(key), JSON, json);
  }

  /**
   * Replaces an object's status; spec and most of metadata are ignored by the server.
   *
   * @throws IOException if the server could not be reached, or broke off
   */
  public WriteResult updateStatus(ResourceKind kind, ObjectKey key, byte[] json)
      throws IOException, InterruptedException {
    return write("PUT", kind.path(key) + "/status", JSON, json);
  }

  /**
   * Patches an object.
   *
   * @throws IOException if the server could not be reached, or broke off
   */
  public WriteResult patch(ResourceKind kind, ObjectKey key, Patch type, byte[] body)
      throws IOException, InterruptedException {
    return write("PATCH", kind.path(key), type.mediaType(), body);
  }

  /**
   * Merges into an object's status: {@code {"status":{"phase":"Ready"}}}.
   *
   * @throws IOException if the server could not be reached, or broke off
   */
  public WriteResult patchStatus(ResourceKind kind, ObjectKey key, byte[] mergePatch)
      throws IOException, InterruptedException {
    return write("PATCH", kind.path(key) + "/status", Patch.MERGE.mediaType(), mergePatch);
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
    return write("PATCH", kind.path(key) + query, APPLY, document);
  }

  /**
   * Deletes an object. If it has finalizers it is still there afterwards, being deleted: {@link
   * WriteResult.Written}; else it is {@link WriteResult.Deleted}.
   *
   * @throws IOException if the server could not be reached, or broke off
   */
  public WriteResult delete(ResourceKind kind, ObjectKey key)
      throws IOException, InterruptedException {
    return write("DELETE", kind.path(key), JSON, new byte[0]);
  }

  private WriteResult write(String method, String path, String type, byte[] body)
      throws IOException, InterruptedException {
    awaitTurn();
    Map<String, String> headers = new LinkedHashMap<>();
    headers.put("Accept", JSON);
    if (body.length > 0) {
      headers.put("Content-Type", type);
    }
    sent.increment();
    Transport.Request request = new Transport.Request(method, path, headers, body);
    try (Transport.Response response = transport.send(request)) {
      int status = response.status();
      if (status >= 200 && status < 300) {
        WriteResult result = accepted(method, path, response.body().readNBytes(LONGEST));
        succeeded();
        return result;
      }
      return refused(
          ServerStatus.read(status, response.body()),
          response.header("retry-after").flatMap(text -> RetryAfter.parse(text, clock.instant())));
    }
  }

  private WriteResult accepted(String method, String path, byte[] body) throws IOException {
    ObjectScanner object = new ObjectScanner();
    try {
      object.scanObject(body, 0, body.length);
    } catch (MalformedJsonException e) {
      throw new IOException(
          method + " " + path + ": accepted, but the answer is no object: " + e.getMessage(), e);
    }
    written.increment();
    if (object.isStatus()) {
      return new WriteResult.Deleted();
    }
    if (object.name().isEmpty()) {
      throw new IOException(method + " " + path + ": accepted, but the answer has no name");
    }
    // A DELETE that leaves nothing behind answers some kinds with the object that was.
    if (method.equals("DELETE") && !object.deleting()) {
      return new WriteResult.Deleted();
    }
    return new WriteResult.Written(
        new Entry(
            new ObjectKey(object.namespace(), object.name()),
            new Incarnation(object.uid()),
            object.resourceVersion(),
            object.generation(),
            object.deleting(),
            object.body(true, new byte[0])));
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
      while (holding) {
        long rest = heldUntil - time.nanoTime();
        if (rest <= 0) {
          release();
        } else {
          waited = true;
          sleeper.sleep(rest);
        }
      }
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
   * @param held for how long nothing is sent any more; zero if nothing holds it
   */
  public record Stats(
      long sent, long written, long conflicts, long throttled, long rejected, Duration held) {}

  /** The counters. */
  public Stats stats() {
    long rest = holding ? Math.max(0, heldUntil - time.nanoTime()) : 0;
    return new Stats(
        sent.sum(),
        written.sum(),
        conflicts.sum(),
        throttled.sum(),
        rejected.sum(),
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

    /** The writer. */
    public Writer build() {
      return new Writer(this);
    }
  }
}
