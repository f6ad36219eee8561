package dev.sluice.kube.internal.journal;

import dev.sluice.kube.JournalBucket;
import dev.sluice.kube.JournalBucket.Blob;
import dev.sluice.kube.JournalException;
import dev.sluice.kube.JournalStore;
import java.io.ByteArrayOutputStream;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.io.InterruptedIOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Deque;
import java.util.HashSet;
import java.util.Iterator;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * A journal's files in a bucket that several processes can reach, of which one has it.
 *
 * <p>A file is some blobs under names that nobody else uses, and a line in the manifest. Writing a
 * file is to put its blobs and then to replace the manifest by one that lists it, on the condition
 * that the manifest is still the one this process wrote last. So a file is there as a whole or not
 * at all, and who has lost the store, which is to say that another has written the manifest, cannot
 * change what is in it: its condition fails, its blobs are listed nowhere, and the next owner
 * sweeps them up. This is what Iceberg, Delta Lake and SlateDB do on object stores.
 *
 * <p>The lease only settles when another may begin: it watches the manifest for as long as the
 * lease is, by its own clock, and takes the store if nothing moved. Should the holder have been
 * paused and not dead, it finds its condition failing.
 *
 * <p>An answer that is lost leaves open whether the manifest was replaced. The next attempt then
 * meets a manifest that is not the one it expects but has this process's token: it goes on from
 * that.
 */
public final class SharedStore implements JournalStore {
  private static final String MANIFEST = "manifest";
  private static final String PROBE = "probe";
  private static final int AHEAD = 3;
  private static final int ATTEMPTS = 10;
  private static final System.Logger LOG = System.getLogger("dev.sluice.kube.Journal");

  /** Time, as a process sees it that waits for another. */
  interface Clock {
    long nanoTime();

    void sleep(Duration time) throws InterruptedException;

    /** By the wall. */
    Instant now();

    Clock SYSTEM =
        new Clock() {
          @Override
          public long nanoTime() {
            return System.nanoTime();
          }

          @Override
          public void sleep(Duration time) throws InterruptedException {
            Thread.sleep(time);
          }

          @Override
          public Instant now() {
            return Instant.now();
          }
        };
  }

  private record Held(Manifest manifest, String tag) {}

  private final JournalBucket bucket;
  private final Ownership ownership;
  private final String holder;
  private final Clock clock;
  private final boolean renewing;

  /** Held while the manifest is read, replaced or taken; blobs are put and read without it. */
  private final ReentrantLock lock = new ReentrantLock();

  private @Nullable Held held;
  private @Nullable String lost;

  /** Of the manifest that may have been written, although the answer was lost. */
  private @Nullable String token;

  private boolean probed;
  private long sequence;
  private @Nullable Thread renewer;

  /** In a bucket. */
  public SharedStore(JournalBucket bucket, Ownership ownership) {
    this(bucket, ownership, Clock.SYSTEM, true);
  }

  /**
   * For tests.
   *
   * @param renewing whether a thread renews the lease; else {@link #renew} does
   */
  SharedStore(JournalBucket bucket, Ownership ownership, Clock clock, boolean renewing) {
    this.bucket = Objects.requireNonNull(bucket, "bucket");
    this.ownership = Objects.requireNonNull(ownership, "ownership");
    this.holder = ownership.holder().replaceAll("\\s", "_");
    this.clock = clock;
    this.renewing = renewing;
    if (bucket.partBytes() < 16 << 10) {
      throw new IllegalArgumentException(
          "a bucket's parts have at least 16 KiB, not " + bucket.partBytes() + " bytes");
    }
    if (bucket.pace().grows()) {
      throw new IllegalArgumentException("files in a bucket do not grow: its pace must say so");
    }
  }

  /** Who this is, as far as the system says: in a pod, its name. */
  public static String thisHost() {
    String name = System.getenv("HOSTNAME");
    if (name != null && !name.isBlank()) {
      return name;
    }
    try {
      return InetAddress.getLocalHost().getHostName();
    } catch (UnknownHostException e) {
      return "unknown";
    }
  }

  @Override
  public String where() {
    return bucket.where();
  }

  @Override
  public Pace pace() {
    return bucket.pace();
  }

  // --- whose it is ---

  @Override
  public void open() throws IOException {
    lock.lock();
    try {
      Held now = held;
      if (now != null) {
        if (look().isPresent()) {
          return;
        }
        held = null; // it was removed: it is made anew
      }
      lost = null;
      probe();
      held = take();
      token = null;
      sweep(held.manifest);
      if (renewing && (renewer == null || !renewer.isAlive())) {
        renewer = Thread.ofVirtual().name("sluice-journal-lease").start(this::keepRenewing);
      }
    } finally {
      lock.unlock();
    }
  }

