package dev.sluice.testkit.internal.api;

import dev.sluice.testkit.internal.json.Json;
import dev.sluice.testkit.internal.schema.Pruning;
import dev.sluice.testkit.internal.schema.Schema;
import dev.sluice.testkit.internal.schema.Validation;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** The rules of CustomResourceDefinitions: names, versions, and that schemas are structural. */
final class DefinitionStrategy extends Strategy {
  private static final List<String> COLUMN_TYPES =
      List.of("boolean", "date", "integer", "number", "string");
  private static final List<String> TYPES =
      List.of("array", "boolean", "integer", "number", "object", "string");

  @Override
  void defaults(ObjectNode object) {
    ObjectNode spec = Json.ensureObject(object, "spec");
    ObjectNode names = Json.ensureObject(spec, "names");
    String kind = Json.textAt(names, "kind");
    if (Json.textAt(names, "singular").isEmpty() && !kind.isEmpty()) {
      names.put("singular", kind.toLowerCase(Locale.ROOT));
    }
    if (Json.textAt(names, "listKind").isEmpty() && !kind.isEmpty()) {
      names.put("listKind", kind + "List");
    }
    if (!spec.has("conversion") || spec.get("conversion").isNull()) {
      spec.putObject("conversion").put("strategy", "None");
    }
    ObjectNode conversion = Json.objectAt(spec, "conversion");
    ObjectNode webhook = conversion == null ? null : Json.objectAt(conversion, "webhook");
    ObjectNode client = webhook == null ? null : Json.objectAt(webhook, "clientConfig");
    ObjectNode service = client == null ? null : Json.objectAt(client, "service");
    if (service != null) {
      defaultTo(service, "port", 443);
    }
  }

  @Override
  void prepareForCreate(ObjectNode object) {
    Meta.setGeneration(object, 1);
    ObjectNode status = object.putObject("status");
    addStoredVersion(object, status);
  }

  @Override
  void prepareForUpdate(ObjectNode object, ObjectNode old) {
    Meta.copyField(old, object, "status");
    if (!Json.same(object.get("spec"), old.get("spec"))) {
      Meta.setGeneration(object, Meta.generation(old) + 1);
    }
    addStoredVersion(object, Json.ensureObject(object, "status"));
  }

  private static void addStoredVersion(ObjectNode object, ObjectNode status) {
    ArrayNode stored = Json.arrayAt(status, "storedVersions");
    if (stored == null) {
      stored = status.putArray("storedVersions");
    }
    String version = Definitions.storageVersion(object);
    for (JsonNode one : stored) {
      if (one.isString() && one.stringValue().equals(version)) {
        return;
      }
    }
    if (!version.isEmpty()) {
      stored.add(version);
    }
  }

  @Override
  boolean returnsDeleted() {
    return true;
  }

  @Override
  Tables.Layout table() {
    return Tables.DEFINITIONS;
  }

  @Override
  List<String> warnings(ObjectNode object) {
    return object.findValue("x-kubernetes-validations") == null
        ? List.of()
        : List.of(
            "x-kubernetes-validations: rules in CEL are kept but not evaluated by the embedded API"
                + " server");
  }

  // --- validation --------------------------------------------------------------------------------

  @Override
  void validate(ObjectNode object, FieldErrors errors) {
    ObjectNode spec = Json.ensureObject(object, "spec");
    String name = Meta.name(object);
    String wanted =
        Json.textAt(Json.ensureObject(spec, "names"), "plural") + "." + Json.textAt(spec, "group");
    if (!name.isEmpty() && !name.equals(wanted)) {
      errors.invalid("metadata.name", name, "must be spec.names.plural+\".\"+spec.group");
    }
    spec(spec, errors);
    ArrayNode stored = Json.arrayAt(Json.ensureObject(object, "status"), "storedVersions");
    if (stored == null || stored.isEmpty()) {
      errors.invalidRaw("status.storedVersions", "null", "must have at least one stored version");
    }
    String group = Json.textAt(spec, "group");
    if ((group.endsWith(".k8s.io") || group.endsWith(".kubernetes.io")) && !isApproved(object)) {
      errors.required(
          "metadata.annotations[api-approved.kubernetes.io]",
          "protected groups must have approval annotation \"api-approved.kubernetes.io\", see"
              + " https://github.com/kubernetes/enhancements/pull/1111");
    }
  }

