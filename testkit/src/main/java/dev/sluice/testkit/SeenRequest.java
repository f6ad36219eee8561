package dev.sluice.testkit;

import java.time.Instant;

/**
 * A request that has reached the server.
 *
 * @param at when its head had arrived, by the server's clock
 * @param method the HTTP method
 * @param path the path without the query
 * @param query the raw query; empty for none
 * @param verb Kubernetes' verb; see {@link RequestMatch#verb}
 * @param group the API group; empty for the core and for paths that are no resource's
 * @param resource the plural; empty if the path is no resource's
 * @param namespace empty for none
 * @param name empty for a collection
 * @param subresource empty for the object itself
 * @param user the user's name
 * @param userAgent the {@code User-Agent} header; empty for none
 * @param protocol {@code HTTP/1.1} or {@code HTTP/2.0}
 */
public record SeenRequest(
    Instant at,
    String method,
    String path,
    String query,
    String verb,
    String group,
    String resource,
    String namespace,
    String name,
    String subresource,
    String user,
    String userAgent,
    String protocol) {

  /** {@code plural.group}, or the plural alone for the core. */
  public String qualifiedResource() {
    return group.isEmpty() ? resource : resource + "." + group;
  }
}
