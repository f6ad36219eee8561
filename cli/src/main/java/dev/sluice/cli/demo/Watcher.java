package dev.sluice.cli.demo;

import dev.sluice.kube.ControllerStatus;
import dev.sluice.kube.StopCause;
import dev.sluice.kube.StreamStatus;
import dev.sluice.kube.StreamStop;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Looks at the pipeline several times a second, and shows it: the readings, and a line for each
 * stop of a stream. Owns one virtual thread.
 */
final class Watcher implements AutoCloseable {
  private static final Duration PACE = Duration.ofMillis(200);

  private final Screen screen;
  private final Pipeline pipeline;
  private final Load load;
  private final Proxy proxy;
  private final long start;
  private final Thread thread = Thread.ofVirtual().name("demo-watcher").unstarted(this::run);
  private final List<Supplier<String>> beside = new CopyOnWriteArrayList<>();
  private volatile String incident = "";
  private volatile String story = "";
  private volatile long peakDepth;
  private volatile boolean closed;
  private @Nullable StreamStop lastTold;

  /**
   * @param start when the demo began, on {@link System#nanoTime()}
   */
  Watcher(Screen screen, Pipeline pipeline, Load load, Proxy proxy, long start) {
    this.screen = screen;
    this.pipeline = pipeline;
    this.load = load;
    this.proxy = proxy;
    this.start = start;
  }

  /** Begins to look. */
  Watcher start() {
    thread.start();
    return this;
  }

  /** Tells which incident is on. Forgets the deepest queue of the one before. */
  void incident(String name, String what) {
    beside.clear();
    incident = name;
    story = what;
    peakDepth = 0;
  }

  /** Adds a line that belongs to the incident. */
  void beside(Supplier<String> line) {
    beside.add(line);
  }

  /** The most keys that waited at a time since the incident began. */
  long peakDepth() {
    return peakDepth;
  }

  private void run() {
    try {
      while (!closed) {
        look();
        Thread.sleep(PACE);
      }
    } catch (InterruptedException e) {
      // closed
    }
  }

  private void look() {
    StreamStatus status = pipeline.informer().status();
    tell(status);
    long events = events(status);
    ControllerStatus controller = pipeline.status();
    long depth = Pipeline.depth(controller);
    peakDepth = Math.max(peakDepth, depth);
    screen.show(
        new Reading(
            Duration.ofNanos(System.nanoTime() - start),
            incident,
            story,
            load.accepted(),
            events,
            controller.counts().started(),
            proxy.calls().writes(),
            controller.counts().coalesced(),
            depth,
            stream(status),
            stops(status),
            beside.stream().map(Supplier::get).toList()));
  }

  /** Says each stop once, the oldest first. */
  private void tell(StreamStatus status) {
    List<StreamStop> fresh = new ArrayList<>();
    for (StreamStop stop : status.recentStops()) {
      if (stop.equals(lastTold)) {
        break;
      }
      fresh.addFirst(stop);
    }
    for (StreamStop stop : fresh) {
      lastTold = stop;
      screen.say(
          String.format(
              Locale.ROOT,
              "%6.1fs  stream stopped: %s (%s)%s%s",
              (System.nanoTime() - start) / 1e9,
              stop.cause().id(),
              stop.cause().text(),
              stop.detail().isEmpty() ? "" : ": " + stop.detail(),
              stop.next().isEmpty() ? "" : "; next: " + stop.next()));
    }
  }

  /** Events and listed objects received. */
  static long events(StreamStatus status) {
    StreamStatus.Counts counts = status.counts();
    return counts.added() + counts.modified() + counts.deleted();
  }

  private static String stream(StreamStatus status) {
    return status.phase().name().toLowerCase(Locale.ROOT).replace('_', '-')
        + status.anchor().map(anchor -> " at " + anchor).orElse("");
  }

  private static String stops(StreamStatus status) {
    Map<StopCause, Long> stops = new TreeMap<>(status.stops());
    return stops.isEmpty()
        ? "none"
        : stops.entrySet().stream()
            .map(stop -> stop.getKey().id() + " " + stop.getValue())
            .collect(Collectors.joining(", "));
  }

  @Override
  public void close() {
    closed = true;
    thread.interrupt();
    try {
      thread.join(Duration.ofSeconds(2));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
