package dev.sluice.kube.internal.informer;

import dev.sluice.flow.TimeSource;
import dev.sluice.kube.StopCause;
import dev.sluice.kube.Transport;
import dev.sluice.kube.internal.store.ObjectStore;
import dev.sluice.kube.internal.time.Recurrence;
import dev.sluice.kube.internal.time.Sleeper;
import dev.sluice.kube.internal.watch.Auditor;
import dev.sluice.kube.internal.watch.Outlet;
import dev.sluice.kube.internal.watch.StreamOptions;
import dev.sluice.kube.internal.watch.StreamRunner;
import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.random.RandomGenerator;

/**
 * One list and watch, the store that it writes to, and its audit. Owns one virtual thread, which is
 * parked unless something has arrived.
 */
public final class Reflector {
  private final StreamOptions options;
  private final ObjectStore objects;
  private final StreamRunner stream;
  private final Auditor auditor;
  private final Thread thread;
  private final Transport transport;
  private final TimeSource time;
  private final AtomicBoolean watched = new AtomicBoolean();
  private volatile boolean stopped;

  /**
   * A reflector, not started.
   *
   * @param random where the stream's jitter comes from; used by its thread only
   * @param seeds where others' jitter comes from; used here only
   */
  Reflector(
      StreamOptions options,
      Transport transport,
      SourceSettings settings,
      Outlet outlet,
      RandomGenerator random,
      Seeds seeds) {
    this.options = options;
    String typeMeta =
        options.metadataOnly()
            ? "\"kind\":\"PartialObjectMetadata\",\"apiVersion\":\"meta.k8s.io/v1\","
            : "\"kind\":\""
                + options.kind().kind()
                + "\",\"apiVersion\":\""
                + options.kind().apiVersion()
                + "\",";
    this.objects = new ObjectStore(settings.store().of(options.name(), typeMeta));
    this.stream =
        new StreamRunner(
            options,
            transport,
            objects,
            outlet,
            settings.time(),
            settings.clock(),
            random,
            settings.sleeper(),
            settings.listener(),
            settings.log());
    this.auditor =
        new Auditor(
            options,
            transport,
            objects,
            stream,
            new Recurrence(options.auditEvery(), settings.time(), settings.clock(), seeds.random()),
            settings.time(),
            Sleeper.by(settings.time()),
            seeds.random());
    stream.onLostConnection(auditor::serverMayHaveChanged);
    objects.onDamage(stream::diverged);
    objects.onIndexFailure(() -> stream.record().noted(StopCause.TRANSFORM_FAILURE));
    this.transport = transport;
    this.time = settings.time();
    objects.onLaid(this::watchOver);
    this.thread = Thread.ofVirtual().name("sluice-stream-" + options.name()).unstarted(stream);
  }

  void start() {
    thread.start();
    auditor.start();
    objects.start();
  }

  /** Ends the stream; {@link #awaitEnd} waits until it has. */
  void stop() {
    stopped = true;
    auditor.close();
    stream.close();
    objects.close();
  }

  void awaitEnd(Duration patience) throws InterruptedException {
    thread.join(patience);
  }

  /** Whether an object is one that the stream may deliver, as far as its namespace tells. */
  public boolean covers(String namespace) {
    return options.namespace().isEmpty() || options.namespace().equals(namespace);
  }

  /** A write of one of its objects begins. */
  public ObjectStore.Write write() {
    return objects.write(
        !options.labelSelector().isEmpty() || !options.fieldSelector().isEmpty(),
        options.metadataOnly());
  }

  /** Something is laid over the store: it must not stay there if the stream never brings it. */
  private void watchOver() {
    if (!stopped && watched.compareAndSet(false, true)) {
      var unused =
          time.schedule(
              ObjectStore.PATIENCE.toNanos() / 3,
              () ->
                  Thread.ofVirtual()
                      .name("sluice-doubts-" + options.name())
                      .start(this::resolveDoubts));
    }
  }

  private void resolveDoubts() {
    watched.set(false);
    for (ObjectStore.Doubt doubt : objects.doubts()) {
      if (stopped) {
        return;
      }
      Transport.Request request =
          Transport.Request.get(
              options.kind().path(doubt.key()),
              options.metadataOnly()
                  ? "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"
                  : "application/json");
      try (Transport.Response response = transport.send(request)) {
        if (response.status() == 404) {
          objects.decide(doubt, null);
        } else if (response.status() == 200) {
          objects.decide(doubt, response.body().readNBytes(options.maxObjectSize()));
        }
      } catch (IOException e) {
        // Asked again later.
      } catch (InterruptedException e) {
        return;
      }
    }
    if (objects.laid() > 0) {
      watchOver();
    }
  }

  /** What it asks for. */
  public StreamOptions options() {
    return options;
  }

  /** The objects. */
  public ObjectStore objects() {
    return objects;
  }

  /** The stream. */
  public StreamRunner stream() {
    return stream;
  }

  /** The audit. */
  public Auditor auditor() {
    return auditor;
  }
}
