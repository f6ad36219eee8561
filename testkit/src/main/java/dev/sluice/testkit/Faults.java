package dev.sluice.testkit;

import java.time.Duration;

/**
 * Everything that can go wrong. Safe for any thread.
 *
 * <p>Faults of single requests are {@linkplain #inject injected} and stay until they are removed,
 * or {@linkplain #strike thrown} into streams that are open. Faults of the whole server happen when
 * the method is called. {@link ApiServer#reset} removes all of them.
 */
public interface Faults {

  /** Puts a fault in place for requests to come. Several faults may meet one request. */
  Injection inject(RequestMatch match, Fault fault);

  /**
   * Throws a fault into watches that are open now. Its bytes and frames are counted from now.
   *
   * @param match which watches; {@link RequestMatch#from} and {@link RequestMatch#times} are not
   *     looked at
   * @return how many were struck
   * @throws IllegalArgumentException if the fault is none that can strike an open stream: a delay,
   *     a refusal
   */
  int strike(RequestMatch match, Fault fault);

  /**
   * Removes all faults that were injected or thrown in, resets connections that were frozen, and
   * ends an outage. What was stalled goes on.
   */
  void clear();

  /**
   * Forgets the history of all resources: exact LISTs, continue tokens and watches from before now
   * give 410. Open watches go on.
   */
  void compact();

  /**
   * Forgets the history of one resource, {@code plural} or {@code plural.group}.
   *
   * @throws IllegalArgumentException if there is no such resource
   */
  void compact(String resource);

  /** What a restarted server still knows. */
  enum History {
    /** Watches can be resumed from before the restart. */
    KEPT,
    /** Watches from before the restart give 410: the watch cache died with the process. */
    LOST
  }

  /**
   * Restarts the server in good order: watches end cleanly, requests under way are answered (for a
   * second at most), HTTP/2 connections get a GOAWAY, connections close. Ports stay, and nobody
   * else can get them meanwhile.
   */
  void restart(History history);

  /** Kills the server and starts it again: connections are reset. Ports stay. */
  void crash(History history);

  /**
   * Takes the server away: connections are reset, new ones refused, until the outage is ended. A
   * second one during the first is the same one.
   */
  Outage outage();

  /** A time without a server. */
  interface Outage extends AutoCloseable {
    /** Brings the server back, on the same ports. */
    void end();

    /** The same as {@link #end}. */
    @Override
    default void close() {
      end();
    }
  }

  /**
   * Restores a snapshot as an operator restores etcd: objects and resource versions are those of
   * the snapshot, so versions go backwards; the server is restarted and has no history.
   *
   * @throws IllegalArgumentException if the snapshot is another server's
   */
  void rewind(Snapshot snapshot);

  /**
   * Deadens all connections there are: they stay open, and nothing is read from them or written to
   * them any more. New connections work.
   *
   * @return how many there were
   */
  int freezeConnections();

  /**
   * Resets all connections there are.
   *
   * @return how many there were
   */
  int dropConnections();

  /**
   * Tells the clients of all HTTP/2 connections to open another one.
   *
   * @return how many there were
   */
  int goAway();

  /** Ends all watches in good order, as a server does that has been running long enough. */
  void endWatches();

  /**
   * Adds a replica: a further API server in front of the same storage, whose watch cache can be
   * made to lag. It is up to date at first.
   *
   * @throws IllegalStateException during an outage
   */
  Replica addReplica();

  /** A further API server in front of the same storage. Safe for any thread. */
  interface Replica extends AutoCloseable {
    /** Its address. */
    java.net.URI url();

    /** A kubeconfig that leads to it. */
    String kubeconfig();

    /**
     * Its watch cache sees nothing new from now on. Reads at resource version "0" are answered from
     * it, watches are silent, reads of a newer version wait and end with 504.
     */
    void freeze();

    /** Its watch cache sees everything again. */
    void catchUp();

    /** Its watch cache is behind by about so much from now on. */
    void lag(Duration behind);

    /** Takes the replica away. */
    @Override
    void close();
  }
}
