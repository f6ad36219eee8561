package dev.sluice.kube.internal.discovery;

import dev.sluice.kube.ResourceKind;
import java.util.List;
import java.util.Set;

/**
 * A kind and the words it goes by.
 *
 * @param kind the kind
 * @param singular its singular name; may be empty
 * @param shortNames its short names
 * @param verbs what can be done with it
 */
public record KnownKind(
    ResourceKind kind, String singular, List<String> shortNames, Set<String> verbs) {

  /** Whether it can be listed and watched. */
  public boolean watchable() {
    return verbs.contains("list") && verbs.contains("watch");
  }
}
