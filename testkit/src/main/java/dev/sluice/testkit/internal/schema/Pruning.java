package dev.sluice.testkit.internal.schema;

import java.util.List;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** Drops fields that a schema does not specify. Stateless. */
public final class Pruning {
  private Pruning() {}

  /**
   * Prunes a whole resource: {@code apiVersion}, {@code kind} and {@code metadata} always stay.
   *
   * @param dropped takes the paths of what was dropped
   */
  public static void apply(ObjectNode resource, Schema schema, List<String> dropped) {
    object(resource, schema, true, "", dropped);
  }

  private static void object(
      ObjectNode object, Schema schema, boolean resource, String path, List<String> dropped) {
    boolean keeps = schema.preserveUnknownFields || schema.additionalPropertiesAllowed;
    for (String name : List.copyOf(object.propertyNames())) {
      if (resource
          && (name.equals("apiVersion") || name.equals("kind") || name.equals("metadata"))) {
        continue;
      }
      String at = path.isEmpty() ? name : path + "." + name;
      Schema child = schema.properties.get(name);
      if (child == null) {
        child = schema.additionalProperties;
      }
      JsonNode value = object.get(name);
      if (child == null) {
        if (keeps) {
          // What stands in a preserved field is kept whole.
          continue;
        }
        object.remove(name);
        dropped.add(at);
      } else if (value != null) {
        value(value, child, at, dropped);
      }
    }
  }

  private static void value(JsonNode value, Schema schema, String path, List<String> dropped) {
    if (value instanceof ObjectNode object) {
      object(object, schema, schema.embeddedResource, path, dropped);
    } else if (value instanceof ArrayNode array) {
      @Nullable Schema items = schema.items;
      if (items != null) {
        for (int i = 0; i < array.size(); i++) {
          value(array.get(i), items, path + "[" + i + "]", dropped);
        }
      }
    }
  }
}
