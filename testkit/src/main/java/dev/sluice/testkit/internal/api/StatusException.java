package dev.sluice.testkit.internal.api;

import dev.sluice.testkit.internal.json.Json;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** A refusal, as the {@code Status} object that the client gets. */
public final class StatusException extends RuntimeException {
  private static final long serialVersionUID = 1;

  private final int code;
  private final String reason;
  private final transient @Nullable Details details;
  private final transient String continueToken;

  /**
   * What a Status says beyond its message. Empty strings, zero and null are left out.
   *
   * @param name the object's name
   * @param group its group
   * @param kind its kind, or the resource, as the server does it
   * @param uid its uid
   * @param causes the single faults; null for none
   * @param retryAfterSeconds when to come back
   */
  public record Details(
      String name,
      String group,
      String kind,
      String uid,
      @Nullable List<Cause> causes,
      int retryAfterSeconds) {
    static Details of(String name, String group, String kind) {
      return new Details(name, group, kind, "", null, 0);
    }
  }

  /** One fault. */
  public record Cause(String reason, String message, String field) {}

  public StatusException(int code, String reason, String message, @Nullable Details details) {
    this(code, reason, message, details, "");
  }

  private StatusException(
      int code, String reason, String message, @Nullable Details details, String continueToken) {
    super(message, null, false, false);
    this.code = code;
    this.reason = reason;
    this.details = details;
    this.continueToken = continueToken;
  }

  public int code() {
    return code;
  }

  public String reason() {
    return reason;
  }

  public int retryAfterSeconds() {
    return details == null ? 0 : details.retryAfterSeconds();
  }

  /** The Status object. */
  public ObjectNode status() {
    return status(code, reason, String.valueOf(getMessage()), details, continueToken);
  }

  private static ObjectNode status(
      int code, String reason, String message, @Nullable Details details, String continueToken) {
    ObjectNode status = Json.object();
    status.put("kind", "Status");
    status.put("apiVersion", "v1");
    ObjectNode metadata = status.putObject("metadata");
    if (!continueToken.isEmpty()) {
      metadata.put("continue", continueToken);
    }
    status.put("status", "Failure");
    if (!message.isEmpty()) {
      status.put("message", message);
    }
    if (!reason.isEmpty()) {
      status.put("reason", reason);
    }
    if (details != null) {
      putDetails(status, details);
    }
    status.put("code", code);
    return status;
  }

  private static void putDetails(ObjectNode status, Details details) {
    ObjectNode node = status.putObject("details");
    putUnlessEmpty(node, "name", details.name());
    putUnlessEmpty(node, "group", details.group());
    putUnlessEmpty(node, "kind", details.kind());
    putUnlessEmpty(node, "uid", details.uid());
    List<Cause> causes = details.causes();
    if (causes != null && !causes.isEmpty()) {
      ArrayNode array = node.putArray("causes");
      for (Cause cause : causes) {
        ObjectNode one = array.addObject();
        putUnlessEmpty(one, "reason", cause.reason());
        putUnlessEmpty(one, "message", cause.message());
        putUnlessEmpty(one, "field", cause.field());
      }
    }
    if (details.retryAfterSeconds() != 0) {
      node.put("retryAfterSeconds", details.retryAfterSeconds());
    }
  }

  private static void putUnlessEmpty(ObjectNode node, String name, String value) {
    if (!value.isEmpty()) {
      node.put(name, value);
    }
  }

  // --- the statuses there are, by the names of apimachinery's constructors ----------------------

  private static String qualified(String group, String resource) {
    return group.isEmpty() ? resource : resource + "." + group;
  }

  static StatusException notFound(String group, String resource, String name) {
    return new StatusException(
        404,
        "NotFound",
        "%s %s not found".formatted(qualified(group, resource), Go.quote(name)),
        Details.of(name, group, resource));
  }

  /** What an unknown version or resource of a known group gives. */
  static StatusException noSuchResource() {
    return new StatusException(
        404,
        "NotFound",
        "the server could not find the requested resource",
        new Details("", "", "", "", null, 0));
  }

  static StatusException alreadyExists(String group, String resource, String name) {
    return new StatusException(
        409,
        "AlreadyExists",
        "%s %s already exists".formatted(qualified(group, resource), Go.quote(name)),
        Details.of(name, group, resource));
  }

