package dev.sluice.testkit.internal.api;

import dev.sluice.testkit.internal.json.Json;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** Tables, as {@code kubectl get} asks for them. Stateless. */
final class Tables {
  private static final String NAME_DESCRIPTION =
      "Name must be unique within a namespace. Is required when creating resources, although some"
          + " resources may allow a client to request the generation of an appropriate name"
          + " automatically. Name is primarily intended for creation idempotence and configuration"
          + " definition. Cannot be updated. More info:"
          + " https://kubernetes.io/docs/concepts/overview/working-with-objects/names#names";

  /** A column. */
  record Column(String name, String type, String format, String description, int priority) {
    static Column of(String name) {
      return new Column(name, "string", "", "", 0);
    }

    static Column wide(String name) {
      return new Column(name, "string", "", "", 1);
    }
  }

  /** What stands in a row. */
  interface Cells {
    /** The cells after the name; null for none. */
    List<? extends @Nullable Object> of(ObjectNode object, Instant now);
  }

  /**
   * The columns of a kind.
   *
   * @param nameFirst whether the name is the first column, before these
   */
  record Layout(List<Column> columns, Cells cells, boolean nameFirst) {
    static final Layout PLAIN =
        new Layout(
            List.of(Column.of("Created At")),
            (object, now) -> List.of(Json.textAt(Meta.of(object), "creationTimestamp")),
            true);

    static Layout of(List<Column> columns, Cells cells) {
      return new Layout(columns, cells, true);
    }
  }

  private Tables() {}

  static final Layout CONFIG_MAPS =
      Layout.of(
          List.of(Column.of("Data"), Column.of("Age")),
          (object, now) ->
              List.of(size(object, "data") + size(object, "binaryData"), age(object, now)));

  static final Layout SECRETS =
      Layout.of(
          List.of(Column.of("Type"), Column.of("Data"), Column.of("Age")),
          (object, now) ->
              List.of(Json.textAt(object, "type"), size(object, "data"), age(object, now)));

  static final Layout SERVICE_ACCOUNTS =
      Layout.of(List.of(Column.of("Age")), (object, now) -> List.of(age(object, now)));

  static final Layout NAMESPACES =
      Layout.of(
          List.of(Column.of("Status"), Column.of("Age")),
          (object, now) ->
              List.of(Json.textAt(Json.ensureObject(object, "status"), "phase"), age(object, now)));

  static final Layout LEASES =
      Layout.of(
          List.of(Column.of("Holder"), Column.of("Age")),
          (object, now) ->
              List.of(
                  Json.textAt(Json.ensureObject(object, "spec"), "holderIdentity"),
                  age(object, now)));

  static final Layout SERVICES =
      Layout.of(
          List.of(
              Column.of("Type"),
              Column.of("Cluster-IP"),
              Column.of("External-IP"),
              Column.of("Port(s)"),
              Column.of("Age"),
              Column.wide("Selector")),
          Tables::service);

  static final Layout DEPLOYMENTS =
      Layout.of(
          List.of(
              Column.of("Ready"),
              Column.of("Up-to-date"),
              Column.of("Available"),
              Column.of("Age"),
              Column.wide("Containers"),
              Column.wide("Images"),
              Column.wide("Selector")),
          Tables::deployment);

  static final Layout PODS =
      Layout.of(
          List.of(
              new Column(
                  "Ready",
                  "string",
                  "",
                  "The aggregate readiness state of this pod for accepting traffic.",
                  0),
              new Column(
                  "Status", "string", "", "The aggregate status of the containers in this pod.", 0),
              new Column(
                  "Restarts",
                  "string",
                  "",
                  "The number of times the containers in this pod have been restarted and when the"
                      + " last container in this pod has restarted.",
                  0),
              Column.of("Age"),
              Column.wide("IP"),
              Column.wide("Node"),
              Column.wide("Nominated Node"),
              Column.wide("Readiness Gates")),
          Tables::pod);

  static final Layout EVENTS =
      new Layout(
          List.of(
              Column.of("Last Seen"),
              Column.of("Type"),
              Column.of("Reason"),
              Column.of("Object"),
              Column.wide("Subobject"),
              Column.wide("Source"),
              Column.of("Message"),
              Column.wide("First Seen"),
              Column.wide("Count"),
              new Column("Name", "string", "name", NAME_DESCRIPTION, 1)),
          Tables::event,
          false);

