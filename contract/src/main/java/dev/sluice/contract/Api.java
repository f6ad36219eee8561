package dev.sluice.contract;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.UUID;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/**
 * The server as one case sees it: sends the case's requests and keeps the transcript.
 *
 * <p>In paths and bodies {@code {ns}} stands for a namespace of the case's own, made when it is
 * first named, and {@code {group}} for an API group of its own. Query parameters are given as
 * {@code name=value}, not yet encoded. Bodies are written as {@link Json#of} reads them, except in
 * {@link #send}.
 *
 * <p>One thread at a time.
 */
public final class Api implements AutoCloseable {
  public static final String CONFIG_MAPS = "/api/v1/namespaces/{ns}/configmaps";
  public static final String SECRETS = "/api/v1/namespaces/{ns}/secrets";
  public static final String PODS = "/api/v1/namespaces/{ns}/pods";
  public static final String SERVICES = "/api/v1/namespaces/{ns}/services";
  public static final String EVENTS = "/api/v1/namespaces/{ns}/events";
  public static final String DEPLOYMENTS = "/apis/apps/v1/namespaces/{ns}/deployments";
  public static final String LEASES = "/apis/coordination.k8s.io/v1/namespaces/{ns}/leases";
  public static final String CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";

  /**
   * A kind that the suite brings itself, see {@code widgets.json}; shared by all cases, so its
   * schema stays as it is.
   */
  public static final String WIDGETS = "/apis/contract.sluice.dev/v1/namespaces/{ns}/widgets";

  public static final String JSON = "application/json";
  public static final String JSON_PATCH = "application/json-patch+json";
  public static final String MERGE_PATCH = "application/merge-patch+json";
  public static final String STRATEGIC_PATCH = "application/strategic-merge-patch+json";
  public static final String METADATA_ONLY =
      "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1";
  public static final String METADATA_ONLY_LIST =
      "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1";

  private final Target target;
  private final Transcript transcript;
  private final List<Watch> watches = new ArrayList<>();
  private final String unique;
  private boolean recording = true;
  private boolean namespaceExists;

  Api(Target target, String caseName) {
    this.target = target;
    this.transcript = new Transcript();
    String words = caseName.toLowerCase(Locale.ROOT).replaceAll("[^a-z0-9]+", "-");
    this.unique =
        words.substring(0, Math.min(words.length(), 40)).replaceAll("-$", "")
            + "-"
            + UUID.randomUUID().toString().substring(0, 6);
    transcript.mask(unique, "{ns}");
    transcript.mask(group(), "{group}");
  }

  // ---- names

  /** The case's namespace. */
  public String ns() {
    if (!namespaceExists) {
      namespaceExists = true;
      quietly(() -> post("/api/v1/namespaces", "{metadata: {name: '" + unique + "'}}").expect(201));
    }
    return unique;
  }

  /** The case's API group. */
  public String group() {
    return unique + ".contract.sluice.dev";
  }

  /** Keeps a value that differs from run to run out of the transcript. */
  public void mask(String value, String placeholder) {
    transcript.mask(value, placeholder);
  }

  /** Puts something worth comparing into the transcript. */
  public void note(String line) {
    if (recording) {
      transcript.add(line);
    }
  }

  /**
   * Puts an object, or a part of one, into the transcript as a whole; managed fields and versions
   * are left out.
   */
  public void show(String what, JsonNode json) {
    note(what + ": " + Transcript.shown(json));
  }

  /**
   * Does something that does not go into the transcript: it is not what the case is about, or its
   * number of steps varies.
   */
  public void quietly(Runnable action) {
    boolean before = recording;
    recording = false;
    try {
      action.run();
    } finally {
      recording = before;
    }
  }

  /** Waits until the condition holds; what it asks the server stays out of the transcript. */
  public void await(String what, BooleanSupplier condition) {
    await(what, Watch.PATIENCE, condition);
  }

  public void await(String what, Duration patience, BooleanSupplier condition) {
    long deadline = System.nanoTime() + patience.toNanos();
    quietly(() -> {
      while (!condition.getAsBoolean()) {
        if (System.nanoTime() > deadline) {
          throw new AssertionError("not within " + patience + ": " + what);
        }
        try {
          // Between two questions to a server: there is nothing to be woken by.
          Thread.sleep(Math.clamp(patience.toMillis() / 800, 1, 1_000));
        } catch (InterruptedException e) {
          Thread.currentThread().interrupt();
          throw new AssertionError("interrupted", e);
        }
      }
    });
  }

  // ---- requests

  public Answer get(String path, String... parameters) {
    return send("GET", query(path, parameters), null);
  }

  public Answer getAs(String accept, String path, String... parameters) {
    return send("GET", query(path, parameters), null, "Accept", accept);
  }

  public Answer post(String path, String body, String... parameters) {
    return send("POST", query(path, parameters), Json.wire(expand(body)), "Content-Type", JSON);
  }

  public Answer post(String path, JsonNode body) {
    return send("POST", path, body.toString(), "Content-Type", JSON);
  }

