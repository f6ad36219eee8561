package dev.sluice.flow;

import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Timeouts by the million: adding, removing and expiring one takes constant time.
 *
 * <p>A hierarchical timing wheel (G. Varghese, A. Lauck, "Hashed and Hierarchical Timing Wheels",
 * SOSP 1987; scheme 7), in the form in which the position needs no counters: time is a number of
 * ticks, written with digits of six bits. A node that is due at tick <i>d</i> lies on the level of
 * the highest digit in which <i>d</i> differs from the present tick <i>c</i>, in the slot named by
 * <i>d</i>'s digit there. As all higher digits agree and <i>d</i> &gt; <i>c</i>, that slot lies
 * ahead on its level and every slot holds nodes of one turn only. When <i>c</i> reaches the start
 * of a slot, its nodes agree with <i>c</i> in one digit more and move to lower levels, at most
 * seven times until they are due. One bit per slot tells whether something may be in it, so the
 * next slot is found with one instruction a level, nothing has to tick, and time may jump any
 * distance.
 *
 * <p>What follows from that: a tick is 2^20 ns (1.05 ms), and a node expires never before it is due
 * and less than one tick after it. Eight levels of 64 slots reach 2^68 ns, more than a {@code long}
 * of nanoseconds holds. Nodes due in the same tick expire in no particular order.
 *
 * <p>A slot that a million nodes share is taken off whole and then worked through in steps of the
 * caller's choosing, so that no lock is held for long.
 *
 * <p>Guarded by its owner's lock. Times are nanoseconds since the wheel was made, never negative.
 */
final class TimingWheel<N extends TimingWheel.Node<N>> {
  static final int TICK_SHIFT = 20;
  private static final int DIGIT = 6;
  private static final int SLOTS = 1 << DIGIT;
  private static final int LEVELS = 8;

  /** What waits for its time. Knows its neighbours in its slot, so that it can leave. */
  abstract static class Node<N extends Node<N>> {
    private @Nullable Node<N> before;
    private @Nullable Node<N> after;
    private long dueTick;

    /** Whether it is in a wheel. */
    final boolean isScheduled() {
      return before != null;
    }

    /** When it is due, rounded up to a whole tick, in nanoseconds since the wheel was made. */
    final long dueNanos() {
      return dueTick << TICK_SHIFT;
    }
  }

  /** The head of a slot's ring of nodes. */
  private static final class Slot<N extends Node<N>> extends Node<N> {
    Slot() {
      makeEmpty(this);
    }

    boolean isEmpty() {
      return ((Node<N>) this).after == this;
    }
  }

  private final Slot<N>[][] slots;
  private final long[] occupied = new long[LEVELS];

  /** A slot's nodes that are being moved down or expired, a few at a time. */
  private final Slot<N> unsorted = new Slot<>();

  private long tick;
  private int size;

  @SuppressWarnings({"unchecked", "rawtypes"})
  TimingWheel() {
    slots = new Slot[LEVELS][];
  }

  int size() {
    return size;
  }

  /** Adds a node that is in no wheel. What is already due expires with the next tick. */
  void add(N node, long dueNanos) {
    long due = (dueNanos >>> TICK_SHIFT) + ((dueNanos & ((1L << TICK_SHIFT) - 1)) == 0 ? 0 : 1);
    ((Node<N>) node).dueTick = Math.max(due, tick + 1);
    place(node);
    size++;
  }

  /** Removes a node that is in this wheel. */
  void remove(N node) {
    unlink(node);
    size--;
  }

  /**
   * Moves the time on and expires what is due.
   *
   * @param nowNanos the present time; no earlier than in the last call
   * @param most how many nodes are touched at most
   * @return whether more is due, so that the call must be repeated
   */
  boolean advance(long nowNanos, int most, Consumer<? super N> expired) {
    long now = nowNanos >>> TICK_SHIFT;
    for (int touched = 0; touched < most; touched++) {
      if (unsorted.isEmpty() && !openNextSlot(now)) {
        return false;
      }
      N node = first(unsorted);
      unlink(node);
      if (((Node<N>) node).dueTick <= tick) {
        size--;
        expired.accept(node);
      } else {
        place(node);
      }
    }
    return !unsorted.isEmpty() || nextStart() <= now;
  }

