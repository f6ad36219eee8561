package dev.sluice.testkit.internal.schema;

import dev.sluice.testkit.internal.json.Json;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** One node of an {@code openAPIV3Schema}. Immutable once read. */
public final class Schema {
  final String type;
  final String format;
  final boolean nullable;
  final boolean intOrString;
  final boolean preserveUnknownFields;
  final boolean embeddedResource;
  final @Nullable JsonNode defaultValue;
  final Map<String, Schema> properties = new LinkedHashMap<>();
  final @Nullable Schema additionalProperties;
  final boolean additionalPropertiesForbidden;
  final boolean additionalPropertiesAllowed;
  final @Nullable Schema items;
  final List<String> required = new ArrayList<>();
  final @Nullable ArrayNode enumeration;
  final @Nullable Double maximum;
  final boolean exclusiveMaximum;
  final @Nullable Double minimum;
  final boolean exclusiveMinimum;
  final @Nullable Double multipleOf;
  final @Nullable Long maxLength;
  final @Nullable Long minLength;
  final String pattern;
  final @Nullable Pattern compiledPattern;
  final @Nullable Long maxItems;
  final @Nullable Long minItems;
  final boolean uniqueItems;
  final @Nullable Long maxProperties;
  final @Nullable Long minProperties;
  final List<Schema> allOf;
  final List<Schema> anyOf;
  final List<Schema> oneOf;
  final @Nullable Schema not;
  final String listType;
  final List<String> listMapKeys = new ArrayList<>();

  private Schema(ObjectNode node) {
    type = Json.textAt(node, "type");
    format = Json.textAt(node, "format");
    nullable = flag(node, "nullable");
    intOrString = flag(node, "x-kubernetes-int-or-string");
    preserveUnknownFields = flag(node, "x-kubernetes-preserve-unknown-fields");
    embeddedResource = flag(node, "x-kubernetes-embedded-resource");
    defaultValue = node.get("default");
    ObjectNode props = Json.objectAt(node, "properties");
    if (props != null) {
      for (Map.Entry<String, JsonNode> entry : props.properties()) {
        if (entry.getValue() instanceof ObjectNode child) {
          properties.put(entry.getKey(), new Schema(child));
        }
      }
    }
    JsonNode additional = node.get("additionalProperties");
    additionalProperties = additional instanceof ObjectNode child ? new Schema(child) : null;
    additionalPropertiesForbidden =
        additional != null && additional.isBoolean() && !additional.booleanValue();
    additionalPropertiesAllowed =
        additional != null && additional.isBoolean() && additional.booleanValue();
    ObjectNode itemSchema = Json.objectAt(node, "items");
    items = itemSchema == null ? null : new Schema(itemSchema);
    ArrayNode requiredNames = Json.arrayAt(node, "required");
    if (requiredNames != null) {
      requiredNames.forEach(name -> required.add(name.isString() ? name.stringValue() : ""));
    }
    enumeration = Json.arrayAt(node, "enum");
    maximum = real(node, "maximum");
    exclusiveMaximum = flag(node, "exclusiveMaximum");
    minimum = real(node, "minimum");
    exclusiveMinimum = flag(node, "exclusiveMinimum");
    multipleOf = real(node, "multipleOf");
    maxLength = whole(node, "maxLength");
    minLength = whole(node, "minLength");
    pattern = Json.textAt(node, "pattern");
    compiledPattern = pattern.isEmpty() ? null : compile(pattern);
    maxItems = whole(node, "maxItems");
    minItems = whole(node, "minItems");
    uniqueItems = flag(node, "uniqueItems");
    maxProperties = whole(node, "maxProperties");
    minProperties = whole(node, "minProperties");
    allOf = schemas(node, "allOf");
    anyOf = schemas(node, "anyOf");
    oneOf = schemas(node, "oneOf");
    ObjectNode negated = Json.objectAt(node, "not");
    not = negated == null ? null : new Schema(negated);
    listType = Json.textAt(node, "x-kubernetes-list-type");
    ArrayNode keys = Json.arrayAt(node, "x-kubernetes-list-map-keys");
    if (keys != null) {
      keys.forEach(key -> listMapKeys.add(key.isString() ? key.stringValue() : ""));
    }
  }

  /** Reads a schema that has already been found well-formed. */
  public static Schema of(ObjectNode openApiV3Schema) {
    return new Schema(openApiV3Schema);
  }

  /** A property's schema; null if it is not specified. */
  public @Nullable Schema property(String name) {
    return properties.get(name);
  }

  public String type() {
    return type;
  }

  private static boolean flag(ObjectNode node, String name) {
    JsonNode value = node.get(name);
    return value != null && value.isBoolean() && value.booleanValue();
  }

  private static @Nullable Double real(ObjectNode node, String name) {
    JsonNode value = node.get(name);
    return value != null && value.isNumber() ? Double.valueOf(value.doubleValue()) : null;
  }

  private static @Nullable Long whole(ObjectNode node, String name) {
    JsonNode value = node.get(name);
    return value != null && value.isNumber() ? Long.valueOf((long) value.doubleValue()) : null;
  }

  private static List<Schema> schemas(ObjectNode node, String name) {
    ArrayNode array = Json.arrayAt(node, name);
    if (array == null) {
      return List.of();
    }
    List<Schema> list = new ArrayList<>();
    for (JsonNode element : array) {
      if (element instanceof ObjectNode child) {
        list.add(new Schema(child));
      }
    }
    return list;
  }

  /** Go's expressions are nearly Java's; one that Java cannot read matches nothing. */
  private static Pattern compile(String expression) {
    try {
      return Pattern.compile(expression.replace("\\z", "\\z").replace("(?P<", "(?<"));
    } catch (PatternSyntaxException e) {
      return Pattern.compile("(?!)");
    }
  }
}
