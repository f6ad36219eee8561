package dev.sluice.kube.internal.controller;

import dev.sluice.kube.ChangeFilter;
import dev.sluice.kube.ObjectKey;
import dev.sluice.kube.Resource;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What a controller last took notice of, of each object, as far as a filter says that it counts.
 * Owned by one thread.
 */
final class Notice {
  private final ChangeFilter filter;
  private final Map<ObjectKey, Object> taken = new HashMap<>();

  Notice(ChangeFilter filter) {
    this.filter = filter;
  }

  /**
   * Whether this state differs from the last one in what counts; if so, it is the last one now.
   *
   * @param object the present state; null if it is gone
   */
  boolean isDue(ObjectKey key, @Nullable Resource object) {
    if (filter == ChangeFilter.everything()) {
      return true;
    }
    if (object == null) {
      taken.remove(key);
      return true;
    }
    Object now;
    try {
      now =
          object.deleting()
              ? List.of(object.uid(), object.resourceVersion())
              : List.of(object.uid(), filter.counts(object));
    } catch (RuntimeException e) {
      taken.remove(key);
      return true;
    }
    return !now.equals(taken.put(key, now));
  }
}
