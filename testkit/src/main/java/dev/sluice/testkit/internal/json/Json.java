package dev.sluice.testkit.internal.json;

import java.io.ByteArrayOutputStream;
import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonGenerator;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.ObjectReadContext;
import tools.jackson.core.ObjectWriteContext;
import tools.jackson.core.SerializableString;
import tools.jackson.core.StreamReadConstraints;
import tools.jackson.core.StreamWriteConstraints;
import tools.jackson.core.io.CharacterEscapes;
import tools.jackson.core.io.SerializedString;
import tools.jackson.core.json.JsonFactory;
import tools.jackson.core.json.JsonWriteFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/** Reads and writes JSON trees the way the API server does. Stateless; safe for any thread. */
public final class Json {

  /**
   * How deep a document may nest. The real server takes 10,000 levels; nobody needs them, and here
   * each costs a thread's stack.
   */
  static final int MAX_DEPTH = 1_000;

  private static final JsonNodeFactory NODES = JsonNodeFactory.instance;

  private static final JsonFactory FACTORY =
      JsonFactory.builder()
          .streamReadConstraints(
              StreamReadConstraints.builder()
                  .maxNestingDepth(MAX_DEPTH)
                  .maxStringLength(64 << 20)
                  .maxNumberLength(1_000)
                  .build())
          // A list or an event around it nests deeper than what was read.
          .streamWriteConstraints(
              StreamWriteConstraints.builder().maxNestingDepth(MAX_DEPTH + 16).build())
          .disable(JsonWriteFeature.ESCAPE_FORWARD_SLASHES)
          .characterEscapes(new GoEscapes())
          .build();

  private Json() {}

  /**
   * What was read.
   *
   * @param node the tree
   * @param duplicates paths of keys that stood twice in one object, in Kubernetes' notation; the
   *     last one won
   */
  public record Parsed(JsonNode node, List<String> duplicates) {}

  /** Bytes that are no JSON. The message is the one of Go's decoder. */
  public static class MalformedException extends Exception {
    private static final long serialVersionUID = 1;

    MalformedException(String message) {
      super(message);
    }
  }

  /** A number that is beyond what a float holds. */
  public static final class RangeException extends MalformedException {
    private static final long serialVersionUID = 1;

    RangeException(String literal) {
      super("json: cannot unmarshal number " + literal + " into Go value of type float64");
    }
  }

  public static ObjectNode object() {
    return NODES.objectNode();
  }

  public static ArrayNode array() {
    return NODES.arrayNode();
  }

  public static JsonNode string(String value) {
    return NODES.stringNode(value);
  }

  public static JsonNode number(long value) {
    return NODES.numberNode(value);
  }

  /** Parses a whole document; what is no UTF-8 in it becomes U+FFFD. */
  public static Parsed parse(byte[] bytes) throws MalformedException {
    if (isForeign(bytes)) {
      throw new MalformedException(GoSyntax.explain(bytes));
    }
    return parseUtf8(Utf8.fault(bytes) == null ? bytes : Utf8.repaired(bytes));
  }

  /** Whether Jackson would take it for UTF-16 or UTF-32, or skip a byte order mark. */
  private static boolean isForeign(byte[] bytes) {
    for (int i = 0; i < Math.min(4, bytes.length); i++) {
      if (bytes[i] == 0) {
        return true;
      }
    }
    return bytes.length > 0 && (bytes[0] & 0xff) >= 0x80;
  }

  private static Parsed parseUtf8(byte[] bytes) throws MalformedException {
    List<String> duplicates = new ArrayList<>();
    try (JsonParser parser = FACTORY.createParser(ObjectReadContext.empty(), bytes)) {
      JsonToken first = parser.nextToken();
      if (first == null) {
        throw new MalformedException("unexpected end of JSON input");
      }
      JsonNode node = read(parser, first, "", duplicates);
      if (parser.nextToken() != null) {
        throw new MalformedException(GoSyntax.explain(bytes));
      }
      return new Parsed(node, duplicates);
    } catch (JacksonException e) {
      throw new MalformedException(GoSyntax.explain(bytes));
    }
  }

  /** Parses what is known to be well-formed: what this server wrote itself. */
  public static ObjectNode parseOwn(byte[] bytes) {
    try {
      return (ObjectNode) parse(bytes).node();
    } catch (MalformedException e) {
      throw new IllegalStateException("Stored bytes are not JSON: " + e.getMessage(), e);
    }
  }

