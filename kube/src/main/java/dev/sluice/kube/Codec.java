package dev.sluice.kube;

import dev.sluice.flow.Experimental;
import java.io.IOException;

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

  /** No decoding: the resource itself. */
  static Codec<Resource> none() {
    return NoCodec.INSTANCE;
  }
}
