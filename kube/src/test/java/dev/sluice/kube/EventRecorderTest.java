package dev.sluice.kube;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.flow.VirtualTime;
import dev.sluice.kube.EventRecorder.Type;
import dev.sluice.kube.internal.store.Entry;
import dev.sluice.kube.internal.store.Incarnation;
import java.io.ByteArrayInputStream;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class EventRecorderTest {
  private static final Resource OBJECT =
      new Entry(
          ObjectKey.of("ns", "a"),
          new Incarnation("u"),
          "7",
          0,
          false,
          "{\"kind\":\"Gadget\",\"apiVersion\":\"example.com/v1\",\"metadata\":{}}"
              .getBytes(StandardCharsets.UTF_8));

  private final VirtualTime time = new VirtualTime();
  private final List<String> sent = new CopyOnWriteArrayList<>();
  private final EventRecorder events =
      EventRecorder.over(
          Writer.over(new Accepting()).build(),
          "example.com/test",
          "one",
          time,
          () -> Instant.EPOCH.plus(time.elapsed()));

  @AfterEach
  void close() {
    events.close();
  }

  /** Takes whatever is written. */
  private final class Accepting implements Transport {
    @Override
    public Response send(Request request) {
      sent.add(request.method() + " " + new String(request.body(), StandardCharsets.UTF_8));
      return new Response() {
        @Override
        public int status() {
          return 201;
        }

        @Override
        public Map<String, List<String>> headers() {
          return Map.of();
        }

        @Override
        public InputStream body() {
          return new ByteArrayInputStream(
              "{\"metadata\":{\"name\":\"e\",\"namespace\":\"ns\",\"uid\":\"e\",\"resourceVersion\":\"1\"}}"
                  .getBytes(StandardCharsets.UTF_8));
        }

        @Override
        public void close() {}
      };
    }

    @Override
    public void close() {}
  }

  @Test
  void writesWhatRepeatsAsOneEventWithACount() {
    events.record(OBJECT, Type.WARNING, "IssueFailed", "Issue", "no answer");
    Await.until(() -> assertThat(sent).hasSize(1));
    assertThat(sent.get(0))
        .startsWith("POST ")
        .contains("\"kind\":\"Gadget\"")
        .contains("\"apiVersion\":\"example.com/v1\"")
        .contains("\"eventTime\":\"1970-01-01T00:00:00.000000Z\"")
        .contains("\"type\":\"Warning\"")
        .contains("\"note\":\"no answer\"")
        .doesNotContain("series");
    for (int i = 0; i < 9; i++) {
      events.record(OBJECT, Type.WARNING, "IssueFailed", "Issue", "no answer");
    }
    time.advance(Duration.ofSeconds(29));
    assertThat(sent).hasSize(1);
    time.advance(Duration.ofSeconds(2));
    Await.until(() -> assertThat(sent).hasSize(2));
    assertThat(sent.get(1)).startsWith("PATCH ").contains("\"count\":10");
    assertThat(events.stats().recorded()).isEqualTo(10);
  }

  @Test
  void writesAnEventAnewThatHasNotHappenedForLong() {
    events.record(OBJECT, Type.NORMAL, "Issued", "Issue", "done");
    Await.until(() -> assertThat(events.stats().sent()).isEqualTo(1));
    time.advance(Duration.ofMinutes(7));
    events.record(OBJECT, Type.NORMAL, "Issued", "Issue", "done");
    Await.until(() -> assertThat(sent).hasSize(2));
    assertThat(sent.get(1)).startsWith("POST ").doesNotContain("series");
  }

  @Test
  void dropsWhatIsTooMuchOfOneObjectAndCountsIt() {
    for (int i = 0; i < 30; i++) {
      events.record(OBJECT, Type.NORMAL, "Reason", "Action", "note " + i);
    }
    assertThat(events.stats().dropped()).isEqualTo(5);
    Await.until(() -> assertThat(events.stats().sent()).isEqualTo(25));
  }

  @Test
  void cutsANoteThatIsTooLongBetweenCharactersAndRefusesWordsThatAreNone() {
    events.record(OBJECT, Type.NORMAL, "Reason", "Action", "x" + "\u00e9".repeat(1000));
    Await.until(() -> assertThat(sent).hasSize(1));
    assertThat(sent.get(0)).contains("x" + "\u00e9".repeat(511) + "\"");
    assertThatThrownBy(() -> events.record(OBJECT, Type.NORMAL, "", "Action", ""))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("1 to 128 characters");
  }
}
