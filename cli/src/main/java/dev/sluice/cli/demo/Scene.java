package dev.sluice.cli.demo;

import dev.sluice.kube.StopCause;
import dev.sluice.kube.StreamStatus;
import dev.sluice.testkit.ApiServer;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import java.util.function.BooleanSupplier;

/**
 * Everything an incident has to do with.
 *
 * @param settings what the run does, and its limits
 * @param stage the server, the namespace, the proxy
 * @param load the rest of the world
 * @param pipeline what must hold
 * @param watcher what the screen shows
 * @param server what only a server of the demo's own can do; empty for a real one
 * @param deadline until when incidents may take, on {@link System#nanoTime()}
 */
record Scene(
    Settings settings,
    Stage stage,
    Load load,
    Pipeline pipeline,
    Watcher watcher,
    Optional<ApiServer> server,
    long deadline) {

  private static final Duration POLL = Duration.ofMillis(50);
  private static final Duration RETURN = Duration.ofSeconds(10);

  /**
   * Waits for something, for so long at most and never longer than the demo may take. Blocks.
   *
   * @return whether it came about
   */
  boolean await(Duration atMost, BooleanSupplier what) throws InterruptedException {
    return poll(Duration.ofNanos(Math.min(atMost.toNanos(), left().toNanos())), what);
  }

  /** Waits for something, for so long at most. Blocks. */
  static boolean poll(Duration atMost, BooleanSupplier what) throws InterruptedException {
    long end = System.nanoTime() + atMost.toNanos();
    while (!what.getAsBoolean()) {
      if (System.nanoTime() - end >= 0) {
        return what.getAsBoolean();
      }
      Thread.sleep(POLL);
    }
    return true;
  }

  /** How long incidents may still take. */
  Duration left() {
    return Duration.ofNanos(Math.max(0, deadline - System.nanoTime()));
  }

  /** Whether the store has all that was done at the server. */
  boolean isSeen() {
    return load.isSeenBy(pipeline.informer().store());
  }

  /** Waits until the store has all, and every status is that of the latest generation. Blocks. */
  boolean awaitSettled(Duration atMost) throws InterruptedException {
    return await(atMost, () -> isSeen() && pipeline.isSettled());
  }

  /** Cuts the stream, and waits until it is open again. Blocks. */
  void cutAndAwaitReturn() throws InterruptedException {
    long before = allStops();
    stage.proxy().cutStreams();
    await(RETURN, () -> allStops() > before && isWatching());
  }

  /** Waits until the stream has been well for a while, so that its backoff begins anew. Blocks. */
  void awaitWell() throws InterruptedException {
    await(
        RETURN,
        () -> {
          StreamStatus status = pipeline.informer().status();
          return status.phase() == StreamStatus.Phase.WATCHING
              && status.since().plus(settings.pause()).isBefore(Instant.now());
        });
  }

  /**
   * Cuts the stream and keeps it away for a second or two: what comes is answered with 429
   * meanwhile. Blocks until it is cut.
   */
  void keepStreamAway() throws InterruptedException {
    Duration second = Duration.ofSeconds(1);
    stage.proxy().throttle(second, second);
    stage.proxy().cutStreams();
    await(second, () -> stage.proxy().openStreams() == 0);
  }

  /** How often the stream has stopped for one reason. */
  long stops(StopCause cause) {
    return pipeline.informer().status().stops().getOrDefault(cause, 0L);
  }

  /** How often the stream has stopped. */
  long allStops() {
    return pipeline.informer().status().stops().values().stream().mapToLong(Long::longValue).sum();
  }

  /** Whether the stream is open. */
  boolean isWatching() {
    return pipeline.informer().status().phase() == StreamStatus.Phase.WATCHING;
  }

  /** The demo's own server. */
  ApiServer ownServer() {
    return server.orElseThrow(
        () -> new IllegalStateException("only a server of the demo's own can do this"));
  }

  /** Events and listed objects received. */
  long events() {
    return Watcher.events(pipeline.informer().status());
  }

  /** How many lists were read. */
  long lists() {
    return pipeline.informer().status().counts().lists();
  }
}
