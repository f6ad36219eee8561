package dev.sluice.testkit.internal.api;

import dev.sluice.testkit.internal.json.Json;
import dev.sluice.testkit.internal.schema.Schema;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** From a CustomResourceDefinition to the resources it brings, and its conditions. Stateless. */
final class Definitions {
  private Definitions() {}

  static boolean isEstablished(ObjectNode definition) {
    return hasCondition(definition, "Established", "True");
  }

  static boolean hasCondition(ObjectNode object, String type, String status) {
    for (JsonNode condition :
        PodSpecs.elements(Json.ensureObject(object, "status"), "conditions")) {
      if (Json.textAt(condition, "type").equals(type)) {
        return Json.textAt(condition, "status").equals(status);
      }
    }
    return false;
  }

  static void setCondition(
      ObjectNode object, String type, String status, String reason, String message, String now) {
    ObjectNode parent = Json.ensureObject(object, "status");
    ArrayNode conditions = Json.arrayAt(parent, "conditions");
    if (conditions == null) {
      conditions = parent.putArray("conditions");
    }
    ObjectNode condition = null;
    for (JsonNode one : conditions) {
      if (Json.textAt(one, "type").equals(type)) {
        condition = (ObjectNode) one;
      }
    }
    if (condition == null) {
      condition = conditions.addObject();
      condition.put("type", type);
    }
    if (!Json.textAt(condition, "status").equals(status)) {
      condition.put("lastTransitionTime", now);
    }
    condition.put("status", status);
    condition.put("reason", reason);
    condition.put("message", message);
  }

  static String storageVersion(ObjectNode definition) {
    for (JsonNode version : PodSpecs.elements(Json.ensureObject(definition, "spec"), "versions")) {
      if (PodSpecs.isTrue(version.get("storage"))) {
        return Json.textAt(version, "name");
      }
    }
    return "";
  }

  /** The name of the table in which a definition's objects are kept. */
  static String storage(ObjectNode definition) {
    ObjectNode spec = Json.ensureObject(definition, "spec");
    return Json.textAt(Json.ensureObject(spec, "names"), "plural")
        + "."
        + Json.textAt(spec, "group");
  }

  /** The resources of an established definition: one for each served version. */
  static List<Resource> resources(ObjectNode definition) {
    return resources(definition, false);
  }

  /** The same with the versions that are not served: the form in which objects are stored. */
  static List<Resource> resources(ObjectNode definition, boolean unserved) {
    ObjectNode spec = Json.ensureObject(definition, "spec");
    ObjectNode names = Json.ensureObject(Json.ensureObject(definition, "status"), "acceptedNames");
    String group = Json.textAt(spec, "group");
    String storageVersion = storageVersion(definition);
    List<Resource> resources = new ArrayList<>();
    for (JsonNode node : PodSpecs.elements(spec, "versions")) {
      ObjectNode version = (ObjectNode) node;
      if (!unserved && !PodSpecs.isTrue(version.get("served"))) {
        continue;
      }
      String name = Json.textAt(version, "name");
      ObjectNode validation = Json.ensureObject(version, "schema");
      ObjectNode openApiSchema = Json.ensureObject(validation, "openAPIV3Schema");
      Schema schema = Schema.of(openApiSchema);
      ObjectNode subresources = Json.objectAt(version, "subresources");
      boolean hasStatus = subresources != null && subresources.has("status");
      ObjectNode scaleNode = subresources == null ? null : Json.objectAt(subresources, "scale");
      Resource.Scale scale =
          scaleNode == null
              ? null
              : new Resource.Scale(
                  Json.textAt(scaleNode, "specReplicasPath"),
                  Json.textAt(scaleNode, "statusReplicasPath"),
                  Json.textAt(scaleNode, "labelSelectorPath"));
      Map<String, JsonPath> selectable = new LinkedHashMap<>();
      for (JsonNode field : PodSpecs.elements(version, "selectableFields")) {
        String path = Json.textAt(field, "jsonPath");
        JsonPath parsed = JsonPath.parse(path);
        if (parsed != null) {
          selectable.put(path.substring(1), parsed);
        }
      }
      String kind = Json.textAt(names, "kind");
      String apiVersion = group + "/" + name;
      resources.add(
          new Resource(
              group,
              name,
              Json.textAt(names, "plural"),
              Json.textAt(names, "singular"),
              kind,
              Json.textAt(names, "listKind"),
              Json.textAt(spec, "scope").equals("Namespaced"),
              strings(names, "shortNames"),
              strings(names, "categories"),
              List.of(
                  "delete",
                  "deletecollection",
                  "get",
                  "list",
                  "patch",
                  "create",
                  "update",
                  "watch"),
              hasStatus,
              scale,
              null,
              schema,
              openApiSchema,
              new CustomStrategy(
                  kind,
                  apiVersion,
                  schema,
                  hasStatus,
                  scale,
                  selectable,
                  Tables.custom(columns(version))),
              storage(definition),
              storageVersion,
              null));
    }
    return resources;
  }

