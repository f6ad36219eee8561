package dev.sluice.kube;

import dev.sluice.flow.Experimental;
import java.util.Comparator;

/**
 * Which object of a kind: namespace and name.
 *
 * @param namespace the namespace; empty for an object that lives in none
 * @param name the name, not empty
 */
@Experimental
public record ObjectKey(String namespace, String name) implements Comparable<ObjectKey> {
  private static final Comparator<ObjectKey> ORDER =
      Comparator.comparing(ObjectKey::namespace).thenComparing(ObjectKey::name);

  /**
   * @throws IllegalArgumentException if the name is empty
   */
  public ObjectKey {
    if (name.isEmpty()) {
      throw new IllegalArgumentException(
          "an object's name is not empty (namespace \"" + namespace + "\")");
    }
  }

  /** The key of an object in a namespace, or of a cluster-scoped one if the namespace is empty. */
  public static ObjectKey of(String namespace, String name) {
    return new ObjectKey(namespace, name);
  }

  /** The key of a cluster-scoped object. */
  public static ObjectKey of(String name) {
    return new ObjectKey("", name);
  }

  /** By namespace, then by name. */
  @Override
  public int compareTo(ObjectKey other) {
    return ORDER.compare(this, other);
  }

  /** {@code namespace/name}, or the name alone. */
  @Override
  public String toString() {
    return namespace.isEmpty() ? name : namespace + "/" + name;
  }
}
