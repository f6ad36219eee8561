package dev.sluice.flow;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.flow.WorkQueue.Offer;
import java.time.Duration;
import java.util.Objects;
import org.junit.jupiter.api.Test;

@SuppressWarnings({"NullAway", "DataFlowIssue"})
class WorkQueueBadInputTest {
  private final VirtualTime time = new VirtualTime();
  private final WorkQueue<String> queue = WorkQueue.<String>builder().time(time).build();

  @Test
  void refusesNullKeysAndPriorities() {
    assertThatThrownBy(() -> queue.add(null)).hasMessage("key");
    assertThatThrownBy(() -> queue.add("a", null)).hasMessage("priority");
    assertThatThrownBy(() -> queue.put(null)).hasMessage("key");
    assertThatThrownBy(() -> queue.addAfter(null, Duration.ZERO)).hasMessage("key");
    assertThatThrownBy(() -> queue.addRateLimited(null)).hasMessage("key");
    assertThatThrownBy(() -> queue.forget(null)).hasMessage("key");
    assertThat(queue.stats().depth()).isZero();
  }

  @Test
  void refusesNegativeDelaysAndTimeouts() {
    Duration negative = Duration.ofMillis(-5);
    assertThatThrownBy(() -> queue.addAfter("a", negative))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("PT-0.005S");
    assertThatThrownBy(() -> queue.poll(negative)).hasMessageContaining("PT-0.005S");
    assertThatThrownBy(() -> queue.put("a", Priority.LOW, negative))
        .hasMessageContaining("PT-0.005S");
    assertThatThrownBy(() -> queue.drain(negative)).hasMessageContaining("PT-0.005S");
    assertThat(queue.add("a")).as("not shut down by the refused drain").isEqualTo(Offer.ACCEPTED);
  }

  @Test
  void takesTheLongestDelayThereIs() {
    queue.addAfter("a", Duration.ofSeconds(Long.MAX_VALUE));
    time.advance(Duration.ofDays(3650));

    assertThat(queue.poll()).isNull();
    assertThat(queue.stats().delayed()).isEqualTo(1);
    queue.close();
    assertThat(time.pending()).isZero();
  }

  @Test
  void refusesSettingsThatCannotWork() {
    WorkQueue.Builder<String> builder = WorkQueue.builder();
    assertThatThrownBy(() -> builder.capacity(0)).hasMessageContaining("not 0");
    assertThatThrownBy(() -> builder.capacity(-7)).hasMessageContaining("not -7");
    assertThatThrownBy(() -> builder.maxDelayed(-1)).hasMessageContaining("not -1");
    assertThatThrownBy(() -> builder.workers(0)).hasMessageContaining("not 0");
    assertThatThrownBy(() -> builder.ageing(Duration.ofSeconds(-1), 4))
        .hasMessageContaining("PT-1S");
    assertThatThrownBy(() -> builder.ageing(Duration.ZERO, 1)).hasMessageContaining("one of 1");
    assertThatThrownBy(() -> builder.ageing(Duration.ZERO, 1001))
        .hasMessageContaining("one of 1001");
    assertThatThrownBy(() -> builder.weight("a", 0)).hasMessageContaining("'a' would be 0");
    assertThatThrownBy(() -> builder.weight("a", 1001)).hasMessageContaining("would be 1001");
    assertThatThrownBy(() -> builder.weight(null, 1)).hasMessage("tenant");
    assertThatThrownBy(() -> queue.setWeight("a", -1)).hasMessageContaining("would be -1");
    assertThatThrownBy(() -> builder.expecting(Rate.perSecond(1), Duration.ZERO))
        .hasMessageContaining("PT0S");
  }

  @Test
  void saysWhichKeyHasNoTenant() {
    WorkQueue<String> shared = WorkQueue.<String>builder().tenants(key -> null).build();

    assertThatThrownBy(() -> shared.add("orphan"))
        .isInstanceOf(NullPointerException.class)
        .hasMessageContaining("the key orphan")
        .hasMessageContaining("give \"\"");
    assertThat(shared.stats().depth()).isZero();
  }

  @Test
  void givesWhatATenantFunctionThrowsToWhoeverAdds() {
    WorkQueue<String> shared =
        WorkQueue.<String>builder().tenants(key -> key.substring(0, key.indexOf('/'))).build();

    assertThatThrownBy(() -> shared.add("no slash"))
        .isInstanceOf(StringIndexOutOfBoundsException.class);
    assertThat(shared.add("a/b")).isEqualTo(Offer.ACCEPTED);
    assertThat(Objects.requireNonNull(shared.poll()).key()).isEqualTo("a/b");
  }

  @Test
  void goesOnWhenItsListenerThrows() {
    WorkQueue<String> heard =
        WorkQueue.<String>builder()
            .capacity(1)
            .listener(event -> {
              throw new IllegalStateException("broken listener");
            })
            .build();

    assertThat(heard.add("a")).isEqualTo(Offer.ACCEPTED);
    assertThat(heard.add("b")).isEqualTo(Offer.FULL);
    Objects.requireNonNull(heard.poll()).done();
    heard.close();
    assertThat(heard.isDrained()).isTrue();
  }

  @Test
  void takesAListenerThatCallsBack() {
    WorkQueue<?>[] self = new WorkQueue<?>[1];
    WorkQueue<String> heard =
        WorkQueue.<String>builder().listener(event -> self[0].stats()).build();
    self[0] = heard;
    assertThat(heard.add("a")).isEqualTo(Offer.ACCEPTED);

    Objects.requireNonNull(heard.poll()).done();

    assertThat(heard.stats().workTimes().count()).isEqualTo(1);
  }

  @Test
  void noticesAnInterruptThatCameBefore() {
    assertThat(queue.add("a")).isEqualTo(Offer.ACCEPTED);
    Thread.currentThread().interrupt();
    assertThatThrownBy(queue::take).isInstanceOf(InterruptedException.class);
    Thread.currentThread().interrupt();
    assertThatThrownBy(() -> queue.put("b")).isInstanceOf(InterruptedException.class);
    assertThat(queue.stats().depth()).isEqualTo(1);
  }

  @Test
  void survivesAKeyWhoseEqualsThrows() {
    record Hostile(int id) {
      @Override
      public boolean equals(Object other) {
        throw new IllegalStateException("hostile");
      }

      @Override
      public int hashCode() {
        return 1;
      }
    }
    WorkQueue<Object> any = WorkQueue.builder().time(time).build();
    assertThat(any.add(new Hostile(1))).isEqualTo(Offer.ACCEPTED);

    assertThatThrownBy(() -> any.add(new Hostile(2))).isInstanceOf(IllegalStateException.class);
    assertThat(any.add("b")).as("the lock is free").isEqualTo(Offer.ACCEPTED);
  }
}
