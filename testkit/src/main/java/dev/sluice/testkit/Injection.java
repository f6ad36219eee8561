package dev.sluice.testkit;

/** A fault in place. Safe for any thread. */
public interface Injection extends AutoCloseable {

  /** How many requests it has struck. */
  long hits();

  /** Takes the fault out. Streams that it holds (a stall, a trickle) are let go. */
  void remove();

  /** The same as {@link #remove}. */
  @Override
  default void close() {
    remove();
  }
}
