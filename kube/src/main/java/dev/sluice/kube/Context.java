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
   * The object's present state, decoded; empty if it is gone.
   *
   * @throws DecodeException if the codec rejects it; left to propagate, the key is tried again
   */
  Optional<T> object();

  /** The object's present metadata and bytes; empty if it is gone. */
  Optional<Resource> resource();

  /** All objects of the informer. */
  Store<T> store();

  /** Which attempt this is since the last success: 1 for the first. */
  int attempt();

  /** How long the key waited, from when it was first added until this call. */
  Duration waited();

  /** Whether the controller is closing or the time allowed for this call is over. */
  boolean cancelled();
}
