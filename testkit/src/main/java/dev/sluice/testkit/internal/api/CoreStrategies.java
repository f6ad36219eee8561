package dev.sluice.testkit.internal.api;

import dev.sluice.testkit.internal.json.Json;
import java.util.Base64;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** The rules of the core group's kinds. */
final class CoreStrategies {
  private CoreStrategies() {}

  private static final int MAX_DATA = 1024 * 1024;

  /** Data of a ConfigMap or Secret: sizes and keys. */
  private static void keys(@Nullable ObjectNode data, String path, FieldErrors errors) {
    if (data == null) {
      return;
    }
    for (String key : data.propertyNames()) {
      for (String fault : Names.configKey(key)) {
        errors.invalid(path + "[" + key + "]", key, fault);
      }
    }
  }

  private static void immutable(
      ObjectNode object, ObjectNode old, List<String> fields, FieldErrors errors) {
    if (!PodSpecs.isTrue(old.get("immutable"))) {
      return;
    }
    if (!PodSpecs.isTrue(object.get("immutable"))) {
      errors.forbidden("immutable", "field is immutable when `immutable` is set");
    }
    for (String field : fields) {
      if (!Json.same(object.get(field), old.get(field))) {
        errors.forbidden(field, "field is immutable when `immutable` is set");
      }
    }
  }

  /** ConfigMaps. */
  static final class ConfigMaps extends Strategy {
    @Override
    void validate(ObjectNode object, FieldErrors errors) {
      ObjectNode data = Json.objectAt(object, "data");
      ObjectNode binary = Json.objectAt(object, "binaryData");
      long size = 0;
      keys(data, "data", errors);
      if (data != null) {
        for (Map.Entry<String, JsonNode> entry : data.properties()) {
          if (binary != null && binary.has(entry.getKey())) {
            errors.invalid(
                "data[" + entry.getKey() + "]",
                entry.getKey(),
                "duplicate of key present in binaryData");
          }
          size += Names.bytes(entry.getValue().stringValue());
        }
      }
      keys(binary, "binaryData", errors);
      if (binary != null) {
        for (JsonNode value : binary) {
          size += Base64.getDecoder().decode(value.stringValue()).length;
        }
      }
      if (size > MAX_DATA) {
        // The real server names no field here.
        errors.tooLong("[]", MAX_DATA);
      }
    }

    @Override
    void validateUpdate(ObjectNode object, ObjectNode old, FieldErrors errors) {
      immutable(object, old, List.of("data", "binaryData"), errors);
      validate(object, errors);
    }

    @Override
    Tables.Layout table() {
      return Tables.CONFIG_MAPS;
    }
  }

  /** Secrets. */
  static final class Secrets extends Strategy {
    @Override
    void defaults(ObjectNode object) {
      ObjectNode plain = Json.objectAt(object, "stringData");
      if (plain != null) {
        ObjectNode data = Json.ensureObject(object, "data");
        for (Map.Entry<String, JsonNode> entry : plain.properties()) {
          data.put(
              entry.getKey(),
              Base64.getEncoder()
                  .encodeToString(
                      entry
                          .getValue()
                          .stringValue()
                          .getBytes(java.nio.charset.StandardCharsets.UTF_8)));
        }
        object.remove("stringData");
      }
      defaultTo(object, "type", "Opaque");
    }

    @Override
    void validate(ObjectNode object, FieldErrors errors) {
      ObjectNode data = Json.objectAt(object, "data");
      keys(data, "data", errors);
      long size = 0;
      if (data != null) {
        for (JsonNode value : data) {
          size += value.isString() ? Base64.getDecoder().decode(value.stringValue()).length : 0;
        }
      }
      if (size > MAX_DATA) {
        errors.tooLong("data", MAX_DATA);
      }
      switch (Json.textAt(object, "type")) {
        case "kubernetes.io/service-account-token" -> {
          ObjectNode annotations = Json.objectAt(Meta.of(object), "annotations");
          if (annotations == null
              || Json.textAt(annotations, "kubernetes.io/service-account.name").isEmpty()) {
            errors.required("metadata.annotations[kubernetes.io/service-account.name]", "");
          }
        }
        case "kubernetes.io/tls" -> {
          for (String key : List.of("tls.crt", "tls.key")) {
            if (data == null || !data.has(key)) {
              errors.required("data[" + key + "]", "");
            }
          }
        }
        case "kubernetes.io/dockerconfigjson" -> {
          if (data == null || !data.has(".dockerconfigjson")) {
            errors.required("data[.dockerconfigjson]", "");
          }
        }
        case "kubernetes.io/ssh-auth" -> {
          if (data == null || !data.has("ssh-privatekey")) {
            errors.required("data[ssh-privatekey]", "");
          }
        }
        case "kubernetes.io/basic-auth" -> {
          if (data == null || (!data.has("username") && !data.has("password"))) {
            errors.required("data[username]", "");
            errors.required("data[password]", "");
          }
        }
        default -> {}
      }
    }

