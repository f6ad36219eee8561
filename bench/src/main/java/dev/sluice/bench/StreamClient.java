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
   * @param token empty for none
   */
  record Server(StreamLoad load, String url, String certificate, String token) {}

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
    private static final int SAMPLED = 8;

    private final LongAdder told = new LongAdder();
    private final boolean stamped;
    private final long[] late;
    private volatile int lates;
    private volatile boolean timing;
    private int sample; // handlers are called one after the other

    Handler(int timed) {
      this(timed, false);
    }

    private Handler(int timed, boolean stamped) {
      this.late = new long[timed];
      this.stamped = stamped;
    }

    /** One of a server that gives its own versions: when a pod was written is an annotation. */
    static Handler stamped(int timed) {
      return new Handler(timed, true);
    }

    /** Called on each change. If it says true what tells its time is wanted, too. */
    boolean count() {
      told.increment();
      return timing && (!stamped || ++sample % SAMPLED == 0);
    }

    /** Whether the time stands in the annotation and not in the version. */
    boolean isStamped() {
      return stamped;
    }

    /** What tells the time of a change that was told a moment ago: its version or annotation. */
    void arrived(@Nullable String time) {
      long now = System.nanoTime();
      int n = lates;
      if (n < late.length && time != null) {
        late[n] = now - (Long.parseLong(time) - (stamped ? 0 : StreamLoad.VERSION));
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
