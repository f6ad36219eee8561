package dev.sluice.testkit.internal.api;

import dev.sluice.testkit.internal.json.Json;
import dev.sluice.testkit.internal.types.GoType;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * Strategic merge patch: a merge patch in which lists are merged by key where the type says so,
 * with its directives {@code $patch}, {@code $retainKeys}, {@code $deleteFromPrimitiveList} and
 * {@code $setElementOrder}. After apimachinery's {@code strategicpatch}. Stateless.
 */
final class StrategicMerge {
  private static final String DIRECTIVE = "$patch";
  private static final String RETAIN = "$retainKeys";
  private static final String DELETE_PRIMITIVES = "$deleteFromPrimitiveList/";
  private static final String ORDER = "$setElementOrder/";

  private StrategicMerge() {}

  /** A patch that cannot be applied. */
  static final class PatchException extends Exception {
    private static final long serialVersionUID = 1;

    PatchException(String message) {
      super(message);
    }
  }

  /** Merges {@code patch} into {@code target}, which is changed, and gives the result. */
  static ObjectNode apply(ObjectNode target, ObjectNode patch, GoType.Struct type)
      throws PatchException {
    return merge(target, patch, type, true);
  }

  private static ObjectNode merge(
      ObjectNode target, ObjectNode patch, @Nullable GoType type, boolean merging)
      throws PatchException {
    String directive = Json.textAt(patch, DIRECTIVE);
    switch (directive) {
      case "" -> {}
      case "replace" -> {
        ObjectNode replaced = patch.deepCopy();
        replaced.remove(DIRECTIVE);
        return replaced;
      }
      case "delete" -> {
        return Json.object();
      }
      case "merge" -> {}
      default -> throw new PatchException("Unknown patch type found: " + directive);
    }
    ArrayNode retain = Json.arrayAt(patch, RETAIN);
    if (retain != null) {
      List<String> kept = new ArrayList<>();
      retain.forEach(name -> kept.add(name.isString() ? name.stringValue() : ""));
      for (String name : List.copyOf(target.propertyNames())) {
        if (!kept.contains(name)) {
          target.remove(name);
        }
      }
    }
    for (Map.Entry<String, JsonNode> entry : patch.properties()) {
      String name = entry.getKey();
      JsonNode value = entry.getValue();
      if (name.equals(DIRECTIVE) || name.equals(RETAIN) || name.startsWith(ORDER)) {
        continue;
      }
      if (name.startsWith(DELETE_PRIMITIVES)) {
        deletePrimitives(target, name.substring(DELETE_PRIMITIVES.length()), value);
        continue;
      }
      GoType.Field field = field(type, name);
      GoType fieldType = fieldType(type, name);
      if (value.isNull()) {
        target.remove(name);
        continue;
      }
      JsonNode present = target.get(name);
      if (value instanceof ObjectNode changes) {
        boolean replaces = field != null && field.patchStrategy().equals("replace");
        if (replaces) {
          target.set(name, cleaned(changes));
        } else {
          ObjectNode base = present instanceof ObjectNode object ? object : Json.object();
          ObjectNode merged = merge(base, changes, fieldType, merging);
          if (Json.textAt(changes, DIRECTIVE).equals("delete")) {
            target.remove(name);
          } else {
            target.set(name, merged);
          }
        }
      } else if (value instanceof ArrayNode changes) {
        if (field != null && field.patchStrategy().contains("merge")) {
          target.set(
              name,
              mergeList(
                  present instanceof ArrayNode array ? array : Json.array(),
                  changes,
                  field,
                  fieldType,
                  order(patch, name)));
        } else {
          target.set(name, changes.deepCopy());
        }
      } else {
        target.set(name, value);
      }
    }
    // An order may be given for a list that the patch itself does not touch.
    for (Map.Entry<String, JsonNode> entry : patch.properties()) {
      if (entry.getKey().startsWith(ORDER)) {
        String name = entry.getKey().substring(ORDER.length());
        GoType.Field field = field(type, name);
        if (!patch.has(name) && field != null && target.get(name) instanceof ArrayNode array) {
          target.set(name, ordered(array, field, order(patch, name), Json.array()));
        }
      }
    }
    return target;
  }

  private static @Nullable ArrayNode order(ObjectNode patch, String name) {
    return Json.arrayAt(patch, ORDER + name);
  }

  private static ObjectNode cleaned(ObjectNode patch) {
    ObjectNode copy = patch.deepCopy();
    copy.remove(DIRECTIVE);
    copy.remove(RETAIN);
    return copy;
  }

  private static GoType.@Nullable Field field(@Nullable GoType type, String name) {
    return struct(type) instanceof GoType.Struct struct ? struct.field(name) : null;
  }

  private static GoType.@Nullable Struct struct(@Nullable GoType type) {
    return switch (type) {
      case GoType.Struct struct -> struct;
      case GoType.Pointer pointer -> struct(pointer.element());
      case null, default -> null;
    };
  }

