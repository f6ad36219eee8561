package dev.sluice.testkit.internal.types;

import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** A Go type, as far as JSON shows it. */
public sealed interface GoType {

  /** What Go's error messages call the type. */
  String goName();

  /** A value without fields that are known here. */
  record Leaf(Kind kind, String goName) implements GoType {}

  /** The kinds of {@link Leaf}. */
  enum Kind {
    STRING,
    BOOL,
    INT32,
    INT64,
    FLOAT64,
    BYTES,
    TIME,
    MICROTIME,
    DURATION,
    QUANTITY,
    INT_OR_STRING,
    RAW
  }

  /** A pointer: a value that may be absent, and is written when present even if it is empty. */
  record Pointer(GoType element) implements GoType {
    @Override
    public String goName() {
      return element.goName();
    }
  }

  record ListOf(GoType element) implements GoType {
    @Override
    public String goName() {
      return "[]" + (element instanceof Pointer ? "*" : "") + element.goName();
    }
  }

  record MapOf(GoType element) implements GoType {
    @Override
    public String goName() {
      return "map[string]" + element.goName();
    }
  }

  /**
   * Either of two forms, told apart by JSON's own types: an object, or what {@code other} takes.
   */
  record ObjectOr(GoType object, GoType other) implements GoType {
    @Override
    public String goName() {
      return other.goName();
    }
  }

  /** A struct; its fields are filled in after it was made, since types may contain themselves. */
  final class Struct implements GoType {
    private final String name;
    private final String goName;
    private final Map<String, Field> fields = new LinkedHashMap<>();

    Struct(String name, String goName) {
      this.name = name;
      this.goName = goName;
    }

    public String name() {
      return name;
    }

    @Override
    public String goName() {
      return goName;
    }

    /** The name without its package. */
    public String simpleName() {
      return goName.substring(goName.lastIndexOf('.') + 1);
    }

    /** The fields by JSON name, in the struct's order. */
    public Map<String, Field> fields() {
      return fields;
    }

    public @Nullable Field field(String jsonName) {
      return fields.get(jsonName);
    }

    void add(Field field) {
      fields.put(field.name(), field);
    }
  }

  /**
   * A field of a struct.
   *
   * @param omitEmpty whether Go leaves it out when it is empty
   * @param omitZero whether Go leaves it out when it has its zero value
   * @param patchStrategy how strategic merge patch treats it; empty: replaced
   * @param mergeKey by which key the elements of a list are told apart; empty: by value
   * @param protobuf its number in protobuf; {@code 2.7} for field 7 of the message in field 2,
   *     whose fields are flat in JSON; empty: none
   */
  record Field(
      String name,
      GoType type,
      boolean omitEmpty,
      boolean omitZero,
      String patchStrategy,
      String mergeKey,
      String protobuf) {}
}
