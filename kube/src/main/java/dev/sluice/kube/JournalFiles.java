package dev.sluice.kube;

import dev.sluice.flow.Experimental;
import dev.sluice.kube.JournalStatus.Rung;
import dev.sluice.kube.internal.journal.Inspection;
import dev.sluice.kube.internal.journal.Why;
import java.io.IOException;
import java.io.OutputStream;
import java.time.Instant;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A journal from outside, for tools: what its files hold, whether they are whole, and what a start
 * would make of them. Looking needs no lock and changes nothing; a journal that is being written
 * while it is looked at may show a torn end that is none.
 */
@Experimental
public final class JournalFiles {
  private final JournalStore store;
  private final @Nullable JournalKeys keys;

  private JournalFiles(JournalStore store, @Nullable JournalKeys keys) {
    this.store = store;
    this.keys = keys;
  }

  /** The files in a store. */
  public static JournalFiles in(JournalStore store) {
    return new JournalFiles(Objects.requireNonNull(store, "store"), null);
  }

  /** The same, encrypted with any of these keys; what is written is with the first of them. */
  public JournalFiles with(JournalKeys readBy) {
    return new JournalFiles(store, readBy);
  }

  /**
   * What there is.
   *
   * @param where the store
   * @param identity what stream it belongs to, a line for each thing; empty if that is not known
   * @param files the files, by name
   * @param rung how much of it a start could use
   * @param story what a start would do, step by step
   * @param objects how many objects would be brought back
   * @param anchor where the stream would resume; empty if it would list
   * @param position the number of the last item that would count
   * @param consumers the controllers
   * @param keys the names of the keys that something in it is encrypted with
   * @param whole whether nothing is damaged, torn or missing
   */
  public record Report(
      String where,
      String identity,
      List<File> files,
      Rung rung,
      List<String> story,
      int objects,
      Optional<String> anchor,
      long position,
      List<Consumer> consumers,
      List<String> keys,
      boolean whole) {}

  /**
   * A file.
   *
   * @param name its name
   * @param bytes how long it is
   * @param written when it was begun; empty if its header is damaged
   * @param items how many items it holds; of a snapshot, how many objects, keys and controllers
   * @param damage what is wrong with it; empty if nothing is
   */
  public record File(
      String name, long bytes, Optional<Instant> written, long items, String damage) {}

  /**
   * A controller.
   *
   * @param name its name
   * @param reconcilerVersion the version of its reconciler
   * @param pending how many keys it has not finished
   * @param waiting how many keys it wants again at some time
   */
  public record Consumer(String name, String reconcilerVersion, int pending, int waiting) {}

  /**
   * Looks at all of it.
   *
   * @throws JournalException if a newer version has written it, or it is encrypted with a key that
   *     is not there
   * @throws IOException if the store cannot be read
   */
  public Report inspect() throws IOException {
    return Inspection.of(store, keys);
  }

  /**
   * Writes what a start would bring back as lines of JSON: {@code {"object":{...}}} for each
   * object, {@code {"pending":{"consumer","namespace","name","repeat"}}} for each key that is not
   * finished, {@code {"waiting":{"consumer","namespace","name","due"}}}, and last {@code
   * {"anchor":"..."}}. Values that are not kept are not there.
   *
   * @throws JournalException if a newer version has written it, or it is encrypted with a key that
   *     is not there
   * @throws IOException if the store cannot be read, or the stream not be written
   */
  public void export(OutputStream out) throws IOException {
    Inspection.export(store, out, keys);
  }

  /**
   * Writes one snapshot of what a start would bring back, and removes everything else.
   *
   * @return what there is then
   * @throws JournalException if it is in use, if a newer version has written it, or if it holds
   *     nothing that could be brought back
   * @throws IOException if the store cannot be read or written
   */
  public Report compact() throws IOException {
    return Inspection.compact(store, keys);
  }

  /**
   * Something that happened to an object, or to a controller that reconciles it.
   *
   * @param at when, to the second
   * @param position the number of the item in the log that tells of it
   * @param what happened, in words
   */
  public record Step(Optional<Instant> at, long position, String what) {}

  /**
   * What led to an object's reconciles: its changes, how long it waited, what came of each, and the
   * starts of its controllers; over restarts, as far back as the {@linkplain Journal#retention log
   * is kept}, and at most the latest 10,000 steps.
   *
   * @return from the oldest to the latest
   * @throws JournalException if a newer version has written it, or it is encrypted with a key that
   *     is not there
   * @throws IOException if the store cannot be read
   */
  public List<Step> why(ObjectKey key) throws IOException {
    return Why.of(store, keys, key);
  }
}