  private static void spec(ObjectNode spec, FieldErrors errors) {
    String group = Json.textAt(spec, "group");
    if (group.isEmpty()) {
      errors.required("spec.group", "");
    } else if (!Names.subdomain(group).isEmpty()) {
      errors.invalid("spec.group", group, String.join(",", Names.subdomain(group)));
    } else if (group.indexOf('.') < 0) {
      errors.invalid("spec.group", group, "should be a domain with at least one dot");
    }
    String scope = Json.textAt(spec, "scope");
    if (scope.isEmpty()) {
      errors.required("spec.scope", "");
    } else if (!scope.equals("Cluster") && !scope.equals("Namespaced")) {
      errors.notSupported("spec.scope", scope, List.of("Cluster", "Namespaced"));
    }
    versions(spec, errors);
    names(Json.ensureObject(spec, "names"), "spec.names", errors);
    hoisted(spec, errors);
    conversion(spec, errors);
  }

  private static boolean isApproved(ObjectNode object) {
    ObjectNode annotations = Json.objectAt(Meta.of(object), "annotations");
    return annotations != null && !Json.textAt(annotations, "api-approved.kubernetes.io").isEmpty();
  }

  private static void conversion(ObjectNode spec, FieldErrors errors) {
    ObjectNode conversion = Json.ensureObject(spec, "conversion");
    String strategy = Json.textAt(conversion, "strategy");
    if (strategy.isEmpty()) {
      errors.required("spec.conversion.strategy", "");
    } else if (!strategy.equals("None") && !strategy.equals("Webhook")) {
      errors.notSupported("spec.conversion.strategy", strategy, List.of("None", "Webhook"));
    } else if (strategy.equals("Webhook")) {
      ObjectNode webhook = Json.objectAt(conversion, "webhook");
      if (webhook == null || !webhook.has("clientConfig")) {
        errors.required(
            "spec.conversion.webhookClientConfig", "required when strategy is set to Webhook");
      }
    } else if (conversion.has("webhook")) {
      errors.forbidden(
          "spec.conversion.webhook", "should not be set when strategy is not set to Webhook");
    }
  }

  private static void names(ObjectNode names, String path, FieldErrors errors) {
    for (String required : List.of("plural", "singular", "kind", "listKind")) {
      if (Json.textAt(names, required).isEmpty()) {
        errors.required(path + "." + required, "");
      }
    }
    for (String field : List.of("plural", "singular")) {
      String value = Json.textAt(names, field);
      if (!value.isEmpty() && !Names.label1035(value).isEmpty()) {
        errors.invalid(path + "." + field, value, String.join(",", Names.label1035(value)));
      }
    }
    for (String field : List.of("kind", "listKind")) {
      String value = Json.textAt(names, field);
      List<String> faults = Names.label1035(value.toLowerCase(Locale.ROOT));
      if (!value.isEmpty() && !faults.isEmpty()) {
        errors.invalid(
            path + "." + field,
            value,
            "may have mixed case, but should otherwise match: " + String.join(",", faults));
      }
    }
    if (!Json.textAt(names, "kind").isEmpty()
        && Json.textAt(names, "kind").equals(Json.textAt(names, "listKind"))) {
      errors.invalid(
          path + ".listKind",
          Json.textAt(names, "listKind"),
          "kind and listKind may not be the same");
    }
    for (String list : List.of("shortNames", "categories")) {
      int index = 0;
      for (JsonNode one : PodSpecs.elements(names, list)) {
        String value = one.isString() ? one.stringValue() : "";
        if (!Names.label1035(value).isEmpty()) {
          errors.invalid(
              path + "." + list + "[" + index + "]",
              value,
              String.join(",", Names.label1035(value)));
        }
        index++;
      }
    }
  }

