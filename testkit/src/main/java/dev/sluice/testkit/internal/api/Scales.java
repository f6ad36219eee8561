package dev.sluice.testkit.internal.api;

import dev.sluice.testkit.internal.json.Json;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/** The {@code /scale} subresource: an object seen as a number of replicas. Stateless. */
final class Scales {
  private Scales() {}

  /**
   * What a path leads to.
   *
   * @param value null if there is nothing
   * @param fault why the path could not be followed; null if it could
   */
  record Found(@Nullable JsonNode value, @Nullable String fault) {}

  /** Follows a dotted path such as {@code .spec.replicas}. */
  static Found find(ObjectNode object, String path) {
    JsonNode at = object;
    StringBuilder sofar = new StringBuilder();
    for (String step : path.substring(1).split("\\.")) {
      sofar.append('.').append(step);
      if (!at.isObject()) {
        String shown = at.isString() ? at.stringValue() : Json.text(at);
        return new Found(
            null,
            "%s accessor error: %s is of the type %s, expected map[string]interface{}"
                .formatted(path, shown, goType(at)));
      }
      JsonNode next = at.get(step);
      if (next == null) {
        return new Found(null, null);
      }
      at = next;
    }
    return new Found(at, null);
  }

  private static String goType(JsonNode node) {
    return switch (node.getNodeType()) {
      case STRING -> "string";
      case NUMBER -> node.isIntegralNumber() ? "int64" : "float64";
      case BOOLEAN -> "bool";
      case ARRAY -> "[]interface {}";
      default -> "<nil>";
    };
  }

  /** The Scale object of an object. */
  static ObjectNode of(Resource resource, ObjectNode object) {
    Resource.Scale paths = Objects.requireNonNull(resource.scale());
    JsonNode replicas = find(object, paths.specReplicas()).value();
    if (replicas == null && resource.custom()) {
      throw StatusException.internal(
          "the spec replicas field \"%s\" does not exist".formatted(paths.specReplicas()));
    }
    ObjectNode scale = Json.object();
    scale.put("kind", "Scale");
    scale.put("apiVersion", "autoscaling/v1");
    ObjectNode meta = scale.putObject("metadata");
    for (String field :
        java.util.List.of("name", "namespace", "uid", "resourceVersion", "creationTimestamp")) {
      JsonNode value = Meta.of(object).get(field);
      if (value != null) {
        meta.set(field, value);
      }
    }
    long wanted = replicas == null || !replicas.isNumber() ? 0 : replicas.longValue();
    ObjectNode spec = scale.putObject("spec");
    if (wanted != 0) {
      spec.put("replicas", wanted);
    }
    ObjectNode status = scale.putObject("status");
    JsonNode actual = find(object, paths.statusReplicas()).value();
    status.put("replicas", actual == null || !actual.isNumber() ? 0 : actual.longValue());
    String selector;
    if (resource.custom()) {
      JsonNode value =
          paths.labelSelector().isEmpty() ? null : find(object, paths.labelSelector()).value();
      selector = value != null && value.isString() ? value.stringValue() : "";
    } else {
      JsonNode labels = Registry.at(object, "spec", "selector", "matchLabels");
      Map<String, String> sorted = new TreeMap<>();
      if (labels instanceof ObjectNode map) {
        map.properties().forEach(e -> sorted.put(e.getKey(), e.getValue().asString()));
      }
      StringBuilder text = new StringBuilder();
      sorted.forEach((key, value) ->
          text.append(text.isEmpty() ? "" : ",").append(key).append('=').append(value));
      selector = text.toString();
    }
    if (!selector.isEmpty()) {
      status.put("selector", selector);
    }
    return scale;
  }

  /** Writes a Scale's number of replicas into the object. */
  static void apply(Resource resource, ObjectNode object, ObjectNode scale) {
    Resource.Scale paths = Objects.requireNonNull(resource.scale());
    JsonNode wanted = Registry.at(scale, "spec", "replicas");
    long replicas = wanted != null && wanted.isNumber() ? wanted.longValue() : 0;
    if (replicas < 0) {
      FieldErrors errors = new FieldErrors();
      errors.invalidRaw(
          "spec.replicas", Long.toString(replicas), "must be greater than or equal to 0");
      throw StatusException.invalid("autoscaling", "Scale", Meta.name(object), errors);
    }
    String[] steps = paths.specReplicas().substring(1).split("\\.");
    ObjectNode at = object;
    for (int i = 0; i < steps.length - 1; i++) {
      at = Json.ensureObject(at, steps[i]);
    }
    at.put(steps[steps.length - 1], replicas);
    String version = Meta.resourceVersion(scale);
    if (!version.isEmpty()) {
      Meta.of(object).put("resourceVersion", version);
    }
  }
}
