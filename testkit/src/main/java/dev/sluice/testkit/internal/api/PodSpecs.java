package dev.sluice.testkit.internal.api;

import dev.sluice.testkit.internal.json.Json;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** Defaults and rules of a pod's {@code spec}, alone or in a template. Stateless. */
final class PodSpecs {
  private PodSpecs() {}

  static void defaults(ObjectNode spec) {
    String account = Json.textAt(spec, "serviceAccountName");
    if (account.isEmpty()) {
      account = Json.textAt(spec, "serviceAccount");
    }
    if (!account.isEmpty()) {
      spec.put("serviceAccountName", account);
      spec.put("serviceAccount", account);
    }
    Strategy.defaultTo(spec, "dnsPolicy", "ClusterFirst");
    Strategy.defaultTo(spec, "restartPolicy", "Always");
    Strategy.defaultTo(spec, "terminationGracePeriodSeconds", 30);
    Strategy.defaultTo(spec, "schedulerName", "default-scheduler");
    Json.ensureObject(spec, "securityContext");
    for (String list : List.of("containers", "initContainers", "ephemeralContainers")) {
      for (JsonNode container : elements(spec, list)) {
        if (container instanceof ObjectNode object) {
          container(object, spec);
        }
      }
    }
    for (JsonNode volume : elements(spec, "volumes")) {
      if (volume instanceof ObjectNode object) {
        volume(object);
      }
    }
  }

  private static void container(ObjectNode container, ObjectNode spec) {
    String image = Json.textAt(container, "image");
    Strategy.defaultTo(
        container, "imagePullPolicy", tag(image).equals("latest") ? "Always" : "IfNotPresent");
    Strategy.defaultTo(container, "terminationMessagePath", "/dev/termination-log");
    Strategy.defaultTo(container, "terminationMessagePolicy", "File");
    boolean hostNetwork = isTrue(spec.get("hostNetwork"));
    for (JsonNode port : elements(container, "ports")) {
      if (port instanceof ObjectNode object) {
        Strategy.defaultTo(object, "protocol", "TCP");
        JsonNode containerPort = object.get("containerPort");
        if (hostNetwork && !object.has("hostPort") && containerPort != null) {
          object.set("hostPort", containerPort);
        }
      }
    }
    for (String probe : List.of("livenessProbe", "readinessProbe", "startupProbe")) {
      ObjectNode object = Json.objectAt(container, probe);
      if (object != null) {
        Strategy.defaultTo(object, "timeoutSeconds", 1);
        Strategy.defaultTo(object, "periodSeconds", 10);
        Strategy.defaultTo(object, "successThreshold", 1);
        Strategy.defaultTo(object, "failureThreshold", 3);
        action(object);
      }
    }
    ObjectNode lifecycle = Json.objectAt(container, "lifecycle");
    if (lifecycle != null) {
      for (String handler : List.of("postStart", "preStop")) {
        ObjectNode object = Json.objectAt(lifecycle, handler);
        if (object != null) {
          action(object);
        }
      }
    }
    for (JsonNode variable : elements(container, "env")) {
      if (variable instanceof ObjectNode object) {
        ObjectNode source = Json.objectAt(object, "valueFrom");
        ObjectNode field = source == null ? null : Json.objectAt(source, "fieldRef");
        if (field != null) {
          Strategy.defaultTo(field, "apiVersion", "v1");
        }
      }
    }
  }

  private static void action(ObjectNode handler) {
    ObjectNode http = Json.objectAt(handler, "httpGet");
    if (http != null) {
      Strategy.defaultTo(http, "path", "/");
      Strategy.defaultTo(http, "scheme", "HTTP");
    }
    ObjectNode grpc = Json.objectAt(handler, "grpc");
    if (grpc != null) {
      Strategy.defaultTo(grpc, "service", "");
    }
  }

