package dev.sluice.testkit.internal.api;

import dev.sluice.testkit.internal.json.Json;
import dev.sluice.testkit.internal.json.Yaml;
import dev.sluice.testkit.internal.schema.Defaulting;
import dev.sluice.testkit.internal.schema.Pruning;
import dev.sluice.testkit.internal.schema.Schema;
import dev.sluice.testkit.internal.types.GoCodec;
import dev.sluice.testkit.internal.types.GoType;
import dev.sluice.testkit.internal.types.GoTypes;
import dev.sluice.testkit.internal.types.Protobuf;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Objects;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/** Turns a body into an object of a resource: known fields only, defaults filled in. */
final class Decoder {
  static final List<String> BODY_TYPES =
      List.of("application/json", "application/yaml", "application/vnd.kubernetes.protobuf");
  private static final GoType.Struct OBJECT_META = GoTypes.struct("meta/v1.ObjectMeta");

  private final KnownKinds kinds;

  /** Which kinds are registered at all, for telling an unknown kind from one in a wrong place. */
  interface KnownKinds {
    @Nullable Resource find(String apiVersion, String kind);
  }

  Decoder(KnownKinds kinds) {
    this.kinds = kinds;
  }

  /** What is done about fields that are unknown or stand twice. */
  enum Directive {
    IGNORE,
    WARN,
    STRICT;

    static Directive of(ApiRequest request) {
      return switch (request.parameter("fieldValidation")) {
        case "Ignore" -> IGNORE;
        case "Strict" -> STRICT;
        default -> WARN;
      };
    }
  }

  /** How a body is written. */
  enum Format {
    JSON,
    YAML,
    PROTOBUF;

    /**
     * What the request says, JSON if it says nothing.
     *
     * @param protobuf whether the object's kind has a protobuf form
     * @throws StatusException 415 for other types than those that can be read
     */
    static Format of(ApiRequest request, boolean protobuf) {
      return switch (request.mediaType()) {
        case "", "application/json" -> JSON;
        case "application/yaml" -> YAML;
        case "application/vnd.kubernetes.protobuf" -> {
          if (!protobuf) {
            throw StatusException.unsupportedMediaType(BODY_TYPES);
          }
          yield PROTOBUF;
        }
        default -> throw StatusException.unsupportedMediaType(BODY_TYPES);
      };
    }
  }

  /** Decodes the body of a POST or PUT. */
  ObjectNode body(Resource resource, byte[] bytes, ApiRequest request) {
    Directive directive = Directive.of(request);
    Json.Parsed parsed;
    try {
      parsed =
          switch (Format.of(request, !resource.custom())) {
            case JSON -> Json.parse(bytes);
            case YAML -> yaml(bytes);
            case PROTOBUF -> protobuf(resource, bytes);
          };
    } catch (Protobuf.MalformedException e) {
      throw unrecognized(resource, String.valueOf(e.getMessage()), bytes);
    } catch (Yaml.MalformedException e) {
      throw unrecognized(resource, String.valueOf(e.getMessage()), bytes);
    } catch (Json.RangeException e) {
      throw cannotBeHandled(resource, String.valueOf(e.getMessage()));
    } catch (Json.MalformedException e) {
      throw unrecognized(
          resource, "couldn't get version/kind; json parse error: " + e.getMessage(), bytes);
    }
    JsonNode read = parsed.node();
    if (read.isNull() && resource.custom()) {
      throw unrecognized(resource, "Object 'Kind' is missing in 'null'", bytes);
    }
    // Go reads a null into a struct without a word.
    if (!((read.isNull() ? Json.object() : read) instanceof ObjectNode object)) {
      throw unrecognized(
          resource,
          "couldn't get version/kind; json parse error: json: cannot unmarshal "
              + goKind(parsed.node())
              + " into Go value of type struct { APIVersion string"
              + " \"json:\\\"apiVersion,omitempty\\\"\"; Kind string"
              + " \"json:\\\"kind,omitempty\\\"\" }",
          bytes);
    }
    String kind = Json.textAt(object, "kind");
    String apiVersion = Json.textAt(object, "apiVersion");
    if (resource.custom()) {
      if (kind.isEmpty()) {
        throw unrecognized(
            resource,
            "Object 'Kind' is missing in '"
                + new String(bytes, StandardCharsets.UTF_8).strip()
                + "'",
            bytes);
      }
      if (!apiVersion.equals(resource.apiVersion()) && apiVersion.isEmpty()) {
        throw wrongVersion(resource, apiVersion);
      }
    } else {
      if (apiVersion.indexOf('/') != apiVersion.lastIndexOf('/')) {
        throw unrecognized(resource, "unexpected GroupVersion string: " + apiVersion, bytes);
      }
      if (kind.isEmpty()) {
        object.put("kind", resource.kind());
        kind = resource.kind();
      }
      if (apiVersion.isEmpty()) {
        object.put("apiVersion", resource.apiVersion());
        apiVersion = resource.apiVersion();
      }
      if (!kind.equals(resource.kind()) || !apiVersion.equals(resource.apiVersion())) {
        throw misplaced(resource, apiVersion, kind);
      }
    }
    List<String> faults = new ArrayList<>();
    for (String duplicate : parsed.duplicates()) {
      faults.add("duplicate field " + Go.quote(duplicate));
    }
    ObjectNode decoded = decode(resource, object, faults);
    report(resource, faults, directive, request);
    if (!apiVersion.equals(resource.apiVersion())) {
      throw wrongVersion(resource, apiVersion);
    }
    return decoded;
  }

