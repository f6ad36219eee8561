package dev.sluice.kube.internal.journal;

import dev.sluice.kube.Journal;
import dev.sluice.kube.Journal.Durability;
import dev.sluice.kube.JournalException;
import dev.sluice.kube.JournalStatus.Rung;
import dev.sluice.kube.JournalStatus.State;
import dev.sluice.kube.JournalStore;
import dev.sluice.kube.ObjectKey;
import dev.sluice.kube.internal.store.Entry;
import dev.sluice.kube.internal.store.EntryMap;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Function;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import java.util.zip.Deflater;
import org.jspecify.annotations.Nullable;

/**
 * Writes a journal, when told to: has no thread and no clock of its own.
 *
 * <p>{@link #append} numbers an item, books it, and lays it into a buffer; {@link #flush} writes
 * the buffer, whatever has come together in it. What is in the buffer and what is booked change in
 * one step under one lock, and with each change the writer is given the store as of just that
 * change: so that a snapshot, taken at any moment, is the state as of one item.
 *
 * <p>When writing fails, the writer goes on booking and forgets the buffer; {@link #heal} then
 * begins anew with a snapshot and a new log. Nothing that came meanwhile is missing from those. The
 * same goes for a disk so slow that the buffer grows too large.
 */
final class JournalWriter {
  /** A log is closed at about this size. */
  static final long LOG_BYTES = 64L << 20;

  /** Where files do not grow, the log is written when so much has gathered, if not before. */
  private static final int PIECE_BYTES = 8 << 20;

  /** What is known of a controller that is no longer started is forgotten after so long. */
  private static final Duration FORGOTTEN_AFTER = Duration.ofDays(30);

  private static final int MOST_BUFFERED = 64 << 20;
  private static final int BLOCK_BYTES = 256 << 10;

  /** A disk that takes longer for a write hangs. */
  static final Duration DISK_PATIENCE = Duration.ofSeconds(10);

  /** The same of an upload, which gives up by itself long before. */
  static final Duration UPLOAD_PATIENCE = Duration.ofMinutes(3);

  /** More items than a log can have. */
  static final long MOST_IN_A_LOG = 1L << 32;

  /** The log says what time it is so often, while something is written. */
  private static final long CLOCK_MILLIS = 1_000;

  private static final int KEPT_BUFFER = 4 << 20;
  private static final byte[] NOTHING = new byte[0];

  private final Journal settings;
  private final JournalStore store;
  private final InstantSource clock;
  private final Supplier<Optional<String>> anchor;
  private final boolean withhold;
  private final boolean grows;
  private final LongSupplier ticker;
  private final long patience;
  private final Seal seal;

  private final ReentrantLock lock = new ReentrantLock();
  private final Condition written = lock.newCondition();
  private State state = State.RESTORING;
  private String trouble = "";
  private Bytes buffer = new Bytes(1 << 16);
  private long number;
  private long durable;

  /** The number of the last item that is in the buffer, or was written. */
  private long framed;

  /**
   * Whether a snapshot is to be written at the end of the list instead of all that it brings.
   * Meanwhile nothing is laid into the buffer.
   */
  private boolean snapshotAfterList;

  /** Whether the store is being asked, and since when, in nanoseconds. */
  private boolean asking;

  private long askedAt;

  private long changes;
  private long changesAtSnapshot;
  private long numberAtSnapshot;
  private EntryMap objects = EntryMap.EMPTY;
  private Books books = new Books();
  private final Set<String> live = new HashSet<>();
  private @Nullable String anchorKept;
  private @Nullable String anchorWritten;
  private boolean listing;
  private long clockWritten;

  /** The number of the first item in the buffer. */
  private long buffered;

  // Under the lock for the files.
  private final ReentrantLock files = new ReentrantLock();
  private String identity = "";
  private long hash;
  private JournalStore.@Nullable Appender log;
  private String logName = "";
  private long logBytes;
  private boolean rotate;
  private boolean unread;
  private Format.Header logHeader = new Format.Header(Format.Sort.LOG, Format.VERSION, 0, 0, 0);
  private Bytes sealed = new Bytes(16);
  private Bytes spare = new Bytes(1 << 16);

