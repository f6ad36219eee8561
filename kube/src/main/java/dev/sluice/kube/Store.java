package dev.sluice.kube;

import dev.sluice.flow.Experimental;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * The latest known state of every object of a stream, for reading.
 *
 * <p>One thread writes, the stream's; readers never block it nor each other, and never wait. What
 * they are given is immutable or a copy. Decoding happens on the reader's thread, on each call.
 *
 * @param <T> what the informer's codec makes
 */
@Experimental
public interface Store<T> {

  /**
   * The object, decoded.
   *
   * @throws DecodeException if the codec rejects it
   */
  Optional<T> get(ObjectKey key);

  /** The object's metadata and bytes. */
  Optional<Resource> resource(ObjectKey key);

  /** How many objects there are. */
  int size();

  /**
   * All objects as of one moment. Takes constant time, copies nothing, and never changes
   * afterwards; it keeps what it shows from being collected.
   */
  Snapshot<T> snapshot();

  /**
   * All objects as of one moment, in no particular order.
   *
   * @param <T> what the informer's codec makes
   */
  interface Snapshot<T> {
    /** How many. */
    int size();

    /**
     * The version of the collection that this state belongs to; empty while the first list has not
     * been read to its end.
     */
    Optional<String> resourceVersion();

    /** One of them. */
    Optional<Resource> resource(ObjectKey key);

    /** Their metadata and bytes. */
    Stream<Resource> resources();

    /** All of them, decoded as they are taken; meets {@link DecodeException} where one is bad. */
    Stream<T> objects();
  }
}
