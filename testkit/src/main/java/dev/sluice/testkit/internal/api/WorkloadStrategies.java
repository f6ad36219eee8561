package dev.sluice.testkit.internal.api;

import dev.sluice.testkit.internal.json.Json;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** The rules of pods, deployments and leases. */
final class WorkloadStrategies {
  private WorkloadStrategies() {}

  /** Pods. */
  static final class Pods extends Strategy {
    @Override
    void defaults(ObjectNode object) {
      ObjectNode spec = Json.ensureObject(object, "spec");
      PodSpecs.defaults(spec);
      defaultTo(spec, "enableServiceLinks", true);
      for (String list : List.of("containers", "initContainers")) {
        for (JsonNode container : PodSpecs.elements(spec, list)) {
          ObjectNode resources = Json.ensureObject((ObjectNode) container, "resources");
          ObjectNode limits = Json.objectAt(resources, "limits");
          if (limits != null) {
            ObjectNode requests = Json.ensureObject(resources, "requests");
            for (Map.Entry<String, JsonNode> limit : limits.properties()) {
              if (!requests.has(limit.getKey())) {
                requests.set(limit.getKey(), limit.getValue());
              }
            }
          }
        }
      }
    }

    @Override
    void prepareForCreate(ObjectNode object) {
      Meta.setGeneration(object, 1);
      ObjectNode status = object.putObject("status");
      status.put("phase", "Pending");
      ObjectNode spec = Json.ensureObject(object, "spec");
      status.put("qosClass", qosClass(spec));
      // What admission adds on the real server.
      defaultTo(spec, "priority", 0);
      defaultTo(spec, "preemptionPolicy", "PreemptLowerPriority");
      if (!spec.has("tolerations")) {
        ArrayNode tolerations = spec.putArray("tolerations");
        for (String key :
            List.of("node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable")) {
          ObjectNode toleration = tolerations.addObject();
          toleration.put("key", key);
          toleration.put("operator", "Exists");
          toleration.put("effect", "NoExecute");
          toleration.put("tolerationSeconds", 300);
        }
      }
    }

    private static String qosClass(ObjectNode spec) {
      boolean any = false;
      boolean guaranteed = true;
      for (JsonNode container : PodSpecs.elements(spec, "containers")) {
        ObjectNode resources = Json.objectAt(container, "resources");
        ObjectNode limits = resources == null ? null : Json.objectAt(resources, "limits");
        ObjectNode requests = resources == null ? null : Json.objectAt(resources, "requests");
        any |= (limits != null && !limits.isEmpty()) || (requests != null && !requests.isEmpty());
        guaranteed &=
            limits != null
                && limits.has("cpu")
                && limits.has("memory")
                && (requests == null || Json.same(requests, limits));
      }
      return !any ? "BestEffort" : guaranteed ? "Guaranteed" : "Burstable";
    }

    @Override
    void validate(ObjectNode object, FieldErrors errors) {
      PodSpecs.validate(Json.ensureObject(object, "spec"), "spec", errors);
    }

    @Override
    void prepareForUpdate(ObjectNode object, ObjectNode old) {
      Meta.copyField(old, object, "status");
      ObjectNode spec = Json.ensureObject(object, "spec");
      ObjectNode before = Json.ensureObject(old, "spec");
      // What admission has added stays where the client left it out.
      for (String field : List.of("priority", "preemptionPolicy", "tolerations")) {
        if (!spec.has(field)) {
          Meta.copyField(before, spec, field);
        }
      }
      if (!Json.same(spec, before)) {
        Meta.setGeneration(object, Meta.generation(old) + 1);
      }
    }

    @Override
    void validateUpdate(ObjectNode object, ObjectNode old, FieldErrors errors) {
      validate(object, errors);
      if (!errors.isEmpty()) {
        return;
      }
      ObjectNode now = Json.ensureObject(object, "spec").deepCopy();
      ObjectNode before = Json.ensureObject(old, "spec").deepCopy();
      for (ObjectNode spec : List.of(now, before)) {
        spec.remove("activeDeadlineSeconds");
        spec.remove("terminationGracePeriodSeconds");
        spec.remove("tolerations");
        for (String list : List.of("containers", "initContainers")) {
          for (JsonNode container : PodSpecs.elements(spec, list)) {
            ((ObjectNode) container).remove("image");
          }
        }
      }
      if (!Json.same(now, before)) {
        errors.forbidden(
            "spec",
            "pod updates may not change fields other than"
                + " `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations`"
                + " (only additions to existing tolerations),`spec.terminationGracePeriodSeconds`"
                + " (allow it to be set to 1 if it was previously negative)");
      }
    }

