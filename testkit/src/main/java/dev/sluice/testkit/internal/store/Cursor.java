package dev.sluice.testkit.internal.store;

import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * A reader's place in a table's events. Owned by one thread; {@link #wake()} may be called by any.
 *
 * <p>How far a reader may fall behind is the reader's business: {@link #behind()} tells it.
 */
public final class Cursor implements AutoCloseable {
  private final Table table;
  private volatile Event last;
  private volatile @Nullable Thread parked;

  Cursor(Table table, Event start) {
    this.table = table;
    this.last = start;
  }

  /**
   * The next event not younger than {@code visible}, or null if there is none yet. Does not block.
   */
  public @Nullable Event poll(long visible) {
    Event next = last.next;
    if (next == null || (next.revision() > visible && next.type() != Event.Type.END)) {
      return null;
    }
    last = next;
    return next;
  }

  /** Whether {@link #poll} would give an event. */
  public boolean ready(long visible) {
    Event next = last.next;
    return next != null && (next.revision() <= visible || next.type() == Event.Type.END);
  }

  /** The number of events that are there and were not read. */
  public long behind() {
    return Math.max(0, table.lastSequence() - last.sequence());
  }

  /**
   * Waits until something may have changed, or the time is over. Owner's thread only.
   *
   * @param nanos how long at most; nothing is waited for when it is not positive
   */
  public void await(long nanos, long visible) {
    if (nanos <= 0) {
      return;
    }
    parked = Thread.currentThread();
    try {
      if (!ready(visible)) {
        LockSupport.parkNanos(this, nanos);
      }
    } finally {
      parked = null;
    }
  }

  /**
   * Lets go of all events, read or not: nothing more will be read. Keeps an owner that hangs
   * somewhere from keeping them all in memory. May be called by any thread.
   */
  public void abandon() {
    last = new Event(Event.Type.NONE, Long.MAX_VALUE, Long.MAX_VALUE, null, null);
    wake();
  }

  /** Wakes the owner if it waits. */
  public void wake() {
    Thread waiting = parked;
    if (waiting != null) {
      LockSupport.unpark(waiting);
    }
  }

  @Override
  public void close() {
    table.release(this);
  }
}
