package dev.sluice.testkit.internal.schema;

import dev.sluice.testkit.internal.json.Json;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** Fills in defaults, as the real server does when it decodes a custom resource. Stateless. */
public final class Defaulting {
  private Defaulting() {}

  /** Sets what is missing, then drops nulls where null is not allowed and no default stood in. */
  public static void apply(ObjectNode object, Schema schema) {
    fill(object, schema);
    dropNulls(object, schema);
  }

  private static void fill(JsonNode value, Schema schema) {
    if (value instanceof ObjectNode object) {
      for (Map.Entry<String, Schema> entry : schema.properties.entrySet()) {
        JsonNode standard = entry.getValue().defaultValue;
        if (standard == null) {
          continue;
        }
        JsonNode present = object.get(entry.getKey());
        if (present == null || (present.isNull() && !entry.getValue().nullable)) {
          object.set(entry.getKey(), standard.deepCopy());
        }
      }
      for (String name : List.copyOf(object.propertyNames())) {
        Schema child = schema.properties.get(name);
        if (child == null) {
          child = schema.additionalProperties;
          if (child == null) {
            continue;
          }
          JsonNode present = object.get(name);
          JsonNode standard = child.defaultValue;
          if (present != null && present.isNull() && !child.nullable && standard != null) {
            object.set(name, standard.deepCopy());
          }
        }
        JsonNode present = object.get(name);
        if (present != null) {
          fill(present, child);
        }
      }
    } else if (value instanceof ArrayNode array && schema.items != null) {
      JsonNode standard = schema.items.defaultValue;
      for (int i = 0; i < array.size(); i++) {
        JsonNode element = array.get(i);
        if (element.isNull() && !schema.items.nullable && standard != null) {
          array.set(i, standard.deepCopy());
        }
        fill(array.get(i), schema.items);
      }
    }
  }

  private static void dropNulls(JsonNode value, Schema schema) {
    if (value instanceof ObjectNode object) {
      List<String> gone = new ArrayList<>();
      for (Map.Entry<String, JsonNode> entry : object.properties()) {
        Schema child = schema.properties.get(entry.getKey());
        boolean declared = child != null;
        if (child == null) {
          child = schema.additionalProperties;
        }
        if (child == null) {
          continue;
        }
        if (declared && entry.getValue().isNull() && !child.nullable) {
          gone.add(entry.getKey());
        } else {
          dropNulls(entry.getValue(), child);
        }
      }
      gone.forEach(object::remove);
    } else if (value instanceof ArrayNode array && schema.items != null) {
      for (JsonNode element : array) {
        dropNulls(element, schema.items);
      }
    }
  }

  static JsonNode copy(JsonNode value) {
    return value.isNull() ? Json.object().nullNode() : value.deepCopy();
  }
}