  /** Whether the bucket keeps what it promises; one that ignores conditions would lose state. */
  private void probe() throws IOException {
    if (probed) {
      return;
    }
    byte[] bytes = {1};
    bucket.replace(PROBE, bytes, Optional.empty());
    if (bucket.replace(PROBE, bytes, Optional.empty()).isPresent()
        || bucket
            .replace(PROBE, bytes, Optional.of("\"00000000000000000000000000000000\""))
            .isPresent()) {
      throw new JournalException(
          bucket.where()
              + " writes over what is there although it is told not to (If-None-Match, If-Match):"
              + " two processes could not be kept apart. Use a server that knows conditional"
              + " writes");
    }
    probed = true;
  }

  private Held take() throws IOException {
    String mark = token == null ? UUID.randomUUID().toString() : token;
    token = mark;
    @Nullable String seen = null;
    long seenAt = 0;
    Duration step = ownership.lease().dividedBy(15);
    while (true) {
      Optional<Blob> blob = bucket.get(MANIFEST);
      Manifest before =
          blob.isPresent() ? decode(blob.get()) : new Manifest(0, 0, "", "", 0, new TreeMap<>());
      String tag = blob.map(Blob::tag).orElse("");
      if (before.token().equals(mark)) {
        return new Held(before, tag);
      }
      boolean free = before.leaseMillis() == 0 || ownership.takeOver();
      if (!free && !tag.equals(seen)) {
        if (seen != null) {
          throw new JournalException(
              "the journal in "
                  + where()
                  + " is in use by "
                  + before.holder()
                  + ", which has just written to it: end that one first, or give this one a place"
                  + " of its own. If something else makes sure that there is only one (leader"
                  + " election, a StatefulSet), let this one take over: Ownership.takingOver()");
        }
        seen = tag;
        seenAt = clock.nanoTime();
      }
      if (free || clock.nanoTime() - seenAt >= before.leaseMillis() * 1_000_000) {
        Manifest mine =
            new Manifest(
                before.epoch() + 1,
                before.turn() + 1,
                mark,
                holder,
                ownership.lease().toMillis(),
                before.files());
        Optional<String> written = bucket.replace(MANIFEST, mine.encode(), blob.map(Blob::tag));
        if (written.isPresent()) {
          return new Held(mine, written.get());
        }
        continue; // another was quicker, or it was let go just now
      }
      try {
        clock.sleep(step);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new InterruptedIOException(
            "interrupted while waiting for the lease of " + before.holder() + " in " + where());
      }
    }
  }

  private Manifest decode(Blob blob) {
    try {
      return Manifest.decode(blob.bytes());
    } catch (IOException e) {
      throw new JournalException(
          "the manifest of the journal in "
              + where()
              + " cannot be used: "
              + e.getMessage()
              + ". Remove what is there to begin anew, which costs one list and one reconcile of"
              + " each object, or use another place");
    }
  }

  /** Removes what is not listed: what owners before this one have begun and not finished. */
  private void sweep(Manifest mine) throws IOException {
    // Listed first: what another may write from now on is not among it.
    Set<String> names = new HashSet<>(bucket.list());
    if (look().isEmpty()) {
      return;
    }
    names.remove(MANIFEST);
    names.remove(PROBE);
    mine.files().values().forEach(entry -> entry.blobs().forEach(names::remove));
    discard(names);
  }

  private void discard(Collection<String> blobs) {
    try {
      if (!blobs.isEmpty()) {
        bucket.delete(blobs);
      }
    } catch (IOException e) {
      // Listed nowhere: the next owner sweeps them up.
    }
  }

  /** Reads the manifest: empty if it is gone. Under the lock. */
  private Optional<Manifest> look() throws IOException {
    Held mine = mine();
    Optional<Blob> blob = bucket.get(MANIFEST);
    if (blob.isEmpty()) {
      return Optional.empty();
    }
    Manifest found = decode(blob.get());
    if (!found.token().equals(mine.manifest.token())) {
      throw losing(mine.manifest, found);
    }
    held = new Held(found, blob.get().tag());
    return Optional.of(found);
  }

  private Held mine() throws IOException {
    if (lost != null) {
      throw new JournalException(lost);
    }
    Held mine = held;
    if (mine == null) {
      throw new IOException("the journal in " + where() + " is not open");
    }
    return mine;
  }