  /**
   * Inside the real server what all versions have in common stands once, beside them, and is
   * complained about there.
   */
  private enum Shared {
    VALIDATION("spec.validation", "schema"),
    SUBRESOURCES("spec.subresources", "subresources"),
    COLUMNS("spec.additionalPrinterColumns", "additionalPrinterColumns"),
    FIELDS("spec.selectableFields", "selectableFields");

    private final String place;
    private final String part;

    Shared(String place, String part) {
      this.place = place;
      this.part = part;
    }

    /** What all versions have; null if they differ, or have nothing. */
    @Nullable JsonNode of(ObjectNode spec) {
      ArrayNode versions = Json.arrayAt(spec, "versions");
      if (versions == null || versions.isEmpty()) {
        return null;
      }
      JsonNode first = versions.get(0).get(part);
      for (JsonNode version : versions) {
        if (first == null || !Json.same(first, version.get(part))) {
          return null;
        }
      }
      return first;
    }
  }

  private static void versions(ObjectNode spec, FieldErrors errors) {
    ArrayNode versions = Json.arrayAt(spec, "versions");
    for (int i = 0; versions != null && i < versions.size(); i++) {
      if (schemaOf(versions.get(i)) == null) {
        errors.required("spec.versions[" + i + "].schema.openAPIV3Schema", "");
      }
    }
    int storage = 0;
    Set<String> seen = new HashSet<>();
    boolean unique = true;
    for (int i = 0; versions != null && i < versions.size(); i++) {
      ObjectNode version = (ObjectNode) versions.get(i);
      String path = "spec.versions[" + i + "]";
      String name = Json.textAt(version, "name");
      if (PodSpecs.isTrue(version.get("storage"))) {
        storage++;
      }
      unique &= seen.add(name);
      List<String> faults = Names.label1035(name);
      if (!faults.isEmpty()) {
        errors.invalid(path + ".name", name, String.join(",", faults));
      }
      ObjectNode schema = schemaOf(version);
      if (schema != null && Shared.VALIDATION.of(spec) == null) {
        root(schema, path + ".schema.openAPIV3Schema", errors);
      }
      if (Shared.SUBRESOURCES.of(spec) == null) {
        subresources(version, path + ".subresources", errors);
      }
      if (Shared.COLUMNS.of(spec) == null) {
        columns(version, path + ".additionalPrinterColumns", errors);
      }
      if (Shared.FIELDS.of(spec) == null) {
        selectable(version, schema, path + ".selectableFields", errors);
      }
    }
    if (!unique) {
      errors.invalidRaw("spec.versions", shown(spec), "must contain unique version names");
    }
    if (storage != 1) {
      errors.invalidRaw(
          "spec.versions", shown(spec), "must have exactly one version marked as storage version");
    }
    if (versions != null && !versions.isEmpty()) {
      String name = Json.textAt(versions.get(0), "name");
      List<String> faults = Names.label1035(name);
      if (!faults.isEmpty()) {
        errors.invalid("spec.version", name, String.join(",", faults));
      }
    }
  }

  /** What all versions have in common. */
  private static void hoisted(ObjectNode spec, FieldErrors errors) {
    ArrayNode versions = Json.arrayAt(spec, "versions");
    if (versions == null || versions.isEmpty()) {
      return;
    }
    ObjectNode version = (ObjectNode) versions.get(0);
    ObjectNode schema = schemaOf(version);
    if (schema != null && Shared.VALIDATION.of(spec) != null) {
      root(schema, Shared.VALIDATION.place + ".openAPIV3Schema", errors);
    }
    if (Shared.SUBRESOURCES.of(spec) != null) {
      subresources(version, Shared.SUBRESOURCES.place, errors);
    }
    if (Shared.COLUMNS.of(spec) != null) {
      columns(version, Shared.COLUMNS.place, errors);
    }
    if (Shared.FIELDS.of(spec) != null) {
      selectable(version, schema, Shared.FIELDS.place, errors);
    }
  }

  private static @Nullable ObjectNode schemaOf(JsonNode version) {
    return version.get("schema") instanceof ObjectNode validation
        ? Json.objectAt(validation, "openAPIV3Schema")
        : null;
  }

