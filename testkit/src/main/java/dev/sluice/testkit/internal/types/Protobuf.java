package dev.sluice.testkit.internal.types;

import dev.sluice.testkit.internal.json.Json;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.time.DateTimeException;
import java.time.Instant;
import java.util.Arrays;
import java.util.Base64;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * Reads bodies in Kubernetes' protobuf, as kubectl and controller-runtime send objects of built-in
 * kinds, into the JSON tree that the same object would have come as. Stateless.
 *
 * <p>A body is four bytes of magic and an envelope, {@code runtime.Unknown}, with kind, apiVersion
 * and the object's own message. Which field has which number is in the table of types. Every number
 * and text that Go does not leave out is there even when it is empty; {@link GoCodec} leaves out
 * what JSON leaves out.
 */
public final class Protobuf {
  private static final byte[] MAGIC = {'k', '8', 's', 0};
  // Deeper than any built-in kind goes.
  private static final int MAX_DEPTH = 64;

  private static final Map<GoType.Struct, Message> MESSAGES = new ConcurrentHashMap<>();

  private Protobuf() {}

  /** What is wrong with the bytes; the message is Go's. */
  public static final class MalformedException extends Exception {
    private static final long serialVersionUID = 1;

    MalformedException(String message) {
      super(message);
    }
  }

  /** The fields of a message by number: one of a struct, or a message whose fields are flat. */
  private record Message(Map<Integer, Object> fields) {
    static Message of(GoType.Struct struct) {
      Message message = new Message(new HashMap<>());
      for (GoType.Field field : struct.fields().values()) {
        if (!field.protobuf().isEmpty()) {
          message.put(field.protobuf(), field);
        }
      }
      return message;
    }

    private void put(String path, GoType.Field field) {
      int dot = path.indexOf('.');
      if (dot < 0) {
        fields.put(Integer.valueOf(path), field);
      } else {
        Object inner =
            fields.computeIfAbsent(
                Integer.valueOf(path.substring(0, dot)), number -> new Message(new HashMap<>()));
        ((Message) inner).put(path.substring(dot + 1), field);
      }
    }
  }

  /**
   * Reads an object.
   *
   * @param type the struct of an apiVersion and kind, given as {@code apiVersion/kind}; null if
   *     there is none, then only kind and apiVersion are read
   */
  public static ObjectNode read(byte[] bytes, Function<String, GoType.@Nullable Struct> type)
      throws MalformedException {
    if (bytes.length < MAGIC.length
        || !Arrays.equals(bytes, 0, MAGIC.length, MAGIC, 0, MAGIC.length)) {
      throw new MalformedException("provided data does not appear to be a protobuf message");
    }
    Input envelope = new Input(bytes, MAGIC.length, bytes.length, 0);
    String apiVersion = "";
    String kind = "";
    Input raw = new Input(bytes, 0, 0, 0);
    while (envelope.next()) {
      switch (envelope.number) {
        case 1 -> {
          Input meta = envelope.message();
          while (meta.next()) {
            switch (meta.number) {
              case 1 -> apiVersion = meta.text();
              case 2 -> kind = meta.text();
              default -> meta.skip();
            }
          }
        }
        case 2 -> raw = envelope.message();
        default -> envelope.skip();
      }
    }
    ObjectNode object = Json.object();
    GoType.Struct struct = type.apply(apiVersion + "/" + kind);
    if (struct != null) {
      struct(raw, struct, object);
    }
    if (!kind.isEmpty()) {
      object.put("kind", kind);
    }
    if (!apiVersion.isEmpty()) {
      object.put("apiVersion", apiVersion);
    }
    return object;
  }

  /** Writes a Status in its envelope: code, reason and message, without details. */
  public static byte[] encodeStatus(ObjectNode status) {
    ByteArrayOutputStream raw = new ByteArrayOutputStream();
    put(raw, 1, new byte[0]);
    put(raw, 2, Json.textAt(status, "status").getBytes(StandardCharsets.UTF_8));
    put(raw, 3, Json.textAt(status, "message").getBytes(StandardCharsets.UTF_8));
    put(raw, 4, Json.textAt(status, "reason").getBytes(StandardCharsets.UTF_8));
    JsonNode code = status.get("code");
    varint(raw, 6 << 3);
    varint(raw, code == null ? 0 : code.intValue());
    ByteArrayOutputStream meta = new ByteArrayOutputStream();
    put(meta, 1, "v1".getBytes(StandardCharsets.UTF_8));
    put(meta, 2, "Status".getBytes(StandardCharsets.UTF_8));
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    out.writeBytes(MAGIC);
    put(out, 1, meta.toByteArray());
    put(out, 2, raw.toByteArray());
    put(out, 3, new byte[0]);
    put(out, 4, new byte[0]);
    return out.toByteArray();
  }

  private static void put(ByteArrayOutputStream out, int number, byte[] bytes) {
    varint(out, number << 3 | Input.BYTES);
    varint(out, bytes.length);
    out.writeBytes(bytes);
  }

