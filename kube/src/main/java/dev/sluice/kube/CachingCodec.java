package dev.sluice.kube;

import java.io.IOException;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicReferenceArray;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * A codec that remembers what it made of the last states that were read.
 *
 * <p>A value belongs to a state, not to a key: it is found again only with the very resource that
 * it was made of, so that another state of the object can never be answered with it. There is a
 * fixed number of places, four for each state; a new value takes the place that was read least
 * recently of these. Readers never wait for one another: at worst two decode the same.
 */
final class CachingCodec<T> implements Codec<T> {
  private static final int WAYS = 4;

  private final Codec<T> codec;
  private final UnaryOperator<T> copy;
  private final AtomicReferenceArray<@Nullable Slot<T>> slots;
  private final int mask;

  /** What was made of a state. */
  private static final class Slot<T> {
    final Resource of;
    final T value;

    /** Counts reads of the cache; approximate, as races may lose some. */
    volatile int used;

    Slot(Resource of, T value, int used) {
      this.of = of;
      this.value = value;
      this.used = used;
    }
  }

  private volatile int reads;

  private CachingCodec(Codec<T> codec, UnaryOperator<T> copy, int size) {
    this.codec = codec;
    this.copy = copy;
    int sets = Integer.highestOneBit(Math.max(1, size / WAYS));
    this.slots = new AtomicReferenceArray<>(sets * WAYS);
    this.mask = sets - 1;
  }

  /** The codec with a cache of at most so many values; itself if its values cannot be shared. */
  static <T> Codec<T> of(Codec<T> codec, int size) {
    Optional<UnaryOperator<T>> sharing = codec.sharing();
    return size < WAYS || sharing.isEmpty()
        ? codec
        : new CachingCodec<>(codec, sharing.get(), size);
  }

  @Override
  public T decode(byte[] json) throws IOException {
    return codec.decode(json);
  }

  @Override
  public T read(Resource resource) {
    int hash = System.identityHashCode(resource) * 0x9E3779B9;
    int first = (hash >>> 16 & mask) * WAYS;
    int now = reads + 1;
    int oldest = first;
    int oldestUsed = Integer.MAX_VALUE;
    for (int i = first; i < first + WAYS; i++) {
      Slot<T> slot = slots.getAcquire(i);
      if (slot == null) {
        oldest = i;
        oldestUsed = Integer.MIN_VALUE;
      } else if (slot.of == resource) {
        reads = now;
        slot.used = now;
        return copy.apply(slot.value);
      } else if (slot.used - now < oldestUsed) {
        oldest = i;
        oldestUsed = slot.used - now;
      }
    }
    reads = now;
    T value = codec.read(resource);
    slots.setRelease(oldest, new Slot<>(resource, value, now));
    return copy.apply(value);
  }

  @Override
  public Optional<UnaryOperator<T>> sharing() {
    return codec.sharing();
  }
}
