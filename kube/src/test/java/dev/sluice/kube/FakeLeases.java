package dev.sluice.kube;

import dev.sluice.kube.internal.json.JsonTree;
import dev.sluice.kube.internal.json.MalformedJsonException;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.jspecify.annotations.Nullable;

/** A server that has one Lease, and takes note of everything else that is sent to it. */
final class FakeLeases implements Transport {
  final ConcurrentLinkedQueue<String> others = new ConcurrentLinkedQueue<>();
  private @Nullable Map<String, @Nullable Object> lease;
  private int version;
  private volatile boolean away;

  /** No request reaches the server. */
  void away(boolean is) {
    away = is;
  }

  synchronized String holder() {
    return lease == null
        ? "nobody"
        : JsonTree.text(JsonTree.child(lease, "spec"), "holderIdentity");
  }

  @Override
  public synchronized Response send(Request request) throws IOException {
    request.guard().check();
    if (!request.path().contains("/leases")) {
      others.add(request.method() + " " + request.path());
      return answer(200, "{}".getBytes(java.nio.charset.StandardCharsets.UTF_8));
    }
    if (away) {
      throw new IOException("no route to the server");
    }
    try {
      if (!request.method().equals("GET")) {
        Map<String, @Nullable Object> wanted = JsonTree.object(request.body());
        Map<String, @Nullable Object> metadata =
            new LinkedHashMap<>(JsonTree.child(wanted, "metadata"));
        String bound = JsonTree.text(metadata, "resourceVersion");
        if (request.method().equals("POST") ? lease != null : !bound.equals("" + version)) {
          return answer(409, new byte[0]);
        }
        metadata.put("resourceVersion", "" + ++version);
        metadata.put("uid", "u");
        wanted.put("metadata", metadata);
        lease = wanted;
      }
      return lease == null ? answer(404, new byte[0]) : answer(200, JsonTree.write(lease));
    } catch (MalformedJsonException e) {
      throw new AssertionError(e);
    }
  }

  @Override
  public void close() {}

  private static Response answer(int status, byte[] body) {
    return new Response() {
      @Override
      public int status() {
        return status;
      }

      @Override
      public Map<String, List<String>> headers() {
        return Map.of();
      }

      @Override
      public InputStream body() {
        return new ByteArrayInputStream(body);
      }

      @Override
      public void close() {}
    };
  }
}
