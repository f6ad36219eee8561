package dev.sluice.kube.internal.store;

import dev.sluice.flow.TimeSource;
import dev.sluice.kube.Compression;
import dev.sluice.kube.Compression.Coder;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Packs the bodies that have rested, on a thread of its own, while the stream writes and everybody
 * reads.
 *
 * <p><b>When.</b> The writer stamps each entry with the compactor's clock, which ticks eight times
 * in the time of rest. Every tick a sweep walks over a snapshot and packs the bodies that have not
 * changed for that time. A sweep also comes out of turn, when the bodies that are raw take more
 * memory than they should (an eighth of the heap, 64 MiB at least, which a first list of many
 * objects does): then those that rest longest are packed until the others take half of that.
 *
 * <p><b>With what.</b> Objects of one kind resemble each other more than themselves, so what makes
 * them small is a dictionary, trained on a sample of those at hand as soon as there is a mebibyte
 * of bodies. A store smaller than that is left as it is. When what is packed becomes a fifth larger
 * than it was just after the training, another dictionary is trained on a fresh sample, and taken
 * if it is better by a twentieth on objects that neither has seen. An entry keeps the dictionary
 * that it was packed with until it changes; those of the dictionary before the last are packed
 * again, so that a store uses two, and what users hold of it a few more for as long as they do.
 *
 * <p><b>What can go wrong.</b> If no dictionary can be made, bodies are packed without one, and
 * another attempt is made when there is twice as much. A body that does not become a tenth smaller,
 * or that the coder fails on, stays raw. One that cannot be unpacked any more is counted and
 * reported, so that the stream lists again. Nothing of this reaches the writer or a reader but by
 * the entry's own field: see {@link Entry}.
 */
final class Compactor implements AutoCloseable {
  private static final System.Logger LOG = System.getLogger("dev.sluice.kube.Store");

  /** How many ticks make the time of rest. */
  static final int RESTED = 8;

  static final int MOST_DICTIONARY = 112 << 10;
  private static final int LEAST_DICTIONARY = 4 << 10;
  private static final int MOST_SAMPLED = 3 << 19;
  private static final int LARGEST_SAMPLE = 64 << 10;
  private static final long WORTH_IT = 1 << 20;
  private static final long LEAST_HOT = 64 << 20;
  private static final long WINDOW = 1 << 20;
  private static final int LOOKED_AT = 64;

  private final String name;
  private final @Nullable Compression compression;
  private final Duration rest;
  private final long tickNanos;
  private final TimeSource time;
  private final long origin;
  private final Supplier<EntryMap> entries;
  private final long hot;

  // Between the writer and the sweeps.
  private volatile int now;
  private final AtomicLong written = new AtomicLong();
  private volatile long enough;
  private final AtomicBoolean sweeping = new AtomicBoolean();
  private volatile boolean started;
  private volatile boolean closed;
  private volatile Consumer<String> onDamage = detail -> {};

  private final ReentrantLock timing = new ReentrantLock();
  private TimeSource.@Nullable Timer timer;

  // The sweeps' own: one at a time.
  private Entry.@Nullable Coding coding;
  private @Nullable Coder packer;
  private boolean trained;
  private long trainedOn;
  private int trainedAt;
  private int number;
  private byte[] room = new byte[0];
  private final Map<Integer, Entry.Coding> codings = new HashMap<>();

  /** What the present dictionary achieves: at first, and lately. */
  private double promised;

  private long windowRaw;
  private long windowPacked;
  private long sweptAt = -1;
  private long rawAfter;

  private volatile Seen seen = new Seen(0, 0, 0, 0, 0, 0);
  private final AtomicLong trainings = new AtomicLong();
  private final AtomicLong failures = new AtomicLong();
  private final AtomicLong damaged = new AtomicLong();
  private volatile @Nullable String lastFailure;
  private volatile String without = "";

  /** What the last sweep left. */
  record Seen(
      int packed, long packedBytes, long unpackedBytes, long rawBytes, int coders, long memory) {}

