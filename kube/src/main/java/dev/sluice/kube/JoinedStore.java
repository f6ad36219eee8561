package dev.sluice.kube;

import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
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

    private Collection<Snapshot<T>> all() {
      return parts.values();
    }
  }
}