  private volatile long bytes;
  private volatile long snapshots;
  private volatile long failures;
  private volatile @Nullable Instant lastSnapshot;

  /**
   * A writer that has not begun.
   *
   * @param anchor up to where every change has been handed over; read under the writer's lock
   * @param withhold whether the bodies of objects are left out
   */
  JournalWriter(
      Journal settings,
      InstantSource clock,
      Supplier<Optional<String>> anchor,
      boolean withhold,
      Seal seal) {
    this(settings, clock, anchor, withhold, seal, System::nanoTime);
  }

  /** With another clock to tell by when the store hangs. */
  JournalWriter(
      Journal settings,
      InstantSource clock,
      Supplier<Optional<String>> anchor,
      boolean withhold,
      Seal seal,
      LongSupplier ticker) {
    this.ticker = ticker;
    this.settings = settings;
    this.store = settings.store();
    this.clock = clock;
    this.anchor = anchor;
    this.withhold = withhold;
    this.grows = store.pace().grows();
    this.patience = (grows ? DISK_PATIENCE : UPLOAD_PATIENCE).toNanos();
    this.seal = seal;
  }

  // --- the beginning ---

  /**
   * Takes over what was found.
   *
   * @param identity what stream it is, in words
   * @param restored the objects, as the store has them
   * @param unread why the journal could not be read, so that nobody knows what is in it; null if it
   *     was. Then it is tried again later
   */
  void begin(String identity, Recovery.Found found, EntryMap restored, @Nullable String unread) {
    files.lock();
    lock.lock();
    try {
      this.identity = identity;
      hash = Format.hash(identity);
      books = found.books();
      books.forget(clock.millis() - FORGOTTEN_AFTER.toMillis());
      objects = restored;
      // What has to be listed again has to be so after the next start, too.
      anchorKept =
          found.rung() == Rung.NEWEST || found.rung() == Rung.OLDER ? found.anchor() : null;
      number = found.tidy() ? found.last() : found.next() - 1;
      durable = number;
      framed = number;
      numberAtSnapshot = number - found.entries();
      changes = found.entries();
      // Whatever was found: it goes on in a new log, which needs a snapshot before it if there was
      // damage. Both are what healing does, and it can be tried again.
      state = State.FAILED;
      trouble = "not begun";
    } finally {
      lock.unlock();
      files.unlock();
    }
    if (unread != null) {
      this.unread = true;
      fail(unread);
      return;
    }
    try {
      renew(State.FAILED, found.tidy());
    } catch (JournalException e) {
      refuse(String.valueOf(e.getMessage()));
    }
  }

  /** The journal is not to be touched. */
  void refuse(String why) {
    end(State.REFUSED, why);
  }

  // --- items ---

  /** A change of the store. */
  long change(Item item, EntryMap after) {
    lock.lock();
    try {
      changes++;
      objects = after;
      return add(item);
    } finally {
      lock.unlock();
    }
  }

  /** The store has a value now that a snapshot can keep; nothing else has changed. */
  void completed(EntryMap after) {
    lock.lock();
    try {
      changes++;
      objects = after;
    } finally {
      lock.unlock();
    }
  }

  /** A list begins. */
  void list() {
    lock.lock();
    try {
      anchorKept = null;
      anchorWritten = null;
      listing = true;
      if (grows) {
        add(new Item.Listing());
      } else {
        // A list is better kept as the snapshot at its end than as pieces of a log. Until then the
        // store holds what was before the list, which is a state to go on from as well.
        number++;
        snapshotAfterList = true;
      }
    } finally {
      lock.unlock();
    }
  }

  /** Another item. */
  long append(Item item) {
    lock.lock();
    try {
      return add(item);
    } finally {
      lock.unlock();
    }
  }

