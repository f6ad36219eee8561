package dev.sluice.kube.internal.journal;

import dev.sluice.kube.ObjectKey;
import dev.sluice.kube.internal.store.Incarnation;
import org.jspecify.annotations.Nullable;

/**
 * What a journal holds, one after the other. How each is written: {@code docs/journal-format.md}.
 */
public sealed interface Item {

  /**
   * The state of an object.
   *
   * @param withheld whether the body is left out; it is a hash of it then
   * @param body the body, if it is at hand; else empty
   * @param slice where it is, if it is not
   * @param life what the uid stands for
   */
  record Put(
      ObjectKey key,
      String uid,
      String version,
      long generation,
      boolean deleting,
      boolean withheld,
      byte[] body,
      @Nullable Slice slice,
      Incarnation life)
      implements Item {
    Put(
        ObjectKey key,
        String uid,
        String version,
        long generation,
        boolean deleting,
        boolean withheld,
        byte[] body) {
      this(key, uid, version, generation, deleting, withheld, body, null, new Incarnation(uid));
    }

    /** The body, wherever it is. */
    byte[] json() {
      return slice == null ? body : slice.load();
    }
  }

  /** An object is gone. */
  record Gone(ObjectKey key, String uid, String version) implements Item {}

  /** Everything up to a version of the server's is among the items before this one. */
  record Anchor(String version) implements Item {}

  /** A list has begun: there is no anchor until the next one. */
  record Listing() implements Item {}

  /**
   * A controller.
   *
   * @param version of its reconciler
   * @param seen when it was last started, in milliseconds since 1970
   * @param keys what this does to its keys
   */
  record Consumer(String name, String version, long seen, Keys keys) implements Item {}

  /** What the start of a controller does to its keys. */
  enum Keys {
    /** Nothing. */
    AS_THEY_WERE,
    /** All objects are to be done: it was not known before. */
    ALL_NEW,
    /** All objects are to be done again: its version is another one. */
    ALL_AGAIN
  }

  /**
   * A controller has finished a key.
   *
   * @param from the number of the last item before its reconcile began
   */
  record Ack(String consumer, ObjectKey key, long from) implements Item {}

  /**
   * A controller wants a key again at some time.
   *
   * @param due when, in milliseconds since 1970
   * @param backoff whether not before, whatever happens to the key
   */
  record Wait(String consumer, ObjectKey key, long due, boolean backoff) implements Item {}

  /**
   * Of a snapshot: a key that a controller has not finished.
   *
   * @param since the number of the item that it is pending since
   * @param repeat whether it has not changed, and is only to be done again
   */
  record Pending(String consumer, ObjectKey key, long since, boolean repeat) implements Item {}

  /** What the wall clock says, in milliseconds since 1970: what follows is not older. */
  record Clock(long millis) implements Item {}

  /**
   * Why a reconcile ended as it did; what follows from it is the next item.
   *
   * @param from the number of the last item before it began
   */
  record Reason(String consumer, ObjectKey key, long from, String text) implements Item {}

  /** What stream a journal belongs to, in words. */
  record Identity(String text) implements Item {}

  /** The end of a snapshot, and how many items there were before it. */
  record End(long items) implements Item {}

  /** The item's number in the format. */
  default int type() {
    return switch (this) {
      case Put put -> 1;
      case Gone gone -> 2;
      case Anchor anchor -> 3;
      case Listing listing -> 4;
      case Consumer consumer -> 5;
      case Ack ack -> 6;
      case Wait wait -> 7;
      case Pending pending -> 8;
      case Identity identity -> 9;
      case End end -> 10;
      case Clock clock -> 11;
      case Reason reason -> 12;
    };
  }

  /** Writes what follows the type. */
  default void write(Bytes out) {
    switch (this) {
      case Put put -> {
        key(out, put.key);
        out.text(put.uid);
        out.text(put.version);
        out.u64(put.generation);
        out.u8((put.deleting ? 1 : 0) | (put.withheld ? 2 : 0));
        out.block(put.json());
      }
      case Gone gone -> {
        key(out, gone.key);
        out.text(gone.uid);
        out.text(gone.version);
      }
      case Anchor anchor -> out.text(anchor.version);
      case Listing listing -> {}
      case Consumer consumer -> {
        out.text(consumer.name);
        out.text(consumer.version);
        out.u64(consumer.seen);
        out.u8(consumer.keys.ordinal());
      }
      case Ack ack -> {
        out.text(ack.consumer);
        key(out, ack.key);
        out.u64(ack.from);
      }
      case Wait wait -> {
        out.text(wait.consumer);
        key(out, wait.key);
        out.u64(wait.due);
        out.u8(wait.backoff ? 1 : 0);
      }
      case Pending pending -> {
        out.text(pending.consumer);
        key(out, pending.key);
        out.u64(pending.since);
        out.u8(pending.repeat ? 1 : 0);
      }
      case Identity identity -> out.text(identity.text);
      case End end -> out.u64(end.items);
      case Clock clock -> out.u64(clock.millis);
      case Reason reason -> {
        out.text(reason.consumer);
        key(out, reason.key);
        out.u64(reason.from);
        out.text(reason.text);
      }
    }
  }

  private static void key(Bytes out, ObjectKey key) {
    out.text(key.namespace());
    out.text(key.name());
  }

  private static ObjectKey key(Bytes in) {
    return new ObjectKey(in.text(), in.text());
  }

  /**
   * Reads what follows the type, all of it.
   *
   * @return null if it is no such item
   */
  static @Nullable Item read(int type, Bytes in) {
    try {
      Item item =
          switch (type) {
            case 1 -> {
              ObjectKey key = key(in);
              String uid = in.text();
              String version = in.text();
              long generation = in.u64();
              int flags = in.u8();
              yield new Put(
                  key, uid, version, generation, (flags & 1) != 0, (flags & 2) != 0, in.block());
            }
            case 2 -> new Gone(key(in), in.text(), in.text());
            case 3 -> new Anchor(in.text());
            case 4 -> new Listing();
            case 5 -> new Consumer(in.text(), in.text(), in.u64(), Keys.values()[in.u8()]);
            case 6 -> new Ack(in.text(), key(in), in.u64());
            case 7 -> new Wait(in.text(), key(in), in.u64(), in.u8() != 0);
            case 8 -> new Pending(in.text(), key(in), in.u64(), in.u8() != 0);
            case 9 -> new Identity(in.text());
            case 10 -> new End(in.u64());
            case 11 -> new Clock(in.u64());
            case 12 -> new Reason(in.text(), key(in), in.u64(), in.text());
            default -> null;
          };
      return item == null || in.remaining() != 0 ? null : item;
    } catch (IndexOutOfBoundsException | IllegalArgumentException e) {
      return null;
    }
  }
}
