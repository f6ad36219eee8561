package dev.sluice.testkit.internal.api;

import dev.sluice.testkit.internal.json.Json;
import dev.sluice.testkit.internal.schema.Defaulting;
import dev.sluice.testkit.internal.schema.Pruning;
import dev.sluice.testkit.internal.schema.Schema;
import dev.sluice.testkit.internal.types.GoCodec;
import dev.sluice.testkit.internal.types.GoType;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.ObjectNode;

/**
 * A served resource: a plural in a version of a group. Immutable.
 *
 * @param type the built-in type; null for custom resources
 * @param schema the schema; null for built-in kinds
 * @param openApiSchema the same as it was given
 * @param storage the name of the table it is kept in, shared by the versions of a kind
 * @param storageVersion the version it is kept in
 * @param scale where the scale subresource finds its values; null if there is none
 * @param converter how it differs from the stored form; null if it does not, but for the version
 */
record Resource(
    String group,
    String version,
    String plural,
    String singular,
    String kind,
    String listKind,
    boolean namespaced,
    List<String> shortNames,
    List<String> categories,
    List<String> verbs,
    boolean hasStatus,
    @Nullable Scale scale,
    GoType.@Nullable Struct type,
    @Nullable Schema schema,
    @Nullable ObjectNode openApiSchema,
    Strategy strategy,
    String storage,
    String storageVersion,
    @Nullable Converter converter) {

  static final List<String> ALL_VERBS =
      List.of("create", "delete", "deletecollection", "get", "list", "patch", "update", "watch");

  /** Paths of the scale subresource, dotted, with a leading dot. */
  record Scale(String specReplicas, String statusReplicas, String labelSelector) {}

  /** Between the stored form of a kind and the one of another version. */
  interface Converter {
    /** From the stored form; the argument may be changed and given back. */
    ObjectNode fromStorage(ObjectNode object);

    /** To the stored form; the argument may be changed and given back. */
    ObjectNode toStorage(ObjectNode object);
  }

  boolean custom() {
    return schema != null;
  }

  /** A stored object as it is read once the schema has changed: new defaults stand in it. */
  byte[] reread(byte[] json) {
    if (schema == null) {
      return json;
    }
    ObjectNode object = Json.parseOwn(json);
    Defaulting.apply(object, schema);
    Pruning.apply(object, schema, new ArrayList<>());
    return encode(object);
  }

  /** Where the real server keeps its objects, below {@code /registry/}. */
  String registryPath() {
    return custom()
        ? group + "/" + plural
        : switch (plural) {
          case "services" -> "services/specs";
          default -> plural;
        };
  }

  /** The name of its type inside the real server, for messages that show it. */
  String goName() {
    if (custom()) {
      return "unstructured.Unstructured";
    }
    String internal =
        switch (group) {
          case "", "events.k8s.io" -> "core";
          default -> group.indexOf('.') < 0 ? group : group.substring(0, group.indexOf('.'));
        };
    return internal + "." + kind;
  }

  String apiVersion() {
    return group.isEmpty() ? version : group + "/" + version;
  }

  String storageApiVersion() {
    return group.isEmpty() ? storageVersion : group + "/" + storageVersion;
  }

  /** {@code plural.group}, as messages name it. */
  String qualified() {
    return group.isEmpty() ? plural : plural + "." + group;
  }

  /** Whether what is stored is what this version shows. */
  boolean isStored() {
    return converter == null && version.equals(storageVersion);
  }

  /** From the stored form to this version's. */
  ObjectNode fromStorage(ObjectNode stored) {
    if (converter != null) {
      return converter.fromStorage(stored);
    }
    stored.put("apiVersion", apiVersion());
    return stored;
  }

  /** From this version's form to the stored one. */
  ObjectNode toStorage(ObjectNode object) {
    if (converter != null) {
      return converter.toStorage(object);
    }
    object.put("apiVersion", storageApiVersion());
    return object;
  }

  /** Encodes an object as this resource's objects are: in the struct's order, or sorted. */
  byte[] encode(ObjectNode object) {
    return type == null ? Json.encodeSorted(object) : Json.encode(GoCodec.canonical(object, type));
  }

  /** An object of this kind with nothing in it. */
  ObjectNode blank() {
    ObjectNode object = Json.object();
    object.put("kind", kind);
    object.put("apiVersion", apiVersion());
    object.putObject("metadata");
    return object;
  }

  /** The key under which an object is stored. */
  String key(String namespace, String name) {
    return namespaced ? namespace + "/" + name : name;
  }

  boolean supports(String verb) {
    return verbs.contains(verb);
  }

  /** Identity among the served resources, also for what is cached about them. */
  @Override
  public boolean equals(@Nullable Object other) {
    return this == other;
  }

  @Override
  public int hashCode() {
    return Objects.hash(group, version, plural);
  }

  @Override
  public String toString() {
    return plural + "." + version + "." + group;
  }
}