  private long add(Item item) {
    if (buffer.end() == 0 && state == State.WRITING && !snapshotAfterList) {
      buffered = number + 1;
      long now = clock.millis();
      if (now - clockWritten >= CLOCK_MILLIS || now < clockWritten) {
        clockWritten = now;
        Format.frame(buffer, ++number, new Item.Clock(now));
      }
    }
    number++;
    if (item instanceof Item.Consumer consumer) {
      live.add(consumer.name());
    }
    books.apply(number, item, keys -> objects.forEach(entry -> keys.accept(entry.key())));
    if (state == State.WRITING && !snapshotAfterList) {
      Format.frame(buffer, number, item);
      framed = number;
      if (buffer.end() > MOST_BUFFERED) {
        failed("the disk cannot keep up: " + (buffer.end() >> 20) + " MiB wait to be written");
      }
    }
    return number;
  }

  /** Reads what is booked. */
  <R> R booked(Function<Books, R> reading) {
    lock.lock();
    try {
      return reading.apply(books);
    } finally {
      lock.unlock();
    }
  }

  /** The number of the last item. */
  long number() {
    lock.lock();
    try {
      return number;
    } finally {
      lock.unlock();
    }
  }

  /** Whether so much waits to be written that there is no sense in waiting for more. */
  boolean full() {
    lock.lock();
    try {
      return buffer.end() >= PIECE_BYTES || snapshotAfterList && anchorToWrite() != null;
    } finally {
      lock.unlock();
    }
  }

  /** Whether something waits to be written. */
  boolean dirty() {
    lock.lock();
    try {
      return state == State.WRITING && (buffer.end() > 0 || anchorToWrite() != null);
    } finally {
      lock.unlock();
    }
  }

  /** Whether a list is being read, of which nothing counts before its end. */
  boolean listing() {
    lock.lock();
    try {
      return listing;
    } finally {
      lock.unlock();
    }
  }

  /** Waits until an item is written, or the journal is out of order anyway. */
  void awaitDurable(long item) throws InterruptedException {
    lock.lock();
    try {
      while (durable < item && state == State.WRITING) {
        written.awaitNanos(Math.min(patience, TimeUnit.SECONDS.toNanos(1)));
        giveUp();
      }
    } finally {
      lock.unlock();
    }
  }

  /**
   * Whether the store hangs, so that it goes on without it: whoever asks it will find out whether
   * it ever answers, but nobody waits for that.
   */
  boolean overdue() {
    lock.lock();
    try {
      return giveUp();
    } finally {
      lock.unlock();
    }
  }

  private boolean giveUp() {
    if (state == State.WRITING && asking && ticker.getAsLong() - askedAt > patience) {
      failed("it has not answered for " + Duration.ofNanos(patience).toSeconds() + " s");
      return true;
    }
    return false;
  }

  private void asking(boolean now) {
    lock.lock();
    try {
      asking = now;
      askedAt = ticker.getAsLong();
    } finally {
      lock.unlock();
    }
  }

  private @Nullable String anchorNow() {
    return anchor.get().orElse(anchorKept);
  }

  private @Nullable String anchorToWrite() {
    String now = anchorNow();
    return now == null || now.equals(anchorWritten) ? null : now;
  }

  // --- writing ---

  /** Writes what has come together. Whether all is well. */
  boolean flush() {
    files.lock();
    try {
      Bytes full;
      long first;
      long from;
      long upTo;
      boolean listed = false;
      lock.lock();
      try {
        if (state != State.WRITING) {
          return false;
        }
        String now = anchorToWrite();
        if (now != null && snapshotAfterList) {
          listed = true;
          listing = false;
        } else if (now != null) {
          add(new Item.Anchor(now));
          anchorWritten = now;
          anchorKept = now;
          listing = false;
          if (state != State.WRITING) {
            return false;
          }
        }
        full = buffer;
        first = durable + 1;
        from = buffered;
        upTo = framed;
        buffer = spare;
      } finally {
        lock.unlock();
      }
      try {
        asking(true);
        if (full.end() > 0) {
          if (grows) {
            write(from, full);
          } else {
            piece(first, from, full);
          }
        }
        spare = full.array().length > KEPT_BUFFER ? new Bytes(1 << 16) : full;
        spare.clear();
        if (grows && (rotate || logBytes > LOG_BYTES)) {
          openLog(upTo + 1);
        }
        asking(false);
        lock.lock();
        try {
          if (state == State.WRITING) {
            durable = upTo;
            written.signalAll();
          }
          if (!listed) {
            return state == State.WRITING;
          }
        } finally {
          lock.unlock();
        }
        return listed && renew(State.WRITING, false);
      } catch (JournalException e) {
        spare = new Bytes(1 << 16);
        throw e;
      } catch (IOException | RuntimeException e) {
        spare = new Bytes(1 << 16);
        fail("it could not be written: " + describe(e));
        return false;
      }
    } finally {
      asking(false);
      files.unlock();
    }
  }