  /** The versions as the real server's own structs show them. */
  private static String shown(ObjectNode spec) {
    ArrayNode shown = Json.array();
    for (JsonNode version : PodSpecs.elements(spec, "versions")) {
      ObjectNode one = shown.addObject();
      one.put("Name", Json.textAt(version, "name"));
      one.put("Served", PodSpecs.isTrue(version.get("served")));
      one.put("Storage", PodSpecs.isTrue(version.get("storage")));
      one.put("Deprecated", PodSpecs.isTrue(version.get("deprecated")));
      one.set("DeprecationWarning", orNull(version.get("deprecationWarning")));
      one.set("Schema", part(spec, version, Shared.VALIDATION));
      one.set("Subresources", part(spec, version, Shared.SUBRESOURCES));
      one.set("AdditionalPrinterColumns", part(spec, version, Shared.COLUMNS));
      one.set("SelectableFields", part(spec, version, Shared.FIELDS));
    }
    return Json.text(shown);
  }

  private static JsonNode part(ObjectNode spec, JsonNode version, Shared shared) {
    return orNull(shared.of(spec) != null ? null : version.get(shared.part));
  }

  private static JsonNode orNull(@Nullable JsonNode value) {
    return value == null ? Json.object().nullNode() : value;
  }

  private static void columns(ObjectNode version, String path, FieldErrors errors) {
    int index = 0;
    for (JsonNode column : PodSpecs.elements(version, "additionalPrinterColumns")) {
      column(column, path + "[" + index++ + "]", errors);
    }
  }

  private static void selectable(
      ObjectNode version, @Nullable ObjectNode schema, String path, FieldErrors errors) {
    int index = 0;
    for (JsonNode field : PodSpecs.elements(version, "selectableFields")) {
      String at = path + "[" + index++ + "].jsonPath";
      String text = Json.textAt(field, "jsonPath");
      if (text.isEmpty()) {
        errors.required(at, "");
      } else if (text.startsWith(".metadata")) {
        errors.invalid(at, text, "must not point to fields in metadata");
      } else if (schema == null || !isSelectable(schema, text)) {
        errors.invalid(
            at,
            text,
            "must point to a field of type string, boolean or integer. Enum string fields and"
                + " strings with formats are allowed.");
      }
    }
  }

  private static boolean isSelectable(ObjectNode schema, String path) {
    ObjectNode at = schema;
    for (String step : path.substring(1).split("\\.")) {
      ObjectNode properties = Json.objectAt(at, "properties");
      ObjectNode next = properties == null ? null : Json.objectAt(properties, step);
      if (next == null) {
        return false;
      }
      at = next;
    }
    return List.of("string", "boolean", "integer").contains(Json.textAt(at, "type"));
  }

  private static void column(JsonNode column, String path, FieldErrors errors) {
    if (Json.textAt(column, "name").isEmpty()) {
      errors.required(path + ".name", "");
    }
    String type = Json.textAt(column, "type");
    if (type.isEmpty()) {
      errors.required(path + ".type", "must be one of " + String.join(",", COLUMN_TYPES));
    } else if (!COLUMN_TYPES.contains(type)) {
      errors.invalid(path + ".type", type, "must be one of " + String.join(",", COLUMN_TYPES));
    }
    String jsonPath = Json.textAt(column, "jsonPath");
    if (jsonPath.isEmpty()) {
      errors.required(path + ".JSONPath", "");
    }
  }

  private static void subresources(ObjectNode version, String path, FieldErrors errors) {
    ObjectNode subresources = Json.objectAt(version, "subresources");
    ObjectNode scale = subresources == null ? null : Json.objectAt(subresources, "scale");
    if (scale == null) {
      return;
    }
    String at = path + ".scale";
    String spec = Json.textAt(scale, "specReplicasPath");
    if (spec.isEmpty()) {
      errors.required(at + ".specReplicasPath", "");
    } else if (!spec.startsWith(".spec.")) {
      errors.invalid(at + ".specReplicasPath", spec, "should be a json path under .spec");
    }
    String status = Json.textAt(scale, "statusReplicasPath");
    if (status.isEmpty()) {
      errors.required(at + ".statusReplicasPath", "");
    } else if (!status.startsWith(".status.")) {
      errors.invalid(at + ".statusReplicasPath", status, "should be a json path under .status");
    }
    String selector = Json.textAt(scale, "labelSelectorPath");
    if (!selector.isEmpty() && !selector.startsWith(".spec.") && !selector.startsWith(".status.")) {
      errors.invalid(
          at + ".labelSelectorPath",
          selector,
          "should be a json path under either .spec or .status");
    }
  }

