package dev.sluice.kube;

import dev.sluice.flow.Experimental;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Objects;
import java.util.Optional;

/**
 * How an informer's stream is kept over a restart: its objects, where it stood, and which keys its
 * controllers had not finished. Immutable; each method gives a changed one.
 *
 * <pre>{@code
 * Informer.of(transport, kind)
 *     .journal(Journal.at(Path.of("state", "pods")).durability(Journal.Durability.EACH))
 *     .start();
 * }</pre>
 *
 * <p>A journal belongs to one stream: one kind, namespace, selection and cluster. Give each
 * informer a directory of its own.
 *
 * @param store where its files lie
 * @param durability when what was written is made durable
 * @param interval how long what was written may wait for that, with {@link Durability#INTERVAL} and
 *     {@link Durability#OS}
 * @param snapshotEvery how often a snapshot is written while objects change; not so often that more
 *     than a tenth of the time goes into it
 * @param snapshotWhenIdle the same while none does
 * @param snapshots how many snapshots are kept
 * @param retention how long the log is kept that no restart needs any more, to look things up in
 * @param retainedBytes how much of it is kept at most, in bytes
 * @param cluster a name for the cluster that no other has; empty to ask the server, which is one
 *     request more at each start
 * @param values whether the objects themselves are kept; else only their names, uids, versions and
 *     hashes
 * @param keys what everything in it is encrypted with; without, it is not, and of Secrets no values
 *     are kept
 */
@Experimental
public record Journal(
    JournalStore store,
    Durability durability,
    Duration interval,
    Duration snapshotEvery,
    Duration snapshotWhenIdle,
    int snapshots,
    Duration retention,
    long retainedBytes,
    String cluster,
    boolean values,
    Optional<JournalKeys> keys) {

  /**
   * When what was written is made durable. What each is good for: {@code docs/guides/journal.md}.
   */
  public enum Durability {
    /**
     * Before a change is handed over, and before an acknowledgement counts: nothing acknowledged is
     * reconciled again, not even after a power failure. Costs the disk's latency each time.
     */
    EACH,
    /** After the {@link #interval}, all that came meanwhile together. */
    INTERVAL,
    /** When the operating system likes to: it survives the end of the process only. */
    OS
  }

  /**
   * Checks the settings.
   *
   * @throws IllegalArgumentException if one is out of its range, the log would be kept for less
   *     time than passes between two snapshots, or the store is none for {@link Durability#EACH}
   */
  public Journal {
    Objects.requireNonNull(store, "store");
    Objects.requireNonNull(durability, "durability");
    Objects.requireNonNull(cluster, "cluster");
    Objects.requireNonNull(keys, "keys");
    atLeast("interval", interval, Duration.ofMillis(1));
    atLeast("snapshotEvery", snapshotEvery, Duration.ofMillis(100));
    atLeast("snapshotWhenIdle", snapshotWhenIdle, snapshotEvery);
    if (snapshots < 1 || snapshots > 100) {
      throw new IllegalArgumentException("1 to 100 snapshots are kept, not " + snapshots);
    }
    if (retention.compareTo(snapshotEvery) < 0) {
      throw new IllegalArgumentException(
          "a log kept for "
              + retention
              + " would be gone before the next snapshot, which comes every "
              + snapshotEvery
              + ": keep it for longer than that");
    }
    if (durability == Durability.EACH && !store.pace().grows()) {
      throw new IllegalArgumentException(
          "Durability.EACH would wait for an upload to "
              + store.where()
              + " before each change is handed over: use INTERVAL there, or a disk");
    }
    if (retainedBytes < 1 << 20) {
      throw new IllegalArgumentException(
          "at least 1 MiB of the log is kept, not " + retainedBytes + " bytes");
    }
  }

  private static void atLeast(String what, Duration value, Duration least) {
    if (value.compareTo(least) < 0) {
      throw new IllegalArgumentException(what + " is at least " + least + ", not " + value);
    }
  }

  /** In a directory of this machine. */
  public static Journal at(Path directory) {
    return in(JournalStore.directory(directory));
  }

  /**
   * In a store, at its {@linkplain JournalStore#pace() pace}. On a disk: made durable every 50 ms,
   * a snapshot every 30 s (60 s when nothing changes), five of them kept, and 24 hours or 256 MiB
   * of the log.
   */
  public static Journal in(JournalStore store) {
    JournalStore.Pace pace = store.pace();
    return new Journal(
        store,
        Durability.INTERVAL,
        pace.interval(),
        pace.snapshotEvery(),
        pace.snapshotEvery().multipliedBy(2),
        pace.snapshots(),
        pace.retention(),
        pace.retainedBytes(),
        "",
        true,
        Optional.empty());
  }

  /** With another durability. */
  public Journal durability(Durability changed) {
    return new Journal(
        store,
        changed,
        interval,
        snapshotEvery,
        snapshotWhenIdle,
        snapshots,
        retention,
        retainedBytes,
        cluster,
        values,
        keys);
  }

  /** Made durable after another time. At least a millisecond. */
  public Journal interval(Duration changed) {
    return new Journal(
        store,
        durability,
        changed,
        snapshotEvery,
        snapshotWhenIdle,
        snapshots,
        retention,
        retainedBytes,
        cluster,
        values,
        keys);
  }

  /** With snapshots at other times; when nothing changes half as often. */
  public Journal snapshotEvery(Duration changed) {
    return new Journal(
        store,
        durability,
        interval,
        changed,
        changed.multipliedBy(2),
        snapshots,
        retention,
        retainedBytes,
        cluster,
        values,
        keys);
  }

  /** With another number of snapshots kept, 1 to 100. */
  public Journal snapshots(int changed) {
    return new Journal(
        store,
        durability,
        interval,
        snapshotEvery,
        snapshotWhenIdle,
        changed,
        retention,
        retainedBytes,
        cluster,
        values,
        keys);
  }

  /**
   * With another limit for the log that is kept beyond what a restart needs.
   *
   * @param bytes at least 1 MiB
   */
  public Journal retention(Duration time, long bytes) {
    return new Journal(
        store,
        durability,
        interval,
        snapshotEvery,
        snapshotWhenIdle,
        snapshots,
        time,
        bytes,
        cluster,
        values,
        keys);
  }

  /**
   * With a name for the cluster, so that the server need not be asked which one it is.
   *
   * @param name one that no other cluster has and this one keeps
   */
  public Journal cluster(String name) {
    return new Journal(
        store,
        durability,
        interval,
        snapshotEvery,
        snapshotWhenIdle,
        snapshots,
        retention,
        retainedBytes,
        name,
        values,
        keys);
  }

  /**
   * Without the objects themselves, as it always is with Secrets: a small journal, which any store
   * can hold, of what was finished. A start lists the objects, once, and reconciles only what
   * changed and what was not finished.
   */
  public Journal withoutValues() {
    return new Journal(
        store,
        durability,
        interval,
        snapshotEvery,
        snapshotWhenIdle,
        snapshots,
        retention,
        retainedBytes,
        cluster,
        false,
        keys);
  }

  /**
   * Encrypted with keys, so that it may hold what must not lie about: the values of Secrets, which
   * are left out otherwise.
   */
  public Journal encryptedWith(JournalKeys with) {
    return new Journal(
        store,
        durability,
        interval,
        snapshotEvery,
        snapshotWhenIdle,
        snapshots,
        retention,
        retainedBytes,
        cluster,
        values,
        Optional.of(with));
  }
}
