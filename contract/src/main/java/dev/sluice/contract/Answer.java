package dev.sluice.contract;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.http.HttpClient;
import java.net.http.HttpHeaders;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.zip.GZIPInputStream;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/**
 * What a server answered.
 *
 * @param request method and path, for messages
 * @param code the HTTP status
 * @param headers all of them
 * @param body the bytes as they came
 * @param protocol HTTP/1.1 or HTTP/2
 */
public record Answer(
    String request, int code, HttpHeaders headers, byte[] body, HttpClient.Version protocol) {

  /** This answer, after having checked its HTTP status. */
  public Answer expect(int wanted) {
    assertThat(code).as("%s answered %s", request, this).isEqualTo(wanted);
    return this;
  }

  /** As {@link #expect(int)}, for a Status with this reason as well. */
  public Answer expect(int wanted, String reason) {
    expect(wanted);
    assertThat(reason()).as("reason of %s, which answered %s", request, this).isEqualTo(reason);
    assertThat(json().at("/kind").asString("")).isEqualTo("Status");
    assertThat(json().at("/apiVersion").asString("")).isEqualTo("v1");
    assertThat(json().at("/status").asString("")).isEqualTo("Failure");
    assertThat(json().at("/code").asInt(0)).isEqualTo(wanted);
    return this;
  }

  /** The body as text, unzipped when it was gzipped. */
  public String text() {
    if (!headers.firstValue("Content-Encoding").orElse("").equals("gzip")) {
      return new String(body, StandardCharsets.UTF_8);
    }
    try (GZIPInputStream unzipped = new GZIPInputStream(new ByteArrayInputStream(body))) {
      return new String(unzipped.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  public JsonNode json() {
    try {
      return Json.parse(text());
    } catch (RuntimeException e) {
      throw new AssertionError(request + " did not answer with JSON but with: " + this, e);
    }
  }

  /** What stands at a JSON pointer; a missing node when nothing does. */
  public JsonNode at(String pointer) {
    return json().at(pointer);
  }

  /** The text at a JSON pointer, empty when there is none. */
  public String text(String pointer) {
    return at(pointer).asString("");
  }

  public String reason() {
    return text("/reason");
  }

  public String message() {
    return text("/message");
  }

  /**
   * Reason and field of each cause of a Status, for example {@code FieldValueInvalid spec.size}.
   */
  public List<String> causes() {
    List<String> causes = new ArrayList<>();
    for (JsonNode cause : at("/details/causes")) {
      causes.add(
          (cause.path("reason").asString("") + " " + cause.path("field").asString("")).strip());
    }
    return causes;
  }

  /** The resource version of the object or list. */
  public String version() {
    String version = text("/metadata/resourceVersion");
    assertThat(version).as("resourceVersion in %s", this).isNotEmpty();
    return version;
  }

  public long versionNumber() {
    return Long.parseLong(version());
  }

  public String uid() {
    return text("/metadata/uid");
  }

  public String name() {
    return text("/metadata/name");
  }

  /** The names of a list's items, in the order in which they came. */
  public List<String> names() {
    List<String> names = new ArrayList<>();
    for (JsonNode item : at("/items")) {
      names.add(item.at("/metadata/name").asString(""));
    }
    return names;
  }

  /** The continue token of a list, empty on its last page. */
  public String continuation() {
    return text("/metadata/continue");
  }

  public @Nullable String header(String name) {
    return headers.firstValue(name).orElse(null);
  }

  public String contentType() {
    return headers.firstValue("Content-Type").orElse("");
  }

  @Override
  public String toString() {
    String text = text();
    return "HTTP "
        + code
        + " "
        + contentType()
        + ": "
        + (text.length() > 2000 ? text.substring(0, 2000) + "..." : text);
  }
}
