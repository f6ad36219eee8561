package dev.sluice.kube;

import dev.sluice.flow.Experimental;
import dev.sluice.kube.internal.store.Fields;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Which parts of an object are kept in a store. What is left out is gone there; reads tell so where
 * they can: {@link Resource#labels()} of an object whose labels are not kept throws.
 *
 * <p>A path is the names from the top level, joined by dots: {@code spec.replicas}. A dot within a
 * name is written {@code \.}: {@code metadata.labels.app\.kubernetes\.io/name}. A path goes through
 * lists: {@code spec.containers.image} is the image of each container.
 *
 * <p>{@code apiVersion}, {@code kind} and, of {@code metadata}, {@code name}, {@code namespace},
 * {@code uid}, {@code resourceVersion}, {@code generation} and {@code deletionTimestamp} are always
 * kept.
 *
 * <p>Never write a projected object back as a whole: what is not there would be removed on the
 * server. Send a {@link Patch}.
 */
@Experimental
public final class Projection {
  /** Everything is kept. */
  public static final Projection WHOLE = new Projection(false, List.of());

  private static final Set<String> ALWAYS =
      Set.of(
          "apiVersion",
          "kind",
          "metadata.name",
          "metadata.namespace",
          "metadata.uid",
          "metadata.resourceVersion",
          "metadata.generation",
          "metadata.deletionTimestamp");

  private final boolean keep;
  private final List<String> paths;
  private final Fields.Tree tree;

  private Projection(boolean keep, List<String> paths) {
    this.keep = keep;
    this.paths = paths;
    this.tree = new Fields.Tree();
    for (String path : paths) {
      tree.add(Fields.path(path));
    }
    if (keep) {
      ALWAYS.forEach(path -> tree.add(Fields.path(path)));
    }
  }

  /**
   * Keeps these parts and nothing else.
   *
   * @throws IllegalArgumentException if there is none, or one is no path
   */
  public static Projection keeping(String... paths) {
    if (paths.length == 0) {
      throw new IllegalArgumentException("say which paths to keep, as in \"metadata\", \"spec\"");
    }
    return new Projection(true, checked(paths));
  }

  /**
   * Keeps everything but these parts.
   *
   * @throws IllegalArgumentException if there is none, or one is no path, or one that is always
   *     kept
   */
  public static Projection dropping(String... paths) {
    if (paths.length == 0) {
      throw new IllegalArgumentException("say which paths to drop, as in \"status\"");
    }
    for (String path : paths) {
      if (ALWAYS.contains(path) || path.equals("metadata")) {
        throw new IllegalArgumentException(
            "the path '"
                + path
                + "' cannot be dropped: name, namespace, uid, resourceVersion, generation and"
                + " deletionTimestamp are always kept; name the parts of metadata to drop, as in"
                + " 'metadata.annotations'");
      }
    }
    return new Projection(false, checked(paths));
  }

  private static List<String> checked(String[] paths) {
    List<String> checked = new ArrayList<>();
    for (String path : paths) {
      Fields.path(path);
      checked.add(path);
    }
    return List.copyOf(checked);
  }

  /** Whether all of what is at this path is kept. */
  public boolean keeps(String path) {
    byte[][] names = Fields.path(path);
    return paths.isEmpty() || (keep ? tree.covers(names) : !tree.touches(names));
  }

  /**
   * An object with only what is kept.
   *
   * @param json the object, for reading only
   * @return a new array, or the same if nothing is left out
   */
  public byte[] apply(byte[] json) {
    return paths.isEmpty() ? json : Fields.cut(json, tree, keep);
  }

  @Override
  public boolean equals(@Nullable Object other) {
    return other instanceof Projection that && keep == that.keep && paths.equals(that.paths);
  }

  @Override
  public int hashCode() {
    return Objects.hash(keep, paths);
  }

  /** {@code everything}, {@code only [spec]}, {@code everything but [status]}. */
  @Override
  public String toString() {
    return paths.isEmpty()
        ? "everything"
        : (keep ? "only " : "everything but ") + Arrays.toString(paths.toArray());
  }
}
