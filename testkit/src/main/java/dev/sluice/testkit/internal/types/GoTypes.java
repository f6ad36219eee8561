package dev.sluice.testkit.internal.types;

import dev.sluice.testkit.internal.json.Json;
import java.io.IOException;
import java.io.InputStream;
import java.util.HashMap;
import java.util.Map;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/** The table of built-in types, read once per process from a resource. Immutable. */
public final class GoTypes {

  private static final GoTypes TABLE = read();

  private final Map<String, GoType.Struct> structs = new HashMap<>();

  private GoTypes() {}

  /**
   * The struct of a package and name, such as {@code core/v1.Pod}.
   *
   * @throws IllegalArgumentException if there is none
   */
  public static GoType.Struct struct(String name) {
    GoType.Struct struct = TABLE.structs.get(name);
    if (struct == null) {
      throw new IllegalArgumentException("No built-in type is named " + name);
    }
    return struct;
  }

  private static GoTypes read() {
    GoTypes table = new GoTypes();
    try (InputStream in = GoTypes.class.getResourceAsStream("types.json")) {
      if (in == null) {
        throw new IllegalStateException("The table of types is missing from the jar");
      }
      ObjectNode root = Json.parseOwn(in.readAllBytes());
      for (Map.Entry<String, JsonNode> entry : root.properties()) {
        String goName = Json.textAt(entry.getValue(), "go");
        table.structs.put(entry.getKey(), new GoType.Struct(entry.getKey(), goName));
      }
      for (Map.Entry<String, JsonNode> entry : root.properties()) {
        GoType.Struct struct = struct(table, entry.getKey());
        JsonNode fields = entry.getValue().get("f");
        for (JsonNode field : fields == null ? Json.array() : fields) {
          String omit = Json.textAt(field, "o");
          struct.add(
              new GoType.Field(
                  Json.textAt(field, "n"),
                  table.type(Json.textAt(field, "t")),
                  omit.contains("e"),
                  omit.contains("z"),
                  Json.textAt(field, "ps"),
                  Json.textAt(field, "mk"),
                  Json.textAt(field, "p")));
        }
      }
    } catch (IOException e) {
      throw new IllegalStateException("The table of types cannot be read", e);
    }
    return table;
  }

  private static GoType.Struct struct(GoTypes table, String name) {
    GoType.Struct struct = table.structs.get(name);
    if (struct == null) {
      throw new IllegalStateException("The table of types names " + name + " and lacks it");
    }
    return struct;
  }

  private GoType type(String text) {
    if (text.startsWith("*")) {
      return new GoType.Pointer(type(text.substring(1)));
    }
    if (text.startsWith("[]")) {
      return new GoType.ListOf(type(text.substring(2)));
    }
    if (text.startsWith("{}")) {
      return new GoType.MapOf(type(text.substring(2)));
    }
    if (text.startsWith("#")) {
      return struct(this, text.substring(1));
    }
    if (text.startsWith("string:")) {
      return new GoType.Leaf(GoType.Kind.STRING, text.substring(7));
    }
    return switch (text) {
      case "string" -> new GoType.Leaf(GoType.Kind.STRING, "string");
      case "bool" -> new GoType.Leaf(GoType.Kind.BOOL, "bool");
      case "int32" -> new GoType.Leaf(GoType.Kind.INT32, "int32");
      case "int64" -> new GoType.Leaf(GoType.Kind.INT64, "int64");
      case "float64" -> new GoType.Leaf(GoType.Kind.FLOAT64, "float64");
      case "bytes" -> new GoType.Leaf(GoType.Kind.BYTES, "[]uint8");
      case "time" -> new GoType.Leaf(GoType.Kind.TIME, "string");
      case "microtime" -> new GoType.Leaf(GoType.Kind.MICROTIME, "string");
      case "duration" -> new GoType.Leaf(GoType.Kind.DURATION, "string");
      case "quantity" -> new GoType.Leaf(GoType.Kind.QUANTITY, "string");
      case "intorstring" -> new GoType.Leaf(GoType.Kind.INT_OR_STRING, "string");
      case "raw" -> new GoType.Leaf(GoType.Kind.RAW, "interface {}");
      case "schemaorbool" ->
          new GoType.ObjectOr(
              struct(this, "apiextensions/v1.JSONSchemaProps"),
              new GoType.Leaf(GoType.Kind.BOOL, "bool"));
      case "schemaorarray" ->
          new GoType.ObjectOr(
              struct(this, "apiextensions/v1.JSONSchemaProps"),
              new GoType.ListOf(struct(this, "apiextensions/v1.JSONSchemaProps")));
      case "schemaorstrings" ->
          new GoType.ObjectOr(
              struct(this, "apiextensions/v1.JSONSchemaProps"),
              new GoType.ListOf(new GoType.Leaf(GoType.Kind.STRING, "string")));
      default -> throw new IllegalStateException("The table of types has an unknown type " + text);
    };
  }
}
