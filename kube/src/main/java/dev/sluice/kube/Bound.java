package dev.sluice.kube;

import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Merge patches that the server takes only for the very state that they were made for. */
final class Bound {
  private Bound() {}

  /** A patch of one member beside metadata. */
  static Map<String, @Nullable Object> to(Resource state, String member, @Nullable Object value) {
    Map<String, @Nullable Object> patch = new LinkedHashMap<>();
    patch.put("metadata", metadata(state));
    patch.put(member, value);
    return patch;
  }

  /** What binds a patch: uid and version. */
  static Map<String, @Nullable Object> metadata(Resource state) {
    Map<String, @Nullable Object> metadata = new LinkedHashMap<>();
    if (!state.uid().isEmpty()) {
      metadata.put("uid", state.uid());
    }
    metadata.put("resourceVersion", state.resourceVersion());
    return metadata;
  }
}
