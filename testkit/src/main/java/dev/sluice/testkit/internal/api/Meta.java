package dev.sluice.testkit.internal.api;

import dev.sluice.testkit.internal.json.Json;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** Reading and writing an object's {@code metadata}. */
final class Meta {
  private Meta() {}

  static ObjectNode of(ObjectNode object) {
    return Json.ensureObject(object, "metadata");
  }

  static String name(ObjectNode object) {
    return Json.textAt(of(object), "name");
  }

  static String namespace(ObjectNode object) {
    return Json.textAt(of(object), "namespace");
  }

  static String uid(ObjectNode object) {
    return Json.textAt(of(object), "uid");
  }

  static String resourceVersion(ObjectNode object) {
    return Json.textAt(of(object), "resourceVersion");
  }

  static long generation(ObjectNode object) {
    JsonNode generation = of(object).get("generation");
    return generation != null && generation.isNumber() ? generation.longValue() : 0;
  }

  static void setGeneration(ObjectNode object, long generation) {
    if (generation == 0) {
      of(object).remove("generation");
    } else {
      of(object).put("generation", generation);
    }
  }

  static boolean isDeleting(ObjectNode object) {
    JsonNode timestamp = of(object).get("deletionTimestamp");
    return timestamp != null && !timestamp.isNull();
  }

  static long gracePeriod(ObjectNode object) {
    JsonNode seconds = of(object).get("deletionGracePeriodSeconds");
    return seconds != null && seconds.isNumber() ? seconds.longValue() : 0;
  }

  static List<String> finalizers(ObjectNode object) {
    ArrayNode array = Json.arrayAt(of(object), "finalizers");
    if (array == null) {
      return List.of();
    }
    List<String> names = new ArrayList<>();
    array.forEach(one -> names.add(one.isString() ? one.stringValue() : ""));
    return List.copyOf(names);
  }

  static void setFinalizers(ObjectNode object, List<String> finalizers) {
    if (finalizers.isEmpty()) {
      of(object).remove("finalizers");
    } else {
      ArrayNode array = of(object).putArray("finalizers");
      finalizers.forEach(array::add);
    }
  }

  /** The uids of the owners. */
  static List<String> owners(ObjectNode object) {
    ArrayNode array = Json.arrayAt(of(object), "ownerReferences");
    if (array == null) {
      return List.of();
    }
    List<String> uids = new ArrayList<>();
    array.forEach(one -> uids.add(Json.textAt(one, "uid")));
    return List.copyOf(uids);
  }

  static Map<String, String> labels(ObjectNode object) {
    ObjectNode labels = Json.objectAt(of(object), "labels");
    if (labels == null || labels.isEmpty()) {
      return Map.of();
    }
    Map<String, String> map = new HashMap<>();
    labels
        .properties()
        .forEach(entry -> {
          if (entry.getValue().isString()) {
            map.put(entry.getKey(), entry.getValue().stringValue());
          }
        });
    return map;
  }

  /** Takes a field over from another object: its value, or its absence. */
  static void copy(ObjectNode from, ObjectNode to, String field) {
    copyField(of(from), of(to), field);
  }

  static void copyField(ObjectNode from, ObjectNode to, String field) {
    JsonNode value = from.get(field);
    if (value == null) {
      to.remove(field);
    } else {
      to.set(field, value.deepCopy());
    }
  }
}
