package dev.sluice.testkit;

import dev.sluice.testkit.internal.api.Access;
import dev.sluice.testkit.internal.api.ApiRequest;
import dev.sluice.testkit.internal.api.StatusException;
import dev.sluice.testkit.internal.http.Authentication;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/** Tokens, and who may do what. Safe for any thread. */
final class Users implements Access, Authentication {
  static final String ANONYMOUS = "system:anonymous";

  private static final List<String> OPEN_PATHS =
      List.of("/healthz", "/livez", "/readyz", "/version", "/version/");

  private final Map<String, String> tokens = new ConcurrentHashMap<>();
  private final Map<String, List<Rule>> rules = new ConcurrentHashMap<>();
  private final boolean anonymousMayAll;

  Users(boolean anonymousMayAll) {
    this.anonymousMayAll = anonymousMayAll;
  }

  void add(String name, String token, List<Rule> allowed) {
    tokens.put(token, name);
    rules.put(name, List.copyOf(allowed));
  }

  @Override
  public @Nullable String user(@Nullable String token) {
    if (token == null || token.isEmpty()) {
      return ANONYMOUS;
    }
    return tokens.get(token);
  }

  @Override
  public void authorize(ApiRequest request) {
    String user = request.user();
    if (user.equals(ANONYMOUS) && anonymousMayAll) {
      return;
    }
    List<Rule> allowed = rules.getOrDefault(user, List.of());
    ApiRequest.Target target = request.target();
    if (!target.isResource()) {
      String path = request.path();
      boolean open = OPEN_PATHS.contains(path);
      if (!open && user.equals(ANONYMOUS)) {
        throw new StatusException(
            403,
            "Forbidden",
            "forbidden: User \"%s\" cannot %s path \"%s\"".formatted(user, verb(request), path),
            new StatusException.Details("", "", "", "", null, 0));
      }
      return;
    }
    for (Rule rule : allowed) {
      if (rule.allows(
          target.verb(),
          target.group(),
          target.resource(),
          target.subresource(),
          target.namespace())) {
        return;
      }
    }
    throw refused(user, target);
  }

  private static String verb(ApiRequest request) {
    return request.target().verb();
  }

  private static StatusException refused(String user, ApiRequest.Target target) {
    String resource =
        target.group().isEmpty() ? target.resource() : target.resource() + "." + target.group();
    String asked =
        target.subresource().isEmpty()
            ? target.resource()
            : target.resource() + "/" + target.subresource();
    String where =
        target.namespace().isEmpty()
            ? "at the cluster scope"
            : "in the namespace \"" + target.namespace() + "\"";
    String message =
        "%s%s is forbidden: User \"%s\" cannot %s resource \"%s\" in API group \"%s\" %s"
            .formatted(
                resource,
                target.name().isEmpty() ? "" : " \"" + target.name() + "\"",
                user,
                target.verb(),
                asked,
                target.group(),
                where);
    return new StatusException(
        403,
        "Forbidden",
        message,
        new StatusException.Details(target.name(), target.group(), target.resource(), "", null, 0));
  }
}
