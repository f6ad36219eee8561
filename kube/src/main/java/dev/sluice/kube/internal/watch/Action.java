package dev.sluice.kube.internal.watch;

import java.time.Duration;

/** What the runner does next, and which input that ends with. */
sealed interface Action {

  /**
   * Reads one page into the store. Ends with {@code PageRead}, {@code Refused} or {@code Broken}.
   *
   * @param token where it begins; empty for the beginning of a new list
   * @param whole whether to ask for all of it at once
   */
  record ReadPage(String token, boolean whole) implements Action {}

  /**
   * Takes out of the store what the list did not have. Ends with {@code ListFinished}.
   *
   * @param version the list's version
   */
  record FinishList(String version) implements Action {}

  /** Hands over what waits, waiting for room. Ends with {@code HandedOverAll}. */
  record HandOver() implements Action {}

  /** Asks for the server's version. Ends with {@code Probed}, {@code Refused} or {@code Broken}. */
  record Probe() implements Action {}

  /**
   * Asks for a watch. Ends with {@code Opened}, {@code Refused} or {@code Broken}.
   *
   * @param version after which; empty for a streaming list
   */
  record OpenWatch(String version) implements Action {}

  /** Reads a frame. Ends with what it is, or how the stream ended. */
  record ReadFrame() implements Action {}

  /**
   * Brings the event in hand into the store and to the gates. Ends with {@code HandedOver} or
   * {@code Full}.
   */
  record Apply() implements Action {}

  /**
   * Waits. Ends with {@code Elapsed}.
   *
   * @param atLeast what the server asked for; zero if it did not ask
   */
  record BackOff(Duration atLeast) implements Action {}

  /** Nothing more. */
  record Rest() implements Action {}
}