  private static @Nullable GoType fieldType(@Nullable GoType type, String name) {
    return switch (type) {
      case GoType.Pointer pointer -> fieldType(pointer.element(), name);
      case GoType.MapOf map -> map.element();
      case GoType.Struct struct -> {
        GoType.Field field = struct.field(name);
        yield field == null ? null : field.type();
      }
      case null, default -> null;
    };
  }

  private static @Nullable GoType elementType(@Nullable GoType type) {
    return switch (type) {
      case GoType.Pointer pointer -> elementType(pointer.element());
      case GoType.ListOf list -> list.element();
      case null, default -> null;
    };
  }

  private static void deletePrimitives(ObjectNode target, String name, JsonNode values) {
    if (!(target.get(name) instanceof ArrayNode array) || !(values instanceof ArrayNode gone)) {
      return;
    }
    ArrayNode kept = Json.array();
    for (JsonNode element : array) {
      boolean deleted = false;
      for (JsonNode one : gone) {
        deleted |= Json.same(element, one);
      }
      if (!deleted) {
        kept.add(element);
      }
    }
    target.set(name, kept);
  }

  private static ArrayNode mergeList(
      ArrayNode present,
      ArrayNode changes,
      GoType.Field field,
      @Nullable GoType type,
      @Nullable ArrayNode order)
      throws PatchException {
    if (field.mergeKey().isEmpty()) {
      ArrayNode result = present.deepCopy();
      for (JsonNode change : changes) {
        boolean there = false;
        for (JsonNode element : result) {
          there |= Json.same(element, change);
        }
        if (!there) {
          result.add(change);
        }
      }
      return ordered(result, field, order == null ? changes : order, present);
    }
    for (JsonNode change : changes) {
      if (Json.textAt(change, DIRECTIVE).equals("replace")) {
        ArrayNode replaced = Json.array();
        for (JsonNode element : changes) {
          if (!Json.textAt(element, DIRECTIVE).equals("replace") || element.size() > 1) {
            ObjectNode copy = ((ObjectNode) element).deepCopy();
            copy.remove(DIRECTIVE);
            replaced.add(copy);
          }
        }
        return replaced;
      }
    }
    String key = field.mergeKey();
    GoType elementType = elementType(type);
    ArrayNode result = present.deepCopy();
    for (JsonNode change : changes) {
      if (!(change instanceof ObjectNode object)) {
        throw new PatchException(
            "unable to find api field in struct " + field.name() + " for a list of objects");
      }
      JsonNode id = object.get(key);
      if (id == null) {
        throw new PatchException(
            "map: " + Json.text(object) + " does not contain declared merge key: " + key);
      }
      int at = indexOf(result, key, id);
      if (Json.textAt(object, DIRECTIVE).equals("delete")) {
        while (at >= 0) {
          result.remove(at);
          at = indexOf(result, key, id);
        }
      } else if (at >= 0 && result.get(at) instanceof ObjectNode old) {
        result.set(at, merge(old, object, elementType, true));
      } else {
        result.add(merge(Json.object(), object, elementType, true));
      }
    }
    // What the patch names stands in the patch's order, unless it gives another one.
    return ordered(result, field, order == null ? changes : order, present);
  }

  private static int indexOf(ArrayNode array, String key, JsonNode id) {
    for (int i = 0; i < array.size(); i++) {
      if (Json.same(array.get(i).get(key), id)) {
        return i;
      }
    }
    return -1;
  }

  /** The named elements in the order asked for, the others beside the neighbors they had. */
  private static ArrayNode ordered(
      ArrayNode elements, GoType.Field field, @Nullable ArrayNode order, ArrayNode before) {
    if (order == null) {
      return elements;
    }
    List<JsonNode> named = new ArrayList<>();
    List<JsonNode> others = new ArrayList<>();
    for (JsonNode element : elements) {
      (rank(element, field, order) >= 0 ? named : others).add(element);
    }
    named.sort((a, b) -> Integer.compare(rank(a, field, order), rank(b, field, order)));
    ArrayNode result = Json.array();
    int next = 0;
    for (JsonNode other : others) {
      int place = rank(other, field, before);
      while (next < named.size()) {
        int there = rank(named.get(next), field, before);
        if (there >= 0 && place >= 0 && there > place) {
          break;
        }
        if (there < 0 || place < 0 || there < place) {
          result.add(named.get(next++));
        }
      }
      result.add(other);
    }
    while (next < named.size()) {
      result.add(named.get(next++));
    }
    return result;
  }

  private static int rank(JsonNode element, GoType.Field field, ArrayNode among) {
    String key = field.mergeKey();
    for (int i = 0; i < among.size(); i++) {
      JsonNode one = among.get(i);
      boolean same =
          key.isEmpty()
              ? Json.same(one, element)
              : Json.same(one.get(key), element.get(key)) && element.get(key) != null;
      if (same) {
        return i;
      }
    }
    return -1;
  }
}
