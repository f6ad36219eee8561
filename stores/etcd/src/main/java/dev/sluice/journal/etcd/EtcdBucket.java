package dev.sluice.journal.etcd;

import dev.sluice.kube.JournalBucket;
import dev.sluice.kube.JournalStore.Pace;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Keys of etcd: a blob is a value, its tag the revision at which it was last written. */
final class EtcdBucket implements JournalBucket {
  private static final Pace PACE =
      new Pace(
          false,
          Duration.ofSeconds(2),
          Duration.ofMinutes(2),
          2,
          Duration.ofMinutes(2),
          16L << 20,
          Duration.ofSeconds(10));

  /** What one transaction may do (--max-txn-ops). */
  private static final int AT_ONCE = 100;

  private final Gateway gateway;
  private final String prefix;

  EtcdBucket(Gateway gateway, String prefix) {
    this.gateway = gateway;
    this.prefix = prefix + "/";
  }

  @Override
  public String where() {
    return "etcd " + gateway.where() + " under " + prefix;
  }

  @Override
  public Pace pace() {
    return PACE;
  }

  /** Half of what etcd takes in a request (--max-request-bytes, 1.5 MiB). */
  @Override
  public int partBytes() {
    return 768 << 10;
  }

  @Override
  public long totalBytes() {
    return 64 << 20;
  }

  private static String base64(byte[] bytes) {
    return "\"" + Base64.getEncoder().encodeToString(bytes) + "\"";
  }

  private String key(String name) {
    return base64((prefix + name).getBytes(StandardCharsets.UTF_8));
  }

  private Map<String, Object> ask(String what, String path, String body) throws IOException {
    try {
      return gateway.ask(path, body);
    } catch (IOException e) {
      throw new IOException(where() + ": cannot " + what + ": " + e.getMessage(), e);
    }
  }

  private static List<?> list(Map<?, ?> answer, String name) {
    return answer.get(name) instanceof List<?> list ? list : List.of();
  }

  private static String text(Map<?, ?> object, String name) {
    Object found = object.get(name);
    return found == null ? "" : found.toString();
  }

  @Override
  public Optional<Blob> get(String name) throws IOException {
    Map<String, Object> answer = ask("read " + name, "/v3/kv/range", "{\"key\":" + key(name) + "}");
    for (Object found : list(answer, "kvs")) {
      if (found instanceof Map<?, ?> pair) {
        return Optional.of(
            new Blob(Base64.getDecoder().decode(text(pair, "value")), text(pair, "mod_revision")));
      }
    }
    return Optional.empty();
  }

  @Override
  public void put(String name, byte[] bytes) throws IOException {
    ask(
        "write " + name,
        "/v3/kv/put",
        "{\"key\":" + key(name) + ",\"value\":" + base64(bytes) + "}");
  }

  @Override
  public Optional<String> replace(String name, byte[] bytes, Optional<String> tag)
      throws IOException {
    String revision = tag.orElse("0");
    if (!revision.matches("[0-9]{1,18}")) {
      return Optional.empty(); // of no key of etcd's
    }
    Map<String, Object> answer =
        ask(
            "replace " + name,
            "/v3/kv/txn",
            "{\"compare\":[{\"target\":\"MOD\",\"result\":\"EQUAL\",\"key\":"
                + key(name)
                + ",\"mod_revision\":\""
                + revision
                + "\"}],\"success\":[{\"request_put\":{\"key\":"
                + key(name)
                + ",\"value\":"
                + base64(bytes)
                + "}}]}");
    if (!Boolean.TRUE.equals(answer.get("succeeded"))) {
      return Optional.empty();
    }
    if (answer.get("header") instanceof Map<?, ?> header && header.containsKey("revision")) {
      return Optional.of(text(header, "revision"));
    }
    throw new IOException(where() + ": the answer to a transaction has no revision: " + answer);
  }

  @Override
  public void delete(Collection<String> names) throws IOException {
    List<String> all = List.copyOf(names);
    for (int from = 0; from < all.size(); from += AT_ONCE) {
      List<String> some = all.subList(from, Math.min(all.size(), from + AT_ONCE));
      List<String> deletes = new ArrayList<>();
      for (String name : some) {
        deletes.add("{\"request_delete_range\":{\"key\":" + key(name) + "}}");
      }
      ask(
          "delete " + some.size() + " keys",
          "/v3/kv/txn",
          "{\"success\":[" + String.join(",", deletes) + "]}");
    }
  }

  @Override
  public List<String> list() throws IOException {
    byte[] start = prefix.getBytes(StandardCharsets.UTF_8);
    byte[] end = Arrays.copyOf(start, start.length);
    end[end.length - 1]++; // the prefix ends with a slash
    Map<String, Object> answer =
        ask(
            "list",
            "/v3/kv/range",
            "{\"key\":" + base64(start) + ",\"range_end\":" + base64(end) + ",\"keys_only\":true}");
    List<String> names = new ArrayList<>();
    for (Object found : list(answer, "kvs")) {
      if (found instanceof Map<?, ?> pair) {
        String key =
            new String(Base64.getDecoder().decode(text(pair, "key")), StandardCharsets.UTF_8);
        names.add(key.substring(prefix.length()));
      }
    }
    return names;
  }
}
