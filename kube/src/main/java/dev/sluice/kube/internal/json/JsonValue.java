package dev.sluice.kube.internal.json;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A small control message as a tree: a {@code Status}, a discovery document. Not for objects.
 *
 * @param value a {@code Map<String, JsonValue>}, a {@code List<JsonValue>}, a {@code String}, a
 *     {@code Double}, a {@code Boolean}, or null
 */
public record JsonValue(@Nullable Object value) {
  private static final int MAX_TREE_DEPTH = 64;
  private static final JsonValue NOTHING = new JsonValue(null);

  /**
   * Parses one value.
   *
   * @throws MalformedJsonException if it is not JSON, or nested deeper than 64 levels
   */
  public static JsonValue parse(byte[] b, int start, int end) throws MalformedJsonException {
    Parser parser = new Parser(b, start, end);
    JsonValue value = parser.value(0);
    int rest = Tokens.skipSpace(b, parser.at, end);
    if (rest < end) {
      throw Tokens.unexpected(b, rest, "nothing more");
    }
    return value;
  }

  /** Parses one value. */
  public static JsonValue parse(byte[] b) throws MalformedJsonException {
    return parse(b, 0, b.length);
  }

  /** The member of an object; the null value if this is no object or has no such member. */
  public JsonValue get(String key) {
    return value instanceof Map<?, ?> map && map.get(key) instanceof JsonValue member
        ? member
        : NOTHING;
  }

  /** The elements of an array; none if this is no array. */
  public List<JsonValue> elements() {
    List<JsonValue> elements = new ArrayList<>();
    if (value instanceof List<?> list) {
      for (Object element : list) {
        elements.add((JsonValue) element);
      }
    }
    return elements;
  }

  /** The text of a string; empty if this is none. */
  public String text() {
    return value instanceof String text ? text : "";
  }

  /** The number, cut to a whole one; 0 if this is none. */
  public long number() {
    return value instanceof Double number ? number.longValue() : 0;
  }

  /** Whether this is {@code true}. */
  public boolean isTrue() {
    return Boolean.TRUE.equals(value);
  }

  private static final class Parser {
    private final byte[] b;
    private final int end;
    private int at;

    Parser(byte[] b, int start, int end) {
      this.b = b;
      this.at = start;
      this.end = end;
    }

    JsonValue value(int depth) throws MalformedJsonException {
      at = Tokens.skipSpace(b, at, end);
      if (at >= end) {
        throw new MalformedJsonException("a value is missing at byte " + at);
      }
      if (depth > MAX_TREE_DEPTH) {
        throw new MalformedJsonException("nested deeper than " + MAX_TREE_DEPTH + " levels");
      }
      return switch (b[at]) {
        case '{' -> new JsonValue(object(depth));
        case '[' -> new JsonValue(array(depth));
        case '"' -> new JsonValue(string());
        default -> scalar();
      };
    }

    private Map<String, JsonValue> object(int depth) throws MalformedJsonException {
      Map<String, JsonValue> members = new LinkedHashMap<>();
      at = Tokens.skipSpace(b, at + 1, end);
      while (!closes('}', members.isEmpty())) {
        at = Tokens.skipSpace(b, at, end);
        if (at >= end || b[at] != '"') {
          throw new MalformedJsonException("expected a key at byte " + at);
        }
        String key = string();
        at = Tokens.expect(b, at, end, ':');
        members.put(key, value(depth + 1));
      }
      return members;
    }

    private List<JsonValue> array(int depth) throws MalformedJsonException {
      List<JsonValue> elements = new ArrayList<>();
      at = Tokens.skipSpace(b, at + 1, end);
      while (!closes(']', elements.isEmpty())) {
        elements.add(value(depth + 1));
      }
      return elements;
    }

    /** Crosses a closing bracket, or the comma before the next element. */
    private boolean closes(char bracket, boolean first) throws MalformedJsonException {
      at = Tokens.skipSpace(b, at, end);
      if (at < end && b[at] == bracket) {
        at++;
        return true;
      }
      if (!first) {
        at = Tokens.expect(b, at, end, ',');
      }
      return false;
    }

    private String string() throws MalformedJsonException {
      int start = at + 1;
      int close = Tokens.endOfString(b, start, end);
      at = close + 1;
      return Tokens.text(b, start, close);
    }

    private JsonValue scalar() throws MalformedJsonException {
      int start = at;
      at = Tokens.skipValue(b, at, end);
      String word = Tokens.text(b, start, at);
      return switch (word) {
        case "null" -> NOTHING;
        case "true" -> new JsonValue(true);
        case "false" -> new JsonValue(false);
        default -> {
          try {
            yield new JsonValue(Double.valueOf(word));
          } catch (NumberFormatException e) {
            throw new MalformedJsonException("no value: " + word + " at byte " + start);
          }
        }
      };
    }
  }
}
