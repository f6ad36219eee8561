package dev.sluice.testkit.internal.api;

import dev.sluice.testkit.internal.json.Json;
import dev.sluice.testkit.internal.store.Store;
import dev.sluice.testkit.internal.store.Table;
import dev.sluice.testkit.internal.store.Version;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/** LIST: which versions are read, which objects stand on a page, where the next one begins. */
final class Lists {
  static final Duration PATIENCE = Duration.ofSeconds(3);

  private static final String CONTINUE_TOO_OLD =
      "The provided continue parameter is too old to display a consistent list result. You can"
          + " start a new list without the continue parameter, or use the continue token in this"
          + " response to retrieve the remainder of the results. Continuing with the provided token"
          + " results in an inconsistent list - objects that were created, modified, or deleted"
          + " between the time the first chunk was returned and now may show up in the list.";

  private final Store store;

  Lists(Store store) {
    this.store = store;
  }

  /**
   * A page.
   *
   * @param continueToken empty on the last one
   * @param remaining how many are left; null if that is not said
   */
  record Page(List<Version> items, long revision, String continueToken, @Nullable Long remaining) {

    ObjectNode metadata() {
      ObjectNode meta = Json.object();
      meta.put("resourceVersion", Long.toString(revision));
      if (!continueToken.isEmpty()) {
        meta.put("continue", continueToken);
      }
      if (remaining != null) {
        meta.put("remainingItemCount", remaining);
      }
      return meta;
    }
  }

  private record Token(long revision, String start) {}

  Page list(Resource resource, String namespace, ListOptions options, View view) {
    Table table = store.table(resource.storage());
    String prefix = resource.namespaced() && !namespace.isEmpty() ? namespace + "/" : "";
    long version = version(options);
    String from = prefix;
    long limit = Math.max(0, options.limit());
    long revision;
    if (!options.continueToken().isEmpty()) {
      if (version > 0) {
        throw StatusException.badRequest(
            "specifying resource version is not allowed when using continue");
      }
      Token token = decode(options.continueToken());
      from = prefix + token.start();
      if (token.revision() < 0) {
        revision = store.revision();
      } else {
        revision = token.revision();
        if (revision < table.floor()) {
          throw StatusException.expired(CONTINUE_TOO_OLD, encode(-1, token.start()));
        }
      }
      if (options.resourceVersion().equals("0")) {
        limit = 0;
      }
    } else if (options.resourceVersion().isEmpty()) {
      revision = store.revision();
    } else if (version == 0) {
      // Any version will do, and the limit is ignored.
      revision = Math.max(view.visible(), table.floor());
      limit = 0;
    } else if (options.match().equals("Exact") || (options.match().isEmpty() && limit > 0)) {
      if (version > store.revision() && !view.await(version, PATIENCE)) {
        throw StatusException.tooLargeResourceVersion(version, view.visible());
      }
      revision = version;
      if (revision < table.floor()) {
        throw StatusException.expired("The resourceVersion for the provided list is too old.");
      }
    } else {
      if (!view.await(version, PATIENCE)) {
        throw StatusException.tooLargeResourceVersion(version, view.visible());
      }
      revision = Math.max(view.visible(), table.floor());
    }
    return page(table, prefix, from, revision, limit, options);
  }

  private static long version(ListOptions options) {
    try {
      return options.version();
    } catch (NumberFormatException e) {
      throw StatusException.badRequest(
          "invalid resource version: " + ListOptions.notANumber(options.resourceVersion()));
    }
  }

  private static Page page(
      Table table, String prefix, String from, long revision, long limit, ListOptions options) {
    List<Version> items = new ArrayList<>();
    long[] left = {0};
    boolean count = options.selectsEverything();
    table.scan(
        prefix,
        from,
        revision,
        version -> {
          if (limit > 0 && items.size() >= limit) {
            left[0]++;
            // Without a selector the rest is counted; with one it is enough that there is a rest.
            return count;
          }
          if (options.selects(version)) {
            items.add(version);
          }
          return true;
        });
    if (left[0] == 0) {
      return new Page(items, revision, "", null);
    }
    String last = items.get(items.size() - 1).key().substring(prefix.length());
    return new Page(items, revision, encode(revision, last + "\u0000"), count ? left[0] : null);
  }

  private static String encode(long revision, String start) {
    ObjectNode token = Json.object();
    token.put("v", "meta.k8s.io/v1");
    token.put("rv", revision);
    token.put("start", start.startsWith("/") ? start : "/" + start);
    return Base64.getUrlEncoder().withoutPadding().encodeToString(Json.encode(token));
  }

  private static Token decode(String text) {
    byte[] bytes;
    try {
      bytes = Base64.getUrlDecoder().decode(text);
      if (text.endsWith("=")) {
        throw new IllegalArgumentException("padding");
      }
    } catch (IllegalArgumentException e) {
      throw invalidToken(": illegal base64 data at input byte " + illegalByte(text));
    }
    JsonNode node;
    try {
      node = Json.parse(bytes).node();
    } catch (Json.MalformedException e) {
      throw invalidToken(": " + e.getMessage());
    }
    if (!(node instanceof ObjectNode)) {
      throw invalidToken(
          ": json: cannot unmarshal %s into Go value of type storage.continueToken"
              .formatted(Decoder.goKind(node)));
    }
    String version = Json.textAt(node, "v");
    if (!version.equals("meta.k8s.io/v1")) {
      throw invalidToken(": server does not recognize this encoded version " + version);
    }
    long revision = node.path("rv").asLong(0);
    if (revision == 0) {
      throw invalidToken(": incorrect encoded start resourceVersion (version meta.k8s.io/v1)");
    }
    String start = Json.textAt(node, "start");
    if (start.isEmpty()) {
      throw invalidToken(": encoded start key empty (version meta.k8s.io/v1)");
    }
    String key = start.startsWith("/") ? start : "/" + start;
    if (key.contains("//") || key.contains("/../") || key.contains("/./") || key.endsWith("/..")) {
      throw invalidToken(": " + start);
    }
    return new Token(revision, key.substring(1));
  }

  private static int illegalByte(String text) {
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      boolean fits =
          (c >= 'A' && c <= 'Z')
              || (c >= 'a' && c <= 'z')
              || (c >= '0' && c <= '9')
              || c == '-'
              || c == '_';
      if (!fits) {
        return i;
      }
    }
    return text.length() / 4 * 4;
  }

  private static StatusException invalidToken(String why) {
    return StatusException.badRequest("invalid continue token: continue key is not valid" + why);
  }
}
