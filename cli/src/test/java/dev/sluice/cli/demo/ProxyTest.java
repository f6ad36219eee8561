package dev.sluice.cli.demo;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.flow.TimeSource;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(30)
class ProxyTest {
  private static final String WATCH = "/apis/g/v1/namespaces/ns/gauges?watch=true";

  private final FakeUpstream upstream = new FakeUpstream();
  private final HttpClient http = HttpClient.newHttpClient();
  private Proxy proxy;

  @BeforeEach
  void start() throws IOException {
    proxy = Proxy.start(upstream, TimeSource.system());
  }

  @AfterEach
  void stop() {
    proxy.close();
    http.close();
  }

  @Test
  void passesOnMethodPathQueryAndBody() throws Exception {
    HttpResponse<String> answer =
        http.send(
            request("/apis/g/v1/namespaces/a%20b/gauges?x=%2F&y")
                .header("Content-Type", "application/json")
                .method("POST", HttpRequest.BodyPublishers.ofString("{}"))
                .build(),
            BodyHandlers.ofString());

    assertThat(answer.statusCode()).isEqualTo(201);
    assertThat(answer.body()).isEqualTo("POST /apis/g/v1/namespaces/a%20b/gauges?x=%2F&y {}");
    assertThat(upstream.requests.getFirst().headers())
        .containsEntry("Content-Type", "application/json");
  }

  @Test
  void itsOwnTokenGoesNoFurther() throws Exception {
    get("/version");

    assertThat(upstream.requests.getFirst().headers()).doesNotContainKey("Authorization");
  }

  @Test
  void headersOfTheServerComeThroughButNotThatTheBodyWasPacked() throws Exception {
    HttpResponse<String> answer = get("/version");

    assertThat(answer.headers().map()).containsKey("x-kubernetes-pf-flowschema-uid");
    assertThat(answer.headers().map()).doesNotContainKey("content-encoding");
  }

  @Test
  void somebodyWithoutTheTokenIsTurnedAway() throws Exception {
    HttpResponse<String> answer =
        http.send(
            HttpRequest.newBuilder(proxy.url().resolve("/version"))
                .header("Authorization", "Bearer guessed")
                .build(),
            BodyHandlers.ofString());

    assertThat(answer.statusCode()).isEqualTo(401);
    assertThat(upstream.requests).isEmpty();
  }

  @Test
  void eachFrameArrivesWhenTheServerHasSentIt() throws Exception {
    try (InputStream stream = watch()) {
      for (String frame : new String[] {"{\"n\":1}\n", "{\"n\":2}\n"}) {
        upstream.watches.getFirst().send(frame);
        assertThat(new String(stream.readNBytes(frame.length()), StandardCharsets.UTF_8))
            .isEqualTo(frame);
      }
      upstream.watches.getFirst().send(FakeUpstream.END);
      assertThat(stream.read()).isEqualTo(-1);
    }
  }

  @Test
  void aCutBreaksTheStreamInTheMiddleOfAFrame() throws Exception {
    try (InputStream stream = watch()) {
      FakeUpstream.Watch watch = upstream.watches.getFirst();
      watch.send("{\"n\":1}\n");
      stream.readNBytes(8);

      List<Proxy.Stream> cut = proxy.cutStreams();
      watch.send("{\"n\":2}\n");

      assertThat(new String(stream.readNBytes(4), StandardCharsets.UTF_8)).isEqualTo("{\"n\"");
      assertThatThrownBy(stream::read).isInstanceOf(IOException.class);
      assertThat(cut).singleElement().matches(Proxy.Stream::isBroken);
    }
  }

  @Test
  void aStreamThatEndsBeforeItIsCutWasNotCut() throws Exception {
    try (InputStream stream = watch()) {
      upstream.watches.getFirst().send(FakeUpstream.END);
      List<Proxy.Stream> cut = proxy.cutStreams();

      assertThat(stream.read()).isEqualTo(-1);
      await(() -> cut.stream().allMatch(Proxy.Stream::isOver));
      assertThat(cut).noneMatch(Proxy.Stream::isBroken);
    }
  }

