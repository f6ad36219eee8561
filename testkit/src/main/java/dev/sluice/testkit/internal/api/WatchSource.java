package dev.sluice.testkit.internal.api;

import dev.sluice.testkit.internal.json.Json;
import dev.sluice.testkit.internal.store.Cursor;
import dev.sluice.testkit.internal.store.Event;
import dev.sluice.testkit.internal.store.Store;
import dev.sluice.testkit.internal.store.Table;
import dev.sluice.testkit.internal.store.Version;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.ObjectNode;

/**
 * One watch: a place in a table's events, and what the client wants to see of them.
 *
 * <p>Owned by the thread that serves the request: it {@linkplain #drain drains} what is there,
 * writes it, and {@linkplain #await waits} for more, until {@link #ended()}. {@link #cut()} and
 * {@link #wake()} may be called by any thread.
 */
public final class WatchSource implements AutoCloseable {
  private static final byte[] FRAME_END = bytes("}\n");
  private static final byte[] ADDED = bytes("{\"type\":\"ADDED\",\"object\":");
  private static final byte[] MODIFIED = bytes("{\"type\":\"MODIFIED\",\"object\":");
  private static final byte[] DELETED = bytes("{\"type\":\"DELETED\",\"object\":");
  private static final byte[] BOOKMARK = bytes("{\"type\":\"BOOKMARK\",\"object\":");
  private static final byte[] ERROR = bytes("{\"type\":\"ERROR\",\"object\":");

  /** A server sends its last bookmark so long before the deadline. */
  private static final long LAST_BOOKMARK = Duration.ofSeconds(2).toNanos();

  private final Resource resource;
  private final String namespacePrefix;
  private final ListOptions options;
  private final View view;
  private final Rendering rendering;
  private final long bookmarkNanos;
  private final long deadline;
  private final ArrayDeque<Version> initial = new ArrayDeque<>();
  private final @Nullable Cursor cursor;
  private byte @Nullable [] last;
  private long after;
  private long seen;
  private long nextBookmark;
  private boolean lastBookmarkSent;
  private boolean initialBookmarkDue;
  private boolean firstFrame = true;
  private boolean done;
  private volatile boolean cut;

  /** How a stored version is shown to the client; results are shared between watches. */
  interface Rendering {
    /**
     * @param first whether it is the first frame of the stream
     * @return the object; nothing to end the stream instead
     */
    byte[] render(Version version, boolean first);

    /** An object with nothing but a resource version. */
    byte[] bookmark(long revision, boolean initialEventsEnd);
  }

  private WatchSource(
      Resource resource,
      String namespace,
      ListOptions options,
      View view,
      Rendering rendering,
      Timing timing,
      @Nullable Cursor cursor) {
    this.resource = resource;
    this.namespacePrefix = resource.namespaced() && !namespace.isEmpty() ? namespace + "/" : "";
    this.options = options;
    this.view = view;
    this.rendering = rendering;
    this.cursor = cursor;
    this.bookmarkNanos = timing.bookmarkNanos();
    long now = System.nanoTime();
    this.deadline = now + timing.timeoutNanos();
    this.nextBookmark = now + bookmarkNanos;
    // A watch that is too short has no bookmark before its end.
    this.lastBookmarkSent = timing.timeoutNanos() <= LAST_BOOKMARK;
  }

  /**
   * When things happen.
   *
   * @param bookmarkNanos between bookmarks
   * @param timeoutNanos until the stream ends
   */
  record Timing(long bookmarkNanos, long timeoutNanos) {}

  /** Begins a watch. What is wrong with its version may already be thrown here. */
  static WatchSource open(
      Store store,
      Resource resource,
      String namespace,
      ListOptions options,
      View view,
      Rendering rendering,
      Timing timing) {
    long version;
    try {
      version = options.version();
    } catch (NumberFormatException e) {
      throw StatusException.bare500(ListOptions.notANumber(options.resourceVersion()));
    }
    boolean initialEvents = Boolean.TRUE.equals(options.sendInitialEvents());
    if (initialEvents && version > 0 && !view.await(version, Lists.PATIENCE)) {
      return failed(
          resource,
          namespace,
          options,
          view,
          rendering,
          timing,
          StatusException.tooLargeResourceVersion(version, view.visible()));
    }
    while (true) {
      Table table = store.table(resource.storage());
      boolean fromNow = initialEvents || options.resourceVersion().isEmpty() || version == 0;
      long start = fromNow ? Math.max(view.visible(), table.floor()) : version;
      Cursor cursor = table.after(start);
      if (cursor == null) {
        if (fromNow) {
          // Compacted in between: once more.
          continue;
        }
        return failed(
            resource,
            namespace,
            options,
            view,
            rendering,
            timing,
            StatusException.expired(
                "too old resource version: %d (%d)".formatted(version, table.floor() + 1)));
      }
      WatchSource source =
          new WatchSource(resource, namespace, options, view, rendering, timing, cursor);
      source.after = start;
      source.seen = start;
      if (initialEvents) {
        table.scan(
            source.namespacePrefix,
            source.namespacePrefix,
            start,
            object -> {
              if (options.selects(object)) {
                source.initial.add(object);
              }
              return true;
            });
        source.initialBookmarkDue = options.bookmarks();
      }
      return source;
    }
  }

  private static WatchSource failed(
      Resource resource,
      String namespace,
      ListOptions options,
      View view,
      Rendering rendering,
      Timing timing,
      StatusException why) {
    WatchSource source =
        new WatchSource(resource, namespace, options, view, rendering, timing, null);
    source.last = frame(ERROR, Json.encode(why.status()));
    return source;
  }

  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  /** A frame of any type, for what is sent out of the order. */
  public static byte[] frame(String type, byte[] object) {
    return frame(bytes("{\"type\":\"" + type.toUpperCase(Locale.ROOT) + "\",\"object\":"), object);
  }