  private static StatusException wrongVersion(Resource resource, String apiVersion) {
    return StatusException.badRequest(
        "the API version in the data (%s) does not match the expected API version (%s)"
            .formatted(apiVersion, resource.apiVersion()));
  }

  /**
   * Reads a tree as an object of a resource.
   *
   * @param faults takes what strict decoding would refuse
   */
  ObjectNode decode(Resource resource, ObjectNode object, List<String> faults) {
    try {
      ObjectNode decoded = decodeOrThrow(resource, object, faults);
      resource.strategy().defaults(decoded);
      return decoded;
    } catch (GoCodec.TypeException e) {
      throw cannotBeHandled(resource, String.valueOf(e.getMessage()));
    }
  }

  /** The same without defaults, and with Go's own complaint. */
  ObjectNode decodeOrThrow(Resource resource, ObjectNode object, List<String> faults)
      throws GoCodec.TypeException {
    GoType.Struct type = resource.type();
    if (type != null) {
      GoCodec.Decoded decoded = GoCodec.decode(object, type);
      decoded.unknown().forEach(path -> faults.add("unknown field " + Go.quote(path)));
      dropManaged(decoded.object());
      return decoded.object();
    }
    Schema schema = Objects.requireNonNull(resource.schema());
    JsonNode metadata = object.get("metadata");
    if (metadata != null && !metadata.isNull()) {
      if (!(metadata instanceof ObjectNode metaObject)) {
        throw StatusException.badRequest(
            "%s in version %s cannot be handled as a %s: json: cannot unmarshal %s into Go value of type v1.ObjectMeta"
                .formatted(
                    resource.kind(),
                    Go.quote(resource.version()),
                    resource.kind(),
                    goKind(metadata)));
      }
      GoCodec.Decoded meta = GoCodec.decode(metaObject, OBJECT_META);
      meta.unknown().forEach(path -> faults.add("unknown field " + Go.quote("metadata." + path)));
      object.set("metadata", meta.object());
      dropManaged(object);
    } else {
      object.set("metadata", Json.object());
    }
    Defaulting.apply(object, schema);
    List<String> dropped = new ArrayList<>();
    Pruning.apply(object, schema, dropped);
    dropped.sort(null);
    dropped.forEach(path -> faults.add("unknown field " + Go.quote(path)));
    return object;
  }

  /** Which manager owns which field is not kept: see the list of differences in the guide. */
  private static void dropManaged(ObjectNode object) {
    ObjectNode metadata = Json.objectAt(object, "metadata");
    if (metadata != null) {
      metadata.remove("managedFields");
      metadata.remove("selfLink");
    }
  }

  void report(Resource resource, List<String> faults, Directive directive, ApiRequest request) {
    if (faults.isEmpty()) {
      return;
    }
    switch (directive) {
      case STRICT ->
          throw cannotBeHandled(resource, "strict decoding error: " + String.join(", ", faults));
      case WARN -> faults.forEach(request::warn);
      case IGNORE -> {}
    }
  }

  private StatusException misplaced(Resource resource, String apiVersion, String kind) {
    String version = apiVersion.substring(apiVersion.indexOf('/') + 1);
    String why = whyMisplaced(resource, apiVersion, kind);
    return StatusException.badRequest(
        "%s in version %s cannot be handled as a %s: %s"
            .formatted(kind, Go.quote(version), resource.kind(), why));
  }