    @Override
    void prepareForUpdate(ObjectNode object, ObjectNode old) {
      if (Json.textAt(object, "type").isEmpty()) {
        Meta.copyField(old, object, "type");
      }
    }

    @Override
    void validateUpdate(ObjectNode object, ObjectNode old, FieldErrors errors) {
      if (!Json.same(object.get("type"), old.get("type"))) {
        errors.invalid("type", object.get("type"), "field is immutable");
      }
      immutable(object, old, List.of("data"), errors);
      validate(object, errors);
    }

    @Override
    Map<String, String> fields(ObjectNode object) {
      return Map.of("type", Json.textAt(object, "type"));
    }

    @Override
    String unknownField(String field) {
      return "field label not supported: " + field;
    }

    @Override
    boolean knowsField(String field) {
      return field.equals("type");
    }

    @Override
    Tables.Layout table() {
      return Tables.SECRETS;
    }
  }

  /** Service accounts. */
  static final class ServiceAccounts extends Strategy {
    @Override
    boolean returnsDeleted() {
      return true;
    }

    @Override
    Tables.Layout table() {
      return Tables.SERVICE_ACCOUNTS;
    }
  }

  /** Namespaces. */
  static final class Namespaces extends Strategy {
    private static final List<String> IMMORTAL = List.of("default", "kube-public", "kube-system");

    @Override
    void refuseDeletion(ObjectNode object) {
      if (IMMORTAL.contains(Meta.name(object))) {
        throw StatusException.forbidden(
            "", "namespaces", Meta.name(object), "this namespace may not be deleted");
      }
    }

    @Override
    Names.Rule nameRule() {
      return Names::label;
    }

    @Override
    void defaults(ObjectNode object) {
      String name = Meta.name(object);
      if (!name.isEmpty()) {
        Json.ensureObject(Meta.of(object), "labels").put("kubernetes.io/metadata.name", name);
      }
      defaultTo(Json.ensureObject(object, "status"), "phase", "Active");
    }

    @Override
    void prepareForCreate(ObjectNode object) {
      object.putObject("status").put("phase", "Active");
      ObjectNode spec = Json.ensureObject(object, "spec");
      ArrayNode finalizers = Json.arrayAt(spec, "finalizers");
      if (finalizers == null) {
        finalizers = spec.putArray("finalizers");
      }
      boolean there = false;
      for (JsonNode one : finalizers) {
        there |= one.isString() && one.stringValue().equals("kubernetes");
      }
      if (!there) {
        finalizers.add("kubernetes");
      }
      Json.ensureObject(Meta.of(object), "labels")
          .put("kubernetes.io/metadata.name", Meta.name(object));
    }

    @Override
    void prepareForUpdate(ObjectNode object, ObjectNode old) {
      Meta.copyField(old, object, "spec");
      Meta.copyField(old, object, "status");
    }

    @Override
    void prepareForStatusUpdate(ObjectNode object, ObjectNode old) {
      Meta.copyField(old, object, "spec");
    }

    @Override
    void validateStatusUpdate(ObjectNode object, ObjectNode old, FieldErrors errors) {
      ObjectNode status = Json.objectAt(object, "status");
      String phase = status == null ? "" : Json.textAt(status, "phase");
      if (!Meta.isDeleting(object) && phase.equals("Terminating")) {
        errors.invalid(
            "status.phase", phase, "may only be 'Active' if `deletionTimestamp` is empty");
      } else if (Meta.isDeleting(object) && phase.equals("Active")) {
        errors.invalid(
            "status.phase", phase, "may only be 'Terminating' if `deletionTimestamp` is not empty");
      }
    }