  public Answer put(String path, String body, String... parameters) {
    return send("PUT", query(path, parameters), Json.wire(expand(body)), "Content-Type", JSON);
  }

  public Answer put(String path, JsonNode body, String... parameters) {
    return send("PUT", query(path, parameters), body.toString(), "Content-Type", JSON);
  }

  public Answer patch(String type, String path, String body, String... parameters) {
    return send("PATCH", query(path, parameters), Json.wire(expand(body)), "Content-Type", type);
  }

  public Answer delete(String path, String... parameters) {
    return send("DELETE", query(path, parameters), null);
  }

  public Answer deleteWith(String options, String path, String... parameters) {
    return send(
        "DELETE", query(path, parameters), Json.wire(expand(options)), "Content-Type", JSON);
  }

  /**
   * Sends anything.
   *
   * @param path path and query; only blanks and quotes need no encoding
   * @param body as it goes over the wire; null for none
   * @param headers name and value by turns; Accept is JSON and Authorization the target's token
   *     unless given; an empty value leaves the header out
   */
  public Answer send(String method, String path, @Nullable String body, String... headers) {
    return send(
        target.client(),
        method,
        path,
        body == null ? null : body.getBytes(StandardCharsets.UTF_8),
        headers);
  }

  public Answer send(
      HttpClient client, String method, String path, byte @Nullable [] body, String... headers) {
    Answer answer = exchange(client, method, path, body, headers);
    if (recording) {
      transcript.add(asked(method, path, headers) + " -> " + Transcript.summary(answer));
    }
    return answer;
  }

  /**
   * As {@link #send}, out of the transcript and from any thread; the path must be {@link
   * #expanded}.
   */
  public Answer unrecorded(String method, String path, byte @Nullable [] body, String... headers) {
    return exchange(target.client(), method, path, body, headers);
  }

