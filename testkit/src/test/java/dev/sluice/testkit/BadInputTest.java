package dev.sluice.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayInputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.stream.Stream;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Named;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** What is wrong is said at once, with the value. */
class BadInputTest {

  private static Arguments wrong(String says, ThrowingCallable call) {
    return Arguments.of(Named.of(says, call), says);
  }

  static Stream<Arguments> wrong() {
    Duration negative = Duration.ofSeconds(-1);
    Duration endless = Duration.ofSeconds(Long.MAX_VALUE);
    return Stream.of(
        wrong("from 0 to 65535, not -1", () -> ApiServer.builder().port(-1)),
        wrong("from 0 to 65535, not 65536", () -> ApiServer.builder().port(65536)),
        wrong("at least 1 event, not 0", () -> ApiServer.builder().history(0)),
        wrong("at least 1 event, not -5", () -> ApiServer.builder().watchBuffer(-5)),
        wrong("not PT0S", () -> ApiServer.builder().bookmarkInterval(Duration.ZERO)),
        wrong("not PT-1S", () -> ApiServer.builder().minimumWatch(negative)),
        wrong("3650 days", () -> ApiServer.builder().minimumWatch(endless)),
        wrong("not PT-1S", () -> ApiServer.builder().certificateValidity(negative)),
        wrong("0 characters", () -> ApiServer.builder().adminToken("")),
        wrong("printable ASCII", () -> ApiServer.builder().adminToken("a b")),
        wrong("not ' '", () -> ApiServer.builder().user(" ", "t")),
        wrong("'admin' already", () -> ApiServer.builder().user("admin", "t")),
        wrong("'bob' already", () -> ApiServer.builder().user("bob", "t").user("bob", "u")),
        wrong(
            "another user's already",
            () -> ApiServer.builder().user("bob", "t").user("carol", "t")),
        wrong("another user's already", () -> ApiServer.builder().adminToken("t").user("b", "t")),
        wrong("delay must not be negative: PT-1S", () -> Fault.delay(negative)),
        wrong("3650 days", () -> Fault.delay(endless)),
        wrong("negative: PT-1S", () -> Fault.tooManyRequests(negative)),
        wrong("negative: PT-1S", () -> Fault.unavailable(negative)),
        wrong("from 400 to 599, not 200", () -> Fault.refuse(200, "", "")),
        wrong("negative: -1", () -> Fault.cutAfter(-1)),
        wrong("negative: -1", () -> Fault.stallAfter(-1)),
        wrong("negative: -1", () -> Fault.halfOpenAfter(-1)),
        wrong("at least 1 byte per second, not 0", () -> Fault.slowBody(0)),
        wrong("negative: -1", () -> Fault.garbageAfter(-1, "")),
        wrong("no end of line", () -> Fault.garbageAfter(0, "a\nb")),
        wrong("from 100 to 599, not 0", () -> Fault.errorEventAfter(0, 0, "", "", 0)),
        wrong("negative: -1", () -> Fault.errorEventAfter(-1, 410, "", "", 0)),
        wrong("negative: -1", () -> Fault.errorEventAfter(0, 410, "", "", -1)),
        wrong("negative: -1", () -> Fault.endAfter(-1)),
        wrong("no verb 'GET'", () -> RequestMatch.verb("GET")),
        wrong("from 1, not from 0", () -> RequestMatch.any().from(0)),
        wrong("from 1, not from 0", () -> RequestMatch.any().nth(0)),
        wrong("at least once, not 0 times", () -> RequestMatch.any().times(0)));
  }

  @ParameterizedTest
  @MethodSource
  void wrong(ThrowingCallable call, String says) {
    assertThatThrownBy(call)
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining(says);
  }

  @Test
  void aPortThatIsTakenIsNamedAndNothingIsLeftRunning() throws Exception {
    try (ServerSocket other = new ServerSocket(0, 1, InetAddress.getByName("127.0.0.1"))) {
      int port = other.getLocalPort();
      assertThatThrownBy(() -> ApiServer.builder().port(port).start())
          .isInstanceOf(UncheckedIOException.class)
          .hasMessageContaining("port " + port + " of 127.0.0.1 is taken")
          .hasMessageContaining("choose another port");
    }
  }

  @Test
  void aPortOfAnotherEmbeddedServerIsTakenEvenDuringItsOutage() {
    try (ApiServer other = ApiServer.start();
        Faults.Outage outage = other.faults().outage()) {
      assertThat(outage).isNotNull();
      int port = other.url().getPort();
      assertThatThrownBy(() -> ApiServer.builder().port(port).start())
          .hasMessageContaining("port " + port);
    }
  }

  @Test
  void aFileThatIsMissingIsNamed() {
    try (ApiServer server = ApiServer.start()) {
      assertThatThrownBy(() -> server.load(Path.of("no-such.yaml")))
          .isInstanceOf(UncheckedIOException.class)
          .hasMessageContaining("no-such.yaml");
    }
  }

  @Test
  void whatIsNoObjectIsNamedByItsPlace() {
    try (ApiServer server = ApiServer.start()) {
      assertThatThrownBy(() -> server.load("[1, 2]"))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("Document 1 of the text is no object");
      assertThatThrownBy(() -> server.load("{apiVersion: v1, kind: List, items: [1]}"))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("Document 1 of the text has an item that is no object");
      assertThatThrownBy(() -> server.load("{apiVersion: v1, kind: Nonsense, metadata: {name: a}}"))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("Nonsense 'a'");
    }
  }

  @Test
  void whatStandsBeforeARefusedObjectHasBeenLoaded() {
    String two =
        """
        apiVersion: v1
        kind: ConfigMap
        metadata: {name: good, namespace: default}
        ---
        apiVersion: v1
        kind: ConfigMap
        metadata: {name: Not_Good, namespace: default}
        """;
    try (ApiServer server = ApiServer.start();
        Http http = new Http(server)) {
      assertThatThrownBy(
              () -> server.load(new ByteArrayInputStream(two.getBytes(StandardCharsets.UTF_8))))
          .hasMessageContaining("Document 2 of the stream (ConfigMap 'Not_Good') was refused");
      assertThat(http.get("/api/v1/namespaces/default/configmaps/good").status()).isEqualTo(200);
    }
  }
}
