package dev.sluice.kube.internal.watch;

import dev.sluice.kube.StopCause;
import dev.sluice.kube.internal.transport.ServerStatus;
import java.time.Duration;
import java.util.Optional;

/** What can happen to a stream. */
sealed interface Input {

  /** It is started. */
  record Start() implements Input {}

  /**
   * It is started with what was kept of an earlier run, which is in the store.
   *
   * @param anchor where the stream goes on
   */
  record Restored(String anchor) implements Input {}

  /** It is closed by its owner. */
  record Close() implements Input {}

  /** The wait is over. */
  record Elapsed() implements Input {}

  /**
   * A page was read to its end, and its items are in the store.
   *
   * @param version the list's version
   * @param token where the next page begins; empty if this was the last
   * @param damaged whether this page, or one before, had objects that could not be decoded
   */
  record PageRead(String version, String token, boolean damaged) implements Input {}

  /** What the list did not have has been taken out of the store. */
  record ListFinished() implements Input {}

  /**
   * Everything that waited for a gate has been handed over.
   *
   * @param waited whether that took a wait
   */
  record HandedOverAll(boolean waited) implements Input {}

  /** The server's present version. */
  record Probed(String version) implements Input {}

  /** The server accepted the watch. */
  record Opened() implements Input {}

  /**
   * The server refused a request.
   *
   * @param status what it said
   * @param retryAfter what its header asks for
   */
  record Refused(ServerStatus status, Optional<Duration> retryAfter) implements Input {}

  /** No response could be had, or it broke. */
  record Broken(StopCause cause, String detail) implements Input {}

  /**
   * An ADDED, MODIFIED or DELETED event.
   *
   * @param version its object's version
   */
  record Event(String version) implements Input {}

  /** The event was brought into the store and handed over, or changed nothing. */
  record HandedOver(String version) implements Input {}

  /**
   * The event was brought into the store, and a gate is full.
   *
   * @param version the event's version
   * @param pause whether the stream is to be closed meanwhile
   */
  record Full(String version, boolean pause) implements Input {}

  /**
   * A bookmark.
   *
   * @param version up to where there is nothing that was not sent
   * @param initialEventsEnd whether it ends a streaming list
   * @param damaged whether that list had objects that could not be decoded
   */
  record Bookmark(String version, boolean initialEventsEnd, boolean damaged) implements Input {}

  /** An ERROR event, or a {@code Status} in place of one. */
  record Error(ServerStatus status) implements Input {}

  /** A frame that could not be decoded. */
  record Undecodable() implements Input {}

  /**
   * The stream ended cleanly.
   *
   * @param atDeadline whether that was when the server had been asked to
   */
  record Ended(boolean atDeadline) implements Input {}

  /**
   * Nothing arrived for too long.
   *
   * @param detail in what way, if something did arrive
   */
  record Silent(String detail) implements Input {}

  /** The store was found to differ from the server. */
  record Diverged(String detail) implements Input {}
}
