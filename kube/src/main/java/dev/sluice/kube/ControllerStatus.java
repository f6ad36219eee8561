package dev.sluice.kube;

import dev.sluice.flow.Experimental;
import java.time.Duration;
import java.time.Instant;
import java.util.List;

/**
 * How a controller is doing, as of one moment. Immutable.
 *
 * @param name its name
 * @param running whether it takes keys
 * @param caughtUp whether every object of the first list has been given to the queue
 * @param backlog changes that wait in the gate
 * @param waiting keys that wait to be dispatched, those of the first list included
 * @param delayed keys that wait for a delay: a backoff, or an {@link Outcome.Again}
 * @param inHand keys that are being reconciled
 * @param workers how many can be at a time
 * @param longestInHand for how long the longest of them has been; zero if there is none
 * @param counts what happened, as often as it did
 * @param recentFailures the last failures, newest first, 16 at most
 */
@Experimental
public record ControllerStatus(
    String name,
    boolean running,
    boolean caughtUp,
    int backlog,
    int waiting,
    int delayed,
    int inHand,
    int workers,
    Duration longestInHand,
    Counts counts,
    List<Failure> recentFailures) {

  /**
   * Counters since the start.
   *
   * @param started reconciles begun
   * @param done that ended with {@link Outcome.Done}
   * @param again that ended with {@link Outcome.Again}
   * @param retried that ended with {@link Outcome.Retry}, or threw
   * @param failed that ended with {@link Outcome.Failed}
   * @param deadlines of those retried, that took longer than allowed
   * @param coalesced changes that one reconcile stood for together with another
   */
  public record Counts(
      long started,
      long done,
      long again,
      long retried,
      long failed,
      long deadlines,
      long coalesced) {}

  /**
   * A failure.
   *
   * @param at when
   * @param key the key
   * @param attempt which attempt it was since the last success
   * @param cause what the reconciler said or threw
   * @param retryIn after how long it is tried again; zero if it is not
   */
  public record Failure(Instant at, ObjectKey key, int attempt, String cause, Duration retryIn) {}
}
