package dev.sluice.testkit.internal.store;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.SortedMap;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.CopyOnWriteArrayList;
import org.jspecify.annotations.Nullable;

/**
 * One resource: the newest version of each key, and the history.
 *
 * <p>Written only by {@link Store}, under its lock; read by anyone without one.
 */
public final class Table {
  private final String name;
  private final int window;
  private final ConcurrentSkipListMap<String, Version> newest;
  private final ArrayDeque<Event> history = new ArrayDeque<>();
  private final CopyOnWriteArrayList<Cursor> readers = new CopyOnWriteArrayList<>();
  private volatile Event tail;
  private volatile long floor;
  private volatile boolean ended;

  Table(String name, int window, long revision, SortedMap<String, Version> content) {
    this.name = name;
    this.window = window;
    this.newest = new ConcurrentSkipListMap<>(content);
    this.floor = revision;
    this.tail = new Event(Event.Type.NONE, revision, 0, null, null);
  }

  public String name() {
    return name;
  }

  /**
   * The oldest revision that can still be read, and after which every event is still known. Older
   * ones are compacted.
   */
  public long floor() {
    return floor;
  }

  public boolean ended() {
    return ended;
  }

  /** The newest state of a key; null if there is none. */
  public @Nullable Version get(String key) {
    Version version = newest.get(key);
    return version == null || version.deleted() ? null : version;
  }

  /** The state of a key at a revision not older than {@link #floor()}. */
  public @Nullable Version get(String key, long revision) {
    Version version = newest.get(key);
    return version == null ? null : version.at(revision);
  }

  @Nullable Version newestOrTombstone(String key) {
    return newest.get(key);
  }

  /** What a page of a list is made of. */
  public interface Visitor {
    /**
     * @return whether to go on
     */
    boolean visit(Version version);
  }

  /** Walks the keys from {@code from} (inclusive) that begin with {@code prefix}, as they were. */
  public void scan(String prefix, String from, long revision, Visitor visitor) {
    String start = from.compareTo(prefix) > 0 ? from : prefix;
    for (Map.Entry<String, Version> entry : newest.tailMap(start, true).entrySet()) {
      if (!entry.getKey().startsWith(prefix)) {
        return;
      }
      Version version = entry.getValue().at(revision);
      if (version != null && !visitor.visit(version)) {
        return;
      }
    }
  }

  /** The number of live objects. Walks them. */
  public int size() {
    int live = 0;
    for (Version version : newest.values()) {
      if (!version.deleted()) {
        live++;
      }
    }
    return live;
  }

  /**
   * A reader of all events after {@code revision}.
   *
   * @return null if some of them are no longer known
   */
  public @Nullable Cursor after(long revision) {
    Event start;
    synchronized (history) {
      if (revision < floor) {
        return null;
      }
      start = null;
      // The newest are asked for most: walk from the end.
      var newestFirst = history.descendingIterator();
      while (newestFirst.hasNext()) {
        Event event = newestFirst.next();
        if (event.revision() <= revision) {
          start = event;
          break;
        }
      }
      if (start == null) {
        start = history.isEmpty() ? tail : new Event(Event.Type.NONE, floor, 0, null, null);
        if (!history.isEmpty()) {
          start.next = history.peekFirst();
        }
      }
    }
    Cursor cursor = new Cursor(this, start);
    readers.add(cursor);
    return cursor;
  }

  void release(Cursor cursor) {
    readers.remove(cursor);
  }

  /** The number of open readers. */
  public int readers() {
    return readers.size();
  }

  long lastSequence() {
    return tail.sequence();
  }

  // --- written under the store's lock -----------------------------------------------------------

  void put(String key, Version version, Event.Type type, @Nullable Version before) {
    newest.put(key, version);
    Event event = new Event(type, version.revision(), tail.sequence() + 1, version, before);
    synchronized (history) {
      history.addLast(event);
      while (history.size() > window) {
        forget(Objects.requireNonNull(history.pollFirst()));
      }
    }
    publish(event);
  }

  void compact(long revision) {
    synchronized (history) {
      while (!history.isEmpty()
          && Objects.requireNonNull(history.peekFirst()).revision() <= revision) {
        forget(Objects.requireNonNull(history.pollFirst()));
      }
      floor = Math.max(floor, revision);
    }
  }

  private void forget(Event event) {
    floor = Math.max(floor, event.revision());
    Version version = event.version();
    version.forgetPrevious();
    if (version.deleted()) {
      newest.remove(version.key(), version);
    }
  }

  void end() {
    ended = true;
    publish(new Event(Event.Type.END, tail.revision(), tail.sequence() + 1, null, null));
    wakeReaders();
  }

  private void publish(Event event) {
    Event last = tail;
    tail = event;
    last.next = event;
  }

  void wakeReaders() {
    for (Cursor reader : readers) {
      reader.wake();
    }
  }

  SortedMap<String, Version> live() {
    java.util.TreeMap<String, Version> copy = new java.util.TreeMap<>();
    for (Map.Entry<String, Version> entry : newest.entrySet()) {
      if (!entry.getValue().deleted()) {
        copy.put(entry.getKey(), entry.getValue().alone());
      }
    }
    return copy;
  }

  /** All live versions, in the order of their keys. */
  public List<Version> all() {
    List<Version> versions = new ArrayList<>();
    for (Version version : newest.values()) {
      if (!version.deleted()) {
        versions.add(version);
      }
    }
    return versions;
  }
}
