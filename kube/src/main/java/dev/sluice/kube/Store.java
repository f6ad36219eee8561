package dev.sluice.kube;

import dev.sluice.flow.Experimental;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * The latest known state of every object of a stream, for reading.
 *
 * <p>One thread writes, the stream's; readers never block it nor each other, and never wait. What
 * they are given is immutable or a copy. Decoding happens on the reader's thread, on each call, but
 * for what a {@linkplain Informer.Builder#decodedCache cache} still has.
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
   * The objects that an index has under a value, as of one moment.
   *
   * @throws IllegalArgumentException if the informer was not built with this index
   */
  default Snapshot<T> byIndex(Index index, String value) {
    return snapshot().byIndex(index, value);
  }

  /** What it holds and in which form: how much is packed, and how the indexes do. */
  StoreStats stats();

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

    /**
     * Those of them that an index has under a value. Of those that are found by one value already,
     * those that are found by the other, too.
     *
     * @throws IllegalArgumentException if the informer was not built with this index
     */
    Snapshot<T> byIndex(Index index, String value);

    /**
     * The values that an index has, of the whole store, in no particular order.
     *
     * @throws IllegalArgumentException if the informer was not built with this index
     */
    Stream<String> indexValues(Index index);
  }
}
