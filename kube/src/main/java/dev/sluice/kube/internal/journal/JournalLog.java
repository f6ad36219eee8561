package dev.sluice.kube.internal.journal;

import dev.sluice.flow.FlowEvent;
import dev.sluice.flow.FlowListener;
import dev.sluice.flow.Rate;
import dev.sluice.kube.Journal;
import dev.sluice.kube.Journal.Durability;
import dev.sluice.kube.JournalException;
import dev.sluice.kube.JournalStatus;
import dev.sluice.kube.JournalStatus.Rung;
import dev.sluice.kube.JournalStatus.State;
import dev.sluice.kube.JournalStore;
import dev.sluice.kube.ObjectKey;
import dev.sluice.kube.Projection;
import dev.sluice.kube.internal.controller.Ledger;
import dev.sluice.kube.internal.store.Difference;
import dev.sluice.kube.internal.store.Entry;
import dev.sluice.kube.internal.store.Incarnation;
import dev.sluice.kube.internal.store.ObjectStore;
import dev.sluice.kube.internal.watch.StreamLog;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * A journal at work: what a stream and its controllers see of it, and its threads. One thread
 * writes what has come together, looks after the files and heals; another writes snapshots, so that
 * a large one holds up nothing.
 */
public final class JournalLog implements StreamLog, AutoCloseable {
  private static final System.Logger LOG = System.getLogger("dev.sluice.kube.Journal");
  private static final long PARK_NANOS = TimeUnit.MILLISECONDS.toNanos(500);
  private static final long HEAL_NANOS = TimeUnit.SECONDS.toNanos(1);
  private static final long HEAL_MOST_NANOS = TimeUnit.SECONDS.toNanos(30);
  private static final Duration PATIENCE = Duration.ofSeconds(10);
  private static final String CLUSTER = "\ncluster: ";
  private static final String UNKNOWN = "unknown";

  private final Journal settings;
  private final JournalStore store;
  private final String name;
  private final String shape;
  private final InstantSource clock;
  private final FlowListener listener;
  private final boolean withhold;
  private final Projection kept;
  private final boolean lazily;
  private final Seal seal;
  private final JournalWriter writer;
  private final Thread keeper;

  private final ReentrantLock lock = new ReentrantLock();
  private final Map<String, String> reconcilers = new HashMap<>();
  private final AtomicBoolean failureTold = new AtomicBoolean();

  /** Why a store out of this process's reach could not be opened. */
  private volatile @Nullable String notOpened;

  private volatile boolean restored;
  private volatile boolean closing;
  private volatile boolean idle;
  private volatile List<String> story = List.of();
  private volatile Rung rung = Rung.EMPTY;
  private volatile int objects;
  private volatile @Nullable Thread snapshotting;
  private @Nullable FutureTask<Recovery.Found> ahead;

  /** Whether values that were not kept are coming in, to be kept by the next snapshot. */
  private boolean completing;

  /**
   * A journal, not opened.
   *
   * @param name the stream's, for messages
   * @param shape what stream it is, in words: a line for each thing that makes it another one
   * @param withhold whether the bodies of objects are left out
   * @param kept what the bodies are of their objects
   * @param lazily whether a body that is left out may be fetched when it is first read
   * @param anchor up to where the stream has handed over every change
   */
  public JournalLog(
      Journal settings,
      String name,
      String shape,
      boolean withhold,
      Projection kept,
      boolean lazily,
      InstantSource clock,
      FlowListener listener,
      Supplier<Optional<String>> anchor) {
    this.settings = settings;
    this.store = settings.store();
    this.name = name;
    this.shape = shape;
    this.withhold = withhold;
    this.kept = kept;
    this.lazily = lazily;
    this.seal = new Seal(settings.keys().orElse(null));
    this.clock = clock;
    this.listener = listener;
    this.writer = new JournalWriter(settings, clock, anchor, withhold, seal);
    this.keeper = Thread.ofPlatform().daemon().name("sluice-journal-" + name).unstarted(this::keep);
  }