  /**
   * A compactor, not started.
   *
   * @param entries the present ones
   */
  Compactor(StoreOptions options, Supplier<EntryMap> entries) {
    this(options, entries, Math.max(LEAST_HOT, Runtime.getRuntime().maxMemory() / 8));
  }

  Compactor(StoreOptions options, Supplier<EntryMap> entries, long hot) {
    this.name = options.name();
    this.compression = options.rest().isZero() ? null : options.compression();
    this.rest = options.rest();
    this.tickNanos = Math.max(1, options.rest().toNanos() / RESTED);
    this.time = options.time();
    this.origin = time.nanoTime();
    this.entries = entries;
    this.hot = hot;
    this.enough = compression == null ? Long.MAX_VALUE : hot;
  }

  /** Who is told that the objects should be sent again. */
  void onDamage(Consumer<String> told) {
    onDamage = told;
  }

  // --- for the writer ---

  /** The stamp for what is written now. */
  int now() {
    return now;
  }

  /** So many bytes have been written. */
  void wrote(int bytes) {
    long all = written.getPlain() + bytes;
    written.setRelease(all);
    if (all >= enough) {
      enough = Long.MAX_VALUE;
      begin();
    }
  }

  // --- when ---

  /** Begins to tick. */
  void start() {
    if (compression != null) {
      started = true;
      schedule();
    }
  }

  private void schedule() {
    timing.lock();
    try {
      if (!closed) {
        timer = time.schedule(tickNanos, this::tick);
      }
    } finally {
      timing.unlock();
    }
  }

  private void tick() {
    setClock();
    if (rawAfter > 0 || written.get() != sweptAt) {
      begin();
    }
    schedule();
  }

  private void setClock() {
    now = (int) Math.min(Entry.NEVER - 1, (time.nanoTime() - origin) / tickNanos);
  }

  /** Sweeps, on a thread of its own, unless that is being done. */
  private void begin() {
    if (started && !closed && sweeping.compareAndSet(false, true)) {
      Thread.ofPlatform().daemon().name("sluice-pack-" + name).start(this::work);
    }
  }

  private void work() {
    try {
      setClock();
      sweep();
    } catch (RuntimeException | LinkageError | OutOfMemoryError e) {
      failed("sweep", e);
    } finally {
      sweeping.set(false);
    }
  }

  /** Ends it. A sweep that is at work ends soon after; bodies stay as they are. */
  @Override
  public void close() {
    closed = true;
    timing.lock();
    try {
      if (timer != null) {
        timer.cancel();
      }
    } finally {
      timing.unlock();
    }
  }

  // --- a sweep ---

  /** For tests: the clock. */
  void setNow(int tick) {
    now = tick;
  }

  /** Packs what has rested. One thread at a time. */
  void sweep() {
    Compression by = compression;
    if (by == null) {
      return;
    }
    long writtenBefore = written.get();
    EntryMap all = entries.get();
    Census census = new Census(now);
    all.forEach(census);
    census.damaged.forEach(this::reportDamage);
    codings.keySet().retainAll(census.numbers);
    long total = census.raw + census.unpacked;
    if (coding == null ? total >= WORTH_IT : !trained && total >= 2 * trainedOn) {
      learn(by, all, total);
    }
    Entry.Coding with = coding;
    if (with != null) {
      codings.put(with.number(), with);
      int oldest = census.oldestToPack(hot);
      int before = with.number() - 1 & 0xffff;
      all.forEach(entry -> consider(entry, with, before, oldest, all));
      if (drifted()) {
        retrain(by, all, with);
      }
    }
    Census after = new Census(now);
    all.forEach(after);
    long memory = codings.values().stream().mapToLong(used -> used.coder().memory()).sum();
    seen =
        new Seen(
            after.packed, after.packedBytes, after.unpacked, after.raw, codings.size(), memory);
    // What is elsewhere becomes raw as soon as somebody reads it: it is looked at again.
    rawAfter = after.candidates + after.elsewhere;
    sweptAt = writtenBefore;
    enough = written.get() + Math.max(hot / 8, hot - after.raw);
  }

