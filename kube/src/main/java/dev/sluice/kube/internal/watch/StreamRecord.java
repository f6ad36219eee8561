package dev.sluice.kube.internal.watch;

import dev.sluice.kube.StopCause;
import dev.sluice.kube.StreamStatus.Counts;
import dev.sluice.kube.StreamStatus.Phase;
import dev.sluice.kube.StreamStatus.Undecodable;
import dev.sluice.kube.StreamStop;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.Collections;
import java.util.Deque;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.atomic.LongAdder;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/** What a stream has done so far. Written by the stream's thread, read by anybody. */
public final class StreamRecord {
  private static final int STOPS_KEPT = 32;
  private static final int UNDECODABLE_KEPT = 8;

  final LongAdder lists = new LongAdder();
  final LongAdder watches = new LongAdder();
  final LongAdder added = new LongAdder();
  final LongAdder modified = new LongAdder();
  final LongAdder deleted = new LongAdder();
  final LongAdder inferredDeletions = new LongAdder();
  final LongAdder doubtful = new LongAdder();
  final LongAdder bookmarks = new LongAdder();
  final LongAdder repeated = new LongAdder();
  final LongAdder stale = new LongAdder();
  final LongAdder undecodable = new LongAdder();
  final LongAdder retryAfterCapped = new LongAdder();
  final LongAdder bytes = new LongAdder();

  private final ReentrantLock lock = new ReentrantLock();
  private final Map<StopCause, Long> stops = new EnumMap<>(StopCause.class);
  private final Map<String, Long> transitions = new TreeMap<>();
  private final Deque<StreamStop> recentStops = new ArrayDeque<>();
  private final Deque<Undecodable> recentUndecodable = new ArrayDeque<>();
  private Phase phase = Phase.NEW;
  private boolean troubled;
  private Instant since = Instant.EPOCH;
  private volatile @Nullable Instant lastFrame;

  void stopped(StreamStop stop) {
    lock.lock();
    try {
      stops.merge(stop.cause(), 1L, Long::sum);
      push(recentStops, stop, STOPS_KEPT);
      troubled |= !routine(stop.cause());
    } finally {
      lock.unlock();
    }
  }

  /** What happens to every stream, and says nothing about whether the next attempt will do. */
  private static boolean routine(StopCause cause) {
    return switch (cause) {
      case SERVER_TIMEOUT, EOF, EXPIRED, CONTINUE_EXPIRED, GATE_PAUSED, AUDIT_DIVERGED, CLOSED ->
          true;
      default -> false;
    };
  }

  /** The server has answered as it should. */
  void well() {
    lock.lock();
    try {
      troubled = false;
    } finally {
      lock.unlock();
    }
  }

  /** Counts what went wrong beside the stream, which goes on. */
  public void noted(StopCause cause) {
    lock.lock();
    try {
      stops.merge(cause, 1L, Long::sum);
    } finally {
      lock.unlock();
    }
  }

  void undecodable(Undecodable what) {
    undecodable.increment();
    lock.lock();
    try {
      stops.merge(StopCause.DECODE_ERROR, 1L, Long::sum);
      push(recentUndecodable, what, UNDECODABLE_KEPT);
    } finally {
      lock.unlock();
    }
  }

  void entered(Phase next, Instant now, String transition) {
    lock.lock();
    try {
      transitions.merge(transition, 1L, Long::sum);
      phase = next;
      since = now;
    } finally {
      lock.unlock();
    }
  }

  void frame(Instant now) {
    lastFrame = now;
  }

  private static <T> void push(Deque<T> deque, T newest, int kept) {
    deque.addFirst(newest);
    if (deque.size() > kept) {
      deque.removeLast();
    }
  }

  /** The counters. */
  public Counts counts() {
    return new Counts(
        lists.sum(),
        watches.sum(),
        added.sum(),
        modified.sum(),
        deleted.sum(),
        inferredDeletions.sum(),
        doubtful.sum(),
        bookmarks.sum(),
        repeated.sum(),
        stale.sum(),
        undecodable.sum(),
        retryAfterCapped.sum(),
        bytes.sum());
  }

  /**
   * What the stream is doing, and since when.
   *
   * @param troubled whether it has failed, and has not got on since
   */
  public record Now(
      Phase phase,
      Instant since,
      boolean troubled,
      Optional<Instant> lastFrame,
      Map<StopCause, Long> stops,
      Map<String, Long> transitions,
      List<StreamStop> recentStops,
      List<Undecodable> undecodable) {}

  /** What the stream is doing, consistent in itself. */
  public Now now() {
    lock.lock();
    try {
      return new Now(
          phase,
          since,
          troubled,
          Optional.ofNullable(lastFrame),
          Map.copyOf(stops),
          Collections.unmodifiableMap(new TreeMap<>(transitions)),
          List.copyOf(recentStops),
          List.copyOf(recentUndecodable));
    } finally {
      lock.unlock();
    }
  }
}