  /**
   * Takes the store.
   *
   * @throws JournalException if another has it, or it belongs to another stream
   */
  public void open() {
    try {
      store.open();
      Optional<String> identity = identity();
      if (identity.isPresent() && !shapeOf(identity.get()).equals(shape)) {
        throw new JournalException(
            "the journal in "
                + store.where()
                + " belongs to another stream:\n"
                + identity.get()
                + "\nthis one is\n"
                + shape
                + "\ngive it a directory of its own, or remove that one if it is no longer needed");
      }
      Recovery.tryKeys(store, seal);
      identity.ifPresent(this::readAhead);
    } catch (JournalException e) {
      store.close();
      throw e;
    } catch (IOException e) {
      if (!store.pace().grows()) {
        notOpened = e.getMessage();
      }
      LOG.log(
          System.Logger.Level.WARNING,
          "the journal of ''{0}'' in {1} cannot be opened: {2}; the stream goes on without it, and"
              + " it is tried again",
          name,
          store.where(),
          e.toString());
    }
  }

  /** What stream an identity is of, without its cluster, and as the present format says it. */
  private static String shapeOf(String identity) {
    StringBuilder shape = new StringBuilder();
    boolean projection = false;
    for (String line : identity.split("\n", -1)) {
      projection |= line.startsWith("projection: ");
      // Format 1 had these two, and did not know of projections.
      if (!line.startsWith("format: ")
          && !line.startsWith("values: ")
          && !line.startsWith(CLUSTER.substring(1))) {
        shape.append(shape.isEmpty() ? "" : "\n").append(line);
      }
    }
    return projection ? shape.toString() : shape + "\nprojection: " + Projection.WHOLE;
  }

  private static String clusterOf(String identity) {
    int at = identity.lastIndexOf(CLUSTER);
    return at < 0 ? "" : identity.substring(at + CLUSTER.length());
  }

  /** Reads the files while the server is asked, so that neither waits for the other. */
  private void readAhead(String identity) {
    FutureTask<Recovery.Found> task =
        new FutureTask<>(() -> Recovery.read(store, OptionalLong.of(Format.hash(identity)), seal));
    ahead = task;
    Thread.ofPlatform().daemon().name("sluice-restore-" + name).start(task);
  }

  private Recovery.Found read(String identity) throws IOException, InterruptedException {
    FutureTask<Recovery.Found> task = ahead;
    ahead = null;
    if (task == null) {
      return Recovery.read(store, OptionalLong.of(Format.hash(identity)), seal);
    }
    try {
      return task.get();
    } catch (ExecutionException e) {
      switch (e.getCause()) {
        case IOException cause -> throw cause;
        case RuntimeException cause -> throw cause;
        case Error cause -> throw cause;
        case null, default -> throw new IllegalStateException(e);
      }
    }
  }

  /** What stream the files belong to; empty if there is no word of it, or a damaged one. */
  private Optional<String> identity() throws IOException {
    return store.names().contains(Format.IDENTITY) ? identity(store) : Optional.empty();
  }

  static Optional<String> identity(JournalStore store) throws IOException {
    try (Format.Reader reader = new Format.Reader(store.read(Format.IDENTITY), new Seal(null))) {
      Optional<Format.Header> header = reader.header();
      Format.Frame frame = header.isEmpty() ? null : reader.next();
      return frame != null
              && Item.read(frame.type(), frame.content()) instanceof Item.Identity identity
          ? Optional.of(identity.text())
          : Optional.empty();
    }
  }

  // --- the stream's side ---

