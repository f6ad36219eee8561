package dev.sluice.kube.internal.store;

import java.util.Arrays;
import java.util.function.Consumer;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * An immutable set of elements that are found by their keys: each change makes a new one that
 * shares all but one path with the old one.
 *
 * <p>A compressed hash-array mapped trie (P. Bagwell, "Ideal Hash Trees", 2001; the compact layout
 * and canonical deletion of M. Steindorfer and J. Vinju, "Optimizing Hash-Array Mapped Tries for
 * Fast and Lean Immutable JVM Collections", OOPSLA 2015). A node has up to 32 branches, told apart
 * by five bits of the key's hash; two bit maps say which branches hold an element and which a
 * further node, and one array holds both: elements from the front, nodes from the back. Keys whose
 * whole hashes collide stand in a bucket below the last level.
 *
 * <p>Why not a concurrent hash map: a snapshot here is one pointer, taken in no time and consistent
 * for ever, whatever the writer does meanwhile; a lookup is three or four array reads without a
 * fence; and with no node object an element costs less memory. A write copies about four small
 * arrays (half a kilobyte), which is little beside an object's own bytes.
 *
 * <p>Elements hold their key, or are it, so only they are stored.
 *
 * @param <K> the keys
 * @param <E> the elements: of any class but this one's nodes
 */
final class Trie<K, E> {
  private static final int BITS = 5;
  private static final int MASK = (1 << BITS) - 1;
  private static final int HASH_BITS = 32;
  private static final Node NOTHING = new Node(0, 0, new Object[0]);

  private final Function<? super E, ? extends K> keyOf;
  private final Node root;
  private final int size;

  private Trie(Function<? super E, ? extends K> keyOf, Node root, int size) {
    this.keyOf = keyOf;
    this.root = root;
    this.size = size;
  }

  /**
   * One without elements.
   *
   * @param keyOf what an element is found by; always the same for the same element
   */
  static <K, E> Trie<K, E> empty(Function<? super E, ? extends K> keyOf) {
    return new Trie<>(keyOf, NOTHING, 0);
  }

  /**
   * One with elements, each of another key; the same as if they were added one after the other, but
   * each node is made once.
   */
  static <K, E> Trie<K, E> of(Function<? super E, ? extends K> keyOf, E[] elements) {
    if (elements.length == 0) {
      return empty(keyOf);
    }
    Object[] sorted = elements.clone();
    int[] hashes = new int[sorted.length];
    for (int i = 0; i < sorted.length; i++) {
      hashes[i] = hash(keyOf.apply(elements[i]));
    }
    Object[] room = new Object[sorted.length];
    int[] roomForHashes = new int[sorted.length];
    Object root = grown(sorted, hashes, room, roomForHashes, 0, sorted.length, 0);
    return new Trie<>(
        keyOf,
        root instanceof Node node
            ? node
            : new Node(1 << (hashes[0] & MASK), 0, new Object[] {root}),
        sorted.length);
  }

  /** The subtree of a piece: a node, a bucket, or the one element itself. */
  private static Object grown(
      Object[] elements,
      int[] hashes,
      Object[] room,
      int[] roomForHashes,
      int from,
      int to,
      int shift) {
    if (to - from == 1) {
      return elements[from];
    }
    if (shift >= HASH_BITS) {
      return new Bucket(Arrays.copyOfRange(elements, from, to));
    }
    int[] next = new int[MASK + 2];
    for (int i = from; i < to; i++) {
      next[(hashes[i] >>> shift & MASK) + 1]++;
    }
    int elementBits = 0;
    int nodeBits = 0;
    for (int branch = 0; branch <= MASK; branch++) {
      int count = next[branch + 1];
      elementBits |= count == 1 ? 1 << branch : 0;
      nodeBits |= count > 1 ? 1 << branch : 0;
      next[branch + 1] += next[branch];
    }
    int[] starts = next.clone();
    for (int i = from; i < to; i++) {
      int at = from + next[hashes[i] >>> shift & MASK]++;
      room[at] = elements[i];
      roomForHashes[at] = hashes[i];
    }
    System.arraycopy(room, from, elements, from, to - from);
    System.arraycopy(roomForHashes, from, hashes, from, to - from);
    Object[] slots = new Object[Integer.bitCount(elementBits) + Integer.bitCount(nodeBits)];
    int element = 0;
    int node = slots.length;
    for (int branch = 0; branch <= MASK; branch++) {
      int start = from + starts[branch];
      int end = from + starts[branch + 1];
      if (end > start) {
        Object below = grown(elements, hashes, room, roomForHashes, start, end, shift + BITS);
        slots[end - start == 1 ? element++ : --node] = below;
      }
    }
    return new Node(elementBits, nodeBits, slots);
  }

  /** How many elements there are. */
  int size() {
    return size;
  }

  /** The element of a key, or null. */
  @SuppressWarnings("unchecked")
  @Nullable E get(K key) {
    return (E) find(key);
  }

  private @Nullable Object find(K key) {
    int hash = hash(key);
    Object node = root;
    for (int shift = 0; ; shift += BITS) {
      if (node instanceof Bucket bucket) {
        return bucket.get(key, keys());
      }
      Node inner = (Node) node;
      int bit = 1 << (hash >>> shift & MASK);
      if ((inner.elements & bit) != 0) {
        Object element = inner.slots[inner.elementIndex(bit)];
        return keys().apply(element).equals(key) ? element : null;
      }
      if ((inner.nodes & bit) == 0) {
        return null;
      }
      node = inner.slots[inner.nodeIndex(bit)];
    }
  }

  /** This one with an element added, or in place of the one of the same key. */
  Trie<K, E> with(E element) {
    Function<Object, Object> keys = keys();
    K key = keyOf.apply(element);
    int hash = hash(key);
    // Each node on the way is copied, and the copy hung into that of the one above.
    Node node = root;
    Node changedRoot = root;
    Object @Nullable [] above = null;
    int aboveAt = 0;
    for (int shift = 0; ; shift += BITS) {
      int bit = 1 << (hash >>> shift & MASK);
      boolean more = false;
      Object next = null;
      Node copy;
      if ((node.nodes & bit) != 0) {
        int at = node.nodeIndex(bit);
        next = node.slots[at];
        if (next instanceof Bucket bucket) {
          Bucket changed = bucket.with(element, keys);
          more = changed.elements.length > bucket.elements.length;
          copy = node.replaced(at, changed);
        } else {
          copy = node.replaced(at, next);
        }
      } else if ((node.elements & bit) != 0) {
        int at = node.elementIndex(bit);
        Object presentKey = keys.apply(node.slots[at]);
        if (presentKey.equals(key)) {
          copy = node.replaced(at, element);
        } else {
          more = true;
          Object below = join(node.slots[at], hash(presentKey), element, hash, shift + BITS);
          copy = node.elementToNode(bit, at, below);
        }
      } else {
        more = true;
        copy = node.elementAdded(bit, element);
      }
      if (above == null) {
        changedRoot = copy;
      } else {
        above[aboveAt] = copy;
      }
      if (!(next instanceof Node deeper)) {
        return new Trie<>(keyOf, changedRoot, more ? size + 1 : size);
      }
      above = copy.slots;
      aboveAt = copy.nodeIndex(bit);
      node = deeper;
    }
  }

  /** This one without a key; itself if it has no such element. */
  Trie<K, E> without(K key) {
    if (find(key) == null) {
      return this;
    }
    Object changed = root.without(key, hash(key), 0, keys());
    Node node =
        changed instanceof Node smaller
            ? smaller
            : NOTHING.elementAdded(1 << (hash(keys().apply(changed)) & MASK), changed);
    return new Trie<>(keyOf, node, size - 1);
  }

  /** Shows every element, in no particular order. */
  @SuppressWarnings("unchecked")
  void forEach(Consumer<? super E> action) {
    visit(root, (Consumer<Object>) action);
  }

  @SuppressWarnings("unchecked")
  private Function<Object, Object> keys() {
    return (Function<Object, Object>) keyOf;
  }

  private static void visit(Object node, Consumer<Object> action) {
    switch (node) {
      case Node inner -> {
        for (Object slot : inner.slots) {
          visit(slot, action);
        }
      }
      case Bucket bucket -> {
        for (Object element : bucket.elements) {
          action.accept(element);
        }
      }
      default -> action.accept(node);
    }
  }

  /** Spread, because names that differ in their last character only have hashes that do too. */
  private static int hash(Object key) {
    int hash = key.hashCode() * 0x9E3779B9;
    return hash ^ hash >>> 15;
  }

  /** The smallest subtree that tells two elements apart. */
  private static Object join(Object one, int oneHash, Object other, int otherHash, int shift) {
    if (shift >= HASH_BITS) {
      return new Bucket(new Object[] {one, other});
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
    final int elements;
    final int nodes;
    final Object[] slots;

    Node(int elements, int nodes, Object[] slots) {
      this.elements = elements;
      this.nodes = nodes;
      this.slots = slots;
    }

    int elementIndex(int bit) {
      return Integer.bitCount(elements & bit - 1);
    }

    int nodeIndex(int bit) {
      return slots.length - 1 - Integer.bitCount(nodes & bit - 1);
    }

    Node elementAdded(int bit, Object element) {
      int at = elementIndex(bit);
      Object[] more = new Object[slots.length + 1];
      System.arraycopy(slots, 0, more, 0, at);
      more[at] = element;
      System.arraycopy(slots, at, more, at + 1, slots.length - at);
      return new Node(elements | bit, nodes, more);
    }

    /** Without a key that is there: a node, or the one element that is left. */
    Object without(Object key, int hash, int shift, Function<Object, Object> keys) {
      int bit = 1 << (hash >>> shift & MASK);
      if ((elements & bit) != 0) {
        int at = elementIndex(bit);
        if (nodes == 0 && slots.length == 2) {
          return slots[1 - at];
        }
        Object[] fewer = new Object[slots.length - 1];
        System.arraycopy(slots, 0, fewer, 0, at);
        System.arraycopy(slots, at + 1, fewer, at, fewer.length - at);
        return new Node(elements & ~bit, nodes, fewer);
      }
      int at = nodeIndex(bit);
      Object below =
          slots[at] instanceof Bucket bucket
              ? bucket.without(key, keys)
              : ((Node) slots[at]).without(key, hash, shift + BITS, keys);
      if (below instanceof Node || below instanceof Bucket) {
        return replaced(at, below);
      }
      // What is left below is one element: it moves up, so that equal maps have equal shapes.
      return slots.length == 1 ? below : nodeToElement(bit, at, below);
    }

    private Node replaced(int at, Object slot) {
      Object[] same = slots.clone();
      same[at] = slot;
      return new Node(elements, nodes, same);
    }

    private Node elementToNode(int bit, int at, Object below) {
      int newNodes = nodes | bit;
      Object[] moved = new Object[slots.length];
      int to = slots.length - 1 - Integer.bitCount(newNodes & bit - 1);
      System.arraycopy(slots, 0, moved, 0, at);
      System.arraycopy(slots, at + 1, moved, at, to - at);
      moved[to] = below;
      System.arraycopy(slots, to + 1, moved, to + 1, slots.length - to - 1);
      return new Node(elements & ~bit, newNodes, moved);
    }

    private Node nodeToElement(int bit, int at, Object single) {
      int to = elementIndex(bit);
      Object[] moved = new Object[slots.length];
      System.arraycopy(slots, 0, moved, 0, to);
      moved[to] = single;
      System.arraycopy(slots, to, moved, to + 1, at - to);
      System.arraycopy(slots, at + 1, moved, at + 1, slots.length - at - 1);
      return new Node(elements | bit, nodes & ~bit, moved);
    }
  }

  /** Elements whose keys have the same hash. */
  private static final class Bucket {
    final Object[] elements;

    Bucket(Object[] elements) {
      this.elements = elements;
    }

    @Nullable Object get(Object key, Function<Object, Object> keys) {
      for (Object element : elements) {
        if (keys.apply(element).equals(key)) {
          return element;
        }
      }
      return null;
    }

    Bucket with(Object element, Function<Object, Object> keys) {
      for (int i = 0; i < elements.length; i++) {
        if (keys.apply(elements[i]).equals(keys.apply(element))) {
          Object[] same = elements.clone();
          same[i] = element;
          return new Bucket(same);
        }
      }
      Object[] more = Arrays.copyOf(elements, elements.length + 1);
      more[elements.length] = element;
      return new Bucket(more);
    }

    Object without(Object key, Function<Object, Object> keys) {
      if (elements.length == 2) {
        return elements[keys.apply(elements[0]).equals(key) ? 1 : 0];
      }
      Object[] fewer = new Object[elements.length - 1];
      int next = 0;
      for (Object element : elements) {
        if (!keys.apply(element).equals(key)) {
          fewer[next++] = element;
        }
      }
      return new Bucket(fewer);
    }
  }
}
