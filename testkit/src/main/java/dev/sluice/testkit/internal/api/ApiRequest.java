package dev.sluice.testkit.internal.api;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** A request, taken apart. Owned by one thread. */
public final class ApiRequest {
  private final String method;
  private final String path;
  private final Map<String, List<String>> query;
  private final String accept;
  private final String contentType;
  private final String userAgent;
  private final BodySource body;
  private final String user;
  private final List<String> warnings = new ArrayList<>();
  private final Target target;

  /** Where the body comes from. */
  public interface BodySource {
    /**
     * Reads the whole body.
     *
     * @throws IOException if the connection fails
     */
    byte[] read(int limit) throws IOException;
  }

  /**
   * What the path and the method ask for.
   *
   * @param verb {@code get}, {@code list}, {@code watch}, ...; for paths beside the resources the
   *     method in lower case
   * @param group the group; empty for the core
   * @param version the version; empty if the path names none
   * @param namespace the namespace; empty for none
   * @param resource the plural; empty if the path names no resource
   * @param name the object's name; empty for a collection
   * @param subresource {@code status}, ...; empty for the object itself
   * @param isResource whether the path is that of a resource
   */
  public record Target(
      String verb,
      String group,
      String version,
      String namespace,
      String resource,
      String name,
      String subresource,
      boolean isResource) {}

  public ApiRequest(
      String method,
      String path,
      Map<String, List<String>> query,
      String accept,
      String contentType,
      String userAgent,
      String user,
      BodySource body) {
    this.method = method;
    this.path = path;
    this.query = query;
    this.accept = accept;
    this.contentType = contentType;
    this.userAgent = userAgent;
    this.user = user;
    this.body = body;
    this.target = target(method, path, query);
  }

  public String method() {
    return method;
  }

  public String path() {
    return path;
  }

  public String accept() {
    return accept;
  }

  /** The media type of the body without its parameters; empty if there is none. */
  public String mediaType() {
    int semicolon = contentType.indexOf(';');
    return (semicolon < 0 ? contentType : contentType.substring(0, semicolon)).strip();
  }

  public String userAgent() {
    return userAgent;
  }

  public String user() {
    return user;
  }

  public Target target() {
    return target;
  }

  byte[] body(int limit) throws IOException {
    return body.read(limit);
  }

  /** Remarks to send along in {@code Warning} headers. */
  public List<String> warnings() {
    return warnings;
  }

  void warn(String text) {
    if (!warnings.contains(text)) {
      warnings.add(text);
    }
  }

  boolean has(String parameter) {
    return query.containsKey(parameter);
  }

  /** The first value of a parameter; empty if there is none. */
  public String parameter(String name) {
    List<String> values = query.get(name);
    return values == null || values.isEmpty() ? "" : values.get(0);
  }

  List<String> parameters(String name) {
    return query.getOrDefault(name, List.of());
  }

  @Nullable Long longParameter(String name) {
    String text = parameter(name);
    if (text.isEmpty()) {
      return null;
    }
    try {
      return Long.valueOf(text.startsWith("+") ? text.substring(1) : text);
    } catch (NumberFormatException e) {
      throw StatusException.badRequest(
          "strconv.ParseInt: parsing %s: invalid syntax".formatted(Go.quote(text)));
    }
  }

  /** Go reads "0" and "false" in any case as false, and everything else as true. */
  @Nullable Boolean flag(String name) {
    if (!has(name)) {
      return null;
    }
    String text = parameter(name);
    return !text.equals("0") && !text.equalsIgnoreCase("false");
  }

  /** Parses a query string. */
  public static Map<String, List<String>> parseQuery(@Nullable String query) {
    Map<String, List<String>> map = new LinkedHashMap<>();
    if (query == null || query.isEmpty()) {
      return map;
    }
    for (String pair : query.split("&")) {
      if (pair.isEmpty()) {
        continue;
      }
      int equals = pair.indexOf('=');
      String name = decode(equals < 0 ? pair : pair.substring(0, equals), true);
      String value = equals < 0 ? "" : decode(pair.substring(equals + 1), true);
      map.computeIfAbsent(name, ignored -> new ArrayList<>()).add(value);
    }
    return map;
  }

