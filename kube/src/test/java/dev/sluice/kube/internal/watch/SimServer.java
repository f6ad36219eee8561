package dev.sluice.kube.internal.watch;

import dev.sluice.flow.VirtualTime;
import dev.sluice.kube.ObjectKey;
import dev.sluice.kube.Transport;
import dev.sluice.kube.internal.store.Entry;
import dev.sluice.modeltest.Gen;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * A small API server in virtual time, for one kind: LIST in pages, WATCH with bookmarks and
 * streaming lists, a history that can be compacted, and every fault that a test asks for.
 *
 * <p>Everything runs on one thread. Where a client would block, the time is moved on, and with it
 * whatever is scheduled: further changes, faults, deadlines.
 */
final class SimServer implements Transport {
  private record Stored(String uid, long version, int value) {}

  private record Event(String type, ObjectKey key, Stored object) {}

  final VirtualTime time;
  private final Gen gen;
  private final TreeMap<ObjectKey, Stored> objects = new TreeMap<>();
  private final List<Event> history = new ArrayList<>();
  private final List<Stream> streams = new ArrayList<>();
  private final Map<String, List<Event>> pages = new HashMap<>();
  private final ArrayDeque<Supplier<@Nullable Canned>> faults = new ArrayDeque<>();
  private long version = 1_000_000;
  private long compacted = 1_000_000;
  private long nextUid = 1;

  /** Whether keys are sorted, as in custom resources, so that metadata stands before spec. */
  boolean sorted;

  /** Whether streaming lists are known. */
  boolean streamingLists = true;

  /** Where a body is cut next: after so many bytes; -1 for never. */
  int cutAfter = -1;

  /** What happens to the next body's bytes. */
  boolean corruptNextFrame;

  private boolean hang;
  private int breakNextWatchAfter = -1;
  int requests;

  /** Whether a response throws when it is closed. */
  boolean closingThrows;

  int lists;
  int watches;
  final List<String> log = new ArrayList<>();

  SimServer(VirtualTime time, Gen gen) {
    this.time = time;
    this.gen = gen;
  }

  /** A canned answer in place of the proper one. */
  record Canned(int status, Map<String, List<String>> headers, String body) {}

  // --- the world ---

  void put(ObjectKey key) {
    Stored before = objects.get(key);
    version += 1 + gen.nextInt(3);
    Stored object =
        new Stored(
            before == null ? "uid-" + nextUid++ : before.uid, version, gen.nextInt(1_000_000));
    objects.put(key, object);
    happened(new Event(before == null ? "ADDED" : "MODIFIED", key, object));
  }

  void delete(ObjectKey key) {
    Stored before = objects.remove(key);
    if (before != null) {
      version++;
      happened(new Event("DELETED", key, new Stored(before.uid, version, before.value)));
    }
  }

  private void happened(Event event) {
    history.add(event);
    for (Stream stream : streams) {
      stream.send(event);
    }
  }

  /** Forgets the history. */
  void compact() {
    compacted = version;
    history.clear();
    pages.clear();
  }

  /**
   * An etcd restored from a snapshot: versions run backwards, further than they will grow again,
   * and some objects are as before.
   */
  void restore() {
    version -= 100_000;
    compacted = version;
    history.clear();
    pages.clear();
    objects.replaceAll((key, object) ->
        new Stored(object.uid, Math.min(object.version, version), gen.nextInt(1000)));
    objects.keySet().removeIf(key -> gen.chance(0.2));
    breakAll();
  }

  /**
   * A database restored from a snapshot in which an object has the version it has here, but another
   * content: since the snapshot it was written as often as before, in another way. What came after
   * that version is lost.
   */
  void fork(ObjectKey key) {
    Stored now = Objects.requireNonNull(objects.get(key));
    version = now.version;
    compacted = version;
    history.clear();
    pages.clear();
    objects.values().removeIf(object -> object.version > version);
    objects.put(key, new Stored(now.uid, now.version, now.value + 1));
    breakAll();
  }

  long version() {
    return version;
  }

  /** Key to uid/version/value. */
  Map<ObjectKey, String> state() {
    Map<ObjectKey, String> state = new LinkedHashMap<>();
    objects.forEach(
        (key, object) -> state.put(key, object.uid + "/" + object.version + "/" + object.value));
    return state;
  }

  /** The same, of what a client has. */
  static String state(Entry entry) {
    return entry.uid()
        + "/"
        + entry.resourceVersion()
        + "/"
        + new String(entry.json(), StandardCharsets.UTF_8)
            .replaceAll("(?s).*\"value\":(\\d+)}}", "$1");
  }

  void bookmarks() {
    streams.forEach(Stream::bookmark);
  }

