package dev.sluice.kube;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * A server in memory, for tests with real threads: LIST and WATCH of one kind, and canned answers
 * for everything else.
 */
final class FakeApi implements Transport {
  private static final Pattern ONE =
      Pattern.compile("/api/v1/namespaces/([^/]*)/(?:pods|secrets)/([^/]*)");
  static final ResourceKind PODS = ResourceKind.namespaced("", "v1", "pods", "Pod");

  private record Stored(String uid, long version, String spec, String metadata) {}

  private record Event(String namespace, long version, String frame) {}

  record Canned(int status, Map<String, List<String>> headers, String body) {
    static Canned ok(String body) {
      return new Canned(200, Map.of(), body);
    }
  }

  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();
  private final TreeMap<ObjectKey, Stored> objects = new TreeMap<>();
  private final List<Event> history = new ArrayList<>();
  private final List<Watch> watches = new ArrayList<>();
  private final Map<String, Deque<Canned>> canned = new TreeMap<>();
  private long version = 100;
  private long uids;
  private boolean mute;
  final ConcurrentLinkedQueue<Request> requests = new ConcurrentLinkedQueue<>();

  void put(String name, String spec) {
    put("ns", name, spec);
  }

  void put(String namespace, String name, String spec) {
    put(namespace, name, spec, "");
  }

  /** Puts an object with more metadata: {@code "generation":3,}, with a comma at its end. */
  void put(String namespace, String name, String spec, String metadata) {
    lock.lock();
    try {
      ObjectKey key = ObjectKey.of(namespace, name);
      Stored before = objects.get(key);
      Stored now =
          new Stored(before == null ? "uid-" + ++uids : before.uid, ++version, spec, metadata);
      objects.put(key, now);
      event(before == null ? "ADDED" : "MODIFIED", key, now);
    } finally {
      lock.unlock();
    }
  }

  void delete(String name) {
    delete("ns", name);
  }

  void delete(String namespace, String name) {
    lock.lock();
    try {
      ObjectKey key = ObjectKey.of(namespace, name);
      Stored before = objects.remove(key);
      if (before != null) {
        event("DELETED", key, new Stored(before.uid, ++version, before.spec, before.metadata));
      }
    } finally {
      lock.unlock();
    }
  }

  /** Changes an object without an event, as a stream misses one. */
  void putUnseen(String name, String spec) {
    unseen(() -> put(name, spec));
  }

  /** Deletes an object without an event. */
  void deleteUnseen(String name) {
    unseen(() -> delete(name));
  }

  private void unseen(Runnable change) {
    lock.lock();
    try {
      mute = true;
      change.run();
    } finally {
      mute = false;
      lock.unlock();
    }
  }

  private void event(String type, ObjectKey key, Stored object) {
    if (mute) {
      return;
    }
    history.add(
        new Event(
            key.namespace(),
            object.version,
            "{\"type\":\"" + type + "\",\"object\":" + json(key, object) + "}\n"));
    changed.signalAll();
  }

  private static String json(ObjectKey key, Stored object) {
    return "{\"kind\":\"Pod\",\"apiVersion\":\"v1\",\"metadata\":{"
        + object.metadata
        + "\"name\":\""
        + key.name()
        + "\",\"namespace\":\""
        + key.namespace()
        + "\",\"uid\":\""
        + object.uid
        + "\",\"resourceVersion\":\""
        + object.version
        + "\"},\"spec\":\""
        + object.spec
        + "\"}";
  }

  /** The version of the last change. */
  String version() {
    lock.lock();
    try {
      return Long.toString(version);
    } finally {
      lock.unlock();
    }
  }

  /** How many watches are open. */
  int watches() {
    lock.lock();
    try {
      return watches.size();
    } finally {
      lock.unlock();
    }
  }

  /** Cuts all watches in the middle. */
  void cut() {
    lock.lock();
    try {
      watches.forEach(watch -> watch.cut = true);
      changed.signalAll();
    } finally {
      lock.unlock();
    }
  }

  /** What a path is answered with, in turn; the last answer stays. */
  void answer(String methodAndPath, Canned... answers) {
    lock.lock();
    try {
      canned.put(methodAndPath, new ArrayDeque<>(List.of(answers)));
    } finally {
      lock.unlock();
    }
  }

