package dev.sluice.kube;

import dev.sluice.flow.Experimental;

/**
 * Brings the world of one object to what the object says.
 *
 * <p>Called on a virtual thread, never twice at once for one key. It is told which object, not what
 * happened to it: it reads the present state from the {@link Context} and must be able to run any
 * number of times. An object that is gone is reconciled too; then {@link Context#object()} is
 * empty.
 *
 * @param <T> what the informer's codec makes
 */
@Experimental
@FunctionalInterface
public interface Reconciler<T> {

  /**
   * Reconciles one object.
   *
   * @throws InterruptedException if interrupted because the controller closes or the reconcile took
   *     longer than allowed; the key is tried again, or left for the next start
   * @throws Exception taken as {@link Outcome.Retry}
   */
  Outcome reconcile(ObjectKey key, Context<T> context) throws Exception;
}