  static final Layout NEW_EVENTS =
      new Layout(
          EVENTS.columns(),
          (object, now) ->
              event(new CoreStrategies.EventConverter().toStorage(object.deepCopy()), now),
          false);

  static final Layout DEFINITIONS = Layout.PLAIN;

  /** A custom resource's own columns. */
  record PathColumn(Column column, @Nullable JsonPath path) {}

  static Layout custom(List<PathColumn> columns) {
    if (columns.isEmpty()) {
      return Layout.of(
          List.of(new Column("Age", "date", "", AGE_DESCRIPTION, 0)),
          (object, now) -> List.of(age(object, now)));
    }
    return Layout.of(
        columns.stream().map(PathColumn::column).toList(),
        (object, now) -> {
          List<@Nullable Object> cells = new ArrayList<>();
          for (PathColumn column : columns) {
            List<JsonNode> found = column.path() == null ? List.of() : column.path().find(object);
            cells.add(found.isEmpty() ? null : cell(column.column().type(), found.get(0), now));
          }
          return cells;
        });
  }

  private static final String AGE_DESCRIPTION =
      "CreationTimestamp is a timestamp representing the server time when this object was created."
          + " It is not guaranteed to be set in happens-before order across separate operations."
          + " Clients may not set this value. It is represented in RFC3339 form and is in UTC.\n\n"
          + "Populated by the system. Read-only. Null for lists. More info:"
          + " https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#metadata";

  private static @Nullable Object cell(String type, JsonNode value, Instant now) {
    if (value.isNull()) {
      return null;
    }
    return switch (type) {
      case "integer" -> value.isNumber() ? (long) value.doubleValue() : null;
      case "number" -> value.isNumber() ? value.doubleValue() : null;
      case "boolean" -> value.isBoolean() ? value.booleanValue() : null;
      case "date" -> value.isString() ? since(value.stringValue(), now) : null;
      default -> value.isString() ? value.stringValue() : Json.text(value);
    };
  }

  // --- building ----------------------------------------------------------------------------------

  /** Which part of the object goes along with its row. */
  enum Include {
    NONE,
    METADATA,
    OBJECT
  }

  static ObjectNode table(@Nullable ObjectNode listMeta) {
    ObjectNode table = Json.object();
    table.put("kind", "Table");
    table.put("apiVersion", "meta.k8s.io/v1");
    table.set("metadata", listMeta == null ? Json.object() : listMeta);
    return table;
  }

  static void putColumns(ObjectNode table, Layout layout) {
    ArrayNode columns = table.putArray("columnDefinitions");
    if (layout.nameFirst()) {
      put(columns, new Column("Name", "string", "name", NAME_DESCRIPTION, 0));
    }
    layout.columns().forEach(column -> put(columns, column));
  }

  private static void put(ArrayNode columns, Column column) {
    ObjectNode node = columns.addObject();
    node.put("name", column.name());
    node.put("type", column.type());
    node.put("format", column.format());
    node.put("description", column.description());
    node.put("priority", column.priority());
  }

  static ObjectNode row(Layout layout, ObjectNode object, Include include, Instant now) {
    ObjectNode row = Json.object();
    ArrayNode cells = row.putArray("cells");
    if (layout.nameFirst()) {
      cells.add(Meta.name(object));
    }
    for (Object cell : layout.cells().of(object.deepCopy(), now)) {
      switch (cell) {
        case null -> cells.addNull();
        case Long number -> cells.add(number);
        case Integer number -> cells.add(number);
        case Double number -> cells.add(number);
        case Boolean flag -> cells.add(flag);
        default -> cells.add(cell.toString());
      }
    }
    switch (include) {
      case METADATA -> row.set("object", partial(object));
      case OBJECT -> row.set("object", object);
      case NONE -> row.putNull("object");
    }
    return row;
  }

  /** Only the metadata of an object. */
  static ObjectNode partial(ObjectNode object) {
    ObjectNode partial = Json.object();
    partial.put("kind", "PartialObjectMetadata");
    partial.put("apiVersion", "meta.k8s.io/v1");
    partial.set(
        "metadata",
        dev.sluice.testkit.internal.types.GoCodec.canonical(
            Meta.of(object),
            dev.sluice.testkit.internal.types.GoTypes.struct("meta/v1.ObjectMeta")));
    return partial;
  }

