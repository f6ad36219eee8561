package dev.sluice.kube;

import dev.sluice.flow.Experimental;

/**
 * Hears the changes of an informer, one at a time, on a virtual thread of its own: it may block,
 * and then only its own changes wait (how, the informer's gate decides).
 *
 * <p>A handler that throws is counted and shown as {@link StopCause#HANDLER_FAILURE} in {@link
 * StreamStatus}; the change that it threw on counts as told, and the next one follows. Work that
 * must be tried again belongs in a {@link Controller}.
 *
 * @param <T> what the informer's codec makes
 */
@Experimental
@FunctionalInterface
public interface ChangeHandler<T> {

  /**
   * Called for each change.
   *
   * @throws InterruptedException if interrupted because the subscription was closed
   * @throws Exception anything else is counted, logged once a minute at most, and goes no further
   */
  void on(Change<T> change) throws Exception;
}
