package dev.sluice.testkit;

import dev.sluice.testkit.internal.json.Json;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import javax.net.ssl.SSLContext;
import tools.jackson.databind.JsonNode;

/** A client that knows nothing but HTTP and JSON. */
final class Http implements AutoCloseable {
  private final HttpClient client;
  private final URI base;
  private final String token;

  Http(URI base, String token, HttpClient.Version version) {
    this.base = base;
    this.token = token;
    this.client = HttpClient.newBuilder().version(version).build();
  }

  /** Over TLS, trusting one authority. */
  Http(URI base, String token, HttpClient.Version version, SSLContext trust) {
    this.base = base;
    this.token = token;
    this.client = HttpClient.newBuilder().version(version).sslContext(trust).build();
  }

  Http(ApiServer server) {
    this(server.url(), server.adminToken(), HttpClient.Version.HTTP_1_1);
  }

  /** An answer: status, headers, and the body as JSON or as text. */
  record Answer(int status, java.net.http.HttpHeaders headers, String text) {
    JsonNode json() {
      try {
        return Json.parse(text.getBytes(StandardCharsets.UTF_8)).node();
      } catch (Json.MalformedException e) {
        throw new AssertionError("No JSON: " + text, e);
      }
    }

    String at(String pointer) {
      JsonNode node = json().at(pointer);
      return node.isString() ? node.stringValue() : node.isMissingNode() ? "" : node.toString();
    }
  }

  HttpRequest.Builder request(String path) {
    HttpRequest.Builder builder =
        HttpRequest.newBuilder(URI.create(base + path)).timeout(Duration.ofSeconds(30));
    if (!token.isEmpty()) {
      builder.header("Authorization", "Bearer " + token);
    }
    return builder;
  }

  Answer send(HttpRequest.Builder builder) {
    try {
      HttpResponse<String> response =
          client.send(builder.build(), HttpResponse.BodyHandlers.ofString());
      return new Answer(response.statusCode(), response.headers(), response.body());
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }

  Answer get(String path) {
    return send(request(path).GET());
  }

  Answer get(String path, String accept) {
    return send(request(path).header("Accept", accept).GET());
  }

  Answer post(String path, String body) {
    return send(method("POST", path, "application/json", body));
  }

  Answer put(String path, String body) {
    return send(method("PUT", path, "application/json", body));
  }

  Answer patch(String path, String type, String body) {
    return send(method("PATCH", path, type, body));
  }

  Answer merge(String path, String body) {
    return patch(path, "application/merge-patch+json", body);
  }

  Answer delete(String path) {
    return send(request(path).DELETE());
  }

  Answer delete(String path, String body) {
    return send(method("DELETE", path, "application/json", body));
  }

  HttpRequest.Builder method(String method, String path, String type, String body) {
    return request(path)
        .header("Content-Type", type)
        .method(method, HttpRequest.BodyPublishers.ofString(body));
  }

  /** Opens a watch. */
  Stream watch(String path) throws IOException, InterruptedException {
    HttpResponse<InputStream> response =
        client.send(request(path).GET().build(), HttpResponse.BodyHandlers.ofInputStream());
    return new Stream(response);
  }

  /** A watch, read frame by frame. */
  static final class Stream implements AutoCloseable {
    private final HttpResponse<InputStream> response;
    private final BufferedReader reader;

    private Stream(HttpResponse<InputStream> response) {
      this.response = response;
      this.reader =
          new BufferedReader(new InputStreamReader(response.body(), StandardCharsets.UTF_8));
    }

    int status() {
      return response.statusCode();
    }

    /** The next line; null at a clean end. Blocks. */
    @org.jspecify.annotations.Nullable
    String line() throws IOException {
      return reader.readLine();
    }

    /** Whether something is there to be read. */
    boolean ready() throws IOException {
      return reader.ready();
    }

    /** The next frame. Blocks. */
    JsonNode next() throws IOException {
      String line = reader.readLine();
      if (line == null) {
        throw new AssertionError("The stream has ended");
      }
      try {
        return Json.parse(line.getBytes(StandardCharsets.UTF_8)).node();
      } catch (Json.MalformedException e) {
        throw new AssertionError("No frame: " + line, e);
      }
    }

    /** The next frame as {@code TYPE name}. */
    String event() throws IOException {
      JsonNode frame = next();
      return frame.at("/type").asString() + " " + frame.at("/object/metadata/name").asString("");
    }

    /** All frames up to a clean end. */
    List<JsonNode> rest() throws IOException {
      List<JsonNode> frames = new ArrayList<>();
      String line;
      while ((line = reader.readLine()) != null) {
        try {
          frames.add(Json.parse(line.getBytes(StandardCharsets.UTF_8)).node());
        } catch (Json.MalformedException e) {
          throw new AssertionError("No frame: " + line, e);
        }
      }
      return frames;
    }

    @Override
    public void close() throws IOException {
      response.body().close();
    }
  }

  @Override
  public void close() {
    client.close();
  }
}
