package dev.sluice.testkit.internal.api;

import org.jspecify.annotations.Nullable;

/**
 * The options of LIST, WATCH and deletecollection, checked as the server checks them.
 *
 * @param resourceVersion as given; empty for none
 * @param match {@code Exact}, {@code NotOlderThan} or empty
 * @param sendInitialEvents null if not given
 */
record ListOptions(
    boolean watch,
    String resourceVersion,
    String match,
    String continueToken,
    long limit,
    @Nullable Long timeoutSeconds,
    boolean bookmarks,
    @Nullable Boolean sendInitialEvents,
    Selectors.Labels labels,
    Selectors.Fields fields) {

  static ListOptions of(ApiRequest request, Resource resource, boolean watch) {
    Selectors.Labels labels;
    Selectors.Fields fields;
    Long limit = request.longParameter("limit");
    Long timeout = request.longParameter("timeoutSeconds");
    try {
      labels = Selectors.labels(request.parameter("labelSelector"));
      fields = Selectors.fields(request.parameter("fieldSelector"));
    } catch (Selectors.MalformedException e) {
      throw StatusException.badRequest(String.valueOf(e.getMessage()));
    }
    String version = request.parameter("resourceVersion");
    String match = request.parameter("resourceVersionMatch");
    Boolean initial = request.flag("sendInitialEvents");
    boolean legacy = version.isEmpty() || version.equals("0");
    if (initial == null && match.isEmpty() && watch && legacy) {
      initial = true;
      match = "NotOlderThan";
    }
    ListOptions options =
        new ListOptions(
            watch,
            version,
            match,
            request.parameter("continue"),
            limit == null ? 0 : limit,
            timeout,
            Boolean.TRUE.equals(request.flag("allowWatchBookmarks")),
            initial,
            labels,
            fields);
    options.validate();
    for (Selectors.FieldRequirement requirement : fields.requirements()) {
      String field = requirement.field();
      boolean common =
          field.equals("metadata.name")
              || (field.equals("metadata.namespace") && resource.namespaced())
              || (field.equals("metadata.namespace") && resource.custom());
      if (!common && !resource.strategy().knowsField(field)) {
        throw StatusException.badRequest(resource.strategy().unknownField(field));
      }
    }
    return options;
  }

  private void validate() {
    FieldErrors errors = new FieldErrors();
    if (watch) {
      if (sendInitialEvents != null && !match.equals("NotOlderThan")) {
        errors.forbidden(
            "resourceVersionMatch",
            "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan");
      }
      if (!match.isEmpty()) {
        if (sendInitialEvents == null) {
          errors.forbidden(
              "resourceVersionMatch",
              "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided");
        }
        if (!match.equals("NotOlderThan")) {
          errors.notSupported("resourceVersionMatch", match, java.util.List.of("NotOlderThan"));
        }
        if (!continueToken.isEmpty()) {
          errors.forbidden(
              "resourceVersionMatch",
              "resourceVersionMatch is forbidden when continue is provided");
        }
      }
    } else {
      if (!match.isEmpty()) {
        if (resourceVersion.isEmpty()) {
          errors.forbidden(
              "resourceVersionMatch",
              "resourceVersionMatch is forbidden unless resourceVersion is provided");
        }
        if (!continueToken.isEmpty()) {
          errors.forbidden(
              "resourceVersionMatch",
              "resourceVersionMatch is forbidden when continue is provided");
        }
        if (!match.equals("Exact") && !match.equals("NotOlderThan")) {
          errors.notSupported(
              "resourceVersionMatch", match, java.util.List.of("Exact", "NotOlderThan", ""));
        }
        if (match.equals("Exact") && resourceVersion.equals("0")) {
          errors.forbidden(
              "resourceVersionMatch",
              "resourceVersionMatch \"exact\" is forbidden for resourceVersion \"0\"");
        }
      }
      if (sendInitialEvents != null) {
        errors.forbidden("sendInitialEvents", "sendInitialEvents is forbidden for list");
      }
    }
    if (!errors.isEmpty()) {
      throw StatusException.invalid("meta.k8s.io", "ListOptions", "", errors);
    }
  }

  boolean selects(dev.sluice.testkit.internal.store.Version version) {
    return labels.matches(version.facts().labels()) && fields.matches(version.facts().fields());
  }

  boolean selectsEverything() {
    return labels.requirements().isEmpty() && fields.requirements().isEmpty();
  }

  /** What Go's parser says about a version that is no number. */
  static String notANumber(String version) {
    String why =
        version.chars().allMatch(c -> c >= '0' && c <= '9') && !version.isEmpty()
            ? "value out of range"
            : "invalid syntax";
    return "resourceVersion: Invalid value: %s: strconv.ParseUint: parsing %s: %s"
        .formatted(Go.quote(version), Go.quote(version), why);
  }

  /** The version as a number; 0 for none. */
  long version() throws NumberFormatException {
    if (resourceVersion.isEmpty()) {
      return 0;
    }
    if (!resourceVersion.chars().allMatch(c -> c >= '0' && c <= '9')) {
      throw new NumberFormatException(resourceVersion);
    }
    return Long.parseLong(resourceVersion);
  }
}
