package dev.sluice.kube.internal.watch;

import dev.sluice.kube.internal.store.Versions;
import org.jspecify.annotations.Nullable;

/**
 * Where a stream stands.
 *
 * <p>Normally {@code anchor} and {@code reached} are the same. An event that cannot be decoded was
 * not handed over, so from there on the anchor stays where it is ({@code frozen}) while the stream
 * goes on. When the stream is next opened, at the anchor, the server sends that event a second
 * time: damage done on the way is mended by that. If something cannot be decoded the second time
 * either, before {@code again}, the version that had been reached, the objects are listed. If even
 * the list has what cannot be decoded, the object itself is like that ({@code blemished}), and such
 * events are passed over: they are counted and shown, and there is nothing else to be done.
 *
 * @param anchor the last version up to which every event was handed over
 * @param reached the last version seen
 * @param frozen whether an event was met that could not be handed over
 * @param again up to which version events come a second time; null if they do not
 * @param blemished whether the last list had what could not be decoded
 */
record Position(
    String anchor, String reached, boolean frozen, @Nullable String again, boolean blemished) {

  /** After a list. */
  static Position at(String version, boolean blemished) {
    return new Position(version, version, false, null, blemished);
  }

  /** An event was handed over, or a bookmark said that there was none up to here. */
  Position passed(String version) {
    boolean caughtUp = again != null && Versions.reaches(version, again);
    return new Position(
        frozen ? anchor : version, version, frozen, caughtUp ? null : again, blemished);
  }

  /** Whether an event that cannot be decoded now means that the objects must be listed. */
  boolean beyondRepeating() {
    return again != null && !blemished;
  }

  /** An event could not be decoded. */
  Position undecodable() {
    return blemished || frozen ? this : new Position(anchor, reached, true, null, false);
  }

  /** Where to open the stream again. */
  Position resumed() {
    return new Position(anchor, anchor, false, frozen ? reached : null, blemished);
  }
}