    @Override
    void prepareForStatusUpdate(ObjectNode object, ObjectNode old) {
      Meta.copyField(old, object, "spec");
      Meta.copy(old, object, "deletionTimestamp");
      Meta.copy(old, object, "ownerReferences");
      ObjectNode status = Json.objectAt(object, "status");
      ObjectNode before = Json.objectAt(old, "status");
      if (status != null && before != null && !status.has("qosClass")) {
        Meta.copyField(before, status, "qosClass");
      }
    }

    @Override
    @Nullable Long gracePeriod(ObjectNode object, @Nullable Long asked) {
      ObjectNode spec = Json.ensureObject(object, "spec");
      ObjectNode status = Json.ensureObject(object, "status");
      String phase = Json.textAt(status, "phase");
      if (Json.textAt(spec, "nodeName").isEmpty()
          || phase.equals("Failed")
          || phase.equals("Succeeded")) {
        return 0L;
      }
      if (asked != null) {
        return asked < 0 ? 1L : asked;
      }
      JsonNode own = spec.get("terminationGracePeriodSeconds");
      return own == null || !own.isNumber() ? 30L : own.longValue();
    }

    @Override
    boolean returnsDeleted() {
      return true;
    }

    @Override
    Map<String, String> fields(ObjectNode object) {
      ObjectNode spec = Json.ensureObject(object, "spec");
      ObjectNode status = Json.ensureObject(object, "status");
      Map<String, String> fields = new HashMap<>();
      for (String field :
          List.of("nodeName", "restartPolicy", "schedulerName", "serviceAccountName")) {
        fields.put("spec." + field, Json.textAt(spec, field));
      }
      fields.put("spec.host", Json.textAt(spec, "nodeName"));
      fields.put("spec.hostNetwork", Boolean.toString(PodSpecs.isTrue(spec.get("hostNetwork"))));
      fields.put("status.phase", Json.textAt(status, "phase"));
      fields.put("status.podIP", Json.textAt(status, "podIP"));
      fields.put("status.podIPs", Json.textAt(status, "podIP"));
      fields.put("status.nominatedNodeName", Json.textAt(status, "nominatedNodeName"));
      return fields;
    }

    @Override
    String unknownField(String field) {
      return "field label not supported: " + field;
    }

    @Override
    boolean knowsField(String field) {
      return List.of(
              "spec.nodeName",
              "spec.host",
              "spec.restartPolicy",
              "spec.schedulerName",
              "spec.serviceAccountName",
              "spec.hostNetwork",
              "status.phase",
              "status.podIP",
              "status.podIPs",
              "status.nominatedNodeName")
          .contains(field);
    }

    @Override
    Tables.Layout table() {
      return Tables.PODS;
    }
  }

  /** Deployments. */
  static final class Deployments extends Strategy {
    @Override
    void defaults(ObjectNode object) {
      ObjectNode spec = Json.ensureObject(object, "spec");
      defaultTo(spec, "replicas", 1);
      ObjectNode strategy = Json.ensureObject(spec, "strategy");
      defaultTo(strategy, "type", "RollingUpdate");
      if (Json.textAt(strategy, "type").equals("RollingUpdate")) {
        ObjectNode rolling = Json.ensureObject(strategy, "rollingUpdate");
        defaultTo(rolling, "maxUnavailable", "25%");
        defaultTo(rolling, "maxSurge", "25%");
      }
      defaultTo(spec, "revisionHistoryLimit", 10);
      defaultTo(spec, "progressDeadlineSeconds", 600);
      ObjectNode template = Json.ensureObject(spec, "template");
      PodSpecs.defaults(Json.ensureObject(template, "spec"));
    }

    @Override
    void prepareForCreate(ObjectNode object) {
      object.set("status", Json.object());
      Meta.setGeneration(object, 1);
    }

    @Override
    void prepareForUpdate(ObjectNode object, ObjectNode old) {
      Meta.copyField(old, object, "status");
      ObjectNode annotations = Json.objectAt(Meta.of(object), "annotations");
      ObjectNode before = Json.objectAt(Meta.of(old), "annotations");
      boolean annotated =
          !Json.same(
              annotations == null ? Json.object() : annotations,
              before == null ? Json.object() : before);
      if (annotated || !Json.same(object.get("spec"), old.get("spec"))) {
        Meta.setGeneration(object, Meta.generation(old) + 1);
      }
    }

    @Override
    void prepareForStatusUpdate(ObjectNode object, ObjectNode old) {
      Meta.copyField(old, object, "spec");
      Meta.copy(old, object, "labels");
    }

