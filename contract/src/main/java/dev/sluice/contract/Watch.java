package dev.sluice.contract;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.http.HttpHeaders;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/**
 * A watch that was accepted. Its frames are read as they come and kept until a case asks for them;
 * what the case takes goes into the transcript. One thread at a time.
 */
public final class Watch implements AutoCloseable {
  /** How long a case waits for something that must come. */
  static final Duration PATIENCE = Duration.ofSeconds(20);

  /**
   * One frame.
   *
   * @param type ADDED, MODIFIED, DELETED, BOOKMARK or ERROR
   * @param object what changed, or the Status of an error
   * @param raw the frame as it came, without its newline
   */
  public record Event(String type, JsonNode object, String raw) {
    public String name() {
      return object.at("/metadata/name").asString("");
    }

    public String version() {
      return object.at("/metadata/resourceVersion").asString("");
    }

    public long versionNumber() {
      return Long.parseLong(version());
    }

    @Override
    public String toString() {
      return raw.length() > 2000 ? raw.substring(0, 2000) + "..." : raw;
    }
  }

  private sealed interface Frame {}

  private record Line(String text) implements Frame {}

  private record End(@Nullable IOException failure, String rest) implements Frame {}

  private final String request;
  private final HttpHeaders headers;
  private final InputStream body;
  private final Consumer<String> transcript;
  private final BlockingQueue<Frame> frames = new LinkedBlockingQueue<>();

  Watch(String request, HttpHeaders headers, InputStream body, Consumer<String> transcript) {
    this.request = request;
    this.headers = headers;
    this.body = body;
    this.transcript = transcript;
    Thread.ofVirtual().name("watch ", 0).start(this::read);
  }

  private void read() {
    ByteArrayOutputStream line = new ByteArrayOutputStream();
    byte[] buffer = new byte[64 * 1024];
    try (body) {
      for (int n; (n = body.read(buffer)) >= 0; ) {
        int from = 0;
        for (int i = 0; i < n; i++) {
          if (buffer[i] == '\n') {
            line.write(buffer, from, i - from);
            frames.add(new Line(line.toString(StandardCharsets.UTF_8)));
            line.reset();
            from = i + 1;
          }
        }
        line.write(buffer, from, n - from);
      }
      frames.add(new End(null, line.toString(StandardCharsets.UTF_8)));
    } catch (IOException e) {
      frames.add(new End(e, line.toString(StandardCharsets.UTF_8)));
    }
  }

  public HttpHeaders headers() {
    return headers;
  }

  /** The next frame; fails when none comes or the stream ends. */
  public Event next() {
    return next(PATIENCE);
  }

  /** The next frame; fails when none comes within the given time or the stream ends. */
  public Event next(Duration patience) {
    Event event = silentNext(patience);
    transcript.accept("  " + shown(event));
    return event;
  }

  private Event silentNext(Duration patience) {
    switch (poll(patience)) {
      case null -> throw new AssertionError(request + ": nothing came within " + patience);
      case End end -> throw new AssertionError(request + " ended: " + end);
      case Line(String text) -> {
        return event(text);
      }
    }
  }

  /** The next frame, which must have this type and name. */
  public Event next(String type, String name) {
    Event event = next();
    assertThat(event.type() + " " + event.name())
        .as("%s: %s", request, event)
        .isEqualTo(type + " " + name);
    return event;
  }

  /**
   * Skips frames up to the first that fits; neither is the number of those skipped kept in the
   * transcript.
   */
  public Event nextWhere(Predicate<Event> fits) {
    long deadline = System.nanoTime() + PATIENCE.toNanos();
    List<String> skipped = new ArrayList<>();
    while (System.nanoTime() < deadline) {
      Event event = silentNext(PATIENCE);
      if (fits.test(event)) {
        transcript.accept("  " + shown(event));
        return event;
      }
      skipped.add(event.type() + " " + event.name());
    }
    throw new AssertionError(request + ": none of these was waited for: " + skipped);
  }

  /** Waits for the clean end of the stream, right after the frames taken so far. */
  public void ends(Duration patience) {
    switch (poll(patience)) {
      case null -> throw new AssertionError(request + ": still open after " + patience);
      case Line(String text) ->
          throw new AssertionError(request + " did not end, but sent " + text);
      case End end -> {
        assertThat(end.failure()).as("%s: end of the stream", request).isNull();
        assertThat(end.rest()).as("%s: what follows the last newline", request).isEmpty();
        transcript.accept("  end of the stream");
      }
    }
  }

  public void ends() {
    ends(PATIENCE);
  }

  /**
   * Waits for the clean end of the stream, of which bookmarks may still come before it: how many is
   * left to chance.
   */
  public void endsAfterBookmarks() {
    for (Event event : drain()) {
      assertThat(event.type()).as("%s: %s", request, event).isEqualTo("BOOKMARK");
    }
    transcript.accept("  end of the stream");
  }

  /** Takes all frames up to the clean end of the stream, keeping them out of the transcript. */
  public List<Event> drain() {
    List<Event> events = new ArrayList<>();
    while (true) {
      switch (poll(PATIENCE)) {
        case null -> throw new AssertionError(request + ": still open after " + PATIENCE);
        case Line(String text) -> events.add(event(text));
        case End end -> {
          assertThat(end.failure()).as("%s: end of the stream", request).isNull();
          return events;
        }
      }
    }
  }

  private @Nullable Frame poll(Duration patience) {
    try {
      return frames.poll(patience.toNanos(), TimeUnit.NANOSECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new AssertionError(request + ": interrupted", e);
    }
  }

  private Event event(String text) {
    JsonNode frame;
    try {
      frame = Json.parse(text);
    } catch (RuntimeException e) {
      throw new AssertionError(request + ": not a JSON frame: " + text, e);
    }
    return new Event(frame.path("type").asString(""), frame.path("object"), text);
  }

  private static String shown(Event event) {
    return event.type() + " " + Transcript.summary(event.object());
  }

  @Override
  public void close() {
    try {
      body.close();
    } catch (IOException e) {
      // The case is over and nobody waits for this stream.
    }
  }
}
