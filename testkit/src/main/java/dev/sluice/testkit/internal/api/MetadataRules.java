package dev.sluice.testkit.internal.api;

import dev.sluice.testkit.internal.json.Json;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** What must hold of every object's {@code metadata}. Stateless. */
final class MetadataRules {
  static final String ORPHAN = "orphan";
  static final String FOREGROUND = "foregroundDeletion";
  private static final int MAX_ANNOTATIONS = 256 * 1024;

  private MetadataRules() {}

  /** Finalizers of built-in kinds that need no domain. */
  private static final List<String> PLAIN_FINALIZERS = List.of("kubernetes", ORPHAN, FOREGROUND);

  static FieldErrors onCreate(Resource resource, ObjectNode object, Names.Rule rule) {
    boolean namespaced = resource.namespaced();
    FieldErrors errors = new FieldErrors();
    ObjectNode meta = Meta.of(object);
    String generateName = Json.textAt(meta, "generateName");
    if (!generateName.isEmpty()) {
      for (String fault : rule.check(generateName, true)) {
        errors.invalid("metadata.generateName", generateName, fault);
      }
    }
    String name = Json.textAt(meta, "name");
    if (name.isEmpty()) {
      errors.required("metadata.name", "name or generateName is required");
    } else {
      for (String fault : rule.check(name)) {
        errors.invalid("metadata.name", name, fault);
      }
    }
    String namespace = Json.textAt(meta, "namespace");
    if (namespaced) {
      if (namespace.isEmpty()) {
        errors.required("metadata.namespace", "");
      } else {
        for (String fault : Names.label(namespace)) {
          errors.invalid("metadata.namespace", namespace, fault);
        }
      }
    } else if (!namespace.isEmpty()) {
      errors.forbidden("metadata.namespace", "not allowed on this type");
    }
    if (Meta.generation(object) < 0) {
      errors.invalid(
          "metadata.generation", meta.get("generation"), "must be greater than or equal to 0");
    }
    common(meta, errors);
    finalizers(meta, errors);
    if (!resource.custom()) {
      int index = 0;
      for (String finalizer : Meta.finalizers(object)) {
        if (finalizer.indexOf('/') < 0 && !PLAIN_FINALIZERS.contains(finalizer)) {
          errors.invalid(
              "metadata.finalizers[" + index + "]",
              finalizer,
              "name is neither a standard finalizer name nor is it fully qualified");
        }
        index++;
      }
    }
    return errors;
  }

  static FieldErrors onUpdate(ObjectNode object, ObjectNode old) {
    FieldErrors errors = new FieldErrors();
    ObjectNode meta = Meta.of(object);
    ObjectNode oldMeta = Meta.of(old);
    if (Meta.isDeleting(old)) {
      TreeSet<String> added = new TreeSet<>(Meta.finalizers(object));
      Meta.finalizers(old).forEach(added::remove);
      if (!added.isEmpty()) {
        StringBuilder list = new StringBuilder("[]string{");
        for (String one : added) {
          list.append(list.length() > 9 ? ", " : "").append(Go.quote(one));
        }
        errors.forbidden(
            "metadata.finalizers",
            "no new finalizers can be added if the object is being deleted, found new finalizers "
                + list
                + "}");
      }
    }
    for (String field :
        List.of(
            "name",
            "namespace",
            "uid",
            "creationTimestamp",
            "deletionTimestamp",
            "deletionGracePeriodSeconds")) {
      JsonNode now = meta.get(field);
      JsonNode before = oldMeta.get(field);
      if (!Json.same(now, before)) {
        errors.invalid(
            "metadata." + field,
            now == null && List.of("name", "namespace", "uid").contains(field)
                ? Json.string("")
                : now,
            "field is immutable");
      }
    }
    common(meta, errors);
    return errors;
  }

