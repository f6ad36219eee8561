package dev.sluice.testkit;

import java.time.Duration;
import java.time.Instant;
import java.util.List;

/**
 * What has reached the server: for asserting how often a client asks, and for what. Safe for any
 * thread.
 *
 * <p>Counts are exact. Of the requests themselves the last 10,000 are kept.
 */
public interface Requests {

  /** How many requests there were since the server started or was reset. */
  long count();

  /**
   * How many of the kept requests are meant; {@link RequestMatch#from} and {@link
   * RequestMatch#times} are not looked at.
   */
  long count(RequestMatch match);

  /** How many of the kept requests are meant and came at or after a time. */
  long countSince(Instant since, RequestMatch match);

  /** The largest number of the kept requests that were meant and came within any such window. */
  long most(Duration window, RequestMatch match);

  /** How many requests there were for a verb and a resource ({@code plural.group}), exactly. */
  long count(String verb, String qualifiedResource);

  /** The requests that are kept and meant, the oldest first. */
  List<SeenRequest> list(RequestMatch match);

  /** How many watches are open. */
  int openWatches();

  /** How many connections are open. */
  int connections();

  /** Forgets everything seen so far. */
  void clear();
}