  private static void root(ObjectNode schema, String path, FieldErrors errors) {
    if (PodSpecs.isTrue(schema.get("nullable"))) {
      errors.forbidden(path + ".nullable", "nullable cannot be true at the root");
    }
    String type = Json.textAt(schema, "type");
    if (type.isEmpty()) {
      errors.required(path + ".type", "must not be empty at the root");
    } else if (!type.equals("object")) {
      errors.invalid(path + ".type", type, "must be object at the root");
    }
    if (schema.has("additionalProperties")) {
      errors.forbidden(path + ".additionalProperties", "must not be used at the root");
    }
    schema(schema, path, errors);
    metadata(schema, path, errors);
    int before = errors.all().size();
    structure(schema, path, Place.ROOT, errors);
    if (errors.all().size() == before) {
      defaults(schema, path, errors);
    }
  }

  /** Of the metadata a schema may only restrict the names. */
  private static void metadata(ObjectNode schema, String path, FieldErrors errors) {
    ObjectNode properties = Json.objectAt(schema, "properties");
    ObjectNode metadata = properties == null ? null : Json.objectAt(properties, "metadata");
    if (metadata == null) {
      return;
    }
    ObjectNode rest = metadata.deepCopy();
    ObjectNode fields = Json.objectAt(rest, "properties");
    if (fields != null) {
      fields.remove(List.of("name", "generateName"));
    }
    rest.remove(List.of("type", "description"));
    boolean empty = rest.isEmpty() || (rest.size() == 1 && fields != null && fields.isEmpty());
    if (!empty) {
      errors.forbidden(
          path + ".properties[metadata]",
          "must not specify anything other than name and generateName, but metadata is implicitly"
              + " specified");
    }
  }

  /** That each default is something that the schema beside it lets pass, and keeps as it is. */
  private static void defaults(ObjectNode schema, String path, FieldErrors errors) {
    JsonNode standard = schema.get("default");
    if (standard != null && !standard.isNull()) {
      Schema read = Schema.of(schema);
      JsonNode kept = standard.deepCopy();
      List<String> dropped = new ArrayList<>();
      if (kept instanceof ObjectNode object) {
        Pruning.apply(object, read, dropped);
      }
      if (!dropped.isEmpty()) {
        errors.invalid(path + ".default", standard, "must not have unknown fields");
      } else {
        for (Validation.Fault fault : Validation.check(standard, read)) {
          CustomStrategy.report(fault.under(path + ".default"), errors);
        }
      }
    }
    children(schema).forEach((at, child) -> defaults(child, path + at, errors));
  }

  /** What no schema may contain. */
  private static void schema(ObjectNode schema, String path, FieldErrors errors) {
    String type = Json.textAt(schema, "type");
    if (!type.isEmpty() && !TYPES.contains(type)) {
      errors.notSupported(path + ".type", type, TYPES);
    }
    for (String forbidden :
        List.of(
            "id", "additionalItems", "patternProperties", "definitions", "dependencies", "$ref")) {
      if (schema.has(forbidden)) {
        errors.forbidden(path + "." + forbidden, forbidden + " is not supported");
      }
    }
    if (PodSpecs.isTrue(schema.get("uniqueItems"))) {
      errors.forbidden(
          path + ".uniqueItems",
          "uniqueItems cannot be set to true since the runtime complexity becomes quadratic");
    }
    if (schema.has("additionalProperties") && schema.has("properties")) {
      ObjectNode properties = Json.objectAt(schema, "properties");
      if (properties != null && !properties.isEmpty()) {
        errors.forbidden(
            path + ".additionalProperties",
            "additionalProperties and properties are mutual exclusive");
      }
    }
    if (schema.get("items") instanceof ArrayNode) {
      errors.forbidden(path + ".items", "items must be a schema object and not an array");
    }
    JsonNode preserve = schema.get("x-kubernetes-preserve-unknown-fields");
    if (preserve != null && preserve.isBoolean() && !preserve.booleanValue()) {
      errors.invalid(
          path + ".x-kubernetes-preserve-unknown-fields", preserve, "must be true or undefined");
    }
    lists(schema, path, type, errors);
    String pattern = Json.textAt(schema, "pattern");
    if (!pattern.isEmpty()) {
      try {
        Pattern.compile(pattern);
      } catch (PatternSyntaxException e) {
        errors.invalid(
            path + ".pattern",
            pattern,
            "must be a valid regular expression, but isn't: error parsing regexp: "
                + goComplaint(e, pattern));
      }
    }
    children(schema).forEach((at, child) -> schema(child, path + at, errors));
  }