  /** Percent-decodes; a malformed escape stands for itself. */
  public static String decode(String text, boolean plusIsSpace) {
    if (text.indexOf('%') < 0 && (!plusIsSpace || text.indexOf('+') < 0)) {
      return text;
    }
    byte[] raw = text.getBytes(StandardCharsets.UTF_8);
    byte[] out = new byte[raw.length];
    int length = 0;
    for (int i = 0; i < raw.length; i++) {
      byte b = raw[i];
      if (b == '%' && i + 2 < raw.length) {
        int high = Character.digit(raw[i + 1], 16);
        int low = Character.digit(raw[i + 2], 16);
        if (high >= 0 && low >= 0) {
          out[length++] = (byte) (high * 16 + low);
          i += 2;
          continue;
        }
      }
      out[length++] = b == '+' && plusIsSpace ? (byte) ' ' : b;
    }
    return new String(out, 0, length, StandardCharsets.UTF_8);
  }

  private static Target target(String method, String path, Map<String, List<String>> query) {
    String[] raw = path.split("/", -1);
    List<String> parts = new ArrayList<>();
    for (String part : raw) {
      if (!part.isEmpty()) {
        parts.add(decode(part, false));
      }
    }
    String other = method.toLowerCase(java.util.Locale.ROOT);
    Target none = new Target(other, "", "", "", "", "", "", false);
    if (parts.isEmpty()) {
      return none;
    }
    String group;
    int at;
    if (parts.get(0).equals("api")) {
      group = "";
      at = 1;
    } else if (parts.get(0).equals("apis") && parts.size() > 1) {
      group = parts.get(1);
      at = 2;
    } else {
      return none;
    }
    String version = parts.size() > at ? parts.get(at) : "";
    at++;
    if (parts.size() <= at) {
      return new Target(other, group, version, "", "", "", "", false);
    }
    boolean legacyWatch = parts.get(at).equals("watch") && parts.size() > at + 1;
    if (legacyWatch) {
      at++;
    }
    String namespace = "";
    String resource;
    String name = "";
    String subresource = "";
    if (parts.get(at).equals("namespaces")) {
      if (parts.size() == at + 1) {
        resource = "namespaces";
      } else if (parts.size() == at + 2) {
        resource = "namespaces";
        name = parts.get(at + 1);
        namespace = name;
      } else if (parts.get(at + 2).equals("status") || parts.get(at + 2).equals("finalize")) {
        resource = "namespaces";
        name = parts.get(at + 1);
        namespace = name;
        subresource = parts.get(at + 2);
      } else {
        namespace = parts.get(at + 1);
        resource = parts.get(at + 2);
        name = parts.size() > at + 3 ? parts.get(at + 3) : "";
        subresource =
            parts.size() > at + 4 ? String.join("/", parts.subList(at + 4, parts.size())) : "";
      }
    } else {
      resource = parts.get(at);
      name = parts.size() > at + 1 ? parts.get(at + 1) : "";
      subresource =
          parts.size() > at + 2 ? String.join("/", parts.subList(at + 2, parts.size())) : "";
    }
    if (group.isEmpty() && resource.equals("namespaces")) {
      // A namespace is an object of the cluster; that its name stands in the path is no scope.
      namespace = "";
    }
    List<String> watch = query.getOrDefault("watch", List.of());
    boolean watching =
        legacyWatch
            || (name.isEmpty()
                && !watch.isEmpty()
                && !watch.get(0).equals("0")
                && !watch.get(0).equalsIgnoreCase("false"));
    String verb =
        switch (method) {
          case "GET", "HEAD" -> watching ? "watch" : name.isEmpty() ? "list" : "get";
          case "POST" -> "create";
          case "PUT" -> "update";
          case "PATCH" -> "patch";
          case "DELETE" -> name.isEmpty() ? "deletecollection" : "delete";
          default -> other;
        };
    return new Target(verb, group, version, namespace, resource, name, subresource, true);
  }
}
