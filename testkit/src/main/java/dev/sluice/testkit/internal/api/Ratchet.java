package dev.sluice.testkit.internal.api;

import dev.sluice.testkit.internal.json.Json;
import dev.sluice.testkit.internal.schema.Validation;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * Whether an update has made something worse: what was invalid before, under an older schema, and
 * is not touched may stay ("CRD validation ratcheting", KEP 4008). Stateless.
 */
final class Ratchet {
  // The faults without a field name it in their words: "spec.any" must validate ..., ... in spec.n
  private static final Pattern NAMED = Pattern.compile("^\"([^\"]*)\" must|in ([^ ]+)$");

  private Ratchet() {}

  static boolean isUntouched(Validation.Fault fault, ObjectNode object, ObjectNode old) {
    String path = fault.path();
    if (path.equals("<nil>")) {
      Matcher named = NAMED.matcher(fault.detail());
      if (!named.find()) {
        return false;
      }
      path = named.group(1) != null ? named.group(1) : named.group(2);
    }
    return untouched(path, object, old);
  }

  /** Whether the value at a path, or one that it is part of, is the same in both. */
  private static boolean untouched(String path, JsonNode now, JsonNode before) {
    if (!(now instanceof ObjectNode object) || !(before instanceof ObjectNode old)) {
      return false;
    }
    // Names may hold dots: the longest one that is there counts.
    for (int end = path.length(); end > 0; end--) {
      if (end < path.length() && path.charAt(end) != '.' && path.charAt(end) != '[') {
        continue;
      }
      JsonNode child = object.get(path.substring(0, end));
      if (child == null) {
        continue;
      }
      JsonNode oldChild = old.get(path.substring(0, end));
      if (oldChild == null) {
        return false;
      }
      if (Json.same(child, oldChild)) {
        return true;
      }
      // Elements of lists have no identity that outlives a change of the list.
      return end < path.length()
          && path.charAt(end) == '.'
          && untouched(path.substring(end + 1), child, oldChild);
    }
    return false;
  }
}