  /** Go's complaint about an object of another built-in kind than its path's. */
  private String whyMisplaced(Resource resource, String apiVersion, String kind) {
    return kinds.find(apiVersion, kind) != null
        ? "converting (%s.%s) to (%s.%s): unknown conversion"
            .formatted(
                apiVersion.substring(apiVersion.indexOf('/') + 1),
                kind,
                internalPackage(resource),
                resource.kind())
        : "no kind %s is registered for version %s in scheme \"pkg/runtime/scheme.go:111\""
            .formatted(Go.quote(kind), Go.quote(apiVersion));
  }

  /**
   * Sees to it that the result of a patch is still of its kind. What has no kind gets it.
   *
   * @throws GoCodec.TypeException if a built-in kind is now another one
   */
  void keepsItsKind(Resource resource, ObjectNode object, List<String> faults)
      throws GoCodec.TypeException {
    String kind = Json.textAt(object, "kind");
    String apiVersion = Json.textAt(object, "apiVersion");
    if (resource.custom()) {
      if (!apiVersion.equals(resource.apiVersion())) {
        // Such a version has no schema; the validation that follows names the fault.
        for (String name : object.propertyNames()) {
          if (!List.of("apiVersion", "kind", "metadata").contains(name)) {
            faults.add("unknown field " + Go.quote(name));
          }
        }
      }
      return;
    }
    if (apiVersion.isEmpty()) {
      // The real server takes it for its internal form then, which has none of these fields.
      for (String name : new TreeSet<>(object.propertyNames())) {
        if (!List.of("apiVersion", "kind").contains(name)) {
          faults.add("unknown field " + Go.quote(name));
        }
      }
      object.removeAll();
    }
    if (kind.isEmpty()) {
      kind = resource.kind();
    }
    if (apiVersion.isEmpty()) {
      apiVersion = resource.apiVersion();
    }
    if (!kind.equals(resource.kind()) || !apiVersion.equals(resource.apiVersion())) {
      Resource other = kinds.find(apiVersion, kind);
      if (other != null && other.type() != null) {
        // It is read as what it says it is first.
        GoCodec.decode(object.deepCopy(), other.type());
      }
      throw new GoCodec.TypeException(whyMisplaced(resource, apiVersion, kind));
    }
    object.put("kind", kind);
    object.put("apiVersion", apiVersion);
  }

  private static String internalPackage(Resource resource) {
    return switch (resource.group()) {
      case "" -> "core";
      case "events.k8s.io" -> "core";
      default -> {
        int dot = resource.group().indexOf('.');
        yield dot < 0 ? resource.group() : resource.group().substring(0, dot);
      }
    };
  }

  private static StatusException cannotBeHandled(Resource resource, String why) {
    return StatusException.badRequest(
        "%s in version %s cannot be handled as a %s: %s"
            .formatted(resource.kind(), Go.quote(resource.version()), resource.kind(), why));
  }

  private static StatusException unrecognized(Resource resource, String why, byte[] bytes) {
    return StatusException.badRequest(
        "the object provided is unrecognized (must be of type %s): %s (%s)"
            .formatted(resource.kind(), why, summary(bytes)));
  }

  /** The first thirty bytes, in hexadecimal unless they look like an object. */
  private static String summary(byte[] bytes) {
    if (bytes.length == 0) {
      return "<empty>";
    }
    int length = Math.min(30, bytes.length);
    String more = bytes.length > 30 ? " ..." : "";
    return bytes[0] == '{'
        ? new String(bytes, 0, length, StandardCharsets.UTF_8) + more
        : HexFormat.of().formatHex(bytes, 0, length) + more;
  }

  static String goKind(@Nullable JsonNode node) {
    if (node == null) {
      return "null";
    }
    return switch (node.getNodeType()) {
      case OBJECT -> "object";
      case ARRAY -> "array";
      case STRING -> "string";
      case BOOLEAN -> "bool";
      case NUMBER -> "number";
      default -> "null";
    };
  }

  static Json.Parsed yaml(byte[] bytes) throws Yaml.MalformedException {
    List<JsonNode> documents = Yaml.parseAll(bytes);
    return new Json.Parsed(
        documents.isEmpty() ? Json.object().nullNode() : documents.get(0), List.of());
  }

  private static Json.Parsed protobuf(Resource resource, byte[] bytes)
      throws Protobuf.MalformedException {
    String own = resource.apiVersion() + "/" + resource.kind();
    // Another kind is refused by its name alone.
    return new Json.Parsed(
        Protobuf.read(bytes, kind -> kind.equals("/") || kind.equals(own) ? resource.type() : null),
        List.of());
  }
}
