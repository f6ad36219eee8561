package dev.sluice.kube;

import dev.sluice.flow.Experimental;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;

/**
 * A kind of objects and where a server keeps them: what {@code kubectl api-resources} prints in one
 * line.
 *
 * <pre>{@code
 * ResourceKind pods = ResourceKind.namespaced("", "v1", "pods", "Pod");
 * ResourceKind nodes = ResourceKind.clusterScoped("", "v1", "nodes", "Node");
 * }</pre>
 *
 * {@link Discovery} finds one by the words that people type.
 *
 * @param group the API group; empty for the core group
 * @param version the version, such as {@code v1} or {@code v1beta2}
 * @param plural the resource's name in paths, in lower case: {@code deployments}
 * @param kind the kind as it stands in objects: {@code Deployment}
 * @param namespaced whether its objects live in namespaces
 */
@Experimental
public record ResourceKind(
    String group, String version, String plural, String kind, boolean namespaced) {

  /**
   * @throws IllegalArgumentException if version, plural or kind is empty, or if group, version or
   *     plural holds what cannot stand in a path
   */
  public ResourceKind {
    checkSegment("group", group, true);
    checkSegment("version", version, false);
    checkSegment("plural", plural, false);
    if (kind.isEmpty()) {
      throw new IllegalArgumentException("the kind of \"" + plural + "\" is empty");
    }
  }

  /** A kind whose objects live in namespaces. */
  public static ResourceKind namespaced(String group, String version, String plural, String kind) {
    return new ResourceKind(group, version, plural, kind, true);
  }

  /** A kind whose objects live in no namespace. */
  public static ResourceKind clusterScoped(
      String group, String version, String plural, String kind) {
    return new ResourceKind(group, version, plural, kind, false);
  }

  /** {@code v1}, or {@code apps/v1}: as it stands in objects. */
  public String apiVersion() {
    return group.isEmpty() ? version : group + "/" + version;
  }

  /**
   * The path of the whole collection.
   *
   * @param namespace the namespace; empty for all of them
   * @throws IllegalArgumentException if a namespace is given for a cluster-scoped kind
   */
  public String path(String namespace) {
    String base = group.isEmpty() ? "/api/" + version : "/apis/" + group + "/" + version;
    if (namespace.isEmpty()) {
      return base + "/" + plural;
    }
    if (!namespaced) {
      throw new IllegalArgumentException(
          this + " is cluster-scoped: it has no namespace \"" + namespace + "\"");
    }
    return base + "/namespaces/" + encode(namespace) + "/" + plural;
  }

  /**
   * The path of one object.
   *
   * @throws IllegalArgumentException if the key has a namespace and this kind has none, or the
   *     other way round
   */
  public String path(ObjectKey key) {
    if (namespaced && key.namespace().isEmpty()) {
      throw new IllegalArgumentException(
          this + " is namespaced: the key \"" + key + "\" needs a namespace");
    }
    return path(key.namespace()) + "/" + encode(key.name());
  }

  /** {@code pods}, or {@code deployments.apps}. */
  @Override
  public String toString() {
    return group.isEmpty() ? plural : plural + "." + group;
  }

  private static String encode(String segment) {
    return URLEncoder.encode(segment, StandardCharsets.UTF_8).replace("+", "%20");
  }

  private static void checkSegment(String what, String value, boolean mayBeEmpty) {
    boolean plain =
        value
            .chars()
            .allMatch(c -> c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '-' || c == '.');
    if (!plain || value.isEmpty() && !mayBeEmpty) {
      throw new IllegalArgumentException(
          "the "
              + what
              + " of a kind is made of lower-case letters, digits, '-' and '.', not \""
              + value
              + "\"");
    }
  }
}
