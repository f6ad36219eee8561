package dev.sluice.contract;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Pattern;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * What was asked and answered in one case, one line each, without what differs from run to run: the
 * names the case was given stand as {@code {ns}} or {@code {group}}, uids, versions, times and
 * tokens as {@code {uid}}, {@code {rv}}, {@code {time}}, {@code {token}}. Two servers that behave
 * alike write the same transcript.
 *
 * <p>One thread at a time.
 */
final class Transcript {
  private static final Pattern NUMBER = Pattern.compile("\\d+");
  private static final Pattern UID =
      Pattern.compile("[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}");
  private static final Pattern TIME =
      Pattern.compile("\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d(?:\\.(\\d+))?Z");
  private static final Pattern VERSION_PARAMETER = Pattern.compile("resourceVersion=[1-9]\\d*");
  private static final Pattern CONTINUE_PARAMETER =
      Pattern.compile("continue=[A-Za-z0-9_-]{20,}={0,2}");
  private static final Pattern VERSIONS_IN_TEXT =
      Pattern.compile("(resource version: |current: |ResourceVersion: )\\d+( \\(\\d+\\))?");
  private static final Pattern VERSION_IN_OBJECT =
      Pattern.compile("(resourceVersion[\\\\\": ]+)[1-9]\\d*");
  private static final Pattern OBJECT_IN_TEXT =
      Pattern.compile("Invalid value: \"\\{(?:\\\\.|[^\"\\\\])*+\"");
  // What Go prints of two structs; it differs from run to run by intention.
  private static final Pattern DIFF_IN_TEXT = Pattern.compile("(?s)\n@@.*?\n(?=\" \\[|\"$|\" \\|)");
  private static final int MAX_LINE = 1500;

  private final List<String> lines = new ArrayList<>();
  // Longest first: a name that contains another one is masked as a whole.
  private final Map<String, String> masks =
      new TreeMap<>(Comparator.comparingInt(String::length).reversed().thenComparing(text -> text));

  void mask(String value, String placeholder) {
    if (!value.isEmpty()) {
      masks.put(value, placeholder);
    }
  }

  void add(String line) {
    lines.add(line);
  }

  List<String> lines() {
    return lines.stream().map(this::masked).toList();
  }

  private String masked(String line) {
    String text = OBJECT_IN_TEXT.matcher(line).replaceAll("Invalid value: \"{object}\"");
    for (Map.Entry<String, String> mask : masks.entrySet()) {
      String value = mask.getKey();
      // A number is masked where it stands alone, not as a part of another one.
      text =
          NUMBER.matcher(value).matches()
              ? text.replaceAll("(?<![0-9A-Za-z])" + value + "(?![0-9A-Za-z])", mask.getValue())
              : text.replace(value, mask.getValue());
    }
    text = UID.matcher(text).replaceAll("{uid}");
    text =
        TIME.matcher(text)
            .replaceAll(
                time -> time.group(1) == null ? "{time}" : "{time." + time.group(1).length() + "}");
    text = VERSION_PARAMETER.matcher(text).replaceAll("resourceVersion={rv}");
    text = CONTINUE_PARAMETER.matcher(text).replaceAll("continue={token}");
    text = VERSION_IN_OBJECT.matcher(text).replaceAll("$1{rv}");
    text =
        VERSIONS_IN_TEXT
            .matcher(text)
            .replaceAll(
                found -> found.group(1) + "{rv}" + (found.group(2) == null ? "" : " ({rv})"));
    text = DIFF_IN_TEXT.matcher(text).replaceAll("");
    text = text.replace("\n", "\\n");
    return text.length() <= MAX_LINE ? text : text.substring(0, MAX_LINE) + "...";
  }

  /** An answer in one line: what a client can act on. */
  static String summary(Answer answer) {
    StringBuilder line = new StringBuilder().append(answer.code());
    String type = answer.contentType();
    if (answer.body().length == 0) {
      line.append(" without a body");
    } else if (type.startsWith("application/json")) {
      if (!type.equals("application/json")) {
        line.append(" (").append(type).append(")");
      }
      line.append(' ').append(summary(answer.json()));
    } else {
      line.append(' ').append(type.isEmpty() ? "no content type" : type).append(' ');
      if (type.startsWith("text/") || type.isEmpty()) {
        line.append('"').append(answer.text().strip()).append('"');
      } else {
        line.append("(not shown)");
      }
    }
    for (String header : List.of("Location", "Retry-After", "Warning", "Allow")) {
      answer
          .headers()
          .allValues(header)
          .forEach(value -> line.append(" | ").append(header).append(": ").append(value));
    }
    return line.toString();
  }

