package dev.sluice.kube.internal.journal;

import dev.sluice.kube.Journal;
import dev.sluice.kube.JournalKeys;
import dev.sluice.kube.JournalStatus.Rung;
import dev.sluice.kube.JournalStore;
import dev.sluice.kube.ObjectKey;
import dev.sluice.kube.internal.store.Entry;
import dev.sluice.kube.internal.store.EntryMap;
import dev.sluice.kube.internal.store.Incarnation;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/** A journal being written, beside a plain model of what it must hold after each item. */
final class History {
  static final String IDENTITY = "widgets of a test";
  static final String CONTROLLER = "controller";

  /** All that is kept, as of one item. */
  record State(
      Map<String, String> objects,
      @Nullable String anchor,
      Map<String, Long> pending,
      Map<String, Long> waits) {
    static final State NONE = new State(Map.of(), null, Map.of(), Map.of());
  }

  private static final JournalKeys KEYS = JournalKeys.of("test", new byte[16]);

  final SimDisk disk;
  final JournalWriter writer;
  final NavigableMap<Long, State> states = new TreeMap<>();
  private EntryMap entries = EntryMap.EMPTY;
  private @Nullable String anchor;
  private @Nullable String written;
  private boolean known;
  private State state = State.NONE;

  History(SimDisk disk) {
    this(disk, false, read(disk), System::nanoTime);
  }

  /** With a clock to tell by when the disk hangs. */
  History(SimDisk disk, LongSupplier ticker) {
    this(disk, false, read(disk), ticker);
  }

  /** One that is written encrypted, or not. */
  History(SimDisk disk, boolean sealed) {
    this(disk, sealed, read(disk), System::nanoTime);
  }

  private History(SimDisk disk, boolean sealed, Recovery.Found found, LongSupplier ticker) {
    this.disk = disk;
    Journal settings =
        Journal.in(new DirectoryStore(disk))
            .snapshots(2)
            .retention(Duration.ofHours(1), 1 << 20)
            .snapshotEvery(Duration.ofSeconds(1));
    writer =
        new JournalWriter(
            settings,
            () -> Instant.EPOCH,
            () -> Optional.ofNullable(anchor),
            false,
            new Seal(sealed ? KEYS : null),
            ticker);
    for (Item.Put put : found.objects().values()) {
      entries = entries.with(entry(put.key().name(), put.version()));
    }
    state = of(found);
    known = found.books().of(CONTROLLER) != null;
    boolean resumes = found.rung() == Rung.NEWEST || found.rung() == Rung.OLDER;
    if (!resumes) {
      state = new State(state.objects, null, state.pending, state.waits);
    }
    anchor = state.anchor;
    written = anchor;
    states.put(found.last(), state);
    states.put(found.next() - 1, state);
    writer.begin(IDENTITY, found, entries, null);
  }

  static Recovery.Found read(SimDisk disk) {
    try {
      return Recovery.read(
          new DirectoryStore(disk), OptionalLong.of(Format.hash(IDENTITY)), new Seal(KEYS));
    } catch (java.io.IOException e) {
      throw new AssertionError("a damaged journal is no error", e);
    }
  }

  /** What was found, to be compared with the model. */
  static State of(Recovery.Found found) {
    Map<String, String> objects = new TreeMap<>();
    found
        .objects()
        .forEach((key, put) ->
            objects.put(
                key.name(), put.version() + new String(put.json(), StandardCharsets.UTF_8)));
    Map<String, Long> pending = new TreeMap<>();
    Map<String, Long> waits = new TreeMap<>();
    Books.Book book = found.books().of(CONTROLLER);
    if (book != null) {
      book.pending.forEach((key, since) -> pending.put(key.name(), since.since()));
      book.waits.forEach((key, wait) -> waits.put(key.name(), wait.due()));
    }
    return new State(objects, found.anchor(), pending, waits);
  }

  static ObjectKey key(String name) {
    return new ObjectKey("ns", name);
  }

  private static Entry entry(String name, String version) {
    return new Entry(
        key(name),
        new Incarnation("uid-" + name),
        version,
        1,
        false,
        body(name, version).getBytes(StandardCharsets.UTF_8));
  }