  private void write(long from, Bytes full) throws IOException {
    JournalStore.Appender appender = log;
    if (appender == null) {
      throw new IOException("the log is not open");
    }
    Bytes out = sealed(logHeader, from, full);
    appender.write(ByteBuffer.wrap(out.array(), 0, out.end()));
    if (settings.durability() != Durability.OS) {
      appender.sync();
    }
    logBytes += out.end();
    bytes += out.end();
  }

  /** Writes a log that will not grow. */
  private void piece(long first, long from, Bytes full) throws IOException {
    Format.Header of = header(first);
    Bytes header = new Bytes(Format.HEADER);
    Format.header(header, of);
    Bytes content = sealed(of, from, full);
    store.publish(
        Format.log(first),
        out -> {
          out.write(header.array(), 0, header.end());
          out.write(content.array(), 0, content.end());
        });
    bytes += content.end();
  }

  /** Frames as they are written. */
  private Bytes sealed(Format.Header file, long from, Bytes frames) {
    if (!seal.seals()) {
      return frames;
    }
    Bytes out = sealed;
    out.clear();
    seal.seal(out, file, from, frames.array(), 0, frames.end());
    sealed = out.array().length > KEPT_BUFFER ? new Bytes(16) : out;
    return out;
  }

  private Format.Header header(long first) {
    return new Format.Header(Format.Sort.LOG, Format.VERSION, hash, first, clock.millis());
  }

  private static String describe(Exception e) {
    return e.getMessage() == null ? e.getClass().getSimpleName() : e.getMessage();
  }

  private void openLog(long first) throws IOException {
    closeLog();
    rotate = false;
    String name = Format.log(first);
    JournalStore.Appender opened = store.append(name);
    try {
      logHeader = header(first);
      Bytes header = new Bytes(Format.HEADER);
      Format.header(header, logHeader);
      opened.write(ByteBuffer.wrap(header.array(), 0, header.end()));
      if (settings.durability() != Durability.OS) {
        opened.sync();
      }
    } catch (IOException e) {
      opened.close();
      throw e;
    }
    log = opened;
    logName = name;
    logBytes = Format.HEADER;
  }

  private void closeLog() {
    JournalStore.Appender open = log;
    log = null;
    if (open != null) {
      try {
        open.close();
      } catch (IOException e) {
        // What was made durable is so.
      }
    }
  }

  /** Whether the files are still there; if not, that is trouble like any other. */
  boolean check() {
    files.lock();
    try {
      lock.lock();
      try {
        if (state != State.WRITING) {
          return false;
        }
      } finally {
        lock.unlock();
      }
      asking(true);
      List<String> names = store.names();
      if (grows && !names.contains(logName) || !names.contains(Format.IDENTITY)) {
        fail("files were removed from under it");
        return false;
      }
      return true;
    } catch (IOException e) {
      fail("it could not be looked at: " + describe(e));
      return false;
    } finally {
      asking(false);
      files.unlock();
    }
  }

  private void fail(String why) {
    lock.lock();
    try {
      failed(why);
    } finally {
      lock.unlock();
    }
  }

  private void failed(String why) {
    if (state == State.WRITING || state == State.FAILED) {
      if (state == State.WRITING) {
        failures++;
      }
      state = State.FAILED;
      trouble = why;
      buffer = new Bytes(1 << 16);
      written.signalAll();
    }
  }

  /**
   * After trouble: begins anew. Whether that went well.
   *
   * @throws JournalException if it is no longer this stream's; then it is to be {@linkplain #refuse
   *     refused}
   */
  boolean heal() {
    return renew(State.FAILED, false);
  }

