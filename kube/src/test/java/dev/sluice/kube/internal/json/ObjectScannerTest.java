package dev.sluice.kube.internal.json;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.modeltest.Gen;
import dev.sluice.modeltest.Seed;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

class ObjectScannerTest {
  private static final JsonMapper JACKSON = JsonMapper.builder().build();
  private static final byte[] TYPE_META =
      "\"kind\":\"Pod\",\"apiVersion\":\"v1\",".getBytes(StandardCharsets.UTF_8);

  private final ObjectScanner scanner = new ObjectScanner();

  private void frame(String text) throws MalformedJsonException {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    scanner.scanFrame(bytes, 0, bytes.length);
  }

  private void object(String text) throws MalformedJsonException {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    scanner.scanObject(bytes, 0, bytes.length);
  }

  private String body(boolean cut) {
    return new String(scanner.body(cut, TYPE_META), StandardCharsets.UTF_8);
  }

  @Test
  void readsMetadataOfABuiltInKind() throws Exception {
    frame(
        """
        {"type":"MODIFIED","object":{"kind":"Pod","apiVersion":"v1","metadata":{"name":"a","namespace":"b",\
        "uid":"c","resourceVersion":"12","generation":3,"labels":{"x":"y"}},"spec":{}}}\
        """);

    assertThat(scanner.type()).isEqualTo("MODIFIED");
    assertThat(scanner.name()).isEqualTo("a");
    assertThat(scanner.namespace()).isEqualTo("b");
    assertThat(scanner.uid()).isEqualTo("c");
    assertThat(scanner.resourceVersion()).isEqualTo("12");
    assertThat(scanner.generation()).isEqualTo(3);
    assertThat(scanner.deleting()).isFalse();
    assertThat(scanner.labels()).containsExactly(Map.entry("x", "y"));
  }

  @Test
  void readsMetadataWhereKeysAreSortedAndAnnotationsComeFirst() throws Exception {
    String annotation = "\\\"name\\\":\\\"no\\\"".repeat(10_000);
    frame(
        "{\"object\":{\"apiVersion\":\"v1\",\"kind\":\"W\",\"metadata\":{\"annotations\":{\"a\":\""
            + annotation
            + "\"},\"deletionTimestamp\":\"2026-01-01T00:00:00Z\",\"name\":\"n\",\"resourceVersion\":\"7\",\"uid\":\"u\"}},"
            + "\"type\":\"ADDED\"}");

    assertThat(scanner.type()).isEqualTo("ADDED");
    assertThat(scanner.name()).isEqualTo("n");
    assertThat(scanner.namespace()).isEmpty();
    assertThat(scanner.deleting()).isTrue();
    assertThat(scanner.annotations().get("a")).isEqualTo("\"name\":\"no\"".repeat(10_000));
  }

  @Test
  void isNotMisledByTextThatResemblesMetadata() throws Exception {
    object(
        "{\"spec\":{\"metadata\":{\"name\":\"wrong\"},\"t\":\"\\\"metadata\\\":{\\\"name\\\":\\\"wrong\\\"}\"},"
            + "\"metadata\":{\"ownerReferences\":[{\"name\":\"wrong\",\"uid\":\"wrong\"}],\"name\":\"right\"},"
            + "\"status\":{\"name\":\"wrong\",\"metadata\":{\"name\":\"wrong\"}}}");

    assertThat(scanner.name()).isEqualTo("right");
    assertThat(scanner.uid()).isEmpty();
  }

  @Test
  void resolvesEscapesInKeysAndValues() throws Exception {
    object(
        "{\"\\u006detadata\":{\"n\\u0061me\":\"a\\u0062\\n\\\"\\/\",\"uid\":\"\\ud83d\\ude00\",\"namespace\":\"é\"}}");

    assertThat(scanner.name()).isEqualTo("ab\n\"/");
    assertThat(scanner.uid()).isEqualTo("😀");
    assertThat(scanner.namespace()).isEqualTo("é");
  }

