package dev.sluice.kube;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.flow.Rate;
import dev.sluice.flow.RateLimiter;
import dev.sluice.flow.VirtualTime;
import dev.sluice.kube.FakeApi.Canned;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class WriterTest {
  private static final ObjectKey KEY = ObjectKey.of("ns", "a");
  private static final String PATH = "PUT /api/v1/namespaces/ns/pods/a/status";
  private static final byte[] BODY = "{\"status\":{}}".getBytes(StandardCharsets.UTF_8);
  private static final String OBJECT =
      "{\"kind\":\"Pod\",\"metadata\":{\"name\":\"a\",\"namespace\":\"ns\",\"uid\":\"u\",\"resourceVersion\":\"8\"}}";

  private final FakeApi api = new FakeApi();
  private final VirtualTime time = new VirtualTime();
  private final Writer writer =
      Writer.over(api)
          .limitedBy(RateLimiter.builder().time(time).tokenBucket(Rate.perSecond(10), 5))
          .time(time)
          .clock(() -> Instant.EPOCH.plus(time.elapsed()))
          .build();

  private static String status(int code, String reason) {
    return "{\"kind\":\"Status\",\"message\":\"said so\",\"reason\":\""
        + reason
        + "\",\"code\":"
        + code
        + "}";
  }

  private CompletableFuture<WriteResult> write() {
    CompletableFuture<WriteResult> result = new CompletableFuture<>();
    Thread.ofVirtual()
        .start(() -> {
          try {
            result.complete(writer.updateStatus(FakeApi.PODS, KEY, BODY));
          } catch (IOException | InterruptedException | RuntimeException e) {
            result.completeExceptionally(e);
          }
        });
    return result;
  }

  @Test
  void returnsTheObjectAsTheServerAnsweredIt() throws Exception {
    api.answer(PATH, Canned.ok(OBJECT));

    WriteResult result = writer.updateStatus(FakeApi.PODS, KEY, BODY);

    assertThat(result)
        .isInstanceOfSatisfying(
            WriteResult.Written.class,
            written -> {
              assertThat(written.resource().key()).isEqualTo(KEY);
              assertThat(written.resource().resourceVersion()).isEqualTo("8");
            });
    assertThat(result.outcome()).isEqualTo(Outcome.done());
    Transport.Request request = api.requests.element();
    assertThat(request.headers()).containsEntry("Content-Type", "application/json");
    assertThat(request.body()).isEqualTo(BODY);
  }

  @ParameterizedTest
  @CsvSource({
    "409, Conflict, Conflict, Retry",
    "404, NotFound, Gone, Done",
    "403, Forbidden, Rejected, Failed",
    "422, Invalid, Rejected, Failed",
    "500, InternalError, Rejected, Retry",
    "503, ServiceUnavailable, Rejected, Retry"
  })
  void makesOfARefusalWhatThereIsToDo(int code, String reason, String result, String outcome)
      throws Exception {
    api.answer(PATH, new Canned(code, Map.of(), status(code, reason)));

    WriteResult refused = writer.updateStatus(FakeApi.PODS, KEY, BODY);

    assertThat(refused.getClass().getSimpleName()).isEqualTo(result);
    assertThat(refused.outcome().getClass().getSimpleName()).isEqualTo(outcome);
  }

  @Test
  void sendsNothingUntilTheServersRetryAfterIsOver() throws Exception {
    api.answer(
        PATH,
        new Canned(429, Map.of("retry-after", List.of("7")), "too many requests"),
        Canned.ok(OBJECT));

    WriteResult first = writer.updateStatus(FakeApi.PODS, KEY, BODY);
    CompletableFuture<WriteResult> second = write();
    Await.until(() -> assertThat(time.pending()).isEqualTo(1));
    time.advance(Duration.ofMillis(6999));
    assertThat(api.requests).hasSize(1);
    time.advance(Duration.ofMillis(1000));
    Await.until(() -> assertThat(second).isCompleted());

    assertThat(first)
        .isInstanceOfSatisfying(
            WriteResult.Throttled.class,
            throttled ->
                assertThat(throttled.retryAfter())
                    .isBetween(Duration.ofSeconds(7), Duration.ofMillis(7800)));
    assertThat(first.outcome()).isInstanceOf(Outcome.Throttled.class);
    assertThat(second.join()).isInstanceOf(WriteResult.Written.class);
    assertThat(writer.stats().throttled()).isEqualTo(1);
  }

  @Test
  void believesAtMostAMinuteOfARetryAfter() throws Exception {
    api.answer(PATH, new Canned(503, Map.of("retry-after", List.of("86400")), ""));

    WriteResult result = writer.updateStatus(FakeApi.PODS, KEY, BODY);

    assertThat(((WriteResult.Throttled) result).retryAfter()).isLessThan(Duration.ofSeconds(67));
  }

  @Test
  void writesNoFasterThanItsLimiterAllows() {
    api.answer(PATH, Canned.ok(OBJECT));
    List<CompletableFuture<WriteResult>> results =
        java.util.stream.Stream.generate(this::write).limit(25).toList();
    Await.until(() -> assertThat(results.stream().filter(CompletableFuture::isDone)).hasSize(5));
    for (int i = 6; i <= 25; i++) {
      int expected = i;
      Await.until(() -> assertThat(time.pending()).isPositive());
      time.advance(Duration.ofMillis(100));
      Await.until(() -> assertThat(api.requests).hasSize(expected));
    }
    assertThat(time.elapsed()).isEqualTo(Duration.ofSeconds(2));
  }

  @Test
  void saysWhetherADeletedObjectIsGoneOrStillBeingDeleted() throws Exception {
    String path = "DELETE /api/v1/namespaces/ns/pods/a";
    api.answer(
        path,
        Canned.ok("{\"kind\":\"Status\",\"status\":\"Success\"}"),
        Canned.ok(OBJECT),
        Canned.ok(
            OBJECT.replace("\"uid\"", "\"deletionTimestamp\":\"2026-01-01T00:00:00Z\",\"uid\"")));

    assertThat(writer.delete(FakeApi.PODS, KEY)).isInstanceOf(WriteResult.Deleted.class);
    assertThat(writer.delete(FakeApi.PODS, KEY)).isInstanceOf(WriteResult.Deleted.class);
    assertThat(writer.delete(FakeApi.PODS, KEY)).isInstanceOf(WriteResult.Written.class);
  }

  @Test
  void appliesInTheNameOfItsFieldManager() throws Exception {
    api.answer("PATCH /api/v1/namespaces/ns/pods/a", Canned.ok(OBJECT));

    writer.apply(FakeApi.PODS, KEY, "my operator", BODY);

    assertThat(api.requests.element().path()).endsWith("?force=true&fieldManager=my+operator");
    assertThat(api.requests.element().headers())
        .containsEntry("Content-Type", "application/apply-patch+yaml");
  }

  @Test
  void saysSoWhenAnAnswerIsNoObject() {
    api.answer(PATH, Canned.ok("<html>hello</html>"));

    assertThatThrownBy(() -> writer.updateStatus(FakeApi.PODS, KEY, BODY))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("accepted, but the answer is no object");
  }

  @Test
  void refusesAKeyThatDoesNotFitTheKind() {
    assertThatThrownBy(() -> writer.update(FakeApi.PODS, ObjectKey.of("a"), BODY))
        .hasMessageContaining("pods is namespaced: the key \"a\" needs a namespace");
  }
}