  // --- the faults ---

  void answerNext(Canned canned) {
    faults.add(() -> canned);
  }

  void refuseNext(int status, String reason) {
    answerNext(new Canned(status, Map.of(), status(status, reason)));
  }

  void failNextConnect() {
    faults.add(() -> null);
  }

  void throwNext() {
    faults.add(() -> {
      throw new IllegalStateException("a defect");
    });
  }

  void throwNext(Throwable thrown) {
    faults.add(() -> SimServer.<RuntimeException>sneak(thrown));
  }

  @SuppressWarnings({"unchecked", "TypeParameterUnusedInFormals"})
  private static <E extends Throwable> @Nullable Canned sneak(Throwable thrown) throws E {
    throw (E) thrown;
  }

  /** The next request is never answered. */
  void hangNext() {
    hang = true;
  }

  void breakNextWatchAfter(int bytes) {
    breakNextWatchAfter = bytes;
  }

  void endAll() {
    List.copyOf(streams).forEach(Stream::end);
  }

  void breakAll() {
    List.copyOf(streams).forEach(Stream::breakOff);
  }

  void silenceAll() {
    List.copyOf(streams).forEach(stream -> stream.mute = true);
  }

  void errorAll(int code, String reason) {
    streams.forEach(
        stream -> stream.raw("{\"type\":\"ERROR\",\"object\":" + status(code, reason) + "}\n"));
  }

  /** From now on the streams bring one line, which grows for ever, and nothing ends them. */
  void beginLineWithoutEnd() {
    for (Stream stream : List.copyOf(streams)) {
      stream.raw("{\"type\":\"ADDED\",\"object\":\"");
      stream.mute = true;
      grow(stream);
    }
  }

  private void grow(Stream stream) {
    if (!stream.closed) {
      stream.pending.write('x');
      time.schedule(Duration.ofSeconds(10).toNanos(), () -> grow(stream));
    }
  }

  void rawAll(String text) {
    streams.forEach(stream -> stream.raw(text));
  }

  /** An event on every stream: what it says of an object need not be true. */
  void event(String type, ObjectKey key, String uid, long ofVersion) {
    rawAll(
        "{\"type\":\""
            + type
            + "\",\"object\":{\"metadata\":{\"name\":\""
            + key.name()
            + "\",\"namespace\":\""
            + key.namespace()
            + "\",\"uid\":\""
            + uid
            + "\",\"resourceVersion\":\""
            + ofVersion
            + "\"}}}\n");
  }

  /** A state that an object had before, on every stream. */
  void outdated(ObjectKey key) {
    Stored now = objects.get(key);
    if (now != null) {
      event("MODIFIED", key, now.uid, now.version - 1);
    }
  }

  /** The last event once more, on every stream. */
  void repeatLast() {
    if (!history.isEmpty()) {
      Event last = history.get(history.size() - 1);
      streams.forEach(stream -> stream.raw(frame(last.type, body(last.key, last.object))));
    }
  }

  static String status(int code, String reason) {
    return "{\"kind\":\"Status\",\"apiVersion\":\"v1\",\"metadata\":{},\"status\":\"Failure\","
        + "\"message\":\"made up\",\"reason\":\""
        + reason
        + "\",\"code\":"
        + code
        + "}";
  }

  // --- the protocol ---

  @Override
  public Response send(Request request) throws IOException, InterruptedException {
    requests++;
    Map<String, String> query = query(request.path());
    log.add(request.path());
    if (hang) {
      hang = false;
      while (!Thread.interrupted()) {
        if (!time.advanceToNext()) {
          throw new IllegalStateException("a request that nothing will ever end");
        }
      }
      throw new InterruptedException();
    }
    Supplier<@Nullable Canned> fault = faults.poll();
    if (fault != null) {
      Canned canned = fault.get();
      if (canned == null) {
        throw new java.net.ConnectException("Connection refused");
      }
      return new Whole(canned.status, canned.headers, canned.body);
    }
    String path = request.path();
    if (path.contains("/namespaces/")) {
      String[] parts = path.split("/", -1);
      ObjectKey key = ObjectKey.of(parts[4], parts[6]);
      return objects.containsKey(key)
          ? new Whole(200, Map.of(), body(key, objects.get(key)))
          : new Whole(404, Map.of(), status(404, "NotFound"));
    }
    return query.containsKey("watch") ? watch(query) : list(query);
  }

