package dev.sluice.kube.internal.watch;

import dev.sluice.kube.StopCause;
import org.jspecify.annotations.Nullable;

/**
 * What follows from an input.
 *
 * @param state the next state
 * @param action what to do now
 * @param stop why the stream, or the attempt, stopped; null if it did not. An exchange that is open
 *     is closed then
 */
record Step(State state, Action action, @Nullable Stop stop) {

  /**
   * A stop.
   *
   * @param cause why
   * @param detail what exactly was said; may be empty
   */
  record Stop(StopCause cause, String detail) {}

  static Step to(State state, Action action) {
    return new Step(state, action, null);
  }

  static Step stopped(StopCause cause, String detail, State state, Action action) {
    return new Step(state, action, new Stop(cause, detail));
  }
}
