package dev.sluice.kube;

import dev.sluice.flow.Experimental;
import java.time.Duration;
import java.util.Optional;

/**
 * What a reconciler is given beside the key. Valid for the one call.
 *
 * @param <T> what the informer's codec makes
 */
@Experimental
public interface Context<T> {

  /**
   * The object's state, decoded; empty if it is gone. It is the one that was present at the first
   * look during this call, so that all of a reconcile decides on the same state; {@link #store()}
   * has what came meanwhile.
   *
   * @throws DecodeException if the codec rejects it; left to propagate, the key is tried again
   */
  Optional<T> object();

  /** The same state's metadata and bytes; empty if the object is gone. */
  Optional<Resource> resource();

  /** All objects of the informer. */
  Store<T> store();

  /** Which attempt this is since the last success: 1 for the first. */
  int attempt();

  /** How long the key waited, from when it was first added until this call. */
  Duration waited();

  /** Whether the controller is closing or the time allowed for this call is over. */
  boolean cancelled();

  /**
   * Says that a state of this object is this reconcile's own work, so that its arrival on the
   * stream leads to no further reconcile.
   *
   * <p>{@link #resource()} is that state from then on. To be said only of a write that the server
   * bound to the {@code resourceVersion} that this reconcile has decided on: then nothing that
   * others wrote can hide behind it. {@link StatusWriter} and {@link Finalizer} do so.
   *
   * @param written what the server answered
   * @throws IllegalArgumentException if it is another object
   */
  default void ownWrite(Resource written) {}
}
