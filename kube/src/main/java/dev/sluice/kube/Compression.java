package dev.sluice.kube;

import dev.sluice.flow.Experimental;
import java.util.List;

/**
 * Makes the bytes of objects at rest smaller, with a dictionary trained on objects of the same
 * stream.
 *
 * <p>An implementation is found by {@link java.util.ServiceLoader}: to have {@code sluice-zstd}
 * among the libraries is all it takes. Without one bodies stay as they came. A constructor that
 * cannot load what it needs throws; that is logged once and shown in {@link StoreStats#packing()}.
 *
 * <p>Implementations are safe for use by any number of threads.
 */
@Experimental
public interface Compression {

  /** Its name, for status and logs: {@code zstd}. */
  String name();

  /**
   * Trains a dictionary. Takes as long as it takes; called on a thread of its own.
   *
   * @param samples some objects of the stream in JSON, at least one; for reading only
   * @param size how large the dictionary may be, in bytes
   * @throws RuntimeException if no dictionary can be made of these; the message says why. The
   *     objects are then packed by {@link #plain()}
   */
  Coder train(List<byte[]> samples, int size);

  /** A coder without a dictionary. */
  Coder plain();

  /**
   * Packs and unpacks. What it holds outside the heap it gives back when it is no longer reachable:
   * whoever has packed bytes keeps the coder that can unpack them.
   */
  interface Coder {

    /** The most bytes that {@link #compress} makes of so many. */
    int bound(int length);

    /**
     * Packs a body.
     *
     * @param body all of it; for reading only
     * @param into where to, with room for {@link #bound} bytes from {@code at}
     * @return how many bytes were written
     */
    int compress(byte[] body, byte[] into, int at);

    /**
     * Unpacks a body.
     *
     * @param packed what {@link #compress} wrote, from {@code from} to the end
     * @param into where to, of the body's length
     * @throws RuntimeException if these are not the bytes that were written, or not so many come
     *     out
     */
    void decompress(byte[] packed, int from, byte[] into);

    /** About how many bytes it holds, on the heap and outside. */
    long memory();
  }
}