  static String summary(JsonNode json) {
    String kind = json.path("kind").asString("");
    if (kind.equals("Status") && !json.path("status").isObject()) {
      return statusSummary(json);
    }
    if (json.path("items").isArray()
        && kind.endsWith("List")
        && !kind.equals("APIGroupDiscoveryList")) {
      List<String> names = new ArrayList<>();
      for (JsonNode item : json.path("items")) {
        names.add(item.at("/metadata/name").asString("?"));
      }
      StringBuilder line = new StringBuilder(kind).append(' ');
      if (names.size() > 12) {
        line.append(names.size()).append(" items");
      } else {
        line.append(names);
      }
      JsonNode metadata = json.path("metadata");
      if (metadata.has("continue")) {
        line.append(
            metadata.path("continue").asString("").isEmpty() ? " continue=\"\"" : " continue");
      }
      if (metadata.has("remainingItemCount")) {
        line.append(" remaining=").append(metadata.path("remainingItemCount").asString(""));
      }
      if (metadata.path("resourceVersion").asString("").isEmpty()) {
        line.append(" without a version");
      }
      return line.toString();
    }
    if (!kind.isEmpty()) {
      String name = json.at("/metadata/name").asString("");
      return name.isEmpty() ? kind : kind + " " + name;
    }
    return json.toString();
  }

  private static String statusSummary(JsonNode status) {
    StringBuilder line = new StringBuilder();
    line.append(status.path("status").asString("?"));
    if (status.has("reason")) {
      line.append(' ').append(status.path("reason").asString(""));
    }
    JsonNode details = status.path("details");
    List<String> causes = new ArrayList<>();
    String message = status.path("message").asString("");
    for (JsonNode cause : details.path("causes")) {
      causes.add(
          cause.path("reason").asString("no reason")
              + (cause.has("field") ? " " + cause.path("field").asString("") : "")
              + " \""
              + cause.path("message").asString("")
              + '"');
    }
    if (causes.size() > 1 && isValidation(details)) {
      causes.sort(null);
      message = withoutOrder(message, details.path("causes"));
    }
    if (status.has("message")) {
      line.append(" \"").append(message).append('"');
    }
    if (details.isObject()) {
      List<String> parts = new ArrayList<>();
      for (String name : List.of("name", "group", "kind", "uid", "retryAfterSeconds")) {
        if (details.has(name)) {
          parts.add(name + "=" + details.path(name).asString(""));
        }
      }
      line.append(' ').append(parts);
      causes.forEach(cause -> line.append(" | ").append(cause));
    }
    if (status.at("/metadata/continue").isString()) {
      line.append(" continue");
    }
    return line.toString();
  }

  /** Whether it is the real server's schema validation, which walks maps in no order. */
  private static boolean isValidation(JsonNode details) {
    return details.path("group").asString("").endsWith("contract.sluice.dev");
  }

  /** The message with {@code [...]} for its causes if it holds each of them. */
  private static String withoutOrder(String message, JsonNode causes) {
    int start = message.indexOf(" is invalid: [");
    if (start < 0) {
      return message;
    }
    for (JsonNode cause : causes) {
      String text = cause.path("field").asString("") + ": " + cause.path("message").asString("");
      if (!message.contains(text)) {
        return message;
      }
    }
    return message.substring(0, start) + " is invalid: [causes in any order]";
  }

  /**
   * An object with what every object has and no two runs share left out or masked: for showing
   * defaults and what was pruned. Values named in {@code left} are left out, too.
   */
  static String shown(JsonNode json) {
    return cleaned(json.deepCopy()).toString();
  }

  private static JsonNode cleaned(JsonNode node) {
    if (node instanceof ObjectNode object) {
      object.remove("managedFields");
      if (object.path("resourceVersion").isString()) {
        object.put("resourceVersion", "{rv}");
      }
      object.forEach(Transcript::cleaned);
    } else if (node instanceof ArrayNode array) {
      array.forEach(Transcript::cleaned);
    }
    return node;
  }
}