  private static JsonNode read(
      JsonParser parser, JsonToken token, String path, List<String> duplicates)
      throws MalformedException {
    switch (token) {
      case START_OBJECT -> {
        ObjectNode object = NODES.objectNode();
        for (JsonToken t = parser.nextToken(); t != JsonToken.END_OBJECT; t = parser.nextToken()) {
          String name = Utf8.paired(parser.currentName());
          String at = path.isEmpty() ? name : path + "." + name;
          JsonNode value = read(parser, parser.nextToken(), at, duplicates);
          if (object.has(name)) {
            duplicates.add(at);
          }
          object.set(name, value);
        }
        return object;
      }
      case START_ARRAY -> {
        ArrayNode array = NODES.arrayNode();
        int index = 0;
        for (JsonToken t = parser.nextToken(); t != JsonToken.END_ARRAY; t = parser.nextToken()) {
          array.add(read(parser, t, path + "[" + index++ + "]", duplicates));
        }
        return array;
      }
      case VALUE_STRING -> {
        return NODES.stringNode(Utf8.paired(parser.getString()));
      }
      case VALUE_TRUE -> {
        return NODES.booleanNode(true);
      }
      case VALUE_FALSE -> {
        return NODES.booleanNode(false);
      }
      case VALUE_NULL -> {
        return NODES.nullNode();
      }
      case VALUE_NUMBER_INT -> {
        // Integers beyond 64 bits become floats, as in Go's unstructured objects.
        return parser.getNumberType() == JsonParser.NumberType.BIG_INTEGER
            ? NODES.numberNode(finite(parser))
            : NODES.numberNode(parser.getLongValue());
      }
      case VALUE_NUMBER_FLOAT -> {
        return NODES.numberNode(finite(parser));
      }
      default -> throw new MalformedException("unexpected token " + token);
    }
  }

  private static double finite(JsonParser parser) throws RangeException {
    double value = parser.getDoubleValue();
    if (Double.isInfinite(value)) {
      throw new RangeException(parser.getString());
    }
    return value;
  }

  /** Encodes a tree in the order in which its keys stand. */
  public static byte[] encode(JsonNode node) {
    return encode(node, false);
  }

  /** Encodes a tree with the keys of every object sorted: how custom resources look. */
  public static byte[] encodeSorted(JsonNode node) {
    return encode(node, true);
  }

  /** Text of {@link #encode}. */
  public static String text(JsonNode node) {
    return new String(encode(node), StandardCharsets.UTF_8);
  }

  /** Encodes with two blanks for each level, as Go's {@code MarshalIndent}. */
  public static byte[] pretty(JsonNode node) {
    StringBuilder out = new StringBuilder();
    pretty(node, "\n", out);
    return out.toString().getBytes(StandardCharsets.UTF_8);
  }

  private static void pretty(JsonNode node, String indent, StringBuilder out) {
    String deeper = indent + "  ";
    if (node.isObject() && !node.isEmpty()) {
      out.append('{');
      boolean first = true;
      for (Map.Entry<String, JsonNode> entry : node.properties()) {
        out.append(first ? "" : ",").append(deeper);
        first = false;
        out.append(text(NODES.stringNode(entry.getKey()))).append(": ");
        pretty(entry.getValue(), deeper, out);
      }
      out.append(indent).append('}');
    } else if (node.isArray() && !node.isEmpty()) {
      out.append('[');
      boolean first = true;
      for (JsonNode element : node) {
        out.append(first ? "" : ",").append(deeper);
        first = false;
        pretty(element, deeper, out);
      }
      out.append(indent).append(']');
    } else {
      out.append(text(node));
    }
  }

  private static byte[] encode(JsonNode node, boolean sorted) {
    ByteArrayOutputStream out = new ByteArrayOutputStream(512);
    try (JsonGenerator generator = FACTORY.createGenerator(ObjectWriteContext.empty(), out)) {
      write(generator, node, sorted);
    }
    return out.toByteArray();
  }

  private static void write(JsonGenerator generator, JsonNode node, boolean sorted) {
    switch (node.getNodeType()) {
      case OBJECT -> {
        generator.writeStartObject();
        if (sorted && node.size() > 1) {
          String[] names = node.propertyNames().toArray(new String[0]);
          Arrays.sort(names);
          for (String name : names) {
            generator.writeName(name);
            write(generator, node.get(name), true);
          }
        } else {
          for (Map.Entry<String, JsonNode> entry : node.properties()) {
            generator.writeName(entry.getKey());
            write(generator, entry.getValue(), sorted);
          }
        }
        generator.writeEndObject();
      }
      case ARRAY -> {
        generator.writeStartArray();
        for (JsonNode element : node) {
          write(generator, element, sorted);
        }
        generator.writeEndArray();
      }
      case STRING -> generator.writeString(node.stringValue());
      case BOOLEAN -> generator.writeBoolean(node.booleanValue());
      case NUMBER -> {
        if (node.isIntegralNumber()) {
          generator.writeNumber(node.longValue());
        } else {
          generator.writeNumber(goFloat(node.doubleValue()));
        }
      }
      default -> generator.writeNull();
    }
  }

