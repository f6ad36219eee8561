package dev.sluice.kube;

import dev.sluice.flow.Experimental;
import dev.sluice.flow.Rate;
import dev.sluice.flow.RateLimiter;
import dev.sluice.flow.TimeSource;
import dev.sluice.kube.internal.json.JsonTree;
import dev.sluice.kube.internal.store.Fields;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.InstantSource;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.LongAdder;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * Writes Events, which {@code kubectl describe} shows with the object that they are about.
 *
 * <pre>{@code
 * events.record(object, Type.WARNING, "IssueFailed", "Issue", "the authority does not answer");
 * }</pre>
 *
 * <p>Never blocks and never fails: an Event is a courtesy, sent from a virtual thread of its own,
 * and what cannot be sent is dropped and counted. What repeats is one Event with a count ({@code
 * series}), which is written at most every 30 s; six minutes without a repetition end it. Of one
 * object 25 different Events are written at once, and one every 5 minutes after that, as with
 * client-go.
 *
 * <p>Give it a {@link Writer} of its own with a small rate, so that Events don't take permits from
 * real work. Safe for use by any number of threads.
 */
@Experimental
public final class EventRecorder implements AutoCloseable {
  private static final ResourceKind EVENTS =
      ResourceKind.namespaced("events.k8s.io", "v1", "events", "Event");
  private static final Duration REFRESH = Duration.ofSeconds(30);
  private static final Duration END = Duration.ofMinutes(6);
  private static final int MOST = 1000;
  private static final int LONGEST_NOTE = 1024;
  private static final DateTimeFormatter MICRO =
      DateTimeFormatter.ofPattern("yyyy-MM-dd'T'HH:mm:ss.SSSSSS'Z'").withZone(ZoneOffset.UTC);
  private static final byte[][] KIND = Fields.path("kind");
  private static final byte[][] API_VERSION = Fields.path("apiVersion");

  /** Whether it is what should happen. */
  @Experimental
  public enum Type {
    /** It is. */
    NORMAL("Normal"),
    /** It is not. */
    WARNING("Warning");

    private final String text;

    Type(String text) {
      this.text = text;
    }
  }

  private record What(String uid, Type type, String reason, String action, String note) {}

  /** An Event and how often it has happened. Guarded by the lock. */
  private static final class Series {
    final What what;
    final Resource regarding;
    final ObjectKey key;
    long count;
    long writtenCount;
    long lastAt;
    long writtenAt;
    boolean waiting;

    Series(What what, Resource regarding, ObjectKey key) {
      this.what = what;
      this.regarding = regarding;
      this.key = key;
    }
  }

  private final Writer writer;
  private final String controller;
  private final String instance;
  private final TimeSource time;
  private final InstantSource clock;
  private final ReentrantLock lock = new ReentrantLock();
  private final Map<What, Series> series = new LinkedHashMap<>();
  private final Map<String, RateLimiter> spam = new LinkedHashMap<>();
  private final LinkedBlockingQueue<Series> due = new LinkedBlockingQueue<>();
  private final LongAdder recorded = new LongAdder();
  private final LongAdder sent = new LongAdder();
  private final LongAdder dropped = new LongAdder();
  private final Thread thread;
  private volatile boolean closed;

  private EventRecorder(
      Writer writer, String controller, String instance, TimeSource time, InstantSource clock) {
    this.writer = writer;
    this.controller = controller;
    this.instance = instance;
    this.time = time;
    this.clock = clock;
    this.thread = Thread.ofVirtual().name("sluice-events-" + controller).unstarted(this::send);
  }

  /**
   * A recorder.
   *
   * @param controller who reports: a domain of yours, a slash and a word
   * @param instance which replica of it
   */
  public static EventRecorder over(Writer writer, String controller, String instance) {
    return over(writer, controller, instance, TimeSource.system(), InstantSource.system());
  }

  /** A recorder with another time for its periods and another wall clock for the dates. */
  public static EventRecorder over(
      Writer writer, String controller, String instance, TimeSource time, InstantSource clock) {
    EventRecorder recorder =
        new EventRecorder(
            Objects.requireNonNull(writer, "writer"), controller, instance, time, clock);
    recorder.thread.start();
    return recorder;
  }

  /**
   * Counters.
   *
   * @param recorded what was told
   * @param sent requests that were accepted
   * @param dropped what was told and will not be written: too much of one object or altogether, or
   *     refused by the server
   */
  public record Stats(long recorded, long sent, long dropped) {}

  /** The counters. */
  public Stats stats() {
    return new Stats(recorded.sum(), sent.sum(), dropped.sum());
  }

