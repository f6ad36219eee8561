package dev.sluice.kube.internal.journal;

import dev.sluice.kube.JournalException;
import dev.sluice.kube.JournalStatus.Rung;
import dev.sluice.kube.JournalStore;
import dev.sluice.kube.ObjectKey;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.TreeMap;
import java.util.zip.Inflater;
import org.jspecify.annotations.Nullable;

/**
 * Reads a journal: all up to some item, and nothing after it.
 *
 * <p>The newest snapshot that is whole, then the log after it. What is damaged there decides how
 * good the result is. Behind the last item of the log there may be a torn one, which a crash in the
 * middle of writing leaves: it is cut off, and nothing is lost that was known to be written. Where
 * whole items stand behind damage, or numbers are missing, something was lost that others may have
 * relied upon: what comes before it is only good to tell differences by. A damaged snapshot costs
 * nothing but time as long as the log reaches back to an older one.
 *
 * <p>Damage is never an error here. An error is a journal of another stream, or of a format not yet
 * invented, and a store that cannot be read at all.
 */
final class Recovery {

  /**
   * What was found.
   *
   * @param objects the objects
   * @param anchor up to where the stream had come; null if a list was under way
   * @param books what is not finished
   * @param last the number of the last item that counts
   * @param next a number greater than that of any item that may be somewhere
   * @param rung how good it is
   * @param story how it was found
   * @param tidy whether nothing was damaged, so that the files can stay as they are
   * @param entries how many items of the log were read
   */
  record Found(
      Map<ObjectKey, Item.Put> objects,
      @Nullable String anchor,
      Books books,
      long last,
      long next,
      Rung rung,
      List<String> story,
      boolean tidy,
      long entries) {}

  private final JournalStore store;
  private final OptionalLong identity;
  private final Seal seal;
  private final List<String> story = new ArrayList<>();
  private Map<ObjectKey, Item.Put> objects = new HashMap<>();
  private Books books = new Books();
  private @Nullable String anchor;
  private long last;
  private long greatest;
  private long replayed;
  private boolean damaged;
  private boolean lost;

  /** Whether a file could not be read, so that nobody knows what numbers are in it. */
  private boolean unreadable;

  private Recovery(JournalStore store, OptionalLong identity, Seal seal) {
    this.store = store;
    this.identity = identity;
    this.seal = seal;
  }

  /**
   * Reads a journal.
   *
   * @param identity the hash of the stream it must belong to; empty for any
   * @throws JournalException if it belongs to another, is of a newer format, or is encrypted with a
   *     key that is not there
   * @throws IOException if the store cannot be read
   */
  static Found read(JournalStore store, OptionalLong identity, Seal seal) throws IOException {
    return new Recovery(store, identity, seal).read();
  }

  /**
   * Looks whether the keys that are there are those that it was written with, as far as the
   * beginnings of its files tell.
   *
   * @throws JournalException if one is missing, or another one
   * @throws IOException if the store cannot be read
   */
  static void tryKeys(JournalStore store, Seal seal) throws IOException {
    List<String> names = new ArrayList<>(store.names());
    names.sort(Comparator.reverseOrder());
    List<String> logs = names.stream().filter(n -> Format.numberOfLog(n).isPresent()).toList();
    List<String> snapshots =
        names.stream().filter(n -> Format.numberOfSnapshot(n).isPresent()).toList();
    // The newest of each that holds something: a store may have many, and far away.
    tryOne(store, seal, logs);
    tryOne(store, seal, snapshots);
  }

  private static void tryOne(JournalStore store, Seal seal, List<String> names) throws IOException {
    for (String name : names) {
      try (Format.Reader reader = new Format.Reader(store.read(name), seal)) {
        if (reader.header().isPresent() && reader.next() != null) {
          return;
        }
      }
    }
  }

