package dev.sluice.kube.internal.store;

import dev.sluice.flow.TimeSource;
import dev.sluice.kube.Compression;
import dev.sluice.kube.Index;
import dev.sluice.kube.Projection;
import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What a store keeps, and how.
 *
 * @param name for logs and threads
 * @param cutManagedFields whether {@code metadata.managedFields} is left out of what is kept
 * @param typeMeta put in front of objects that lack kind and apiVersion: {@code
 *     "kind":"Pod","apiVersion":"v1",}
 * @param projection what else is left out
 * @param indexes what objects are found by
 * @param rest how long a body has to be unchanged to be packed; zero for never
 * @param compression what packs; null for nothing
 * @param time the clock of the rest
 */
public record StoreOptions(
    String name,
    boolean cutManagedFields,
    String typeMeta,
    Projection projection,
    List<Index> indexes,
    Duration rest,
    @Nullable Compression compression,
    TimeSource time) {

  /** A copy of the list. */
  public StoreOptions {
    indexes = List.copyOf(indexes);
  }

  /** The same for one of several stores. */
  public StoreOptions of(String store, String meta) {
    return new StoreOptions(
        store, cutManagedFields, meta, projection, indexes, rest, compression, time);
  }

  /** Two stores that agree in this keep the same of the same objects. */
  public Object selection() {
    return List.of(cutManagedFields, projection, indexes, rest);
  }
}
