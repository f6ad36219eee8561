package dev.sluice.kube;

import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.ToLongFunction;
import java.util.stream.Stream;

/**
 * The stores of several namespaces as one.
 *
 * <p>Each part of a snapshot is as of one moment; the parts were taken one after another, as the
 * streams that write them know nothing of each other. So a snapshot belongs to no single version.
 *
 * @param <T> what the informer's codec makes
 * @param stores by namespace
 */
record JoinedStore<T>(Map<String, Store<T>> stores) implements Store<T> {

  @Override
  public Optional<T> get(ObjectKey key) {
    Store<T> store = stores.get(key.namespace());
    return store == null ? Optional.empty() : store.get(key);
  }

  @Override
  public Optional<Resource> resource(ObjectKey key) {
    Store<T> store = stores.get(key.namespace());
    return store == null ? Optional.empty() : store.resource(key);
  }

  @Override
  public int size() {
    return stores.values().stream().mapToInt(Store::size).sum();
  }

  @Override
  public Snapshot<T> snapshot() {
    Map<String, Snapshot<T>> parts = new LinkedHashMap<>();
    stores.forEach((namespace, store) -> parts.put(namespace, store.snapshot()));
    return new Joined<>(parts);
  }

  @Override
  public StoreStats stats() {
    List<StoreStats> all = stores.values().stream().map(Store::stats).toList();
    Map<String, StoreStats.IndexStats> indexes = new LinkedHashMap<>();
    for (StoreStats one : all) {
      one.indexes()
          .forEach((name, stats) ->
              indexes.merge(
                  name,
                  stats,
                  (a, b) ->
                      new StoreStats.IndexStats(
                          a.values() + b.values(),
                          a.failures() + b.failures(),
                          a.lastFailure().or(b::lastFailure))));
    }
    return new StoreStats(
        size(),
        all.get(0).packing(),
        all.stream().mapToInt(StoreStats::packed).sum(),
        sum(all, StoreStats::packedBytes),
        sum(all, StoreStats::unpackedBytes),
        sum(all, StoreStats::rawBytes),
        all.stream().mapToInt(StoreStats::coders).sum(),
        sum(all, StoreStats::coderBytes),
        sum(all, StoreStats::trainings),
        sum(all, StoreStats::failures),
        all.stream().flatMap(one -> one.lastFailure().stream()).findFirst(),
        sum(all, StoreStats::damaged),
        indexes,
        all.stream().flatMap(one -> one.inIndex().stream()).findFirst());
  }

  private static long sum(List<StoreStats> all, ToLongFunction<StoreStats> what) {
    return all.stream().mapToLong(what).sum();
  }

  private record Joined<T>(Map<String, Snapshot<T>> parts) implements Snapshot<T> {
    @Override
    public int size() {
      return all().stream().mapToInt(Snapshot::size).sum();
    }

    @Override
    public Optional<String> resourceVersion() {
      return Optional.empty();
    }

    @Override
    public Optional<Resource> resource(ObjectKey key) {
      Snapshot<T> part = parts.get(key.namespace());
      return part == null ? Optional.empty() : part.resource(key);
    }

    @Override
    public Stream<Resource> resources() {
      return all().stream().flatMap(Snapshot::resources);
    }

    @Override
    public Stream<T> objects() {
      return all().stream().flatMap(Snapshot::objects);
    }

    @Override
    public Snapshot<T> byIndex(Index index, String value) {
      Map<String, Snapshot<T>> found = new LinkedHashMap<>();
      parts.forEach((namespace, part) -> found.put(namespace, part.byIndex(index, value)));
      return new Joined<>(found);
    }

    @Override
    public Stream<String> indexValues(Index index) {
      return all().stream().flatMap(part -> part.indexValues(index)).distinct();
    }

    private Collection<Snapshot<T>> all() {
      return parts.values();
    }
  }
}