  /**
   * Begins a new log, after a snapshot.
   *
   * @param from the state in which there is reason to
   * @param snapshotNotNeeded whether all up to here is in the store
   */
  private boolean renew(State from, boolean snapshotNotNeeded) {
    files.lock();
    try {
      closeLog();
      Snapshot taken;
      try {
        if (state() != from) {
          return state() == State.WRITING;
        }
        store.open();
        boolean identified = store.names().contains(Format.IDENTITY);
        if (unread) {
          follow(identified);
        }
        lock.lock();
        try {
          if (state != from) {
            return state == State.WRITING;
          }
          state = State.WRITING;
          snapshotAfterList = false;
          taken = take();
          framed = taken.number;
          anchorWritten = snapshotNotNeeded ? anchorKept : taken.anchor;
        } finally {
          lock.unlock();
        }
        if (!identified || !snapshotNotNeeded) {
          store.publish(Format.IDENTITY, this::writeIdentity);
        }
        if (!snapshotNotNeeded) {
          publish(taken);
        }
        if (grows) {
          openLog(taken.number + 1);
        }
        unread = false;
        lock.lock();
        try {
          if (state == State.WRITING) {
            durable = taken.number;
            written.signalAll();
          }
          return state == State.WRITING;
        } finally {
          lock.unlock();
        }
      } catch (JournalException e) {
        throw e;
      } catch (IOException | RuntimeException e) {
        lock.lock();
        try {
          if (from == State.FAILED) {
            state = State.FAILED;
          }
          failed("it could not be written: " + describe(e));
        } finally {
          lock.unlock();
        }
        return false;
      }
    } finally {
      files.unlock();
    }
  }

  /**
   * Goes on in a store that could not be read at the start: what is in it may be another stream's,
   * and this run's items must come after whatever items are there.
   */
  private void follow(boolean identified) throws IOException {
    Optional<String> other = identified ? JournalLog.identity(store) : Optional.empty();
    if (other.isPresent() && !other.get().equals(identity)) {
      throw new JournalException(
          "the journal in "
              + store.where()
              + ", which could not be read at the start, belongs to another stream or cluster:\n"
              + other.get()
              + "\nthis one is\n"
              + identity);
    }
    long greatest = 0;
    for (String name : store.names()) {
      greatest = Math.max(greatest, Format.numberOfLog(name).orElse(0));
      greatest = Math.max(greatest, Format.numberOfSnapshot(name).orElse(0));
    }
    lock.lock();
    try {
      if (greatest > 0) {
        number = Math.max(number, greatest) + MOST_IN_A_LOG;
      }
    } finally {
      lock.unlock();
    }
  }

  private void writeIdentity(OutputStream out) throws IOException {
    Bytes file = new Bytes(256);
    Format.header(
        file, new Format.Header(Format.Sort.IDENTITY, Format.VERSION, hash, 0, clock.millis()));
    Format.frame(file, 0, new Item.Identity(identity));
    out.write(file.array(), 0, file.end());
  }

  // --- snapshots ---

  private record Snapshot(
      long number, long changes, EntryMap objects, Books books, @Nullable String anchor) {}

  private Snapshot take() {
    for (String consumer : live) {
      Books.Book book = books.of(consumer);
      if (book != null) {
        book.seen = clock.millis();
      }
    }
    return new Snapshot(number, changes, objects, books.copy(), anchorNow());
  }

  /** How many changes of objects there were since the last snapshot. */
  long changesSince() {
    lock.lock();
    try {
      return changes - changesAtSnapshot;
    } finally {
      lock.unlock();
    }
  }

  /** How many items there were since the last snapshot. */
  long itemsSince() {
    lock.lock();
    try {
      return number - numberAtSnapshot;
    } finally {
      lock.unlock();
    }
  }

  /**
   * Writes a snapshot, beside the log, and takes away what is no longer needed. Whether that went
   * well.
   */
  boolean snapshot() {
    Snapshot taken;
    lock.lock();
    try {
      if (state != State.WRITING || snapshotAfterList) {
        return state == State.WRITING;
      }
      taken = take();
    } finally {
      lock.unlock();
    }
    try {
      publish(taken);
      files.lock();
      try {
        rotate = true;
        prune();
      } finally {
        files.unlock();
      }
      return true;
    } catch (IOException | RuntimeException e) {
      fail("no snapshot could be written: " + describe(e));
      return false;
    }
  }

