package dev.sluice.testkit.internal.schema;

import dev.sluice.testkit.internal.json.Json;
import java.time.Duration;
import java.time.LocalDate;
import java.time.OffsetDateTime;
import java.time.format.DateTimeParseException;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * Validates an object against a schema. Stateless.
 *
 * <p>Follows kube-openapi's validator step by step, since the faults' order and words are its own.
 */
public final class Validation {

  /** What sort of fault it is. */
  public enum Kind {
    REQUIRED,
    INVALID,
    TYPE_INVALID,
    NOT_SUPPORTED,
    TOO_LONG,
    TOO_MANY,
    DUPLICATE
  }

  /**
   * A fault.
   *
   * @param path where, dotted; empty for the object itself
   * @param value the value to show; null for an empty text
   * @param detail what is wrong with it, in the server's words
   * @param supported for {@link Kind#NOT_SUPPORTED}: the values there are
   * @param limit for {@link Kind#TOO_LONG} and {@link Kind#TOO_MANY}: the limit
   */
  public record Fault(
      Kind kind,
      String path,
      @Nullable JsonNode value,
      String detail,
      List<String> supported,
      long limit) {

    /** The same fault of a value that stands in the field {@code parent}. */
    public Fault under(String parent) {
      if (path.equals("<nil>")) {
        return this;
      }
      String whole =
          path.isEmpty() ? parent : path.startsWith("[") ? parent + path : parent + "." + path;
      return new Fault(kind, whole, value, detail, supported, limit);
    }
  }

  private Validation() {}

  /** All faults of {@code value}; none if it is valid. */
  public static List<Fault> check(JsonNode value, Schema schema) {
    Result result = new Result();
    check(value, schema, "", result);
    lists(value, schema, "", result.faults);
    return result.faults;
  }

  private static final class Result {
    private final List<Fault> faults = new ArrayList<>();
    private int matches;

    void add(Kind kind, String path, @Nullable JsonNode value, String detail) {
      faults.add(new Fault(kind, path, value, detail, List.of(), 0));
    }

    void merge(Result other) {
      faults.addAll(other.faults);
      matches += other.matches;
    }
  }

  private static void check(JsonNode value, Schema schema, String path, Result result) {
    if (value.isNull()) {
      if (!typeNames(schema).isEmpty() && !schema.nullable) {
        wrongType(schema, path, "null", result);
      }
      enumeration(value, schema, path, result);
      return;
    }
    type(value, schema, path, result);
    combinations(value, schema, path, result);
    if (value.isString()) {
      string(value, schema, path, result);
      format(value, schema, path, result);
    }
    if (value.isNumber()) {
      number(value, schema, path, result);
    }
    if (value instanceof ArrayNode array) {
      array(array, schema, path, result);
    }
    enumeration(value, schema, path, result);
    if (value instanceof ObjectNode object) {
      object(object, schema, path, result);
    }
  }

  private static String typeNames(Schema schema) {
    return schema.intOrString ? "integer,string" : schema.type;
  }

  private static void wrongType(Schema schema, String path, String actual, Result result) {
    result.add(
        Kind.TYPE_INVALID,
        path,
        Json.string(actual),
        "%s in body must be of type %s: \"%s\"".formatted(path, typeNames(schema), actual));
  }

  private static String typeOf(JsonNode value) {
    return switch (value.getNodeType()) {
      case OBJECT -> "object";
      case ARRAY -> "array";
      case STRING -> "string";
      case BOOLEAN -> "boolean";
      case NUMBER -> value.isIntegralNumber() ? "integer" : "number";
      default -> "null";
    };
  }

  private static void type(JsonNode value, Schema schema, String path, Result result) {
    String wanted = typeNames(schema);
    if (wanted.isEmpty()) {
      return;
    }
    String actual = typeOf(value);
    boolean fits =
        switch (wanted) {
          case "integer,string" ->
              actual.equals("string") || actual.equals("integer") || isWhole(value);
          case "integer" -> actual.equals("integer") || isWhole(value);
          case "number" -> actual.equals("integer") || actual.equals("number");
          default -> actual.equals(wanted);
        };
    if (fits) {
      result.matches++;
    } else {
      wrongType(schema, path, actual, result);
    }
  }

  private static boolean isWhole(JsonNode value) {
    return value.isNumber()
        && value.doubleValue() == Math.rint(value.doubleValue())
        && Math.abs(value.doubleValue()) < 9.007199254740993E15;
  }

