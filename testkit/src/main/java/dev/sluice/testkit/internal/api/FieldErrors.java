package dev.sluice.testkit.internal.api;

import dev.sluice.testkit.internal.json.Json;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/** The faults found in one object, in the order in which they were found. Owned by one thread. */
public final class FieldErrors {
  private final List<FieldError> errors = new ArrayList<>();

  /** The kinds of fault. */
  public enum Type {
    NOT_FOUND("FieldValueNotFound", "Not found"),
    REQUIRED("FieldValueRequired", "Required value"),
    DUPLICATE("FieldValueDuplicate", "Duplicate value"),
    INVALID("FieldValueInvalid", "Invalid value"),
    NOT_SUPPORTED("FieldValueNotSupported", "Unsupported value"),
    FORBIDDEN("FieldValueForbidden", "Forbidden"),
    TOO_LONG("FieldValueTooLong", "Too long"),
    TOO_MANY("FieldValueTooMany", "Too many"),
    TYPE_INVALID("FieldValueTypeInvalid", "Invalid value");

    private final String reason;
    private final String title;

    Type(String reason, String title) {
      this.reason = reason;
      this.title = title;
    }

    String reason() {
      return reason;
    }
  }

  /**
   * One fault.
   *
   * @param body what is said about it, without the field
   */
  public record FieldError(Type type, String field, String body) {
    String text() {
      return field + ": " + body;
    }
  }

  public List<FieldError> all() {
    return errors;
  }

  public boolean isEmpty() {
    return errors.isEmpty();
  }

  public void addAll(FieldErrors others) {
    errors.addAll(others.errors);
  }

  /** All faults in one line, each once. */
  String message() {
    Set<String> texts = new LinkedHashSet<>();
    for (FieldError error : errors) {
      texts.add(error.text());
    }
    return texts.size() == 1
        ? texts.iterator().next()
        : texts.stream().collect(Collectors.joining(", ", "[", "]"));
  }

  private FieldErrors add(Type type, String field, @Nullable String value, String detail) {
    String body = type.title;
    if (value != null) {
      body += ": " + value;
    }
    if (!detail.isEmpty()) {
      body += ": " + detail;
    }
    errors.add(new FieldError(type, field, body));
    return this;
  }

  public FieldErrors invalid(String field, @Nullable JsonNode value, String detail) {
    return add(Type.INVALID, field, Go.value(value), detail);
  }

  public FieldErrors invalid(String field, String value, String detail) {
    return add(Type.INVALID, field, Go.quote(value), detail);
  }

  /** With the value as it is to stand in the message. */
  public FieldErrors invalidRaw(String field, String shown, String detail) {
    return add(Type.INVALID, field, shown, detail);
  }

  public FieldErrors typeInvalid(String field, String shown, String detail) {
    return add(Type.TYPE_INVALID, field, shown, detail);
  }

  public FieldErrors required(String field, String detail) {
    return add(Type.REQUIRED, field, null, detail);
  }

  public FieldErrors forbidden(String field, String detail) {
    return add(Type.FORBIDDEN, field, null, detail);
  }

  public FieldErrors duplicate(String field, @Nullable JsonNode value) {
    return add(Type.DUPLICATE, field, Go.value(value), "");
  }

  public FieldErrors notFound(String field, @Nullable JsonNode value) {
    return add(Type.NOT_FOUND, field, Go.value(value), "");
  }

  public FieldErrors notSupported(String field, @Nullable JsonNode value, List<String> supported) {
    return add(
        Type.NOT_SUPPORTED,
        field,
        Go.value(value),
        supported.isEmpty()
            ? ""
            : "supported values: "
                + supported.stream().map(Go::quote).collect(Collectors.joining(", ")));
  }

  public FieldErrors notSupported(String field, String value, List<String> supported) {
    return notSupported(field, Json.string(value), supported);
  }

  public FieldErrors tooLong(String field, int bytes) {
    return add(Type.TOO_LONG, field, null, "may not be more than " + bytes + " bytes");
  }

  public FieldErrors tooMany(String field, int actual, int most) {
    return add(
        Type.TOO_MANY,
        field,
        Integer.toString(actual),
        "must have at most " + most + (most == 1 ? " item" : " items"));
  }
}