  @Override
  public Restored restore(ObjectStore objects, Cluster cluster) throws InterruptedException {
    List<String> told = new ArrayList<>();
    String identity = "";
    Restored result;
    try {
      String away = notOpened;
      if (away != null) {
        throw new IOException(away); // it takes long enough to find that out once
      }
      Optional<String> before = identity();
      Recovery.Found found = null;
      String uid = settings.cluster();
      if (uid.isEmpty() && before.isPresent()) {
        Optional<First> first = cluster.first();
        found = read(before.get());
        Item.Put known = first.map(First::key).map(found.objects()::get).orElse(null);
        if (known != null && !known.uid().isEmpty() && known.uid().equals(first.get().uid())) {
          uid = clusterOf(before.get());
          told.add(
              "the cluster is the same, "
                  + uid
                  + ": its first object, "
                  + known.key()
                  + ", has the uid that it had");
        }
      }
      if (uid.isEmpty()) {
        uid = uidOf(cluster);
        told.add(
            uid.equals(UNKNOWN)
                ? "the server does not tell which cluster it is: it is taken for the same"
                : "the cluster is " + uid);
      }
      identity = before.orElse(shape + CLUSTER + uid);
      if (!clusterOf(identity).equals(uid)) {
        throw new JournalException(
            "the journal in "
                + store.where()
                + " belongs to the cluster "
                + clusterOf(identity)
                + ", but the server is of "
                + uid
                + ": give this stream a directory of its own");
      }
      if (found == null) {
        found = read(identity);
      }
      told.addAll(found.story());
      result = bring(found, objects, cluster, told);
      rung = found.rung();
      writer.begin(identity, found, objects.view().entries(), null);
    } catch (JournalException e) {
      String why = String.valueOf(e.getMessage());
      told.add(why);
      writer.refuse(why);
      refused(State.RESTORING);
      story = List.copyOf(told);
      restored = true;
      return new Restored.Nothing();
    } catch (IOException e) {
      told.add("the journal cannot be read: " + e.getMessage() + ": listing");
      Recovery.Found nothing =
          new Recovery.Found(Map.of(), null, new Books(), 0, 1, Rung.EMPTY, List.of(), false, 0);
      result = new Restored.Nothing();
      if (identity.isEmpty()) {
        identity = shape + CLUSTER + uidOf(cluster);
      }
      writer.begin(
          identity,
          nothing,
          objects.view().entries(),
          "it cannot be read: " + (e.getMessage() == null ? e.toString() : e.getMessage()));
    }
    story = List.copyOf(told);
    lock.lock();
    try {
      restored = true;
      reconcilers.forEach(this::register);
    } finally {
      lock.unlock();
    }
    State now = writer.state();
    if (now == State.REFUSED) {
      refused(State.RESTORING);
      return result;
    }
    announce(now == State.WRITING ? "restored" : "journal-failed", State.RESTORING, now);
    failureTold.set(now != State.WRITING);
    if (now != State.WRITING && !Thread.currentThread().isInterrupted()) {
      loud();
    }
    keeper.start();
    return result;
  }

  private String uidOf(Cluster cluster) throws InterruptedException {
    String told = settings.cluster();
    if (told.isEmpty()) {
      told = cluster.uid();
    }
    return told.isEmpty() ? UNKNOWN : told;
  }

  private Restored bring(
      Recovery.Found found, ObjectStore into, Cluster cluster, List<String> told) {
    boolean resumes = found.rung() == Rung.NEWEST || found.rung() == Rung.OLDER;
    if (found.rung() == Rung.EMPTY && found.objects().isEmpty()) {
      return new Restored.Nothing();
    }
    List<Entry> entries = new ArrayList<>(found.objects().size());
    Set<ObjectKey> incomplete = new HashSet<>();
    for (Item.Put put : found.objects().values()) {
      if (put.withheld()) {
        incomplete.add(put.key());
      }
      entries.add(entry(put, cluster));
    }
    into.restore(entries, Optional.ofNullable(found.anchor()), incomplete);
    objects = entries.size();
    String anchor = found.anchor();
    completing = !incomplete.isEmpty() && !withhold;
    if (!incomplete.isEmpty() && (!lazily || !withhold)) {
      told.add(
          "the values of "
              + incomplete.size()
              + " objects are not kept, and "
              + (withhold ? "an index needs them" : "can be kept from now on")
              + ": listing them again");
      return new Restored.Relist();
    }
    if (!incomplete.isEmpty()) {
      told.add(
          "the values of "
              + incomplete.size()
              + " objects are not kept: each is fetched when it is first read");
    }
    if (!resumes || anchor == null) {
      return new Restored.Relist();
    }
    told.add("brought back " + entries.size() + " objects; resuming after " + anchor);
    return new Restored.Resume(anchor);
  }