  private static void varint(ByteArrayOutputStream out, int value) {
    int rest = value;
    while (rest > 0x7f) {
      out.write(rest & 0x7f | 0x80);
      rest >>>= 7;
    }
    out.write(rest);
  }

  private static ObjectNode struct(Input in, GoType.Struct struct, ObjectNode out)
      throws MalformedException {
    Message message = MESSAGES.get(struct);
    if (message == null) {
      message = Message.of(struct);
      MESSAGES.put(struct, message);
    }
    fields(in, message, out);
    return out;
  }

  private static void fields(Input in, Message message, ObjectNode out) throws MalformedException {
    while (in.next()) {
      switch (message.fields().get(in.number)) {
        case GoType.Field field -> field(in, field.name(), field.type(), out);
        case Message flat -> fields(in.message(), flat, out);
        case null, default -> in.skip();
      }
    }
  }

  private static void field(Input in, String name, GoType type, ObjectNode out)
      throws MalformedException {
    switch (type) {
      case GoType.Pointer pointer -> field(in, name, pointer.element(), out);
      case GoType.ListOf list -> {
        ArrayNode array = out.withArrayProperty(name);
        if (in.wire == Input.BYTES && isNumber(list.element())) {
          Input packed = in.message();
          while (!packed.atEnd()) {
            array.add(number(packed.varint(), list.element()));
          }
        } else {
          array.add(value(in, list.element()));
        }
      }
      case GoType.MapOf map -> {
        Input entry = in.message();
        String key = "";
        JsonNode value = null;
        while (entry.next()) {
          switch (entry.number) {
            case 1 -> key = entry.text();
            case 2 -> value = value(entry, map.element());
            default -> entry.skip();
          }
        }
        if (value == null) {
          value = empty(map.element());
        }
        out.withObjectProperty(name).set(key, value);
      }
      default -> out.set(name, value(in, type));
    }
  }

  /** What a map's entry without a value holds. */
  private static JsonNode empty(GoType type) throws MalformedException {
    Input nothing = new Input(new byte[] {0}, 0, 1, 0);
    nothing.wire = Input.BYTES;
    return isNumber(type) ? number(0, type) : value(nothing, type);
  }

  private static boolean isNumber(GoType type) {
    return type instanceof GoType.Leaf leaf
        && switch (leaf.kind()) {
          case BOOL, INT32, INT64 -> true;
          default -> false;
        };
  }

  private static JsonNode number(long value, GoType type) {
    return switch (((GoType.Leaf) type).kind()) {
      case BOOL -> Json.object().booleanNode(value != 0);
      case INT32 -> Json.object().numberNode((int) value);
      default -> Json.object().numberNode(value);
    };
  }

  private static JsonNode value(Input in, GoType type) throws MalformedException {
    return switch (type) {
      case GoType.Pointer pointer -> value(in, pointer.element());
      case GoType.Struct struct -> struct(in.message(), struct, Json.object());
      case GoType.Leaf leaf -> leaf(in, leaf);
      case GoType.ObjectOr either -> either(in.message(), either);
      case GoType.ListOf list -> {
        // A list as the value of a map or a list has a message of its own: {repeated T items = 1}.
        ArrayNode array = Json.array();
        Input items = in.message();
        while (items.next()) {
          if (items.number == 1) {
            array.add(value(items, list.element()));
          } else {
            items.skip();
          }
        }
        yield array;
      }
      case GoType.MapOf map -> throw new MalformedException("a map within a map");
    };
  }

  private static JsonNode leaf(Input in, GoType.Leaf leaf) throws MalformedException {
    ObjectNode make = Json.object();
    return switch (leaf.kind()) {
      case BOOL, INT32, INT64 -> number(in.varint(), leaf);
      case FLOAT64 -> make.numberNode(Double.longBitsToDouble(in.fixed64()));
      case STRING -> make.stringNode(in.text());
      case BYTES -> make.stringNode(Base64.getEncoder().encodeToString(in.bytes()));
      case TIME -> time(in.message(), false);
      case MICROTIME -> time(in.message(), true);
      case DURATION -> make.stringNode(duration(in.message()));
      case QUANTITY -> make.stringNode(only(in.message(), "0"));
      case INT_OR_STRING -> intOrString(in.message());
      case RAW -> raw(in.message());
    };
  }

  private static JsonNode time(Input in, boolean micros) throws MalformedException {
    long seconds = 0;
    long nanos = 0;
    boolean some = false;
    while (in.next()) {
      some = true;
      switch (in.number) {
        case 1 -> seconds = in.varint();
        case 2 -> nanos = in.varint();
        default -> in.skip();
      }
    }
    if (!some) {
      return Json.object().nullNode();
    }
    try {
      Instant instant = Instant.ofEpochSecond(seconds, nanos);
      return Json.object().stringNode(micros ? GoTime.micros(instant) : GoTime.seconds(instant));
    } catch (DateTimeException | ArithmeticException e) {
      throw new MalformedException("a time out of range");
    }
  }