  /** What Go says of an expression that neither it nor Java can read. */
  private static String goComplaint(PatternSyntaxException e, String pattern) {
    String said = e.getDescription();
    if (said.startsWith("Unclosed group")) {
      return "missing closing ): `" + pattern + "`";
    }
    if (said.startsWith("Unclosed character class")) {
      return "missing closing ]: `" + pattern.substring(pattern.lastIndexOf('[')) + "`";
    }
    if (said.startsWith("Dangling meta character")) {
      return "missing argument to repetition operator: `" + pattern.charAt(e.getIndex()) + "`";
    }
    return said;
  }

  private static void lists(ObjectNode schema, String path, String type, FieldErrors errors) {
    String listType = Json.textAt(schema, "x-kubernetes-list-type");
    ArrayNode keys = Json.arrayAt(schema, "x-kubernetes-list-map-keys");
    if (!listType.isEmpty()) {
      if (type.isEmpty()) {
        errors.required(path + ".type", "must be array if x-kubernetes-list-type is specified");
      } else if (!type.equals("array")) {
        errors.invalid(
            path + ".type", type, "must be array if x-kubernetes-list-type is specified");
      }
      if (!List.of("atomic", "set", "map").contains(listType)) {
        errors.notSupported(
            path + ".x-kubernetes-list-type", listType, List.of("atomic", "set", "map"));
      }
    }
    if (keys != null && !keys.isEmpty() && !listType.equals("map")) {
      String detail = "must be map if x-kubernetes-list-map-keys is non-empty";
      if (listType.isEmpty()) {
        errors.required(path + ".x-kubernetes-list-type", detail);
      } else {
        errors.invalid(path + ".x-kubernetes-list-type", listType, detail);
      }
    }
    if (listType.equals("map")) {
      if (keys == null || keys.isEmpty()) {
        errors.required(
            path + ".x-kubernetes-list-map-keys",
            "must not be empty if x-kubernetes-list-type is map");
      }
      ObjectNode items = Json.objectAt(schema, "items");
      if (items == null) {
        errors.required(path + ".items", "must have a schema if x-kubernetes-list-type is map");
      } else if (!Json.textAt(items, "type").equals("object")) {
        errors.invalid(
            path + ".items.type",
            Json.textAt(items, "type"),
            "must be object if parent array's x-kubernetes-list-type is map");
      } else if (keys != null) {
        mapKeys(items, keys, path, errors);
      }
    }
  }

  private static void mapKeys(ObjectNode items, ArrayNode keys, String path, FieldErrors errors) {
    ObjectNode properties = Json.objectAt(items, "properties");
    ArrayNode required = Json.arrayAt(items, "required");
    List<String> needed = new ArrayList<>();
    if (required != null) {
      required.forEach(one -> needed.add(one.isString() ? one.stringValue() : ""));
    }
    for (JsonNode key : keys) {
      String name = key.isString() ? key.stringValue() : "";
      ObjectNode property = properties == null ? null : Json.objectAt(properties, name);
      if (property == null) {
        errors.invalid(
            path + ".x-kubernetes-list-map-keys",
            keys,
            "entries must all be names of item properties");
      } else if (!property.has("default") && !needed.contains(name)) {
        errors.required(
            path + ".items.properties[" + name + "].default",
            "this property is in x-kubernetes-list-map-keys, so it must have a default or be a"
                + " required property");
      }
    }
  }