  private void publish(Snapshot taken) throws IOException {
    store.publish(Format.snapshot(taken.number), out -> write(taken, out));
    lock.lock();
    try {
      numberAtSnapshot = taken.number;
      changesAtSnapshot = taken.changes;
    } finally {
      lock.unlock();
    }
    snapshots++;
    lastSnapshot = clock.instant();
  }

  private void write(Snapshot taken, OutputStream out) throws IOException {
    Bytes file = new Bytes(BLOCK_BYTES + (BLOCK_BYTES >> 1));
    Format.Header header =
        new Format.Header(Format.Sort.SNAPSHOT, Format.VERSION, hash, taken.number, clock.millis());
    Format.header(file, header);
    out.write(file.array(), 0, file.end());
    file.clear();
    try (Blocks blocks = new Blocks(file, out, header, seal)) {
      // Objects before controllers: what is read must not make their keys pending.
      Entry[] entries = taken.objects.toArray();
      for (int i = 0; i < entries.length; ) {
        i += blocks.objects(entries, i, withhold);
      }
      if (taken.anchor != null) {
        blocks.add(new Item.Anchor(taken.anchor));
      }
      for (Books.Book book : taken.books.all().values()) {
        blocks.add(new Item.Consumer(book.name, book.version, book.seen, Item.Keys.AS_THEY_WERE));
      }
      for (Books.Book book : taken.books.all().values()) {
        for (Map.Entry<ObjectKey, Books.Pending> pending : book.pending.entrySet()) {
          blocks.add(
              new Item.Pending(
                  book.name,
                  pending.getKey(),
                  pending.getValue().since(),
                  pending.getValue().repeat()));
        }
        for (Map.Entry<ObjectKey, Books.Wait> wait : book.waits.entrySet()) {
          blocks.add(
              new Item.Wait(
                  book.name, wait.getKey(), wait.getValue().due(), wait.getValue().backoff()));
        }
      }
      blocks.finish();
    }
  }

  /** Presses items together and writes them, a block at a time. */
  private static final class Blocks implements AutoCloseable {
    private final Bytes file;
    private final OutputStream out;
    private final Format.Header header;
    private final Seal seal;
    private final Bytes sealed = new Bytes(16);
    private final Bytes items = new Bytes(16 << 10);
    private final Deflater deflater = new Deflater(Deflater.BEST_SPEED, true);
    private final byte[] scratch = new byte[1 << 16];
    private final Sheaf sheaf = new Sheaf(deflater, scratch);
    private long count;
    private long frames;

    Blocks(Bytes file, OutputStream out, Format.Header header, Seal seal) {
      this.file = file;
      this.out = out;
      this.header = header;
      this.seal = seal;
    }

    /** One object, or all that were read together and still are as they were. How many. */
    int objects(Entry[] entries, int at, boolean withhold) throws IOException {
      int whole = sheaf.addWhole(entries, at, entry -> head(entry, withhold));
      if (whole == 0) {
        sheaf.add(put(entries[at], withhold));
        whole = 1;
      }
      if (sheaf.isFull()) {
        bind();
      }
      return whole;
    }

    private void bind() throws IOException {
      if (!sheaf.isEmpty()) {
        count += sheaf.write(file, frames++);
        write();
      }
    }

    /** Something else; after all objects. */
    void add(Item item) throws IOException {
      bind();
      items.u8(item.type());
      int length = items.end();
      items.u32(0);
      item.write(items);
      items.set32(length, items.end() - length - 4);
      count++;
      if (items.end() >= BLOCK_BYTES) {
        press();
      }
    }

    private void press() throws IOException {
      if (items.end() > 0) {
        Format.block(file, frames++, items, deflater, scratch);
        items.clear();
        write();
      }
    }

    void finish() throws IOException {
      bind();
      press();
      Format.frame(file, frames++, new Item.End(count));
      write();
    }

    private void write() throws IOException {
      Bytes whole = file;
      if (seal.seals()) {
        sealed.clear();
        seal.seal(sealed, header, frames - 1, file.array(), 0, file.end());
        whole = sealed;
      }
      out.write(whole.array(), 0, whole.end());
      file.clear();
    }

