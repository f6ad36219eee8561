package dev.sluice.testkit.internal.api;

import dev.sluice.testkit.internal.json.Json;
import dev.sluice.testkit.internal.types.GoType;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * {@code /openapi/v3}, as far as kubectl needs it: which kinds there are, what fields they have,
 * and that PATCH knows {@code fieldValidation}. Stateless.
 */
final class OpenApi {
  private OpenApi() {}

  static ObjectNode index(Catalog catalog) {
    ObjectNode root = Json.object();
    ObjectNode paths = root.putObject("paths");
    for (String version : catalog.versions("")) {
      put(paths, "api/" + version, catalog.of("", version));
    }
    for (String group : catalog.groups()) {
      for (String version : catalog.versions(group)) {
        put(paths, "apis/" + group + "/" + version, catalog.of(group, version));
      }
    }
    return root;
  }

  private static void put(ObjectNode paths, String path, List<Resource> resources) {
    int hash = 17;
    for (Resource resource : resources) {
      hash = hash * 31 + resource.plural().hashCode() + System.identityHashCode(resource);
    }
    paths
        .putObject(path)
        .put(
            "serverRelativeURL",
            "/openapi/v3/" + path + "?hash=" + Integer.toHexString(hash).toUpperCase(Locale.ROOT));
  }

  static ObjectNode document(Catalog catalog, String group, String version) {
    ObjectNode root = Json.object();
    root.put("openapi", "3.0.0");
    ObjectNode info = root.putObject("info");
    info.put("title", "Kubernetes");
    info.put("version", Versions.GIT_VERSION);
    ObjectNode paths = root.putObject("paths");
    ObjectNode schemas = Json.object();
    Set<String> done = new HashSet<>();
    for (Resource resource : catalog.of(group, version)) {
      String base =
          (group.isEmpty() ? "/api/" + version : "/apis/" + group + "/" + version)
              + (resource.namespaced() ? "/namespaces/{namespace}/" : "/")
              + resource.plural();
      String name = modelName(resource);
      ObjectNode collection = paths.putObject(base);
      operation(collection, "get", "list", resource, name, List.of());
      operation(collection, "post", "post", resource, name, List.of("fieldValidation", "dryRun"));
      ObjectNode item = paths.putObject(base + "/{name}");
      operation(item, "get", "get", resource, name, List.of());
      operation(item, "put", "put", resource, name, List.of("fieldValidation", "dryRun"));
      operation(item, "patch", "patch", resource, name, List.of("fieldValidation", "dryRun"));
      operation(item, "delete", "delete", resource, name, List.of("dryRun"));
      ObjectNode schema;
      if (resource.type() != null) {
        schema = struct(resource.type(), schemas, done);
        schemas.set(name, schema);
      } else {
        schema = Json.object();
        schema.put("type", "object");
        schemas.set(name, schema);
        custom(resource, schema);
      }
      ObjectNode kind = Json.object();
      kind.put("group", resource.group());
      kind.put("kind", resource.kind());
      kind.put("version", resource.version());
      schema.putArray("x-kubernetes-group-version-kind").add(kind);
    }
    root.putObject("components").set("schemas", schemas);
    return root;
  }

  private static void custom(Resource resource, ObjectNode schema) {
    ObjectNode source = resource.openApiSchema();
    if (source != null) {
      source.properties().forEach(e -> schema.set(e.getKey(), e.getValue().deepCopy()));
    }
    ObjectNode properties = Json.ensureObject(schema, "properties");
    for (String text : List.of("apiVersion", "kind")) {
      properties.putObject(text).put("type", "string");
    }
    properties.putObject("metadata").put("type", "object");
  }

  private static String modelName(Resource resource) {
    String group = resource.group();
    if (resource.type() != null) {
      int dot = group.indexOf('.');
      String simple = group.isEmpty() ? "core" : dot < 0 ? group : group.substring(0, dot);
      return "io.k8s.api." + simple + "." + resource.version() + "." + resource.kind();
    }
    String[] parts = group.split("\\.");
    StringBuilder reversed = new StringBuilder();
    for (int i = parts.length - 1; i >= 0; i--) {
      reversed.append(parts[i]).append('.');
    }
    return reversed + resource.version() + "." + resource.kind();
  }

  private static void operation(
      ObjectNode path,
      String method,
      String action,
      Resource resource,
      String model,
      List<String> parameters) {
    ObjectNode operation = path.putObject(method);
    operation.put("x-kubernetes-action", action);
    ObjectNode kind = operation.putObject("x-kubernetes-group-version-kind");
    kind.put("group", resource.group());
    kind.put("kind", resource.kind());
    kind.put("version", resource.version());
    ArrayNode array = operation.putArray("parameters");
    for (String parameter : parameters) {
      ObjectNode one = array.addObject();
      one.put("name", parameter);
      one.put("in", "query");
      one.putObject("schema").put("type", "string").put("uniqueItems", true);
    }
    operation
        .putObject("responses")
        .putObject("200")
        .put("description", "OK")
        .putObject("content")
        .putObject("application/json")
        .putObject("schema")
        .put("$ref", "#/components/schemas/" + model);
  }

  private static ObjectNode struct(GoType.Struct struct, ObjectNode schemas, Set<String> done) {
    ObjectNode schema = Json.object();
    schema.put("type", "object");
    ObjectNode properties = schema.putObject("properties");
    for (GoType.Field field : struct.fields().values()) {
      ObjectNode property = type(field.type(), schemas, done);
      if (!field.patchStrategy().isEmpty()) {
        property.put("x-kubernetes-patch-strategy", field.patchStrategy());
      }
      if (!field.mergeKey().isEmpty()) {
        property.put("x-kubernetes-patch-merge-key", field.mergeKey());
      }
      properties.set(field.name(), property);
    }
    return schema;
  }

  private static ObjectNode type(GoType type, ObjectNode schemas, Set<String> done) {
    ObjectNode node = Json.object();
    switch (type) {
      case GoType.Pointer pointer -> {
        return type(pointer.element(), schemas, done);
      }
      case GoType.ListOf list -> {
        node.put("type", "array");
        node.set("items", type(list.element(), schemas, done));
      }
      case GoType.MapOf map -> {
        node.put("type", "object");
        node.set("additionalProperties", type(map.element(), schemas, done));
      }
      case GoType.ObjectOr ignored -> {}
      case GoType.Struct struct -> {
        String name = "io.k8s." + struct.name().replace('/', '.');
        if (done.add(name)) {
          schemas.set(name, struct(struct, schemas, done));
        }
        node.putArray("allOf").addObject().put("$ref", "#/components/schemas/" + name);
      }
      case GoType.Leaf leaf -> {
        switch (leaf.kind()) {
          case BOOL -> node.put("type", "boolean");
          case INT32 -> node.put("type", "integer").put("format", "int32");
          case INT64 -> node.put("type", "integer").put("format", "int64");
          case FLOAT64 -> node.put("type", "number").put("format", "double");
          case BYTES -> node.put("type", "string").put("format", "byte");
          case TIME, MICROTIME -> node.put("type", "string").put("format", "date-time");
          case INT_OR_STRING -> node.put("type", "string").put("format", "int-or-string");
          case RAW -> node.put("type", "object");
          default -> node.put("type", "string");
        }
      }
    }
    return node;
  }
}
