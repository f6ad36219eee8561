package dev.sluice.kube.internal.store;

import dev.sluice.kube.ObjectKey;
import java.util.Arrays;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * An immutable map from keys to entries: each change makes a new map that shares all but one path
 * with the old one.
 *
 * <p>A compressed hash-array mapped trie (P. Bagwell, "Ideal Hash Trees", 2001; the compact layout
 * and canonical deletion of M. Steindorfer and J. Vinju, "Optimizing Hash-Array Mapped Tries for
 * Fast and Lean Immutable JVM Collections", OOPSLA 2015). A node has up to 32 branches, told apart
 * by five bits of the key's hash; two bit maps say which branches hold an entry and which a further
 * node, and one array holds both: entries from the front, nodes from the back. Keys whose whole
 * hashes collide stand in a bucket below the last level.
 *
 * <p>Why not a concurrent hash map: a snapshot here is one pointer, taken in no time and consistent
 * for ever, whatever the writer does meanwhile; a lookup is three or four array reads without a
 * fence; and with no node object an entry costs less memory. A write copies about four small arrays
 * (half a kilobyte), which is little beside the object's own bytes.
 *
 * <p>Entries hold their key, so only they are stored.
 */
public final class EntryMap {
  private static final int BITS = 5;
  private static final int MASK = (1 << BITS) - 1;
  private static final int HASH_BITS = 32;

  /** The map without entries. */
  public static final EntryMap EMPTY = new EntryMap(new Node(0, 0, new Object[0]), 0);

  private final Node root;
  private final int size;

  private EntryMap(Node root, int size) {
    this.root = root;
    this.size = size;
  }

  /** How many entries there are. */
  public int size() {
    return size;
  }

  /** The entry of a key, or null. */
  public @Nullable Entry get(ObjectKey key) {
    int hash = hash(key);
    Object node = root;
    for (int shift = 0; ; shift += BITS) {
      if (node instanceof Bucket bucket) {
        return bucket.get(key);
      }
      Node inner = (Node) node;
      int bit = 1 << (hash >>> shift & MASK);
      if ((inner.entries & bit) != 0) {
        Entry entry = (Entry) inner.slots[inner.entryIndex(bit)];
        return entry.key().equals(key) ? entry : null;
      }
      if ((inner.nodes & bit) == 0) {
        return null;
      }
      node = inner.slots[inner.nodeIndex(bit)];
    }
  }

  /** This map with an entry added, or in place of the one of the same key. */
  public EntryMap with(Entry entry) {
    Node changed = root.with(entry, hash(entry.key()), 0);
    return new EntryMap(changed, get(entry.key()) == null ? size + 1 : size);
  }

  /** This map without a key; itself if it has no such entry. */
  public EntryMap without(ObjectKey key) {
    if (get(key) == null) {
      return this;
    }
    Object changed = root.without(key, hash(key), 0);
    Node node =
        changed instanceof Entry last ? EMPTY.root.with(last, hash(last.key()), 0) : (Node) changed;
    return new EntryMap(node, size - 1);
  }

  /** Shows every entry, in no particular order. */
  public void forEach(Consumer<? super Entry> action) {
    visit(root, action);
  }

  /** Every entry, in no particular order. */
  public Entry[] toArray() {
    Entry[] all = new Entry[size];
    int[] next = {0};
    forEach(entry -> all[next[0]++] = entry);
    return all;
  }

  private static void visit(Object node, Consumer<? super Entry> action) {
    switch (node) {
      case Entry entry -> action.accept(entry);
      case Bucket bucket -> {
        for (Entry entry : bucket.entries) {
          action.accept(entry);
        }
      }
      default -> {
        for (Object slot : ((Node) node).slots) {
          visit(slot, action);
        }
      }
    }
  }

  /** Spread, because names that differ in their last character only have hashes that do too. */
  private static int hash(ObjectKey key) {
    int hash = key.hashCode() * 0x9E3779B9;
    return hash ^ hash >>> 15;
  }

  /** The smallest subtree that tells two entries apart. */
  private static Object join(Entry one, int oneHash, Entry other, int otherHash, int shift) {
    if (shift >= HASH_BITS) {
      return new Bucket(new Entry[] {one, other});
    }
    int oneBit = 1 << (oneHash >>> shift & MASK);
    int otherBit = 1 << (otherHash >>> shift & MASK);
    if (oneBit == otherBit) {
      Object below = join(one, oneHash, other, otherHash, shift + BITS);
      return new Node(0, oneBit, new Object[] {below});
    }
    boolean first = Integer.compareUnsigned(oneBit, otherBit) < 0;
    return new Node(
        oneBit | otherBit, 0, first ? new Object[] {one, other} : new Object[] {other, one});
  }

  private static final class Node {
    final int entries;
    final int nodes;
    final Object[] slots;

    Node(int entries, int nodes, Object[] slots) {
      this.entries = entries;
      this.nodes = nodes;
      this.slots = slots;
    }

    int entryIndex(int bit) {
      return Integer.bitCount(entries & bit - 1);
    }

    int nodeIndex(int bit) {
      return slots.length - 1 - Integer.bitCount(nodes & bit - 1);
    }

    Node with(Entry entry, int hash, int shift) {
      int bit = 1 << (hash >>> shift & MASK);
      if ((entries & bit) != 0) {
        int at = entryIndex(bit);
        Entry present = (Entry) slots[at];
        if (present.key().equals(entry.key())) {
          return replaced(at, entry);
        }
        Object below = join(present, hash(present.key()), entry, hash, shift + BITS);
        return entryToNode(bit, at, below);
      }
      if ((nodes & bit) != 0) {
        int at = nodeIndex(bit);
        Object below = slots[at];
        return replaced(
            at,
            below instanceof Bucket bucket
                ? bucket.with(entry)
                : ((Node) below).with(entry, hash, shift + BITS));
      }
      int at = entryIndex(bit);
      Object[] more = new Object[slots.length + 1];
      System.arraycopy(slots, 0, more, 0, at);
      more[at] = entry;
      System.arraycopy(slots, at, more, at + 1, slots.length - at);
      return new Node(entries | bit, nodes, more);
    }

    /** Without a key that is there: a node, or the one entry that is left. */
    Object without(ObjectKey key, int hash, int shift) {
      int bit = 1 << (hash >>> shift & MASK);
      if ((entries & bit) != 0) {
        int at = entryIndex(bit);
        if (nodes == 0 && slots.length == 2) {
          return slots[1 - at];
        }
        Object[] fewer = new Object[slots.length - 1];
        System.arraycopy(slots, 0, fewer, 0, at);
        System.arraycopy(slots, at + 1, fewer, at, fewer.length - at);
        return new Node(entries & ~bit, nodes, fewer);
      }
      int at = nodeIndex(bit);
      Object below =
          slots[at] instanceof Bucket bucket
              ? bucket.without(key)
              : ((Node) slots[at]).without(key, hash, shift + BITS);
      if (!(below instanceof Entry single)) {
        return replaced(at, below);
      }
      // What is left below is one entry: it moves up, so that equal maps have equal shapes.
      return slots.length == 1 ? single : nodeToEntry(bit, at, single);
    }

    private Node replaced(int at, Object slot) {
      Object[] same = slots.clone();
      same[at] = slot;
      return new Node(entries, nodes, same);
    }

    private Node entryToNode(int bit, int at, Object below) {
      int newNodes = nodes | bit;
      Object[] moved = new Object[slots.length];
      int to = slots.length - 1 - Integer.bitCount(newNodes & bit - 1);
      System.arraycopy(slots, 0, moved, 0, at);
      System.arraycopy(slots, at + 1, moved, at, to - at);
      moved[to] = below;
      System.arraycopy(slots, to + 1, moved, to + 1, slots.length - to - 1);
      return new Node(entries & ~bit, newNodes, moved);
    }

    private Node nodeToEntry(int bit, int at, Entry single) {
      int to = entryIndex(bit);
      Object[] moved = new Object[slots.length];
      System.arraycopy(slots, 0, moved, 0, to);
      moved[to] = single;
      System.arraycopy(slots, to, moved, to + 1, at - to);
      System.arraycopy(slots, at + 1, moved, at + 1, slots.length - at - 1);
      return new Node(entries | bit, nodes & ~bit, moved);
    }
  }

  /** Entries whose keys have the same hash. */
  private static final class Bucket {
    final Entry[] entries;

    Bucket(Entry[] entries) {
      this.entries = entries;
    }

    @Nullable Entry get(ObjectKey key) {
      for (Entry entry : entries) {
        if (entry.key().equals(key)) {
          return entry;
        }
      }
      return null;
    }

    Bucket with(Entry entry) {
      for (int i = 0; i < entries.length; i++) {
        if (entries[i].key().equals(entry.key())) {
          Entry[] same = entries.clone();
          same[i] = entry;
          return new Bucket(same);
        }
      }
      Entry[] more = Arrays.copyOf(entries, entries.length + 1);
      more[entries.length] = entry;
      return new Bucket(more);
    }

    Object without(ObjectKey key) {
      if (entries.length == 2) {
        return entries[entries[0].key().equals(key) ? 1 : 0];
      }
      Entry[] fewer = new Entry[entries.length - 1];
      int next = 0;
      for (Entry entry : entries) {
        if (!entry.key().equals(key)) {
          fewer[next++] = entry;
        }
      }
      return new Bucket(fewer);
    }
  }
}