  private static byte[] frame(byte[] head, byte[] object) {
    byte[] frame = new byte[head.length + object.length + FRAME_END.length];
    System.arraycopy(head, 0, frame, 0, head.length);
    System.arraycopy(object, 0, frame, head.length, object.length);
    System.arraycopy(FRAME_END, 0, frame, head.length + object.length, FRAME_END.length);
    return frame;
  }

  /**
   * Where frames go; they arrive in three pieces so that what is shared need not be copied first.
   */
  public interface FrameSink {
    void write(byte[] bytes, int offset, int length);
  }

  /**
   * Writes the frames that are due, until there are none or about {@code enough} bytes have been
   * written.
   *
   * @return the number of frames
   */
  public int drain(FrameSink out, int enough) {
    int frames = 0;
    int written = 0;
    byte[] error = last;
    if (error != null) {
      last = null;
      done = true;
      out.write(error, 0, error.length);
      return 1;
    }
    while (!done && written < enough) {
      Version object = initial.poll();
      if (object != null) {
        written += emit(out, ADDED, rendering.render(object, firstFrame));
        frames++;
        continue;
      }
      if (initialBookmarkDue) {
        initialBookmarkDue = false;
        written += emit(out, BOOKMARK, rendering.bookmark(Math.max(seen, after), true));
        frames++;
        continue;
      }
      Cursor events = cursor;
      Event event = events == null ? null : events.poll(view.visible());
      if (event == null) {
        break;
      }
      if (event.type() == Event.Type.END) {
        done = true;
        break;
      }
      if (event.type() == Event.Type.NONE || event.revision() <= after) {
        continue;
      }
      seen = event.revision();
      int size = emit(out, event);
      if (size > 0) {
        written += size;
        frames++;
      }
    }
    long now = System.nanoTime();
    if (!done && options.bookmarks()) {
      boolean last = !lastBookmarkSent && now - (deadline - LAST_BOOKMARK) >= 0;
      if ((last || now - nextBookmark >= 0) && written < enough) {
        lastBookmarkSent |= last;
        nextBookmark = now + bookmarkNanos;
        long progress = Math.max(seen, Math.max(after, progress()));
        emit(out, BOOKMARK, rendering.bookmark(progress, false));
        frames++;
      }
    }
    if (cut || now - deadline >= 0) {
      done = true;
    }
    return frames;
  }

  /** A version up to which this watch has certainly seen everything. */
  private long progress() {
    long visible = view.visible();
    Cursor events = cursor;
    // Read the version first: what came in between must not be skipped.
    return events != null && !events.ready(Long.MAX_VALUE) ? visible : 0;
  }

  private int emit(FrameSink out, byte[] head, byte[] object) {
    if (object.length == 0) {
      done = true;
      return 0;
    }
    firstFrame = false;
    out.write(head, 0, head.length);
    out.write(object, 0, object.length);
    out.write(FRAME_END, 0, FRAME_END.length);
    return head.length + object.length + FRAME_END.length;
  }

  private int emit(FrameSink out, Event event) {
    Version version = event.version();
    if (!version.key().startsWith(namespacePrefix)) {
      return 0;
    }
    Version before = event.before();
    boolean matched = before != null && options.selects(before);
    boolean matches = event.type() != Event.Type.DELETED && options.selects(version);
    if (matches) {
      return emit(out, matched ? MODIFIED : ADDED, rendering.render(version, firstFrame));
    }
    if (!matched || before == null) {
      return 0;
    }
    if (event.type() == Event.Type.DELETED) {
      return emit(out, DELETED, rendering.render(version, firstFrame));
    }
    // It stopped matching: the last state that did, with the version of the change.
    Version gone = lastMatching(before, version);
    return emit(out, DELETED, rendering.render(gone, firstFrame));
  }

  private Version lastMatching(Version before, Version now) {
    byte[] json =
        now.rendering(
            "last-matching",
            ignored -> {
              ObjectNode object = Json.parseOwn(before.json());
              Meta.of(object).put("resourceVersion", Long.toString(now.revision()));
              return resource.custom() ? Json.encodeSorted(object) : Json.encode(object);
            });
    return before.as(now.revision(), json);
  }

  /** Waits until there may be something to drain. Owner's thread only. */
  public void await(long atMostNanos) {
    Cursor events = cursor;
    if (events == null || done) {
      return;
    }
    long now = System.nanoTime();
    long wait = deadline - now;
    if (options.bookmarks()) {
      wait = Math.min(wait, nextBookmark - now);
      if (!lastBookmarkSent) {
        wait = Math.min(wait, Math.max(1, deadline - LAST_BOOKMARK - now));
      }
    }
    if (!cut) {
      events.await(Math.min(wait, atMostNanos), view.visible());
    }
  }

  /** Whether nothing more will come. */
  public boolean ended() {
    return done;
  }

  /** The number of events that wait to be read. */
  public long behind() {
    Cursor events = cursor;
    return events == null ? 0 : events.behind();
  }

  /** Ends the stream, cleanly, at its next frame. */
  public void cut() {
    cut = true;
    Cursor events = cursor;
    if (events != null) {
      events.abandon();
    }
  }

  public void wake() {
    Cursor events = cursor;
    if (events != null) {
      events.wake();
    }
  }

  /** The resource that is watched, as {@code plural.group}. */
  public String resource() {
    return resource.qualified();
  }

  @Override
  public void close() {
    Cursor events = cursor;
    if (events != null) {
      events.close();
    }
  }
}
