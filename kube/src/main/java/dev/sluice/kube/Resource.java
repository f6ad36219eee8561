package dev.sluice.kube;

import dev.sluice.flow.Experimental;
import java.util.Map;
import java.util.Optional;

/**
 * One state of one object, as the server sent it: its bytes, and what a controller needs of its
 * metadata without decoding them.
 *
 * <p>Immutable and safe for use by any number of threads. Nothing that a caller does with what it
 * is given here reaches the store.
 */
@Experimental
public interface Resource {

  /** Namespace and name. */
  ObjectKey key();

  /** The uid: which incarnation of the name this is. */
  String uid();

  /** The version of this state. */
  String resourceVersion();

  /** {@code metadata.generation}; 0 for kinds that have none. */
  long generation();

  /** Whether the object is being deleted: {@code metadata.deletionTimestamp} is set. */
  boolean deleting();

  /**
   * {@code metadata.labels}; read from the bytes on each call. Unmodifiable.
   *
   * @throws IllegalStateException if a {@link #projection()} leaves some of them out
   */
  Map<String, String> labels();

  /**
   * {@code metadata.annotations}; read from the bytes on each call. Unmodifiable.
   *
   * @throws IllegalStateException if a {@link #projection()} leaves some of them out
   */
  Map<String, String> annotations();

  /**
   * The object in JSON, UTF-8: a copy. {@code metadata.managedFields} is not in it unless the
   * informer was told to keep it; {@code apiVersion} and {@code kind} always are, also where the
   * server leaves them out of its lists. What a {@link #projection()} leaves out is not in it.
   */
  byte[] json();

  /** The length of {@link #json()} in bytes. */
  int length();

  /** Which parts of the object are here; all of them unless the informer was told otherwise. */
  default Projection projection() {
    return Projection.WHOLE;
  }

  /**
   * Decodes the object. Takes as long as the codec takes; nothing is cached.
   *
   * @throws DecodeException if the codec rejects the bytes
   */
  default <T> T as(Codec<T> codec) {
    return codec.read(this);
  }

  /**
   * The value of a label, if there is one.
   *
   * @throws IllegalStateException if a {@link #projection()} leaves it out
   */
  default Optional<String> label(String name) {
    return Optional.ofNullable(labels().get(name));
  }
}
