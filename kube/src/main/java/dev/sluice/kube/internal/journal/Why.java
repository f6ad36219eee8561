package dev.sluice.kube.internal.journal;

import dev.sluice.kube.JournalFiles;
import dev.sluice.kube.JournalKeys;
import dev.sluice.kube.JournalStore;
import dev.sluice.kube.ObjectKey;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Optional;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * What the log says of one key: its changes, when controllers took it up and what came of it. As
 * far back as the log is kept, which is over any number of starts.
 */
public final class Why {
  /** So many steps are told at most, the latest. */
  static final int MOST = 10_000;

  private final ObjectKey key;
  private final Deque<JournalFiles.Step> steps = new ArrayDeque<>();
  private final NavigableMap<Long, Long> clock = new TreeMap<>();
  private final Map<String, Item.Reason> reasons = new HashMap<>();
  private final Map<Long, String> changes = new HashMap<>();
  private final Books books = new Books();
  private @Nullable String life;
  private long last;

  private Why(ObjectKey key) {
    this.key = key;
  }

  /** The steps, from the oldest to the latest. */
  public static List<JournalFiles.Step> of(
      JournalStore store, @Nullable JournalKeys keys, ObjectKey key) throws IOException {
    NavigableMap<Long, String> logs = new TreeMap<>();
    for (String name : store.names()) {
      Format.numberOfLog(name).ifPresent(number -> logs.put(number, name));
    }
    if (logs.isEmpty()) {
      throw new FileNotFoundException("there is no journal in " + store.where());
    }
    Why why = new Why(key);
    Seal seal = new Seal(keys);
    for (Map.Entry<Long, String> log : logs.entrySet()) {
      Long following = logs.higherKey(log.getKey());
      try (Format.Reader reader = new Format.Reader(store.read(log.getValue()), seal)) {
        why.read(log.getKey(), following, reader);
      }
    }
    return List.copyOf(why.steps);
  }

  private void read(long first, @Nullable Long following, Format.Reader reader) throws IOException {
    Optional<Format.Header> header = reader.header();
    if (header.isEmpty()) {
      return;
    }
    if (last > 0 && first > last + 1) {
      tell(first, "items " + (last + 1) + " to " + (first - 1) + " are missing from the log");
    }
    clock.putIfAbsent(first, header.get().written());
    while (!reader.atEnd()) {
      Format.Frame frame = reader.next();
      if (frame == null || following != null && frame.number() >= following) {
        return;
      }
      Item item = Item.read(frame.type(), frame.content());
      if (item == null) {
        return;
      }
      last = frame.number();
      take(frame.number(), item);
    }
  }

  private void take(long number, Item item) {
    switch (item) {
      case Item.Clock now -> clock.put(number, now.millis());
      case Item.Listing listing -> tell(number, "all objects are listed again");
      case Item.Put put when put.key().equals(key) -> changed(number, put);
      case Item.Gone gone when gone.key().equals(key) -> {
        life = null;
        changes.put(number, "its deletion");
        tell(number, "deleted" + at(gone.version()));
      }
      case Item.Consumer consumer ->
          tell(
              number,
              "controller "
                  + consumer.name()
                  + " started"
                  + (consumer.version().isEmpty()
                      ? ""
                      : ", reconciler version " + consumer.version())
                  + switch (consumer.keys()) {
                    case AS_THEY_WERE -> ": goes on where it was";
                    case ALL_NEW -> ": not known before, has every object to do";
                    case ALL_AGAIN -> ": another version than before, does every object again";
                  });
      case Item.Reason reason when reason.key().equals(key) ->
          reasons.put(reason.consumer(), reason);
      case Item.Ack ack when ack.key().equals(key) -> acknowledged(number, ack);
      case Item.Wait wait when wait.key().equals(key) -> waits(number, wait);
      default -> {}
    }
    boolean others =
        switch (item) {
          case Item.Put put -> !put.key().equals(key);
          case Item.Gone gone -> !gone.key().equals(key);
          case Item.Ack ack -> !ack.key().equals(key);
          case Item.Wait wait -> !wait.key().equals(key);
          default -> false;
        };
    if (!others) {
      books.apply(number, item, every -> every.accept(key));
    }
  }

  private void changed(long number, Item.Put put) {
    boolean another = !put.uid().equals(life);
    life = put.uid();
    changes.put(number, "its change" + at(put.version()));
    tell(
        number,
        (another ? "seen, uid " + put.uid() + "," : "changed")
            + at(put.version())
            + (put.generation() > 0 ? ", generation " + put.generation() : "")
            + (put.deleting() ? ", being deleted" : ""));
  }

  private static String at(String version) {
    return version.isEmpty() ? "" : " at resourceVersion " + version;
  }

  private void acknowledged(long number, Item.Ack ack) {
    Item.Reason reason = reasons.remove(ack.consumer());
    String failed = reason == null || reason.from() != ack.from() ? "" : reason.text();
    tell(
        number,
        ack.consumer()
            + " reconciled it"
            + because(ack.consumer(), ack.from(), number)
            + (failed.isEmpty() ? ": done" : ": failed for good, " + failed));
  }

  private void waits(long number, Item.Wait wait) {
    Instant due = Instant.ofEpochMilli(wait.due());
    Item.Reason reason = reasons.remove(wait.consumer());
    if (reason != null) {
      tell(
          number,
          wait.consumer()
              + " reconciled it"
              + because(wait.consumer(), reason.from(), number)
              + ": failed, "
              + reason.text()
              + "; not again before "
              + due);
    } else {
      tell(
          number,
          wait.consumer()
              + (wait.backoff() ? " does not take it up again before " : " wants it again at ")
              + due);
    }
  }

  /** What led to a reconcile, how long that waited, and how long it took. */
  private String because(String consumer, long from, long number) {
    Books.Book book = books.of(consumer);
    Books.Pending pending = book == null ? null : book.pending.get(key);
    Books.Wait wait = book == null ? null : book.waits.get(key);
    StringBuilder text = new StringBuilder();
    if (pending != null && pending.since() <= from) {
      String change = changes.get(pending.since());
      text.append(" for ")
          .append(
              pending.repeat()
                  ? "the new version of its reconciler"
                  : change == null ? "the start of the controller" : change)
          .append(" (item ")
          .append(pending.since())
          .append(", waited ")
          .append(between(pending.since(), from))
          .append(')');
    } else if (wait != null) {
      text.append(wait.backoff() ? " because its backoff was over" : " because its time had come");
    }
    return text.append(", took ").append(between(from, number)).toString();
  }

  /** To the second, as the log's clock is. */
  private String between(long from, long to) {
    Map.Entry<Long, Long> began = clock.floorEntry(from);
    Map.Entry<Long, Long> ended = clock.floorEntry(to);
    if (began == null || ended == null) {
      return "for an unknown time";
    }
    long seconds = Duration.ofMillis(Math.max(0, ended.getValue() - began.getValue())).toSeconds();
    return seconds == 0 ? "less than a second" : "about " + seconds + " s";
  }

  private void tell(long number, String what) {
    if (steps.size() == MOST) {
      steps.removeFirst();
    }
    Map.Entry<Long, Long> at = clock.floorEntry(number);
    steps.add(
        new JournalFiles.Step(
            at == null ? Optional.empty() : Optional.of(Instant.ofEpochMilli(at.getValue())),
            number,
            what));
  }
}
