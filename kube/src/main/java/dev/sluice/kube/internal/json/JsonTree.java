package dev.sluice.kube.internal.json;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A part of an object as a tree that can be changed and written again: a {@code Map<String,
 * Object>}, a {@code List<Object>}, a {@code String}, a {@link Number} that keeps its digits, a
 * {@code Boolean}, or null. Members keep their order.
 */
public final class JsonTree {
  private static final int MAX_DEPTH = 512;

  /**
   * A number as it was written; two are equal if their texts are.
   *
   * @param digits the text
   */
  public record Number(String digits) {
    @Override
    public String toString() {
      return digits;
    }
  }

  private JsonTree() {}

  /**
   * Parses one value.
   *
   * @throws MalformedJsonException if it is not JSON, or nested deeper than 512 levels
   */
  public static @Nullable Object parse(byte[] json) throws MalformedJsonException {
    Parser parser = new Parser(json);
    Object value = parser.value(0);
    int rest = Tokens.skipSpace(json, parser.at, json.length);
    if (rest < json.length) {
      throw Tokens.unexpected(json, rest, "nothing more");
    }
    return value;
  }

  /**
   * Parses an object.
   *
   * @throws MalformedJsonException if it is not JSON, no object, or nested deeper than 512 levels
   */
  public static Map<String, @Nullable Object> object(byte[] json) throws MalformedJsonException {
    if (parse(json) instanceof Map<?, ?> map) {
      return members(map);
    }
    throw new MalformedJsonException("not an object");
  }

  /** The member of an object, if that is an object; else an empty one. */
  public static Map<String, @Nullable Object> child(Map<String, @Nullable Object> of, String name) {
    return of.get(name) instanceof Map<?, ?> map ? members(map) : new LinkedHashMap<>();
  }

  /** The member of an object, if that is a list; else an empty one. */
  @SuppressWarnings("unchecked")
  public static List<@Nullable Object> list(Map<String, @Nullable Object> of, String name) {
    return of.get(name) instanceof List<?> list ? (List<@Nullable Object>) list : new ArrayList<>();
  }

  /** The member of an object, if that is a text; else an empty one. */
  public static String text(Map<String, @Nullable Object> of, String name) {
    return of.get(name) instanceof String text ? text : "";
  }

  @SuppressWarnings("unchecked")
  private static Map<String, @Nullable Object> members(Map<?, ?> map) {
    return (Map<String, @Nullable Object>) map;
  }

  /** Writes a value. */
  public static byte[] write(@Nullable Object value) {
    StringBuilder out = new StringBuilder();
    write(out, value);
    return out.toString().getBytes(StandardCharsets.UTF_8);
  }

  private static void write(StringBuilder out, @Nullable Object value) {
    switch (value) {
      case null -> out.append("null");
      case String text -> quote(out, text);
      case Map<?, ?> map -> {
        out.append('{');
        String comma = "";
        for (Map.Entry<?, ?> member : map.entrySet()) {
          out.append(comma);
          quote(out, String.valueOf(member.getKey()));
          out.append(':');
          write(out, member.getValue());
          comma = ",";
        }
        out.append('}');
      }
      case Iterable<?> list -> {
        out.append('[');
        String comma = "";
        for (Object element : list) {
          out.append(comma);
          write(out, element);
          comma = ",";
        }
        out.append(']');
      }
      case Boolean flag -> out.append(flag);
      case Number number -> out.append(number.digits);
      case Integer number -> out.append(number);
      case Long number -> out.append(number);
      default -> throw new IllegalArgumentException("no JSON value: " + value.getClass().getName());
    }
  }

  private static void quote(StringBuilder out, String text) {
    out.append('"');
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      switch (c) {
        case '"' -> out.append("\\\"");
        case '\\' -> out.append("\\\\");
        case '\n' -> out.append("\\n");
        case '\r' -> out.append("\\r");
        case '\t' -> out.append("\\t");
        default -> {
          if (c < 0x20) {
            out.append(String.format("\\u%04x", (int) c));
          } else {
            out.append(c);
          }
        }
      }
    }
    out.append('"');
  }

  private static final class Parser {
    private final byte[] b;
    private int at;

    Parser(byte[] b) {
      this.b = b;
    }

    @Nullable Object value(int depth) throws MalformedJsonException {
      at = Tokens.skipSpace(b, at, b.length);
      if (at >= b.length) {
        throw new MalformedJsonException("a value is missing at byte " + at);
      }
      if (depth > MAX_DEPTH) {
        throw new MalformedJsonException("nested deeper than " + MAX_DEPTH + " levels");
      }
      return switch (b[at]) {
        case '{' -> object(depth);
        case '[' -> array(depth);
        case '"' -> string();
        default -> scalar();
      };
    }

    private Map<String, @Nullable Object> object(int depth) throws MalformedJsonException {
      Map<String, @Nullable Object> members = new LinkedHashMap<>();
      at = Tokens.skipSpace(b, at + 1, b.length);
      while (!closes('}', members.isEmpty())) {
        at = Tokens.skipSpace(b, at, b.length);
        if (at >= b.length || b[at] != '"') {
          throw new MalformedJsonException("expected a key at byte " + at);
        }
        String key = string();
        at = Tokens.expect(b, at, b.length, ':');
        members.put(key, value(depth + 1));
      }
      return members;
    }

    private List<@Nullable Object> array(int depth) throws MalformedJsonException {
      List<@Nullable Object> elements = new ArrayList<>();
      at = Tokens.skipSpace(b, at + 1, b.length);
      while (!closes(']', elements.isEmpty())) {
        elements.add(value(depth + 1));
      }
      return elements;
    }

    private boolean closes(char bracket, boolean first) throws MalformedJsonException {
      at = Tokens.skipSpace(b, at, b.length);
      if (at < b.length && b[at] == bracket) {
        at++;
        return true;
      }
      if (!first) {
        at = Tokens.expect(b, at, b.length, ',');
      }
      return false;
    }

    private String string() throws MalformedJsonException {
      int start = at + 1;
      int close = Tokens.endOfString(b, start, b.length);
      at = close + 1;
      return Tokens.text(b, start, close);
    }

    private @Nullable Object scalar() throws MalformedJsonException {
      int start = at;
      at = Tokens.skipValue(b, at, b.length);
      String word = Tokens.text(b, start, at);
      return switch (word) {
        case "null" -> null;
        case "true" -> Boolean.TRUE;
        case "false" -> Boolean.FALSE;
        default -> {
          try {
            var unused = Double.valueOf(word);
          } catch (NumberFormatException e) {
            throw new MalformedJsonException("no value: " + word + " at byte " + start);
          }
          yield new Number(word);
        }
      };
    }
  }
}
