package dev.sluice.kube.internal.store;

import dev.sluice.flow.TimeSource;
import dev.sluice.kube.Compression;
import dev.sluice.kube.Index;
import dev.sluice.kube.Projection;
import dev.sluice.kube.internal.json.MalformedJsonException;
import dev.sluice.kube.internal.json.ObjectScanner;
import dev.sluice.modeltest.Gen;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** A store and pods to put into it. */
final class StoredPods {
  private static final String[] WORDS = {
    "registry", "sidecar", "frontend", "backend", "cache", "queue", "worker", "gateway"
  };

  final ObjectStore store;
  private final ObjectScanner scanner = new ObjectScanner();
  private long version = 1000;

  StoredPods(ObjectStore store) {
    this.store = store;
  }

  static StoreOptions options(@Nullable Compression compression, Index... indexes) {
    return new StoreOptions(
        "pods",
        true,
        "\"kind\":\"Pod\",\"apiVersion\":\"v1\",",
        Projection.WHOLE,
        List.of(indexes),
        Duration.ofSeconds(30),
        compression,
        TimeSource.system());
  }

  /** A pod of about 2 KB, of words if it is alike others, or of random digits. */
  static String json(int i, long version, Gen gen, boolean alike) {
    StringBuilder json = new StringBuilder(2500);
    json.append("{\"metadata\":{\"name\":\"pod-")
        .append(i)
        .append("\",\"namespace\":\"team-")
        .append(i % 5)
        .append("\",\"uid\":\"")
        .append(new java.util.UUID(0x1234_5678_9abc_4defL, i + 0x8000_0000_0000_0000L))
        .append("\",\"resourceVersion\":\"")
        .append(version)
        .append("\",\"generation\":")
        .append(1 + i % 3)
        .append(",\"labels\":{\"app\":\"")
        .append(WORDS[i % WORDS.length])
        .append("\"}},\"spec\":{\"nodeName\":\"node-")
        .append(gen.nextInt(10))
        .append("\",\"env\":[");
    for (int e = 0; e < 24; e++) {
      json.append(e == 0 ? "" : ",")
          .append("{\"name\":\"SETTING_")
          .append(alike ? "OF_" + WORDS[e % WORDS.length] : Long.toHexString(gen.nextLong()))
          .append("\",\"value\":\"")
          .append(alike ? WORDS[gen.nextInt(WORDS.length)] : Long.toHexString(gen.nextLong()))
          .append(".svc.cluster.local\"}");
    }
    return json.append("]}}").toString();
  }

  Difference put(String json) {
    byte[] bytes = json.getBytes(StandardCharsets.UTF_8);
    try {
      scanner.scanObject(bytes, 0, bytes.length);
    } catch (MalformedJsonException e) {
      throw new AssertionError(e);
    }
    return store.put(scanner);
  }

  String put(int i, Gen gen, boolean alike) {
    String json = json(i, ++version, gen, alike);
    put(json);
    return "{\"kind\":\"Pod\",\"apiVersion\":\"v1\"," + json.substring(1);
  }

  long nextVersion() {
    return ++version;
  }
}