  private static void volume(ObjectNode volume) {
    if (volume.size() <= 1) {
      volume.putObject("emptyDir");
    }
    for (String source : List.of("secret", "configMap", "downwardAPI", "projected")) {
      ObjectNode object = Json.objectAt(volume, source);
      if (object != null) {
        Strategy.defaultTo(object, "defaultMode", 420);
      }
    }
    ObjectNode path = Json.objectAt(volume, "hostPath");
    if (path != null) {
      Strategy.defaultTo(path, "type", "");
    }
    ObjectNode projected = Json.objectAt(volume, "projected");
    if (projected != null) {
      for (JsonNode source : elements(projected, "sources")) {
        if (source instanceof ObjectNode object) {
          ObjectNode token = Json.objectAt(object, "serviceAccountToken");
          if (token != null) {
            Strategy.defaultTo(token, "expirationSeconds", 3600);
          }
          ObjectNode downward = Json.objectAt(object, "downwardAPI");
          if (downward != null) {
            fieldReferences(downward);
          }
        }
      }
    }
    ObjectNode downward = Json.objectAt(volume, "downwardAPI");
    if (downward != null) {
      fieldReferences(downward);
    }
  }

  private static void fieldReferences(ObjectNode downward) {
    for (JsonNode item : elements(downward, "items")) {
      if (item instanceof ObjectNode object) {
        ObjectNode field = Json.objectAt(object, "fieldRef");
        if (field != null) {
          Strategy.defaultTo(field, "apiVersion", "v1");
        }
      }
    }
  }

  /** The tag of an image reference: {@code latest} if it has neither tag nor digest. */
  private static String tag(String image) {
    int digest = image.indexOf('@');
    String name = digest < 0 ? image : image.substring(0, digest);
    int colon = name.lastIndexOf(':');
    if (colon > name.lastIndexOf('/')) {
      return name.substring(colon + 1);
    }
    return digest < 0 ? "latest" : "";
  }

  static Iterable<JsonNode> elements(ObjectNode object, String name) {
    ArrayNode array = Json.arrayAt(object, name);
    return array == null ? List.<JsonNode>of() : array;
  }

  static boolean isTrue(@Nullable JsonNode node) {
    return node != null && node.isBoolean() && node.booleanValue();
  }

  // --- validation --------------------------------------------------------------------------------

  static void validate(ObjectNode spec, String path, FieldErrors errors) {
    Set<String> volumes = new HashSet<>();
    int index = 0;
    for (JsonNode volume : elements(spec, "volumes")) {
      String at = path + ".volumes[" + index++ + "]";
      String name = Json.textAt(volume, "name");
      if (name.isEmpty()) {
        errors.required(at + ".name", "");
      } else {
        for (String fault : Names.label(name)) {
          errors.invalid(at + ".name", name, fault);
        }
        if (!volumes.add(name)) {
          errors.duplicate(at + ".name", Json.string(name));
        }
      }
    }
    Set<String> names = new HashSet<>();
    index = 0;
    ArrayNode containers = Json.arrayAt(spec, "containers");
    if (containers == null || containers.isEmpty()) {
      errors.required(path + ".containers", "");
    }
    for (JsonNode container : elements(spec, "containers")) {
      container(
          (ObjectNode) container, path + ".containers[" + index++ + "]", names, volumes, errors);
    }
    index = 0;
    for (JsonNode container : elements(spec, "initContainers")) {
      container(
          (ObjectNode) container,
          path + ".initContainers[" + index++ + "]",
          names,
          volumes,
          errors);
    }
    oneOf(spec, "restartPolicy", path, List.of("Always", "OnFailure", "Never"), errors);
    oneOf(
        spec,
        "dnsPolicy",
        path,
        List.of("ClusterFirstWithHostNet", "ClusterFirst", "Default", "None"),
        errors);
    String account = Json.textAt(spec, "serviceAccountName");
    if (!account.isEmpty()) {
      for (String fault : Names.subdomain(account)) {
        errors.invalid(path + ".serviceAccountName", account, fault);
      }
    }
    String node = Json.textAt(spec, "nodeName");
    if (!node.isEmpty()) {
      for (String fault : Names.subdomain(node)) {
        errors.invalid(path + ".nodeName", node, fault);
      }
    }
    JsonNode deadline = spec.get("activeDeadlineSeconds");
    if (deadline != null && deadline.isNumber() && deadline.longValue() < 1) {
      errors.invalid(
          path + ".activeDeadlineSeconds", deadline, "must be between 1 and 2147483647, inclusive");
    }
    ObjectNode nodeSelector = Json.objectAt(spec, "nodeSelector");
    if (nodeSelector != null) {
      labels(nodeSelector, path + ".nodeSelector", errors);
    }
  }

