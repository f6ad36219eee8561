package dev.sluice.kube.internal.watch;

import dev.sluice.kube.StopCause;

/** What a stream is doing. What each state means and what leaves it: {@link WatchMachine}. */
sealed interface State {

  /** Not started. */
  record Fresh() implements State {}

  /**
   * What was kept of an earlier run is in the store and is being handed over.
   *
   * @param anchor where the stream goes on
   */
  record Restoring(String anchor) implements State {}

  /**
   * Reading a list page by page.
   *
   * @param token where the next page begins; empty for the first
   * @param whole whether the list is asked for in one piece, because a continuation has expired
   * @param damaged how often in a row a list had objects that could not be decoded
   */
  record Listing(String token, boolean whole, int damaged) implements State {}

  /**
   * Reading a list as the beginning of a watch.
   *
   * @param opened whether the server has accepted the request
   * @param damaged as in {@link Listing}
   */
  record StreamingList(boolean opened, int damaged) implements State {}

  /**
   * The list is in the store; its differences are being handed over.
   *
   * @param version the version of the list
   * @param open whether the watch is open already, because the list came on it
   * @param blemished whether the list had objects that could not be decoded
   */
  record HandingOver(String version, boolean open, boolean blemished) implements State {}

  /**
   * Asking for the server's present version.
   *
   * @param resume what to do when it is not behind
   */
  record Probing(Next.Resume resume) implements State {}

  /**
   * Asked for a watch.
   *
   * @param position where it begins
   * @param refusals how often in a row it has been refused for no known reason
   */
  record Opening(Position position, int refusals) implements State {}

  /**
   * Reading events.
   *
   * @param position where the stream stands
   * @param refusals how often in a row it has ended for no known reason without a single event
   */
  record Watching(Position position, int refusals) implements State {}

  /**
   * An event is in the store but not handed over, because a gate is full.
   *
   * @param position where the stream stands, before the event
   * @param version the event's version
   * @param open whether the watch is kept open meanwhile
   */
  record Held(Position position, String version, boolean open) implements State {}

  /**
   * Waiting before the next attempt.
   *
   * @param next what comes then
   * @param cause why
   */
  record BackingOff(Next next, StopCause cause) implements State {}

  /** Closed by its owner. */
  record Closed() implements State {}

  /** What comes after a wait. */
  sealed interface Next {
    /**
     * A list from its beginning, in the usual way.
     *
     * @param damaged as in {@link Listing}
     */
    record Relist(int damaged) implements Next {}

    /**
     * A page of a list.
     *
     * @param token where it begins; empty for the first
     * @param whole whether to ask for all of the list at once
     * @param damaged as in {@link Listing}
     */
    record Page(String token, boolean whole, int damaged) implements Next {}

    /**
     * The watch, from the anchor.
     *
     * @param position where it stood
     * @param probe whether to ask first if the server is still the one it was
     * @param refusals as in {@link Watching}
     */
    record Resume(Position position, boolean probe, int refusals) implements Next {}
  }
}
