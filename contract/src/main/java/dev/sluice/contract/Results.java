package dev.sluice.contract;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.SerializationFeature;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * What a run of the suite on one server gave.
 *
 * @param server {@code real} or {@code embedded}
 * @param version name and version of the server
 * @param date the day of the run, in UTC
 * @param cases by id
 */
record Results(String server, String version, String date, Map<String, Case> cases) {

  /**
   * One case's result.
   *
   * @param id chapter and name
   * @param chapter the chapter's heading
   * @param order the chapter's place
   * @param sentence what it proves
   * @param outcome {@code holds}, {@code fails} or {@code not run}
   * @param failure why it does not hold; empty when it does
   * @param deliberate why the embedded server may differ; empty when it may not
   * @param transcript what was asked and answered
   */
  record Case(
      String id,
      String chapter,
      int order,
      String sentence,
      String outcome,
      String failure,
      String deliberate,
      List<String> transcript) {}

  private static final JsonMapper MAPPER =
      JsonMapper.builder().enable(SerializationFeature.INDENT_OUTPUT).build();

  static Results of(String server, String version, String date, Collection<Case> cases) {
    Map<String, Case> sorted = new TreeMap<>();
    cases.forEach(c -> sorted.put(c.id(), c));
    return new Results(server, version, date, sorted);
  }

  void write(Path file) {
    try {
      Files.createDirectories(file.toAbsolutePath().getParent());
      ObjectNode json = MAPPER.createObjectNode();
      json.put("server", server).put("version", version).put("date", date);
      json.set("cases", MAPPER.valueToTree(cases.values()));
      Files.writeString(file, MAPPER.writeValueAsString(json) + "\n");
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  static Results read(String text) {
    JsonNode json = MAPPER.readTree(text);
    Map<String, Case> cases = new LinkedHashMap<>();
    for (JsonNode node : json.path("cases")) {
      Case c = MAPPER.treeToValue(node, Case.class);
      cases.put(c.id(), c);
    }
    return new Results(
        json.path("server").asString(""),
        json.path("version").asString(""),
        json.path("date").asString(""),
        cases);
  }

  @Nullable Case get(String id) {
    return cases.get(id);
  }
}
