package dev.sluice.testkit;

import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Which requests are meant. Everything that is not asked for may be anything.
 *
 * <pre>{@code
 * RequestMatch.watch("pods").namespace("default")   // watches of pods in one namespace
 * RequestMatch.verb("patch").from(3).times(2)        // the third and the fourth PATCH from now on
 * }</pre>
 *
 * <p>Immutable.
 */
public final class RequestMatch {
  private static final RequestMatch ANY =
      new RequestMatch(null, null, null, null, null, null, null, 1, Long.MAX_VALUE);

  private final @Nullable String verb;
  private final @Nullable String resource;
  private final @Nullable String namespace;
  private final @Nullable String name;
  private final @Nullable String subresource;
  private final @Nullable String userAgent;
  private final @Nullable String user;
  private final long from;
  private final long times;

  private RequestMatch(
      @Nullable String verb,
      @Nullable String resource,
      @Nullable String namespace,
      @Nullable String name,
      @Nullable String subresource,
      @Nullable String userAgent,
      @Nullable String user,
      long from,
      long times) {
    this.verb = verb;
    this.resource = resource;
    this.namespace = namespace;
    this.name = name;
    this.subresource = subresource;
    this.userAgent = userAgent;
    this.user = user;
    this.from = from;
    this.times = times;
  }

  private static final Set<String> VERBS =
      Set.of(
          "get",
          "list",
          "watch",
          "create",
          "update",
          "patch",
          "delete",
          "deletecollection",
          "post",
          "put",
          "head",
          "options");

  /** Every request. */
  public static RequestMatch any() {
    return ANY;
  }

  /**
   * Requests of one verb.
   *
   * @param verb Kubernetes' word: {@code get}, {@code list}, {@code watch}, {@code create}, {@code
   *     update}, {@code patch}, {@code delete}, {@code deletecollection}; for paths that are no
   *     resource's the HTTP method in lower case
   * @throws IllegalArgumentException if there is no such verb
   */
  public static RequestMatch verb(String verb) {
    if (!VERBS.contains(verb)) {
      throw new IllegalArgumentException(
          "There is no verb '"
              + verb
              + "': expected get, list, watch, create, update, patch, delete, deletecollection, or,"
              + " for paths that are no resource's, post, put, head, options");
    }
    return new RequestMatch(verb, null, null, null, null, null, null, 1, Long.MAX_VALUE);
  }

  /** LISTs of a resource; see {@link #resource}. */
  public static RequestMatch list(String resource) {
    return verb("list").resource(resource);
  }

  /** WATCHes of a resource; see {@link #resource}. */
  public static RequestMatch watch(String resource) {
    return verb("watch").resource(resource);
  }

  /** Only requests for one resource, as {@code plural} (of any group) or {@code plural.group}. */
  public RequestMatch resource(String resource) {
    Objects.requireNonNull(resource, "resource");
    return new RequestMatch(
        verb, resource, namespace, name, subresource, userAgent, user, from, times);
  }

  /** Only requests in one namespace; the empty text for requests across all of them. */
  public RequestMatch namespace(String namespace) {
    Objects.requireNonNull(namespace, "namespace");
    return new RequestMatch(
        verb, resource, namespace, name, subresource, userAgent, user, from, times);
  }

  /** Only requests for one object. */
  public RequestMatch name(String name) {
    Objects.requireNonNull(name, "name");
    return new RequestMatch(
        verb, resource, namespace, name, subresource, userAgent, user, from, times);
  }

  /**
   * Only requests for a subresource, such as {@code status}; the empty text for the object itself.
   */
  public RequestMatch subresource(String subresource) {
    Objects.requireNonNull(subresource, "subresource");
    return new RequestMatch(
        verb, resource, namespace, name, subresource, userAgent, user, from, times);
  }

  /** Only requests whose {@code User-Agent} contains a text. */
  public RequestMatch userAgent(String part) {
    Objects.requireNonNull(part, "part");
    return new RequestMatch(verb, resource, namespace, name, subresource, part, user, from, times);
  }

  /** Only requests of one user. */
  public RequestMatch user(String user) {
    Objects.requireNonNull(user, "user");
    return new RequestMatch(
        verb, resource, namespace, name, subresource, userAgent, user, from, times);
  }

  /**
   * Only from the n-th request that is meant, counted from 1 when the fault is injected.
   *
   * @throws IllegalArgumentException if {@code n} is less than 1
   */
  public RequestMatch from(long n) {
    if (n < 1) {
      throw new IllegalArgumentException("Requests are counted from 1, not from " + n);
    }
    return new RequestMatch(
        verb, resource, namespace, name, subresource, userAgent, user, n, times);
  }

  /**
   * Only so many requests, then no more.
   *
   * @throws IllegalArgumentException if {@code count} is less than 1
   */
  public RequestMatch times(long count) {
    if (count < 1) {
      throw new IllegalArgumentException("A fault strikes at least once, not " + count + " times");
    }
    return new RequestMatch(
        verb, resource, namespace, name, subresource, userAgent, user, from, count);
  }

  /** Only the n-th request that is meant. */
  public RequestMatch nth(long n) {
    return from(n).times(1);
  }

  /** Whether a request is meant, whichever it is in their order. */
  public boolean matches(SeenRequest request) {
    return (verb == null || verb.equals(request.verb()))
        && (resource == null
            || resource.equals(request.resource())
            || resource.equals(request.qualifiedResource()))
        && (namespace == null || namespace.equals(request.namespace()))
        && (name == null || name.equals(request.name()))
        && (subresource == null || subresource.equals(request.subresource()))
        && (userAgent == null || request.userAgent().contains(userAgent))
        && (user == null || user.equals(request.user()));
  }

  /** Whether the n-th of the meant requests, counted from 1, is struck. */
  boolean strikes(long n) {
    return n >= from && n - from < times;
  }

  @Override
  public String toString() {
    StringBuilder text = new StringBuilder(verb == null ? "any request" : verb);
    append(text, "resource", resource);
    append(text, "namespace", namespace);
    append(text, "name", name);
    append(text, "subresource", subresource);
    append(text, "user agent", userAgent);
    append(text, "user", user);
    if (from > 1) {
      text.append(", from the ").append(from).append(". on");
    }
    if (times != Long.MAX_VALUE) {
      text.append(", ").append(times).append(times == 1 ? " time" : " times");
    }
    return text.toString();
  }

  private static void append(StringBuilder text, String what, @Nullable String value) {
    if (value != null) {
      text.append(", ").append(what).append(" '").append(value).append('\'');
    }
  }
}
