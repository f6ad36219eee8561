package dev.sluice.kube.internal.store;

import dev.sluice.flow.TimeSource;
import dev.sluice.kube.Index;
import dev.sluice.kube.ObjectKey;
import dev.sluice.kube.Projection;
import dev.sluice.kube.StoreStats;
import dev.sluice.kube.internal.json.MalformedJsonException;
import dev.sluice.kube.internal.json.ObjectScanner;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The latest state per key. One thread writes, the stream's; any number read, by {@link #view()},
 * and never wait.
 *
 * <p>A list is brought in as it arrives: {@link #beginList}, {@link #putListed} for each item, and
 * at the end {@link #missing}, which names what the list did not have. A list that breaks off in
 * the middle is simply begun again: what it brought stays (it is newer than what was there), and
 * nothing is taken for missing that a whole list has not missed.
 */
public final class ObjectStore implements ObjectScanner.Known {
  private static final Fields.Tree METADATA = new Fields.Tree();

  static {
    METADATA.add(Fields.path("metadata"));
  }

  /** After how long the server is asked for an object that was laid and has not come. */
  public static final Duration PATIENCE = Overlay.PATIENCE;

  private final StoreOptions options;
  private final byte[] typeMeta;
  private final Indexer indexer;
  private final Compactor compactor;
  private final Overlay overlay = new Overlay();
  private volatile View view;
  private volatile Shown shown;
  private int listing;
  private boolean forked;
  private volatile int lists;
  private volatile Runnable onLaid = () -> {};
  private Set<ObjectKey> incomplete = Set.of();
  private volatile String namespace = "";

  // What was looked for last, and what was found; until something is written.
  private @Nullable ObjectKey soughtKey;
  private @Nullable Entry sought;

  /**
   * An empty store of bodies as they come.
   *
   * @param cutManagedFields whether {@code metadata.managedFields} is left out of what is kept
   * @param typeMeta put in front of objects that lack kind and apiVersion: {@code
   *     "kind":"Pod","apiVersion":"v1",}
   */
  public ObjectStore(boolean cutManagedFields, byte[] typeMeta) {
    this(
        new StoreOptions(
            "store",
            cutManagedFields,
            new String(typeMeta, StandardCharsets.UTF_8),
            Projection.WHOLE,
            List.of(),
            Duration.ZERO,
            null,
            TimeSource.system()));
  }

  /** An empty store. */
  public ObjectStore(StoreOptions options) {
    this.options = options;
    this.typeMeta = options.typeMeta().getBytes(StandardCharsets.UTF_8);
    this.indexer = new Indexer(options.name(), options.indexes(), options.time());
    this.view = new View(EntryMap.EMPTY, Optional.empty(), Indexes.empty(options.indexes().size()));
    this.shown = new Shown(view, Map.of(), view);
    this.compactor = new Compactor(options, () -> view.entries);
  }

  /**
   * All there is, as of one moment.
   *
   * @param entries the objects
   * @param resourceVersion the version of the collection they belong to; empty before the first
   *     list has been read to its end
   * @param indexes what is found by which value
   */
  public record View(EntryMap entries, Optional<String> resourceVersion, Indexes indexes) {}

  /** An object as it would be kept. */
  public byte[] kept(ObjectScanner object) {
    return options.projection().apply(object.body(options.cutManagedFields(), typeMeta));
  }

  /** Begins to pack what has rested. */
  public void start() {
    compactor.start();
  }

  /** No longer packs; what is there stays readable. */
  public void close() {
    compactor.close();
  }

  /**
   * Who is told, in words, that bytes were found to be damaged and objects should be sent again.
   */
  public void onDamage(Consumer<String> told) {
    compactor.onDamage(told);
  }

  /** Who is told each time that an index function fails. On the thread that asked it. */
  public void onIndexFailure(Runnable told) {
    indexer.onFailure(told);
  }

  /** How long the index function that runs at the moment has taken so far; 0 if none does. */
  public long nanosInIndex() {
    return indexer.nanosRunning();
  }

  /** For tests: what packs. */
  Compactor compactor() {
    return compactor;
  }

  /**
   * The place of an index among those of the view.
   *
   * @throws IllegalArgumentException if there is no such index
   */
  public int place(Index index) {
    return indexer.place(index);
  }

  /**
   * What it holds and in which form.
   *
   * @param whyNot why there is no compression, if there is none
   */
  public StoreStats stats(String whyNot) {
    View present = view;
    Compactor.Seen seen = compactor.seen();
    return new StoreStats(
        present.entries.size(),
        compactor.state(whyNot),
        seen.packed(),
        seen.packedBytes(),
        seen.unpackedBytes(),
        seen.rawBytes(),
        seen.coders(),
        seen.memory(),
        compactor.trainings(),
        compactor.failures(),
        compactor.lastFailure(),
        compactor.damaged(),
        indexer.stats(present.indexes),
        indexer.running());
  }

  /** The present state, as the stream has delivered it. */
  public View view() {
    return view;
  }

  // --- read your writes ---

  /**
   * What was made of a view and what is laid over it.
   *
   * @param made both together
   */
  private record Shown(View base, Map<ObjectKey, Overlay.Laid> laid, View made) {}

  /** The present state with what writes have returned laid over it. For readers. */
  public View shown() {
    Map<ObjectKey, Overlay.Laid> laid = overlay.laid();
    View base = view;
    if (laid.isEmpty()) {
      return base;
    }
    Shown last = shown;
    if (last.base == base && last.laid == laid) {
      return last.made;
    }
    EntryMap entries = base.entries;
    Indexes indexes = base.indexes;
    for (Overlay.Laid object : laid.values()) {
      ObjectKey key = object.key();
      Entry delivered = base.entries.get(key);
      if (object.isOver(delivered, base.resourceVersion)) {
        continue;
      }
      String @Nullable [][] before = delivered == null ? null : delivered.values();
      Entry entry = object.entry();
      entries = entry == null ? entries.without(key) : entries.with(entry);
      indexes = indexes.changed(key, before, entry == null ? null : entry.values());
    }
    View made = new View(entries, base.resourceVersion, indexes);
    shown = new Shown(base, laid, made);
    return made;
  }

  /** One object of what is {@linkplain #shown shown}; null if there is none. */
  public @Nullable Entry shown(ObjectKey key) {
    Overlay.Laid object = overlay.laid().get(key);
    View base = view;
    Entry delivered = base.entries.get(key);
    if (object == null || object.isOver(delivered, base.resourceVersion)) {
      return delivered;
    }
    return object.entry();
  }

  /** How many objects are laid over what the stream has delivered. */
  public int laid() {
    return overlay.laid().size();
  }

  /**
   * Who is told that something was laid, and then has to see to what is in {@linkplain #doubts
   * doubt}.
   */
  public void onLaid(Runnable told) {
    onLaid = told;
  }

  /** A write of an object of this store, from before it is sent. Owned by one thread. */
  public final class Write implements AutoCloseable {
    private final Overlay.Write write = overlay.begin();
    private final boolean selective;
    private final boolean metadataOnly;

    private Write(boolean selective, boolean metadataOnly) {
      this.selective = selective;
      this.metadataOnly = metadataOnly;
    }

    /**
     * The server has answered with this state.
     *
     * @param json the whole object
     */
    public void wrote(byte[] json) {
      try {
        layState(metadataOnly ? Fields.cut(json, METADATA, true) : json, selective, write);
      } catch (IllegalStateException e) {
        // No object in JSON: whoever wrote has been told.
      }
    }

    /**
     * The server has answered that the object is gone.
     *
     * @param uid of the object; if it is empty, nothing is shown as gone
     */
    public void deleted(ObjectKey key, String uid) {
      if (!uid.isEmpty()) {
        if (!selective || shown(key) != null) {
          layEnd(key, new Incarnation(uid), options.time().nanoTime(), write);
        }
      }
    }

    /** The write is over, however it went. */
    @Override
    public void close() {
      overlay.end(write);
    }
  }

  /**
   * A write begins.
   *
   * @param selective whether the stream leaves objects out, so that one that it has not delivered
   *     may never come
   * @param metadataOnly whether only the metadata of objects is kept
   */
  public Write write(boolean selective, boolean metadataOnly) {
    return new Write(selective, metadataOnly);
  }

  private void layState(byte[] json, boolean selective, Overlay.@Nullable Write write) {
    ObjectScanner object = new ObjectScanner();
    try {
      object.scanObject(json, 0, json.length);
    } catch (MalformedJsonException e) {
      return; // whoever wrote has been told
    }
    Entry delivered = view.entries.get(new ObjectKey(object.namespace(), object.name()));
    if (selective && delivered == null) {
      return;
    }
    Entry entry = entry(object, delivered);
    if (!indexer.isOff()) {
      entry = entry.indexed(indexer.valuesOfLaid(entry, view.indexes));
    }
    long now = options.time().nanoTime();
    lay(new Overlay.Laid(entry.key(), entry.incarnation(), entry, now, now, lists), write);
  }

  private void layEnd(ObjectKey key, Incarnation life, long since, Overlay.@Nullable Write write) {
    lay(new Overlay.Laid(key, life, null, since, options.time().nanoTime(), lists), write);
  }

  private void lay(Overlay.Laid object, Overlay.@Nullable Write write) {
    if (!overlay.lay(object, write)) {
      return;
    }
    View present = view;
    if (object.isOver(present.entries.get(object.key()), present.resourceVersion)) {
      overlay.lift(object);
    } else {
      onLaid.run();
    }
  }

  /**
   * An object that has been laid for so long that the server is to be asked for it.
   *
   * @param laid what was laid
   */
  public record Doubt(ObjectKey key, Object laid) {}

  /** What is in doubt. */
  public List<Doubt> doubts() {
    return overlay.overdue(options.time().nanoTime()).stream()
        .map(object -> new Doubt(object.key(), object))
        .toList();
  }

  /**
   * What the server says of an object that was in doubt.
   *
   * @param json its state; null if it is gone
   */
  public void decide(Doubt doubt, byte @Nullable [] json) {
    Overlay.Laid object = overlay.laid().get(doubt.key);
    if (object != doubt.laid) {
      return;
    }
    overlay.lift(object);
    if (json != null) {
      layState(json, false, null);
      return;
    }
    // It is gone, but the stream may yet bring what was before that.
    long now = options.time().nanoTime();
    Entry delivered = view.entries.get(doubt.key);
    if (object.entry() == null && now - object.since() < Overlay.LONGEST.toNanos()) {
      layEnd(object.key(), object.life(), object.since(), null);
    } else if (object.entry() != null && delivered != null) {
      layEnd(object.key(), delivered.incarnation(), now, null);
    }
  }

  // --- the stream's thread ---

  /**
   * Brings in an event's object: unless it is known to be older than what is there.
   *
   * @param object what was scanned; its bytes are copied
   */
  public Difference put(ObjectScanner object) {
    if (overlay.isIdle()) {
      Difference difference = bring(object);
      overlay.caughtUp(view); // something may have been laid meanwhile
      return difference;
    }
    ObjectKey key = new ObjectKey(object.namespace(), object.name());
    Entry before = view.entries.get(key);
    Difference difference = bring(object);
    overlay.delivered(key, before, object.resourceVersion(), false, view);
    return difference;
  }

  private Difference bring(ObjectScanner object) {
    String version = object.resourceVersion();
    Entry before = before(object);
    if (before == null) {
      return write(object, null, Optional.of(version));
    }
    boolean same = before.incarnation().is(object);
    long number = Versions.number(version);
    if (same && before.isAt(version, number) && !before.isDamaged()) {
      reached(version);
      return new Difference.Unchanged(before);
    }
    if (before.isNewerThan(version, number)) {
      reached(version);
      return new Difference.Stale(before);
    }
    return write(object, before, Optional.of(version));
  }

  /** The present state of an object, for the writer that is about to bring in the next one. */
  @Override
  public @Nullable Entry earlier(String namespace, String name) {
    if (name.isEmpty()) {
      return null;
    }
    ObjectKey key = new ObjectKey(namespace, name);
    soughtKey = key;
    sought = view.entries.get(key);
    return sought;
  }

  @SuppressWarnings("ReferenceEquality") // the scanner's own texts, which it asked with before
  private @Nullable Entry before(ObjectScanner object) {
    ObjectKey key = soughtKey;
    return key != null && key.name() == object.name() && key.namespace() == object.namespace()
        ? sought
        : earlier(object.namespace(), object.name());
  }

  /**
   * Brings in what was kept of an earlier run. The store must be empty.
   *
   * @param incomplete of which objects only the metadata is there: a list completes them, which is
   *     no difference
   */
  public void restore(
      Iterable<Entry> entries, Optional<String> version, Set<ObjectKey> incomplete) {
    if (view.entries.size() != 0) {
      throw new IllegalStateException(
          "a store with " + view.entries.size() + " objects is not empty");
    }
    this.incomplete = new HashSet<>(incomplete);
    if (indexer.isOff()) {
      List<Entry> all = new ArrayList<>();
      long bytes = 0;
      for (Entry entry : entries) {
        Entry kept = entry.projected(options.projection());
        kept.came = compactor.now();
        kept.seen(listing);
        bytes += kept.isRaw() ? kept.length() : 0;
        all.add(kept);
      }
      view = new View(EntryMap.of(all.toArray(new Entry[0])), version, view.indexes);
      overlay.caughtUp(view);
      compactor.wrote((int) Math.min(bytes, Integer.MAX_VALUE));
      return;
    }
    for (Entry entry : entries) {
      bringIn(entry.projected(options.projection()), null, Optional.empty());
    }
    view = new View(view.entries, version, view.indexes);
    overlay.caughtUp(view);
  }

  /**
   * A list begins.
   *
   * @param forked whether the server may have another past than what is here, as after a database
   *     was restored: then an object at the version that is known may yet be another, and is
   *     compared byte by byte
   */
  public void beginList(boolean forked) {
    listing++;
    this.forked = forked;
    lists = listing;
    overlay.listBegins();
  }

  /**
   * Brings in an item of a list. The list is believed, also where it is older than what is there: a
   * database may have been restored.
   *
   * @param object what was scanned; its bytes are copied
   */
  public Difference putListed(ObjectScanner object) {
    boolean idle = overlay.isIdle();
    Entry before = idle ? null : view.entries.get(new ObjectKey(object.namespace(), object.name()));
    Difference difference = bringListed(object);
    if (!idle || !overlay.isIdle()) {
      ObjectKey key = new ObjectKey(object.namespace(), object.name());
      overlay.delivered(key, before, object.resourceVersion(), true, view);
    }
    return difference;
  }

  private Difference bringListed(ObjectScanner object) {
    Entry before = before(object);
    if (before != null
        && before.incarnation().is(object)
        && before.isAt(object.resourceVersion(), Versions.number(object.resourceVersion()))
        && !before.isDamaged()
        && (!forked || isAsListed(object, before))) {
      if (!incomplete.isEmpty() && incomplete.remove(before.key())) {
        write(object, before, view.resourceVersion);
      } else {
        before.seen(listing);
      }
      return new Difference.Unchanged(before);
    }
    return write(object, before, view.resourceVersion);
  }

  /** Whether a state is the listed one to the last byte. What is not at hand is taken not to be. */
  private boolean isAsListed(ObjectScanner object, Entry before) {
    return !incomplete.contains(before.key()) && Arrays.equals(kept(object), before.body());
  }

  /** What the list that has just been read to its end did not have. */
  public List<Entry> missing() {
    List<Entry> missing = new ArrayList<>();
    view.entries.forEach(entry -> {
      if (entry.listing() != listing) {
        missing.add(entry);
      }
    });
    overlay.listEnds(listing, view);
    return missing;
  }

  /**
   * Takes an object out.
   *
   * @param version the version of its deletion; a deletion known to be older than what is there
   *     changes nothing
   */
  public Difference remove(ObjectKey key, String version) {
    Entry before = view.entries.get(key);
    Difference difference = takeOutAt(before, version);
    overlay.deleted(key, before, view);
    return difference;
  }

  private Difference takeOutAt(@Nullable Entry before, String version) {
    if (before == null) {
      reached(version);
      return new Difference.Unknown();
    }
    if (before.isNewerThan(version, Versions.number(version))) {
      reached(version);
      return new Difference.Stale(before);
    }
    return takeOut(before, version, Optional.of(version));
  }

  /**
   * Takes out an object that is missing from a list, whatever its version.
   *
   * @param version the version of the list
   */
  public Difference removeMissing(Entry entry, String version) {
    Difference difference = takeOut(entry, version, view.resourceVersion);
    overlay.deleted(entry.key(), entry, view);
    return difference;
  }

  /** Says to which version of the collection the objects now belong. */
  public void reached(String version) {
    View present = view;
    if (present.resourceVersion.isEmpty() || !present.resourceVersion.get().equals(version)) {
      view = new View(present.entries, Optional.of(version), present.indexes);
      overlay.caughtUp(view);
    }
  }

  private Difference takeOut(Entry before, String version, Optional<String> reached) {
    before.incarnation().bury(before, version);
    soughtKey = null;
    View present = view;
    view =
        new View(
            present.entries.without(before.key()),
            reached,
            present.indexes.changed(before.key(), before.values(), null));
    return new Difference.Removed(before);
  }

  private Difference write(ObjectScanner object, @Nullable Entry before, Optional<String> reached) {
    boolean same = before != null && before.incarnation().is(object);
    Entry entry = entry(object, before);
    if (before != null && !same) {
      before.incarnation().bury(before, object.resourceVersion());
    }
    entry = bringIn(entry, before, reached);
    if (before == null) {
      return new Difference.Created(entry);
    }
    return same ? new Difference.Updated(entry) : new Difference.Replaced(entry, before);
  }

  private Entry entry(ObjectScanner object, @Nullable Entry before) {
    Entry entry =
        new Entry(
            before == null ? newKey(object) : before.key(),
            before != null && before.incarnation().is(object)
                ? before.incarnation()
                : Incarnation.of(object),
            object.resourceVersion(),
            object.generation(),
            object.deleting(),
            kept(object),
            options.projection(),
            null);
    if (options.projection() == Projection.WHOLE) {
      entry.endsAs(object);
    }
    return entry;
  }

  /** Stamps, indexes and publishes a state. */
  private Entry bringIn(Entry entry, @Nullable Entry before, Optional<String> reached) {
    View present = view;
    Entry indexed = entry;
    Indexes indexes = present.indexes;
    if (!indexer.isOff()) {
      String @Nullable [][] known = before == null ? null : before.values();
      String[][] values = indexer.values(entry, known, indexes);
      indexed = entry.indexed(values);
      indexes = indexes.changed(entry.key(), known, values);
    }
    soughtKey = null;
    indexed.came = compactor.now();
    indexed.seen(listing);
    view = new View(present.entries.with(indexed), reached, indexes);
    compactor.wrote(indexed.length());
    return indexed;
  }

  /** Most neighbours live in one namespace: they share the one text. */
  private ObjectKey newKey(ObjectScanner object) {
    String shared = namespace;
    if (!shared.equals(object.namespace())) {
      shared = object.namespace();
      namespace = shared;
    }
    return new ObjectKey(shared, object.name());
  }
}