  // --- cells -------------------------------------------------------------------------------------

  private static int size(ObjectNode object, String name) {
    ObjectNode data = Json.objectAt(object, name);
    return data == null ? 0 : data.size();
  }

  static String age(ObjectNode object, Instant now) {
    return since(Json.textAt(Meta.of(object), "creationTimestamp"), now);
  }

  static String since(String timestamp, Instant now) {
    if (timestamp.isEmpty()) {
      return "<unknown>";
    }
    try {
      return human(Duration.between(OffsetDateTime.parse(timestamp).toInstant(), now));
    } catch (DateTimeException e) {
      return "<invalid>";
    }
  }

  /** {@code duration.HumanDuration}. */
  static String human(Duration duration) {
    long seconds = duration.toSeconds();
    if (seconds < -1) {
      return "<invalid>";
    }
    if (seconds < 0) {
      return "0s";
    }
    if (seconds < 120) {
      return seconds + "s";
    }
    long minutes = seconds / 60;
    if (minutes < 10) {
      return two(minutes, "m", seconds % 60, "s");
    }
    if (minutes < 180) {
      return minutes + "m";
    }
    long hours = minutes / 60;
    if (hours < 8) {
      return two(hours, "h", minutes % 60, "m");
    }
    if (hours < 48) {
      return hours + "h";
    }
    if (hours < 24 * 8) {
      return two(hours / 24, "d", hours % 24, "h");
    }
    if (hours < 24 * 365 * 2) {
      return hours / 24 + "d";
    }
    if (hours < 24 * 365 * 8) {
      return two(hours / 24 / 365, "y", hours / 24 % 365, "d");
    }
    return hours / 24 / 365 + "y";
  }

  private static String two(long large, String largeUnit, long small, String smallUnit) {
    return small == 0 ? large + largeUnit : large + largeUnit + small + smallUnit;
  }

  private static List<Object> service(ObjectNode object, Instant now) {
    ObjectNode spec = Json.ensureObject(object, "spec");
    ArrayNode addresses = Json.arrayAt(spec, "clusterIPs");
    String internal =
        addresses == null || addresses.isEmpty() ? "<none>" : addresses.get(0).asString();
    List<String> externals = new ArrayList<>();
    String type = Json.textAt(spec, "type");
    String external;
    if (type.equals("LoadBalancer")) {
      JsonNode ingress = Registry.at(object, "status", "loadBalancer", "ingress");
      if (ingress != null) {
        for (JsonNode one : ingress) {
          String ip = Json.textAt(one, "ip");
          externals.add(ip.isEmpty() ? Json.textAt(one, "hostname") : ip);
        }
      }
    }
    for (JsonNode one : PodSpecs.elements(spec, "externalIPs")) {
      externals.add(one.asString());
    }
    if (type.equals("ExternalName")) {
      external = Json.textAt(spec, "externalName");
    } else if (externals.isEmpty()) {
      external = type.equals("LoadBalancer") ? "<pending>" : "<none>";
    } else {
      external = String.join(",", externals);
    }
    List<String> ports = new ArrayList<>();
    for (JsonNode port : PodSpecs.elements(spec, "ports")) {
      JsonNode nodePort = port.get("nodePort");
      ports.add(
          port.path("port").asLong(0)
              + (nodePort == null ? "" : ":" + nodePort.longValue())
              + "/"
              + Json.textAt(port, "protocol"));
    }
    return List.of(
        type,
        internal,
        external,
        ports.isEmpty() ? "<none>" : String.join(",", ports),
        age(object, now),
        labels(Json.objectAt(spec, "selector")));
  }

  private static String labels(@Nullable ObjectNode labels) {
    if (labels == null || labels.isEmpty()) {
      return "<none>";
    }
    Map<String, String> sorted = new TreeMap<>();
    labels.properties().forEach(e -> sorted.put(e.getKey(), e.getValue().asString()));
    List<String> pairs = new ArrayList<>();
    sorted.forEach((key, value) -> pairs.add(key + "=" + value));
    return String.join(",", pairs);
  }

