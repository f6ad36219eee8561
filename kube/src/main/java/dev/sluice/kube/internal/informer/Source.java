package dev.sluice.kube.internal.informer;

import dev.sluice.flow.Gate;
import dev.sluice.kube.ObjectKey;
import dev.sluice.kube.Transport;
import dev.sluice.kube.internal.store.Entry;
import dev.sluice.kube.internal.watch.StreamLog;
import dev.sluice.kube.internal.watch.StreamOptions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/**
 * Where informers get their objects from: the stream of one selection, or a stream for each of
 * several namespaces, with one {@link Hub} behind them. Safe for use by any number of threads.
 */
public final class Source implements Entries {
  private static final Duration PATIENCE = Duration.ofSeconds(10);

  private final Map<String, Reflector> reflectors = new LinkedHashMap<>();
  private final @Nullable Reflector only;
  private final Hub hub;
  private final Seeds seeds;
  private final AtomicBoolean stopped = new AtomicBoolean();

  /**
   * A source, not started.
   *
   * @param streams what each of its streams asks for: one, or one for each of several namespaces
   */
  public Source(SourceSettings settings, Transport transport, List<StreamOptions> streams) {
    this.hub =
        new Hub(
            settings.name(),
            streams.size(),
            settings.bounded(),
            this,
            settings.time(),
            settings.listener(),
            settings.log() != StreamLog.NONE);
    this.seeds = new Seeds(settings.random());
    for (StreamOptions options : streams) {
      reflectors.put(
          options.namespace(),
          new Reflector(
              options,
              transport,
              settings,
              hub.outlet(),
              streams.size() == 1 ? settings.random() : seeds.random(),
              seeds));
    }
    this.only = reflectors.size() == 1 ? reflectors.values().iterator().next() : null;
  }

  /** Starts the streams. */
  public void start() {
    reflectors.values().forEach(Reflector::start);
  }

  /** Ends the streams and waits, for 10 s at most, until they have ended. Once is enough. */
  public void stop() throws InterruptedException {
    if (!stopped.compareAndSet(false, true)) {
      return;
    }
    reflectors.values().forEach(Reflector::stop);
    try {
      long deadline = System.nanoTime() + PATIENCE.toNanos();
      for (Reflector reflector : reflectors.values()) {
        reflector.awaitEnd(Duration.ofNanos(Math.max(1, deadline - System.nanoTime())));
      }
    } finally {
      hub.complete();
    }
  }

  /** Its streams, one or one for each namespace, in the order in which they were named. */
  public List<Reflector> reflectors() {
    return List.copyOf(reflectors.values());
  }

  /** Where jitter comes from. */
  public Seeds seeds() {
    return seeds;
  }

  @Override
  public @Nullable Entry get(ObjectKey key) {
    Reflector reflector = only == null ? reflectors.get(key.namespace()) : only;
    return reflector == null ? null : reflector.objects().view().entries().get(key);
  }

  @Override
  public Entry[] all() {
    if (only != null) {
      return only.objects().view().entries().toArray();
    }
    List<Entry> all = new ArrayList<>();
    for (Reflector reflector : reflectors.values()) {
      all.addAll(Arrays.asList(reflector.objects().view().entries().toArray()));
    }
    return all.toArray(Entry[]::new);
  }

  /**
   * Gives a consumer its gate, which is first offered all that is there.
   *
   * @param own the COALESCE gate that it wants to have; null for a new one
   * @throws IllegalStateException if the gate is bounded and has its consumer already
   */
  public Gate<ObjectKey> attach(String consumer, @Nullable Gate<ObjectKey> own) {
    return hub.attach(consumer, own);
  }

  /** A consumer goes at once, and with it its gate. */
  public void detach(Gate<ObjectKey> gate) {
    hub.detach(gate);
  }

  /** A consumer goes as soon as it has been told what waits for it. */
  public void retire(Gate<ObjectKey> gate) {
    hub.retire(gate);
  }

  /** The kind of its gates. */
  public Gate.Kind gateKind() {
    return hub.kind();
  }

  /** The version of the first list; of several the latest. Empty until they are handed over. */
  public Optional<String> firstList() {
    return hub.firstList();
  }

  /** Whether the first lists have been handed over. */
  public boolean isSynced() {
    return hub.isSynced();
  }

  /** Waits until the first lists have been handed over; false if that took longer. */
  public boolean awaitSynced(long nanos) throws InterruptedException {
    return hub.awaitSynced(nanos);
  }
}