  private Found read() throws IOException {
    NavigableMap<Long, String> logs = new TreeMap<>();
    NavigableMap<Long, String> snapshots = new TreeMap<>();
    for (String name : store.names()) {
      Format.numberOfLog(name).ifPresent(number -> logs.put(number, name));
      Format.numberOfSnapshot(name).ifPresent(number -> snapshots.put(number, name));
    }
    if (!logs.isEmpty()) {
      greatest = logs.lastKey() - 1;
    }
    if (!snapshots.isEmpty()) {
      greatest = Math.max(greatest, snapshots.lastKey());
    }
    boolean newest = true;
    boolean found = false;
    for (Map.Entry<Long, String> snapshot : snapshots.descendingMap().entrySet()) {
      String wrong = readSnapshot(snapshot.getValue(), snapshot.getKey());
      if (wrong == null) {
        last = snapshot.getKey();
        found = true;
        story.add(
            "read the snapshot "
                + snapshot.getValue()
                + ": "
                + objects.size()
                + " objects, anchor "
                + anchor);
        break;
      }
      story.add(
          "the snapshot "
              + snapshot.getValue()
              + " is damaged ("
              + wrong
              + "): tried the one before");
      newest = false;
      damaged = true;
    }
    if (!found && !snapshots.isEmpty()) {
      story.add("no snapshot is whole: tried the log alone");
    }
    readLogs(logs);
    boolean nothing = objects.isEmpty() && anchor == null;
    Rung rung;
    if (nothing) {
      rung = Rung.EMPTY;
      story.add(
          logs.isEmpty() && snapshots.isEmpty()
              ? "the journal is new"
              : "the journal holds no object and no anchor: listing");
    } else if (lost) {
      rung = Rung.DIFFERENCES;
    } else if (anchor == null) {
      rung = Rung.DIFFERENCES;
      story.add("a list was under way: listing again, to tell differences");
    } else {
      rung = newest ? Rung.NEWEST : Rung.OLDER;
    }
    return new Found(
        objects,
        anchor,
        books,
        last,
        Math.max(last, greatest) + 1 + (unreadable ? JournalWriter.MOST_IN_A_LOG : 0),
        rung,
        List.copyOf(story),
        !damaged && !lost,
        replayed);
  }

  private void admit(String name, Format.Header header) {
    if (header.version() > Format.VERSION) {
      throw new JournalException(
          "the file "
              + name
              + " of the journal in "
              + store.where()
              + " is of format "
              + header.version()
              + ", which a newer version of Sluice has written; this one reads up to "
              + Format.VERSION
              + ": use the newer one, or another directory");
    }
    if (identity.isPresent() && header.identity() != identity.getAsLong()) {
      throw new JournalException(
          "the file "
              + name
              + " of the journal in "
              + store.where()
              + " belongs to another stream or cluster: give this one a directory of its own");
    }
  }

  /** Brings a snapshot in; if it is not whole, says why and brings in nothing. */
  private @Nullable String readSnapshot(String name, long number) {
    objects = new HashMap<>();
    books = new Books();
    anchor = null;
    String wrong;
    try (Format.Reader reader = new Format.Reader(store.read(name), seal)) {
      wrong = readSnapshot(name, number, reader);
    } catch (IOException e) {
      wrong = "it cannot be read: " + e.getMessage();
      unreadable = true;
    }
    if (wrong != null) {
      objects = new HashMap<>();
      books = new Books();
      anchor = null;
    }
    return wrong;
  }

  private @Nullable String readSnapshot(String name, long number, Format.Reader reader)
      throws IOException {
    Optional<Format.Header> header = reader.header();
    if (header.isEmpty()) {
      return "its header";
    }
    admit(name, header.get());
    if (header.get().number() != number || header.get().sort() != Format.Sort.SNAPSHOT) {
      return "it is not what its name says";
    }
    Inflater inflater = new Inflater(true);
    Sheaf.Readers sheaves = new Sheaf.Readers();
    try {
      long items = 0;
      long expected = 0;
      while (true) {
        long at = reader.offset();
        Format.Frame frame = reader.next();
        if (frame == null || frame.number() != expected++) {
          return "at byte " + at;
        }
        switch (frame.type()) {
          case Format.SHEAF -> sheaves.add(frame.content());
          case Format.BLOCK -> {
            Bytes block = Format.unpack(frame.content(), inflater);
            if (block == null) {
              return "at byte " + at;
            }
            items += bringIn(sheaves);
            while (block.remaining() > 0) {
              int type = block.u8();
              int length = block.u32();
              Item item =
                  Item.read(type, new Bytes(block.array(), block.at(), block.at() + length));
              block.skip(length);
              if (item == null) {
                return "at byte " + at;
              }
              items++;
              apply(number, item);
            }
          }
          default -> {
            items += bringIn(sheaves);
            Item end = Item.read(frame.type(), frame.content());
            return end instanceof Item.End(long count) && count == items && reader.atEnd()
                ? null
                : "its end";
          }
        }
      }
    } catch (IndexOutOfBoundsException e) {
      return "its contents";
    } finally {
      sheaves.close();
      inflater.end();
    }
  }

