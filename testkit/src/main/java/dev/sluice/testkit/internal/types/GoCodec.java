package dev.sluice.testkit.internal.types;

import dev.sluice.testkit.internal.json.Json;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * Reads an object through a Go struct and gives it back as Go would write it. Stateless.
 *
 * <p>The result has the struct's fields in the struct's order; reading it again changes nothing.
 */
public final class GoCodec {

  private GoCodec() {}

  /** A value of the wrong type; the message is Go's. */
  public static final class TypeException extends Exception {
    private static final long serialVersionUID = 1;

    public TypeException(String message) {
      super(message);
    }
  }

  /**
   * What was read.
   *
   * @param object the object in canonical form
   * @param unknown paths of fields that the type does not have
   */
  public record Decoded(ObjectNode object, List<String> unknown) {}

  /** Reads {@code node} as {@code type}. */
  public static Decoded decode(ObjectNode node, GoType.Struct type) throws TypeException {
    List<String> unknown = new ArrayList<>();
    ObjectNode object = new Reader(unknown).struct(node, type, "", "");
    return new Decoded(object, unknown);
  }

  /** Canonical form of what is known to fit its type. */
  public static ObjectNode canonical(ObjectNode node, GoType.Struct type) {
    try {
      return decode(node, type).object();
    } catch (TypeException e) {
      throw new IllegalStateException(
          "An object does not fit " + type.goName() + ": " + e.getMessage(), e);
    }
  }

  private static final class Reader {
    private final List<String> unknown;

    Reader(List<String> unknown) {
      this.unknown = unknown;
    }

    /**
     * @param path with indices, for unknown fields
     * @param fieldPath without indices, for type errors
     */
    ObjectNode struct(ObjectNode in, GoType.Struct type, String path, String fieldPath)
        throws TypeException {
      // In the order of the document: that is the order in which faults are told.
      Map<String, JsonNode> known = new HashMap<>();
      for (Map.Entry<String, JsonNode> entry : in.properties()) {
        String name = entry.getKey();
        GoType.Field field = type.field(name);
        if (field == null) {
          unknown.add(path.isEmpty() ? name : path + "." + name);
        } else if (!entry.getValue().isNull()) {
          JsonNode read =
              value(
                  entry.getValue(),
                  field.type(),
                  path.isEmpty() ? name : path + "." + name,
                  new At(type.simpleName(), fieldPath.isEmpty() ? name : fieldPath + "." + name));
          if (read != null) {
            known.put(name, read);
          }
        }
      }
      ObjectNode out = Json.object();
      for (GoType.Field field : type.fields().values()) {
        JsonNode read = known.get(field.name());
        if (read == null) {
          read = zero(field.type());
        }
        if (field.omitEmpty() && isEmpty(read, field.type())) {
          continue;
        }
        if (field.omitZero() && (read.isNull() || isZero(read, field.type()))) {
          continue;
        }
        out.set(field.name(), read);
      }
      return out;
    }

    private record At(String struct, String field) {}

    private @Nullable JsonNode value(JsonNode in, GoType type, String path, At at)
        throws TypeException {
      // No switch over patterns: the first one in a JVM costs a tenth of a server's start.
      if (type instanceof GoType.Leaf leaf) {
        return leaf(in, leaf, at);
      }
      if (type instanceof GoType.Pointer pointer) {
        return in.isNull() ? null : value(in, pointer.element(), path, at);
      }
      if (type instanceof GoType.ObjectOr either) {
        return value(in, in.isObject() ? either.object() : either.other(), path, at);
      }
      if (type instanceof GoType.ListOf list) {
        if (!(in instanceof ArrayNode array)) {
          throw mismatch(in, type, at);
        }
        ArrayNode out = Json.array();
        for (int i = 0; i < array.size(); i++) {
          out.add(element(array.get(i), list.element(), path + "[" + i + "]", at));
        }
        return out;
      }
      if (!(in instanceof ObjectNode object)) {
        throw mismatch(in, type, at);
      }
      if (type instanceof GoType.Struct struct) {
        return struct(object, struct, path, at.field());
      }
      // Go writes maps with sorted keys.
      GoType.MapOf map = (GoType.MapOf) type;
      ObjectNode out = Json.object();
      String[] names = object.propertyNames().toArray(new String[0]);
      java.util.Arrays.sort(names);
      for (String name : names) {
        out.set(
            name,
            element(
                java.util.Objects.requireNonNull(object.get(name)),
                map.element(),
                path + "." + name,
                at));
      }
      return out;
    }

    private JsonNode element(JsonNode in, GoType type, String path, At at) throws TypeException {
      JsonNode read = in.isNull() ? null : value(in, type, path, at);
      return read == null ? zero(type) : read;
    }