  private enum Place {
    ROOT,
    FIELD,
    ITEM
  }

  /** That every field says what it is. */
  private static void structure(ObjectNode schema, String path, Place place, FieldErrors errors) {
    String type = Json.textAt(schema, "type");
    boolean intOrString = PodSpecs.isTrue(schema.get("x-kubernetes-int-or-string"));
    boolean preserves = PodSpecs.isTrue(schema.get("x-kubernetes-preserve-unknown-fields"));
    boolean embedded = PodSpecs.isTrue(schema.get("x-kubernetes-embedded-resource"));
    if (place != Place.ROOT && type.isEmpty()) {
      if (embedded) {
        errors.required(path + ".type", "must be object if x-kubernetes-embedded-resource is true");
      } else if (!intOrString && !preserves) {
        errors.required(
            path + ".type",
            place == Place.ITEM
                ? "must not be empty for specified array items"
                : "must not be empty for specified object fields");
      }
    }
    if (type.equals("array") && !schema.has("items")) {
      errors.required(path + ".items", "must be specified");
    }
    if (embedded && !preserves && !schema.has("properties")) {
      errors.required(
          path + ".properties",
          "must not be empty if x-kubernetes-embedded-resource is true without"
              + " x-kubernetes-preserve-unknown-fields");
    }
    for (Map.Entry<String, ObjectNode> child : children(schema).entrySet()) {
      structure(
          child.getValue(),
          path + child.getKey(),
          child.getKey().equals(".items") ? Place.ITEM : Place.FIELD,
          errors);
    }
  }

  /** The schemas directly inside a schema, by the path to them. */
  private static Map<String, ObjectNode> children(ObjectNode schema) {
    Map<String, ObjectNode> children = new java.util.LinkedHashMap<>();
    ObjectNode properties = Json.objectAt(schema, "properties");
    if (properties != null) {
      for (Map.Entry<String, JsonNode> entry : properties.properties()) {
        if (entry.getValue() instanceof ObjectNode child) {
          children.put(".properties[" + entry.getKey() + "]", child);
        }
      }
    }
    put(children, ".items", Json.objectAt(schema, "items"));
    put(children, ".additionalProperties", Json.objectAt(schema, "additionalProperties"));
    return children;
  }

  private static void put(Map<String, ObjectNode> children, String at, @Nullable ObjectNode child) {
    if (child != null) {
      children.put(at, child);
    }
  }

  @Override
  void validateUpdate(ObjectNode object, ObjectNode old, FieldErrors errors) {
    ObjectNode spec = Json.ensureObject(object, "spec");
    spec(spec, errors);
    ObjectNode before = Json.ensureObject(old, "spec");
    if (Definitions.isEstablished(old)) {
      for (String field : List.of("group", "scope")) {
        if (!Json.same(spec.get(field), before.get(field))) {
          errors.invalid("spec." + field, spec.get(field), "field is immutable");
        }
      }
      for (String field : List.of("kind", "plural")) {
        JsonNode now = Json.ensureObject(spec, "names").get(field);
        if (!Json.same(now, Json.ensureObject(before, "names").get(field))) {
          errors.invalid("spec.names." + field, now, "field is immutable");
        }
      }
    }
    ArrayNode stored = Json.arrayAt(Json.ensureObject(object, "status"), "storedVersions");
    Set<String> present = new HashSet<>();
    for (JsonNode version : PodSpecs.elements(spec, "versions")) {
      present.add(Json.textAt(version, "name"));
    }
    for (int i = 0; stored != null && i < stored.size(); i++) {
      String version = stored.get(i).isString() ? stored.get(i).stringValue() : "";
      if (!present.contains(version)) {
        errors.invalid(
            "status.storedVersions[" + i + "]",
            version,
            ("missing from spec.versions; %s was previously a storage version, and must remain in"
                 + " spec.versions until a storage migration ensures no data remains persisted in"
                 + " %s and removes %s from status.storedVersions")
                .formatted(version, version, version));
      }
    }
  }
}
