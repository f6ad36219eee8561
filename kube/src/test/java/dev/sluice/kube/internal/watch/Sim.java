package dev.sluice.kube.internal.watch;

import dev.sluice.flow.Backoff;
import dev.sluice.flow.FlowEvent;
import dev.sluice.flow.VirtualTime;
import dev.sluice.kube.ObjectKey;
import dev.sluice.kube.ResourceKind;
import dev.sluice.kube.StopCause;
import dev.sluice.kube.internal.store.ObjectStore;
import dev.sluice.modeltest.Gen;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** A stream, its server and its consumer on one thread in virtual time. */
final class Sim {
  static final ResourceKind WIDGETS = ResourceKind.namespaced("", "v1", "widgets", "Widget");

  final VirtualTime time = new VirtualTime();
  final Gen gen;
  final SimServer server;
  final ObjectStore store =
      new ObjectStore(
          true, "\"kind\":\"Widget\",\"apiVersion\":\"v1\",".getBytes(StandardCharsets.UTF_8));
  final SimOutlet outlet;
  final StreamRunner runner;
  final List<FlowEvent> events = new ArrayList<>();

  /** What the listener does beside. */
  Runnable onEvent = () -> {};

  /** How far the wall clock is from the time that passes. */
  Duration clockError = Duration.ZERO;

  Sim(Gen gen, int capacity, boolean pause, boolean streaming) {
    this.gen = gen;
    this.server = new SimServer(time, gen);
    this.outlet = new SimOutlet(time, store, capacity, pause);
    this.runner =
        new StreamRunner(
            new StreamOptions(
                "widgets",
                WIDGETS,
                "",
                "",
                "",
                false,
                streaming,
                5,
                Duration.ofSeconds(300),
                Duration.ofSeconds(90),
                Duration.ofSeconds(150),
                Duration.ZERO,
                Backoff.exponential(),
                1 << 20),
            server,
            store,
            outlet,
            time,
            () -> Instant.EPOCH.plus(time.elapsed()).plus(clockError),
            gen,
            this::sleep,
            this::event,
            StreamLog.NONE);
  }

  private void event(FlowEvent event) {
    events.add(event);
    onEvent.run();
  }

  private void sleep(long nanos) throws InterruptedException {
    time.advanceNanos(nanos);
    if (Thread.interrupted()) {
      throw new InterruptedException();
    }
  }

  void at(Duration when, Runnable action) {
    time.schedule(when.toNanos(), action);
  }

  /** Runs the stream until then; a bookmark each minute, and the consumer takes all it can. */
  void run(Duration until) {
    for (long second = 60; second < until.toSeconds(); second += 60) {
      at(Duration.ofSeconds(second), server::bookmarks);
    }
    at(until, runner::close);
    runner.run();
    Thread.interrupted();
    outlet.consume(Integer.MAX_VALUE);
  }

  Map<ObjectKey, String> stored() {
    Map<ObjectKey, String> stored = new HashMap<>();
    store.view().entries().forEach(entry -> stored.put(entry.key(), SimServer.state(entry)));
    return stored;
  }

  long stops(StopCause cause) {
    return runner.record().now().stops().getOrDefault(cause, 0L);
  }

  static ObjectKey key(int i) {
    return ObjectKey.of("ns-" + i % 3, "w-" + i);
  }
}