  /** Takes canned answers away again. */
  void answerProperly(String methodAndPath) {
    lock.lock();
    try {
      canned.remove(methodAndPath);
    } finally {
      lock.unlock();
    }
  }

  @Override
  public Response send(Request request) throws IOException {
    request.guard().check();
    requests.add(request);
    lock.lock();
    try {
      String path = request.path().replaceAll("\\?.*", "");
      Deque<Canned> answers = canned.get(request.method() + " " + path);
      if (answers != null) {
        return new Whole(answers.size() > 1 ? answers.remove() : answers.element());
      }
      Matcher one = ONE.matcher(path);
      if (request.method().equals("GET") && one.matches()) {
        ObjectKey key = ObjectKey.of(one.group(1), one.group(2));
        Stored object = objects.get(key);
        if (object != null) {
          return new Whole(Canned.ok(json(key, object)));
        }
      }
      String namespace = path.replaceAll("/api/v1(/namespaces/([^/]*))?/(pods|secrets)", "$2");
      if (request.method().equals("GET") && !namespace.contains("/")) {
        return request.path().contains("watch=true")
            ? watch(request.path(), namespace)
            : list(
                namespace,
                request.path().contains("metadata.name%3D")
                    ? request.path().replaceAll(".*metadata.name%3D", "")
                    : "");
      }
      return new Whole(
          new Canned(
              404, Map.of(), "{\"kind\":\"Status\",\"message\":\"no such path\",\"code\":404}"));
    } finally {
      lock.unlock();
    }
  }

  /** A list of the objects of a namespace, or of all, or of the one of a name. */
  private Response list(String namespace, String name) {
    StringBuilder items = new StringBuilder();
    objects.forEach((key, object) -> {
      if ((namespace.isEmpty() || namespace.equals(key.namespace()))
          && (name.isEmpty() || name.equals(key.name()))) {
        items.append(items.isEmpty() ? "" : ",").append(json(key, object));
      }
    });
    return new Whole(
        Canned.ok(
            "{\"kind\":\"PodList\",\"metadata\":{\"resourceVersion\":\""
                + version
                + "\"},\"items\":["
                + items
                + "]}"));
  }

  private Response watch(String path, String namespace) {
    long after = Long.parseLong(path.replaceAll(".*resourceVersion=(\\d+).*", "$1"));
    Watch watch = new Watch(namespace, after);
    watches.add(watch);
    return watch;
  }

  @Override
  public void close() {}

  private record Whole(Canned canned) implements Response {
    @Override
    public int status() {
      return canned.status;
    }

    @Override
    public Map<String, List<String>> headers() {
      return canned.headers;
    }

    @Override
    public InputStream body() {
      return new ByteArrayInputStream(canned.body.getBytes(StandardCharsets.UTF_8));
    }

    @Override
    public void close() {}
  }

  private final class Watch extends InputStream implements Response {
    private final String namespace;
    private long after;
    private int next;
    private byte @Nullable [] current;
    private int at;
    private boolean cut;
    private boolean closed;

    Watch(String namespace, long after) {
      this.namespace = namespace;
      this.after = after;
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
      lock.lock();
      try {
        byte[] bytes = current;
        while (bytes == null) {
          if (closed || cut) {
            throw new IOException(cut ? "Connection reset" : "closed");
          }
          while (next < history.size() && bytes == null) {
            Event event = history.get(next++);
            if (event.version > after
                && (namespace.isEmpty() || namespace.equals(event.namespace))) {
              after = event.version;
              bytes = event.frame.getBytes(StandardCharsets.UTF_8);
            }
          }
          if (bytes == null) {
            changed.awaitUninterruptibly();
          }
        }
        int count = Math.min(length, bytes.length - at);
        System.arraycopy(bytes, at, b, offset, count);
        at += count;
        current = at == bytes.length ? null : bytes;
        at = current == null ? 0 : at;
        return count;
      } finally {
        lock.unlock();
      }
    }

    @Override
    public void close() {
      lock.lock();
      try {
        closed = true;
        watches.remove(this);
        changed.signalAll();
      } finally {
        lock.unlock();
      }
    }
  }
}
