package dev.sluice.kube;

import dev.sluice.flow.Backoff;
import dev.sluice.flow.Experimental;
import dev.sluice.flow.FlowListener;
import dev.sluice.flow.Gate;
import dev.sluice.flow.Rate;
import dev.sluice.flow.TimeSource;
import dev.sluice.kube.internal.controller.Ledger;
import dev.sluice.kube.internal.informer.HandlerConsumer;
import dev.sluice.kube.internal.informer.Reflector;
import dev.sluice.kube.internal.informer.Source;
import dev.sluice.kube.internal.informer.SourceSettings;
import dev.sluice.kube.internal.journal.JournalLog;
import dev.sluice.kube.internal.store.ObjectStore;
import dev.sluice.kube.internal.store.StoreOptions;
import dev.sluice.kube.internal.time.Recurrence;
import dev.sluice.kube.internal.time.Sleeper;
import dev.sluice.kube.internal.watch.StreamLog;
import dev.sluice.kube.internal.watch.StreamOptions;
import dev.sluice.kube.internal.watch.StreamRecord;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import java.util.random.RandomGenerator;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Keeps the objects of one kind as the server has them, and tells consumers what changes: a list
 * and a watch that stay whole whatever the server and the network do.
 *
 * <pre>{@code
 * try (Informer<Resource> pods =
 *     Informer.of(transport, ResourceKind.namespaced("", "v1", "pods", "Pod"))
 *         .namespace("default")
 *         .onChange(change -> System.out.println(change.key()))
 *         .start()) {
 *   pods.awaitSynced(Duration.ofSeconds(30));
 *   System.out.println(pods.store().size() + " pods");
 * }
 * }</pre>
 *
 * <p><b>What holds.</b> Every state that the server sends is brought into the {@link #store()}, and
 * its key handed over to every consumer, before the stream's {@link StreamStatus#anchor() anchor}
 * moves past it. A stream that was cut resumes at the anchor; where the server's history no longer
 * reaches back to it, the objects are listed again and consumers are told the differences only.
 * What cannot be decoded is counted and shown, and the stream goes on.
 *
 * <p><b>Pressure.</b> A consumer slower than the stream is what the {@linkplain Builder#gate gate}
 * is for: it is told the latest states only (COALESCE), or the stream is read no further (BLOCK) or
 * closed (PAUSE) until it has caught up.
 *
 * <p>{@link #status()} and {@link #explain()} tell how it is doing and why it stopped when it did.
 *
 * <p><b>Many consumers, many namespaces.</b> Any number of handlers and controllers may consume one
 * informer, each at its own pace; {@link Informers} lets parts of a program that do not know each
 * other share a stream. {@link Builder#namespaces} watches several namespaces for one handler.
 *
 * <p>Owns one virtual thread for each namespace that it watches, parked unless something has
 * arrived, and one for each handler. Safe for use by any number of threads.
 *
 * @param <T> what the codec makes
 */
@Experimental
public final class Informer<T> implements AutoCloseable {
  private static final Duration PATIENCE = Duration.ofSeconds(10);
  private static final Duration HUNG_AFTER = Duration.ofSeconds(10);

  private final ResourceKind kind;
  private final String name;
  private final Codec<T> codec;
  private final TimeSource time;
  private final InstantSource clock;
  private final Duration resyncEvery;
  private final Source source;
  private final Release release;
  private final Store<T> store;
  private final AtomicReference<@Nullable Gate<ObjectKey>> firstGate;
  private final List<Gate<ObjectKey>> gates = new CopyOnWriteArrayList<>();
  private final @Nullable JournalLog journal;
  private final List<HandlerConsumer<T>> handlers = new CopyOnWriteArrayList<>();
  private final AtomicBoolean closed = new AtomicBoolean();

  /** How an informer gives its source back. */
  interface Release {
    /** Ends the source's streams if nobody else has them. Blocks until they have ended. */
    void release() throws InterruptedException;
  }

  private Informer(
      Builder<T> builder, Source source, Release release, @Nullable JournalLog journal) {
    this.kind = builder.kind;
    this.name = builder.name();
    this.codec = CachingCodec.of(builder.codec, builder.decodedCache);
    this.time = builder.time;
    this.journal = journal;
    this.clock = builder.clock;
    this.resyncEvery = builder.resyncEvery;
    this.source = source;
    this.release = release;
    this.firstGate = new AtomicReference<>(builder.bounded() == null ? builder.gate : null);
    Map<String, Store<T>> stores = new LinkedHashMap<>();
    source
        .reflectors()
        .forEach(reflector ->
            stores.put(
                reflector.options().namespace(),
                new Reads<>(reflector.objects(), codec, builder.compressions().whyNot())));
    this.store = stores.size() == 1 ? stores.values().iterator().next() : new JoinedStore<>(stores);
  }

  /** An informer that keeps and shows bytes and metadata. */
  public static Builder<Resource> of(Transport transport, ResourceKind kind) {
    return of(transport, kind, Codec.none());
  }

  /**
   * An informer whose objects are decoded when they are read.
   *
   * @param codec how
   */
  public static <T> Builder<T> of(Transport transport, ResourceKind kind, Codec<T> codec) {
    return new Builder<>(
        Objects.requireNonNull(transport, "transport"),
        Objects.requireNonNull(kind, "kind"),
        Objects.requireNonNull(codec, "codec"),
        null);
  }

  /** The kind. */
  public ResourceKind kind() {
    return kind;
  }

  /** The name under which it speaks. */
  public String name() {
    return name;
  }

  /**
   * The objects, for reading; with what a {@link Writer} that was {@linkplain
   * Writer.Builder#readYourWrites told so} has written since laid over them. Valid, and no longer
   * changing, after {@link #close()} too.
   */
  public Store<T> store() {
    return store;
  }

  /**
   * Adds a consumer. It is first told all objects that are there.
   *
   * @param consumer its name, for status and logs
   * @throws IllegalStateException if the informer is closed, or its gate is BLOCK or PAUSE and it
   *     has a consumer already
   */
  public Subscription subscribe(String consumer, ChangeHandler<T> handler) {
    Objects.requireNonNull(handler, "handler");
    Gate<ObjectKey> gate = attach(consumer);
    HandlerConsumer<T> added =
        new HandlerConsumer<>(
            consumer,
            gate,
            source,
            codec,
            handler,
            time,
            resync(),
            source.reflectors().get(0).stream().record()::noted,
            gone -> {
              detach(gate);
              handlers.remove(gone);
            });
    handlers.add(added);
    added.start();
    return added;
  }

  /** When a consumer is to be given all objects again. */
  Recurrence resync() {
    return new Recurrence(resyncEvery, time, clock, source.seeds().random());
  }

  /** Gives a consumer its gate. */
  Gate<ObjectKey> attach(String consumer) {
    if (closed.get()) {
      throw new IllegalStateException("the informer '" + name + "' is closed");
    }
    Gate<ObjectKey> gate = source.attach(consumer, firstGate.getAndSet(null));
    gates.add(gate);
    if (closed.get()) {
      source.retire(gate);
    }
    return gate;
  }

  /** What a controller has finished before. */
  Ledger ledger(String controller, String reconciler, Rate rate) {
    return journal == null ? Ledger.NONE : journal.ledger(controller, reconciler, rate);
  }

  /** The version of the first list; empty until it has been handed over. */
  Optional<String> firstList() {
    return source.firstList();
  }

  /** How its objects are decoded. */
  Codec<T> codec() {
    return codec;
  }

  /** The state of an object that the stream has delivered, which is not always what is shown. */
  Optional<Resource> delivered(ObjectKey key) {
    return Optional.ofNullable(source.get(key));
  }

  /** A write of an object begins; empty if it is none of those that are watched here. */
  Optional<ObjectStore.Write> write(ResourceKind written, String namespace) {
    if (!written.plural().equals(kind.plural()) || !written.group().equals(kind.group())) {
      return Optional.empty();
    }
    return source.reflectors().stream()
        .filter(reflector -> reflector.covers(namespace))
        .findFirst()
        .map(Reflector::write);
  }

  /** Takes a consumer's gate back. */
  void detach(Gate<ObjectKey> gate) {
    gates.remove(gate);
    source.detach(gate);
  }

  /** Whether the first list, of every namespace, has been handed over to every consumer. */
  public boolean isSynced() {
    return source.isSynced();
  }

  /**
   * Waits until the first list, of every namespace, has been read and handed over to every
   * consumer.
   *
   * @return false if that took longer than the time-out
   */
  public boolean awaitSynced(Duration timeout) throws InterruptedException {
    return source.awaitSynced(timeout.toNanos());
  }

  /**
   * Whether the store is known to be as new as the server was when the stream began: a list was
   * read, or, after a start from a journal, everything was received up to the version that the
   * server was at then. Once true it stays so.
   */
  public boolean isFresh() {
    return source.reflectors().stream().allMatch(reflector -> reflector.stream().fresh());
  }

  /**
   * How the stream is doing, and this informer's consumers. If it watches several namespaces, how
   * they are doing together; {@link StreamStatus#streams()} has each.
   */
  public StreamStatus status() {
    List<StreamStatus.Consumer> consumers = new ArrayList<>();
    for (HandlerConsumer<T> handler : handlers) {
      consumers.add(
          new StreamStatus.Consumer(
              handler.name(),
              source.gateKind().name().toLowerCase(Locale.ROOT),
              handler.backlog(),
              handler.delivered(),
              handler.failures(),
              handler.resync(),
              handler.telling()));
    }
    List<Reflector> reflectors = source.reflectors();
    if (reflectors.size() == 1) {
      return status(name, reflectors.get(0), consumers);
    }
    List<StreamStatus> each = new ArrayList<>();
    for (Reflector reflector : reflectors) {
      each.add(status(reflector.options().name(), reflector, List.of()));
    }
    return JoinedStatus.of(name, source.isSynced(), each, consumers);
  }

  private StreamStatus status(
      String name, Reflector reflector, List<StreamStatus.Consumer> consumers) {
    StreamRecord.Now now = reflector.stream().record().now();
    return new StreamStatus(
        name,
        now.phase(),
        now.since(),
        reflector.stream().synced(),
        reflector.stream().anchor(),
        now.lastFrame(),
        reflector.objects().view().entries().size(),
        reflector.stream().record().counts(),
        now.stops(),
        now.transitions(),
        now.recentStops(),
        now.undecodable(),
        List.copyOf(consumers),
        reflector.auditor().status(),
        List.of(),
        reflector.stream().fresh(),
        Optional.ofNullable(journal).map(JournalLog::status),
        healthy(now, reflector));
  }

  private static boolean healthy(StreamRecord.Now now, Reflector reflector) {
    return now.phase() != StreamStatus.Phase.NEW
        && now.phase() != StreamStatus.Phase.CLOSED
        && !now.troubled()
        && reflector.objects().nanosInIndex() < HUNG_AFTER.toNanos();
  }

  /** The status in words: what the stream is doing, what it did, and why it stopped. */
  public String explain() {
    return Explanation.of(status(), kind)
        + "  store: "
        + store.stats().toString().replace("\n", "\n  ")
        + "\n";
  }

  /**
   * Ends the stream at once, unless it is {@linkplain Informers shared} and others have it, too.
   * Handlers are told what was handed over before, for 10 s at most; then they are interrupted.
   * Blocks until that is done, but a handler may close its own informer. Closing twice is harmless.
   */
  @Override
  public void close() {
    if (!closed.compareAndSet(false, true)) {
      return;
    }
    boolean interrupted = false;
    try {
      release.release();
      gates.forEach(source::retire);
      // One patience for all of them: several that hang are waited for as long as one.
      long deadline = System.nanoTime() + PATIENCE.toNanos();
      for (HandlerConsumer<T> handler : handlers) {
        handler.awaitEnd(until(deadline));
      }
    } catch (InterruptedException e) {
      interrupted = true;
    }
    gates.forEach(source::retire);
    handlers.forEach(HandlerConsumer::stop);
    long deadline = System.nanoTime() + PATIENCE.toNanos();
    handlers.forEach(handler -> handler.awaitStopped(until(deadline)));
    if (journal != null) {
      journal.close();
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  private static Duration until(long deadline) {
    return Duration.ofNanos(Math.max(1, deadline - System.nanoTime()));
  }

  /** Whether it has been closed. */
  boolean isClosed() {
    return closed.get();
  }

  /**
   * Builds an informer. Owned by one thread.
   *
   * @param <T> what the codec makes
   */
  @Experimental
  public static final class Builder<T> {
    private final Transport transport;
    private final ResourceKind kind;
    private final Codec<T> codec;
    private @Nullable String name;
    private List<String> namespaces = List.of("");
    private String labelSelector = "";
    private String fieldSelector = "";
    private boolean metadataOnly;
    private boolean keepManagedFields;
    private Projection projection = Projection.WHOLE;
    private final List<Index> indexes = new ArrayList<>();
    private Duration compressAfter = Duration.ofSeconds(30);
    private int decodedCache = 1024;
    private @Nullable Compressions compressions;
    private boolean streamingList;
    private @Nullable Gate<ObjectKey> gate;
    private int pageSize = 500;
    private Duration watchTimeout = Duration.ofSeconds(300);
    private Duration requestDeadline = Duration.ofSeconds(90);
    private Duration silenceDeadline = Duration.ofSeconds(150);
    private Duration resyncEvery = Duration.ZERO;
    private Duration auditEvery = Duration.ofHours(6);
    private Backoff backoff = Backoff.exponential();
    private int maxObjectSize = 64 << 20;
    private TimeSource time = TimeSource.system();
    private InstantSource clock = InstantSource.system();
    private RandomGenerator random = new SplittableRandom();
    private @Nullable Sleeper sleeper;
    private FlowListener listener = FlowListener.NONE;
    private @Nullable Journal journal;
    private final List<Map.Entry<String, ChangeHandler<T>>> handlers = new ArrayList<>();

    private final @Nullable Informers shared;

    Builder(Transport transport, ResourceKind kind, Codec<T> codec, @Nullable Informers shared) {
      this.transport = transport;
      this.kind = kind;
      this.codec = codec;
      this.shared = shared;
    }

    /** The name under which it speaks; the kind's unless told otherwise. */
    public Builder<T> name(String name) {
      this.name = Objects.requireNonNull(name, "name");
      return this;
    }

    /**
     * Only the objects of one namespace; those of all unless told otherwise, or if empty.
     *
     * @throws IllegalArgumentException if the kind is cluster-scoped
     */
    public Builder<T> namespace(String namespace) {
      kind.path(namespace);
      this.namespaces = List.of(namespace);
      return this;
    }

    /**
     * Only the objects of these namespaces: for who may not watch all of them, or wants few of
     * many. Each has a watch of its own, with what belongs to it (an anchor, a backoff, an audit)
     * and a connection; they share the handlers, the gates and one view of the store. What happens
     * to one of them does not hold the others. No thread of the operating system waits for any of
     * them: a watch costs a parked virtual thread and its buffer.
     *
     * @param namespaces at least one, each a namespace's name; repeated ones count once
     * @throws IllegalArgumentException if there is none, one is empty, or the kind is
     *     cluster-scoped
     */
    public Builder<T> namespaces(Collection<String> namespaces) {
      if (namespaces.isEmpty()) {
        throw new IllegalArgumentException(
            "no namespaces to watch " + kind + " in; for all of them leave it out");
      }
      for (String namespace : namespaces) {
        if (namespace.isEmpty()) {
          throw new IllegalArgumentException(
              "an empty name among the namespaces "
                  + namespaces
                  + "; to watch "
                  + kind
                  + " in all of them leave it out");
        }
        kind.path(namespace);
      }
      this.namespaces = List.copyOf(new LinkedHashSet<>(namespaces));
      return this;
    }

    /**
     * Only objects with such labels: {@code app=web,tier!=cache}. The server selects; an object
     * that stops matching is told as deleted.
     */
    public Builder<T> labelSelector(String selector) {
      this.labelSelector = Objects.requireNonNull(selector, "selector");
      return this;
    }

    /** Only objects with such fields, of those the kind supports: {@code spec.nodeName=n1}. */
    public Builder<T> fieldSelector(String selector) {
      this.fieldSelector = Objects.requireNonNull(selector, "selector");
      return this;
    }

    /**
     * Whether only the objects' metadata is asked for: as {@code PartialObjectMetadata}, which
     * every kind offers. False unless told otherwise.
     */
    public Builder<T> metadataOnly(boolean metadataOnly) {
      this.metadataOnly = metadataOnly;
      return this;
    }

    /** Whether {@code metadata.managedFields} is kept; false unless told otherwise. */
    public Builder<T> keepManagedFields(boolean keep) {
      this.keepManagedFields = keep;
      return this;
    }

    /**
     * Keeps these parts of the objects and nothing else, which saves memory: {@code
     * keep("metadata", "spec.replicas")}. What a {@link Projection} always keeps is kept, too.
     *
     * @throws IllegalArgumentException if there is none, or one is no path
     * @throws IllegalStateException if it was said before what to keep or to drop
     */
    public Builder<T> keep(String... paths) {
      return project(Projection.keeping(paths));
    }

    /**
     * Keeps everything but these parts of the objects: {@code drop("status",
     * "metadata.annotations")}.
     *
     * @throws IllegalArgumentException if there is none, or one is no path or always kept
     * @throws IllegalStateException if it was said before what to keep or to drop
     */
    public Builder<T> drop(String... paths) {
      return project(Projection.dropping(paths));
    }

    private Builder<T> project(Projection wanted) {
      if (!projection.equals(Projection.WHOLE)) {
        throw new IllegalStateException(
            "it was said before to keep " + projection + ": say it once, with all paths");
      }
      projection = wanted;
      return this;
    }

    /**
     * Adds an index, by which {@link Store#byIndex} finds objects.
     *
     * @throws IllegalArgumentException if there is one of that name already
     */
    public Builder<T> indexBy(Index index) {
      if (indexes.stream().anyMatch(present -> present.name().equals(index.name()))) {
        throw new IllegalArgumentException("there is an index '" + index + "' already");
      }
      indexes.add(index);
      return this;
    }

    /**
     * How long an object has to be unchanged before its bytes are packed, give or take an eighth;
     * 30 s unless told otherwise, zero for never. It takes a {@link Compression} among the
     * libraries, such as {@code sluice-zstd}; without one nothing is ever packed. Objects that fill
     * more than an eighth of the heap (and 64 MiB) as they came are packed before that time.
     *
     * <p>Reads unpack: some microseconds an object.
     *
     * @throws IllegalArgumentException if it is negative, or more than zero and less than a second
     */
    public Builder<T> compressAfter(Duration rest) {
      this.compressAfter = periodOf("compressAfter", rest);
      return this;
    }

    /**
     * How many decoded objects are remembered, so that reading a state again does not decode it
     * again; 1024 unless told otherwise, zero for none. Only of a codec whose values may be given
     * to several readers ({@link Codec#sharing}): others decode on each read.
     *
     * @throws IllegalArgumentException if it is negative
     */
    public Builder<T> decodedCache(int objects) {
      if (objects < 0) {
        throw new IllegalArgumentException(
            "a cache has at least 0 decoded objects, not " + objects);
      }
      this.decodedCache = objects;
      return this;
    }

    Builder<T> compression(Compression compression) {
      this.compressions = new Compressions(compression, "");
      return this;
    }

    private Compressions compressions() {
      return compressions == null ? Compressions.present() : compressions;
    }

    /**
     * Whether lists are asked for as the beginning of a watch ({@code sendInitialEvents},
     * Kubernetes 1.32 and later), which spares the server memory. A server that does not know it is
     * listed page by page. False unless told otherwise.
     */
    public Builder<T> streamingList(boolean streaming) {
      this.streamingList = streaming;
      return this;
    }

    /**
     * What happens when a consumer does not keep up; {@link Gate#coalesce()} unless told otherwise.
     * With BLOCK or PAUSE the informer has exactly one consumer. A gate serves one informer.
     */
    public Builder<T> gate(Gate<ObjectKey> gate) {
      this.gate = Objects.requireNonNull(gate, "gate");
      return this;
    }

    /**
     * How many objects a page of a list has; 500 unless told otherwise.
     *
     * @throws IllegalArgumentException if it is less than one
     */
    public Builder<T> pageSize(int objects) {
      if (objects < 1) {
        throw new IllegalArgumentException("a page has at least 1 object, not " + objects);
      }
      this.pageSize = objects;
      return this;
    }

    /**
     * After how long the server is asked to end a watch, give or take a twentieth; 300 s unless
     * told otherwise.
     *
     * @throws IllegalArgumentException if it is less than a second
     */
    public Builder<T> watchTimeout(Duration timeout) {
      this.watchTimeout = atLeast("watchTimeout", timeout, Duration.ofSeconds(1));
      return this;
    }

    /**
     * How long the head of a response may take, and how long a list may be silent in its middle; 90
     * s unless told otherwise (a server gives up after 60).
     *
     * @throws IllegalArgumentException if it is less than a millisecond
     */
    public Builder<T> requestDeadline(Duration deadline) {
      this.requestDeadline = atLeast("requestDeadline", deadline, Duration.ofMillis(1));
      return this;
    }

    /**
     * How long a watch may be silent before it is taken for dead and replaced; 150 s unless told
     * otherwise. A server sends bookmarks about every 60 s.
     *
     * @throws IllegalArgumentException if it is less than a millisecond
     */
    public Builder<T> silenceDeadline(Duration deadline) {
      this.silenceDeadline = atLeast("silenceDeadline", deadline, Duration.ofMillis(1));
      return this;
    }

    /**
     * How often all stored objects are given to each consumer again, give or take a tenth; zero,
     * for never, unless told otherwise. Nothing is listed for it. A handler is told of an object
     * again, and a controller reconciles it, whenever there is nothing else to do: it comes last.
     *
     * <p>It helps a consumer whose work depends on something it does not watch. It finds nothing
     * that the stream has missed: that is what the {@linkplain #auditEvery audit} does. {@link
     * StreamStatus.Consumer#resync()} tells when it ran and how late.
     *
     * @throws IllegalArgumentException if it is negative, or more than zero and less than a second
     */
    public Builder<T> resyncEvery(Duration period) {
      this.resyncEvery = periodOf("resyncEvery", period);
      return this;
    }

    /**
     * How often the store is compared with the server, give or take a tenth; 6 hours unless told
     * otherwise, zero for never. After a lost connection it is done soon, too, within a 360th of
     * the period (a minute of six hours), as the server may be one whose database was restored; but
     * not again and again.
     *
     * <p>It is a list of metadata, page by page and slowly, beside the stream. If an object is
     * found to differ in uid or version, to be missing, or to be stored and gone, that is counted
     * and shown ({@link StopCause#AUDIT_DIVERGED}, {@link StreamStatus#audit()}), and the stream
     * lists again: consumers are told the differences.
     *
     * @throws IllegalArgumentException if it is negative, or more than zero and less than a second
     */
    public Builder<T> auditEvery(Duration period) {
      this.auditEvery = periodOf("auditEvery", period);
      return this;
    }

    private static Duration periodOf(String what, Duration period) {
      if (period.isNegative() || !period.isZero() && period.compareTo(Duration.ofSeconds(1)) < 0) {
        throw new IllegalArgumentException(
            what + " is at least a second, or zero for never, not " + period);
      }
      return period;
    }

    /**
     * How long to wait between attempts, and how much of a server's {@code Retry-After} to believe;
     * {@link Backoff#exponential()} unless told otherwise.
     */
    public Builder<T> backoff(Backoff backoff) {
      this.backoff = Objects.requireNonNull(backoff, "backoff");
      return this;
    }

    /**
     * How many bytes one object may have; 64 MiB unless told otherwise. A larger one is crossed
     * without being kept, counted and shown.
     *
     * @throws IllegalArgumentException if it is less than 1 KiB or more than 1 GiB
     */
    public Builder<T> maxObjectSize(int bytes) {
      if (bytes < 1 << 10 || bytes > 1 << 30) {
        throw new IllegalArgumentException(
            "the limit for one object lies between 1 KiB and 1 GiB, not at " + bytes + " bytes");
      }
      this.maxObjectSize = bytes;
      return this;
    }

    /** The time for deadlines and waits; the system's unless told otherwise. */
    public Builder<T> time(TimeSource time) {
      this.time = Objects.requireNonNull(time, "time");
      return this;
    }

    /** The wall clock, for dates in headers and in status; the system's unless told otherwise. */
    public Builder<T> clock(InstantSource clock) {
      this.clock = Objects.requireNonNull(clock, "clock");
      return this;
    }

    /** Where jitter comes from. Used by the stream's thread only. */
    public Builder<T> random(RandomGenerator random) {
      this.random = Objects.requireNonNull(random, "random");
      return this;
    }

    Builder<T> sleeper(Sleeper sleeper) {
      this.sleeper = sleeper;
      return this;
    }

    /**
     * Who is told what the stream does: {@link dev.sluice.flow.FlowEvent.StateChanged} from phase
     * to phase, with the {@linkplain StopCause#id() cause} where it stopped, and {@link
     * dev.sluice.flow.FlowEvent.Rejected} for what could not be decoded.
     */
    public Builder<T> listener(FlowListener listener) {
      this.listener = Objects.requireNonNull(listener, "listener");
      return this;
    }

    /**
     * Keeps the stream in a directory, so that it goes on after a restart of the process without
     * listing: as {@link Journal#at} has it.
     */
    public Builder<T> journal(Path directory) {
      return journal(Journal.at(directory));
    }

    /**
     * Keeps the stream, so that it goes on after a restart of the process where it was: the objects
     * are brought back, the watch resumes, and controllers are given only what they had not
     * finished. Handlers are told all objects, as at every start.
     *
     * <p>A resume is possible as long as the server's history reaches back, which is minutes; after
     * that the objects are listed, and controllers are given the differences. The values of Secrets
     * are not kept: they are listed at each start. A journal that cannot be written does not hold
     * up the stream: {@link StreamStatus#journal()} tells.
     */
    public Builder<T> journal(Journal journal) {
      this.journal = Objects.requireNonNull(journal, "journal");
      return this;
    }

    /** What makes it another stream. */
    private String shape() {
      return "kind: "
          + kind.apiVersion()
          + " "
          + kind.plural()
          + "\nnamespace: "
          + namespaces.get(0)
          + "\nlabelSelector: "
          + labelSelector
          + "\nfieldSelector: "
          + fieldSelector
          + "\nmetadataOnly: "
          + metadataOnly
          + "\nmanagedFields: "
          + keepManagedFields
          + "\nprojection: "
          + projection;
    }

    /** A consumer from the start. */
    public Builder<T> onChange(ChangeHandler<T> handler) {
      handlers.add(
          Map.entry(
              handlers.isEmpty() ? "handler" : "handler-" + (handlers.size() + 1),
              Objects.requireNonNull(handler, "handler")));
      return this;
    }

    /**
     * Starts the informer. Returns at once; {@link Informer#awaitSynced} waits for the first list.
     *
     * @throws IllegalStateException if there is more than one handler and the gate is BLOCK or
     *     PAUSE
     * @throws JournalException if the {@linkplain #journal journal} is in use, or belongs to
     *     another stream
     * @throws IllegalArgumentException if an index needs what is not kept
     */
    public Informer<T> start() {
      for (Index index : indexes) {
        for (String path : index.needs()) {
          if (!projection.keeps(path)) {
            throw new IllegalArgumentException(
                "the index '"
                    + index
                    + "' needs "
                    + path
                    + ", but the informer keeps "
                    + projection
                    + ": keep it, too");
          }
        }
      }
      if (bounded() != null && handlers.size() > 1) {
        throw new IllegalStateException(
            "a " + bounded().kind() + " gate has one consumer, not " + handlers.size());
      }
      if (journal != null && (shared != null || namespaces.size() != 1)) {
        throw new IllegalStateException(
            "a journal belongs to one stream, and '"
                + name()
                + (shared != null
                    ? "' shares its: start it with Informer.of"
                    : "' has one for each of "
                        + namespaces
                        + ": give each an informer and a journal"));
      }
      if (shared != null) {
        return shared.start(this);
      }
      AtomicReference<@Nullable Source> started = new AtomicReference<>();
      JournalLog log = journal == null ? null : log(journal, started);
      if (log != null) {
        log.open();
      }
      try {
        Source source =
            new Source(settings(log == null ? StreamLog.NONE : log), transport, options());
        started.set(source);
        Informer<T> informer = over(source, source::stop, log);
        source.start();
        return informer;
      } catch (RuntimeException e) {
        if (log != null) {
          log.close();
        }
        throw e;
      }
    }

    private JournalLog log(Journal settings, AtomicReference<@Nullable Source> started) {
      return new JournalLog(
          settings,
          name(),
          shape(),
          !settings.values()
              || kind.group().isEmpty()
                  && kind.plural().equals("secrets")
                  && !metadataOnly
                  && settings.keys().isEmpty(),
          projection,
          settings.values() && indexes.isEmpty(),
          clock,
          listener,
          () -> {
            Source source = started.get();
            return source == null ? Optional.empty() : source.reflectors().get(0).stream().anchor();
          });
    }

    /** An informer over a source, with the handlers that it has from the start. */
    Informer<T> over(Source source, Release release, @Nullable JournalLog log) {
      Informer<T> informer = new Informer<>(this, source, release, log);
      handlers.forEach(handler -> informer.subscribe(handler.getKey(), handler.getValue()));
      return informer;
    }

    String name() {
      return name == null ? kind.toString() : name;
    }

    /** The gate, if it is one that acts on the stream. */
    @Nullable Gate<ObjectKey> bounded() {
      return gate == null || gate.kind() == Gate.Kind.COALESCE ? null : gate;
    }

    /** What its stores keep, but for what each stream adds. */
    StoreOptions kept() {
      return new StoreOptions(
          name(),
          !keepManagedFields,
          "",
          projection,
          indexes,
          compressAfter,
          compressions().found(),
          time);
    }

    Transport transport() {
      return transport;
    }

    SourceSettings settings() {
      return settings(StreamLog.NONE);
    }

    private SourceSettings settings(StreamLog log) {
      return new SourceSettings(
          name(),
          kept(),
          bounded(),
          time,
          clock,
          sleeper == null ? Sleeper.by(time) : sleeper,
          random,
          listener,
          log);
    }

    /** What each of its streams asks for. */
    List<StreamOptions> options() {
      List<StreamOptions> options = new ArrayList<>();
      for (String namespace : namespaces) {
        options.add(
            new StreamOptions(
                namespaces.size() == 1 ? name() : name() + "/" + namespace,
                kind,
                namespace,
                labelSelector,
                fieldSelector,
                metadataOnly,
                streamingList,
                pageSize,
                watchTimeout,
                requestDeadline,
                silenceDeadline,
                auditEvery,
                backoff,
                maxObjectSize));
      }
      return options;
    }

    private static Duration atLeast(String what, Duration value, Duration least) {
      if (value.compareTo(least) < 0) {
        throw new IllegalArgumentException(what + " is at least " + least + ", not " + value);
      }
      return value;
    }
  }

  /** Reads for users: views of the store, decoded on the way. */
  private record Reads<T>(ObjectStore objects, Codec<T> codec, String whyNotPacked)
      implements Store<T> {
    @Override
    public Optional<T> get(ObjectKey key) {
      return resource(key).map(codec::read);
    }

    @Override
    public Optional<Resource> resource(ObjectKey key) {
      return Optional.ofNullable(objects.shown(key));
    }

    @Override
    public int size() {
      return objects.shown().entries().size();
    }

    @Override
    public Snapshot<T> snapshot() {
      return new View<>(objects, objects.shown(), codec);
    }

    @Override
    public StoreStats stats() {
      return objects.stats(whyNotPacked);
    }
  }

  private record View<T>(ObjectStore store, ObjectStore.View view, Codec<T> codec)
      implements Store.Snapshot<T> {
    @Override
    public int size() {
      return view.entries().size();
    }

    @Override
    public Optional<String> resourceVersion() {
      return view.resourceVersion();
    }

    @Override
    public Optional<Resource> resource(ObjectKey key) {
      return Optional.ofNullable(view.entries().get(key));
    }

    @Override
    public Stream<Resource> resources() {
      return Arrays.stream(view.entries().toArray());
    }

    @Override
    public Stream<T> objects() {
      return resources().map(codec::read);
    }

    @Override
    public Store.Snapshot<T> byIndex(Index index, String value) {
      return new Selected<>(this, this, store.place(index), value);
    }

    @Override
    public Stream<String> indexValues(Index index) {
      List<String> values = new ArrayList<>();
      view.indexes().forEachValue(store.place(index), values::add);
      return values.stream();
    }
  }

  /** What an index has under a value, of all or of what is selected already. */
  private record Selected<T>(View<T> all, Store.Snapshot<T> of, int place, String value)
      implements Store.Snapshot<T> {
    @Override
    public int size() {
      return of == all ? all.view.indexes().size(place, value) : (int) resources().count();
    }

    @Override
    public Optional<String> resourceVersion() {
      return all.resourceVersion();
    }

    @Override
    public Optional<Resource> resource(ObjectKey key) {
      return all.view.indexes().contains(place, value, key) ? of.resource(key) : Optional.empty();
    }

    @Override
    public Stream<Resource> resources() {
      List<ObjectKey> keys = new ArrayList<>();
      all.view.indexes().forEach(place, value, keys::add);
      return keys.stream().map(of::resource).flatMap(Optional::stream);
    }

    @Override
    public Stream<T> objects() {
      return resources().map(all.codec::read);
    }

    @Override
    public Store.Snapshot<T> byIndex(Index index, String other) {
      return new Selected<>(all, this, all.store.place(index), other);
    }

    @Override
    public Stream<String> indexValues(Index index) {
      return all.indexValues(index);
    }
  }
}