  private Entry entry(Item.Put put, Cluster cluster) {
    Incarnation life = put.life();
    Entry.Lazy body = put.slice();
    boolean fetched = lazily || !withhold;
    if (put.withheld() && fetched) {
      body = new Withheld(put, () -> cluster.value(put.key(), put.uid()));
    }
    return body != null && (!put.withheld() || fetched)
        ? Entry.of(put.key(), life, put.version(), put.generation(), put.deleting(), body, kept)
        : new Entry(
            put.key(),
            life,
            put.version(),
            put.generation(),
            put.deleting(),
            put.withheld() ? stub(put) : put.body());
  }

  /** What is left of an object whose values are not kept. */
  private static byte[] stub(Item.Put put) {
    String json =
        "{\"metadata\":{\"name\":"
            + Json.quoted(put.key().name())
            + ",\"namespace\":"
            + Json.quoted(put.key().namespace())
            + ",\"uid\":"
            + Json.quoted(put.uid())
            + ",\"resourceVersion\":"
            + Json.quoted(put.version())
            + "}}";
    return json.getBytes(StandardCharsets.UTF_8);
  }

  @Override
  public void listing() {
    writer.list();
    wake();
  }

  @Override
  public void changed(Difference difference, ObjectStore.View view) {
    Item item =
        switch (difference) {
          case Difference.Created created -> JournalWriter.put(created.entry(), withhold);
          case Difference.Updated updated -> JournalWriter.put(updated.entry(), withhold);
          case Difference.Replaced replaced -> JournalWriter.put(replaced.entry(), withhold);
          case Difference.Removed removed -> gone(removed.before());
          case Difference.Unchanged unchanged -> {
            if (completing) {
              writer.completed(view.entries());
            }
            yield null;
          }
          case Difference.Stale stale -> null;
          case Difference.Unknown unknown -> null;
        };
    if (item == null) {
      return;
    }
    long number = writer.change(item, view.entries());
    wake();
    lookWhetherItHangs();
    if (settings.durability() == Durability.EACH && !writer.listing()) {
      durably(number);
    }
  }

  private static Item gone(Entry before) {
    Incarnation.Tombstone tombstone = before.incarnation().tombstone();
    return new Item.Gone(
        before.key(), before.uid(), tombstone == null ? "" : tombstone.resourceVersion());
  }

