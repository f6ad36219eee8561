package dev.sluice.kube.internal.journal;

import dev.sluice.kube.ObjectKey;
import java.util.HashMap;
import java.util.Map;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Which keys each controller has not finished. Follows from the items alone, so that the one who
 * writes a journal and the one who reads it come to the same. Owned by one thread, or kept under a
 * lock.
 */
final class Books {

  /**
   * A key to be done.
   *
   * @param since the number of the item that it is pending since
   * @param repeat whether it has not changed, and is only to be done again
   */
  record Pending(long since, boolean repeat) {}

  /** A key to be done at some time, in milliseconds since 1970. */
  record Wait(long due, boolean backoff) {}

  /** One controller's keys. */
  static final class Book {
    final String name;
    String version;
    long seen;
    final Map<ObjectKey, Pending> pending = new HashMap<>();
    final Map<ObjectKey, Wait> waits = new HashMap<>();

    /** How many keys were to be done again, unchanged, when that was decided; and how many are. */
    int repeats;

    int toRepeat;

    Book(String name, String version, long seen) {
      this.name = name;
      this.version = version;
      this.seen = seen;
    }

    private void put(ObjectKey key, @Nullable Pending next) {
      Pending before = next == null ? pending.remove(key) : pending.put(key, next);
      toRepeat += (next != null && next.repeat ? 1 : 0) - (before != null && before.repeat ? 1 : 0);
    }

    Book copy() {
      Book copy = new Book(name, version, seen);
      copy.pending.putAll(pending);
      copy.waits.putAll(waits);
      copy.repeats = repeats;
      copy.toRepeat = toRepeat;
      return copy;
    }
  }

  private final Map<String, Book> books = new HashMap<>();

  Map<String, Book> all() {
    return books;
  }

  @Nullable Book of(String consumer) {
    return books.get(consumer);
  }

  Books copy() {
    Books copy = new Books();
    books.forEach((name, book) -> copy.books.put(name, book.copy()));
    return copy;
  }

  /** Forgets who has not been started since a time. */
  void forget(long before) {
    books.values().removeIf(book -> book.seen < before);
  }

  /**
   * An item.
   *
   * @param number its number
   * @param keys shows every key that is stored, if asked
   */
  void apply(long number, Item item, Consumer<Consumer<ObjectKey>> keys) {
    switch (item) {
      case Item.Put put -> changed(put.key(), number);
      case Item.Gone gone -> changed(gone.key(), number);
      case Item.Consumer consumer -> {
        Book book =
            books.computeIfAbsent(
                consumer.name(), name -> new Book(name, consumer.version(), consumer.seen()));
        book.version = consumer.version();
        book.seen = consumer.seen();
        if (consumer.keys() != Item.Keys.AS_THEY_WERE) {
          Pending again = new Pending(number, consumer.keys() == Item.Keys.ALL_AGAIN);
          keys.accept(key -> {
            Pending pending = book.pending.get(key);
            if (pending == null || pending.repeat) {
              book.put(key, again);
            }
          });
          book.repeats = book.toRepeat;
        }
      }
      case Item.Ack ack -> {
        Book book = books.get(ack.consumer());
        if (book != null) {
          book.waits.remove(ack.key());
          Pending pending = book.pending.get(ack.key());
          if (pending != null && pending.since <= ack.from()) {
            book.put(ack.key(), null);
          }
        }
      }
      case Item.Wait wait -> {
        Book book = books.get(wait.consumer());
        if (book != null) {
          book.waits.put(wait.key(), new Wait(wait.due(), wait.backoff()));
        }
      }
      case Item.Pending pending -> {
        Book book = books.get(pending.consumer());
        if (book != null) {
          book.put(pending.key(), new Pending(pending.since(), pending.repeat()));
          book.repeats = book.toRepeat;
        }
      }
      case Item.Anchor anchor -> {}
      case Item.Listing listing -> {}
      case Item.Identity identity -> {}
      case Item.End end -> {}
      case Item.Clock clock -> {}
      case Item.Reason reason -> {}
    }
  }

  private void changed(ObjectKey key, long number) {
    if (!books.isEmpty()) {
      Pending pending = new Pending(number, false);
      books.values().forEach(book -> book.put(key, pending));
    }
  }
}
