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
 * @param forTheRest what the incidents that follow are expected to need of it
 */
record Scene(
    Settings settings,
    Stage stage,
    Load load,
    Pipeline pipeline,
    Watcher watcher,
    Optional<ApiServer> server,
    long deadline,
    Duration forTheRest) {

  /** For what comes about by itself within a second or two, on a machine that is not too busy. */
  static final Duration PATIENCE = Duration.ofSeconds(20);

  private static final Duration POLL = Duration.ofMillis(50);

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

  /** How much of that is not expected to be needed by those that follow. */
  Duration spare() {
    Duration spare = left().minus(forTheRest);
    return spare.isNegative() ? Duration.ZERO : spare;
  }

  /** Whether the store has all that was done at the server. */
  boolean isSeen() {
    return load.isSeenBy(pipeline.informer().store());
  }

  /** Waits until the store has all, and every status is that of the latest generation. Blocks. */
  boolean awaitSettled() throws InterruptedException {
    return await(left(), () -> isSeen() && pipeline.isSettled());
  }

  /** Cuts the stream, and waits until it is open again. Blocks. */
  void cutAndAwaitReturn() throws InterruptedException {
    long before = allStops();
    stage.proxy().cutStreams();
    await(PATIENCE, () -> allStops() > before && isWatching());
  }

  /** Waits until the stream has been well for a while, so that its backoff begins anew. Blocks. */
  void awaitWell() throws InterruptedException {
    await(
        PATIENCE,
        () -> {
          StreamStatus status = pipeline.informer().status();
          return status.phase() == StreamStatus.Phase.WATCHING
              && status.since().plus(settings.pause()).isBefore(Instant.now());
        });
  }

  /**
   * Cuts the stream and keeps it away, by answering 429 to everything, until {@link
   * #letStreamReturn}. Blocks until it is cut.
   *
   * @return whether it is away
   */
  boolean keepStreamAway() throws InterruptedException {
    stage.proxy().throttle(Duration.ofSeconds(1));
    stage.proxy().cutStreams();
    return await(PATIENCE, () -> stage.proxy().openStreams() == 0 && !isWatching());
  }

  /** Lets the stream open again, which it tries about a second after it was refused. */
  void letStreamReturn() {
    stage.proxy().relent();
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

  /** How many keys wait to be reconciled. */
  long depth() {
    return Pipeline.depth(pipeline.status());
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