  private Answer exchange(
      HttpClient client, String method, String path, byte @Nullable [] body, String... headers) {
    HttpRequest request = request(method, path, body, headers);
    try {
      HttpResponse<byte[]> response = client.send(request, BodyHandlers.ofByteArray());
      return new Answer(
          method + " " + path,
          response.statusCode(),
          response.headers(),
          response.body(),
          response.version());
    } catch (IOException e) {
      throw new AssertionError(method + " " + path + " was not answered: " + e, e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new AssertionError("interrupted", e);
    }
  }

  /** Opens a watch, which must be accepted. It is closed with the case at the latest. */
  public Watch watch(String path, String... parameters) {
    return watchAs(JSON, path, parameters);
  }

  public Watch watchAs(String accept, String path, String... parameters) {
    return openWatch(target.client(), accept, query(path, with("watch=1", parameters)));
  }

  /** As {@link #watch}, through a client of the case's own and with the whole query given. */
  public Watch openWatch(HttpClient client, String accept, String path) {
    String[] headers = {"Accept", accept};
    HttpRequest request = request("GET", path, null, headers);
    try {
      HttpResponse<InputStream> response = client.send(request, BodyHandlers.ofInputStream());
      if (response.statusCode() != 200) {
        throw new AssertionError(
            "WATCH "
                + path
                + " -> "
                + response.statusCode()
                + " "
                + new String(response.body().readAllBytes(), StandardCharsets.UTF_8));
      }
      if (recording) {
        transcript.add(
            asked("WATCH", path.replaceFirst("watch=1&|[?]watch=1$", ""), headers)
                + " -> 200"
                + (response.headers().firstValue("Content-Type").orElse("").equals(JSON)
                    ? ""
                    : " (" + response.headers().firstValue("Content-Type").orElse("none") + ")"));
      }
      Watch watch = new Watch("WATCH " + path, response.headers(), response.body(), this::note);
      watches.add(watch);
      return watch;
    } catch (IOException e) {
      throw new AssertionError("WATCH " + path + " was not answered: " + e, e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new AssertionError("interrupted", e);
    }
  }

  public Target target() {
    return target;
  }

  private HttpRequest request(
      String method, String path, byte @Nullable [] body, String... headers) {
    HttpRequest.Builder request =
        HttpRequest.newBuilder(URI.create(target.url() + encoded(expand(path))))
            .timeout(Duration.ofSeconds(90))
            .method(
                method,
                body == null
                    ? HttpRequest.BodyPublishers.noBody()
                    : HttpRequest.BodyPublishers.ofByteArray(body));
    boolean accept = false;
    boolean authorization = false;
    for (int i = 0; i < headers.length; i += 2) {
      accept |= headers[i].equalsIgnoreCase("Accept");
      authorization |= headers[i].equalsIgnoreCase("Authorization");
      if (!headers[i + 1].isEmpty()) {
        request.header(headers[i], headers[i + 1]);
      }
    }
    if (!accept) {
      request.header("Accept", JSON);
    }
    if (!authorization) {
      request.header("Authorization", "Bearer " + target.token());
    }
    return request.build();
  }

  private String expand(String text) {
    String expanded = text.contains("{ns}") ? text.replace("{ns}", ns()) : text;
    return expanded.replace("{group}", group());
  }

  /** The expanded form of a path, for a case that builds requests of its own. */
  public String expanded(String text) {
    return expand(text);
  }

  private static String asked(String method, String path, String[] headers) {
    StringBuilder line = new StringBuilder(method).append(' ').append(path);
    for (int i = 0; i < headers.length; i += 2) {
      if (headers[i].equalsIgnoreCase("Authorization")
          || (headers[i + 1].equals(JSON) && !method.equals("PATCH"))) {
        continue;
      }
      line.append(" (").append(headers[i]).append(": ").append(headers[i + 1]).append(')');
    }
    return line.toString();
  }

  private static String[] with(String first, String[] rest) {
    String[] all = new String[rest.length + 1];
    all[0] = first;
    System.arraycopy(rest, 0, all, 1, rest.length);
    return all;
  }

  private static String query(String path, String... parameters) {
    StringBuilder whole = new StringBuilder(path);
    String separator = path.contains("?") ? "&" : "?";
    for (String parameter : parameters) {
      whole
          .append(separator)
          .append(parameter.replace("%", "%25").replace("&", "%26").replace("+", "%2B"));
      separator = "&";
    }
    return whole.toString();
  }

  // Only what java.net.URI refuses: the cases' paths go over the wire as they are written.
  private static String encoded(String path) {
    StringBuilder encoded = new StringBuilder();
    for (byte b : path.getBytes(StandardCharsets.UTF_8)) {
      char c = (char) (b & 0xff);
      if (c <= ' ' || c >= 127 || "\"<>\\^`{|}[]".indexOf(c) >= 0) {
        encoded.append('%').append(String.format(Locale.ROOT, "%02X", (int) c));
      } else {
        encoded.append(c);
      }
    }
    return encoded.toString();
  }

  // ---- what many cases need

  /** Creates a ConfigMap with this name and {@code data: {k: 'v'}}; not part of the transcript. */
  public Answer configMap(String name) {
    return configMap(name, "{}");
  }

  /** As {@link #configMap(String)}, with these labels. */
  public Answer configMap(String name, String labels) {
    Answer[] created = new Answer[1];
    quietly(() ->
        created[0] =
            post(
                    CONFIG_MAPS,
                    "{metadata: {name: '" + name + "', labels: " + labels + "}, data: {k: 'v'}}")
                .expect(201));
    return created[0];
  }

  /** Changes a ConfigMap's data to {@code {k: value}}; not part of the transcript. */
  public Answer touch(String name, String value) {
    Answer[] changed = new Answer[1];
    quietly(() ->
        changed[0] =
            patch(MERGE_PATCH, CONFIG_MAPS + "/" + name, "{data: {k: '" + value + "'}}")
                .expect(200));
    return changed[0];
  }

  /** Creates a Widget; not part of the transcript. */
  public Answer widget(String name) {
    Answer[] created = new Answer[1];
    quietly(() ->
        created[0] =
            post(
                    WIDGETS,
                    "{apiVersion: 'contract.sluice.dev/v1', kind: 'Widget', metadata: {name: '"
                        + name
                        + "'}, spec: {size: 1}}")
                .expect(201));
    return created[0];
  }

  /**
   * Brings a namespaced kind of the case's own, {@code things.{group}}, kind Thing, version v1, and
   * waits until it is served; not part of the transcript.
   *
   * @param version the version's further fields: schema, subresources
   * @return the path of its objects in the case's namespace
   */
  public String things(String version) {
    quietly(() -> {
      post(CRDS, thingsDefinition(version)).expect(201);
      awaitServed("/apis/{group}/v1/things");
    });
    return "/apis/{group}/v1/namespaces/{ns}/things";
  }

  /** The CustomResourceDefinition that {@link #things} creates. */
  public String thingsDefinition(String version) {
    String fields = version.strip();
    return "{apiVersion: 'apiextensions.k8s.io/v1', kind: 'CustomResourceDefinition',"
        + " metadata: {name: 'things.{group}'}, spec: {group: '{group}', scope: 'Namespaced',"
        + " names: {plural: 'things', singular: 'thing', kind: 'Thing', listKind: 'ThingList'},"
        + " versions: [{name: 'v1', served: true, storage: true, "
        + fields.substring(1, fields.length() - 1)
        + "}]}}";
  }

  /** Waits until lists of a kind are answered, from the server's cache as well. */
  public void awaitServed(String path) {
    await(
        path + " is served",
        () -> get(path).code() == 200 && get(path, "resourceVersion=0").code() == 200);
  }

  /** Asserts that a resource version is a version: a number without leading zeros, more than 0. */
  public static void assertVersion(String version) {
    assertThat(version).matches("[1-9][0-9]*");
  }

  List<String> transcript() {
    return transcript.lines();
  }

  @Override
  public void close() {
    watches.forEach(Watch::close);
  }
}
