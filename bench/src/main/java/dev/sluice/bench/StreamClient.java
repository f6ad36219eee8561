package dev.sluice.bench;

import java.util.concurrent.atomic.LongAdder;
import org.jspecify.annotations.Nullable;

/** An informer of somebody's, started with a handler that counts; or the floor. */
interface StreamClient extends AutoCloseable {

  /**
   * What a contender is started with.
   *
   * @param load the objects that are told
   * @param url of the server
   * @param certificate the authority's file; empty for plain text
   */
  record Server(StreamLoad load, String url, String certificate) {}

  /** Starts it on a server. */
  interface Start {
    StreamClient start(Server server, Handler handler) throws Exception;
  }

  /** The version that its cache has of an object; null if it has none. */
  @Nullable String version(String namespace, String name);

  /** Whether what it does by and by to what it keeps has been done. */
  default boolean atRest() {
    return true;
  }

  @Override
  void close() throws Exception;

  /** What the handlers tell. Any thread. */
  final class Handler {
    private final LongAdder told = new LongAdder();
    private final long[] late;
    private volatile int lates;
    private volatile boolean timing;

    Handler(int timed) {
      late = new long[timed];
    }

    /** Called on each change. If it says true the version is wanted, too. */
    boolean count() {
      told.increment();
      return timing;
    }

    /** The version of a change that was told a moment ago is the time when it was written. */
    void arrived(String version) {
      long now = System.nanoTime();
      int n = lates;
      if (n < late.length) {
        late[n] = now - (Long.parseLong(version) - StreamLoad.VERSION);
        lates = n + 1; // handlers are called one after the other
      }
    }

    long told() {
      return told.sum();
    }

    void time(boolean on) {
      timing = on;
    }

    int timed() {
      return lates;
    }

    /** In milliseconds, of the later half: the first ones warm up. */
    double percentile(double part) {
      int from = lates / 2;
      long[] sorted = java.util.Arrays.copyOfRange(late, from, lates);
      java.util.Arrays.sort(sorted);
      return sorted.length == 0
          ? Double.NaN
          : sorted[(int) Math.min(sorted.length - 1, Math.round(part * sorted.length))] / 1e6;
    }
  }
}