    @Override
    Map<String, String> fields(ObjectNode object) {
      ObjectNode status = Json.objectAt(object, "status");
      return Map.of(
          "status.phase",
          status == null ? "" : Json.textAt(status, "phase"),
          "name",
          Meta.name(object));
    }

    @Override
    String unknownField(String field) {
      return "field label not supported: " + field;
    }

    @Override
    boolean knowsField(String field) {
      return field.equals("status.phase") || field.equals("name");
    }

    @Override
    boolean returnsDeleted() {
      return true;
    }

    @Override
    Tables.Layout table() {
      return Tables.NAMESPACES;
    }
  }

  /** Services. */
  static final class Services extends Strategy {
    private final ClusterAddresses addresses;

    Services(ClusterAddresses addresses) {
      this.addresses = addresses;
    }

    @Override
    Names.Rule nameRule() {
      return Names::label;
    }

    @Override
    void defaults(ObjectNode object) {
      ObjectNode spec = Json.ensureObject(object, "spec");
      defaultTo(spec, "sessionAffinity", "None");
      if (Json.textAt(spec, "sessionAffinity").equals("None")) {
        spec.remove("sessionAffinityConfig");
      } else if (!spec.has("sessionAffinityConfig")) {
        spec.putObject("sessionAffinityConfig").putObject("clientIP").put("timeoutSeconds", 10800);
      }
      defaultTo(spec, "type", "ClusterIP");
      for (JsonNode port : PodSpecs.elements(spec, "ports")) {
        if (port instanceof ObjectNode one) {
          defaultTo(one, "protocol", "TCP");
          JsonNode target = one.get("targetPort");
          boolean unset =
              target == null
                  || (target.isNumber() && target.longValue() == 0)
                  || (target.isString() && target.stringValue().isEmpty());
          JsonNode number = one.get("port");
          if (unset && number != null) {
            one.set("targetPort", number);
          }
        }
      }
      String type = Json.textAt(spec, "type");
      if (List.of("NodePort", "LoadBalancer").contains(type)) {
        defaultTo(spec, "externalTrafficPolicy", "Cluster");
      }
      if (List.of("NodePort", "LoadBalancer", "ClusterIP").contains(type)) {
        defaultTo(spec, "internalTrafficPolicy", "Cluster");
      }
      if (type.equals("LoadBalancer")) {
        defaultTo(spec, "allocateLoadBalancerNodePorts", true);
      }
    }

    @Override
    void prepareForCreate(ObjectNode object) {
      object.set("status", Json.object());
      allocate(object);
    }

    private void allocate(ObjectNode object) {
      ObjectNode spec = Json.ensureObject(object, "spec");
      if (Json.textAt(spec, "type").equals("ExternalName")) {
        return;
      }
      String address = Json.textAt(spec, "clusterIP");
      if (address.isEmpty()) {
        ArrayNode list = Json.arrayAt(spec, "clusterIPs");
        address =
            list != null && !list.isEmpty() && list.get(0).isString()
                ? list.get(0).stringValue()
                : addresses.next();
        spec.put("clusterIP", address);
      }
      if (!spec.has("clusterIPs")) {
        spec.putArray("clusterIPs").add(address);
      }
      if (!spec.has("ipFamilies")) {
        spec.putArray("ipFamilies").add(address.contains(":") ? "IPv6" : "IPv4");
      }
      defaultTo(spec, "ipFamilyPolicy", "SingleStack");
      String type = Json.textAt(spec, "type");
      if (type.equals("NodePort")
          || (type.equals("LoadBalancer")
              && PodSpecs.isTrue(spec.get("allocateLoadBalancerNodePorts")))) {
        for (JsonNode port : PodSpecs.elements(spec, "ports")) {
          if (port instanceof ObjectNode one) {
            defaultTo(one, "nodePort", addresses.nextNodePort());
          }
        }
      }
    }

