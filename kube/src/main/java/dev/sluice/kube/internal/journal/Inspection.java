package dev.sluice.kube.internal.journal;

import dev.sluice.kube.Journal;
import dev.sluice.kube.JournalException;
import dev.sluice.kube.JournalFiles;
import dev.sluice.kube.JournalKeys;
import dev.sluice.kube.JournalStatus.Rung;
import dev.sluice.kube.JournalStatus.State;
import dev.sluice.kube.JournalStore;
import dev.sluice.kube.ObjectKey;
import dev.sluice.kube.internal.store.Entry;
import dev.sluice.kube.internal.store.EntryMap;
import dev.sluice.kube.internal.store.Incarnation;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.zip.Inflater;
import org.jspecify.annotations.Nullable;

/** Looks at a journal that nobody has open. */
public final class Inspection {
  private Inspection() {}

  /** What there is. */
  public static JournalFiles.Report of(JournalStore store, @Nullable JournalKeys keys)
      throws IOException {
    return of(store, new Seal(keys));
  }

  private static JournalFiles.Report of(JournalStore store, Seal seal) throws IOException {
    List<JournalFiles.File> files = new ArrayList<>();
    List<String> names = store.names();
    if (names.isEmpty()) {
      throw new FileNotFoundException("there is no journal in " + store.where());
    }
    for (String name : names) {
      files.add(file(store, name, seal));
    }
    Recovery.Found found = Recovery.read(store, OptionalLong.empty(), seal);
    Optional<String> identity =
        names.contains(Format.IDENTITY) ? JournalLog.identity(store) : Optional.empty();
    List<JournalFiles.Consumer> consumers = new ArrayList<>();
    for (Books.Book book : found.books().all().values()) {
      consumers.add(
          new JournalFiles.Consumer(
              book.name, book.version, book.pending.size(), book.waits.size()));
    }
    consumers.sort(Comparator.comparing(JournalFiles.Consumer::name));
    return new JournalFiles.Report(
        store.where(),
        identity.orElse(""),
        List.copyOf(files),
        found.rung(),
        found.story(),
        found.objects().size(),
        resumes(found) ? Optional.ofNullable(found.anchor()) : Optional.empty(),
        found.last(),
        List.copyOf(consumers),
        List.copyOf(seal.met()),
        found.tidy() && files.stream().allMatch(file -> file.damage().isEmpty()));
  }

  private static boolean resumes(Recovery.Found found) {
    return found.rung() == Rung.NEWEST || found.rung() == Rung.OLDER;
  }

  private static JournalFiles.File file(JournalStore store, String name, Seal seal)
      throws IOException {
    long bytes;
    try (InputStream in = store.read(name)) {
      bytes = in.transferTo(OutputStream.nullOutputStream());
    }
    long items = 0;
    String damage = "";
    Optional<Instant> written;
    Inflater inflater = new Inflater(true);
    try (Format.Reader reader = new Format.Reader(store.read(name), seal)) {
      Optional<Format.Header> header = reader.header();
      written = header.map(present -> Instant.ofEpochMilli(present.written()));
      if (header.isEmpty()) {
        damage = "its header";
      }
      boolean ended = header.isEmpty() || header.get().sort() != Format.Sort.SNAPSHOT;
      while (damage.isEmpty() && !reader.atEnd()) {
        long at = reader.offset();
        Format.Frame frame = reader.next();
        if (frame == null) {
          damage = "from byte " + at;
        } else if (frame.type() == Format.SHEAF) {
          items += Sheaf.count(frame.content());
        } else if (frame.type() == Format.BLOCK) {
          Bytes block = Format.unpack(frame.content(), inflater);
          if (block == null) {
            damage = "from byte " + at;
          } else {
            while (block.remaining() > 0) {
              block.skip(1);
              block.skip(block.u32());
              items++;
            }
          }
        } else if (Item.read(frame.type(), frame.content()) instanceof Item.End) {
          ended = true;
        } else {
          items++;
        }
      }
      if (damage.isEmpty() && !ended) {
        damage = "its end is missing";
      }
    } catch (IndexOutOfBoundsException e) {
      damage = "a block";
      written = Optional.empty();
    } finally {
      inflater.end();
    }
    return new JournalFiles.File(name, bytes, written, items, damage);
  }

