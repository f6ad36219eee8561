package dev.sluice.testkit.internal.store;

import org.jspecify.annotations.Nullable;

/**
 * One change, a link in its table's list. {@link #next} is the only thing that changes: from null
 * to the event after this one. Readers hold on to the last event they have seen, so events that
 * nobody needs any more are garbage by themselves.
 */
public final class Event {
  /** What happened to the object. */
  public enum Type {
    ADDED,
    MODIFIED,
    DELETED,
    /** Nothing happened: the head of the list, or a mark of progress. */
    NONE,
    /** The last event of a table: it is gone, or its history was emptied; readers end. */
    END
  }

  private final Type type;
  private final long revision;
  private final long sequence;
  private final @Nullable Version version;
  private final @Nullable Version before;
  volatile @Nullable Event next;

  Event(
      Type type,
      long revision,
      long sequence,
      @Nullable Version version,
      @Nullable Version before) {
    this.type = type;
    this.revision = revision;
    this.sequence = sequence;
    this.version = version;
    this.before = before;
  }

  public Type type() {
    return type;
  }

  public long revision() {
    return revision;
  }

  /** Place in the table's list, counted from its start. */
  public long sequence() {
    return sequence;
  }

  /**
   * The state after the change; of a deletion the last one, encoded with the deletion's revision.
   */
  public Version version() {
    Version v = version;
    if (v == null) {
      throw new IllegalStateException("An event of type " + type + " has no object");
    }
    return v;
  }

  /** The state before the change; null for an addition. */
  public @Nullable Version before() {
    return before;
  }
}