  /** Objects first: what a snapshot has of them makes no key pending. */
  private long bringIn(Sheaf.Readers sheaves) {
    long items = 0;
    List<Item.Put[]> read = sheaves.take();
    if (objects.isEmpty() && !read.isEmpty()) {
      objects = HashMap.newHashMap(read.stream().mapToInt(puts -> puts.length).sum());
    }
    for (Item.Put[] puts : read) {
      items += puts.length;
      for (Item.Put put : puts) {
        objects.put(put.key(), put);
      }
    }
    return items;
  }

  private void readLogs(NavigableMap<Long, String> logs) throws IOException {
    Long first = logs.floorKey(last + 1);
    NavigableMap<Long, String> needed = first == null ? logs : logs.tailMap(first, true);
    for (Map.Entry<Long, String> log : needed.entrySet()) {
      Long following = needed.higherKey(log.getKey());
      if (lost) {
        look(log.getValue(), 0);
      } else if (log.getKey() > last + 1) {
        lose(
            "the items from "
                + (last + 1)
                + " to "
                + (log.getKey() - 1)
                + " are missing: listing again, to tell differences from what was before");
        look(log.getValue(), 0);
      } else {
        readLog(log.getValue(), log.getKey(), following);
      }
    }
  }

  private void lose(String why) {
    lost = true;
    story.add(why);
  }

  private void readLog(String name, long number, @Nullable Long following) throws IOException {
    long count = 0;
    long bad;
    try (Format.Reader reader = new Format.Reader(store.read(name), seal)) {
      Optional<Format.Header> header = reader.header();
      header.ifPresent(present -> admit(name, present));
      if (header.isEmpty()
          || header.get().number() != number
          || header.get().sort() != Format.Sort.LOG) {
        bad = 0;
      } else {
        while (true) {
          long at = reader.offset();
          if (following != null && last + 1 >= following || reader.atEnd()) {
            said(name, count);
            return;
          }
          Format.Frame frame = reader.next();
          if (frame == null || frame.number() > last + 1) {
            bad = at;
            break;
          }
          if (frame.number() == last + 1) {
            Item item = Item.read(frame.type(), frame.content());
            if (item == null) {
              bad = at;
              break;
            }
            last++;
            count++;
            replayed++;
            apply(last, item);
          }
        }
      }
    } catch (IOException e) {
      story.add(name + " cannot be read to its end: " + e.getMessage());
      unreadable = true;
      bad = Long.MAX_VALUE;
    }
    said(name, count);
    damaged = true;
    if (following != null && following == last + 1) {
      story.add(
          "a torn end of " + name + ", from byte " + bad + ", was cut off at an earlier start");
      return;
    }
    long behind = bad == Long.MAX_VALUE ? 1 : look(name, bad);
    if (following != null || behind > 0) {
      lose(
          "damage in the middle of the log, in "
              + name
              + " at byte "
              + bad
              + ", and whole items behind it: listing again, to tell differences from what was"
              + " before");
    } else {
      story.add("cut a torn end off " + name + ", from byte " + bad);
    }
  }

  private void said(String name, long count) {
    if (count > 0) {
      story.add("read " + count + " items of " + name + ", up to " + last + ", anchor " + anchor);
    }
  }

  /** Counts whole items from some byte on, and notes their numbers. */
  private long look(String name, long from) throws IOException {
    long whole = 0;
    try (Format.Reader reader = new Format.Reader(store.read(name), seal)) {
      while (reader.offset() < from && reader.skipOne()) {
        // Up to where the damage is.
      }
      while (!reader.atEnd()) {
        Format.Frame frame = reader.nextAfter(last);
        if (frame == null) {
          if (!reader.skipOne()) {
            break;
          }
        } else {
          whole++;
          greatest = Math.max(greatest, frame.number());
        }
      }
    } catch (IOException e) {
      story.add(name + " cannot be read: " + e.getMessage());
      unreadable = true;
    }
    return whole;
  }

  private void apply(long number, Item item) {
    switch (item) {
      case Item.Put put -> objects.put(put.key(), put);
      case Item.Gone gone -> objects.remove(gone.key());
      case Item.Anchor reached -> anchor = reached.version();
      case Item.Listing listing -> anchor = null;
      default -> {}
    }
    books.apply(number, item, keys -> objects.keySet().forEach(keys));
  }
}
