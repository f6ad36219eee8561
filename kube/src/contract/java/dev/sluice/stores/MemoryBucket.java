package dev.sluice.stores;

import dev.sluice.kube.JournalBucket;
import dev.sluice.kube.JournalStore;
import java.io.IOException;
import java.time.Duration;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.atomic.AtomicLong;

/** What every bucket must do, in a map; and what can go wrong with one. */
public final class MemoryBucket implements JournalBucket {
  /** How a call fares. */
  public enum Fate {
    /** As it should. */
    DONE,
    /** It is not carried out. */
    REFUSED,
    /** It is carried out, and the answer is lost. */
    UNANSWERED
  }

  /** Decides over each call. */
  @FunctionalInterface
  public interface Fates {
    /**
     * How a call fares.
     *
     * @param call the method's name
     */
    Fate of(String call, String name);
  }

  private final Map<String, Blob> blobs = new ConcurrentSkipListMap<>();
  private final AtomicLong tags = new AtomicLong();
  private volatile Fates fates = (call, name) -> Fate.DONE;
  private final boolean conditions;

  /** One that keeps to the rules. */
  public MemoryBucket() {
    this(true);
  }

  /**
   * One that may not.
   *
   * @param conditions whether it heeds them
   */
  public MemoryBucket(boolean conditions) {
    this.conditions = conditions;
  }

  /** Lets calls fail. */
  public void fates(Fates changed) {
    fates = changed;
  }

  @Override
  public String where() {
    return "a bucket in memory";
  }

  @Override
  public JournalStore.Pace pace() {
    return new JournalStore.Pace(
        false,
        Duration.ofMillis(10),
        Duration.ofMillis(200),
        2,
        Duration.ofSeconds(1),
        1 << 20,
        Duration.ofMillis(100));
  }

  @Override
  public int partBytes() {
    return 1 << 14;
  }

  @Override
  public long totalBytes() {
    return 1 << 22;
  }

  private Fate fate(String call, String name) throws IOException {
    Fate fate = fates.of(call, name);
    if (fate == Fate.REFUSED) {
      throw new IOException(where() + ": " + call + " " + name + " was refused");
    }
    return fate;
  }

  private void answer(Fate fate, String call, String name) throws IOException {
    if (fate == Fate.UNANSWERED) {
      throw new IOException(where() + ": no answer to " + call + " " + name);
    }
  }

  @Override
  public Optional<Blob> get(String name) throws IOException {
    Fate fate = fate("get", name);
    Optional<Blob> found = Optional.ofNullable(blobs.get(name));
    answer(fate, "get", name);
    return found.map(blob -> new Blob(blob.bytes().clone(), blob.tag()));
  }

  @Override
  public void put(String name, byte[] bytes) throws IOException {
    Fate fate = fate("put", name);
    blobs.put(name, blob(bytes));
    answer(fate, "put", name);
  }

  private Blob blob(byte[] bytes) {
    return new Blob(bytes.clone(), Long.toString(tags.incrementAndGet()));
  }

  @Override
  public Optional<String> replace(String name, byte[] bytes, Optional<String> tag)
      throws IOException {
    Fate fate = fate("replace", name);
    Blob mine = blob(bytes);
    Blob there =
        blobs.compute(
            name,
            (key, before) ->
                !conditions || Optional.ofNullable(before).map(Blob::tag).equals(tag)
                    ? mine
                    : before);
    answer(fate, "replace", name);
    return there == mine ? Optional.of(mine.tag()) : Optional.empty();
  }

  @Override
  public void delete(Collection<String> names) throws IOException {
    Fate fate = fate("delete", String.join(" ", names));
    blobs.keySet().removeAll(names);
    answer(fate, "delete", String.join(" ", names));
  }

  @Override
  public List<String> list() throws IOException {
    fate("list", "");
    return List.copyOf(blobs.keySet());
  }
}
