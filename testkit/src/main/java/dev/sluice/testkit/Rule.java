package dev.sluice.testkit;

import java.util.List;

/**
 * What a user may do: verbs on resources, in some namespaces or in all. The shape of an RBAC rule.
 *
 * @param verbs such as {@code get}; {@code *} for all
 * @param groups API groups; the empty text for the core, {@code *} for all
 * @param resources plurals, {@code plural/subresource} for a subresource; {@code *} for all
 * @param namespaces where; empty for everywhere, objects of the cluster included
 */
public record Rule(
    List<String> verbs, List<String> groups, List<String> resources, List<String> namespaces) {

  public Rule {
    verbs = List.copyOf(verbs);
    groups = List.copyOf(groups);
    resources = List.copyOf(resources);
    namespaces = List.copyOf(namespaces);
  }

  /** Everything, everywhere. */
  public static Rule everything() {
    return new Rule(List.of("*"), List.of("*"), List.of("*"), List.of());
  }

  /** Reading everything, everywhere. */
  public static Rule readEverything() {
    return new Rule(List.of("get", "list", "watch"), List.of("*"), List.of("*"), List.of());
  }

  /** The same in some namespaces only. */
  public Rule in(String... these) {
    return new Rule(verbs, groups, resources, List.of(these));
  }

  boolean allows(String verb, String group, String resource, String subresource, String namespace) {
    String asked = subresource.isEmpty() ? resource : resource + "/" + subresource;
    return among(verbs, verb)
        && among(groups, group)
        && (among(resources, asked))
        && (namespaces.isEmpty() || (!namespace.isEmpty() && namespaces.contains(namespace)));
  }

  private static boolean among(List<String> allowed, String asked) {
    return allowed.contains("*") || allowed.contains(asked);
  }
}
