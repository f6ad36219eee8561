package dev.sluice.kube.internal.discovery;

import dev.sluice.kube.ResourceKind;
import dev.sluice.kube.ServerException;
import dev.sluice.kube.Transport;
import dev.sluice.kube.internal.json.JsonValue;
import dev.sluice.kube.internal.json.MalformedJsonException;
import dev.sluice.kube.internal.transport.ServerStatus;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * All kinds of a server, the preferred version of each group first, in the server's order of
 * groups.
 *
 * @param kinds the kinds
 * @param unanswered groups and versions that did not answer, as those of an aggregated server that
 *     is away
 */
public record Catalogue(List<KnownKind> kinds, List<String> unanswered) {
  private static final int LONGEST = 64 << 20;
  private static final String AGGREGATED =
      "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,"
          + "application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,"
          + "application/json";

  /**
   * Asks a server.
   *
   * @throws ServerException if the server refuses
   * @throws IOException if it cannot be reached, or what it answers is no discovery document
   */
  public static Catalogue read(Transport transport) throws IOException, InterruptedException {
    Catalogue catalogue = new Catalogue(new ArrayList<>(), new ArrayList<>());
    JsonValue core = get(transport, "/api", AGGREGATED);
    if (!catalogue.aggregated(core)) {
      for (JsonValue version : core.get("versions").elements()) {
        catalogue.version(transport, "", version.text());
      }
    }
    JsonValue groups = get(transport, "/apis", AGGREGATED);
    if (!catalogue.aggregated(groups)) {
      for (JsonValue group : groups.get("groups").elements()) {
        catalogue.group(transport, group);
      }
    }
    return catalogue;
  }

  private boolean aggregated(JsonValue document) {
    if (!document.get("kind").text().equals("APIGroupDiscoveryList")) {
      return false;
    }
    for (JsonValue group : document.get("items").elements()) {
      String name = group.get("metadata").get("name").text();
      for (JsonValue version : group.get("versions").elements()) {
        if (version.get("freshness").text().equals("Stale")) {
          unanswered.add(groupVersion(name, version.get("version").text()));
        }
        for (JsonValue resource : version.get("resources").elements()) {
          add(
              name,
              version.get("version").text(),
              resource.get("resource").text(),
              resource.get("responseKind").get("kind").text(),
              resource.get("singularResource").text(),
              resource.get("scope").text().equals("Namespaced"),
              resource);
        }
      }
    }
    return true;
  }

  private void group(Transport transport, JsonValue group) throws InterruptedException {
    String name = group.get("name").text();
    String preferred = group.get("preferredVersion").get("version").text();
    if (!preferred.isEmpty()) {
      version(transport, name, preferred);
    }
    for (JsonValue version : group.get("versions").elements()) {
      String other = version.get("version").text();
      if (!other.equals(preferred)) {
        version(transport, name, other);
      }
    }
  }

  private void version(Transport transport, String group, String version)
      throws InterruptedException {
    String path = group.isEmpty() ? "/api/" + version : "/apis/" + group + "/" + version;
    JsonValue document;
    try {
      document = get(transport, path, "application/json");
    } catch (IOException e) {
      unanswered.add(groupVersion(group, version));
      return;
    }
    for (JsonValue resource : document.get("resources").elements()) {
      add(
          group,
          version,
          resource.get("name").text(),
          resource.get("kind").text(),
          resource.get("singularName").text(),
          resource.get("namespaced").isTrue(),
          resource);
    }
  }

  private void add(
      String group,
      String version,
      String plural,
      String kind,
      String singular,
      boolean namespaced,
      JsonValue resource) {
    if (plural.contains("/") || kind.isEmpty()) {
      return; // a subresource
    }
    List<String> shortNames = new ArrayList<>();
    resource.get("shortNames").elements().forEach(name -> shortNames.add(name.text()));
    Set<String> verbs = new HashSet<>();
    resource.get("verbs").elements().forEach(verb -> verbs.add(verb.text()));
    try {
      kinds.add(
          new KnownKind(
              new ResourceKind(group, version, plural, kind, namespaced),
              singular,
              List.copyOf(shortNames),
              Set.copyOf(verbs)));
    } catch (IllegalArgumentException e) {
      unanswered.add(groupVersion(group, version) + " (" + e.getMessage() + ")");
    }
  }

  private static String groupVersion(String group, String version) {
    return group.isEmpty() ? version : group + "/" + version;
  }

  private static JsonValue get(Transport transport, String path, String accept)
      throws IOException, InterruptedException {
    try (Transport.Response response = transport.send(Transport.Request.get(path, accept))) {
      if (response.status() != 200) {
        ServerStatus status = ServerStatus.read(response.status(), response.body());
        throw new ServerException("GET " + path, status.code(), status.reason(), status.message());
      }
      return JsonValue.parse(response.body().readNBytes(LONGEST));
    } catch (MalformedJsonException e) {
      throw new IOException(
          "GET "
              + path
              + ": no discovery document; is this a Kubernetes API server? "
              + e.getMessage(),
          e);
    }
  }
}