  private static List<Tables.PathColumn> columns(ObjectNode version) {
    List<Tables.PathColumn> columns = new ArrayList<>();
    for (JsonNode node : PodSpecs.elements(version, "additionalPrinterColumns")) {
      String path = Json.textAt(node, "jsonPath");
      String description = Json.textAt(node, "description");
      JsonNode priority = node.get("priority");
      columns.add(
          new Tables.PathColumn(
              new Tables.Column(
                  Json.textAt(node, "name"),
                  Json.textAt(node, "type"),
                  Json.textAt(node, "format"),
                  description.isEmpty()
                      ? "Custom resource definition column (in JSONPath format): " + path
                      : description,
                  priority == null ? 0 : priority.intValue()),
              JsonPath.parse(path)));
    }
    return columns;
  }

  static List<String> strings(ObjectNode object, String name) {
    List<String> list = new ArrayList<>();
    for (JsonNode one : PodSpecs.elements(object, name)) {
      list.add(one.isString() ? Objects.requireNonNull(one.stringValue()) : "");
    }
    return list;
  }

  /**
   * Accepts a definition's names, or says what they collide with, and establishes it.
   *
   * @param others the other definitions of the group
   * @return whether the status has changed
   */
  static boolean accept(ObjectNode definition, List<ObjectNode> others, String now) {
    ObjectNode before = Json.ensureObject(definition, "status").deepCopy();
    ObjectNode status = Json.ensureObject(definition, "status");
    ObjectNode wanted = Json.ensureObject(Json.ensureObject(definition, "spec"), "names");
    ObjectNode accepted = Json.ensureObject(status, "acceptedNames");
    String reason = "";
    String message = "";
    for (ObjectNode other : others) {
      ObjectNode taken = Json.ensureObject(Json.ensureObject(other, "status"), "acceptedNames");
      List<String> resources = new ArrayList<>(strings(taken, "shortNames"));
      resources.add(Json.textAt(taken, "plural"));
      resources.add(Json.textAt(taken, "singular"));
      List<String> kinds = List.of(Json.textAt(taken, "kind"), Json.textAt(taken, "listKind"));
      if (reason.isEmpty()) {
        for (String name : strings(wanted, "shortNames")) {
          if (resources.contains(name)) {
            reason = "ShortNamesConflict";
            message = "\"" + name + "\" is already in use";
          }
        }
        for (String field : List.of("kind", "listKind")) {
          if (kinds.contains(Json.textAt(wanted, field))) {
            reason = field.equals("kind") ? "KindConflict" : "ListKindConflict";
            message = "\"" + Json.textAt(wanted, field) + "\" is already in use";
          }
        }
        if (resources.contains(Json.textAt(wanted, "singular"))) {
          reason = "SingularConflict";
          message = "\"" + Json.textAt(wanted, "singular") + "\" is already in use";
        }
      }
    }
    if (reason.isEmpty()) {
      status.set("acceptedNames", wanted.deepCopy());
      setCondition(definition, "NamesAccepted", "True", "NoConflicts", "no conflicts found", now);
      setCondition(
          definition,
          "Established",
          "True",
          "InitialNamesAccepted",
          "the initial names have been accepted",
          now);
    } else {
      if (Json.textAt(accepted, "plural").isEmpty()) {
        accepted.put("plural", Json.textAt(wanted, "plural"));
      }
      setCondition(definition, "NamesAccepted", "False", reason, message, now);
      if (!hasCondition(definition, "Established", "True")) {
        setCondition(
            definition, "Established", "False", "NotAccepted", "not all names are accepted", now);
      }
    }
    return !Json.same(before, status);
  }
}