  private static void oneOf(
      ObjectNode object, String name, String path, List<String> values, FieldErrors errors) {
    String value = Json.textAt(object, name);
    if (!values.contains(value)) {
      errors.notSupported(path + "." + name, value, values);
    }
  }

  private static void container(
      ObjectNode container, String at, Set<String> names, Set<String> volumes, FieldErrors errors) {
    String name = Json.textAt(container, "name");
    if (name.isEmpty()) {
      errors.required(at + ".name", "");
    } else {
      for (String fault : Names.label(name)) {
        errors.invalid(at + ".name", name, fault);
      }
      if (!names.add(name)) {
        errors.duplicate(at + ".name", Json.string(name));
      }
    }
    String image = Json.textAt(container, "image");
    if (image.isEmpty()) {
      errors.required(at + ".image", "");
    } else if (!image.equals(image.strip())) {
      errors.invalid(at + ".image", image, "must not have leading or trailing whitespace");
    }
    int index = 0;
    Set<String> portNames = new HashSet<>();
    for (JsonNode port : elements(container, "ports")) {
      String portAt = at + ".ports[" + index++ + "]";
      String portName = Json.textAt(port, "name");
      if (!portName.isEmpty()) {
        for (String fault : portName(portName)) {
          errors.invalid(portAt + ".name", portName, fault);
        }
        if (!portNames.add(portName)) {
          errors.duplicate(portAt + ".name", Json.string(portName));
        }
      }
      JsonNode number = port.get("containerPort");
      long value = number == null ? 0 : number.longValue();
      if (value == 0) {
        errors.required(portAt + ".containerPort", "");
      } else if (value < 1 || value > 65535) {
        errors.invalid(portAt + ".containerPort", number, "must be between 1 and 65535, inclusive");
      }
      oneOf((ObjectNode) port, "protocol", portAt, List.of("SCTP", "TCP", "UDP"), errors);
    }
    index = 0;
    for (JsonNode variable : elements(container, "env")) {
      String variableAt = at + ".env[" + index++ + "]";
      String variableName = Json.textAt(variable, "name");
      if (variableName.isEmpty()) {
        errors.required(variableAt + ".name", "");
      }
      if (!Json.textAt(variable, "value").isEmpty() && variable.has("valueFrom")) {
        errors.invalid(
            variableAt + ".valueFrom", "", "may not be specified when `value` is not empty");
      }
    }
    index = 0;
    for (JsonNode mount : elements(container, "volumeMounts")) {
      String mountAt = at + ".volumeMounts[" + index++ + "]";
      String volume = Json.textAt(mount, "name");
      if (volume.isEmpty()) {
        errors.required(mountAt + ".name", "");
      } else if (!volumes.contains(volume)) {
        errors.notFound(mountAt + ".name", Json.string(volume));
      }
      if (Json.textAt(mount, "mountPath").isEmpty()) {
        errors.required(mountAt + ".mountPath", "");
      }
    }
    oneOf(container, "imagePullPolicy", at, List.of("Always", "IfNotPresent", "Never"), errors);
  }

  static List<String> portName(String name) {
    List<String> faults = new java.util.ArrayList<>();
    if (name.length() > 15) {
      faults.add("must be no more than 15 characters");
    }
    if (!name.matches("[-a-z0-9]+")) {
      faults.add("must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)");
    }
    if (!name.matches(".*[a-z].*")) {
      faults.add("must contain at least one letter (a-z)");
    }
    if (name.contains("--")) {
      faults.add("must not contain consecutive hyphens");
    }
    if (name.startsWith("-") || name.endsWith("-")) {
      faults.add("must not begin or end with a hyphen");
    }
    return faults;
  }

  static void labels(ObjectNode labels, String path, FieldErrors errors) {
    for (Map.Entry<String, JsonNode> entry : labels.properties()) {
      for (String fault : Names.labelKey(entry.getKey())) {
        errors.invalid(path, entry.getKey(), fault);
      }
      String value = entry.getValue().isString() ? entry.getValue().stringValue() : "";
      for (String fault : Names.labelValue(value)) {
        errors.invalid(path, value, fault);
      }
    }
  }
}
