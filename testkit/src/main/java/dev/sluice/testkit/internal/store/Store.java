package dev.sluice.testkit.internal.store;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * All tables and the one counter of revisions they share.
 *
 * <p>Safe for any number of threads. Writers take turns; a write either happens on the very version
 * its caller looked at, or not at all. Readers never wait.
 */
public final class Store {
  private final ReentrantLock lock = new ReentrantLock();
  private final ConcurrentHashMap<String, Table> tables = new ConcurrentHashMap<>();
  private final int window;
  private volatile long revision;

  /** Encodes an object once its revision is known. Called under the store's lock. */
  public interface Encoder {
    byte[] encode(long revision);
  }

  /** A copy of everything live, as it was at one revision. Immutable. */
  public static final class Snapshot {
    private final long revision;
    private final Map<String, SortedMap<String, Version>> content;

    Snapshot(long revision, Map<String, SortedMap<String, Version>> content) {
      this.revision = revision;
      this.content = content;
    }

    public long revision() {
      return revision;
    }
  }

  /**
   * @param window how many events each table remembers
   */
  public Store(int window) {
    this.window = window;
    this.revision = 1;
  }

  /** The newest revision. */
  public long revision() {
    return revision;
  }

  /** The table of a resource, created when there is none. */
  public Table table(String name) {
    Table table = tables.get(name);
    if (table != null) {
      return table;
    }
    lock.lock();
    try {
      return tables.computeIfAbsent(name, n -> new Table(n, window, revision, new TreeMap<>()));
    } finally {
      lock.unlock();
    }
  }

  /**
   * Writes a new state of a key, if its newest one is still {@code expected} (null: there is none).
   *
   * @return the new version, or null if another writer came first
   */
  public @Nullable Version put(
      Table table, String key, @Nullable Version expected, Version.Facts facts, Encoder encoder) {
    lock.lock();
    try {
      Version present = table.newestOrTombstone(key);
      Version live = present == null || present.deleted() ? null : present;
      if (live != expected || table.ended()) {
        return null;
      }
      long next = revision + 1;
      Version version = new Version(key, next, encoder.encode(next), facts, present, false);
      table.put(key, version, live == null ? Event.Type.ADDED : Event.Type.MODIFIED, live);
      // The event first, then the revision: who sees the revision finds the event.
      revision = next;
      table.wakeReaders();
      return version;
    } finally {
      lock.unlock();
    }
  }

  /**
   * Removes a key, if its newest version is still {@code expected}.
   *
   * @param encoder encodes the last state with the revision of the deletion
   * @return the tombstone, or null if another writer came first
   */
  public @Nullable Version delete(Table table, String key, Version expected, Encoder encoder) {
    lock.lock();
    try {
      if (table.newestOrTombstone(key) != expected || table.ended()) {
        return null;
      }
      long next = revision + 1;
      Version tombstone =
          new Version(key, next, encoder.encode(next), expected.facts(), expected, true);
      table.put(key, tombstone, Event.Type.DELETED, expected);
      revision = next;
      table.wakeReaders();
      return tombstone;
    } finally {
      lock.unlock();
    }
  }

  /** Forgets the history of all tables up to the present revision. */
  public void compact() {
    lock.lock();
    try {
      for (Table table : tables.values()) {
        table.compact(revision);
      }
    } finally {
      lock.unlock();
    }
  }

  /** Forgets the history of one table up to the present revision. */
  public void compact(Table table) {
    lock.lock();
    try {
      table.compact(revision);
    } finally {
      lock.unlock();
    }
  }

  /**
   * Ends a table's readers and empties its history; its objects stay, at the revisions they have.
   *
   * @param rewrite gives an object's encoding from now on
   */
  public void renew(String name, UnaryOperator<byte[]> rewrite) {
    lock.lock();
    try {
      Table old = tables.get(name);
      if (old != null) {
        SortedMap<String, Version> content = old.live();
        content.replaceAll(
            (key, version) -> version.as(version.revision(), rewrite.apply(version.json())));
        tables.put(name, new Table(name, window, revision, content));
        old.end();
      }
    } finally {
      lock.unlock();
    }
  }

  /** Ends every table's readers and empties all history; the objects stay. */
  public void renewAll() {
    lock.lock();
    try {
      tables.keySet().forEach(name -> renew(name, UnaryOperator.identity()));
    } finally {
      lock.unlock();
    }
  }

  /** Removes a table with all that is in it; its readers end after the last event. */
  public void drop(String name) {
    lock.lock();
    try {
      Table table = tables.remove(name);
      if (table != null) {
        table.end();
      }
    } finally {
      lock.unlock();
    }
  }

  /** Lets readers look again: what they may see has changed. */
  public void wakeReaders() {
    tables.values().forEach(Table::wakeReaders);
  }

  /** The number of open readers of all tables. */
  public int readers() {
    return tables.values().stream().mapToInt(Table::readers).sum();
  }

  public Snapshot snapshot() {
    lock.lock();
    try {
      Map<String, SortedMap<String, Version>> content = new LinkedHashMap<>();
      tables.forEach((name, table) -> content.put(name, table.live()));
      return new Snapshot(revision, content);
    } finally {
      lock.unlock();
    }
  }

  /**
   * Puts everything back to how it was. Readers end, history is empty.
   *
   * @param rewind whether the counter goes back, too, as after a restore of etcd; otherwise it goes
   *     on from where it is
   */
  public void restore(Snapshot snapshot, boolean rewind) {
    lock.lock();
    try {
      if (rewind) {
        revision = snapshot.revision;
      } else {
        revision++;
      }
      Map<String, Table> old = new LinkedHashMap<>(tables);
      tables.clear();
      snapshot.content.forEach(
          (name, content) -> tables.put(name, new Table(name, window, revision, content)));
      old.values().forEach(Table::end);
    } finally {
      lock.unlock();
    }
  }
}
