package dev.sluice.kube;

import dev.sluice.flow.Experimental;
import java.time.Duration;

/** How a reconcile ended. */
@Experimental
public sealed interface Outcome {

  /** The work is done; the key's backoff is forgotten. */
  record Done() implements Outcome {}

  /**
   * The work is done for now; the key comes again, whatever happens meanwhile, after a time. Its
   * backoff is forgotten.
   *
   * @param after how long, not negative
   */
  record Again(Duration after) implements Outcome {
    /**
     * @throws IllegalArgumentException if the duration is negative
     */
    public Again {
      if (after.isNegative()) {
        throw new IllegalArgumentException("a key cannot come again before now, after " + after);
      }
    }
  }

  /**
   * What the work is done on, a server usually, asked to come back later. The key comes again after
   * that time and not before, also if its object changes; its backoff stays as it was. An adaptive
   * limit of the controller takes it for a sign of overload.
   *
   * @param after how long, not negative
   */
  record Throttled(Duration after) implements Outcome {
    /**
     * @throws IllegalArgumentException if the duration is negative
     */
    public Throttled {
      if (after.isNegative()) {
        throw new IllegalArgumentException("a key cannot come again before now, after " + after);
      }
    }
  }

  /**
   * The work failed and is to be tried again after the key's backoff. What a reconciler throws is
   * this.
   *
   * @param cause why, shown in status and logs
   */
  record Retry(String cause) implements Outcome {}

  /**
   * The work failed and trying again would not help; the key comes again when its object changes.
   *
   * @param cause why, shown in status and logs
   */
  record Failed(String cause) implements Outcome {}

  /** {@link Done}. */
  static Outcome done() {
    return new Done();
  }

  /** {@link Again}. */
  static Outcome again(Duration after) {
    return new Again(after);
  }

  /** {@link Throttled}. */
  static Outcome throttled(Duration after) {
    return new Throttled(after);
  }

  /** {@link Retry}. */
  static Outcome retry(String cause) {
    return new Retry(cause);
  }

  /** {@link Failed}. */
  static Outcome failed(String cause) {
    return new Failed(cause);
  }
}