  /**
   * Records that something happened.
   *
   * @param regarding the object
   * @param reason why, one word in CamelCase, for programs
   * @param action what was done or tried, one word in CamelCase
   * @param note for people; cut to 1024 bytes
   * @throws IllegalArgumentException if reason or action is empty, or longer than 128 characters
   */
  public void record(Resource regarding, Type type, String reason, String action, String note) {
    for (String word : List.of(reason, action)) {
      if (word.isEmpty() || word.length() > 128) {
        throw new IllegalArgumentException(
            "an Event's reason and action have 1 to 128 characters, not \"" + word + "\"");
      }
    }
    recorded.increment();
    What what = new What(regarding.uid(), type, reason, action, cut(note));
    long now = time.nanoTime();
    lock.lock();
    try {
      Series known = series.get(what);
      if (known != null && now - known.lastAt > END.toNanos() && !known.waiting) {
        series.remove(what);
        known = null;
      }
      if (known == null) {
        if (closed || !mayBegin(regarding.uid())) {
          dropped.increment();
          return;
        }
        known = new Series(what, regarding, name(regarding));
        series.put(what, known);
      }
      known.count++;
      known.lastAt = now;
      if (!known.waiting) {
        known.waiting = true;
        Series one = known;
        long wait = known.writtenCount == 0 ? 0 : known.writtenAt + REFRESH.toNanos() - now;
        if (wait <= 0) {
          due.add(one);
        } else {
          var unused = time.schedule(wait, () -> due.add(one));
        }
      }
    } finally {
      lock.unlock();
    }
  }

  private boolean mayBegin(String uid) {
    if (series.size() >= MOST) {
      Series eldest = series.values().iterator().next();
      if (eldest.waiting) {
        return false;
      }
      series.remove(eldest.what);
    }
    RateLimiter limiter = spam.remove(uid);
    if (limiter == null) {
      limiter = RateLimiter.builder().time(time).tokenBucket(Rate.of(1, Duration.ofMinutes(5)), 25);
      if (spam.size() >= MOST) {
        spam.remove(spam.keySet().iterator().next());
      }
    }
    spam.put(uid, limiter);
    return limiter.tryAcquire();
  }

  private static ObjectKey name(Resource regarding) {
    String namespace = regarding.key().namespace();
    String name = regarding.key().name();
    return ObjectKey.of(
        namespace.isEmpty() ? "default" : namespace,
        name.substring(0, Math.min(name.length(), 200))
            + "."
            + HexFormat.of().toHexDigits(ThreadLocalRandom.current().nextLong()));
  }

  private static String cut(String note) {
    byte[] bytes = note.getBytes(StandardCharsets.UTF_8);
    if (bytes.length <= LONGEST_NOTE) {
      return note;
    }
    int end = LONGEST_NOTE;
    while ((bytes[end] & 0xc0) == 0x80) {
      end--;
    }
    return new String(bytes, 0, end, StandardCharsets.UTF_8);
  }

  private void send() {
    while (!closed) {
      try {
        Series one = due.take();
        long count;
        boolean first;
        lock.lock();
        try {
          count = one.count;
          first = one.writtenCount == 0;
          one.waiting = false;
          one.writtenCount = count;
          one.writtenAt = time.nanoTime();
        } finally {
          lock.unlock();
        }
        write(one, first, count);
      } catch (InterruptedException e) {
        // Closed, or nobody's business.
      }
    }
  }

  private void write(Series one, boolean first, long count) throws InterruptedException {
    try {
      WriteResult result =
          first
              ? writer.create(EVENTS, one.key.namespace(), JsonTree.write(event(one, count)))
              : writer.patch(
                  EVENTS, one.key, Patch.MERGE, JsonTree.write(Map.of("series", series(count))));
      if (result instanceof WriteResult.Gone && !first) {
        // Events last an hour; this one is told anew.
        result = writer.create(EVENTS, one.key.namespace(), JsonTree.write(event(one, count)));
      }
      if (result instanceof WriteResult.Written) {
        sent.increment();
      } else {
        dropped.increment();
      }
    } catch (IOException e) {
      dropped.increment();
    }
  }

  private Map<String, @Nullable Object> series(long count) {
    Map<String, @Nullable Object> series = new LinkedHashMap<>();
    series.put("count", count);
    series.put("lastObservedTime", MICRO.format(clock.instant()));
    return series;
  }

  private Map<String, @Nullable Object> event(Series one, long count) {
    byte[] json = one.regarding.json();
    ObjectKey about = one.regarding.key();
    Map<String, @Nullable Object> regarding = new LinkedHashMap<>();
    regarding.put("apiVersion", String.join("", Fields.values(json, API_VERSION)));
    regarding.put("kind", String.join("", Fields.values(json, KIND)));
    if (!about.namespace().isEmpty()) {
      regarding.put("namespace", about.namespace());
    }
    regarding.put("name", about.name());
    regarding.put("uid", one.regarding.uid());
    regarding.put("resourceVersion", one.regarding.resourceVersion());
    Map<String, @Nullable Object> event = new LinkedHashMap<>();
    event.put("apiVersion", "events.k8s.io/v1");
    event.put("kind", "Event");
    event.put("metadata", Map.of("namespace", one.key.namespace(), "name", one.key.name()));
    event.put("eventTime", MICRO.format(clock.instant()));
    event.put("reportingController", controller);
    event.put("reportingInstance", instance);
    event.put("type", one.what.type.text);
    event.put("reason", one.what.reason);
    event.put("action", one.what.action);
    event.put("note", one.what.note);
    event.put("regarding", regarding);
    if (count > 1) {
      event.put("series", series(count));
    }
    return event;
  }

  /** Sends no more; what was not sent is dropped. Does not block for long: an interrupt away. */
  @Override
  public void close() {
    closed = true;
    thread.interrupt();
    try {
      thread.join();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
