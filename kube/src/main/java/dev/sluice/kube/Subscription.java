package dev.sluice.kube;

import dev.sluice.flow.Experimental;

/** One consumer of an informer. Safe for use by any number of threads. */
@Experimental
public interface Subscription extends AutoCloseable {

  /** The name given to the consumer. */
  String name();

  /** How many changes wait for this consumer. */
  int backlog();

  /** How many changes it has been told. */
  long delivered();

  /** How often the handler threw. */
  long failures();

  /**
   * Ends the subscription: the handler is interrupted if it runs, and called no more. Returns when
   * the handler has returned, or after 10 s if it ignores the interrupt. Closing twice is harmless.
   */
  @Override
  void close();
}