  private static String duration(Input in) throws MalformedException {
    long nanos = 0;
    while (in.next()) {
      if (in.number == 1) {
        nanos = in.varint();
      } else {
        in.skip();
      }
    }
    return nanos % 1_000_000_000 == 0 ? nanos / 1_000_000_000 + "s" : nanos + "ns";
  }

  /** The text in field 1. */
  private static String only(Input in, String otherwise) throws MalformedException {
    String text = otherwise;
    while (in.next()) {
      if (in.number == 1) {
        text = in.text();
      } else {
        in.skip();
      }
    }
    return text;
  }

  private static JsonNode intOrString(Input in) throws MalformedException {
    long type = 0;
    int number = 0;
    String text = "";
    while (in.next()) {
      switch (in.number) {
        case 1 -> type = in.varint();
        case 2 -> number = (int) in.varint();
        case 3 -> text = in.text();
        default -> in.skip();
      }
    }
    return type == 0 ? Json.object().numberNode(number) : Json.object().stringNode(text);
  }

  private static JsonNode raw(Input in) throws MalformedException {
    byte[] json = {};
    while (in.next()) {
      if (in.number == 1) {
        json = in.bytes();
      } else {
        in.skip();
      }
    }
    if (json.length == 0) {
      return Json.object().nullNode();
    }
    try {
      return Objects.requireNonNull(Json.parse(json).node());
    } catch (Json.MalformedException e) {
      throw new MalformedException(String.valueOf(e.getMessage()));
    }
  }

  /** A schema, or a boolean, a list of schemas or of names instead. */
  private static JsonNode either(Input in, GoType.ObjectOr type) throws MalformedException {
    JsonNode found = null;
    boolean bool = type.other() instanceof GoType.Leaf;
    ArrayNode list = Json.array();
    while (in.next()) {
      // JSONSchemaPropsOrBool: allows = 1, schema = 2. The two others: schema = 1, the list = 2.
      if (in.number == (bool ? 2 : 1)) {
        found = value(in, type.object());
      } else if (bool && in.number == 1) {
        boolean allows = in.varint() != 0;
        found = found == null ? Json.object().booleanNode(allows) : found;
      } else if (in.number == 2 && type.other() instanceof GoType.ListOf others) {
        list.add(value(in, others.element()));
      } else {
        in.skip();
      }
    }
    if (found != null) {
      return found;
    }
    return list;
  }

  /** A stretch of bytes that is read field by field. */
  private static final class Input {
    static final int VARINT = 0;
    static final int FIXED64 = 1;
    static final int BYTES = 2;
    static final int FIXED32 = 5;

    private final byte[] buffer;
    private final int end;
    private final int depth;
    private int at;
    private int number;
    private int wire;

    Input(byte[] buffer, int from, int end, int depth) {
      this.buffer = buffer;
      this.at = from;
      this.end = end;
      this.depth = depth;
    }

    boolean atEnd() {
      return at >= end;
    }

    /** Reads the next field's number and wire type; false at the end. */
    boolean next() throws MalformedException {
      if (atEnd()) {
        return false;
      }
      long key = varint();
      number = (int) (key >>> 3);
      wire = (int) (key & 7);
      if (number <= 0) {
        throw new MalformedException("proto: illegal tag " + number);
      }
      return true;
    }

    long varint() throws MalformedException {
      long value = 0;
      for (int shift = 0; shift < 64; shift += 7) {
        if (at >= end) {
          throw new MalformedException("unexpected EOF");
        }
        byte b = buffer[at++];
        value |= (long) (b & 0x7f) << shift;
        if (b >= 0) {
          return value;
        }
      }
      throw new MalformedException("proto: integer overflow");
    }

    long fixed64() throws MalformedException {
      expect(FIXED64);
      long value = 0;
      need(8);
      for (int i = 0; i < 8; i++) {
        value |= (long) (buffer[at++] & 0xff) << (8 * i);
      }
      return value;
    }

    private void need(long length) throws MalformedException {
      if (length < 0 || length > end - at) {
        throw new MalformedException("unexpected EOF");
      }
    }

    private void expect(int wanted) throws MalformedException {
      if (wire != wanted) {
        throw new MalformedException("proto: wrong wireType = " + wire);
      }
    }

    byte[] bytes() throws MalformedException {
      expect(BYTES);
      long length = varint();
      need(length);
      byte[] bytes = Arrays.copyOfRange(buffer, at, at + (int) length);
      at += (int) length;
      return bytes;
    }

    String text() throws MalformedException {
      return new String(bytes(), StandardCharsets.UTF_8);
    }

    Input message() throws MalformedException {
      expect(BYTES);
      if (depth >= MAX_DEPTH) {
        throw new MalformedException("nested too deeply");
      }
      long length = varint();
      need(length);
      Input message = new Input(buffer, at, at + (int) length, depth + 1);
      at += (int) length;
      return message;
    }

    void skip() throws MalformedException {
      switch (wire) {
        case VARINT -> varint();
        case FIXED64 -> fixed64();
        case BYTES -> bytes();
        case FIXED32 -> {
          need(4);
          at += 4;
        }
        default -> throw new MalformedException("proto: illegal wireType " + wire);
      }
    }
  }
}
