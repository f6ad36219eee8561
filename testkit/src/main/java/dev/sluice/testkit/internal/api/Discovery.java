package dev.sluice.testkit.internal.api;

import dev.sluice.testkit.internal.json.Json;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** The discovery documents. Stateless. */
final class Discovery {
  private Discovery() {}

  static ObjectNode coreVersions(String address) {
    ObjectNode node = Json.object();
    node.put("kind", "APIVersions");
    node.putArray("versions").add("v1");
    ObjectNode server = node.putArray("serverAddressByClientCIDRs").addObject();
    server.put("clientCIDR", "0.0.0.0/0");
    server.put("serverAddress", address);
    return node;
  }

  static ObjectNode groups(Catalog catalog) {
    ObjectNode node = Json.object();
    node.put("kind", "APIGroupList");
    node.put("apiVersion", "v1");
    ArrayNode groups = node.putArray("groups");
    for (String group : catalog.groups()) {
      groups.add(fill(Json.object(), catalog, group));
    }
    return node;
  }

  static ObjectNode group(Catalog catalog, String group) {
    ObjectNode node = Json.object();
    node.put("kind", "APIGroup");
    node.put("apiVersion", "v1");
    return fill(node, catalog, group);
  }

  private static ObjectNode fill(ObjectNode node, Catalog catalog, String group) {
    node.put("name", group);
    ArrayNode versions = node.putArray("versions");
    for (String version : catalog.versions(group)) {
      ObjectNode one = versions.addObject();
      one.put("groupVersion", group + "/" + version);
      one.put("version", version);
    }
    String preferred = catalog.versions(group).get(0);
    ObjectNode first = node.putObject("preferredVersion");
    first.put("groupVersion", group + "/" + preferred);
    first.put("version", preferred);
    return node;
  }

  static ObjectNode resources(Catalog catalog, String group, String version) {
    ObjectNode node = Json.object();
    node.put("kind", "APIResourceList");
    if (!group.isEmpty()) {
      node.put("apiVersion", "v1");
    }
    node.put("groupVersion", group.isEmpty() ? version : group + "/" + version);
    ArrayNode list = node.putArray("resources");
    for (Resource resource : catalog.of(group, version)) {
      ObjectNode one = list.addObject();
      one.put("name", resource.plural());
      one.put("singularName", resource.singular());
      one.put("namespaced", resource.namespaced());
      one.put("kind", resource.kind());
      put(one, "verbs", resource.verbs());
      put(one, "shortNames", resource.shortNames());
      put(one, "categories", resource.categories());
      one.put("storageVersionHash", hash(resource));
      for (String subresource : subresources(resource)) {
        ObjectNode sub = list.addObject();
        sub.put("name", resource.plural() + "/" + subresource);
        sub.put("singularName", "");
        sub.put("namespaced", resource.namespaced());
        if (subresource.equals("scale")) {
          sub.put("group", "autoscaling");
          sub.put("version", "v1");
          sub.put("kind", "Scale");
        } else {
          sub.put("kind", resource.kind());
        }
        put(
            sub,
            "verbs",
            subresource.equals("finalize") ? List.of("update") : List.of("get", "patch", "update"));
      }
    }
    return node;
  }

  static List<String> subresources(Resource resource) {
    List<String> names = new ArrayList<>();
    if (Kinds.isNamespace(resource)) {
      names.add("finalize");
    }
    if (resource.custom()) {
      if (resource.hasStatus()) {
        names.add("status");
      }
      if (resource.scale() != null) {
        names.add("scale");
      }
    } else {
      if (resource.scale() != null) {
        names.add("scale");
      }
      if (resource.hasStatus()) {
        names.add("status");
      }
    }
    return names;
  }

  private static void put(ObjectNode node, String name, List<String> values) {
    if (!values.isEmpty()) {
      ArrayNode array = node.putArray(name);
      values.forEach(array::add);
    }
  }

  /**
   * Eight bytes that differ from kind to kind, as the real server's hash of the storage version.
   */
  private static String hash(Resource resource) {
    try {
      byte[] digest =
          java.security.MessageDigest.getInstance("SHA-256")
              .digest(
                  (resource.group() + "/" + resource.storageVersion() + "/" + resource.kind())
                      .getBytes(java.nio.charset.StandardCharsets.UTF_8));
      return Base64.getEncoder().encodeToString(java.util.Arrays.copyOf(digest, 8));
    } catch (java.security.NoSuchAlgorithmException e) {
      throw new IllegalStateException("Every JVM has SHA-256", e);
    }
  }

  /** Aggregated discovery: all groups, versions and resources in one document. */
  static ObjectNode aggregated(Catalog catalog, boolean core) {
    ObjectNode node = Json.object();
    node.put("kind", "APIGroupDiscoveryList");
    node.put("apiVersion", "apidiscovery.k8s.io/v2");
    node.putObject("metadata");
    ArrayNode items = node.putArray("items");
    List<String> groups = core ? List.of("") : catalog.groups();
    for (String group : groups) {
      ObjectNode item = items.addObject();
      ObjectNode meta = item.putObject("metadata");
      if (!group.isEmpty()) {
        meta.put("name", group);
      }
      ArrayNode versions = item.putArray("versions");
      for (String version : catalog.versions(group)) {
        ObjectNode one = versions.addObject();
        one.put("version", version);
        ArrayNode resources = one.putArray("resources");
        for (Resource resource : catalog.of(group, version)) {
          ObjectNode r = resources.addObject();
          r.put("resource", resource.plural());
          putKind(r, resource);
          r.put("scope", resource.namespaced() ? "Namespaced" : "Cluster");
          r.put("singularResource", resource.singular());
          put(r, "verbs", resource.verbs());
          put(r, "shortNames", resource.shortNames());
          put(r, "categories", resource.categories());
          List<String> subresources = subresources(resource);
          if (!subresources.isEmpty()) {
            ArrayNode subs = r.putArray("subresources");
            for (String subresource : subresources) {
              ObjectNode sub = subs.addObject();
              sub.put("subresource", subresource);
              if (subresource.equals("scale")) {
                putKind(sub, "autoscaling", "v1", "Scale");
              } else {
                putKind(sub, resource);
              }
              put(
                  sub,
                  "verbs",
                  subresource.equals("finalize")
                      ? List.of("update")
                      : List.of("get", "patch", "update"));
            }
          }
        }
        one.put("freshness", "Current");
      }
    }
    return node;
  }

  /** The group and version of built-in kinds are left empty, as in 1.37. */
  private static void putKind(ObjectNode node, Resource resource) {
    putKind(
        node,
        resource.custom() ? resource.group() : "",
        resource.custom() ? resource.version() : "",
        resource.kind());
  }

  private static void putKind(ObjectNode node, String group, String version, String kind) {
    ObjectNode responseKind = node.putObject("responseKind");
    responseKind.put("group", group);
    responseKind.put("version", version);
    responseKind.put("kind", kind);
  }
}
