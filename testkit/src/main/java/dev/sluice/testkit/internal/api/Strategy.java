package dev.sluice.testkit.internal.api;

import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.ObjectNode;

/**
 * What is particular to a kind, in the steps of a write. Everything here has a default: the common
 * rules. Implementations have no state of their own and are safe for any thread.
 */
class Strategy {

  /** What names must look like. */
  Names.Rule nameRule() {
    return Names::subdomain;
  }

  /** Whether a PUT to a name that does not exist creates it. */
  boolean createsOnUpdate() {
    return false;
  }

  /** Whether a PUT without a resource version overwrites whatever is there. */
  boolean updatesUnconditionally() {
    return true;
  }

  /** Whether the object is of the kind at all; nothing else is looked at if it is not. */
  void validateType(ObjectNode object, FieldErrors errors) {}

  /** Fills in what the client left out. Called on every decoded object. */
  void defaults(ObjectNode object) {}

  /** Clears and sets what the client has no say in. */
  void prepareForCreate(ObjectNode object) {}

  void validate(ObjectNode object, FieldErrors errors) {}

  /** The same for an update of the object itself. */
  void prepareForUpdate(ObjectNode object, ObjectNode old) {}

  void validateUpdate(ObjectNode object, ObjectNode old, FieldErrors errors) {
    validate(object, errors);
  }

  /** The same for an update through {@code /status}. */
  void prepareForStatusUpdate(ObjectNode object, ObjectNode old) {
    for (String name : List.copyOf(object.propertyNames())) {
      if (!name.equals("status") && !name.equals("metadata") && !old.has(name)) {
        object.remove(name);
      }
    }
    for (String name : old.propertyNames()) {
      if (!name.equals("status") && !name.equals("metadata")) {
        Meta.copyField(old, object, name);
      }
    }
  }

  void validateStatusUpdate(ObjectNode object, ObjectNode old, FieldErrors errors) {}

  /** Remarks for a {@code Warning} header. */
  List<String> warnings(ObjectNode object) {
    return List.of();
  }

  /**
   * For how long an object lives on after its deletion was asked for.
   *
   * @param asked what the client asked for; null for nothing
   * @return seconds; null if objects of this kind go at once
   */
  @Nullable Long gracePeriod(ObjectNode object, @Nullable Long asked) {
    return null;
  }

  /**
   * Refuses a deletion that is never allowed.
   *
   * @throws StatusException 403
   */
  void refuseDeletion(ObjectNode object) {}

  /** Whether a DELETE answers with the object that is gone, not with a Status. */
  boolean returnsDeleted() {
    return false;
  }

  /** The values that field selectors may ask for, beside {@code metadata.name} and namespace. */
  Map<String, String> fields(ObjectNode object) {
    return Map.of();
  }

  /** Whether a field selector may name {@code field}. */
  boolean knowsField(String field) {
    return false;
  }

  /** What is said when a field selector names a field that it may not. */
  String unknownField(String field) {
    return Go.quote(field)
        + " is not a known field selector: only \"metadata.name\", \"metadata.namespace\"";
  }

  /** The columns of a table, after the name. */
  Tables.Layout table() {
    return Tables.Layout.PLAIN;
  }

  // --- for the strategies ------------------------------------------------------------------------

  /** Sets a field unless it is there. */
  static void defaultTo(ObjectNode object, String name, String value) {
    if (!object.has(name) || object.get(name).isNull()) {
      object.put(name, value);
    }
  }

  static void defaultTo(ObjectNode object, String name, long value) {
    if (!object.has(name) || object.get(name).isNull()) {
      object.put(name, value);
    }
  }

  static void defaultTo(ObjectNode object, String name, boolean value) {
    if (!object.has(name) || object.get(name).isNull()) {
      object.put(name, value);
    }
  }
}