  private Response list(Map<String, String> query) {
    lists++;
    int limit = Integer.parseInt(query.getOrDefault("limit", "0"));
    String token = query.getOrDefault("continue", "");
    List<Event> rest;
    String at;
    int from = 0;
    if (token.isEmpty()) {
      rest = new ArrayList<>();
      objects.forEach((key, object) -> rest.add(new Event("", key, object)));
      at = Long.toString(version);
    } else {
      List<Event> known = pages.get(token);
      if (known == null) {
        return new Whole(410, Map.of(), status(410, "Expired"));
      }
      rest = known;
      String[] parts = token.split(":", -1);
      at = parts[0];
      from = Integer.parseInt(parts[1]);
    }
    int to = limit == 0 ? rest.size() : Math.min(rest.size(), from + limit);
    String next = "";
    if (to < rest.size()) {
      next = at + ":" + to + ":" + requests;
      pages.put(next, rest);
    }
    StringBuilder items = new StringBuilder("\"items\":[");
    for (int i = from; i < to; i++) {
      items.append(i == from ? "" : ",").append(body(rest.get(i).key, rest.get(i).object));
    }
    items.append(']');
    String metadata =
        "\"metadata\":{\"resourceVersion\":\""
            + at
            + "\""
            + (next.isEmpty() ? "" : ",\"continue\":\"" + next + "\"")
            + "}";
    String types = "\"kind\":\"WidgetList\",\"apiVersion\":\"v1\"";
    return new Whole(
        200,
        Map.of(),
        sorted
            ? "{" + items + "," + types + "," + metadata + "}"
            : "{" + types + "," + metadata + "," + items + "}");
  }

  private Response watch(Map<String, String> query) {
    watches++;
    Duration timeout = Duration.ofSeconds(Long.parseLong(query.get("timeoutSeconds")));
    boolean initial = query.containsKey("sendInitialEvents");
    if (initial && !streamingLists) {
      return new Whole(422, Map.of(), status(422, "Invalid"));
    }
    Stream stream = new Stream();
    if (initial) {
      objects.forEach((key, object) -> stream.send(new Event("ADDED", key, object)));
      stream.raw(
          frame(
              "BOOKMARK",
              "{\"kind\":\"Widget\",\"apiVersion\":\"v1\",\"metadata\":{\"resourceVersion\":\""
                  + version
                  + "\",\"annotations\":{\"k8s.io/initial-events-end\":\"true\"}}}"));
    } else {
      long from = Long.parseLong(query.get("resourceVersion"));
      if (from < compacted) {
        if (gen.nextBoolean()) {
          return new Whole(410, Map.of(), status(410, "Gone"));
        }
        if (gen.nextBoolean()) {
          return new Whole(200, Map.of(), status(410, "Expired") + "\n");
        }
        return new Whole(
            200, Map.of(), "{\"type\":\"ERROR\",\"object\":" + status(410, "Expired") + "}\n");
      }
      stream.after = from;
      history.stream().filter(event -> event.object.version > from).forEach(stream::send);
    }
    streams.add(stream);
    if (breakNextWatchAfter >= 0) {
      stream.breakAfter = breakNextWatchAfter;
      breakNextWatchAfter = -1;
    }
    time.schedule(timeout.toNanos(), stream::end);
    return stream;
  }

  private String frame(String type, String object) {
    return "{\"type\":\"" + type + "\",\"object\":" + object + "}\n";
  }

  private String body(ObjectKey key, Stored object) {
    String managed = "\"managedFields\":[{\"manager\":\"m\",\"fieldsV1\":{\"f:spec\":{}}}]";
    if (sorted) {
      return "{\"apiVersion\":\"v1\",\"kind\":\"Widget\",\"metadata\":{\"annotations\":{\"last\":\""
          + "{\\\"metadata\\\":{\\\"name\\\":\\\"no\\\"}}\"},"
          + managed
          + ",\"name\":\""
          + key.name()
          + "\",\"namespace\":\""
          + key.namespace()
          + "\",\"resourceVersion\":\""
          + object.version
          + "\",\"uid\":\""
          + object.uid
          + "\"},\"spec\":{\"name\":\"x\",\"value\":"
          + object.value
          + "}}";
    }
    return "{\"metadata\":{\"name\":\""
        + key.name()
        + "\",\"namespace\":\""
        + key.namespace()
        + "\",\"uid\":\""
        + object.uid
        + "\",\"resourceVersion\":\""
        + object.version
        + "\",\"labels\":{\"\\u006eame\":\"uid\\\"\",\"gr\u00fc\u00df\\ud83d\\udea2\":\"\u4f60\u597d\",\"v\":\""
        + object.value
        + "\"},"
        + managed
        + "},\"spec\":{\"metadata\":{\"name\":\"x\"},\"value\":"
        + object.value
        + "}}";
  }

