package dev.sluice.kube.internal.store;

import dev.sluice.flow.TimeSource;
import dev.sluice.kube.Index;
import dev.sluice.kube.StoreStats.IndexStats;
import java.util.Arrays;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLongArray;
import java.util.concurrent.atomic.AtomicReferenceArray;
import org.jspecify.annotations.Nullable;

/**
 * Asks the index functions and counts where they fail. The stream's thread asks for what it brings
 * in, and writers' threads for what they lay over that; what {@link #running} tells is of the
 * stream, which must not be held up.
 */
final class Indexer {
  private static final System.Logger LOG = System.getLogger("dev.sluice.kube.Store");

  private final String store;
  private final List<Index> indexes;
  private final TimeSource time;
  private final AtomicLongArray failures;
  private final AtomicReferenceArray<@Nullable String> lastFailures;
  private volatile @Nullable Running running;
  private volatile Runnable failed = () -> {};

  /** The function that is being asked. */
  private record Running(Index index, Entry entry, long since) {}

  Indexer(String store, List<Index> indexes, TimeSource time) {
    this.store = store;
    this.indexes = List.copyOf(indexes);
    this.time = time;
    this.failures = new AtomicLongArray(indexes.size());
    this.lastFailures = new AtomicReferenceArray<>(indexes.size());
  }

  boolean isOff() {
    return indexes.isEmpty();
  }

  /**
   * By which values an object is found, each index's without repetition and in order. For the
   * stream's thread.
   *
   * @param before those of its last state, if there is one: given back if nothing has changed
   */
  String[][] values(Entry entry, String @Nullable [][] before, Indexes present) {
    String[][] values = new String[indexes.size()][];
    boolean same = before != null;
    for (int i = 0; i < values.length; i++) {
      String[] found = askForStream(i, entry);
      if (before != null && Arrays.equals(before[i], found)) {
        values[i] = before[i];
      } else {
        values[i] = present.shared(i, found);
        same = false;
      }
    }
    return same && before != null ? before : values;
  }

  /** The same for an object that is laid over what the stream brings. For any thread. */
  String[][] valuesOfLaid(Entry entry, Indexes present) {
    // A reconcile that is being cancelled must learn of it, whatever the functions do.
    boolean interrupted = Thread.interrupted();
    try {
      String[][] values = new String[indexes.size()][];
      for (int i = 0; i < values.length; i++) {
        values[i] = present.shared(i, ask(i, entry));
      }
      return values;
    } finally {
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }

  private String[] askForStream(int i, Entry entry) {
    running = new Running(indexes.get(i), entry, time.nanoTime());
    try {
      return ask(i, entry);
    } finally {
      running = null;
      // An interrupt that a function leaves behind would break off what the stream reads next. One
      // that is to end the stream is not needed for that.
      Thread.interrupted();
    }
  }

  private String[] ask(int i, Entry entry) {
    Index index = indexes.get(i);
    try {
      Collection<String> given = index.values(entry);
      if (given == null) {
        failed(i, entry, "it gave null", null);
        return new String[0];
      }
      String[] values = given.toArray(new String[0]);
      for (String value : values) {
        if (value == null) {
          failed(i, entry, "it gave null among the values " + given, null);
          return new String[0];
        }
      }
      return values.length < 2
          ? values
          : Arrays.stream(values).sorted().distinct().toArray(String[]::new);
    } catch (Throwable e) {
      if (e instanceof VirtualMachineError machine && !(e instanceof StackOverflowError)) {
        throw machine; // no memory: that is not the function's
      }
      failed(i, entry, e.toString(), e);
      return new String[0];
    }
  }

  private void failed(int i, Entry entry, String why, @Nullable Throwable thrown) {
    lastFailures.set(i, entry + ": " + why);
    failed.run();
    if (failures.getAndIncrement(i) == 0) {
      LOG.log(
          System.Logger.Level.WARNING,
          "the index '"
              + indexes.get(i)
              + "' of '"
              + store
              + "' failed for "
              + entry
              + ": "
              + why
              + ". The object is in the store all the same, and in this index under nothing;"
              + " further failures are counted only",
          thrown);
    }
  }

  /** The place of an index. */
  int place(Index index) {
    int place = indexes.indexOf(index);
    if (place < 0) {
      throw new IllegalArgumentException(
          "'"
              + store
              + "' has no index '"
              + index
              + "'; it has "
              + indexes
              + ". Give it to indexBy when the informer is built.");
    }
    return place;
  }

  Map<String, IndexStats> stats(Indexes present) {
    Map<String, IndexStats> stats = new LinkedHashMap<>();
    for (int i = 0; i < indexes.size(); i++) {
      stats.put(
          indexes.get(i).name(),
          new IndexStats(
              present.values(i), failures.get(i), Optional.ofNullable(lastFailures.get(i))));
    }
    return stats;
  }

  /** How long the function that is being asked has taken so far; 0 if none is. */
  long nanosRunning() {
    Running now = running;
    return now == null ? 0 : time.nanoTime() - now.since;
  }

  /** Who is told of each failure. On the thread that asked. */
  void onFailure(Runnable told) {
    failed = told;
  }

  Optional<String> running() {
    Running now = running;
    return now == null
        ? Optional.empty()
        : Optional.of(
            "the index '"
                + now.index
                + "' on "
                + now.entry
                + " for "
                + TimeUnit.NANOSECONDS.toMillis(time.nanoTime() - now.since)
                + " ms");
  }
}