  private static String body(String name, String version) {
    return "{\"name\":\"" + name + "\",\"at\":" + version + "}";
  }

  private void then(
      Map<String, String> objects,
      @Nullable String at,
      Map<String, Long> pending,
      Map<String, Long> waits) {
    state = new State(Map.copyOf(objects), at, Map.copyOf(pending), Map.copyOf(waits));
    states.put(writer.number(), state);
  }

  private Map<String, Long> pendingWith(String name) {
    Map<String, Long> pending = new TreeMap<>(state.pending);
    if (known) {
      pending.put(name, writer.number());
    }
    return pending;
  }

  void start() {
    writer.append(new Item.Consumer(CONTROLLER, "1", 1, Item.Keys.AS_THEY_WERE));
    known = true;
    then(state.objects, state.anchor, state.pending, state.waits);
  }

  void list() {
    anchor = null;
    written = null;
    writer.list();
    then(state.objects, null, state.pending, state.waits);
  }

  void put(String name, int version) {
    Entry entry = entry(name, Integer.toString(version));
    entries = entries.with(entry);
    writer.change(JournalWriter.put(entry, false), entries);
    Map<String, String> objects = new TreeMap<>(state.objects);
    objects.put(name, version + body(name, Integer.toString(version)));
    then(objects, state.anchor, pendingWith(name), state.waits);
  }

  void gone(String name, int version) {
    entries = entries.without(key(name));
    writer.change(new Item.Gone(key(name), "uid-" + name, Integer.toString(version)), entries);
    Map<String, String> objects = new TreeMap<>(state.objects);
    objects.remove(name);
    then(objects, state.anchor, pendingWith(name), state.waits);
  }

  void acknowledge(String name, long from) {
    writer.append(new Item.Ack(CONTROLLER, key(name), from));
    Map<String, Long> pending = new TreeMap<>(state.pending);
    if (pending.getOrDefault(name, Long.MAX_VALUE) <= from) {
      pending.remove(name);
    }
    Map<String, Long> waits = new TreeMap<>(state.waits);
    waits.remove(name);
    then(state.objects, state.anchor, pending, waits);
  }

  void wait(String name, long due) {
    writer.append(new Item.Wait(CONTROLLER, key(name), due, true));
    Map<String, Long> waits = new TreeMap<>(state.waits);
    waits.put(name, due);
    then(state.objects, state.anchor, state.pending, waits);
  }

  void anchor(int version) {
    anchor = Integer.toString(version);
  }

  /** Makes durable what there is. */
  void flush() {
    if (anchor != null && !anchor.equals(written)) {
      written = anchor;
      State after = new State(state.objects, anchor, state.pending, state.waits);
      states.put(writer.number() + 1, after);
      state = after;
    }
    writer.flush();
  }

  void snapshot() {
    // A snapshot has the anchor of its moment, which no item may have told yet.
    State of = new State(state.objects, anchor, state.pending, state.waits);
    State before = states.put(writer.number(), of);
    writer.snapshot();
    if (before != null && !before.equals(of)) {
      throw new AssertionError("flush before a snapshot, so that there is one state for each item");
    }
  }

  /** A life with everything in it. */
  void live() {
    start();
    list();
    put("a", 1);
    put("b", 2);
    anchor(3);
    flush();
    acknowledge("a", writer.number());
    flush();
    put("c", 4);
    anchor(4);
    flush();
    snapshot();
    put("a", 5);
    wait("b", 77);
    anchor(5);
    flush();
    gone("c", 6);
    anchor(6);
    flush();
    acknowledge("c", writer.number());
    put("d", 7);
    anchor(7);
    flush();
    snapshot();
    put("b", 8);
    anchor(8);
    flush();
    snapshot();
    acknowledge("b", writer.number());
    flush();
    put("e", 9);
    anchor(9);
    flush();
  }

  /** The objects that there are. */
  Set<String> names() {
    return state.objects.keySet();
  }

  /** Up to where it has come; null if a list is under way. */
  @Nullable String anchored() {
    return state.anchor;
  }

  List<String> files() {
    return disk.list().stream().map(JournalStore.File::name).sorted().toList();
  }
}
