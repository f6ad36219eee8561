package dev.sluice.flow;

/**
 * How urgent a key is. More urgent keys are dispatched first; less urgent ones {@linkplain
 * WorkQueue age} and so are never starved.
 */
@Experimental
public enum Priority {
  /** Before all others: what somebody is waiting for. */
  HIGH,
  /** A change that just happened. The default. */
  NORMAL,
  /** What can wait: the initial list, a resync, an audit. */
  LOW;

  static final int COUNT = values().length;

  /** The more urgent of the two. */
  Priority or(Priority other) {
    return compareTo(other) <= 0 ? this : other;
  }
}