  private static void combinations(JsonNode value, Schema schema, String path, Result result) {
    if (!schema.anyOf.isEmpty()) {
      Result best = null;
      boolean any = false;
      for (Schema one : schema.anyOf) {
        Result attempt = attempt(value, one, path);
        if (attempt.faults.isEmpty()) {
          any = true;
          break;
        }
        if (best == null || attempt.matches > best.matches) {
          best = attempt;
        }
      }
      if (!any) {
        composite(result, path, "must validate at least one schema (anyOf)");
        if (best != null) {
          result.merge(best);
        }
      }
    }
    if (!schema.oneOf.isEmpty()) {
      Result best = null;
      int valid = 0;
      for (Schema one : schema.oneOf) {
        Result attempt = attempt(value, one, path);
        if (attempt.faults.isEmpty()) {
          valid++;
          best = null;
        } else if (valid == 0 && (best == null || attempt.matches > best.matches)) {
          best = attempt;
        }
      }
      if (valid != 1) {
        composite(
            result,
            path,
            "must validate one and only one schema (oneOf). "
                + (valid == 0 ? "Found none valid" : "Found " + valid + " valid alternatives"));
        if (best != null) {
          result.merge(best);
        }
      }
    }
    if (!schema.allOf.isEmpty()) {
      int valid = 0;
      for (Schema one : schema.allOf) {
        Result attempt = attempt(value, one, path);
        if (attempt.faults.isEmpty()) {
          valid++;
        }
        result.merge(attempt);
      }
      if (valid != schema.allOf.size()) {
        composite(
            result,
            path,
            "must validate all the schemas (allOf)" + (valid == 0 ? ". None validated" : ""));
      }
    }
    if (schema.not != null && attempt(value, schema.not, path).faults.isEmpty()) {
      composite(result, path, "must not validate the schema (not)");
    }
  }

  private static Result attempt(JsonNode value, Schema schema, String path) {
    Result result = new Result();
    check(value, schema, path, result);
    return result;
  }

  private static void composite(Result result, String path, String what) {
    result.faults.add(
        new Fault(Kind.INVALID, "<nil>", null, "\"" + path + "\" " + what, List.of(), 0));
  }

  private static void string(JsonNode value, Schema schema, String path, Result result) {
    String text = value.stringValue();
    long length = text.codePointCount(0, text.length());
    if (schema.maxLength != null && length > schema.maxLength) {
      result.faults.add(new Fault(Kind.TOO_LONG, path, value, "", List.of(), schema.maxLength));
      return;
    }
    if (schema.minLength != null && length < schema.minLength) {
      result.add(
          Kind.INVALID,
          path,
          value,
          "%s in body should be at least %d chars long".formatted(path, schema.minLength));
      return;
    }
    if (schema.compiledPattern != null && !schema.compiledPattern.matcher(text).find()) {
      result.add(
          Kind.INVALID,
          path,
          value,
          "%s in body should match '%s'".formatted(path, schema.pattern));
    }
  }

  private static void number(JsonNode value, Schema schema, String path, Result result) {
    double number = value.doubleValue();
    if (schema.type.equals("integer") && !isWhole(value) && !value.isIntegralNumber()) {
      result.add(
          Kind.INVALID,
          "<nil>",
          null,
          "Checked value must be of type integer (default format) in " + path);
    } else if (schema.type.equals("integer")
        && schema.format.equals("int32")
        && (number < Integer.MIN_VALUE || number > Integer.MAX_VALUE)) {
      result.add(
          Kind.INVALID,
          "<nil>",
          null,
          "Checked value must be of type integer with format int32 in " + path);
    }
    if (schema.multipleOf != null && number % schema.multipleOf != 0) {
      result.add(
          Kind.INVALID,
          path,
          value,
          "%s in body should be a multiple of %s".formatted(path, shown(schema.multipleOf)));
    }
    if (schema.minimum != null
        && (schema.exclusiveMinimum ? number <= schema.minimum : number < schema.minimum)) {
      result.add(
          Kind.INVALID,
          path,
          value,
          "%s in body should be greater than %s%s"
              .formatted(
                  path, schema.exclusiveMinimum ? "" : "or equal to ", shown(schema.minimum)));
    }
    if (schema.maximum != null
        && (schema.exclusiveMaximum ? number >= schema.maximum : number > schema.maximum)) {
      result.add(
          Kind.INVALID,
          path,
          value,
          "%s in body should be less than %s%s"
              .formatted(
                  path, schema.exclusiveMaximum ? "" : "or equal to ", shown(schema.maximum)));
    }
  }

  private static String shown(double limit) {
    return Json.goFloat(limit);
  }

