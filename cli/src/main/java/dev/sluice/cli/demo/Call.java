package dev.sluice.cli.demo;

import java.util.Locale;
import java.util.Set;

/**
 * One request as the proxy saw it.
 *
 * @param nanos when its head had arrived, on the proxy's clock
 * @param verb the API server's word for it: {@code get}, {@code list}, {@code watch}, {@code
 *     create}, {@code update}, {@code patch} or {@code delete}
 * @param resource the plural, with the subresource if there is one: {@code gauges/status}; the path
 *     for what is not a resource
 * @param throttled whether the proxy answered it with 429 itself
 */
record Call(long nanos, String verb, String resource, boolean throttled) {
  private static final Set<String> OF_NAMESPACES = Set.of("status", "finalize");

  /** What a request is, by method, path and query. */
  static Call of(long nanos, String method, String path, String query, boolean throttled) {
    String[] parts = path.substring(1).split("/", -1);
    int at = parts[0].equals("api") ? 2 : parts[0].equals("apis") ? 3 : -1;
    if (at < 0 || parts.length <= at) {
      return new Call(nanos, method.toLowerCase(Locale.ROOT), path, throttled);
    }
    if (parts[at].equals("namespaces")
        && parts.length > at + 2
        && !OF_NAMESPACES.contains(parts[at + 2])) {
      at += 2;
    }
    boolean named = parts.length > at + 1;
    String resource = parts[at] + (parts.length > at + 2 ? "/" + parts[at + 2] : "");
    return new Call(nanos, verb(method, named, query), resource, throttled);
  }

  /** Whether it was to change something. */
  boolean isWrite() {
    return switch (verb) {
      case "create", "update", "patch", "delete" -> true;
      default -> false;
    };
  }

  private static String verb(String method, boolean named, String query) {
    return switch (method) {
      case "GET" -> !named && watches(query) ? "watch" : named ? "get" : "list";
      case "POST" -> "create";
      case "PUT" -> "update";
      default -> method.toLowerCase(Locale.ROOT);
    };
  }

  private static boolean watches(String query) {
    for (String parameter : query.split("&", -1)) {
      if (parameter.equals("watch=true") || parameter.equals("watch=1")) {
        return true;
      }
    }
    return false;
  }
}