  private static void common(ObjectNode meta, FieldErrors errors) {
    ObjectNode labels = Json.objectAt(meta, "labels");
    if (labels != null) {
      for (Map.Entry<String, JsonNode> label : labels.properties()) {
        for (String fault : Names.labelKey(label.getKey())) {
          errors.invalid("metadata.labels", label.getKey(), fault);
        }
        String value = label.getValue().isString() ? label.getValue().stringValue() : "";
        for (String fault : Names.labelValue(value)) {
          errors.invalid("metadata.labels", value, fault);
        }
      }
    }
    ObjectNode annotations = Json.objectAt(meta, "annotations");
    if (annotations != null) {
      long size = 0;
      for (Map.Entry<String, JsonNode> annotation : annotations.properties()) {
        for (String fault : Names.annotationKey(annotation.getKey())) {
          errors.invalid("metadata.annotations", annotation.getKey(), fault);
        }
        size += Names.bytes(annotation.getKey());
        if (annotation.getValue().isString()) {
          size += Names.bytes(annotation.getValue().stringValue());
        }
      }
      if (size > MAX_ANNOTATIONS) {
        errors.tooLong("metadata.annotations", MAX_ANNOTATIONS);
      }
    }
    owners(meta, errors);
  }

  private static void owners(ObjectNode meta, FieldErrors errors) {
    ArrayNode owners = Json.arrayAt(meta, "ownerReferences");
    if (owners == null) {
      return;
    }
    String controller = "";
    for (int i = 0; i < owners.size(); i++) {
      JsonNode owner = owners.get(i);
      String path = "metadata.ownerReferences[" + i + "]";
      String apiVersion = Json.textAt(owner, "apiVersion");
      if (apiVersion.isEmpty()) {
        errors.required(path + ".apiVersion", "must not be empty");
      } else if (apiVersion.chars().filter(c -> c == '/').count() > 1 || apiVersion.endsWith("/")) {
        errors.invalid(path + ".apiVersion", apiVersion, "must be <group>/<version> or <version>");
      }
      for (String field : List.of("kind", "name", "uid")) {
        if (Json.textAt(owner, field).isEmpty()) {
          errors.required(path + "." + field, "must not be empty");
        }
      }
      if (apiVersion.equals("v1") && Json.textAt(owner, "kind").equals("Event")) {
        errors.invalid(path, owner, "/v1, Kind=Event is disallowed from being an owner");
      }
      JsonNode isController = owner.get("controller");
      if (isController != null && isController.asBoolean(false)) {
        String present = Json.textAt(owner, "kind") + "/" + Json.textAt(owner, "name");
        if (controller.isEmpty()) {
          controller = present;
        } else {
          errors.invalid(
              "metadata.ownerReferences",
              owners,
              "Only one reference can have Controller set to true. Found \"true\" in references for"
                  + " "
                  + controller
                  + " and "
                  + present);
        }
      }
    }
  }

  private static void finalizers(ObjectNode meta, FieldErrors errors) {
    List<String> finalizers = new ArrayList<>();
    ArrayNode array = Json.arrayAt(meta, "finalizers");
    if (array == null) {
      return;
    }
    for (JsonNode one : array) {
      String name = one.isString() ? one.stringValue() : "";
      finalizers.add(name);
      for (String fault : Names.labelKey(name)) {
        errors.invalid("metadata.finalizers", name, fault);
      }
    }
    if (finalizers.contains(ORPHAN) && finalizers.contains(FOREGROUND)) {
      errors.invalid(
          "metadata.finalizers",
          array,
          "finalizer orphan and foregroundDeletion cannot be both set");
    }
  }

  /** Drops owner references that stand twice; says which, for the warning. */
  static List<String> dropDuplicateOwners(ObjectNode object) {
    ArrayNode owners = Json.arrayAt(Meta.of(object), "ownerReferences");
    List<String> dropped = new ArrayList<>();
    if (owners == null || owners.size() < 2) {
      return dropped;
    }
    ArrayNode kept = Json.array();
    for (JsonNode owner : owners) {
      boolean seen = false;
      for (JsonNode other : kept) {
        seen |= Json.same(owner, other);
      }
      if (seen) {
        dropped.add(Json.textAt(owner, "uid"));
      } else {
        kept.add(owner);
      }
    }
    if (!dropped.isEmpty()) {
      Meta.of(object).set("ownerReferences", kept);
    }
    return dropped;
  }

  static @Nullable String stringOrNull(@Nullable JsonNode node) {
    return node != null && node.isString() ? Objects.requireNonNull(node.stringValue()) : null;
  }
}
