package dev.sluice.testkit.internal.api;

import dev.sluice.testkit.internal.json.Json;
import dev.sluice.testkit.internal.schema.Schema;
import dev.sluice.testkit.internal.schema.Validation;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/** The rules of one version of a custom resource. */
final class CustomStrategy extends Strategy {
  private final String kind;
  private final String apiVersion;
  private final Schema schema;
  private final boolean hasStatus;
  private final Resource.@Nullable Scale scale;
  private final Map<String, JsonPath> selectable;
  private final Tables.Layout layout;

  CustomStrategy(
      String kind,
      String apiVersion,
      Schema schema,
      boolean hasStatus,
      Resource.@Nullable Scale scale,
      Map<String, JsonPath> selectable,
      Tables.Layout layout) {
    this.kind = kind;
    this.apiVersion = apiVersion;
    this.schema = schema;
    this.hasStatus = hasStatus;
    this.scale = scale;
    this.selectable = selectable;
    this.layout = layout;
  }

  @Override
  boolean updatesUnconditionally() {
    return false;
  }

  @Override
  void validateType(ObjectNode object, FieldErrors errors) {
    String actual = Json.textAt(object, "kind");
    if (!actual.equals(kind)) {
      errors.invalid("kind", actual, "must be " + kind);
    }
    String version = Json.textAt(object, "apiVersion");
    if (!version.equals(apiVersion)) {
      errors.invalid("apiVersion", version, "must be " + apiVersion);
    }
  }

  @Override
  void prepareForCreate(ObjectNode object) {
    if (hasStatus) {
      object.remove("status");
    }
    Meta.setGeneration(object, 1);
  }

  @Override
  void prepareForUpdate(ObjectNode object, ObjectNode old) {
    if (hasStatus) {
      Meta.copyField(old, object, "status");
    }
    ObjectNode now = object.deepCopy();
    ObjectNode before = old.deepCopy();
    for (ObjectNode one : List.of(now, before)) {
      one.remove("metadata");
      if (hasStatus) {
        one.remove("status");
      }
    }
    if (!Json.same(now, before)) {
      Meta.setGeneration(object, Meta.generation(old) + 1);
    }
  }

  @Override
  void prepareForStatusUpdate(ObjectNode object, ObjectNode old) {
    super.prepareForStatusUpdate(object, old);
    // Through /status nothing of the metadata changes.
    String version = Meta.resourceVersion(object);
    ObjectNode metadata = Meta.of(old).deepCopy();
    metadata.put("resourceVersion", version);
    object.set("metadata", metadata);
  }

  @Override
  void validate(ObjectNode object, FieldErrors errors) {
    validate(object, null, errors);
  }

  /**
   * Validates.
   *
   * @param old the state before: what was wrong with it and has not been touched may stay; null for
   *     a creation
   */
  private void validate(ObjectNode object, @Nullable ObjectNode old, FieldErrors errors) {
    for (Validation.Fault fault : Validation.check(object, schema)) {
      if (old == null || !Ratchet.isUntouched(fault, object, old)) {
        report(fault, errors);
      }
    }
    scale(object, errors);
  }

  private void scale(ObjectNode object, FieldErrors errors) {
    Resource.Scale paths = scale;
    if (paths == null) {
      return;
    }
    for (String path : List.of(paths.specReplicas(), paths.statusReplicas())) {
      if (path.isEmpty()) {
        continue;
      }
      Scales.Found found = Scales.find(object, path);
      if (found.fault() != null) {
        errors.invalidRaw(path, "0", found.fault());
        continue;
      }
      JsonNode value = found.value();
      if (value == null) {
        continue;
      }
      if (!value.isIntegralNumber()) {
        continue;
      }
      if (value.longValue() < 0) {
        errors.invalidRaw(
            path, Long.toString(value.longValue()), "should be a non-negative integer");
      } else if (value.longValue() > Integer.MAX_VALUE) {
        errors.invalidRaw(
            path, Long.toString(value.longValue()), "should be less than or equal to 2147483647");
      }
    }
  }

  static void report(Validation.Fault fault, FieldErrors errors) {
    switch (fault.kind()) {
      case REQUIRED -> errors.required(fault.path(), fault.detail());
      case NOT_SUPPORTED -> errors.notSupported(fault.path(), fault.value(), fault.supported());
      case TOO_LONG -> errors.tooLong(fault.path(), (int) fault.limit());
      case TOO_MANY ->
          errors.tooMany(
              fault.path(),
              fault.value() == null ? 0 : fault.value().intValue(),
              (int) fault.limit());
      case DUPLICATE -> errors.duplicate(fault.path(), fault.value());
      case TYPE_INVALID -> errors.typeInvalid(fault.path(), shown(fault), fault.detail());
      case INVALID -> errors.invalidRaw(fault.path(), shown(fault), fault.detail());
    }
  }

  private static String shown(Validation.Fault fault) {
    return fault.value() == null ? "\"\"" : Go.value(fault.value());
  }

  @Override
  void validateUpdate(ObjectNode object, ObjectNode old, FieldErrors errors) {
    // The real server runs the metadata's rules a second time here, so causes stand twice.
    errors.addAll(MetadataRules.onUpdate(object, old));
    validate(object, old, errors);
  }

  @Override
  void validateStatusUpdate(ObjectNode object, ObjectNode old, FieldErrors errors) {
    Schema statusSchema = schema.property("status");
    JsonNode status = object.get("status");
    if (statusSchema == null || status == null) {
      return;
    }
    // Only the status is looked at. The fields' paths begin with it, the words about them do not.
    for (Validation.Fault fault : Validation.check(status, statusSchema)) {
      Validation.Fault placed = fault.under("status");
      if (!Ratchet.isUntouched(placed, object, old)) {
        report(placed, errors);
      }
    }
  }

  @Override
  Map<String, String> fields(ObjectNode object) {
    if (selectable.isEmpty()) {
      return Map.of();
    }
    Map<String, String> fields = new HashMap<>();
    selectable.forEach((field, path) -> {
      List<JsonNode> found = path.find(object);
      if (!found.isEmpty() && !found.get(0).isNull()) {
        JsonNode value = found.get(0);
        fields.put(field, value.isString() ? value.stringValue() : Json.text(value));
      }
    });
    return fields;
  }

  @Override
  String unknownField(String field) {
    return "field label not supported: " + field;
  }

  @Override
  boolean knowsField(String field) {
    return selectable.containsKey(field);
  }

  @Override
  Tables.Layout table() {
    return layout;
  }
}
