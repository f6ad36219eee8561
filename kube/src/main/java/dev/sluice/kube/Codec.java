package dev.sluice.kube;

import dev.sluice.flow.Experimental;
import java.io.IOException;
import java.util.Optional;
import java.util.function.UnaryOperator;

/**
 * Turns an object's bytes into a value of the user's: the door to whichever JSON library and
 * classes they already use.
 *
 * <pre>{@code
 * Codec<Widget> widgets = json -> mapper.readValue(json, Widget.class);
 * }</pre>
 *
 * Called on the thread that reads, never on the stream's, so a slow or throwing codec delays nobody
 * else. Implementations are safe for use by any number of threads.
 *
 * @param <T> what it makes
 */
@Experimental
@FunctionalInterface
public interface Codec<T> {

  /**
   * Decodes one object.
   *
   * @param json the object in JSON, UTF-8; the callee's own
   * @return the value; never null
   * @throws IOException or any unchecked exception if these bytes are not such a value; the message
   *     says why
   */
  T decode(byte[] json) throws IOException;

  /**
   * Decodes a resource. Only a codec that wants no copy of the bytes overrides this.
   *
   * @throws DecodeException if {@link #decode} throws or returns null
   */
  default T read(Resource resource) {
    T value;
    try {
      value = decode(resource.json());
    } catch (IOException | RuntimeException e) {
      throw new DecodeException(resource, e);
    }
    if (value == null) {
      throw new DecodeException(resource, new NullPointerException("the codec returned null"));
    }
    return value;
  }

  /**
   * How one value may be given to several readers: as it is, if it is immutable; as a copy; or, if
   * this is empty, not at all, and each reader's is decoded afresh. Only values that may be shared
   * are kept by an informer's {@linkplain Informer.Builder#decodedCache cache}.
   *
   * @see #immutable
   * @see #copied
   */
  default Optional<UnaryOperator<T>> sharing() {
    return Optional.empty();
  }

  /**
   * The same codec, of which the user says that what it makes never changes: records of records and
   * unmodifiable lists, say.
   */
  static <T> Codec<T> immutable(Codec<T> codec) {
    return new SharingCodec<>(codec, UnaryOperator.identity());
  }

  /**
   * The same codec, with a way to copy what it makes that is cheaper than to decode it again.
   *
   * @param copy makes a value that has nothing in common with the given one that can change
   */
  static <T> Codec<T> copied(Codec<T> codec, UnaryOperator<T> copy) {
    return new SharingCodec<>(codec, copy);
  }

  /** No decoding: the resource itself. */
  static Codec<Resource> none() {
    return NoCodec.INSTANCE;
  }
}
