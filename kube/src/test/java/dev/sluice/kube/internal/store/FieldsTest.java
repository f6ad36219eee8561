package dev.sluice.kube.internal.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.kube.Projection;
import dev.sluice.modeltest.Gen;
import dev.sluice.modeltest.Seed;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.ObjectMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

class FieldsTest {
  private static final ObjectMapper MAPPER = new ObjectMapper();

  private static List<String> values(String json, String path) {
    return Fields.values(json.getBytes(StandardCharsets.UTF_8), Fields.path(path));
  }

  private static String apply(Projection projection, String json) {
    return new String(
        projection.apply(json.getBytes(StandardCharsets.UTF_8)), StandardCharsets.UTF_8);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "a.b | {\"a\":{\"b\":\"x\"}} | [x]",
        "a.b | { \"c\" : {\"b\":\"y\"} , \"a\" : { \"b\" : 12 } } | [12]",
        "a.b | {\"a\":[{\"b\":\"x\"},{\"c\":1},{\"b\":[\"y\",true]}]} | [x, y, true]",
        "a.b | {\"a\":{\"b\":\"x\"},\"a\":{\"b\":\"y\"}} | [y]",
        "a.b | {\"a\":{\"b\":\"x\"},\"a\":{}} | []",
        "a.b | {\"a\":{\"b\":null}} | []",
        "a.b | {\"a\":{\"b\":{\"c\":1}}} | []",
        "a.b | {\"a\":\"b\"} | []",
        "a.b | {\"a\":[]} | []",
        "a.b | {} | []",
        "a\\.b | {\"a.b\":1,\"a\":{\"b\":2}} | [1]",
        "ä | {\"\\u00e4\":\"\\u00e4!\"} | [ä!]",
      })
  void findsTheValuesAtAPath(String path, String json, String expected) {
    assertThat(values(json, path).toString()).isEqualTo(expected);
  }

  @ParameterizedTest
  @ValueSource(strings = {"", ".", "a.", ".a", "a..b", "a\\", "a\\b"})
  void saysWhatIsNoPath(String path) {
    assertThatThrownBy(() -> Fields.path(path))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("'" + path + "'");
  }

  @Test
  void keepsOnlyWhatIsAskedForAndWhatIsAlwaysKept() {
    assertThat(
            apply(
                Projection.keeping("spec.replicas", "spec.containers.image"),
                "{\"kind\":\"K\",\"status\":{\"x\":1},\"metadata\":{\"labels\":{\"a\":\"b\"},"
                    + "\"name\":\"n\",\"uid\":\"u\"},\"spec\":{\"x\":[1,2],\"replicas\":3,"
                    + "\"containers\":[{\"image\":\"i\",\"env\":[]},{}]}}"))
        .isEqualTo(
            "{\"kind\":\"K\",\"metadata\":{\"name\":\"n\",\"uid\":\"u\"},\"spec\":{\"replicas\":3,"
                + "\"containers\":[{\"image\":\"i\"},{}]}}");
  }

  @Test
  void dropsOnlyWhatIsNamed() {
    assertThat(
            apply(
                Projection.dropping("status", "metadata.annotations", "spec.containers.env"),
                "{\"status\":{\"x\":1},\"kind\":\"K\",\"metadata\":{\"name\":\"n\","
                    + "\"annotations\":{\"a\":\"b\"}},\"spec\":{\"containers\":[{\"env\":[1],"
                    + "\"image\":\"i\"},7],\"status\":1}}"))
        .isEqualTo(
            "{\"kind\":\"K\",\"metadata\":{\"name\":\"n\"},\"spec\":{\"containers\":["
                + "{\"image\":\"i\"},7],\"status\":1}}");
  }

  @ParameterizedTest
  @CsvSource({
    "metadata.name, true", "metadata.labels, true", "spec.replicas, true", "spec, false",
    "spec.template, false", "status, false", "metadata, true", "metadata.labels.app, true"
  })
  void tellsWhatIsKept(String path, boolean kept) {
    assertThat(Projection.keeping("metadata", "spec.replicas").keeps(path)).isEqualTo(kept);
  }

  @ParameterizedTest
  @CsvSource({
    "metadata.name, true",
    "metadata.labels, true",
    "metadata.annotations, false",
    "metadata.annotations.a, false",
    "metadata, false",
    "status, false",
    "spec, true"
  })
  void tellsWhatIsNotDropped(String path, boolean kept) {
    assertThat(Projection.dropping("status", "metadata.annotations").keeps(path)).isEqualTo(kept);
  }

  @ParameterizedTest
  @ValueSource(strings = {"metadata", "metadata.name", "kind", "metadata.resourceVersion"})
  void refusesToDropWhatIsAlwaysKept(String path) {
    assertThatThrownBy(() -> Projection.dropping(path))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("'" + path + "' cannot be dropped");
  }

  @Test
  void cutsWhatATreeWithoutThoseMembersHas() {
    for (int run = 0; run < 300; run++) {
      Gen gen = Seed.of("cut").derive(run).random();
      String json = object(gen, 4).toString();
      String[] paths = {path(gen), path(gen), path(gen)};
      String kept = apply(Projection.keeping(paths), json);
      String left = apply(Projection.dropping(paths), json);

      JsonNode expectedKept = MAPPER.readTree(json);
      JsonNode expectedLeft = MAPPER.readTree(json);
      assertThat(MAPPER.readTree(kept))
          .as(run + kept)
          .isEqualTo(keep(expectedKept, List.of(paths), ""));
      drop(expectedLeft, List.of(paths), "");
      assertThat(MAPPER.readTree(left)).as(run + left).isEqualTo(expectedLeft);
    }
  }

  private static String path(Gen gen) {
    StringBuilder path = new StringBuilder();
    int depth = gen.between(1, 3);
    for (int i = 0; i < depth; i++) {
      path.append(i == 0 ? "" : ".").append("abc".charAt(gen.nextInt(3)));
    }
    return path.toString();
  }

  private static JsonNode object(Gen gen, int depth) {
    ObjectNode object = MAPPER.createObjectNode();
    for (String name : List.of("a", "b", "c", "d")) {
      if (gen.chance(0.7)) {
        object.set(name, value(gen, depth - 1));
      }
    }
    return object;
  }

  private static JsonNode value(Gen gen, int depth) {
    if (depth == 0 || gen.chance(0.3)) {
      return gen.chance(0.5)
          ? MAPPER.getNodeFactory().stringNode("\"\\ " + gen.nextInt(9))
          : MAPPER.getNodeFactory().numberNode(gen.nextInt());
    }
    if (gen.chance(0.3)) {
      ArrayNode list = MAPPER.createArrayNode();
      int length = gen.nextInt(3);
      for (int i = 0; i < length; i++) {
        list.add(value(gen, depth - 1));
      }
      return list;
    }
    return object(gen, depth);
  }

  /** Whether a path leads here or above, or on from here. */
  private static boolean ends(List<String> paths, String at) {
    return paths.contains(at);
  }

  private static boolean leadsOn(List<String> paths, String at) {
    return paths.stream().anyMatch(path -> path.startsWith(at + "."));
  }

  private static JsonNode keep(JsonNode node, List<String> paths, String at) {
    if (node instanceof ArrayNode list) {
      ArrayNode kept = MAPPER.createArrayNode();
      for (JsonNode element : list) {
        if (element.isContainer()) {
          kept.add(keep(element, paths, at));
        }
      }
      return kept;
    }
    ObjectNode kept = MAPPER.createObjectNode();
    node.propertyStream()
        .forEach(member -> {
          String below = at.isEmpty() ? member.getKey() : at + "." + member.getKey();
          if (ends(paths, below)) {
            kept.set(member.getKey(), member.getValue());
          } else if (leadsOn(paths, below) && member.getValue().isContainer()) {
            kept.set(member.getKey(), keep(member.getValue(), paths, below));
          }
        });
    return kept;
  }

  private static void drop(JsonNode node, List<String> paths, String at) {
    if (node instanceof ArrayNode list) {
      for (JsonNode element : list) {
        drop(element, paths, at);
      }
    } else if (node instanceof ObjectNode object) {
      for (String name : List.copyOf(object.propertyNames())) {
        String below = at.isEmpty() ? name : at + "." + name;
        if (ends(paths, below)) {
          object.remove(name);
        } else {
          drop(object.get(name), paths, below);
        }
      }
    }
  }
}