  private JournalException losing(Manifest mine, Manifest found) {
    lost =
        "the journal in "
            + where()
            + " was taken over by "
            + found.holder()
            + " (owner no. "
            + found.epoch()
            + "), while "
            + holder
            + " (no. "
            + mine.epoch()
            + ") was silent or before it had ended: nothing more is written to it from here";
    return new JournalException(lost);
  }

  /** Replaces the manifest, on the condition that it is this process's. */
  private Manifest update(UnaryOperator<Manifest> change) throws IOException {
    lock.lock();
    try {
      for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
        Held mine = mine();
        Manifest next = change.apply(mine.manifest).nextTurn();
        byte[] bytes = next.encode();
        if (bytes.length > bucket.partBytes()) {
          throw new IOException(
              where()
                  + " would hold too many files ("
                  + next.files().size()
                  + "): let the journal's interval be longer or its retention shorter");
        }
        Optional<String> tag = bucket.replace(MANIFEST, bytes, Optional.of(mine.tag));
        if (tag.isPresent()) {
          held = new Held(next, tag.get());
          return next;
        }
        // Another has it now, or an earlier attempt has got through whose answer was lost.
        if (look().isEmpty()) {
          throw new IOException("the manifest of the journal in " + where() + " was removed");
        }
      }
      throw new IOException(
          "the manifest in " + where() + " could not be replaced in " + ATTEMPTS + " attempts");
    } finally {
      lock.unlock();
    }
  }

  /** Says that this process still has it. */
  void renew() throws IOException {
    update(manifest -> manifest);
  }

  private void keepRenewing() {
    long pause = ownership.lease().toNanos() / 3;
    Thread self = Thread.currentThread();
    while (true) {
      LockSupport.parkNanos(this, pause);
      lock.lock();
      try {
        if (renewer != self || held == null || lost != null) {
          return;
        }
      } finally {
        lock.unlock();
      }
      try {
        renew();
      } catch (IOException e) {
        LOG.log(System.Logger.Level.DEBUG, "the lease in " + where() + " could not be renewed", e);
      } catch (JournalException e) {
        return; // whoever writes next is told
      }
    }
  }

  @Override
  public void close() {
    lock.lock();
    try {
      Thread ending = renewer;
      renewer = null;
      if (held != null && lost == null) {
        update(manifest -> manifest.lease(0));
      }
      if (ending != null) {
        LockSupport.unpark(ending);
      }
    } catch (IOException | JournalException e) {
      LOG.log(
          System.Logger.Level.DEBUG,
          "the journal in " + where() + " could not be given back: the next waits for its lease",
          e);
    } finally {
      held = null;
      lock.unlock();
    }
  }

  // --- files ---

  @Override
  public List<File> files() throws IOException {
    return manifest().files().values().stream().map(Manifest.Entry::file).toList();
  }

  /** The present manifest; an owner's if there is one. */
  private Manifest manifest() throws IOException {
    Manifest none = new Manifest(0, 0, "", "", 0, new TreeMap<>());
    lock.lock();
    try {
      if (held != null || lost != null) {
        return look().orElse(none);
      }
    } finally {
      lock.unlock();
    }
    Optional<Blob> blob = bucket.get(MANIFEST);
    return blob.isPresent() ? decode(blob.get()) : none;
  }

  @Override
  public InputStream read(String name) throws IOException {
    Held mine;
    lock.lock();
    try {
      mine = held;
    } finally {
      lock.unlock();
    }
    Manifest.Entry entry = (mine == null ? manifest() : mine.manifest).files().get(name);
    if (entry == null) {
      throw new FileNotFoundException("there is no " + name + " in " + where());
    }
    return new Parts(entry);
  }

  @Override
  public Appender append(String name) {
    throw new UnsupportedOperationException("files in " + where() + " do not grow");
  }

  @Override
  public void publish(String name, Content content) throws IOException {
    String stem;
    Manifest before;
    lock.lock();
    try {
      before = mine().manifest;
      stem = before.epoch() + "-" + before.token().substring(0, 8) + "-" + ++sequence;
    } finally {
      lock.unlock();
    }
    Manifest.Entry replaced = before.files().get(name);
    long others = before.bytes() - (replaced == null ? 0 : replaced.file().bytes());
    Putting out = new Putting(name, stem, others);
    try {
      content.writeTo(out);
      out.finish();
    } catch (IOException | RuntimeException e) {
      discard(new Manifest.Entry(new File(name, 0, Instant.EPOCH), stem, out.parts).blobs());
      throw e;
    }
    Manifest.Entry entry =
        new Manifest.Entry(new File(name, out.bytes, clock.now()), stem, out.parts);
    // If this fails its blobs stay: it may have been carried out all the same.
    update(manifest -> manifest.with(entry));
    if (replaced != null) {
      discard(replaced.blobs());
    }
  }

  @Override
  public void delete(Collection<String> names) throws IOException {
    List<String> blobs = new ArrayList<>();
    Manifest after =
        update(manifest -> {
          blobs.clear();
          names.forEach(name -> {
            Manifest.Entry entry = manifest.files().get(name);
            if (entry != null) {
              blobs.addAll(entry.blobs());
            }
          });
          return manifest.without(names);
        });
    after.files().values().forEach(entry -> blobs.removeAll(entry.blobs()));
    discard(blobs);
  }

  /** Cuts what is written into parts. */
  private final class Putting extends OutputStream {
    private final String name;
    private final String stem;
    private final long others;
    private final ByteArrayOutputStream part = new ByteArrayOutputStream();
    private int parts;
    private long bytes;

    Putting(String name, String stem, long others) {
      this.name = name;
      this.stem = stem;
      this.others = others;
    }

    @Override
    public void write(int b) throws IOException {
      write(new byte[] {(byte) b}, 0, 1);
    }

    @Override
    public void write(byte[] source, int offset, int length) throws IOException {
      bytes += length;
      if (others + bytes > bucket.totalBytes()) {
        throw new IOException(
            String.format(
                "%s may hold %,d bytes altogether, and with %s it would be more than that: keep"
                    + " fewer snapshots or a shorter log, leave the values out"
                    + " (Journal.withoutValues()), or use a store for more",
                where(), bucket.totalBytes(), name));
      }
      int at = offset;
      int end = offset + length;
      while (at < end) {
        int count = Math.min(end - at, bucket.partBytes() - part.size());
        part.write(source, at, count);
        at += count;
        if (part.size() == bucket.partBytes()) {
          put();
        }
      }
    }

    private void put() throws IOException {
      // Counted first: what failed may be there.
      bucket.put(stem + "/" + parts++, part.toByteArray());
      part.reset();
    }

    void finish() throws IOException {
      if (part.size() > 0) {
        put();
      }
    }
  }

  /** Reads parts one after the other, and some ahead. */
  private final class Parts extends InputStream {
    private final String name;
    private final Iterator<String> blobs;
    private final Deque<CompletableFuture<byte[]>> ahead = new ArrayDeque<>();
    private byte[] part = new byte[0];
    private int at;

    Parts(Manifest.Entry entry) {
      this.name = entry.file().name();
      this.blobs = entry.blobs().iterator();
    }

    @Override
    public int read() throws IOException {
      return more() ? part[at++] & 0xff : -1;
    }

    @Override
    public int read(byte[] into, int offset, int length) throws IOException {
      if (length == 0) {
        return 0;
      }
      if (!more()) {
        return -1;
      }
      int count = Math.min(length, part.length - at);
      System.arraycopy(part, at, into, offset, count);
      at += count;
      return count;
    }

    private boolean more() throws IOException {
      while (at == part.length) {
        while (ahead.size() < AHEAD && blobs.hasNext()) {
          ahead.add(fetch(blobs.next()));
        }
        CompletableFuture<byte[]> next = ahead.poll();
        if (next == null) {
          return false;
        }
        try {
          part = next.get();
          at = 0;
        } catch (ExecutionException e) {
          throw new IOException(
              "a part of "
                  + name
                  + " in "
                  + where()
                  + " cannot be read: "
                  + Objects.requireNonNull(e.getCause()).getMessage(),
              e.getCause());
        } catch (InterruptedException e) {
          Thread.currentThread().interrupt();
          throw new InterruptedIOException("interrupted while reading " + name);
        }
      }
      return true;
    }

    private CompletableFuture<byte[]> fetch(String blob) {
      CompletableFuture<byte[]> fetched = new CompletableFuture<>();
      Thread.startVirtualThread(() -> {
        try {
          fetched.complete(
              bucket
                  .get(blob)
                  .orElseThrow(() -> new FileNotFoundException(blob + " is missing"))
                  .bytes());
        } catch (IOException | RuntimeException e) {
          fetched.completeExceptionally(e);
        }
      });
      return fetched;
    }
  }
}