  /** Writes what a start would bring back. */
  public static void export(JournalStore store, OutputStream out, @Nullable JournalKeys keys)
      throws IOException {
    Seal seal = new Seal(keys);
    if (store.names().isEmpty()) {
      throw new FileNotFoundException("there is no journal in " + store.where());
    }
    Recovery.Found found = Recovery.read(store, OptionalLong.empty(), seal);
    for (Item.Put put : sorted(found)) {
      if (put.withheld()) {
        line(
            out,
            "{\"withheld\":{"
                + of(put.key())
                + ",\"uid\":"
                + Json.quoted(put.uid())
                + ",\"resourceVersion\":"
                + Json.quoted(put.version())
                + "}}");
      } else {
        out.write("{\"object\":".getBytes(StandardCharsets.UTF_8));
        out.write(put.json());
        line(out, "}");
      }
    }
    for (Books.Book book : found.books().all().values()) {
      String consumer = "\"consumer\":" + Json.quoted(book.name) + ",";
      for (Map.Entry<ObjectKey, Books.Pending> pending : book.pending.entrySet()) {
        line(
            out,
            "{\"pending\":{"
                + consumer
                + of(pending.getKey())
                + ",\"repeat\":"
                + pending.getValue().repeat()
                + "}}");
      }
      for (Map.Entry<ObjectKey, Books.Wait> wait : book.waits.entrySet()) {
        line(
            out,
            "{\"waiting\":{"
                + consumer
                + of(wait.getKey())
                + ",\"due\":"
                + Json.quoted(Instant.ofEpochMilli(wait.getValue().due()).toString())
                + "}}");
      }
    }
    line(
        out,
        "{\"anchor\":" + (found.anchor() == null ? "null" : Json.quoted(found.anchor())) + "}");
  }

  private static List<Item.Put> sorted(Recovery.Found found) {
    List<Item.Put> puts = new ArrayList<>(found.objects().values());
    puts.sort(
        Comparator.comparing((Item.Put put) -> put.key().namespace())
            .thenComparing(put -> put.key().name()));
    return puts;
  }

  private static String of(ObjectKey key) {
    return "\"namespace\":" + Json.quoted(key.namespace()) + ",\"name\":" + Json.quoted(key.name());
  }

  private static void line(OutputStream out, String text) throws IOException {
    out.write((text + "\n").getBytes(StandardCharsets.UTF_8));
  }

  /** Leaves one snapshot. */
  public static JournalFiles.Report compact(JournalStore store, @Nullable JournalKeys keys)
      throws IOException {
    Seal seal = new Seal(keys);
    if (store.names().isEmpty()) {
      throw new FileNotFoundException("there is no journal in " + store.where());
    }
    store.open();
    try {
      Optional<String> identity =
          store.names().contains(Format.IDENTITY) ? JournalLog.identity(store) : Optional.empty();
      if (identity.isEmpty()) {
        throw new JournalException(
            "the journal in "
                + store.where()
                + " does not say whose it is: start its controller once, which mends that");
      }
      Recovery.Found found =
          Recovery.read(store, OptionalLong.of(Format.hash(identity.get())), seal);
      if (found.rung() == Rung.EMPTY) {
        throw new JournalException(
            "the journal in " + store.where() + " holds nothing that could be brought back");
      }
      boolean withheld = found.objects().values().stream().anyMatch(Item.Put::withheld);
      if (withheld) {
        throw new JournalException(
            "the journal in "
                + store.where()
                + " is one of Secrets: their values are not in it, and only its controller can"
                + " write it anew");
      }
      EntryMap entries = EntryMap.EMPTY;
      for (Item.Put put : found.objects().values()) {
        entries =
            entries.with(
                new Entry(
                    put.key(),
                    new Incarnation(put.uid()),
                    put.version(),
                    put.generation(),
                    put.deleting(),
                    put.json()));
      }
      List<String> before = store.names();
      JournalWriter writer =
          new JournalWriter(
              Journal.in(store), InstantSource.system(), Optional::empty, false, seal);
      // As after damage: with a snapshot and a log of its own.
      writer.begin(
          identity.get(),
          new Recovery.Found(
              found.objects(),
              found.anchor(),
              found.books(),
              found.last(),
              found.next(),
              found.rung(),
              found.story(),
              false,
              0),
          entries,
          null);
      if (writer.state() != State.WRITING) {
        throw new IOException(writer.trouble());
      }
      String log = Format.log(writer.number() + 1);
      String snapshot = Format.snapshot(writer.number());
      store.delete(
          before.stream()
              .filter(name ->
                  !name.equals(log) && !name.equals(snapshot) && !name.equals(Format.IDENTITY))
              .toList());
      writer.close();
    } finally {
      store.close();
    }
    return of(store, keys);
  }
}