  /** What there is, and how long it has rested. */
  private static final class Census implements Consumer<Entry> {
    private final int now;
    private final long[] ages = new long[RESTED + 1];
    private final java.util.Set<Integer> numbers = new java.util.HashSet<>();
    private final List<Entry> damaged = new ArrayList<>();
    private long raw;
    private long candidates;
    private int packed;
    private long packedBytes;
    private long unpacked;
    private int elsewhere;
    private int lastNumber = -1;

    Census(int now) {
      this.now = now;
    }

    @Override
    public void accept(Entry entry) {
      int by = entry.packedBy();
      if (by == Entry.BY_NOBODY) {
        elsewhere++;
      } else if (by >= 0) {
        packed++;
        packedBytes += entry.kept();
        unpacked += entry.length();
        if (by != lastNumber) {
          lastNumber = by;
          numbers.add(by);
        }
      } else if (entry.isDamaged()) {
        damaged.add(entry);
      } else {
        raw += entry.kept();
        if (entry.came != Entry.NEVER) {
          candidates += entry.kept();
          ages[age(entry, now)] += entry.kept();
        }
      }
    }

    /** The age from which bodies are packed, so that not too much is raw. */
    int oldestToPack(long hot) {
      int age = RESTED;
      long left = candidates - ages[RESTED];
      if (left > hot) {
        while (age > 0 && left > hot / 2) {
          left -= ages[--age];
        }
      }
      return age;
    }
  }

  private static int age(Entry entry, int now) {
    return Math.clamp((long) now - entry.came, 0, RESTED);
  }

  private void consider(Entry entry, Entry.Coding with, int before, int oldest, EntryMap seenIn) {
    int by = entry.packedBy();
    if (closed || by == Entry.BY_NOBODY) {
      return;
    }
    if (by < 0) {
      if (entry.isDamaged() || entry.came == Entry.NEVER || age(entry, now) < oldest) {
        return;
      }
      EntryMap present = entries.get();
      if (present != seenIn && present.get(entry.key()) != entry) {
        return;
      }
    } else if (by == with.number() || by == before) {
      return;
    }
    int length = entry.length();
    try {
      if (by >= 0) {
        entry.unpack();
      }
      int needed = Entry.room(packer == null ? with.coder() : packer, length);
      if (room.length < needed) {
        room = new byte[Math.max(needed, 64 << 10)];
      }
      if (entry.pack(with, room)) {
        windowRaw += length;
        windowPacked += entry.kept();
      }
    } catch (RuntimeException e) {
      entry.came = Entry.NEVER;
      failed("packing " + entry, e);
    }
    if (room.length > 4 << 20) {
      room = new byte[0];
    }
  }

  private void reportDamage(Entry entry) {
    if (reported.add(entry)) {
      damaged.incrementAndGet();
      LOG.log(
          System.Logger.Level.ERROR,
          "the packed bytes of {0} are damaged; the objects of ''{1}'' are listed again",
          entry,
          name);
      onDamage.accept("the stored bytes of " + entry + " are damaged");
    }
  }

  private final java.util.Set<Entry> reported =
      java.util.Collections.newSetFromMap(new java.util.WeakHashMap<>());

  // --- dictionaries ---

  private void learn(Compression by, EntryMap all, long total) {
    trainedOn = total;
    trainedAt = now;
    List<byte[]> sample = sample(all, 0);
    Coder coder;
    try {
      coder = by.train(sample, dictionarySize(total));
      trainings.incrementAndGet();
      trained = true;
      without = "";
    } catch (RuntimeException e) {
      if (coding != null) {
        return;
      }
      without = "without a dictionary: " + e.getMessage();
      coder = by.plain();
    }
    use(coder);
  }