  @Test
  void takesTheLastOfARepeatedKey() throws Exception {
    object(
        "{\"metadata\":{\"name\":\"a\",\"uid\":\"u\"},\"metadata\":{\"name\":\"b\",\"name\":\"c\"}}");

    assertThat(scanner.name()).isEqualTo("c");
    assertThat(scanner.uid()).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"1.5", "\"7\"", "null", "1e3", "9999999999999999999999", "-", "true", "[1]"})
  void readsAnyOtherGenerationThanAWholeNumberAsNone(String value) throws Exception {
    object("{\"metadata\":{\"generation\":" + value + ",\"name\":\"a\"}}");

    assertThat(scanner.generation()).isZero();
    assertThat(scanner.name()).isEqualTo("a");
  }

  @Test
  void cutsManagedFieldsWhereverTheyStand() throws Exception {
    object("{\"metadata\":{\"managedFields\":[{\"a\":1}],\"name\":\"a\"}}");
    assertThat(body(true)).isEqualTo("{" + meta() + "\"metadata\":{\"name\":\"a\"}}");

    object("{\"metadata\":{\"name\":\"a\" , \"managedFields\":[1] }}");
    assertThat(body(true)).isEqualTo("{" + meta() + "\"metadata\":{\"name\":\"a\"  }}");

    object("{\"metadata\":{\"name\":\"a\",\"managedFields\":null,\"uid\":\"u\"}}");
    assertThat(body(true)).isEqualTo("{" + meta() + "\"metadata\":{\"name\":\"a\",\"uid\":\"u\"}}");

    object("{\"metadata\":{\"managedFields\":[]}}");
    assertThat(body(true)).isEqualTo("{" + meta() + "\"metadata\":{}}");
  }

  @Test
  void keepsManagedFieldsWhenToldTo() throws Exception {
    object("{\"kind\":\"Pod\",\"metadata\":{\"managedFields\":[{\"a\":1}],\"name\":\"a\"}}");

    assertThat(body(false))
        .isEqualTo(
            "{\"kind\":\"Pod\",\"metadata\":{\"managedFields\":[{\"a\":1}],\"name\":\"a\"}}");
  }

  @Test
  void takesABareStatusForAnErrorEvent() throws Exception {
    frame("{\"kind\":\"Status\",\"code\":410,\"reason\":\"Expired\"}");

    assertThat(scanner.type()).isEqualTo("ERROR");
    assertThat(scanner.isStatus()).isTrue();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "no json",
        "[]",
        "{}",
        "{\"type\":\"ADDED\"}",
        "{\"object\":{}}",
        "{\"type\":\"ADDED\",\"object\":{}} x",
        "{\"type\":\"ADDED\",\"object\":{\"a\":[}]}}",
        "{\"type\":\"ADDED\",\"object\":{\"metadata\":{\"name\":\"\\x\"}}}",
        "{\"type\":\"ADDED\",\"object\":{\"metadata\":{\"name\":\"\\u12\"}}}",
        "{\"type\":\"ADDED\",\"object\":{\"metadata\":{\"name\" \"a\"}}}",
        "{\"type\":\"ADDED\",\"object\":{\"metadata\":{name:\"a\"}}}"
      })
  void refusesWhatIsNoEvent(String text) {
    assertThatThrownBy(() -> frame(text))
        .isInstanceOf(MalformedJsonException.class)
        .hasMessageMatching("(?s).+");
  }

  @Test
  void refusesANameThatIsNotUtf8() {
    byte[] bytes = "{\"metadata\":{\"name\":\"a?\"}}".getBytes(StandardCharsets.UTF_8);
    bytes[new String(bytes, StandardCharsets.ISO_8859_1).indexOf('?')] = (byte) 0xff;

    assertThatThrownBy(() -> scanner.scanObject(bytes, 0, bytes.length))
        .isInstanceOf(MalformedJsonException.class)
        .hasMessageContaining("not UTF-8");
  }

  @Test
  void acceptsAThousandLevelsAndRefusesMore() throws Exception {
    int deepest = Tokens.MAX_DEPTH;
    object("{\"spec\":" + "[{\"a\":".repeat(deepest / 2) + "1" + "}]".repeat(deepest / 2) + "}");

    assertThatThrownBy(
            () -> object("{\"spec\":" + "[".repeat(deepest + 1) + "]".repeat(deepest + 1) + "}"))
        .hasMessageContaining("nested deeper than");
    assertThatThrownBy(() ->
            object("{\"a\":" + "[".repeat(200) + "]".repeat(130) + "}" + "]".repeat(69) + "}"))
        .hasMessageContaining("closes one of another kind");
  }

  @Test
  void refusesAFrameThatIsCutAtWhateverByte() throws Exception {
    String text =
        "{\"type\":\"ADDED\",\"object\":{\"metadata\":{\"name\":\"\\\"é\",\"labels\":{\"a\":\"b\\\\\"},"
            + "\"generation\":12,\"managedFields\":[{}]},\"spec\":[1,{\"a\":null}]}}";
    byte[] whole = text.getBytes(StandardCharsets.UTF_8);
    scanner.scanFrame(whole, 0, whole.length);

    for (int end = 0; end < whole.length; end++) {
      int cut = end;
      assertThatThrownBy(() -> scanner.scanFrame(whole, 0, cut))
          .as("cut after %d bytes", cut)
          .isInstanceOf(MalformedJsonException.class);
    }
  }

  @Test
  void agreesWithAFullParserOnWhateverBothAccept() {
    Seed seed = Seed.of("object-scanner");
    int runs = Integer.getInteger("sluice.scanner.runs", 8_000);
    int accepted = 0;
    for (int i = 0; i < runs; i++) {
      Gen gen = seed.derive(i).random();
      byte[] bytes = document(gen);
      if (gen.chance(0.5)) {
        damage(bytes, gen);
      }
      String message = "seed " + seed.derive(i) + ": " + new String(bytes, StandardCharsets.UTF_8);
      Map<String, Object> seen = scan(bytes, message);
      JsonNode tree = parse(bytes);
      if (seen != null && tree != null) {
        accepted++;
        assertThat(seen).as(message).isEqualTo(expected(tree));
      }
      if (tree != null && tree.isObject()) {
        assertThat(seen).as("refused: " + message).isNotNull();
      }
    }
    assertThat(accepted).isGreaterThan(runs / 3);
  }

  private @Nullable Map<String, Object> scan(byte[] bytes, String message) {
    try {
      scanner.scanObject(bytes, 0, bytes.length);
      Map<String, Object> seen = new LinkedHashMap<>();
      seen.put("name", scanner.name());
      seen.put("namespace", scanner.namespace());
      seen.put("uid", scanner.uid());
      seen.put("resourceVersion", scanner.resourceVersion());
      seen.put("deleting", scanner.deleting());
      seen.put("labels", scanner.labels());
      JsonNode stored = parse(scanner.body(true, new byte[0]));
      seen.put(
          "stored", stored == null ? "unparseable" : text(stored.path("metadata").path("name")));
      return seen;
    } catch (MalformedJsonException e) {
      return null;
    } catch (RuntimeException e) {
      throw new AssertionError(message, e);
    }
  }

  static @Nullable JsonNode parse(byte[] bytes) {
    try {
      return JACKSON.readTree(bytes);
    } catch (JacksonException e) {
      return null;
    }
  }

  private static Map<String, Object> expected(JsonNode tree) {
    JsonNode metadata = tree.path("metadata");
    Map<String, Object> expected = new LinkedHashMap<>();
    for (String member : List.of("name", "namespace", "uid", "resourceVersion")) {
      expected.put(member, text(metadata.path(member)));
    }
    expected.put("deleting", metadata.path("deletionTimestamp").isString());
    Map<String, String> labels = new LinkedHashMap<>();
    if (metadata.path("labels").isObject()) {
      metadata
          .path("labels")
          .properties()
          .forEach(label -> {
            if (label.getValue().isString()) {
              labels.put(label.getKey(), label.getValue().stringValue());
            }
          });
    }
    expected.put("labels", labels);
    expected.put("stored", text(metadata.path("name")));
    return expected;
  }

  static String text(JsonNode node) {
    return node.isString() ? node.stringValue() : "";
  }

  static void damage(byte[] bytes, Gen gen) {
    for (int i = gen.between(1, 3); i > 0; i--) {
      bytes[gen.nextInt(bytes.length)] =
          gen.chance(0.7)
              ? (byte) gen.oneOf('"', '\\', '{', '}', '[', ']', ',', ':', ' ', '0', 'n').charValue()
              : (byte) gen.nextInt();
    }
  }

  /** An object with metadata somewhere, or at least something like one. */
  static byte[] document(Gen gen) {
    List<String> members = new ArrayList<>();
    members.add("\"metadata\":" + metadata(gen));
    for (int i = gen.nextInt(4); i > 0; i--) {
      members.add(string(gen) + space(gen) + ":" + space(gen) + value(gen, 4));
    }
    if (gen.chance(0.1)) {
      members.add("\"metadata\":" + metadata(gen));
    }
    Collections.shuffle(members, new Random(gen.nextLong()));
    return (space(gen)
            + "{"
            + space(gen)
            + String.join(space(gen) + ",", members)
            + "}"
            + space(gen))
        .getBytes(StandardCharsets.UTF_8);
  }

  private static String metadata(Gen gen) {
    if (gen.chance(0.05)) {
      return value(gen, 2);
    }
    List<String> members = new ArrayList<>();
    for (String member :
        List.of("name", "namespace", "uid", "resourceVersion", "deletionTimestamp")) {
      if (gen.chance(0.8)) {
        members.add("\"" + member + "\":" + (gen.chance(0.9) ? string(gen) : value(gen, 2)));
      }
    }
    if (gen.chance(0.5)) {
      members.add(
          "\"labels\":" + space(gen) + "{" + string(gen) + ":" + string(gen) + ",\"a\":1" + "}");
    }
    if (gen.chance(0.5)) {
      members.add(space(gen) + "\"managedFields\":" + value(gen, 3) + space(gen));
    }
    if (gen.chance(0.5)) {
      members.add(string(gen) + ":" + value(gen, 3));
    }
    Collections.shuffle(members, new Random(gen.nextLong()));
    return "{" + String.join(",", members) + "}";
  }

  static String value(Gen gen, int depth) {
    return switch (gen.nextInt(depth == 0 ? 4 : 6)) {
      case 0 -> string(gen);
      case 1 -> Integer.toString(gen.nextInt());
      case 2 -> gen.oneOf("null", "true", "false", "1.5e10", "-0", "12345678901234567890123");
      case 3 -> gen.oneOf("[]", "{}", "\"\"", "[ ]", "{ }");
      case 4 -> "[" + value(gen, depth - 1) + "," + space(gen) + value(gen, depth - 1) + "]";
      default -> "{" + string(gen) + ":" + value(gen, depth - 1) + "}";
    };
  }

  static String string(Gen gen) {
    return switch (gen.nextInt(8)) {
      case 0 -> "\"metadata\"";
      case 1 -> "\"name\"";
      case 2 -> "\"a\\\"b\\\\\"";
      case 3 -> "\"\\u00e9\\ud83d\\ude00é😀\"";
      case 4 -> "\"{\\\"metadata\\\":{\\\"name\\\":\\\"x\\\"}}\"";
      case 5 -> "\"managedFields\"";
      case 6 -> "\"" + "y".repeat(gen.nextInt(30)) + "\"";
      default -> "\"k" + gen.nextInt(5) + "\"";
    };
  }

  static String space(Gen gen) {
    return gen.oneOf("", "", "", " ", "\t \r\n");
  }

  private static String meta() {
    return new String(TYPE_META, StandardCharsets.UTF_8);
  }
}
