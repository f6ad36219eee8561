package dev.sluice.kube.internal.store;

import org.jspecify.annotations.Nullable;

/**
 * One life of a name: what a uid stands for. All states of one object share one of these; gates
 * carry it instead of the object.
 *
 * <p>When the object is gone, its {@link Tombstone} is laid here, so that a consumer that is told
 * of the deletion later can still be shown the last state, and it is kept exactly as long as
 * somebody has to be told. Compared by uid.
 */
public final class Incarnation {
  private final String uid;
  private volatile @Nullable Tombstone tombstone;

  /** A new life. */
  public Incarnation(String uid) {
    this.uid = uid;
  }

  /**
   * What is left of an object.
   *
   * @param last its last known state
   * @param resourceVersion the version of its deletion, or of the list that it was missing from
   */
  public record Tombstone(Entry last, String resourceVersion) {}

  /** The uid; empty if the server gives none. */
  public String uid() {
    return uid;
  }

  /** What is left; null while it lives. */
  public @Nullable Tombstone tombstone() {
    return tombstone;
  }

  void bury(Entry last, String resourceVersion) {
    tombstone = new Tombstone(last, resourceVersion);
  }

  @Override
  public boolean equals(@Nullable Object other) {
    return other instanceof Incarnation that && uid.equals(that.uid);
  }

  @Override
  public int hashCode() {
    return uid.hashCode();
  }

  @Override
  public String toString() {
    return uid;
  }
}
