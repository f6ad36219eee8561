package dev.sluice.kube;

import dev.sluice.flow.Experimental;
import java.time.Duration;

/** How a write ended. What never reached the server is an {@link java.io.IOException} instead. */
@Experimental
public sealed interface WriteResult {

  /**
   * The server accepted it.
   *
   * @param resource the object as the server answered it
   */
  record Written(Resource resource) implements WriteResult {}

  /**
   * Nothing was sent, because the object is as it was to be. Counted in {@link Writer.Stats}.
   *
   * @param resource the object
   */
  record Unchanged(Resource resource) implements WriteResult {}

  /** The server deleted the object, and it is gone. */
  record Deleted() implements WriteResult {}

  /**
   * 409: somebody else wrote first, or a precondition did not hold. Read the present state and try
   * again.
   *
   * @param message what the server said
   */
  record Conflict(String message) implements WriteResult {}

  /**
   * 404: the object is not there.
   *
   * @param message what the server said
   */
  record Gone(String message) implements WriteResult {}

  /**
   * 429, or 503 with a {@code Retry-After}: come back later. The {@link Writer} itself sends
   * nothing until then.
   *
   * @param retryAfter for how long nothing is sent: what the server asked for, under the writer's
   *     cap, plus jitter
   * @param message what the server said
   */
  record Throttled(Duration retryAfter, String message) implements WriteResult {}

  /**
   * Any other refusal.
   *
   * @param status the HTTP status
   * @param reason the reason in the server's {@code Status}; empty if it gave none
   * @param message what the server said
   */
  record Rejected(int status, String reason, String message) implements WriteResult {}

  /**
   * The outcome that a reconcile usually ends with after such a write: done when it was written or
   * needed no writing, or the object is gone; throttled for as long as the server asked; retried
   * after a conflict or a failure of the server (5xx); failed after any other refusal.
   */
  default Outcome outcome() {
    return switch (this) {
      case Written written -> Outcome.done();
      case Unchanged unchanged -> Outcome.done();
      case Deleted deleted -> Outcome.done();
      case Gone gone -> Outcome.done();
      case Throttled throttled -> Outcome.throttled(throttled.retryAfter());
      case Conflict conflict -> Outcome.retry("conflict: " + conflict.message());
      case Rejected rejected ->
          rejected.status() >= 500
              ? Outcome.retry(rejected.status() + " " + rejected.message())
              : Outcome.failed(
                  rejected.status() + " " + rejected.reason() + ": " + rejected.message());
    };
  }
}
