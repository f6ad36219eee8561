package dev.sluice.kube.internal.controller;

import dev.sluice.kube.ObjectKey;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/**
 * The versions that reconciles themselves wrote and the stream has not yet delivered. Safe for use
 * by any number of threads.
 *
 * <p>Such a write was bound to the version that its reconcile had decided on: up to it there is
 * nothing that the reconcile does not know. So when the stream delivers just that version, there is
 * nothing to reconcile. Versions are only ever compared for being equal.
 */
final class OwnWrites {
  /** More than a reconcile writes of its own object before the stream brings the first of them. */
  private static final int KEPT = 8;

  private final Map<ObjectKey, List<String>> versions = new ConcurrentHashMap<>();

  /** A reconcile has written its object. */
  void wrote(ObjectKey key, String version) {
    versions.compute(
        key,
        (same, before) -> {
          List<String> own = before == null ? new ArrayList<>() : new ArrayList<>(before);
          own.add(version);
          return own.size() > KEPT ? new ArrayList<>(own.subList(1, own.size())) : own;
        });
  }

  /**
   * Whether a state that was delivered is a reconcile's own; then it and those before it are
   * forgotten.
   *
   * @param version of the state; {@link Runs#FOREIGN} if the object is gone
   */
  boolean explains(ObjectKey key, String version) {
    if (version.equals(Runs.FOREIGN)) {
      versions.remove(key);
      return false;
    }
    List<String> own = versions.get(key);
    int place = own == null ? -1 : own.indexOf(version);
    if (own == null || place < 0) {
      return false;
    }
    versions.computeIfPresent(
        key,
        (same, present) -> {
          int last = present.indexOf(version);
          return last + 1 >= present.size()
              ? null
              : new ArrayList<>(present.subList(last + 1, present.size()));
        });
    return true;
  }
}
