package dev.sluice.kube;

import dev.sluice.flow.Experimental;
import dev.sluice.kube.internal.store.Entry;
import dev.sluice.kube.internal.store.Fields;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Objects;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * What objects are found by, other than their key: for each object any number of values. Given to
 * {@link Informer.Builder#indexBy}, and to {@link Store#byIndex} again to find objects.
 *
 * <pre>{@code
 * Index nodes = Index.byField("spec.nodeName");
 * Informer<Resource> pods = Informer.of(transport, kind).indexBy(nodes).start();
 * pods.store().byIndex(nodes, "node-1").resources().forEach(...);
 * }</pre>
 *
 * <p>Indexes see what the store keeps: a field that a {@link Projection} leaves out cannot be
 * found.
 *
 * <p>Immutable. Two that are made alike are equal; those {@linkplain #by by a function}, if it is
 * the same function.
 */
@Experimental
public final class Index {
  private final String name;
  private final List<String> needs;
  private final @Nullable Function<Resource, ? extends @Nullable Collection<String>> user;
  private final Function<Resource, ? extends @Nullable Collection<String>> values;

  private Index(
      String name,
      List<String> needs,
      @Nullable Function<Resource, ? extends @Nullable Collection<String>> user,
      Function<Resource, ? extends @Nullable Collection<String>> values) {
    this.name = name;
    this.needs = needs;
    this.user = user;
    this.values = values;
  }

  /** By namespace; empty for objects that live in none. */
  public static Index byNamespace() {
    return new Index("namespace", List.of(), null, resource -> List.of(resource.key().namespace()));
  }

  /**
   * By labels: an object with the label {@code app=web} is found by {@code app=web} and by {@code
   * app}.
   *
   * @param keys of which labels; all, if none is given
   */
  public static Index byLabel(String... keys) {
    List<String> wanted = List.of(keys);
    if (wanted.isEmpty()) {
      return new Index(
          "label",
          List.of("metadata.labels"),
          null,
          resource -> {
            List<String> values = new ArrayList<>();
            resource.labels().forEach((key, value) -> label(values, key, value));
            return values;
          });
    }
    byte[][][] paths = new byte[keys.length][][];
    List<String> needs = new ArrayList<>();
    for (int i = 0; i < keys.length; i++) {
      String path = "metadata.labels." + keys[i].replace("\\", "\\\\").replace(".", "\\.");
      paths[i] = Fields.path(path);
      needs.add(path);
    }
    return new Index(
        "label(" + String.join(",", keys) + ")",
        needs,
        null,
        resource -> {
          List<String> values = new ArrayList<>();
          byte[] json = bytes(resource);
          for (int i = 0; i < paths.length; i++) {
            String key = wanted.get(i);
            Fields.values(json, paths[i]).forEach(value -> label(values, key, value));
          }
          return values;
        });
  }

  private static void label(List<String> values, String key, String value) {
    values.add(key);
    values.add(key + "=" + value);
  }

  /** By the uids of their owners, as in {@code metadata.ownerReferences}. */
  public static Index byOwner() {
    return field("owner", "metadata.ownerReferences.uid");
  }

  /**
   * By the value of a field: a text, a number, true or false. A path that goes through a list finds
   * an object by each of its elements: {@code spec.volumes.configMap.name}.
   *
   * @param path the names from the top level, joined by dots; a dot within a name is {@code \.}
   * @throws IllegalArgumentException if it is no path
   */
  public static Index byField(String path) {
    return field("field(" + path + ")", path);
  }

  private static Index field(String name, String path) {
    byte[][] names = Fields.path(path);
    return new Index(name, List.of(path), null, resource -> Fields.values(bytes(resource), names));
  }

  /**
   * By what a function gives. It is called on the stream's thread, once for each state of an
   * object, and has to be quick: the stream waits for it. For what a writer {@linkplain
   * Writer.Builder#readYourWrites shows} it is called on the thread that wrote, too, perhaps at the
   * same time. If it throws, or returns null or a null in the collection, the object is in the
   * store all the same and in this index under nothing; that is counted and shown ({@link
   * StoreStats.IndexStats}).
   *
   * @param name a name that no other index of the informer has
   */
  public static Index by(
      String name, Function<Resource, ? extends @Nullable Collection<String>> values) {
    if (name.isEmpty()) {
      throw new IllegalArgumentException("an index has a name; this one is empty");
    }
    Objects.requireNonNull(values, "values");
    return new Index(name, List.of(), values, values);
  }

  private static byte[] bytes(Resource resource) {
    return resource instanceof Entry entry ? entry.body() : resource.json();
  }

  /** Its name, for status and logs. */
  public String name() {
    return name;
  }

  /** The values by which an object is found; null only if a user's function says so. */
  public @Nullable Collection<String> values(Resource resource) {
    return values.apply(resource);
  }

  /** The paths that it reads, as far as they are known. */
  List<String> needs() {
    return needs;
  }

  @Override
  public boolean equals(@Nullable Object other) {
    return other instanceof Index that && name.equals(that.name) && user == that.user;
  }

  @Override
  public int hashCode() {
    return name.hashCode();
  }

  @Override
  public String toString() {
    return name;
  }
}
