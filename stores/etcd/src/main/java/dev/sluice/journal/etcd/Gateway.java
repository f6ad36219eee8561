package dev.sluice.journal.etcd;

import java.io.IOException;
import java.io.InterruptedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Collectors;
import javax.net.ssl.SSLContext;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.ObjectReadContext;
import tools.jackson.core.json.JsonFactory;

/**
 * Asks etcd through its JSON gateway, which every member has at the port for clients. Members are
 * tried one after the other, beginning with the one that answered last.
 *
 * @see <a href="https://etcd.io/docs/latest/dev-guide/api_grpc_gateway/">Why gRPC gateway</a>
 */
final class Gateway {
  private static final JsonFactory JSON = JsonFactory.builder().build();

  private static final int UNAUTHENTICATED = 16;
  private static final int UNAVAILABLE = 14;

  private final List<URI> endpoints;
  private final HttpClient client;
  private final String user;
  private final String password;
  private final Duration timeout;
  private volatile int first;
  private volatile @Nullable String token;

  Gateway(
      List<URI> endpoints,
      @Nullable SSLContext tls,
      String user,
      String password,
      Duration timeout) {
    this.endpoints = endpoints;
    this.user = user;
    this.password = password;
    this.timeout = timeout;
    HttpClient.Builder builder =
        HttpClient.newBuilder()
            .version(HttpClient.Version.HTTP_1_1)
            .connectTimeout(
                timeout.compareTo(Duration.ofSeconds(5)) < 0 ? timeout : Duration.ofSeconds(5));
    if (tls != null) {
      builder.sslContext(tls);
    }
    client = builder.build();
  }

  /** The members, for messages. */
  String where() {
    return endpoints.stream().map(URI::toString).collect(Collectors.joining(","));
  }

  /**
   * Asks.
   *
   * @param path of the method: {@code /v3/kv/range}
   * @param body the request, in JSON
   * @return the answer: maps, lists, texts and booleans
   * @throws IOException if no member answers, or etcd says no; the message has its words
   */
  Map<String, Object> ask(String path, String body) throws IOException {
    if (!user.isEmpty() && token == null) {
      authenticate();
    }
    try {
      return askMembers(path, body);
    } catch (Refused e) {
      // A token is good for five minutes.
      if (e.code != UNAUTHENTICATED || user.isEmpty() || path.endsWith("/authenticate")) {
        throw e;
      }
      authenticate();
      return askMembers(path, body);
    }
  }

  private void authenticate() throws IOException {
    token = null;
    Map<String, Object> answer =
        askMembers(
            "/v3/auth/authenticate",
            "{\"name\":" + quoted(user) + ",\"password\":" + quoted(password) + "}");
    token = String.valueOf(answer.get("token"));
  }

  private static String quoted(String text) {
    StringBuilder quoted = new StringBuilder("\"");
    for (char c : text.toCharArray()) {
      if (c == '"' || c == '\\' || c < ' ') {
        quoted.append(String.format("\\u%04x", (int) c));
      } else {
        quoted.append(c);
      }
    }
    return quoted.append('"').toString();
  }

  /** What etcd answered, and was not what was asked for. */
  private static final class Refused extends IOException {
    private static final long serialVersionUID = 1L;
    final int code;

    Refused(int code, String message) {
      super(message);
      this.code = code;
    }
  }

  private Map<String, Object> askMembers(String path, String body) throws IOException {
    IOException trouble = null;
    for (int i = 0; i < endpoints.size(); i++) {
      int member = (first + i) % endpoints.size();
      try {
        Map<String, Object> answer = askOne(endpoints.get(member), path, body);
        first = member;
        return answer;
      } catch (Refused e) {
        if (e.code != UNAVAILABLE) {
          throw e;
        }
        trouble = e;
      } catch (InterruptedIOException e) {
        throw e;
      } catch (IOException e) {
        trouble = new IOException(endpoints.get(member) + ": " + words(e), e);
      }
    }
    throw Objects.requireNonNull(trouble);
  }

  private static String words(IOException e) {
    return e.getMessage() == null ? e.getClass().getSimpleName() : String.valueOf(e.getMessage());
  }

  private Map<String, Object> askOne(URI endpoint, String path, String body) throws IOException {
    HttpRequest.Builder request =
        HttpRequest.newBuilder(endpoint.resolve(path))
            .timeout(timeout)
            .header("Content-Type", "application/json")
            .POST(HttpRequest.BodyPublishers.ofString(body));
    String present = token;
    if (present != null) {
      request.header("Authorization", present);
    }
    HttpResponse<byte[]> response;
    try {
      response = client.send(request.build(), HttpResponse.BodyHandlers.ofByteArray());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new InterruptedIOException("interrupted while asking " + endpoint);
    }
    Map<String, Object> answer;
    try {
      answer = object(response.body());
    } catch (IOException e) {
      throw new IOException(
          "HTTP "
              + response.statusCode()
              + ", and no JSON: is this etcd's port for clients, and the scheme right? It begins"
              + " with '"
              + new String(
                  response.body(), 0, Math.min(80, response.body().length), StandardCharsets.UTF_8)
              + "'",
          e);
    }
    if (response.statusCode() != 200) {
      Object code = answer.get("code");
      String message = String.valueOf(answer.getOrDefault("message", answer));
      throw new Refused(
          code == null ? -1 : Integer.parseInt(code.toString()), message + hint(message));
    }
    return answer;
  }

  private static String hint(String message) {
    if (message.contains("database space exceeded")) {
      return ". It is full: compact and defragment it, disarm the alarm, and let it compact itself"
          + " (--auto-compaction-retention)";
    }
    if (message.contains("permission denied")) {
      return ". The user needs a role with readwrite on the journal's prefix";
    }
    return "";
  }

  private static Map<String, Object> object(byte[] json) throws IOException {
    try (JsonParser parser = JSON.createParser(ObjectReadContext.empty(), json)) {
      parser.nextToken();
      if (value(parser) instanceof Map<?, ?> map) {
        @SuppressWarnings("unchecked") // all keys of JSON are texts
        Map<String, Object> object = (Map<String, Object>) map;
        return object;
      }
      throw new IOException("it is no object");
    } catch (JacksonException e) {
      throw new IOException(e.getMessage(), e);
    }
  }

  private static Object value(JsonParser parser) throws IOException {
    JsonToken token = parser.currentToken();
    if (token == null) {
      throw new IOException("it ends too early");
    }
    switch (token) {
      case START_OBJECT -> {
        Map<String, Object> object = new LinkedHashMap<>();
        while (parser.nextToken() == JsonToken.PROPERTY_NAME) {
          String name = parser.currentName();
          parser.nextToken();
          object.put(name, value(parser));
        }
        return object;
      }
      case START_ARRAY -> {
        List<Object> list = new ArrayList<>();
        while (parser.nextToken() != JsonToken.END_ARRAY) {
          list.add(value(parser));
        }
        return list;
      }
      case VALUE_TRUE, VALUE_FALSE -> {
        return token == JsonToken.VALUE_TRUE;
      }
      default -> {
        return parser.getString();
      }
    }
  }
}