    @Override
    void validate(ObjectNode object, FieldErrors errors) {
      ObjectNode spec = Json.ensureObject(object, "spec");
      JsonNode replicas = spec.get("replicas");
      if (replicas != null && replicas.isNumber() && replicas.longValue() < 0) {
        errors.invalid("spec.replicas", replicas, "must be greater than or equal to 0");
      }
      ObjectNode selector = Json.objectAt(spec, "selector");
      ObjectNode template = Json.ensureObject(spec, "template");
      ObjectNode templateMeta = Json.ensureObject(template, "metadata");
      ObjectNode labels = Json.objectAt(templateMeta, "labels");
      if (selector == null) {
        errors.required("spec.selector", "");
      } else if (isEmpty(selector)) {
        errors.invalid("spec.selector", selector, "empty selector is invalid for deployment");
      }
      boolean matches = selector != null && matches(selector, labels);
      if (!matches) {
        errors.invalid(
            "spec.template.metadata.labels",
            labels == null ? Json.object().nullNode() : labels,
            "`selector` does not match template `labels`");
      }
      if (labels != null) {
        PodSpecs.labels(labels, "spec.template.metadata.labels", errors);
      }
      ObjectNode podSpec = Json.ensureObject(template, "spec");
      PodSpecs.validate(podSpec, "spec.template.spec", errors);
      if (!Json.textAt(podSpec, "restartPolicy").equals("Always")) {
        errors.notSupported(
            "spec.template.spec.restartPolicy",
            Json.textAt(podSpec, "restartPolicy"),
            List.of("Always"));
      }
      ObjectNode strategy = Json.ensureObject(spec, "strategy");
      String type = Json.textAt(strategy, "type");
      if (type.equals("Recreate")) {
        if (strategy.has("rollingUpdate")) {
          errors.forbidden(
              "spec.strategy.rollingUpdate",
              "may not be specified when strategy `type` is 'Recreate'");
        }
      } else if (!type.equals("RollingUpdate")) {
        errors.notSupported("spec.strategy", strategy, List.of("Recreate", "RollingUpdate"));
      }
    }

    private static boolean isEmpty(ObjectNode selector) {
      ObjectNode labels = Json.objectAt(selector, "matchLabels");
      ArrayNode expressions = Json.arrayAt(selector, "matchExpressions");
      return (labels == null || labels.isEmpty()) && (expressions == null || expressions.isEmpty());
    }

    private static boolean matches(ObjectNode selector, @Nullable ObjectNode labels) {
      ObjectNode wanted = Json.objectAt(selector, "matchLabels");
      if (wanted != null) {
        for (Map.Entry<String, JsonNode> entry : wanted.properties()) {
          if (labels == null || !Json.same(labels.get(entry.getKey()), entry.getValue())) {
            return false;
          }
        }
      }
      ArrayNode expressions = Json.arrayAt(selector, "matchExpressions");
      if (expressions != null) {
        for (JsonNode expression : expressions) {
          String key = Json.textAt(expression, "key");
          String value = labels == null ? null : Json.stringAt(labels, key);
          ArrayNode values = Json.arrayAt(expression, "values");
          boolean among = false;
          if (values != null && value != null) {
            for (JsonNode one : values) {
              among |= one.isString() && one.stringValue().equals(value);
            }
          }
          boolean holds =
              switch (Json.textAt(expression, "operator")) {
                case "In" -> among;
                case "NotIn" -> !among;
                case "Exists" -> value != null;
                case "DoesNotExist" -> value == null;
                default -> false;
              };
          if (!holds) {
            return false;
          }
        }
      }
      return true;
    }

    @Override
    void validateUpdate(ObjectNode object, ObjectNode old, FieldErrors errors) {
      validate(object, errors);
      JsonNode selector = Registry.at(object, "spec", "selector");
      if (!Json.same(selector, Registry.at(old, "spec", "selector"))) {
        errors.invalid("spec.selector", selector, "field is immutable");
      }
    }

    @Override
    Tables.Layout table() {
      return Tables.DEPLOYMENTS;
    }
  }

  /** Leases. */
  static final class Leases extends Strategy {
    @Override
    boolean createsOnUpdate() {
      return true;
    }

    @Override
    boolean updatesUnconditionally() {
      return false;
    }

    @Override
    void validate(ObjectNode object, FieldErrors errors) {
      ObjectNode spec = Json.ensureObject(object, "spec");
      JsonNode duration = spec.get("leaseDurationSeconds");
      if (duration != null && duration.isNumber() && duration.longValue() <= 0) {
        errors.invalid("spec.leaseDurationSeconds", duration, "must be greater than 0");
      }
      JsonNode transitions = spec.get("leaseTransitions");
      if (transitions != null && transitions.isNumber() && transitions.longValue() < 0) {
        errors.invalid("spec.leaseTransitions", transitions, "must be greater than or equal to 0");
      }
      if (!Json.textAt(spec, "preferredHolder").isEmpty()
          && Json.textAt(spec, "strategy").isEmpty()) {
        errors.forbidden("spec.preferredHolder", "may only be specified if `strategy` is defined");
      }
    }

    @Override
    Tables.Layout table() {
      return Tables.LEASES;
    }
  }
}
