package dev.sluice.cli.watch;

import dev.sluice.kube.Change;
import dev.sluice.kube.ObjectKey;
import dev.sluice.kube.Resource;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;

/** Changes as lines of text. */
final class Lines {
  private static final DateTimeFormatter TIME =
      DateTimeFormatter.ofPattern("HH:mm:ss.SSS", Locale.ROOT);
  private static final String WIDE = "%-12s  %-8s  %-40s  %10s  %10s  %s";

  private Lines() {}

  /** ADDED, MODIFIED or DELETED: kubectl's words. */
  static String type(Change<Resource> change) {
    return switch (change) {
      case Change.Put<Resource> put -> put.first() ? "ADDED" : "MODIFIED";
      case Change.Deleted<Resource> deleted -> "DELETED";
    };
  }

  /** {@code MODIFIED default/web}. */
  static String name(Change<Resource> change) {
    return String.format(Locale.ROOT, "%-8s %s", type(change), change.key());
  }

  /** The headings of {@link #wide}. */
  static String wideHeadings() {
    return String.format(
        Locale.ROOT, WIDE, "TIME", "TYPE", "NAME", "VERSION", "GENERATION", "LABELS");
  }

  /** A row of the table. */
  static String wide(Change<Resource> change, Instant now, ZoneId zone) {
    Resource resource = resource(change);
    Map<String, String> labels = new TreeMap<>(resource.labels());
    return String.format(
        Locale.ROOT,
        WIDE,
        TIME.format(now.atZone(zone)),
        type(change),
        change.key() + (resource.deleting() ? " (deleting)" : ""),
        version(change),
        resource.generation() == 0 ? "-" : resource.generation(),
        labels.isEmpty()
            ? "-"
            : labels.entrySet().stream().map(Object::toString).collect(Collectors.joining(",")));
  }

  /** One JSON object, with the whole Kubernetes object in it. */
  static String json(Change<Resource> change) {
    ObjectKey key = change.key();
    StringBuilder line = new StringBuilder(resource(change).length() + 200);
    line.append("{\"type\":");
    quote(line, type(change));
    line.append(",\"namespace\":");
    quote(line, key.namespace());
    line.append(",\"name\":");
    quote(line, key.name());
    line.append(",\"resourceVersion\":");
    quote(line, version(change));
    return line.append(",\"object\":").append(object(resource(change))).append('}').toString();
  }

  /** An object's JSON in one line. */
  static String object(Resource resource) {
    byte[] json = resource.json();
    for (int i = 0; i < json.length; i++) {
      // Between tokens only: inside of a string JSON allows no raw one.
      if (json[i] == '\n' || json[i] == '\r') {
        json[i] = ' ';
      }
    }
    return new String(json, StandardCharsets.UTF_8);
  }

  private static Resource resource(Change<Resource> change) {
    return switch (change) {
      case Change.Put<Resource> put -> put.resource();
      case Change.Deleted<Resource> deleted -> deleted.last();
    };
  }

  private static String version(Change<Resource> change) {
    return switch (change) {
      case Change.Put<Resource> put -> put.resource().resourceVersion();
      case Change.Deleted<Resource> deleted -> deleted.resourceVersion();
    };
  }

  private static void quote(StringBuilder line, String text) {
    line.append('"');
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (c == '"' || c == '\\') {
        line.append('\\').append(c);
      } else if (c < ' ') {
        line.append(String.format(Locale.ROOT, "\\u%04x", (int) c));
      } else {
        line.append(c);
      }
    }
    line.append('"');
  }
}
