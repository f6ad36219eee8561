package dev.sluice.kube;

import dev.sluice.flow.Experimental;
import java.time.Instant;
import java.util.List;
import java.util.Optional;

/**
 * How a journal is doing, as of one moment. Immutable.
 *
 * @param where its store
 * @param state what it is doing
 * @param rung how much of an earlier run could be used
 * @param story what was done at the start, step by step, and why
 * @param restored how many objects were brought back at the start
 * @param position the number of the last record
 * @param durable the number of the last one known to have been written, durably if its durability
 *     says so
 * @param bytes written to the log since the start
 * @param snapshots written since the start
 * @param lastSnapshot when the last of them was finished
 * @param failures how often it could not be written
 * @param trouble why it is not written now, or what was wrong last; empty if nothing was
 */
@Experimental
public record JournalStatus(
    String where,
    State state,
    Rung rung,
    List<String> story,
    int restored,
    long position,
    long durable,
    long bytes,
    long snapshots,
    Optional<Instant> lastSnapshot,
    long failures,
    String trouble) {

  /** What a journal can be doing. */
  public enum State {
    /** Being read. */
    RESTORING,
    /** Being written. */
    WRITING,
    /** It cannot be written: the stream goes on without it, and it is tried again. */
    FAILED,
    /** It is not this stream's, or not readable by this version: it is left alone. */
    REFUSED,
    /** Closed. */
    CLOSED
  }

  /** How much of an earlier run could be used, from best to worst. */
  public enum Rung {
    /** The newest snapshot and all of the log after it: the stream resumes. */
    NEWEST,
    /** An older snapshot, or none, and all of the log after it: the stream resumes. */
    OLDER,
    /** Objects to tell differences by: they are listed again. */
    DIFFERENCES,
    /** Nothing. */
    EMPTY
  }
}
