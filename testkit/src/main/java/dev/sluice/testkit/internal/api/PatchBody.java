package dev.sluice.testkit.internal.api;

import dev.sluice.testkit.internal.json.Json;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** A patch that has been read, and can be applied any number of times. Immutable. */
final class PatchBody {
  private static final int MAX_OPERATIONS = 10_000;
  private static final List<String> OPERATION = List.of("op", "path", "from", "value");

  private final String type;
  private final JsonNode patch;
  private final List<String> faults;

  private PatchBody(String type, JsonNode patch, List<String> faults) {
    this.type = type;
    this.patch = patch;
    this.faults = faults;
  }

  /** What strict decoding finds wrong with the patch itself. */
  List<String> faults() {
    return faults;
  }

  /** What the complaint about a patch that does not fit shows: the patch itself, or its result. */
  JsonNode shown(JsonNode result) {
    return type.equals("application/strategic-merge-patch+json")
        ? Json.string(Go.plain(patch))
        : result;
  }

  static PatchBody read(String type, byte[] body, ApiRequest request) {
    boolean json = type.equals("application/json-patch+json");
    Json.Parsed parsed;
    try {
      parsed = Json.parse(body);
    } catch (Json.MalformedException e) {
      throw StatusException.badRequest(
          type.equals("application/strategic-merge-patch+json")
              ? String.valueOf(e.getMessage())
              : "invalid JSON patch");
    }
    List<String> faults = new ArrayList<>();
    for (String duplicate : parsed.duplicates()) {
      faults.add((json ? "json patch " : "") + "duplicate field " + Go.quote(duplicate));
    }
    JsonNode node = parsed.node();
    if (json) {
      if (!(node instanceof ArrayNode operations)) {
        throw StatusException.badRequest(
            "error decoding patch: json: cannot unmarshal %s into Go value of type []handlers.jsonPatchOp"
                .formatted(Decoder.goKind(node)));
      }
      if (operations.size() > MAX_OPERATIONS) {
        throw StatusException.entityTooLarge(
            "The allowed maximum operations in a JSON patch is %d, got %d"
                .formatted(MAX_OPERATIONS, operations.size()));
      }
      for (int i = 0; i < operations.size(); i++) {
        for (String name : operations.get(i).propertyNames()) {
          if (!OPERATION.contains(name)) {
            faults.add("json patch unknown field " + Go.quote("[" + i + "]." + name));
          }
        }
      }
    } else if (!(node instanceof ObjectNode)) {
      String into = "json: cannot unmarshal %s into Go value of type map[string]interface {}";
      String message = into.formatted(Decoder.goKind(node));
      throw StatusException.badRequest(
          type.equals("application/strategic-merge-patch+json")
              ? message
              : "error decoding patch: " + message);
    }
    return new PatchBody(type, node, List.copyOf(faults));
  }

  /**
   * Applies the patch.
   *
   * @param present what it is applied to; may be changed
   * @param resource whose type says how lists are merged; null to replace them
   */
  JsonNode apply(ObjectNode present, @Nullable Resource resource) {
    switch (type) {
      case "application/json-patch+json" -> {
        try {
          return Patches.apply(present, (ArrayNode) patch);
        } catch (Patches.PatchException e) {
          throw new StatusException(
              422,
              "Invalid",
              "the server rejected our request due to an error in our request",
              new StatusException.Details("", "", "", "", null, 0));
        }
      }
      case "application/strategic-merge-patch+json" -> {
        if (resource == null || resource.type() == null) {
          return Patches.merge(present, patch.deepCopy());
        }
        try {
          return StrategicMerge.apply(present, (ObjectNode) patch.deepCopy(), resource.type());
        } catch (StrategicMerge.PatchException e) {
          throw StatusException.bare500(String.valueOf(e.getMessage()));
        }
      }
      default -> {
        return Patches.merge(present, patch.deepCopy());
      }
    }
  }
}