  @Test
  void aStreamWithoutFramesIsCutAllTheSame() throws Exception {
    try (InputStream stream = watch()) {
      proxy.cutStreams();

      assertThatThrownBy(stream::read).isInstanceOf(IOException.class);
      assertThat(upstream.watches.getFirst().closed).isTrue();
    }
  }

  @Test
  void aSilencedStreamStaysOpenAndDeliversNothing() throws Exception {
    try (InputStream stream = watch()) {
      FakeUpstream.Watch watch = upstream.watches.getFirst();
      watch.send("{\"n\":1}\n");
      stream.readNBytes(8);

      assertThat(proxy.silenceStreams()).isEqualTo(1);
      watch.send("{\"n\":2}\n");
      await(() -> proxy.openStreams() == 0);
      try (InputStream other = watch()) {
        upstream.watches.getLast().send("{\"n\":3}\n");
        other.readNBytes(8);
      }

      assertThat(stream.available()).isZero();
      proxy.close();
      assertThatThrownBy(stream::read).isInstanceOf(IOException.class);
    }
  }

  @Test
  void aThrottleAnswers429WithRetryAfterAndReachesNobody() throws Exception {
    proxy.throttle(Duration.ofSeconds(7));

    HttpResponse<String> answer = get("/apis/g/v1/namespaces/ns/gauges");

    assertThat(answer.statusCode()).isEqualTo(429);
    assertThat(answer.headers().firstValue("Retry-After")).hasValue("7");
    assertThat(upstream.requests).isEmpty();
    assertThat(proxy.calls().all()).singleElement().matches(Call::throttled);
  }

  @Test
  void passesOnAgainWhenItHasRelented() throws Exception {
    proxy.throttle(Duration.ofSeconds(7));
    proxy.relent();

    assertThat(get("/version").statusCode()).isEqualTo(200);
  }

  @Test
  void aServerThatIsAwayIsA502ThatSaysSo() throws Exception {
    upstream.failure = new IOException("connection refused");

    HttpResponse<String> answer = get("/version");

    assertThat(answer.statusCode()).isEqualTo(502);
    assertThat(answer.body()).contains("connection refused");
  }

  @Test
  void requestsGoToTheServerItWasMovedTo() throws Exception {
    FakeUpstream other = new FakeUpstream();
    proxy.moveTo(other);

    get("/version");

    assertThat(upstream.requests).isEmpty();
    assertThat(other.requests).hasSize(1);
  }

  @Test
  void countsWhatItSees() throws Exception {
    get("/apis/g/v1/namespaces/ns/gauges");
    http.send(
        request("/apis/g/v1/namespaces/ns/gauges/a/status")
            .method("PATCH", HttpRequest.BodyPublishers.ofString("{}"))
            .build(),
        BodyHandlers.ofString());

    assertThat(proxy.calls().byVerbAndResource())
        .containsOnly(
            java.util.Map.entry("list gauges", 1L), java.util.Map.entry("patch gauges/status", 1L));
    assertThat(proxy.calls().writes()).isEqualTo(1);
  }

  private HttpResponse<String> get(String path) throws Exception {
    return http.send(request(path).build(), BodyHandlers.ofString());
  }

  private InputStream watch() throws Exception {
    return http.send(request(WATCH).build(), BodyHandlers.ofInputStream()).body();
  }

  private HttpRequest.Builder request(String path) {
    return HttpRequest.newBuilder(URI.create(proxy.url() + path))
        .header("Authorization", "Bearer " + proxy.token());
  }

  private static void await(java.util.function.BooleanSupplier what) {
    long end = System.nanoTime() + Duration.ofSeconds(10).toNanos();
    while (!what.getAsBoolean()) {
      assertThat(System.nanoTime() - end).isNegative();
      Thread.onSpinWait();
    }
  }
}
