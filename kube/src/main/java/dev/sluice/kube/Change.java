package dev.sluice.kube;

import dev.sluice.flow.Experimental;
import java.util.Optional;

/**
 * What a consumer of an informer is told about one object.
 *
 * <p>Changes of one object arrive in order. A consumer that is slower than the stream is told the
 * latest state only; a creation and a deletion that both happened while it was busy, not at all. A
 * name whose object was replaced by another (its uid changed) is told as a deletion followed by a
 * first {@link Put}.
 *
 * @param <T> what the informer's codec makes
 */
@Experimental
public sealed interface Change<T> {

  /** Which object. */
  ObjectKey key();

  /**
   * The object exists, in this state.
   *
   * @param resource the state: metadata and bytes
   * @param first whether this is the first that the consumer is told of this incarnation
   * @param codec how to decode it
   */
  record Put<T>(Resource resource, boolean first, Codec<T> codec) implements Change<T> {
    @Override
    public ObjectKey key() {
      return resource.key();
    }

    /**
     * The object, decoded on each call.
     *
     * @throws DecodeException if the codec rejects it
     */
    public T object() {
      return codec.read(resource);
    }
  }

  /**
   * The object is gone.
   *
   * @param key which one
   * @param resourceVersion the version of the deletion; for a deletion inferred from a list, the
   *     version of that list
   * @param last the last state known, whose own version may be older than the deletion
   * @param codec how to decode it
   */
  record Deleted<T>(ObjectKey key, String resourceVersion, Resource last, Codec<T> codec)
      implements Change<T> {

    /**
     * The last state known, decoded on each call.
     *
     * @throws DecodeException if the codec rejects it
     */
    public T object() {
      return codec.read(last);
    }

    /** The object's uid. */
    public Optional<String> uid() {
      return last.uid().isEmpty() ? Optional.empty() : Optional.of(last.uid());
    }
  }
}
