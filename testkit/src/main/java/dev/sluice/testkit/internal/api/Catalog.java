package dev.sluice.testkit.internal.api;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** What is served at one moment. Immutable; a change makes a new one. */
final class Catalog {
  private final Map<String, Resource> byPath = new LinkedHashMap<>();
  private final Map<String, List<String>> versionsByGroup = new LinkedHashMap<>();
  private final List<Resource> all;

  Catalog(List<Resource> resources) {
    all = List.copyOf(resources);
    for (Resource resource : resources) {
      byPath.put(path(resource.group(), resource.version(), resource.plural()), resource);
      List<String> versions =
          versionsByGroup.computeIfAbsent(resource.group(), ignored -> new ArrayList<>());
      if (!versions.contains(resource.version())) {
        versions.add(resource.version());
      }
    }
    versionsByGroup.values().forEach(versions -> versions.sort(Catalog::byPriority));
  }

  private static String path(String group, String version, String plural) {
    return group + "/" + version + "/" + plural;
  }

  @Nullable Resource find(String group, String version, String plural) {
    return byPath.get(path(group, version, plural));
  }

  /** The resource of a kind; null if none is served. */
  @Nullable Resource ofKind(String apiVersion, String kind) {
    for (Resource resource : all) {
      if (resource.kind().equals(kind) && resource.apiVersion().equals(apiVersion)) {
        return resource;
      }
    }
    return null;
  }

  List<Resource> all() {
    return all;
  }

  /** The groups beside the core, in the order of their first resource. */
  List<String> groups() {
    return versionsByGroup.keySet().stream().filter(group -> !group.isEmpty()).toList();
  }

  boolean hasGroup(String group) {
    return versionsByGroup.containsKey(group);
  }

  /** The versions of a group, the preferred one first. */
  List<String> versions(String group) {
    return versionsByGroup.getOrDefault(group, List.of());
  }

  List<Resource> of(String group) {
    return all.stream().filter(r -> r.group().equals(group)).toList();
  }

  List<Resource> of(String group, String version) {
    return all.stream()
        .filter(r -> r.group().equals(group) && r.version().equals(version))
        .toList();
  }

  /** One resource for each table, of the preferred version: to walk everything once. */
  List<Resource> tables() {
    Set<String> seen = new LinkedHashSet<>();
    List<Resource> list = new ArrayList<>();
    for (Resource resource : all) {
      if (resource.isStored() && seen.add(resource.storage())) {
        list.add(resource);
      }
    }
    for (Resource resource : all) {
      if (seen.add(resource.storage())) {
        list.add(resource);
      }
    }
    return list;
  }

  /** Kubernetes' order of versions: v2 before v1 before v1beta1 before v1alpha1 before others. */
  static int byPriority(String a, String b) {
    int[] ranksA = ranks(a);
    int[] ranksB = ranks(b);
    for (int i = 0; i < ranksA.length; i++) {
      if (ranksA[i] != ranksB[i]) {
        return Integer.compare(ranksB[i], ranksA[i]);
      }
    }
    return a.compareTo(b);
  }

  private static int[] ranks(String version) {
    java.util.regex.Matcher matcher =
        java.util.regex.Pattern.compile("v(\\d{1,9})(?:(alpha|beta)(\\d{1,9}))?").matcher(version);
    if (!matcher.matches()) {
      return new int[] {-1, 0, 0};
    }
    String stage = matcher.group(2);
    return new int[] {
      stage == null ? 3 : stage.equals("beta") ? 2 : 1,
      Integer.parseInt(matcher.group(1)),
      stage == null ? 0 : Integer.parseInt(matcher.group(3))
    };
  }
}