    @Override
    public void close() {
      deflater.end();
    }
  }

  /** An object as an item. */
  static Item.Put put(Entry entry, boolean withhold) {
    return switch (entry.elsewhere()) {
      case Withheld kept -> of(entry, true, kept.hash().json());
      case Slice slice when !withhold -> of(entry, false, slice.load());
      case null, default -> {
        byte[] body = entry.body();
        yield of(entry, withhold, withhold ? digest(entry.uid(), body) : body);
      }
    };
  }

  /** What is known of an object, without its body. */
  private static Item.Put head(Entry entry, boolean withhold) {
    return of(entry, withhold, NOTHING);
  }

  private static Item.Put of(Entry entry, boolean withhold, byte[] body) {
    return new Item.Put(
        entry.key(),
        entry.uid(),
        entry.resourceVersion(),
        entry.generation(),
        entry.deleting(),
        withhold,
        body,
        null,
        entry.incarnation());
  }

  /** A hash of a body that cannot be told from that of another object of the same body. */
  private static byte[] digest(String salt, byte[] body) {
    try {
      MessageDigest digest = MessageDigest.getInstance("SHA-256");
      digest.update(salt.getBytes(StandardCharsets.UTF_8));
      return digest.digest(body);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java has SHA-256", e);
    }
  }

  /** Takes away the oldest snapshots, and logs that are too old or too much and not needed. */
  private void prune() throws IOException {
    NavigableMap<Long, JournalStore.File> logs = new TreeMap<>();
    NavigableMap<Long, String> kept = new TreeMap<>();
    for (JournalStore.File file : store.files()) {
      Format.numberOfLog(file.name()).ifPresent(first -> logs.put(first, file));
      Format.numberOfSnapshot(file.name()).ifPresent(last -> kept.put(last, file.name()));
    }
    List<String> gone = new ArrayList<>();
    while (kept.size() > settings.snapshots()) {
      gone.add(kept.pollFirstEntry().getValue());
    }
    if (kept.isEmpty()) {
      return;
    }
    // A log is needed if it holds an item after the newest snapshot; the next one begins where it
    // ends.
    long newest = kept.lastKey();
    long keptBytes = 0;
    Instant oldest = clock.instant().minus(settings.retention());
    boolean enough = false;
    long following = Long.MAX_VALUE;
    for (Map.Entry<Long, JournalStore.File> log : logs.descendingMap().entrySet()) {
      boolean needed = following > newest + 1;
      keptBytes += log.getValue().bytes();
      enough |= keptBytes > settings.retainedBytes() || log.getValue().written().isBefore(oldest);
      if (enough && !needed) {
        gone.add(log.getValue().name());
      }
      following = log.getKey();
    }
    if (!gone.isEmpty()) {
      store.delete(gone);
    }
  }

  // --- the end, and what is shown ---

  /** Writes what is left and ends. */
  void close() {
    try {
      flush();
    } catch (JournalException e) {
      // Another has it now.
    }
    end(State.CLOSED, "");
  }

  private void end(State how, String why) {
    files.lock();
    try {
      closeLog();
      lock.lock();
      try {
        if (state == State.REFUSED || state == State.CLOSED) {
          return;
        }
        state = how;
        trouble = why;
        buffer = new Bytes(16);
        written.signalAll();
      } finally {
        lock.unlock();
      }
      store.close();
    } finally {
      files.unlock();
    }
  }

  /** What it is doing. */
  State state() {
    lock.lock();
    try {
      return state;
    } finally {
      lock.unlock();
    }
  }

  String trouble() {
    lock.lock();
    try {
      return trouble;
    } finally {
      lock.unlock();
    }
  }

  long durable() {
    lock.lock();
    try {
      return durable;
    } finally {
      lock.unlock();
    }
  }

  long bytes() {
    return bytes;
  }

  long snapshots() {
    return snapshots;
  }

  long failures() {
    return failures;
  }

  Optional<Instant> lastSnapshot() {
    return Optional.ofNullable(lastSnapshot);
  }
}
