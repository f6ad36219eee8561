package dev.sluice.testkit;

import dev.sluice.testkit.internal.store.Store;

/** Everything a server held at one moment. Immutable; belongs to the server that made it. */
public final class Snapshot {
  private final Store.Snapshot content;
  private final ApiServer server;

  Snapshot(Store.Snapshot content, ApiServer server) {
    this.content = content;
    this.server = server;
  }

  Store.Snapshot content(ApiServer by) {
    if (by != server) {
      throw new IllegalArgumentException("This snapshot was taken of another server");
    }
    return content;
  }

  /** The newest resource version at that moment. */
  public String resourceVersion() {
    return Long.toString(content.revision());
  }
}
