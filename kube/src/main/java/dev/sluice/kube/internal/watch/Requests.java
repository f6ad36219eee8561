package dev.sluice.kube.internal.watch;

import dev.sluice.kube.ObjectKey;
import dev.sluice.kube.Transport.Request;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;

/** The requests that a stream sends. */
final class Requests {
  private static final String JSON = "application/json";
  private static final String PARTIAL = ";g=meta.k8s.io;v=v1";
  private static final String METADATA_LIST = JSON + ";as=PartialObjectMetadataList" + PARTIAL;
  private static final String METADATA = JSON + ";as=PartialObjectMetadata" + PARTIAL;

  private final StreamOptions options;

  Requests(StreamOptions options) {
    this.options = options;
  }

  /** One page of a consistent list; all of it if {@code whole}. */
  Request page(String token, boolean whole) {
    Query query = selected();
    if (!whole) {
      query.add("limit", Integer.toString(options.pageSize()));
    }
    if (!token.isEmpty()) {
      query.add("continue", token);
    }
    return get(query, options.metadataOnly() ? METADATA_LIST : JSON);
  }

  /** A list of one object, for its version's sake. */
  Request probe() {
    // Some aggregated servers know only plain JSON.
    return get(new Query().add("limit", "1"), METADATA_LIST + "," + JSON);
  }

  /** A namespace that every cluster has. */
  Request cluster() {
    return Request.get("/api/v1/namespaces/kube-system", METADATA + "," + JSON);
  }

  /** One page of a list of metadata, to compare with what is stored. */
  Request audit(String token) {
    Query query = selected().add("limit", Integer.toString(options.pageSize()));
    if (!token.isEmpty()) {
      query.add("continue", token);
    }
    return get(query, METADATA_LIST + "," + JSON);
  }

  /** A list of one object by its name, if it is there and selected. */
  Request selected(ObjectKey key) {
    Query query = new Query();
    if (!options.labelSelector().isEmpty()) {
      query.add("labelSelector", options.labelSelector());
    }
    query.add(
        "fieldSelector",
        (options.fieldSelector().isEmpty() ? "" : options.fieldSelector() + ",")
            + "metadata.name="
            + key.name());
    return Request.get(
        options.kind().path(key.namespace()) + query.toString(), METADATA_LIST + "," + JSON);
  }

  /** One object, all of it. */
  Request whole(ObjectKey key) {
    return Request.get(options.kind().path(key), JSON);
  }

  /** One object, only to learn whether it is there. */
  Request object(ObjectKey key) {
    return Request.get(options.kind().path(key), METADATA + "," + JSON);
  }

  /** A watch after a version; a streaming list if that is empty. */
  Request watch(String version, long timeoutSeconds) {
    Query query = selected().add("watch", "true").add("allowWatchBookmarks", "true");
    if (version.isEmpty()) {
      query.add("sendInitialEvents", "true").add("resourceVersionMatch", "NotOlderThan");
    } else {
      query.add("resourceVersion", version);
    }
    query.add("timeoutSeconds", Long.toString(timeoutSeconds));
    return get(query, options.metadataOnly() ? METADATA : JSON);
  }

  private Query selected() {
    Query query = new Query();
    if (!options.labelSelector().isEmpty()) {
      query.add("labelSelector", options.labelSelector());
    }
    if (!options.fieldSelector().isEmpty()) {
      query.add("fieldSelector", options.fieldSelector());
    }
    return query;
  }

  private Request get(Query query, String accept) {
    return Request.get(options.kind().path(options.namespace()) + query, accept);
  }

  private static final class Query {
    private final StringBuilder text = new StringBuilder();

    Query add(String name, String value) {
      text.append(text.isEmpty() ? '?' : '&')
          .append(name)
          .append('=')
          .append(URLEncoder.encode(value, StandardCharsets.UTF_8));
      return this;
    }

    @Override
    public String toString() {
      return text.toString();
    }
  }
}