    private JsonNode leaf(JsonNode in, GoType.Leaf type, At at) throws TypeException {
      switch (type.kind()) {
        case STRING -> {
          if (!in.isString()) {
            throw mismatch(in, type, at);
          }
          return in;
        }
        case BOOL -> {
          if (!in.isBoolean()) {
            throw mismatch(in, type, at);
          }
          return in;
        }
        case INT32, INT64 -> {
          if (!in.isNumber()) {
            throw mismatch(in, type, at);
          }
          if (!in.isIntegralNumber()
              || (type.kind() == GoType.Kind.INT32 && in.longValue() != (int) in.longValue())) {
            throw new TypeException(mismatchText("number " + numberText(in), type.goName(), at));
          }
          return in;
        }
        case FLOAT64 -> {
          if (!in.isNumber()) {
            throw mismatch(in, type, at);
          }
          return in;
        }
        case BYTES -> {
          if (!in.isString()) {
            throw mismatch(in, type, at);
          }
          return Json.string(base64(in.stringValue()));
        }
        case TIME -> {
          if (!in.isString()) {
            throw new TypeException(mismatchText(kind(in), "string", null));
          }
          return Json.string(GoTime.seconds(in.stringValue()));
        }
        case MICROTIME -> {
          if (!in.isString()) {
            throw new TypeException(mismatchText(kind(in), "string", null));
          }
          return Json.string(GoTime.micros(in.stringValue()));
        }
        case QUANTITY -> {
          if (in.isString()) {
            return Json.string(Quantity.canonical(in.stringValue()));
          }
          if (in.isNumber()) {
            return Json.string(Quantity.canonical(numberText(in)));
          }
          throw new TypeException(Quantity.MALFORMED);
        }
        case INT_OR_STRING -> {
          if (in.isString() || in.isIntegralNumber()) {
            return in;
          }
          throw new TypeException(
              mismatchText(
                  in.isNumber() ? "number " + numberText(in) : kind(in),
                  in.isNumber() ? "int32" : "string",
                  null));
        }
        case DURATION -> {
          if (!in.isString()) {
            throw new TypeException(mismatchText(kind(in), "string", null));
          }
          return in;
        }
        default -> {
          return in;
        }
      }
    }

    private static String base64(String text) throws TypeException {
      try {
        String compact = text.replace("\n", "").replace("\r", "");
        byte[] decoded = Base64.getDecoder().decode(compact);
        if (compact.length() % 4 != 0) {
          throw new TypeException(
              "illegal base64 data at input byte " + (compact.length() / 4 * 4));
        }
        return Base64.getEncoder().encodeToString(decoded);
      } catch (IllegalArgumentException e) {
        int at = 0;
        while (at < text.length()
            && (Character.isLetterOrDigit(text.charAt(at)) && text.charAt(at) < 128
                || text.charAt(at) == '+'
                || text.charAt(at) == '/')) {
          at++;
        }
        throw new TypeException(
            "illegal base64 data at input byte " + (at == text.length() ? at / 4 * 4 : at));
      }
    }

    private static TypeException mismatch(JsonNode in, GoType type, At at) {
      return new TypeException(mismatchText(kind(in), type.goName(), at));
    }

    private static String mismatchText(String value, String goType, @Nullable At at) {
      return at == null
          ? "json: cannot unmarshal " + value + " into Go value of type " + goType
          : "json: cannot unmarshal "
              + value
              + " into Go struct field "
              + at.struct()
              + "."
              + at.field()
              + " of type "
              + goType;
    }

    private static String kind(JsonNode in) {
      return switch (in.getNodeType()) {
        case OBJECT -> "object";
        case ARRAY -> "array";
        case STRING -> "string";
        case BOOLEAN -> "bool";
        case NUMBER -> "number";
        default -> "null";
      };
    }

    private static String numberText(JsonNode in) {
      return in.isIntegralNumber() ? Long.toString(in.longValue()) : Json.goFloat(in.doubleValue());
    }
  }

  private static JsonNode zero(GoType type) {
    if (type instanceof GoType.Leaf leaf) {
      return switch (leaf.kind()) {
        case STRING -> Json.string("");
        case BOOL -> Json.object().booleanNode(false);
        case INT32, INT64, FLOAT64, INT_OR_STRING -> Json.number(0);
        case DURATION -> Json.string("0s");
        case QUANTITY -> Json.string("0");
        default -> Json.object().nullNode();
      };
    }
    if (!(type instanceof GoType.Struct struct)) {
      return Json.object().nullNode();
    }
    ObjectNode out = Json.object();
    for (Map.Entry<String, GoType.Field> entry : struct.fields().entrySet()) {
      GoType.Field field = entry.getValue();
      JsonNode value = zero(field.type());
      boolean left =
          (field.omitEmpty() && isEmpty(value, field.type()))
              || (field.omitZero() && (value.isNull() || isZero(value, field.type())));
      if (!left) {
        out.set(field.name(), value);
      }
    }
    return out;
  }

  /** What Go's omitempty leaves out: never a struct, nor what a pointer points to. */
  private static boolean isEmpty(JsonNode value, GoType type) {
    if (value.isNull()) {
      // A Time is a struct: its zero value is written as null unless omitzero says otherwise.
      return !(type instanceof GoType.Leaf leaf)
          || switch (leaf.kind()) {
            case TIME, MICROTIME -> false;
            default -> true;
          };
    }
    if (type instanceof GoType.Leaf leaf) {
      return switch (leaf.kind()) {
        case STRING, BYTES -> value.stringValue().isEmpty();
        case BOOL -> !value.booleanValue();
        case INT32, INT64, FLOAT64 -> value.doubleValue() == 0;
        default -> false;
      };
    }
    return (type instanceof GoType.ListOf || type instanceof GoType.MapOf) && value.isEmpty();
  }

  private static boolean isZero(JsonNode value, GoType type) {
    return type instanceof GoType.Struct ? value.isEmpty() : isEmpty(value, type);
  }
}