  private void use(Coder coder) {
    number = number + 1 & 0xffff;
    Entry.Coding next = new Entry.Coding(coder, number, this::begin);
    coding = next;
    packer = coder;
    codings.put(number, next);
    promised = 0;
    windowRaw = 0;
    windowPacked = 0;
  }

  /** Whether what is packed lately becomes larger than the dictionary has promised. */
  private boolean drifted() {
    if (windowRaw < WINDOW || !trained) {
      return false;
    }
    double ratio = (double) windowPacked / windowRaw;
    windowRaw = 0;
    windowPacked = 0;
    if (promised == 0) {
      promised = ratio;
      return false;
    }
    return ratio > promised * 1.2 && now - trainedAt >= RESTED;
  }

  private void retrain(Compression by, EntryMap all, Entry.Coding present) {
    trainedAt = now;
    List<byte[]> sample = sample(all, 0);
    List<byte[]> others = sample(all, 1);
    try {
      Coder next = by.train(sample, dictionarySize(seen.rawBytes + seen.unpackedBytes));
      trainings.incrementAndGet();
      if (packedLength(next, others) < packedLength(present.coder(), others) * 0.95) {
        use(next);
      } else {
        // The objects have become what they are: this is what can be had.
        promised = 0;
      }
    } catch (RuntimeException e) {
      promised = 0;
      failed("training", e);
    }
  }

  private static double packedLength(Coder coder, List<byte[]> bodies) {
    double length = 0;
    for (byte[] body : bodies.subList(0, Math.min(bodies.size(), LOOKED_AT))) {
      length += coder.compress(body, new byte[coder.bound(body.length)], 0);
    }
    return length;
  }

  private static int dictionarySize(long total) {
    return (int) Math.clamp(total / 64, LEAST_DICTIONARY, MOST_DICTIONARY);
  }

  /**
   * Bodies from all over the store, the youngest among them: what comes next resembles these.
   *
   * @param shift samples with different ones have nothing in common, if there is enough
   */
  private static List<byte[]> sample(EntryMap all, int shift) {
    int size = all.size();
    int[] at = {0};
    long[] taken = {0};
    List<byte[]> sample = new ArrayList<>();
    long[] length = {0};
    all.forEach(entry -> {
      if (entry.packedBy() != Entry.BY_NOBODY) {
        length[0] += Math.min(entry.length(), LARGEST_SAMPLE);
      }
    });
    int stride = (int) Math.clamp(length[0] / MOST_SAMPLED + 1, 1, Math.max(1, size / 2));
    all.forEach(entry -> {
      if (entry.packedBy() == Entry.BY_NOBODY) {
        return;
      }
      if (at[0]++ % stride == shift % stride && taken[0] < MOST_SAMPLED && !entry.isDamaged()) {
        byte[] body;
        try {
          body = entry.body();
        } catch (IllegalStateException e) {
          return;
        }
        byte[] part =
            body.length > LARGEST_SAMPLE ? java.util.Arrays.copyOf(body, LARGEST_SAMPLE) : body;
        sample.add(part);
        taken[0] += part.length;
      }
    });
    return sample;
  }

  private void failed(String what, Throwable e) {
    lastFailure = what + ": " + e;
    if (failures.getAndIncrement() == 0) {
      LOG.log(
          System.Logger.Level.WARNING,
          what
              + " failed in the store of '"
              + name
              + "'; objects stay as they came, and further failures are counted only",
          e);
    }
  }

  // --- what is shown ---

  Seen seen() {
    return seen;
  }

  /** How it packs, or why it does not. */
  String state(String whyNot) {
    if (rest.isZero()) {
      return "off: compressAfter is zero";
    }
    if (compression == null) {
      return "off: " + whyNot;
    }
    return without.isEmpty() ? compression.name() : compression.name() + ", " + without;
  }

  long trainings() {
    return trainings.get();
  }

  long failures() {
    return failures.get();
  }

  Optional<String> lastFailure() {
    return Optional.ofNullable(lastFailure);
  }

  long damaged() {
    return damaged.get();
  }
}
