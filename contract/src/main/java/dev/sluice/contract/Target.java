package dev.sluice.contract;

import java.net.URI;
import java.net.http.HttpClient;
import java.time.Duration;
import javax.net.ssl.SSLContext;

/**
 * A running API server under test, and what the suite can do to it from behind. Used by many
 * threads at once, except {@link #compact()} and {@link #restart()}, during which no other case
 * runs.
 */
public interface Target extends AutoCloseable {

  /** {@code real} or {@code embedded}: the name of the file with the results. */
  String name();

  /** Name and version of the server, for the report. */
  String version();

  /** Where it listens; the scheme is https. Asked again after a restart. */
  URI url();

  /** A client that trusts the server, prefers HTTP/2 and follows no redirects. */
  HttpClient client();

  /** As {@link #client()}, but it speaks HTTP/1.1 only. */
  HttpClient http1Client();

  /** What the clients trust the server by, for a case that opens a socket itself. */
  SSLContext trust();

  /** A bearer token that may do everything. */
  String token();

  /**
   * Forgets all versions before the present one, as etcd's compaction does: lists of an older
   * version and continuations of older pages get 410 from now on.
   */
  void compact();

  /** Ends the server and starts it on the same storage, on the same port; ready when it returns. */
  void restart();

  /**
   * Saves what is stored. Running the result puts it back as an operator restores a backup: objects
   * and versions are those saved, the server is started anew.
   */
  Runnable snapshot();

  /** How often a watch sends a bookmark, at least. */
  Duration bookmarkInterval();

  @Override
  void close();
}