    @Override
    void prepareForUpdate(ObjectNode object, ObjectNode old) {
      Meta.copyField(old, object, "status");
      ObjectNode spec = Json.ensureObject(object, "spec");
      ObjectNode oldSpec = Json.ensureObject(old, "spec");
      if (!Json.textAt(spec, "type").equals("ExternalName")) {
        for (String field : List.of("clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy")) {
          if (!spec.has(field)) {
            Meta.copyField(oldSpec, spec, field);
          }
        }
        ArrayNode oldPorts = Json.arrayAt(oldSpec, "ports");
        for (JsonNode port : PodSpecs.elements(spec, "ports")) {
          if (port instanceof ObjectNode one && !one.has("nodePort") && oldPorts != null) {
            for (JsonNode before : oldPorts) {
              if (Json.same(before.get("port"), one.get("port")) && before.has("nodePort")) {
                one.set("nodePort", before.get("nodePort"));
              }
            }
          }
        }
        if (Json.textAt(spec, "type").equals("ClusterIP")) {
          for (JsonNode port : PodSpecs.elements(spec, "ports")) {
            ((ObjectNode) port).remove("nodePort");
          }
        }
        allocate(object);
      }
    }

    @Override
    void validate(ObjectNode object, FieldErrors errors) {
      ObjectNode spec = Json.ensureObject(object, "spec");
      String type = Json.textAt(spec, "type");
      List<String> types = List.of("ClusterIP", "ExternalName", "LoadBalancer", "NodePort");
      if (!types.contains(type)) {
        errors.notSupported("spec.type", type, types);
      }
      ArrayNode ports = Json.arrayAt(spec, "ports");
      boolean headless = Json.textAt(spec, "clusterIP").equals("None");
      if ((ports == null || ports.isEmpty()) && !headless && !type.equals("ExternalName")) {
        errors.required("spec.ports", "");
      }
      if (type.equals("ExternalName")) {
        String name = Json.textAt(spec, "externalName");
        if (name.isEmpty()) {
          errors.required("spec.externalName", "");
        }
      }
      Set<String> names = new HashSet<>();
      Set<String> numbers = new HashSet<>();
      int index = 0;
      boolean nameNeeded = ports != null && ports.size() > 1;
      for (JsonNode port : PodSpecs.elements(spec, "ports")) {
        String at = "spec.ports[" + index++ + "]";
        String name = Json.textAt(port, "name");
        if (name.isEmpty()) {
          if (nameNeeded) {
            errors.required(at + ".name", "");
          }
        } else {
          for (String fault : Names.label(name)) {
            errors.invalid(at + ".name", name, fault);
          }
          if (!names.add(name)) {
            errors.duplicate(at + ".name", Json.string(name));
          }
        }
        JsonNode number = port.get("port");
        long value = number == null ? 0 : number.longValue();
        if (value < 1 || value > 65535) {
          errors.invalid(
              at + ".port",
              number == null ? Json.number(0) : number,
              "must be between 1 and 65535, inclusive");
        }
        JsonNode target = port.get("targetPort");
        if (target != null
            && target.isNumber()
            && (target.longValue() < 1 || target.longValue() > 65535)) {
          errors.invalid(at + ".targetPort", target, "must be between 1 and 65535, inclusive");
        }
        if (!numbers.add(value + "/" + Json.textAt(port, "protocol"))) {
          ObjectNode shown = Json.object();
          shown.put("protocol", Json.textAt(port, "protocol"));
          shown.put("port", value);
          errors.duplicate(at, shown);
        }
        List<String> protocols = List.of("SCTP", "TCP", "UDP");
        if (!protocols.contains(Json.textAt(port, "protocol"))) {
          errors.notSupported(at + ".protocol", Json.textAt(port, "protocol"), protocols);
        }
      }
      List<String> affinities = List.of("ClientIP", "None");
      if (!affinities.contains(Json.textAt(spec, "sessionAffinity"))) {
        errors.notSupported(
            "spec.sessionAffinity", Json.textAt(spec, "sessionAffinity"), affinities);
      }
      ObjectNode selector = Json.objectAt(spec, "selector");
      if (selector != null) {
        PodSpecs.labels(selector, "spec.selector", errors);
      }
    }

    @Override
    void validateUpdate(ObjectNode object, ObjectNode old, FieldErrors errors) {
      ObjectNode spec = Json.ensureObject(object, "spec");
      ObjectNode oldSpec = Json.ensureObject(old, "spec");
      String before = Json.textAt(oldSpec, "clusterIP");
      if (!before.isEmpty()
          && !Json.textAt(spec, "type").equals("ExternalName")
          && !before.equals(Json.textAt(spec, "clusterIP"))) {
        errors.invalid("spec.clusterIPs[0]", spec.get("clusterIPs"), "may not change once set");
      }
      validate(object, errors);
    }

