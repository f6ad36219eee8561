package dev.sluice.testkit.internal.api;

import dev.sluice.testkit.internal.json.Json;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * JSON Patch (RFC 6902) and JSON Merge Patch (RFC 7386). Stateless.
 *
 * <p>As in the library that the real server uses, and against RFC 6902, {@code replace} adds a key
 * that an object lacks, and {@code copy} from such a key copies null.
 */
final class Patches {
  private Patches() {}

  /** A patch that does not fit the document. */
  static final class PatchException extends Exception {
    private static final long serialVersionUID = 1;

    PatchException(String message) {
      super(message);
    }
  }

  /** Merges {@code patch} into {@code target}, which is changed. */
  static JsonNode merge(@Nullable JsonNode target, JsonNode patch) {
    if (!(patch instanceof ObjectNode changes)) {
      return patch;
    }
    ObjectNode result = target instanceof ObjectNode object ? object : Json.object();
    for (Map.Entry<String, JsonNode> change : changes.properties()) {
      if (change.getValue().isNull()) {
        result.remove(change.getKey());
      } else {
        result.set(change.getKey(), merge(result.get(change.getKey()), change.getValue()));
      }
    }
    return result;
  }

  /** Applies operations one after the other to a copy of {@code document}. */
  static JsonNode apply(JsonNode document, ArrayNode operations) throws PatchException {
    JsonNode present = document.deepCopy();
    for (JsonNode operation : operations) {
      String op = Json.textAt(operation, "op");
      String path = Json.textAt(operation, "path");
      JsonNode value = operation.get("value");
      switch (op) {
        case "add" -> present = add(present, path, orNull(value));
        case "replace" -> {
          if (path.isEmpty()) {
            present = orNull(value);
          } else {
            present = replace(present, path, orNull(value));
          }
        }
        case "remove" -> remove(present, path);
        case "test" -> {
          JsonNode actual = lookup(present, path);
          JsonNode expected = value == null ? Json.object().nullNode() : value;
          boolean bothNothing = expected.isNull() && (actual == null || actual.isNull());
          if (!bothNothing && (actual == null || !Json.same(actual, expected))) {
            throw new PatchException("testing value " + path + " failed");
          }
        }
        case "move" -> {
          String from = Json.textAt(operation, "from");
          JsonNode moved = find(present, from, op);
          remove(present, from);
          present = add(present, path, moved);
        }
        case "copy" -> {
          JsonNode copied = lookup(present, Json.textAt(operation, "from"));
          present = add(present, path, orNull(copied));
        }
        default -> throw new PatchException("Unexpected kind: " + op);
      }
    }
    return present;
  }

  private static JsonNode orNull(@Nullable JsonNode value) {
    // A missing value is the null of Go's decoder.
    return value == null ? Json.object().nullNode() : value.deepCopy();
  }

  private static String[] steps(String path) throws PatchException {
    if (!path.startsWith("/")) {
      throw new PatchException("path " + Go.quote(path) + " does not begin with a slash");
    }
    String[] steps = path.substring(1).split("/", -1);
    for (int i = 0; i < steps.length; i++) {
      steps[i] = steps[i].replace("~1", "/").replace("~0", "~");
    }
    return steps;
  }

  private static @Nullable JsonNode lookup(JsonNode document, String path) throws PatchException {
    if (path.isEmpty()) {
      return document;
    }
    JsonNode at = document;
    for (String step : steps(path)) {
      if (at instanceof ObjectNode object) {
        at = object.get(step);
      } else if (at instanceof ArrayNode array) {
        int index = index(step, array.size());
        at = index >= 0 && index < array.size() ? array.get(index) : null;
      } else {
        at = null;
      }
      if (at == null) {
        return null;
      }
    }
    return at;
  }

  private static JsonNode find(JsonNode document, String path, String op) throws PatchException {
    JsonNode found = lookup(document, path);
    if (found == null) {
      throw new PatchException(op + " operation does not apply: doc is missing path: " + path);
    }
    return found;
  }

  private static JsonNode parent(JsonNode document, String[] steps, String path)
      throws PatchException {
    JsonNode at = document;
    for (String step : List.of(steps).subList(0, steps.length - 1)) {
      JsonNode next = at instanceof ArrayNode array ? element(array, step) : at.get(step);
      if (next == null) {
        throw new PatchException("doc is missing path: " + path);
      }
      at = next;
    }
    return at;
  }

  private static @Nullable JsonNode element(ArrayNode array, String step) throws PatchException {
    int index = index(step, array.size());
    return index >= 0 && index < array.size() ? array.get(index) : null;
  }

  private static int index(String step, int size) throws PatchException {
    if (step.equals("-")) {
      return size;
    }
    try {
      int index = Integer.parseInt(step);
      return index < 0 ? size + index : index;
    } catch (NumberFormatException e) {
      throw new PatchException("invalid array index " + Go.quote(step));
    }
  }

  private static JsonNode add(JsonNode document, String path, JsonNode value)
      throws PatchException {
    if (path.isEmpty()) {
      return value;
    }
    String[] steps = steps(path);
    JsonNode parent = parent(document, steps, path);
    String last = steps[steps.length - 1];
    if (parent instanceof ObjectNode object) {
      object.set(last, value);
    } else if (parent instanceof ArrayNode array) {
      int index = index(last, array.size());
      if (index < 0 || index > array.size()) {
        throw new PatchException("Unable to access invalid index: " + last);
      }
      array.insert(index, value);
    } else {
      throw new PatchException("add operation does not apply: doc is missing path: " + path);
    }
    return document;
  }

  private static JsonNode replace(JsonNode document, String path, JsonNode value)
      throws PatchException {
    String[] steps = steps(path);
    JsonNode parent = parent(document, steps, path);
    String last = steps[steps.length - 1];
    if (parent instanceof ObjectNode object) {
      object.set(last, value);
    } else if (parent instanceof ArrayNode array && element(array, last) != null) {
      array.set(index(last, array.size()), value);
    } else {
      throw new PatchException("replace operation does not apply: doc is missing path: " + path);
    }
    return document;
  }

  private static void remove(JsonNode document, String path) throws PatchException {
    find(document, path, "remove");
    String[] steps = steps(path);
    JsonNode parent = parent(document, steps, path);
    String last = steps[steps.length - 1];
    if (parent instanceof ObjectNode object) {
      object.remove(last);
    } else if (parent instanceof ArrayNode array) {
      array.remove(index(last, array.size()));
    }
  }
}
