package dev.sluice.kube;

import dev.sluice.flow.Experimental;
import dev.sluice.kube.internal.journal.DirectoryStore;
import dev.sluice.kube.internal.journal.LocalDisk;
import dev.sluice.kube.internal.journal.SharedStore;
import java.io.Closeable;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.Collection;
import java.util.List;
import java.util.Objects;

/**
 * Where a journal's files lie. A handful of named files, of two sorts: those that grow at their end
 * and those that are written whole. What is in them is the journal's business. A store whose {@link
 * #pace() pace} says so has none that grow: then the log is written in many whole files, one each
 * {@link Pace#interval()}.
 *
 * <p>It belongs to one process at a time. Who has lost it, having been paused for too long, say, is
 * told by a {@link JournalException} and changes nothing any more: what it still writes must never
 * be seen by whoever has it now.
 *
 * <p>Reading needs no {@link #open()}, so that tools can look at a journal in use. One thread at a
 * time writes; methods may be called by different threads one after the other, and one may append
 * while another publishes. After {@link #close()} it may be opened again.
 */
@Experimental
public interface JournalStore extends AutoCloseable {

  /** A directory of this machine. It is made when it is first opened; its files have mode 0600. */
  static JournalStore directory(Path directory) {
    return new DirectoryStore(new LocalDisk(directory));
  }

  /**
   * In a bucket that several processes can reach, one after the other: a pod without a disk, or a
   * new leader, goes on where the last one stood, up to its last upload. Who has it renews a lease
   * there. {@link #open()} waits for a lease that is no longer renewed to run out; if it is
   * renewed, it throws.
   *
   * <p>What makes sure that there is one writer is not the lease but that each write is finished by
   * replacing one blob, the manifest, on the condition that it is still the one this process has
   * written: no clocks are compared, and one that was paused for however long changes nothing.
   */
  static JournalStore shared(JournalBucket bucket, Ownership ownership) {
    return new SharedStore(bucket, ownership);
  }

  /**
   * How a shared store is held.
   *
   * @param holder who this is, for messages to others: the pod's name
   * @param lease how long another waits for a holder that is silent, 1 s to 10 min; it is renewed
   *     three times as often
   * @param takeOver whether to take it at once, whoever has it: when leader election or a
   *     StatefulSet has already made sure that there is no other
   */
  record Ownership(String holder, Duration lease, boolean takeOver) {
    /** Checks the range. */
    public Ownership {
      Objects.requireNonNull(holder, "holder");
      if (lease.compareTo(Duration.ofSeconds(1)) < 0
          || lease.compareTo(Duration.ofMinutes(10)) > 0) {
        throw new IllegalArgumentException("a lease is 1 s to 10 min long, not " + lease);
      }
    }

    /** Held by this pod, or host, with a lease of 30 s, and taken only from one that is gone. */
    public static Ownership standard() {
      return new Ownership(SharedStore.thisHost(), Duration.ofSeconds(30), false);
    }

    /** With another name. */
    public Ownership holder(String changed) {
      return new Ownership(changed, lease, takeOver);
    }

    /** With another lease. */
    public Ownership lease(Duration changed) {
      return new Ownership(holder, changed, takeOver);
    }

    /** Taken at once, whoever has it. */
    public Ownership takingOver() {
      return new Ownership(holder, lease, true);
    }
  }

  /** Where it is, for messages. */
  String where();

  /** What suits it. */
  Pace pace();

  /**
   * Takes it for this process alone, and makes it if it is not there. May be called again, after
   * trouble. May block for as long as it takes to see that whoever had it last is gone.
   *
   * @throws JournalException if another process, or another journal of this one, has it
   * @throws IOException if it cannot be had for another reason
   */
  void open() throws IOException;

  /**
   * All files, by name; none if it has not been made.
   *
   * @throws JournalException if it was opened, and another has taken it since
   * @throws IOException if it cannot be looked at
   */
  List<File> files() throws IOException;

  /** The names of all files, in order. As {@link #files()}. */
  default List<String> names() throws IOException {
    return files().stream().map(File::name).toList();
  }

  /**
   * A file from its beginning.
   *
   * @throws IOException at once or while it is read, if it is not there or not readable
   */
  InputStream read(String name) throws IOException;

  /**
   * Begins a file that grows at its end. One of that name is replaced.
   *
   * @throws UnsupportedOperationException if its files do not grow
   */
  Appender append(String name) throws IOException;

  /**
   * Writes a file: when this returns it is there as a whole and durably; else it is not there, or,
   * where the answer was lost, as a whole. One of that name is replaced.
   *
   * @throws JournalException if another has taken the store
   */
  void publish(String name, Content content) throws IOException;

  /**
   * Deletes files; those that are not there do not matter.
   *
   * @throws JournalException if another has taken the store
   */
  void delete(Collection<String> names) throws IOException;

  /** Gives it back. */
  @Override
  void close();

  /**
   * A file.
   *
   * @param name its name: letters, digits, dots and hyphens
   * @param bytes how long it is
   * @param written when it was last written to, by the clock of whoever keeps it
   */
  record File(String name, long bytes, Instant written) {}

  /**
   * What suits a store, and is the setting of a {@link Journal} in it unless told otherwise.
   *
   * @param grows whether its files can grow; else each piece of the log is a file of its own
   * @param interval how long what is to be written may gather
   * @param snapshotEvery the time between two snapshots while objects change; half as often while
   *     none does
   * @param snapshots how many of them are kept
   * @param retention how long the log is kept that no restart needs any more
   * @param retainedBytes how much of it is kept, in bytes
   * @param lookEvery how often to look whether it is still there, and this process's
   */
  record Pace(
      boolean grows,
      Duration interval,
      Duration snapshotEvery,
      int snapshots,
      Duration retention,
      long retainedBytes,
      Duration lookEvery) {

    /**
     * A disk's: every 50 ms, a snapshot every 30 s, five of them, and 24 hours or 256 MiB of the
     * log.
     */
    public static final Pace DISK =
        new Pace(
            true,
            Duration.ofMillis(50),
            Duration.ofSeconds(30),
            5,
            Duration.ofHours(24),
            256L << 20,
            Duration.ofSeconds(1));

    /** Checks that all are there; {@link Journal} checks the ranges. */
    public Pace {
      Objects.requireNonNull(interval, "interval");
      Objects.requireNonNull(snapshotEvery, "snapshotEvery");
      Objects.requireNonNull(retention, "retention");
      Objects.requireNonNull(lookEvery, "lookEvery");
    }
  }

  /** A file that grows. */
  interface Appender extends Closeable {
    /** Writes all that remains in a buffer. It need not be durable. */
    void write(ByteBuffer bytes) throws IOException;

    /** Makes durable what was written. */
    void sync() throws IOException;
  }

  /** What a file is to contain. */
  @FunctionalInterface
  interface Content {
    /** Writes it. */
    void writeTo(OutputStream out) throws IOException;
  }
}
