package dev.sluice.kube.internal.store;

import dev.sluice.kube.ObjectKey;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** An immutable map from keys to entries: a {@link Trie} of them. */
public final class EntryMap {
  /** The map without entries. */
  public static final EntryMap EMPTY = new EntryMap(Trie.empty(Entry::key));

  private final Trie<ObjectKey, Entry> entries;

  private EntryMap(Trie<ObjectKey, Entry> entries) {
    this.entries = entries;
  }

  /** A map of entries, each of another key: faster than one after the other. */
  public static EntryMap of(Entry[] entries) {
    return new EntryMap(Trie.of(Entry::key, entries));
  }

  /** How many entries there are. */
  public int size() {
    return entries.size();
  }

  /** The entry of a key, or null. */
  public @Nullable Entry get(ObjectKey key) {
    return entries.get(key);
  }

  /** This map with an entry added, or in place of the one of the same key. */
  public EntryMap with(Entry entry) {
    return new EntryMap(entries.with(entry));
  }

  /** This map without a key; itself if it has no such entry. */
  public EntryMap without(ObjectKey key) {
    Trie<ObjectKey, Entry> fewer = entries.without(key);
    return fewer == entries ? this : new EntryMap(fewer);
  }

  /** Shows every entry, in no particular order. */
  public void forEach(Consumer<? super Entry> action) {
    entries.forEach(action);
  }

  /** Every entry, in no particular order. */
  public Entry[] toArray() {
    Entry[] all = new Entry[size()];
    int[] next = {0};
    forEach(entry -> all[next[0]++] = entry);
    return all;
  }
}
