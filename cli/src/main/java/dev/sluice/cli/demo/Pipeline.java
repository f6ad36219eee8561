package dev.sluice.cli.demo;

import dev.sluice.flow.Backoff;
import dev.sluice.flow.Rate;
import dev.sluice.flow.RateLimiter;
import dev.sluice.kube.Context;
import dev.sluice.kube.Controller;
import dev.sluice.kube.ControllerStatus;
import dev.sluice.kube.Informer;
import dev.sluice.kube.ObjectKey;
import dev.sluice.kube.Outcome;
import dev.sluice.kube.ResourceKind;
import dev.sluice.kube.Writer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.ConcurrentLinkedQueue;

/**
 * What the demo is about, as a user would write it: an informer, a controller that keeps a status
 * on each object, and a writer, each with its limit. It reaches the server through the proxy only.
 */
final class Pipeline implements AutoCloseable {
  private final ResourceKind kind;
  private final Writer writer;
  private final Informer<Gauge> informer;
  private final Controller<Gauge> controller;
  private final ConcurrentLinkedQueue<Long> dispatches = new ConcurrentLinkedQueue<>();

  /** Starts it. */
  Pipeline(Stage stage, Settings settings) {
    this.kind = stage.kind();
    this.writer =
        Writer.over(stage.proxied())
            .limitedBy(bucket(settings.writes(), settings.writeBurst(), settings))
            .build();
    this.informer =
        Informer.of(stage.proxied(), kind, Gauge.CODEC)
            .namespace(stage.namespace())
            .silenceDeadline(settings.silence())
            .backoff(Backoff.exponential().resetAfter(settings.pause()))
            .start();
    this.controller =
        Controller.named("gauges")
            .watching(informer)
            .limitedBy(bucket(settings.dispatches(), settings.dispatchBurst(), settings))
            .workers(settings.workers())
            .shutdownTimeout(Duration.ofSeconds(3))
            .reconcile(this::reconcile)
            .start();
  }

  /**
   * A bucket that keeps a limit where it is counted, not only where permits are given: after a
   * pause of the network, or of this machine, as many as there are workers can arrive together that
   * had got their permits one after the other. So much smaller is the bucket's burst.
   */
  private static RateLimiter bucket(Rate rate, int burst, Settings settings) {
    return RateLimiter.tokenBucket(rate, burst - settings.workers());
  }

  private Outcome reconcile(ObjectKey key, Context<Gauge> context) throws Exception {
    dispatches.add(System.nanoTime());
    Optional<Gauge> gauge = context.object();
    if (gauge.isEmpty() || gauge.get().isSettled()) {
      return Outcome.done();
    }
    return writer
        .patchStatus(kind, key, gauge.get().status().getBytes(StandardCharsets.UTF_8))
        .outcome();
  }

  /** The stream and the store. */
  Informer<Gauge> informer() {
    return informer;
  }

  /** How the controller is doing. */
  ControllerStatus status() {
    return controller.status();
  }

  /** How many keys wait to be reconciled, in the gate and in the queue. */
  static long depth(ControllerStatus status) {
    return (long) status.backlog() + status.waiting() + status.delayed();
  }

  /** When each reconcile started, in nanoseconds. */
  long[] dispatches() {
    return dispatches.stream().mapToLong(Long::longValue).toArray();
  }

  /**
   * Whether nothing is left to do and every object in the store has the status of its latest
   * generation.
   */
  boolean isSettled() {
    ControllerStatus status = status();
    // All objects are decoded for the answer: only when it can be yes.
    return depth(status) == 0
        && status.inHand() == 0
        && informer.store().snapshot().objects().allMatch(Gauge::isSettled);
  }

  @Override
  public void close() {
    controller.close();
    informer.close();
  }
}