  static StatusException beingDeleted(String group, String resource, String name) {
    return new StatusException(
        409,
        "AlreadyExists",
        "object is being deleted: %s %s already exists"
            .formatted(qualified(group, resource), Go.quote(name)),
        Details.of(name, group, resource));
  }

  static StatusException conflict(String group, String resource, String name, String why) {
    return new StatusException(
        409,
        "Conflict",
        "Operation cannot be fulfilled on %s %s: %s"
            .formatted(qualified(group, resource), Go.quote(name), why),
        Details.of(name, group, resource));
  }

  static StatusException staleVersion(String group, String resource, String name) {
    return conflict(
        group,
        resource,
        name,
        "the object has been modified; please apply your changes to the latest version and try"
            + " again");
  }

  static StatusException badRequest(String message) {
    return new StatusException(400, "BadRequest", message, null);
  }

  static StatusException forbidden(String group, String resource, String name, String why) {
    String message =
        name.isEmpty()
            ? "%s is forbidden: %s".formatted(qualified(group, resource), why)
            : "%s %s is forbidden: %s".formatted(qualified(group, resource), Go.quote(name), why);
    return new StatusException(403, "Forbidden", message, Details.of(name, group, resource));
  }

  /** 403 with a cause, as for what is created in a namespace that ends. */
  static StatusException forbidden(
      String group, String resource, String name, String why, Cause cause) {
    StatusException plain = forbidden(group, resource, name, why);
    return new StatusException(
        403,
        "Forbidden",
        String.valueOf(plain.getMessage()),
        new Details(name, group, resource, "", List.of(cause), 0));
  }

  static StatusException invalid(String group, String kind, String name, FieldErrors errors) {
    List<Cause> causes = new ArrayList<>();
    for (FieldErrors.FieldError error : errors.all()) {
      causes.add(new Cause(error.type().reason(), error.body(), error.field()));
    }
    return new StatusException(
        422,
        "Invalid",
        "%s %s is invalid: %s".formatted(qualified(group, kind), Go.quote(name), errors.message()),
        new Details(name, group, kind, "", causes, 0));
  }

  static StatusException methodNotAllowed(String group, String resource, String action) {
    return new StatusException(
        405,
        "MethodNotAllowed",
        "%s is not supported on resources of kind %s"
            .formatted(action, Go.quote(qualified(group, resource))),
        Details.of("", group, resource));
  }

  /** What the router says to a method that no handler is registered for. */
  static StatusException methodNotRegistered() {
    return new StatusException(
        405,
        "MethodNotAllowed",
        "the server does not allow this method on the requested resource",
        new Details("", "", "", "", null, 0));
  }

  static StatusException expired(String message) {
    return new StatusException(410, "Expired", message, null);
  }

  static StatusException expired(String message, String continueToken) {
    return new StatusException(410, "Expired", message, null, continueToken);
  }

  static StatusException tooLargeResourceVersion(long asked, long present) {
    return new StatusException(
        504,
        "Timeout",
        "Timeout: Too large resource version: %d, current: %d".formatted(asked, present),
        new Details(
            "",
            "",
            "",
            "",
            List.of(new Cause("ResourceVersionTooLarge", "Too large resource version", "")),
            1));
  }

  static StatusException internal(String message) {
    return new StatusException(
        500,
        "InternalError",
        "Internal error occurred: " + message,
        new Details("", "", "", "", List.of(new Cause("", message, "")), 0));
  }

  /** 500 with nothing but a message. */
  static StatusException bare500(String message) {
    return new StatusException(500, "", message, null);
  }

  static StatusException entityTooLarge(String message) {
    return new StatusException(
        413, "RequestEntityTooLarge", "Request entity too large: " + message, null);
  }

  static StatusException unsupportedMediaType(List<String> accepted) {
    return new StatusException(
        415,
        "UnsupportedMediaType",
        "the body of the request was in an unknown format - accepted media types include: "
            + String.join(", ", accepted),
        null);
  }

  static StatusException notAcceptable(String why) {
    return new StatusException(406, "NotAcceptable", why, null);
  }

  static StatusException notAcceptable(List<String> accepted) {
    return new StatusException(
        406,
        "NotAcceptable",
        "only the following media types are accepted: " + String.join(", ", accepted),
        null);
  }

  static StatusException unauthorized() {
    return new StatusException(401, "Unauthorized", "Unauthorized", null);
  }
}
