package dev.sluice.testkit.internal.api;

import dev.sluice.testkit.internal.json.Json;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;

/**
 * The part of Kubernetes' JSONPath that printer columns and selectable fields use: names, quoted
 * names, indices, {@code [*]} and filters such as {@code [?(@.type=="Ready")]}. Immutable.
 */
final class JsonPath {
  private static final Pattern FILTER =
      Pattern.compile(
          "\\?\\(\\s*@\\.([\\w.\\-/]+)\\s*(==|!=)\\s*(?:\"([^\"]*)\"|'([^']*)'|(\\S+?))\\s*\\)");

  private sealed interface Step {}

  private record Name(String name) implements Step {}

  private record Index(int index) implements Step {}

  private record All() implements Step {}

  private record Filter(String[] path, boolean equal, String value) implements Step {}

  private final List<Step> steps;

  private JsonPath(List<Step> steps) {
    this.steps = steps;
  }

  /** Reads a path such as {@code .spec.items[0].name}; null if it is not one. */
  static @Nullable JsonPath parse(String text) {
    List<Step> steps = new ArrayList<>();
    int i = 0;
    if (!text.startsWith(".") && !text.startsWith("[")) {
      return null;
    }
    while (i < text.length()) {
      char c = text.charAt(i);
      if (c == '.') {
        StringBuilder name = new StringBuilder();
        i++;
        while (i < text.length() && text.charAt(i) != '.' && text.charAt(i) != '[') {
          if (text.charAt(i) == '\\' && i + 1 < text.length()) {
            i++;
          }
          name.append(text.charAt(i++));
        }
        if (!name.isEmpty()) {
          steps.add(name.toString().equals("*") ? new All() : new Name(name.toString()));
        }
      } else if (c == '[') {
        int end = close(text, i);
        if (end < 0) {
          return null;
        }
        String inner = text.substring(i + 1, end).strip();
        i = end + 1;
        Matcher filter = FILTER.matcher(inner);
        if (inner.equals("*")) {
          steps.add(new All());
        } else if (filter.matches()) {
          String value =
              filter.group(3) != null
                  ? filter.group(3)
                  : filter.group(4) != null ? filter.group(4) : filter.group(5);
          steps.add(new Filter(filter.group(1).split("\\."), filter.group(2).equals("=="), value));
        } else if (inner.matches("-?\\d{1,9}")) {
          steps.add(new Index(Integer.parseInt(inner)));
        } else if (inner.length() >= 2 && (inner.startsWith("'") || inner.startsWith("\""))) {
          steps.add(new Name(inner.substring(1, inner.length() - 1).replace("\\", "")));
        } else {
          return null;
        }
      } else {
        return null;
      }
    }
    return new JsonPath(List.copyOf(steps));
  }

  private static int close(String text, int open) {
    char quote = 0;
    for (int i = open + 1; i < text.length(); i++) {
      char c = text.charAt(i);
      if (quote != 0) {
        if (c == quote) {
          quote = 0;
        }
      } else if (c == '\'' || c == '"') {
        quote = c;
      } else if (c == ']') {
        return i;
      }
    }
    return -1;
  }

  /** All values that the path leads to. */
  List<JsonNode> find(JsonNode root) {
    List<JsonNode> present = List.of(root);
    for (Step step : steps) {
      List<JsonNode> next = new ArrayList<>();
      for (JsonNode node : present) {
        switch (step) {
          case Name name -> {
            JsonNode child = node.isObject() ? node.get(name.name()) : null;
            if (child != null) {
              next.add(child);
            }
          }
          case Index index -> {
            if (node instanceof ArrayNode array) {
              int at = index.index() < 0 ? array.size() + index.index() : index.index();
              if (at >= 0 && at < array.size()) {
                next.add(array.get(at));
              }
            }
          }
          case All ignored -> node.forEach(next::add);
          case Filter filter -> {
            if (node instanceof ArrayNode array) {
              for (JsonNode element : array) {
                JsonNode at = element;
                for (String part : filter.path()) {
                  at = at == null ? null : at.get(part);
                }
                String value = at == null ? null : at.isString() ? at.stringValue() : Json.text(at);
                if (value != null && value.equals(filter.value()) == filter.equal()) {
                  next.add(element);
                }
              }
            }
          }
        }
      }
      present = next;
    }
    return present;
  }
}
