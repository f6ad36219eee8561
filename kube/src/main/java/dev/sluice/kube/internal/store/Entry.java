package dev.sluice.kube.internal.store;

import dev.sluice.kube.Compression.Coder;
import dev.sluice.kube.ObjectKey;
import dev.sluice.kube.Projection;
import dev.sluice.kube.Resource;
import dev.sluice.kube.internal.json.MalformedJsonException;
import dev.sluice.kube.internal.json.ObjectScanner;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.Collections;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * One state of one object: its bytes and the few members of its metadata that everybody needs.
 * Immutable for all who read it.
 *
 * <p>What may change is the form of the bytes. A body is kept as it came while it is fresh, and
 * {@linkplain #pack packed} once it has rested; both forms stand in the one field {@code body}, so
 * that a reader takes a reference, sees by its first byte which form it is, and needs no lock: JSON
 * begins with a brace, a packed body with {@link #PACKED}, a number of two bytes that says by which
 * coder, and the length of the JSON (seven bits a byte, the lowest first).
 *
 * <p>A packed body is read with the coder that packed it, which stands in a second field. It is
 * written only while the body is raw, before the body that it made. A reader takes the body first
 * and the coder after it, and so finds the body's own coder or a later one. The number tells; if it
 * is a later one, the body was raw again in between and whoever reads it once more sees that or
 * something newer. So a reader repeats itself only when somebody else has got further in the
 * meantime, and never waits for anyone. One thread packs and unpacks, the {@link Compactor}'s.
 *
 * <p>A body may also be {@linkplain Lazy elsewhere}: brought back from a journal and not looked at
 * since. The field then holds a mark, and the second one where it is. Who reads it first lays it
 * here, raw; that is the one change that any thread may make.
 */
public final class Entry implements Resource, ObjectScanner.Earlier {
  /** No time at all: the body of such an entry is not to be packed. */
  static final int NEVER = Integer.MAX_VALUE;

  static final byte PACKED = 1;
  private static final byte[] DAMAGED = {0};
  private static final byte[] ELSEWHERE = {2};

  /** What {@link #packedBy} says of a body that is elsewhere: no coder has such a number. */
  static final int BY_NOBODY = 1 << 16;

  private static final int MOST_HEADER = 1 + 2 + 5;
  private static final VarHandle BODY;
  private static final VarHandle FORM;

  static {
    try {
      MethodHandles.Lookup lookup = MethodHandles.lookup();
      BODY = lookup.findVarHandle(Entry.class, "body", byte[].class);
      FORM = lookup.findVarHandle(Entry.class, "form", Form.class);
    } catch (ReflectiveOperationException e) {
      throw new ExceptionInInitializerError(e);
    }
  }

  private final ObjectKey key;
  private final Incarnation incarnation;
  private final long generation;

  /** The resource version if it is a number, else -1; nearly all are. */
  private final long version;

  private final @Nullable Extras extras;

  private byte[] body;
  private @Nullable Form form;

  /** When it came, by the compactor's clock, or {@link #NEVER}. Read and written without order. */
  int came;

  // Of the body, if it is kept as it was scanned; else 0. For the store's writer only.
  private int tailLength;
  private int lastLength;

  /** Twice in which list it was last seen, and one if the object is being deleted. */
  private int marks;

  /** What few entries have. */
  private record Extras(@Nullable String version, String @Nullable [][] values, Projection kept) {
    static @Nullable Extras of(
        @Nullable String version, String @Nullable [][] values, Projection kept) {
      return version == null && values == null && kept == Projection.WHOLE
          ? null
          : new Extras(version, values, kept);
    }
  }

  /** How a body that is not raw becomes so. */
  private sealed interface Form {}

  /** A body that is not at hand. Shared or not, safe for use by any thread. */
  public non-sealed interface Lazy extends Form {
    /**
     * Gets it. May block.
     *
     * @return the object in JSON, the caller's own
     * @throws IllegalStateException if it cannot be had
     */
    byte[] load();

    /** How long it is; 0 if that is not known. */
    int length();

    /** About how many bytes are kept for it. */
    int kept();
  }

  /**
   * A coder and its number.
   *
   * @param number within 16 bits; no two coders that are in use have the same
   * @param damaged told when it cannot read what it wrote
   */
  record Coding(Coder coder, int number, Runnable damaged) implements Form {}

  /**
   * A state.
   *
   * @param body the object in JSON, beginning with its brace; the callee's own from now on
   */
  public Entry(
      ObjectKey key,
      Incarnation incarnation,
      String resourceVersion,
      long generation,
      boolean deleting,
      byte[] body) {
    this(key, incarnation, resourceVersion, generation, deleting, body, Projection.WHOLE, null);
  }

  Entry(
      ObjectKey key,
      Incarnation incarnation,
      String resourceVersion,
      long generation,
      boolean deleting,
      byte[] body,
      Projection kept,
      String @Nullable [][] values) {
    this.key = key;
    this.incarnation = incarnation;
    this.version = Versions.number(resourceVersion);
    this.generation = generation;
    this.body = body;
    this.marks = deleting ? 1 : 0;
    this.extras = Extras.of(version < 0 ? resourceVersion : null, values, kept);
  }

  /** A state whose body is elsewhere, and already is what is kept of it. */
  public static Entry of(
      ObjectKey key,
      Incarnation incarnation,
      String resourceVersion,
      long generation,
      boolean deleting,
      Lazy body,
      Projection kept) {
    Entry entry =
        new Entry(key, incarnation, resourceVersion, generation, deleting, ELSEWHERE, kept, null);
    entry.form = body;
    return entry;
  }

  /** This state with what it is found by. */
  Entry indexed(String @Nullable [][] values) {
    Entry entry =
        new Entry(
            key,
            incarnation,
            resourceVersion(),
            generation,
            deleting(),
            body(),
            projection(),
            values);
    entry.came = came;
    entry.tailLength = tailLength;
    entry.lastLength = lastLength;
    entry.seen(listing());
    return entry;
  }

  /** Its body is what was scanned, from the metadata's end on. */
  void endsAs(ObjectScanner object) {
    tailLength = object.tailLength();
    lastLength = object.lastLength();
  }

  @Override
  public byte @Nullable [] bytes() {
    byte[] present = (byte[]) BODY.getAcquire(this);
    return isRaw(present) ? present : null;
  }

  @Override
  public int tailLength() {
    return tailLength;
  }

  @Override
  public int lastLength() {
    return lastLength;
  }

  /** This state with only what is kept of it. */
  Entry projected(Projection kept) {
    return kept.equals(projection())
        ? this
        : new Entry(
            key,
            incarnation,
            resourceVersion(),
            generation,
            deleting(),
            kept.apply(body()),
            kept,
            null);
  }

  /** What it is found by, for each index; null if by nothing. */
  String @Nullable [][] values() {
    return extras == null ? null : extras.values;
  }

  /** The life that this is a state of. */
  public Incarnation incarnation() {
    return incarnation;
  }

  @Override
  public ObjectKey key() {
    return key;
  }

  @Override
  public String uid() {
    return incarnation.uid();
  }

  @Override
  public String resourceVersion() {
    if (version >= 0) {
      return Long.toString(version);
    }
    return extras == null || extras.version == null ? "" : extras.version;
  }

  /**
   * Whether this is the state of that version.
   *
   * @param number the version as a number, -1 if it is none
   */
  boolean isAt(String resourceVersion, long number) {
    return version >= 0 ? version == number : resourceVersion().equals(resourceVersion);
  }

  /**
   * Whether this state is known to be newer than that version.
   *
   * @param number the version as a number, -1 if it is none
   */
  boolean isNewerThan(String resourceVersion, long number) {
    return version >= 0 && number >= 0
        ? number < version
        : Versions.older(resourceVersion, resourceVersion());
  }

  @Override
  public long generation() {
    return generation;
  }

  @Override
  public boolean deleting() {
    return (marks & 1) != 0;
  }

  /** In which list it was last seen; for the store's writer only. */
  int listing() {
    return marks >> 1;
  }

  /** It stands in this list; for the store's writer only. */
  void seen(int listing) {
    marks = listing << 1 | marks & 1;
  }

  @Override
  public Projection projection() {
    return extras == null ? Projection.WHOLE : extras.kept;
  }

  @Override
  public Map<String, String> labels() {
    requireKept("metadata.labels");
    try {
      return Collections.unmodifiableMap(scan().labels());
    } catch (MalformedJsonException e) {
      throw unreadable(e);
    }
  }

  @Override
  public Map<String, String> annotations() {
    requireKept("metadata.annotations");
    try {
      return Collections.unmodifiableMap(scan().annotations());
    } catch (MalformedJsonException e) {
      throw unreadable(e);
    }
  }

  @Override
  public Optional<String> label(String name) {
    String path = "metadata.labels." + name.replace("\\", "\\\\").replace(".", "\\.");
    requireKept(path);
    return Fields.values(body(), Fields.path(path)).stream().findFirst();
  }

  private void requireKept(String path) {
    if (!projection().keeps(path)) {
      throw new IllegalStateException(
          path
              + " of "
              + key
              + " is not there: the informer keeps "
              + projection()
              + ". Keep it, too, or ask the server for the object.");
    }
  }

  private ObjectScanner scan() throws MalformedJsonException {
    byte[] json = body();
    ObjectScanner scanner = new ObjectScanner();
    scanner.scanObject(json, 0, json.length);
    return scanner;
  }

  private IllegalStateException unreadable(MalformedJsonException e) {
    return new IllegalStateException(
        "the labels or annotations of "
            + key
            + " at resource version "
            + resourceVersion()
            + " cannot be read: "
            + e.getMessage(),
        e);
  }

  @Override
  public byte[] json() {
    byte[] present = (byte[]) BODY.getAcquire(this);
    if (present == ELSEWHERE) {
      return body().clone();
    }
    return isRaw(present) ? present.clone() : body();
  }

  /**
   * The object in JSON, not copied where it can be helped: for reading only.
   *
   * @throws IllegalStateException if the packed bytes turn out to be damaged
   */
  public byte[] body() {
    while (true) {
      byte[] present = (byte[]) BODY.getAcquire(this);
      if (isRaw(present)) {
        return present;
      }
      if (present == DAMAGED) {
        throw damaged(null);
      }
      Form by = (Form) FORM.getAcquire(this);
      if (present == ELSEWHERE) {
        if (by instanceof Lazy lazy) {
          return brought(lazy);
        }
      } else if (by instanceof Coding coding && coding.number == number(present)) {
        return unpacked(present, coding);
      }
    }
  }

  private byte[] brought(Lazy lazy) {
    byte[] json = lazy.load();
    if (BODY.compareAndSet(this, ELSEWHERE, json)) {
      FORM.compareAndSet(this, lazy, null);
    }
    return json;
  }

  /** Where the body is, if it is elsewhere. */
  public @Nullable Lazy elsewhere() {
    return BODY.getAcquire(this) == ELSEWHERE && FORM.getAcquire(this) instanceof Lazy lazy
        ? lazy
        : null;
  }

  private byte[] unpacked(byte[] packed, Coding by) {
    byte[] json = new byte[lengthOf(packed)];
    try {
      by.coder.decompress(packed, headerOf(packed), json);
      return json;
    } catch (RuntimeException e) {
      // The bytes are of no use to anyone: the store sees that and has the object sent again.
      BODY.compareAndSet(this, packed, DAMAGED);
      by.damaged.run();
      throw damaged(e);
    }
  }

  private IllegalStateException damaged(@Nullable RuntimeException cause) {
    return new IllegalStateException(
        "the stored bytes of "
            + key
            + " at resource version "
            + resourceVersion()
            + " are damaged; the object is asked for again",
        cause);
  }

  /** Whether its bytes were found to be damaged. */
  boolean isDamaged() {
    return BODY.getOpaque(this) == DAMAGED;
  }

  @Override
  public int length() {
    Lazy lazy = elsewhere();
    if (lazy != null) {
      return lazy.length();
    }
    byte[] present = (byte[]) BODY.getAcquire(this);
    return isRaw(present) ? present.length : present == DAMAGED ? 0 : lengthOf(present);
  }

  /** How many bytes are kept of it. */
  int kept() {
    Lazy lazy = elsewhere();
    return lazy != null ? lazy.kept() : ((byte[]) BODY.getAcquire(this)).length;
  }

  /** Whether its bytes are as they came. */
  boolean isRaw() {
    return isRaw((byte[]) BODY.getAcquire(this));
  }

  /**
   * The number of the coder that has packed it; -1 if it is not packed, {@link #BY_NOBODY} if it is
   * elsewhere.
   */
  int packedBy() {
    byte[] present = (byte[]) BODY.getAcquire(this);
    if (present == ELSEWHERE) {
      return BY_NOBODY;
    }
    return isRaw(present) || present == DAMAGED ? -1 : number(present);
  }

  /**
   * Packs the body, if that makes it a tenth smaller. One thread only.
   *
   * @param room for the packed bytes: of at least {@link #room}
   * @return whether it is packed now; what is not will not be tried again
   */
  boolean pack(Coding by, byte[] room) {
    byte[] raw = (byte[]) BODY.getAcquire(this);
    if (!isRaw(raw)) {
      return true;
    }
    room[0] = PACKED;
    room[1] = (byte) (by.number >> 8);
    room[2] = (byte) by.number;
    int at = 3;
    int rest = raw.length;
    while (rest > 0x7f) {
      room[at++] = (byte) (rest | 0x80);
      rest >>>= 7;
    }
    room[at++] = (byte) rest;
    int length = at + by.coder.compress(raw, room, at);
    if (length > raw.length - raw.length / 10) {
      came = NEVER;
      return false;
    }
    byte[] packed = java.util.Arrays.copyOf(room, length);
    FORM.setRelease(this, by);
    BODY.setRelease(this, packed);
    return true;
  }

  /** Makes the body raw again. One thread only: that which packs. */
  void unpack() {
    byte[] json = body();
    BODY.setRelease(this, json);
  }

  /** How much room it takes to pack so many bytes. */
  static int room(Coder coder, int length) {
    return MOST_HEADER + coder.bound(length);
  }

  private static boolean isRaw(byte[] body) {
    return body.length == 0 || body[0] > ELSEWHERE[0] || body[0] < 0;
  }

  private static int number(byte[] packed) {
    return (packed[1] & 0xff) << 8 | packed[2] & 0xff;
  }

  private static int headerOf(byte[] packed) {
    int at = 3;
    while (packed[at] < 0) {
      at++;
    }
    return at + 1;
  }

  private static int lengthOf(byte[] packed) {
    int length = 0;
    for (int at = 3, shift = 0; ; at++, shift += 7) {
      length |= (packed[at] & 0x7f) << shift;
      if (packed[at] >= 0) {
        return length;
      }
    }
  }

  @Override
  public String toString() {
    return key + "@" + resourceVersion();
  }
}