  /**
   * When {@link #advance} has to be called next, in nanoseconds since the wheel was made; {@link
   * Long#MAX_VALUE} if nothing is scheduled. May be too early, when nodes have to move down or were
   * removed.
   */
  long nextNanos() {
    if (!unsorted.isEmpty()) {
      return tick << TICK_SHIFT;
    }
    long start = nextStart();
    return start > Long.MAX_VALUE >>> TICK_SHIFT ? Long.MAX_VALUE : start << TICK_SHIFT;
  }

  /** Takes off the next slot that starts by {@code now}; false if there is none. */
  private boolean openNextSlot(long now) {
    while (true) {
      int level = lowestOccupied();
      long start = level < 0 ? Long.MAX_VALUE : startOf(level);
      if (start > now) {
        tick = Math.max(tick, now);
        return false;
      }
      tick = start;
      int index = Long.numberOfTrailingZeros(occupied[level]);
      occupied[level] &= ~(1L << index);
      Slot<N> slot = slots[level][index];
      if (!slot.isEmpty()) {
        moveAll(slot, unsorted);
        return true;
      }
    }
  }

  private long nextStart() {
    int level = lowestOccupied();
    return level < 0 ? Long.MAX_VALUE : startOf(level);
  }

  private int lowestOccupied() {
    for (int level = 0; level < LEVELS; level++) {
      if (occupied[level] != 0) {
        return level;
      }
    }
    return -1;
  }

  /** The tick at which the first occupied slot of a level starts. */
  private long startOf(int level) {
    int shift = DIGIT * level;
    long higher = shift + DIGIT >= Long.SIZE ? 0 : tick >>> (shift + DIGIT) << (shift + DIGIT);
    return higher | (long) Long.numberOfTrailingZeros(occupied[level]) << shift;
  }

  private void place(N node) {
    long due = ((Node<N>) node).dueTick;
    int level = (Long.SIZE - 1 - Long.numberOfLeadingZeros(due ^ tick)) / DIGIT;
    int index = (int) (due >>> (DIGIT * level)) & (SLOTS - 1);
    Slot<N>[] row = slots[level];
    if (row == null) {
      row = newRow();
      slots[level] = row;
    }
    append(row[index], node);
    occupied[level] |= 1L << index;
  }

  @SuppressWarnings({"unchecked", "rawtypes"})
  private static <N extends Node<N>> Slot<N>[] newRow() {
    Slot<N>[] row = new Slot[SLOTS];
    for (int i = 0; i < SLOTS; i++) {
      row[i] = new Slot<>();
    }
    return row;
  }

  private static <N extends Node<N>> void makeEmpty(Node<N> head) {
    head.before = head;
    head.after = head;
  }

  @SuppressWarnings({
    "unchecked",
    "NullAway"
  }) // linked nodes have neighbours; heads are never first
  private static <N extends Node<N>> N first(Slot<N> slot) {
    return (N) ((Node<N>) slot).after;
  }

  @SuppressWarnings("NullAway") // linked nodes have neighbours
  private static <N extends Node<N>> void append(Node<N> head, Node<N> node) {
    Node<N> last = head.before;
    node.before = last;
    node.after = head;
    last.after = node;
    head.before = node;
  }

  @SuppressWarnings("NullAway") // linked nodes have neighbours
  private static <N extends Node<N>> void unlink(Node<N> node) {
    node.before.after = node.after;
    node.after.before = node.before;
    node.before = null;
    node.after = null;
  }

  @SuppressWarnings("NullAway") // linked nodes have neighbours
  private static <N extends Node<N>> void moveAll(Node<N> from, Node<N> to) {
    to.after = from.after;
    to.before = from.before;
    to.after.before = to;
    to.before.after = to;
    makeEmpty(from);
  }
}
