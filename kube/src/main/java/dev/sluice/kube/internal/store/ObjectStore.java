package dev.sluice.kube.internal.store;

import dev.sluice.kube.ObjectKey;
import dev.sluice.kube.internal.json.ObjectScanner;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
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
public final class ObjectStore {
  private final boolean cutManagedFields;
  private final byte[] typeMeta;
  private volatile View view = new View(EntryMap.EMPTY, Optional.empty());
  private int listing;
  private Set<ObjectKey> incomplete = Set.of();
  private String namespace = "";

  /**
   * An empty store.
   *
   * @param cutManagedFields whether {@code metadata.managedFields} is left out of what is kept
   * @param typeMeta put in front of objects that lack kind and apiVersion: {@code
   *     "kind":"Pod","apiVersion":"v1",}
   */
  public ObjectStore(boolean cutManagedFields, byte[] typeMeta) {
    this.cutManagedFields = cutManagedFields;
    this.typeMeta = typeMeta;
  }

  /**
   * All there is, as of one moment.
   *
   * @param entries the objects
   * @param resourceVersion the version of the collection they belong to; empty before the first
   *     list has been read to its end
   */
  public record View(EntryMap entries, Optional<String> resourceVersion) {}

  /** The present state. */
  public View view() {
    return view;
  }

  /**
   * Brings in an event's object: unless it is known to be older than what is there.
   *
   * @param object what was scanned; its bytes are copied
   */
  public Difference put(ObjectScanner object) {
    String version = object.resourceVersion();
    Entry before = view.entries.get(new ObjectKey(object.namespace(), object.name()));
    if (before == null) {
      return write(object, null, Optional.of(version));
    }
    boolean same = before.uid().equals(object.uid());
    if (same && before.resourceVersion().equals(version)) {
      reached(version);
      return new Difference.Unchanged(before);
    }
    if (Versions.older(version, before.resourceVersion())) {
      reached(version);
      return new Difference.Stale(before);
    }
    return write(object, before, Optional.of(version));
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
    EntryMap restored = EntryMap.EMPTY;
    for (Entry entry : entries) {
      restored = restored.with(entry);
    }
    this.incomplete = new HashSet<>(incomplete);
    view = new View(restored, version);
  }

  /** A list begins. */
  public void beginList() {
    listing++;
  }

  /**
   * Brings in an item of a list. The list is believed, also where it is older than what is there: a
   * database may have been restored.
   *
   * @param object what was scanned; its bytes are copied
   */
  public Difference putListed(ObjectScanner object) {
    Entry before = view.entries.get(new ObjectKey(object.namespace(), object.name()));
    if (before != null
        && before.uid().equals(object.uid())
        && before.resourceVersion().equals(object.resourceVersion())) {
      if (!incomplete.isEmpty() && incomplete.remove(before.key())) {
        write(object, before, view.resourceVersion);
      } else {
        before.listing = listing;
      }
      return new Difference.Unchanged(before);
    }
    return write(object, before, view.resourceVersion);
  }

  /** What the list that has just been read to its end did not have. */
  public List<Entry> missing() {
    List<Entry> missing = new ArrayList<>();
    view.entries.forEach(entry -> {
      if (entry.listing != listing) {
        missing.add(entry);
      }
    });
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
    if (before == null) {
      reached(version);
      return new Difference.Unknown();
    }
    if (Versions.older(version, before.resourceVersion())) {
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
    return takeOut(entry, version, view.resourceVersion);
  }

  /** Says to which version of the collection the objects now belong. */
  public void reached(String version) {
    View present = view;
    if (present.resourceVersion.isEmpty() || !present.resourceVersion.get().equals(version)) {
      view = new View(present.entries, Optional.of(version));
    }
  }

  private Difference takeOut(Entry before, String version, Optional<String> reached) {
    before.incarnation().bury(before, version);
    view = new View(view.entries.without(before.key()), reached);
    return new Difference.Removed(before);
  }

  private Difference write(ObjectScanner object, @Nullable Entry before, Optional<String> reached) {
    boolean same = before != null && before.uid().equals(object.uid());
    Entry entry =
        new Entry(
            before == null ? newKey(object) : before.key(),
            before != null && same ? before.incarnation() : new Incarnation(object.uid()),
            object.resourceVersion(),
            object.generation(),
            object.deleting(),
            object.body(cutManagedFields, typeMeta));
    entry.listing = listing;
    if (before != null && !same) {
      before.incarnation().bury(before, object.resourceVersion());
    }
    view = new View(view.entries.with(entry), reached);
    if (before == null) {
      return new Difference.Created(entry);
    }
    return same ? new Difference.Updated(entry) : new Difference.Replaced(entry, before);
  }

  /** Most neighbours live in one namespace: they share the one text. */
  private ObjectKey newKey(ObjectScanner object) {
    if (!namespace.equals(object.namespace())) {
      namespace = object.namespace();
    }
    return new ObjectKey(namespace, object.name());
  }
}