  private static void array(ArrayNode array, Schema schema, String path, Result result) {
    if (schema.items != null) {
      for (int i = 0; i < array.size(); i++) {
        check(array.get(i), schema.items, path + "[" + i + "]", result);
      }
    }
    if (schema.minItems != null && array.size() < schema.minItems) {
      result.add(
          Kind.INVALID,
          path,
          Json.number(array.size()),
          "%s in body should have at least %d items".formatted(path, schema.minItems));
    }
    if (schema.maxItems != null && array.size() > schema.maxItems) {
      result.faults.add(
          new Fault(
              Kind.TOO_MANY, path, Json.number(array.size()), "", List.of(), schema.maxItems));
    }
    if (schema.uniqueItems) {
      for (int i = 0; i < array.size(); i++) {
        for (int j = 0; j < i; j++) {
          if (Json.same(array.get(i), array.get(j))) {
            result.add(Kind.INVALID, path, null, path + " in body shouldn't contain duplicates");
            return;
          }
        }
      }
    }
  }

  private static void enumeration(JsonNode value, Schema schema, String path, Result result) {
    if (schema.enumeration == null || schema.enumeration.isEmpty()) {
      return;
    }
    List<String> values = new ArrayList<>();
    for (JsonNode allowed : schema.enumeration) {
      if (Json.same(allowed, value)) {
        return;
      }
      values.add(allowed.isString() ? allowed.stringValue() : Json.text(allowed));
    }
    result.faults.add(new Fault(Kind.NOT_SUPPORTED, path, value, "", values, 0));
  }

  private static void object(ObjectNode object, Schema schema, String path, Result result) {
    if (schema.minProperties != null && object.size() < schema.minProperties) {
      result.add(
          Kind.INVALID,
          path,
          Json.number(object.size()),
          "%s in body should have at least %d properties".formatted(path, schema.minProperties));
    }
    if (schema.maxProperties != null && object.size() > schema.maxProperties) {
      result.faults.add(
          new Fault(
              Kind.TOO_MANY,
              path,
              Json.number(object.size()),
              "",
              List.of(),
              schema.maxProperties));
    }
    for (Map.Entry<String, JsonNode> entry : object.properties()) {
      if (schema.properties.containsKey(entry.getKey())) {
        continue;
      }
      if (schema.additionalPropertiesForbidden) {
        result.add(
            Kind.INVALID,
            path,
            Json.string(entry.getKey()),
            "%s.%s in body is a forbidden property".formatted(path, entry.getKey()));
      } else if (schema.additionalProperties != null) {
        check(entry.getValue(), schema.additionalProperties, path + "." + entry.getKey(), result);
      }
    }
    for (Map.Entry<String, Schema> property : schema.properties.entrySet()) {
      JsonNode value = object.get(property.getKey());
      if (value != null) {
        check(
            value,
            property.getValue(),
            path.isEmpty() ? property.getKey() : path + "." + property.getKey(),
            result);
      }
    }
    for (String name : schema.required) {
      if (!object.has(name)) {
        result.add(Kind.REQUIRED, path.isEmpty() ? name : path + "." + name, null, "");
      }
    }
    if (schema.embeddedResource) {
      for (String name : List.of("apiVersion", "kind")) {
        if (Json.textAt(object, name).isEmpty() && !schema.required.contains(name)) {
          result.add(Kind.REQUIRED, path + "." + name, null, "");
        }
      }
    }
  }

  /** Sets and maps among the lists: no element twice. */
  private static void lists(JsonNode value, Schema schema, String path, List<Fault> faults) {
    if (value instanceof ObjectNode object) {
      for (Map.Entry<String, JsonNode> entry : object.properties()) {
        Schema child = schema.properties.get(entry.getKey());
        if (child == null) {
          child = schema.additionalProperties;
        }
        if (child != null) {
          lists(
              entry.getValue(),
              child,
              path.isEmpty() ? entry.getKey() : path + "." + entry.getKey(),
              faults);
        }
      }
    } else if (value instanceof ArrayNode array) {
      boolean set = schema.listType.equals("set");
      boolean map = schema.listType.equals("map");
      for (int i = 0; i < array.size() && (set || map); i++) {
        JsonNode key = set ? array.get(i) : keys(array.get(i), schema);
        for (int j = 0; j < i; j++) {
          if (Json.same(key, set ? array.get(j) : keys(array.get(j), schema))) {
            faults.add(new Fault(Kind.DUPLICATE, path + "[" + i + "]", key, "", List.of(), 0));
            break;
          }
        }
      }
      if (schema.items != null) {
        for (int i = 0; i < array.size(); i++) {
          lists(array.get(i), schema.items, path + "[" + i + "]", faults);
        }
      }
    }
  }

  private static JsonNode keys(JsonNode element, Schema schema) {
    ObjectNode keys = Json.object();
    for (String name : schema.listMapKeys) {
      JsonNode value = element.get(name);
      if (value != null) {
        keys.set(name, value);
      }
    }
    return keys;
  }

