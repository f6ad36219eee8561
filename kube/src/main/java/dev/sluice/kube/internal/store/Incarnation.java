package dev.sluice.kube.internal.store;

import dev.sluice.kube.internal.json.ObjectScanner;
import java.util.Objects;
import java.util.UUID;
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
  private static final int CANONICAL = 36;

  // A uid in the form that every server gives is 16 bytes; as a text it would be 80.
  private final long high;
  private final long low;
  private final @Nullable String other;
  private volatile @Nullable Tombstone tombstone;

  /** A new life. */
  public Incarnation(String uid) {
    if (isCanonical(uid)) {
      high = bits(uid, 0, 18);
      low = bits(uid, 18, CANONICAL);
      other = null;
    } else {
      high = 0;
      low = 0;
      other = uid;
    }
  }

  /** The life of the object that was scanned. */
  static Incarnation of(ObjectScanner object) {
    return object.isUidCanonical()
        ? new Incarnation(object.uidHigh(), object.uidLow())
        : new Incarnation(object.uid());
  }

  private Incarnation(long high, long low) {
    this.high = high;
    this.low = low;
    this.other = null;
  }

  private static boolean isCanonical(String uid) {
    if (uid.length() != CANONICAL) {
      return false;
    }
    for (int i = 0; i < CANONICAL; i++) {
      char c = uid.charAt(i);
      boolean dash = i == 8 || i == 13 || i == 18 || i == 23;
      if (dash ? c != '-' : !(c >= '0' && c <= '9' || c >= 'a' && c <= 'f')) {
        return false;
      }
    }
    return true;
  }

  private static long bits(String uid, int from, int to) {
    long bits = 0;
    for (int i = from; i < to; i++) {
      char c = uid.charAt(i);
      if (c != '-') {
        bits = bits << 4 | (c <= '9' ? c - '0' : c - 'a' + 10);
      }
    }
    return bits;
  }

  /** Whether this is the life of the object that was scanned. */
  boolean is(ObjectScanner object) {
    return object.isUidCanonical()
        ? other == null && high == object.uidHigh() && low == object.uidLow()
        : other != null && other.equals(object.uid());
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
    return other != null ? other : new UUID(high, low).toString();
  }

  /** What is left; null while it lives. */
  public @Nullable Tombstone tombstone() {
    return tombstone;
  }

  void bury(Entry last, String resourceVersion) {
    tombstone = new Tombstone(last, resourceVersion);
  }

  @Override
  public boolean equals(@Nullable Object object) {
    return object instanceof Incarnation that
        && high == that.high
        && low == that.low
        && Objects.equals(other, that.other);
  }

  @Override
  public int hashCode() {
    return other != null ? other.hashCode() : Long.hashCode(high ^ low);
  }

  @Override
  public String toString() {
    return uid();
  }
}