    @Override
    Map<String, String> fields(ObjectNode object) {
      ObjectNode spec = Json.ensureObject(object, "spec");
      return Map.of(
          "spec.clusterIP", Json.textAt(spec, "clusterIP"), "spec.type", Json.textAt(spec, "type"));
    }

    @Override
    String unknownField(String field) {
      return "field label not supported: " + field;
    }

    @Override
    boolean knowsField(String field) {
      return field.equals("spec.clusterIP") || field.equals("spec.type");
    }

    @Override
    boolean returnsDeleted() {
      return true;
    }

    @Override
    Tables.Layout table() {
      return Tables.SERVICES;
    }
  }

  /** Hands out addresses and node ports for services, one after the other. */
  interface ClusterAddresses {
    String next();

    int nextNodePort();
  }

  /** Events of the core group; those of {@code events.k8s.io} are the same objects. */
  static final class Events extends Strategy {
    private final boolean core;

    Events(boolean core) {
      this.core = core;
    }

    private String name(String coreName, String name) {
      return core ? coreName : name;
    }

    @Override
    void validate(ObjectNode object, FieldErrors errors) {
      ObjectNode regarding = Json.ensureObject(object, name("involvedObject", "regarding"));
      String about = Json.textAt(regarding, "namespace");
      String namespace = Meta.namespace(object);
      JsonNode time = object.get("eventTime");
      boolean timed = time != null && time.isString();
      if (!timed) {
        boolean agrees = about.isEmpty() ? namespace.equals("default") : namespace.equals(about);
        if (!agrees) {
          errors.invalid("involvedObject.namespace", about, "does not match event.namespace");
        }
      } else {
        if (about.isEmpty() && !namespace.equals("default") && !namespace.equals("kube-system")) {
          errors.invalid("involvedObject.namespace", about, "does not match event.namespace");
        }
        String controller = Json.textAt(object, name("reportingComponent", "reportingController"));
        String field = name("reportingComponent", "reportingController");
        if (controller.isEmpty()) {
          errors.required(field, "");
        }
        for (String fault : Names.labelKey(controller)) {
          errors.invalid(field, controller, fault);
        }
        limited(object, "reportingInstance", 128, errors);
        limited(object, "action", 128, errors);
        limited(object, "reason", 128, errors);
        String note = Json.textAt(object, name("message", "note"));
        if (note.length() > 1024) {
          errors.invalid("message", "", "can have at most 1024 characters");
        }
      }
      if (!core) {
        if (!timed) {
          errors.required("eventTime", "");
        }
        String type = Json.textAt(object, "type");
        if (!type.equals("Normal") && !type.equals("Warning")) {
          errors.invalid("type", "", "has invalid value: " + type);
        }
        unset(object, "deprecatedFirstTimestamp", "firstTimestamp", errors);
        unset(object, "deprecatedLastTimestamp", "lastTimestamp", errors);
        unset(object, "deprecatedCount", "count", errors);
        ObjectNode source = Json.objectAt(object, "deprecatedSource");
        if (source != null && !source.isEmpty()) {
          errors.invalid("source", "", "needs to be unset");
        }
        series(object, errors);
      }
    }

    private static void series(ObjectNode object, FieldErrors errors) {
      ObjectNode series = Json.objectAt(object, "series");
      if (series != null) {
        JsonNode count = series.get("count");
        if (count == null || count.longValue() < 2) {
          errors.invalid("series.count", "", "should be at least 2");
        }
        if (Json.textAt(series, "lastObservedTime").isEmpty()) {
          errors.required("series.lastObservedTime", "");
        }
      }
    }

    private static void unset(ObjectNode object, String field, String shown, FieldErrors errors) {
      JsonNode value = object.get(field);
      boolean zero =
          value == null || value.isNull() || (value.isNumber() && value.longValue() == 0);
      if (!zero) {
        errors.invalid(shown, "", "needs to be unset");
      }
    }