  private void durably(long number) {
    LockSupport.unpark(keeper);
    try {
      writer.awaitDurable(number);
      if (writer.state() == State.FAILED) {
        failed();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private void wake() {
    if (idle) {
      idle = false;
      LockSupport.unpark(keeper);
    }
  }

  // --- the controllers' side ---

  /**
   * A controller's ledger.
   *
   * @param reconciler the version of its reconciler; when it is another one than before, all keys
   *     are to be done again
   * @param rate how many of those a second
   */
  public Ledger ledger(String controller, String reconciler, Rate rate) {
    lock.lock();
    try {
      if (restored) {
        register(controller, reconciler);
      } else {
        reconcilers.put(controller, reconciler);
      }
    } finally {
      lock.unlock();
    }
    return new Account(controller, (long) rate.nanosPerPermit());
  }

  private void register(String controller, String reconciler) {
    Item.Keys keys =
        writer.booked(books -> {
          Books.Book book = books.of(controller);
          if (book == null) {
            return Item.Keys.ALL_NEW;
          }
          return book.version.equals(reconciler) ? Item.Keys.AS_THEY_WERE : Item.Keys.ALL_AGAIN;
        });
    writer.append(new Item.Consumer(controller, reconciler, clock.millis(), keys));
    wake();
  }

  private final class Account implements Ledger {
    private final String consumer;
    private final long repeatNanos;

    Account(String consumer, long repeatNanos) {
      this.consumer = consumer;
      this.repeatNanos = repeatNanos;
    }

    @Override
    public boolean remembers() {
      return true;
    }

    @Override
    public Claim claim(ObjectKey key) {
      return writer.booked(books -> {
        Books.Book book = books.of(consumer);
        Books.Pending pending = book == null ? null : book.pending.get(key);
        if (book == null) {
          return Claim.CHANGED;
        }
        return pending == null ? Claim.FINISHED : pending.repeat() ? Claim.REPEAT : Claim.CHANGED;
      });
    }

    @Override
    public long position() {
      return writer.number();
    }

    @Override
    public void finished(ObjectKey key, long from, String why) {
      if (open(key)) {
        reason(key, from, why);
        durable(writer.append(new Item.Ack(consumer, key, from)));
      }
    }

    @Override
    public void finishedUntil(ObjectKey key, long from, Duration again) {
      writer.append(new Item.Ack(consumer, key, from));
      durable(writer.append(new Item.Wait(consumer, key, due(again), false)));
    }

    @Override
    public void failed(ObjectKey key, long from, Duration retry, String why) {
      reason(key, from, why);
      writer.append(new Item.Wait(consumer, key, due(retry), true));
      wake();
    }

    private void reason(ObjectKey key, long from, String why) {
      if (!why.isEmpty()) {
        writer.append(
            new Item.Reason(consumer, key, from, why.substring(0, Math.min(why.length(), 200))));
      }
    }

    private boolean open(ObjectKey key) {
      return writer.booked(books -> {
        Books.Book book = books.of(consumer);
        return book == null || book.pending.containsKey(key) || book.waits.containsKey(key);
      });
    }

    private long due(Duration in) {
      long now = clock.millis();
      return in.compareTo(Duration.ofMillis(Long.MAX_VALUE - now)) > 0
          ? Long.MAX_VALUE
          : now + in.toMillis();
    }

    private void durable(long number) {
      wake();
      if (settings.durability() == Durability.EACH) {
        durably(number);
      }
    }

    @Override
    public Collection<ObjectKey> pending() {
      return writer.booked(books -> {
        Books.Book book = books.of(consumer);
        return book == null ? List.of() : List.copyOf(book.pending.keySet());
      });
    }

    @Override
    public Map<ObjectKey, Due> waiting() {
      long now = clock.millis();
      return writer.booked(books -> {
        Map<ObjectKey, Due> waiting = new HashMap<>();
        Books.Book book = books.of(consumer);
        if (book != null) {
          book.waits.forEach((key, wait) ->
              waiting.put(
                  key, new Due(Duration.ofMillis(Math.max(0, wait.due() - now)), wait.backoff())));
        }
        return waiting;
      });
    }

    @Override
    public long repeatNanos() {
      return repeatNanos;
    }

    @Override
    public Progress progress() {
      return writer.booked(books -> {
        Books.Book book = books.of(consumer);
        return book == null ? new Progress(0, 0) : new Progress(book.toRepeat, book.repeats);
      });
    }
  }

  // --- its own threads ---

  private void keep() {
    try {
      keepUntilClosed();
    } finally {
      // Here, because an interrupt of whoever closes must not close the files under the last write.
      writer.close();
    }
  }

  private void keepUntilClosed() {
    long now = System.nanoTime();
    long lookNanos = store.pace().lookEvery().toNanos();
    long look = now + lookNanos;
    long heal = now + HEAL_NANOS;
    long healAfter = HEAL_NANOS;
    long snapshotAt = now;
    long flushed = now - settings.interval().toNanos();
    boolean failureSeen = writer.state() == State.FAILED;
    while (!closing) {
      try {
        if (writer.state() == State.WRITING) {
          now = System.nanoTime();
          if (writer.dirty()
              && (now - flushed >= settings.interval().toNanos()
                  || settings.durability() == Durability.EACH
                  || writer.full())) {
            writer.flush();
            flushed = now;
            now = System.nanoTime();
          }
          if (now - look >= 0) {
            look = now + lookNanos;
            writer.check();
          }
          snapshotAt = snapshotIfDue(now, snapshotAt);
        }
        // Whoever met it: this thread, the one of a snapshot, or one that no longer waits.
        if (writer.state() == State.FAILED && !failureSeen) {
          failureSeen = true;
          failed();
          healAfter = HEAL_NANOS;
          heal = System.nanoTime() + healAfter;
        } else if (writer.state() == State.FAILED && System.nanoTime() - heal >= 0) {
          if (writer.heal()) {
            LOG.log(System.Logger.Level.INFO, "the journal of ''{0}'' is written again", name);
            failureSeen = false;
            failureTold.set(false);
            announce("journal-healed", State.FAILED, State.WRITING);
          } else {
            healAfter = Math.min(2 * healAfter, HEAL_MOST_NANOS);
          }
          heal = System.nanoTime() + healAfter;
        }
      } catch (JournalException e) {
        // Another has taken it, or it was removed and made anew by another.
        State before = writer.state();
        writer.refuse(String.valueOf(e.getMessage()));
        refused(before);
        return;
      } catch (RuntimeException e) {
        LOG.log(System.Logger.Level.ERROR, "the journal of '" + name + "' met what it must not", e);
      }
      idle = !writer.dirty();
      LockSupport.parkNanos(
          this, idle ? PARK_NANOS : Math.min(PARK_NANOS, settings.interval().toNanos()));
    }
  }

  private long snapshotIfDue(long now, long last) {
    long since = now - last;
    boolean due =
        writer.changesSince() > 0
            ? since >= settings.snapshotEvery().toNanos()
            : writer.itemsSince() > 0 && since >= settings.snapshotWhenIdle().toNanos();
    Thread before = snapshotting;
    if (!due || before != null && before.isAlive()) {
      return last;
    }
    if (snapshotTook * 10 > since) {
      return last;
    }
    Thread thread =
        Thread.ofPlatform().daemon().name("sluice-snapshot-" + name).unstarted(this::snapshot);
    thread.start();
    snapshotting = thread;
    return now;
  }

  private volatile long snapshotTook;

  private void snapshot() {
    long began = System.nanoTime();
    writer.snapshot();
    snapshotTook = System.nanoTime() - began;
    LockSupport.unpark(keeper);
  }

  /** Says once of each failure that there is one. */
  private void failed() {
    if (failureTold.compareAndSet(false, true)) {
      loud();
      announce("journal-failed", State.WRITING, State.FAILED);
    }
  }

  /** Says that the store hangs, as the thread that asks it cannot. */
  private void lookWhetherItHangs() {
    if (writer.overdue()) {
      failed();
    }
  }

  private void loud() {
    LOG.log(
        System.Logger.Level.WARNING,
        "the journal of ''{0}'' in {1} is not written: {2}; the stream goes on without it, and it"
            + " is tried again",
        name,
        store.where(),
        writer.trouble());
  }

  private void refused(State before) {
    LOG.log(
        System.Logger.Level.ERROR,
        "''{0}'' goes on without a journal: {1}",
        name,
        writer.trouble());
    announce("journal-refused", before, State.REFUSED);
  }

  private void announce(String cause, State from, State to) {
    try {
      listener.on(new FlowEvent.StateChanged(name + "/journal", cause, word(from), word(to)));
    } catch (RuntimeException e) {
      LOG.log(System.Logger.Level.DEBUG, "a listener threw", e);
    }
  }

  private static String word(State state) {
    return state.name().toLowerCase(Locale.ROOT);
  }

  /** How it is doing. */
  public JournalStatus status() {
    lookWhetherItHangs();
    return new JournalStatus(
        store.where(),
        writer.state(),
        rung,
        story,
        objects,
        writer.number(),
        writer.durable(),
        writer.bytes(),
        writer.snapshots(),
        writer.lastSnapshot(),
        writer.failures(),
        writer.trouble());
  }

  /** Writes what is left, and gives the store back. */
  @Override
  public void close() {
    closing = true;
    LockSupport.unpark(keeper);
    boolean interrupted = false;
    try {
      Thread snapshot = snapshotting;
      if (snapshot != null) {
        snapshot.join(PATIENCE);
      }
    } catch (InterruptedException e) {
      interrupted = true;
    }
    if (keeper.getState() == Thread.State.NEW) {
      writer.close();
    }
    long deadline = System.nanoTime() + PATIENCE.toNanos();
    while (keeper.isAlive() && System.nanoTime() - deadline < 0) {
      try {
        keeper.join(Duration.ofNanos(Math.max(1, deadline - System.nanoTime())));
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