  private static List<Object> deployment(ObjectNode object, Instant now) {
    ObjectNode spec = Json.ensureObject(object, "spec");
    ObjectNode status = Json.ensureObject(object, "status");
    List<String> names = new ArrayList<>();
    List<String> images = new ArrayList<>();
    JsonNode containers = Registry.at(object, "spec", "template", "spec", "containers");
    if (containers != null) {
      for (JsonNode container : containers) {
        names.add(Json.textAt(container, "name"));
        images.add(Json.textAt(container, "image"));
      }
    }
    ObjectNode selector = Json.objectAt(spec, "selector");
    return List.of(
        status.path("readyReplicas").asLong(0) + "/" + spec.path("replicas").asLong(0),
        status.path("updatedReplicas").asLong(0),
        status.path("availableReplicas").asLong(0),
        age(object, now),
        String.join(",", names),
        String.join(",", images),
        labels(selector == null ? null : Json.objectAt(selector, "matchLabels")));
  }

  private static List<Object> pod(ObjectNode object, Instant now) {
    ObjectNode spec = Json.ensureObject(object, "spec");
    ObjectNode status = Json.ensureObject(object, "status");
    String phase = Json.textAt(status, "phase");
    String reason = Json.textAt(status, "reason");
    String shown = reason.isEmpty() ? phase : reason;
    int total = 0;
    for (JsonNode ignored : PodSpecs.elements(spec, "containers")) {
      total++;
    }
    int ready = 0;
    long restarts = 0;
    boolean running = false;
    for (JsonNode container : PodSpecs.elements(status, "containerStatuses")) {
      restarts += container.path("restartCount").asLong(0);
      JsonNode state = container.path("state");
      String waiting = Json.textAt(state.path("waiting"), "reason");
      JsonNode terminated = state.get("terminated");
      if (!waiting.isEmpty()) {
        shown = waiting;
      } else if (terminated != null) {
        String why = Json.textAt(terminated, "reason");
        shown = why.isEmpty() ? "ExitCode:" + terminated.path("exitCode").asLong(0) : why;
      } else if (PodSpecs.isTrue(container.get("ready")) && state.has("running")) {
        running = true;
        ready++;
      }
    }
    if (shown.equals("Completed") && running) {
      shown = "Running";
    }
    if (Meta.isDeleting(object) && !phase.equals("Succeeded") && !phase.equals("Failed")) {
      shown = reason.equals("NodeLost") ? "Unknown" : "Terminating";
    }
    return List.of(
        ready + "/" + total,
        shown,
        Long.toString(restarts),
        age(object, now),
        orNone(Json.textAt(status, "podIP")),
        orNone(Json.textAt(spec, "nodeName")),
        orNone(Json.textAt(status, "nominatedNodeName")),
        "<none>");
  }

  private static String orNone(String text) {
    return text.isEmpty() ? "<none>" : text;
  }

  private static List<Object> event(ObjectNode object, Instant now) {
    String first = Json.textAt(object, "firstTimestamp");
    String firstSeen = since(first.isEmpty() ? Json.textAt(object, "eventTime") : first, now);
    String last = Json.textAt(object, "lastTimestamp");
    String lastSeen = last.isEmpty() ? firstSeen : since(last, now);
    long count = object.path("count").asLong(0);
    ObjectNode series = Json.objectAt(object, "series");
    if (series != null) {
      lastSeen = since(Json.textAt(series, "lastObservedTime"), now);
      count = series.path("count").asLong(0);
    } else if (count == 0) {
      count = 1;
    }
    ObjectNode about = Json.ensureObject(object, "involvedObject");
    String kind = Json.textAt(about, "kind").toLowerCase(Locale.ROOT);
    String name = Json.textAt(about, "name");
    ObjectNode source = Json.ensureObject(object, "source");
    String component = Json.textAt(source, "component");
    String host = Json.textAt(source, "host");
    if (component.isEmpty()) {
      component = Json.textAt(object, "reportingComponent");
    }
    if (host.isEmpty()) {
      host = Json.textAt(object, "reportingInstance");
    }
    return List.of(
        lastSeen,
        Json.textAt(object, "type"),
        Json.textAt(object, "reason"),
        name.isEmpty() ? kind : kind + "/" + name,
        Json.textAt(about, "fieldPath"),
        host.isEmpty() ? component : component + ", " + host,
        Json.textAt(object, "message").strip(),
        firstSeen,
        count,
        Meta.name(object));
  }
}
