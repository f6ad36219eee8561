package dev.sluice.kube;

import dev.sluice.flow.Experimental;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;

/**
 * How a controller is doing, as of one moment. Immutable.
 *
 * @param name its name
 * @param running whether it takes keys
 * @param caughtUp whether every object of the first list has been given to the queue
 * @param ready whether the first lists of all informers that it watches have been handed over
 * @param backlog changes that wait in the gate
 * @param waiting keys that wait to be dispatched, those of the first list included
 * @param delayed keys that wait for a delay: a backoff, or an {@link Outcome.Again}
 * @param inHand keys that are being reconciled
 * @param workers how many can be at a time
 * @param longestInHand for how long the longest of them has been; zero if there is none
 * @param counts what happened, as often as it did
 * @param recentFailures the last failures, newest first, 16 at most
 * @param dispatch how fast keys are given to the reconciler at present
 * @param resync how the reconciling of all objects again stands; empty if it is off
 * @param repeat how the reconciling of all objects by another version of the reconciler stands
 * @param sources what it watches beside its own objects
 */
@Experimental
public record ControllerStatus(
    String name,
    boolean running,
    boolean caughtUp,
    boolean ready,
    int backlog,
    int waiting,
    int delayed,
    int inHand,
    int workers,
    Duration longestInHand,
    Counts counts,
    List<Failure> recentFailures,
    Dispatch dispatch,
    Optional<StreamStatus.Periodic> resync,
    Repeat repeat,
    List<Source> sources) {

  /**
   * What a controller watches beside its own objects.
   *
   * @param name of the informer or source
   * @param how {@code owns}, {@code maps} or {@code external}
   * @param synced whether its first list has been handed over; until then nothing is reconciled
   * @param backlog changes that wait to be looked at
   * @param changes that were looked at
   * @param filtered of those, that did not matter
   * @param triggered keys that were named because of the others
   * @param failures how often the mapping, or the source, threw
   */
  public record Source(
      String name,
      String how,
      boolean synced,
      int backlog,
      long changes,
      long filtered,
      long triggered,
      long failures) {}

  /**
   * How the reconciling of all objects by another version of the reconciler stands.
   *
   * @param left how many are still to be done; they count as waiting
   * @param of how many there were when it began; zero if there was none
   */
  public record Repeat(int left, int of) {}

  /**
   * Counters since the start.
   *
   * @param started reconciles begun
   * @param done that ended with {@link Outcome.Done}
   * @param again that ended with {@link Outcome.Again}
   * @param retried that ended with {@link Outcome.Retry}, or threw
   * @param throttled that ended with {@link Outcome.Throttled}
   * @param failed that ended with {@link Outcome.Failed}
   * @param deadlines of those retried, that took longer than allowed
   * @param coalesced changes that one reconcile stood for together with another
   * @param filtered changes that did not matter, by the controller's {@link ChangeFilter}
   * @param ownWrites changes that were a reconcile's {@linkplain Context#ownWrite own} and led to
   *     no other
   */
  public record Counts(
      long started,
      long done,
      long again,
      long retried,
      long throttled,
      long failed,
      long deadlines,
      long coalesced,
      long filtered,
      long ownWrites) {}

  /**
   * How fast keys are given to the reconciler.
   *
   * @param mode {@code adaptive}, {@code fixed}, {@code unlimited}, or {@code first-list} as long
   *     as an adaptive limit does not count yet
   * @param perSecond the rate; infinite if there is none
   * @param cause why an adaptive one last moved, as a stable name; empty for others
   * @param because the same in a sentence with the numbers
   */
  public record Dispatch(String mode, double perSecond, String cause, String because) {}

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
