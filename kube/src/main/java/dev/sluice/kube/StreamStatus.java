package dev.sluice.kube;

import dev.sluice.flow.Experimental;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * How a stream is doing, as of one moment. Immutable.
 *
 * @param name the informer's name
 * @param phase what the stream is doing
 * @param since when it began to do so
 * @param synced whether the first list has been handed over, or what a journal held and the watch
 *     has been resumed: {@code resumed}
 * @param anchor the last resource version up to which every event was handed over; empty before the
 *     first list has been
 * @param lastFrame when something was last received, a bookmark included
 * @param objects how many objects are in the store
 * @param counts what happened, as often as it did
 * @param stops how often the stream stopped, by cause; a cause that never occurred is absent
 * @param transitions how often it went from one phase to another, by phases and cause: {@code
 *     "watching -> backing-off (reset)"}; sorted
 * @param recentStops the last stops, newest first, 32 at most
 * @param undecodable the last frames or objects that could not be decoded, newest first, 8 at most
 * @param consumers the consumers
 * @param audit how the comparing of the store with the server stands; empty if it is off
 * @param streams if several namespaces are watched, how each of their streams is doing, without the
 *     consumers, which they share: then the counts above are their sums, phase and since are those
 *     of the one that is furthest from watching, and there is no anchor; otherwise empty
 * @param fresh whether the store is known to be as new as the server was when the stream began
 * @param journal how the journal is doing; empty if there is none
 * @param healthy whether the stream does its work: it was started and not closed, the server has
 *     answered as it should since the last failure (the end of a watch, an expired version and a
 *     full gate are none), and no index function has been at one object for more than 10 s. Several
 *     streams are healthy if each of them is. A handler that hangs does no harm to the stream: see
 *     {@link Consumer#telling}
 */
@Experimental
public record StreamStatus(
    String name,
    Phase phase,
    Instant since,
    boolean synced,
    Optional<String> anchor,
    Optional<Instant> lastFrame,
    int objects,
    Counts counts,
    Map<StopCause, Long> stops,
    Map<String, Long> transitions,
    List<StreamStop> recentStops,
    List<Undecodable> undecodable,
    List<Consumer> consumers,
    Optional<Audit> audit,
    List<StreamStatus> streams,
    boolean fresh,
    Optional<JournalStatus> journal,
    boolean healthy) {

  /** What a stream can be doing. */
  public enum Phase {
    /** Not started. */
    NEW,
    /** Reading a list, page by page or as a streaming list. */
    LISTING,
    /** The list is in the store; its differences wait for a gate. */
    HANDING_OVER,
    /** Asking for the server's present version after a lost connection. */
    PROBING,
    /** Reading events. */
    WATCHING,
    /** Waiting for a full gate to drain. */
    HELD,
    /** Waiting before the next attempt. */
    BACKING_OFF,
    /** Closed. */
    CLOSED
  }

  /**
   * Counters since the start.
   *
   * @param lists lists read to their end
   * @param watches watches opened
   * @param added events that made an object known, those of lists included
   * @param modified events that changed one
   * @param deleted deletions, those inferred from a list included
   * @param inferredDeletions deletions inferred from a list
   * @param doubtful objects missing from a damaged list that were kept, because the server did not
   *     say that they are gone
   * @param bookmarks bookmarks
   * @param repeated events ignored because their state was already known
   * @param stale events ignored because a newer state was known
   * @param undecodable frames or objects that could not be decoded
   * @param retryAfterCapped how often the server asked for a longer wait than the cap allows
   * @param bytes bytes received in bodies
   */
  public record Counts(
      long lists,
      long watches,
      long added,
      long modified,
      long deleted,
      long inferredDeletions,
      long doubtful,
      long bookmarks,
      long repeated,
      long stale,
      long undecodable,
      long retryAfterCapped,
      long bytes) {}

  /**
   * What could not be decoded.
   *
   * @param at when it arrived
   * @param reason what was wrong
   * @param size how long it was, in bytes
   * @param head its beginning, 512 bytes at most, as text
   */
  public record Undecodable(Instant at, String reason, long size, String head) {}

  /**
   * A consumer.
   *
   * @param name its name
   * @param gate the kind of its gate
   * @param backlog how many changes wait for it
   * @param delivered how many it has been told
   * @param failures how often its handler threw
   * @param resync how the repeating of all objects stands; empty if it is off
   * @param telling what its handler has been told and has not returned from; empty if it waits
   */
  public record Consumer(
      String name,
      String gate,
      int backlog,
      long delivered,
      long failures,
      Optional<Periodic> resync,
      Optional<Telling> telling) {}

  /**
   * A change that a handler is being told.
   *
   * @param key of which object
   * @param elapsed for how long by now
   */
  public record Telling(ObjectKey key, Duration elapsed) {}

  /**
   * Something that is done every so often.
   *
   * @param every how often, give or take a tenth
   * @param runs how often it was finished
   * @param last when it was last finished
   * @param lateness how long after it was due the last one was finished; or, while one is due that
   *     is not finished, how late that is by now
   */
  public record Periodic(Duration every, long runs, Optional<Instant> last, Duration lateness) {}

  /**
   * The comparing of the store with the server.
   *
   * @param times how often and when; one that could not be finished does not count
   * @param diverged how many objects were found to differ, in all
   * @param result what the last one found, or why it could not be finished; empty before the first
   */
  public record Audit(Periodic times, long diverged, String result) {}
}