  private static Map<String, String> query(String path) {
    Map<String, String> query = new HashMap<>();
    int mark = path.indexOf('?');
    if (mark >= 0) {
      for (String part : path.substring(mark + 1).split("&", -1)) {
        int equals = part.indexOf('=');
        query.put(
            part.substring(0, equals),
            URLDecoder.decode(part.substring(equals + 1), StandardCharsets.UTF_8));
      }
    }
    return query;
  }

  @Override
  public void close() {}

  /** A body that is there at once, but may be cut. */
  private final class Whole extends InputStream implements Response {
    private final int status;
    private final Map<String, List<String>> headers;
    private final byte[] bytes;
    private final int cut;
    private int at;
    private boolean closed;

    Whole(int status, Map<String, List<String>> headers, String text) {
      this.status = status;
      this.headers = headers;
      this.bytes = text.getBytes(StandardCharsets.UTF_8);
      this.cut = cutAfter >= 0 && cutAfter < bytes.length ? cutAfter : Integer.MAX_VALUE;
      if (cut != Integer.MAX_VALUE) {
        cutAfter = -1;
      }
    }

    @Override
    public int status() {
      return status;
    }

    @Override
    public Map<String, List<String>> headers() {
      return headers;
    }

    @Override
    public InputStream body() {
      return this;
    }

    @Override
    public int read() {
      throw new UnsupportedOperationException();
    }

    @Override
    public int read(byte[] b, int offset, int length) throws IOException {
      if (closed) {
        throw new IOException("closed");
      }
      if (at >= cut) {
        throw new IOException("Connection reset");
      }
      if (at == bytes.length) {
        return -1;
      }
      int count =
          Math.min(Math.min(length, 1 + gen.nextInt(3000)), Math.min(cut, bytes.length) - at);
      System.arraycopy(bytes, at, b, offset, count);
      at += count;
      return count;
    }

    @Override
    public void close() {
      closed = true;
    }
  }

  /** A watch. */
  private final class Stream extends InputStream implements Response {
    private final ByteArrayOutputStream pending = new ByteArrayOutputStream();
    private byte[] current = new byte[0];
    private int at;
    private boolean ended;
    private boolean broken;
    private boolean closed;
    private boolean mute;
    private int breakAfter = Integer.MAX_VALUE;
    private long after;

    void send(Event event) {
      if (event.object.version > after) {
        String frame = frame(event.type, SimServer.this.body(event.key, event.object));
        if (corruptNextFrame) {
          corruptNextFrame = false;
          frame = frame.substring(0, frame.length() / 2) + "\n";
        }
        raw(frame);
      }
    }

    void bookmark() {
      raw(
          frame(
              "BOOKMARK",
              "{\"kind\":\"Widget\",\"apiVersion\":\"v1\",\"metadata\":{\"resourceVersion\":\""
                  + Math.max(version, after)
                  + "\"}}"));
    }

    void raw(String text) {
      if (!mute && !ended && !broken) {
        pending.writeBytes(text.getBytes(StandardCharsets.UTF_8));
      }
    }

    void end() {
      if (!mute) {
        ended = true;
        streams.remove(this);
      }
    }

    void breakOff() {
      broken = true;
      streams.remove(this);
      // What is on the way may still arrive in part, to the middle of a frame.
      byte[] left = pending.toByteArray();
      pending.reset();
      if (left.length > 0) {
        pending.write(left, 0, gen.nextInt(left.length));
      }
    }

    @Override
    public int status() {
      return 200;
    }

    @Override
    public Map<String, List<String>> headers() {
      return Map.of();
    }

    @Override
    public InputStream body() {
      return this;
    }

    @Override
    public int read() {
      throw new UnsupportedOperationException();
    }

    @Override
    public int read(byte[] b, int offset, int length) throws IOException {
      while (true) {
        if (closed) {
          throw new IOException("closed");
        }
        if (at == current.length && pending.size() > 0) {
          current = pending.toByteArray();
          at = 0;
          pending.reset();
        }
        if (breakAfter == 0) {
          streams.remove(this);
          throw new IOException("Connection reset");
        }
        if (at < current.length) {
          int count = Math.min(Math.min(length, 1 + gen.nextInt(2000)), current.length - at);
          count = Math.min(count, breakAfter);
          breakAfter = breakAfter == Integer.MAX_VALUE ? breakAfter : breakAfter - count;
          System.arraycopy(current, at, b, offset, count);
          at += count;
          return count;
        }
        if (broken) {
          throw new IOException("Connection reset");
        }
        if (ended) {
          return -1;
        }
        if (!time.advanceToNext()) {
          throw new IllegalStateException("a read that nothing will ever end");
        }
      }
    }

    @Override
    public void close() {
      closed = true;
      streams.remove(this);
      if (closingThrows) {
        throw new IllegalStateException("a response that cannot be closed");
      }
    }
  }
}