  /**
   * A float as Go's encoder writes it: the shortest digits, without an exponent from 1e-6 to 1e21.
   */
  public static String goFloat(double value) {
    if (value == 0) {
      return 1 / value < 0 ? "-0" : "0";
    }
    double magnitude = Math.abs(value);
    BigDecimal shortest = new BigDecimal(Double.toString(value)).stripTrailingZeros();
    if (magnitude >= 1e-6 && magnitude < 1e21) {
      return shortest.toPlainString();
    }
    String digits = shortest.unscaledValue().abs().toString();
    int exponent = digits.length() - 1 - shortest.scale();
    StringBuilder text = new StringBuilder();
    if (value < 0) {
      text.append('-');
    }
    text.append(digits.charAt(0));
    if (digits.length() > 1) {
      text.append('.').append(digits, 1, digits.length());
    }
    text.append('e').append(exponent < 0 ? '-' : '+').append(Math.abs(exponent));
    return text.toString();
  }

  /** The string under a name; null when there is none or it is something else. */
  public static @Nullable String stringAt(JsonNode object, String name) {
    JsonNode value = object.get(name);
    return value != null && value.isString() ? value.stringValue() : null;
  }

  /** The string under a name; empty when there is none or it is something else. */
  public static String textAt(JsonNode object, String name) {
    String value = stringAt(object, name);
    return value == null ? "" : value;
  }

  /** The object under a name; null when there is none or it is something else. */
  public static @Nullable ObjectNode objectAt(JsonNode object, String name) {
    return object.get(name) instanceof ObjectNode child ? child : null;
  }

  /** The array under a name; null when there is none or it is something else. */
  public static @Nullable ArrayNode arrayAt(JsonNode object, String name) {
    return object.get(name) instanceof ArrayNode child ? child : null;
  }

  /** The object under a name, created when there is none. */
  public static ObjectNode ensureObject(ObjectNode object, String name) {
    if (object.get(name) instanceof ObjectNode child) {
      return child;
    }
    ObjectNode child = NODES.objectNode();
    object.set(name, child);
    return child;
  }

  /** Whether two trees mean the same: keys in any order, numbers by value. */
  public static boolean same(@Nullable JsonNode a, @Nullable JsonNode b) {
    if (a == b) {
      return true;
    }
    if (a == null || b == null || a.getNodeType() != b.getNodeType()) {
      return false;
    }
    switch (a.getNodeType()) {
      case OBJECT -> {
        if (a.size() != b.size()) {
          return false;
        }
        for (Map.Entry<String, JsonNode> entry : a.properties()) {
          if (!same(entry.getValue(), b.get(entry.getKey()))) {
            return false;
          }
        }
        return true;
      }
      case ARRAY -> {
        if (a.size() != b.size()) {
          return false;
        }
        for (int i = 0; i < a.size(); i++) {
          if (!same(a.get(i), b.get(i))) {
            return false;
          }
        }
        return true;
      }
      case NUMBER -> {
        return a.isIntegralNumber() && b.isIntegralNumber()
            ? a.longValue() == b.longValue()
            : a.doubleValue() == b.doubleValue();
      }
      default -> {
        return a.equals(b);
      }
    }
  }

  /** Go's encoder escapes what could end a script element, and two line separators. */
  private static final class GoEscapes extends CharacterEscapes {
    private static final long serialVersionUID = 1;
    private static final SerializableString LINE = new SerializedString("\\u2028");
    private static final SerializableString PARAGRAPH = new SerializedString("\\u2029");
    private static final SerializableString LESS = new SerializedString("\\u003c");
    private static final SerializableString GREATER = new SerializedString("\\u003e");
    private static final SerializableString AMPERSAND = new SerializedString("\\u0026");
    private final int[] ascii;

    GoEscapes() {
      ascii = CharacterEscapes.standardAsciiEscapesForJSON();
      ascii['<'] = ESCAPE_CUSTOM;
      ascii['>'] = ESCAPE_CUSTOM;
      ascii['&'] = ESCAPE_CUSTOM;
    }

    @Override
    public int[] getEscapeCodesForAscii() {
      return ascii;
    }

    @Override
    public @Nullable SerializableString getEscapeSequence(int character) {
      return switch (character) {
        case '<' -> LESS;
        case '>' -> GREATER;
        case '&' -> AMPERSAND;
        case 0x2028 -> LINE;
        case 0x2029 -> PARAGRAPH;
        default -> null;
      };
    }
  }
}
