package dev.sluice.cli.demo;

import dev.sluice.kube.ObjectKey;
import dev.sluice.kube.Resource;
import dev.sluice.kube.ResourceKind;
import dev.sluice.kube.Store;
import io.fabric8.kubernetes.client.KubernetesClient;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * Every object in the store beside every object at the server, whole: one that is missing, one that
 * is too many, and any difference in their JSON counts. The server is asked by fabric8's client and
 * the answer read by Jackson, so that no code of Sluice has a part in it.
 *
 * @param server how many objects the server has
 * @param store how many the store has
 * @param differences what is not the same, in words
 * @param unsettled objects at the server whose status is not that of their latest generation
 */
record Comparison(int server, int store, List<String> differences, List<String> unsettled) {
  private static final JsonMapper JSON = new JsonMapper();
  private static final int PAGE = 500;

  /** Whether they are the same. */
  boolean agrees() {
    return differences.isEmpty();
  }

  /** Compares. Blocks while the server answers. */
  static Comparison of(
      KubernetesClient client, ResourceKind kind, String namespace, Store<?> store) {
    Map<ObjectKey, JsonNode> theirs = list(client, kind, namespace);
    Map<ObjectKey, JsonNode> ours = new HashMap<>();
    store
        .snapshot()
        .resources()
        .forEach((Resource resource) -> ours.put(resource.key(), JSON.readTree(resource.json())));
    List<String> differences = new ArrayList<>();
    List<String> unsettled = new ArrayList<>();
    theirs.forEach((key, object) -> {
      JsonNode mine = ours.get(key);
      if (mine == null) {
        differences.add(key + " is missing in the store");
      } else if (!mine.equals(object)) {
        differences.add(
            key
                + " differs: version "
                + version(mine)
                + " in the store, "
                + version(object)
                + " at the server");
      }
      if (!Gauge.of(object).isSettled()) {
        unsettled.add(key + " has the status of another generation");
      }
    });
    ours.keySet().stream()
        .filter(key -> !theirs.containsKey(key))
        .forEach(key -> differences.add(key + " is in the store but not at the server"));
    return new Comparison(theirs.size(), ours.size(), differences, unsettled);
  }

  private static Map<ObjectKey, JsonNode> list(
      KubernetesClient client, ResourceKind kind, String namespace) {
    Map<ObjectKey, JsonNode> objects = new HashMap<>();
    String token = "";
    do {
      JsonNode page =
          JSON.readTree(
              client.raw(
                  kind.path(namespace)
                      + "?limit="
                      + PAGE
                      + (token.isEmpty()
                          ? ""
                          : "&continue=" + URLEncoder.encode(token, StandardCharsets.UTF_8))));
      for (JsonNode item : page.path("items")) {
        JsonNode metadata = item.path("metadata");
        ((ObjectNode) metadata).remove("managedFields");
        objects.put(ObjectKey.of(namespace, metadata.path("name").asString()), item);
      }
      token = page.path("metadata").path("continue").asString("");
    } while (!token.isEmpty());
    return objects;
  }

  private static String version(JsonNode object) {
    return object.path("metadata").path("resourceVersion").asString("");
  }
}