  // --- formats ----------------------------------------------------------------------------------

  private static final Pattern UUID =
      Pattern.compile("(?i)[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}");
  private static final Pattern IPV4 =
      Pattern.compile("(25[0-5]|2[0-4]\\d|1?\\d?\\d)(\\.(25[0-5]|2[0-4]\\d|1?\\d?\\d)){3}");
  private static final Pattern IPV6 = Pattern.compile("[0-9a-fA-F:.]*:[0-9a-fA-F:.]*");
  private static final Pattern EMAIL = Pattern.compile("[^@\\s]+@[^@\\s]+");
  private static final Pattern HOSTNAME =
      Pattern.compile(
          "(?=.{1,255}$)[a-zA-Z0-9]([-a-zA-Z0-9]{0,61}[a-zA-Z0-9])?(\\.[a-zA-Z0-9]([-a-zA-Z0-9]{0,61}[a-zA-Z0-9])?)*");
  private static final Pattern MAC = Pattern.compile("([0-9a-fA-F]{2}[:-]){5,7}[0-9a-fA-F]{2}");
  private static final Pattern URI_FORM = Pattern.compile("([a-zA-Z][a-zA-Z0-9+.-]*:.+|/.*)");
  private static final Pattern HEX_COLOR = Pattern.compile("#?([0-9a-fA-F]{3}|[0-9a-fA-F]{6})");
  private static final Pattern GO_DURATION =
      Pattern.compile("[-+]?(0|(\\d+\\.?\\d*|\\.\\d+)\\s*(ns|us|µs|ms|s|m|h|d|w|[a-z]+))+");
  private static final Pattern DNS_LABEL = Pattern.compile("[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?");
  private static final Pattern DNS_NAME =
      Pattern.compile(
          "(?=.{1,253}$)[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*");

  private static void format(JsonNode value, Schema schema, String path, Result result) {
    if (schema.format.isEmpty() || !(schema.type.isEmpty() || schema.type.equals("string"))) {
      return;
    }
    String text = value.stringValue();
    boolean fits =
        switch (schema.format.replace("-", "")) {
          case "datetime" -> isDateTime(text);
          case "date" -> isDate(text);
          case "duration" -> isDuration(text);
          case "uuid" -> UUID.matcher(text).matches();
          case "uuid3", "uuid4", "uuid5" -> UUID.matcher(text).matches();
          case "ipv4" -> IPV4.matcher(text).matches();
          case "ipv6" -> IPV6.matcher(text).matches();
          case "cidr" -> isCidr(text);
          case "email" -> EMAIL.matcher(text).matches();
          case "hostname" -> HOSTNAME.matcher(text).matches();
          case "mac" -> MAC.matcher(text).matches();
          case "uri" -> URI_FORM.matcher(text).matches();
          case "hexcolor" -> HEX_COLOR.matcher(text).matches();
          case "byte" -> isBase64(text);
          case "k8sshortname" -> DNS_LABEL.matcher(text).matches();
          case "k8slongname" -> DNS_NAME.matcher(text).matches();
          default -> true;
        };
    if (!fits) {
      result.add(
          Kind.TYPE_INVALID,
          path,
          value,
          "%s in body must be of type %s: %s".formatted(path, schema.format, quoted(text)));
    }
  }

  private static String quoted(String text) {
    return Json.text(Json.string(text));
  }

  private static boolean isDateTime(String text) {
    try {
      OffsetDateTime.parse(text.replace(' ', 'T'));
      return true;
    } catch (DateTimeParseException e) {
      return false;
    }
  }

  private static boolean isDate(String text) {
    try {
      LocalDate.parse(text);
      return true;
    } catch (DateTimeParseException e) {
      return false;
    }
  }

  private static boolean isDuration(String text) {
    if (GO_DURATION.matcher(text).matches()) {
      return true;
    }
    try {
      Duration.parse(text);
      return text.isEmpty();
    } catch (DateTimeParseException e) {
      return false;
    }
  }

  private static boolean isCidr(String text) {
    int slash = text.indexOf('/');
    if (slash < 0) {
      return false;
    }
    String address = text.substring(0, slash);
    String bits = text.substring(slash + 1);
    if (!bits.matches("\\d{1,3}")) {
      return false;
    }
    return IPV4.matcher(address).matches()
        ? Integer.parseInt(bits) <= 32
        : IPV6.matcher(address).matches() && Integer.parseInt(bits) <= 128;
  }

  private static boolean isBase64(String text) {
    try {
      Base64.getDecoder().decode(text);
      return true;
    } catch (IllegalArgumentException e) {
      return false;
    }
  }
}