    private static void limited(ObjectNode object, String field, int limit, FieldErrors errors) {
      String value = Json.textAt(object, field);
      if (value.isEmpty()) {
        errors.required(field, "");
      }
      if (value.length() > limit) {
        errors.invalid(field, "", "can have at most " + limit + " characters");
      }
    }

    @Override
    void validateUpdate(ObjectNode object, ObjectNode old, FieldErrors errors) {
      if (core) {
        validate(object, errors);
        return;
      }
      if (!Json.same(object.get("series"), old.get("series"))) {
        series(object, errors);
      }
      Map<String, String> fixed = new java.util.LinkedHashMap<>();
      fixed.put("regarding", "involvedObject");
      fixed.put("reason", "reason");
      fixed.put("note", "message");
      fixed.put("type", "type");
      fixed.put("eventTime", "eventTime");
      fixed.put("action", "action");
      fixed.put("related", "related");
      fixed.put("reportingController", "reportingController");
      fixed.put("reportingInstance", "reportingInstance");
      fixed.forEach((field, shown) -> {
        if (!Json.same(object.get(field), old.get(field))) {
          errors.invalid(shown, object.get(field), "field is immutable");
        }
      });
    }

    @Override
    boolean createsOnUpdate() {
      return true;
    }

    @Override
    Map<String, String> fields(ObjectNode object) {
      ObjectNode about = Json.ensureObject(object, "involvedObject");
      Map<String, String> fields = new HashMap<>();
      for (String field :
          List.of(
              "kind", "namespace", "name", "uid", "apiVersion", "resourceVersion", "fieldPath")) {
        fields.put("involvedObject." + field, Json.textAt(about, field));
        fields.put("regarding." + field, Json.textAt(about, field));
      }
      fields.put("reason", Json.textAt(object, "reason"));
      String controller = Json.textAt(object, "reportingComponent");
      fields.put("reportingComponent", controller);
      fields.put("reportingController", controller);
      ObjectNode source = Json.objectAt(object, "source");
      String component = source == null ? "" : Json.textAt(source, "component");
      fields.put("source", component.isEmpty() ? controller : component);
      fields.put("type", Json.textAt(object, "type"));
      return fields;
    }

    @Override
    String unknownField(String field) {
      return "field label not supported: " + field;
    }

    @Override
    boolean knowsField(String field) {
      return core
          ? List.of(
                  "involvedObject.kind",
                  "involvedObject.namespace",
                  "involvedObject.name",
                  "involvedObject.uid",
                  "involvedObject.apiVersion",
                  "involvedObject.resourceVersion",
                  "involvedObject.fieldPath",
                  "reason",
                  "reportingComponent",
                  "source",
                  "type")
              .contains(field)
          : List.of(
                  "regarding.kind",
                  "regarding.namespace",
                  "regarding.name",
                  "regarding.uid",
                  "regarding.apiVersion",
                  "regarding.resourceVersion",
                  "regarding.fieldPath",
                  "reason",
                  "reportingController",
                  "type")
              .contains(field);
    }

    @Override
    Tables.Layout table() {
      return core ? Tables.EVENTS : Tables.NEW_EVENTS;
    }
  }

  /** Between {@code events.k8s.io/v1} and the core event in which it is stored. */
  static final class EventConverter implements Resource.Converter {
    private static final String[][] NAMES = {
      {"involvedObject", "regarding"},
      {"message", "note"},
      {"source", "deprecatedSource"},
      {"firstTimestamp", "deprecatedFirstTimestamp"},
      {"lastTimestamp", "deprecatedLastTimestamp"},
      {"count", "deprecatedCount"},
      {"reportingComponent", "reportingController"}
    };

    @Override
    public ObjectNode fromStorage(ObjectNode object) {
      object.put("apiVersion", "events.k8s.io/v1");
      for (String[] pair : NAMES) {
        rename(object, pair[0], pair[1]);
      }
      return object;
    }

    @Override
    public ObjectNode toStorage(ObjectNode object) {
      object.put("apiVersion", "v1");
      for (String[] pair : NAMES) {
        rename(object, pair[1], pair[0]);
      }
      return object;
    }

    private static void rename(ObjectNode object, String from, String to) {
      JsonNode value = object.remove(from);
      if (value != null) {
        object.set(to, value);
      }
    }
  }
}
