package dev.sluice.kube.internal.store;

/** What a write changed. */
public sealed interface Difference {

  /** An object that was not known before. */
  record Created(Entry entry) implements Difference {}

  /** Another state of a known object. */
  record Updated(Entry entry) implements Difference {}

  /** Another object under a known name: the old one is gone, which nobody had told. */
  record Replaced(Entry entry, Entry before) implements Difference {}

  /** An object is gone. */
  record Removed(Entry before) implements Difference {}

  /** Nothing: this very state is known. */
  record Unchanged(Entry entry) implements Difference {}

  /** Nothing: a newer state is known. */
  record Stale(Entry entry) implements Difference {}

  /** Nothing: an object that is not known is gone. */
  record Unknown() implements Difference {}
}
