package dev.sluice.testkit.internal.api;

import dev.sluice.testkit.internal.json.Json;
import java.util.ArrayList;
import java.util.List;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** The two kinds whose deletion is a process: namespaces and CustomResourceDefinitions. */
final class Kinds {
  static final String CLEANUP = "customresourcecleanup.apiextensions.k8s.io";

  private Kinds() {}

  static boolean isNamespace(Resource resource) {
    return resource.group().isEmpty() && resource.plural().equals("namespaces");
  }

  static boolean isDefinition(Resource resource) {
    return resource.group().equals("apiextensions.k8s.io")
        && resource.plural().equals("customresourcedefinitions");
  }

  /** What a namespace still waits for before it goes. */
  static List<String> namespaceFinalizers(ObjectNode namespace) {
    List<String> names = new ArrayList<>();
    JsonNode finalizers = Registry.at(namespace, "spec", "finalizers");
    if (finalizers instanceof ArrayNode array) {
      array.forEach(one -> names.add(one.isString() ? one.stringValue() : ""));
    }
    return names;
  }

  /** Whether an object that is to be deleted stays until something has been cleaned up. */
  static boolean keepsItself(Resource resource, ObjectNode object) {
    return (isNamespace(resource) && !namespaceFinalizers(object).isEmpty())
        || (isDefinition(resource) && !Meta.isDeleting(object));
  }

  /** Says in the status that the end has begun. */
  static void markTerminating(Resource resource, ObjectNode object, String now) {
    if (isNamespace(resource)) {
      Json.ensureObject(object, "status").put("phase", "Terminating");
      Meta.of(object).remove("deletionGracePeriodSeconds");
    } else if (isDefinition(resource)) {
      Meta.of(object).remove("deletionGracePeriodSeconds");
      Definitions.setCondition(
          object,
          "Terminating",
          "True",
          "InstanceDeletionPending",
          "CustomResourceDefinition marked for deletion; CustomResource deletion will begin soon",
          now);
    }
  }

  static void addOwnFinalizer(Resource resource, ObjectNode object) {
    if (isDefinition(resource)) {
      List<String> finalizers = new ArrayList<>(Meta.finalizers(object));
      if (!finalizers.contains(CLEANUP)) {
        finalizers.add(CLEANUP);
      }
      Meta.setFinalizers(object, finalizers);
    }
  }
}
