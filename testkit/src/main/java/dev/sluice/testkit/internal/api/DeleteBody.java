package dev.sluice.testkit.internal.api;

import dev.sluice.testkit.internal.json.Json;
import dev.sluice.testkit.internal.json.Yaml;
import dev.sluice.testkit.internal.types.GoCodec;
import dev.sluice.testkit.internal.types.GoType;
import dev.sluice.testkit.internal.types.GoTypes;
import dev.sluice.testkit.internal.types.Protobuf;
import java.util.List;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** How to delete, from the body of the request or from its parameters. Stateless. */
final class DeleteBody {
  private static final List<String> POLICIES = List.of("Foreground", "Background", "Orphan");

  private static final GoType.Struct OPTIONS = GoTypes.struct("meta/v1.DeleteOptions");

  private DeleteBody() {}

  static Registry.DeleteOptions read(ApiRequest request, byte[] body) {
    ObjectNode options;
    if (body.length > 0) {
      options = parse(body, Decoder.Format.of(request, true));
    } else {
      options = Json.object();
      Long grace = request.longParameter("gracePeriodSeconds");
      if (grace != null) {
        options.put("gracePeriodSeconds", grace);
      }
      if (request.has("propagationPolicy")) {
        options.put("propagationPolicy", request.parameter("propagationPolicy"));
      }
      Boolean orphan = request.flag("orphanDependents");
      if (orphan != null) {
        options.put("orphanDependents", orphan);
      }
      if (request.has("dryRun")) {
        ArrayNode values = options.putArray("dryRun");
        request.parameters("dryRun").forEach(values::add);
      }
    }
    return check(options);
  }

  private static ObjectNode parse(byte[] body, Decoder.Format format) {
    try {
      JsonNode read =
          switch (format) {
            case JSON -> Json.parse(body).node();
            case YAML -> Decoder.yaml(body).node();
            case PROTOBUF -> Protobuf.read(body, kind -> OPTIONS);
          };
      if (!(read instanceof ObjectNode object)) {
        throw StatusException.badRequest(
            "couldn't get version/kind; json parse error: the body is no JSON object");
      }
      String kind = Json.textAt(object, "kind");
      if (!kind.isEmpty() && !kind.equals("DeleteOptions")) {
        throw StatusException.badRequest(
            "no kind %s is registered for version %s in scheme \"pkg/runtime/scheme.go:111\""
                .formatted(Go.quote(kind), Go.quote(Json.textAt(object, "apiVersion"))));
      }
      return GoCodec.decode(object, OPTIONS).object();
    } catch (Protobuf.MalformedException e) {
      throw StatusException.badRequest(String.valueOf(e.getMessage()));
    } catch (Json.MalformedException | Yaml.MalformedException e) {
      throw StatusException.badRequest(
          "couldn't get version/kind; json parse error: " + e.getMessage());
    } catch (GoCodec.TypeException e) {
      throw StatusException.badRequest(String.valueOf(e.getMessage()));
    }
  }

  private static Registry.DeleteOptions check(ObjectNode options) {
    FieldErrors errors = new FieldErrors();
    JsonNode orphan = options.get("orphanDependents");
    String policy = Json.textAt(options, "propagationPolicy");
    if (orphan != null && !policy.isEmpty()) {
      errors.invalid(
          "propagationPolicy",
          policy,
          "orphanDependents and deletionPropagation cannot be both set");
    }
    if (!policy.isEmpty() && !POLICIES.contains(policy)) {
      errors.notSupported(
          "propagationPolicy", policy, List.of("Foreground", "Background", "Orphan", "nil"));
    }
    ArrayNode dryRun = Json.arrayAt(options, "dryRun");
    boolean dry = false;
    if (dryRun != null) {
      for (JsonNode value : dryRun) {
        if (value.isString() && value.stringValue().equals("All")) {
          dry = true;
        } else {
          errors.notSupported("dryRun", dryRun, List.of("All"));
          break;
        }
      }
    }
    if (!errors.isEmpty()) {
      throw StatusException.invalid("meta.k8s.io", "DeleteOptions", "", errors);
    }
    if (orphan != null && orphan.isBoolean()) {
      policy = orphan.booleanValue() ? "Orphan" : "Background";
    }
    JsonNode grace = options.get("gracePeriodSeconds");
    ObjectNode preconditions = Json.objectAt(options, "preconditions");
    return new Registry.DeleteOptions(
        grace != null && grace.isNumber() ? Long.valueOf(grace.longValue()) : null,
        policy,
        text(preconditions, "uid"),
        text(preconditions, "resourceVersion"),
        dry);
  }

  private static @Nullable String text(@Nullable ObjectNode object, String name) {
    return object == null ? null : Json.stringAt(object, name);
  }
}
