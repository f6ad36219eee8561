package dev.sluice.cli.demo;

import dev.sluice.flow.Rate;
import java.time.Duration;
import java.util.Locale;

/**
 * What a run of the demo does, and the limits it must keep.
 *
 * @param objects how many objects there are
 * @param burst how many changes the burst has
 * @param dispatchRate reconciles a second
 * @param dispatchBurst reconciles at once after a pause
 * @param writeRate writes a second
 * @param writeBurst writes at once after a pause
 * @param workers reconciles at a time
 * @param silence how long a watch may be silent before it is replaced
 * @param pause how long the incidents let things be as they are, and for how long a stream must
 *     have been well for its backoff to begin anew
 * @param retryAfter what the proxy says in {@code Retry-After}; whole seconds
 * @param timeLimit how long all of it may take
 */
record Settings(
    int objects,
    int burst,
    int dispatchRate,
    int dispatchBurst,
    int writeRate,
    int writeBurst,
    int workers,
    Duration silence,
    Duration pause,
    Duration retryAfter,
    Duration timeLimit) {

  /** Every tenth object is of the shard that the slow consumers watch. */
  static final int SHARDS = 10;

  /** The burst is of a quarter of the objects. */
  private static final int BURST_PART = 4;

  /** The usual ones. */
  static Settings standard(int objects, int burst, Duration timeLimit) {
    return new Settings(
        objects,
        burst,
        300,
        100,
        100,
        50,
        16,
        Duration.ofSeconds(4),
        Duration.ofSeconds(1),
        Duration.ofSeconds(2),
        timeLimit);
  }

  /** The same script with shorter pauses, for tests. */
  static Settings quick(int objects, int burst) {
    return new Settings(
        objects,
        burst,
        600,
        100,
        150,
        40,
        16,
        Duration.ofMillis(1_200),
        Duration.ofMillis(200),
        Duration.ofSeconds(1),
        Duration.ofSeconds(60));
  }

  /** How many objects the burst is of. */
  int burstObjects() {
    return Math.max(1, objects / BURST_PART);
  }

  Rate dispatches() {
    return Rate.perSecond(dispatchRate);
  }

  Rate writes() {
    return Rate.perSecond(writeRate);
  }

  /** The limit of writes in words. */
  String writeLimit() {
    return writeRate + "/s + " + writeBurst;
  }

  /** The limits in words. */
  String limits() {
    return String.format(
        Locale.ROOT,
        "reconciles %d/s burst %d, status writes %d/s burst %d, %d workers, gate COALESCE, silence"
            + " deadline %.1f s, backoff from 100 ms, anew after %.1f s (by default 150 s and 30"
            + " s)",
        dispatchRate,
        dispatchBurst,
        writeRate,
        writeBurst,
        workers,
        silence.toMillis() / 1e3,
        pause.toMillis() / 1e3);
  }
}
