package dev.sluice.flow;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.flow.Gate.Change;
import dev.sluice.flow.Gate.Kind;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class GateBadInputTest {

  @ParameterizedTest
  @ValueSource(ints = {0, -1, Integer.MIN_VALUE})
  void refusesACapacityBelowOne(int capacity) {
    assertThatThrownBy(() -> Gate.block(capacity))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("at least 1 change, not " + capacity);
    assertThatThrownBy(() -> Gate.pause(capacity)).hasMessageContaining("not " + capacity);
  }

  @ParameterizedTest
  @ValueSource(ints = {-1, 10, 11})
  void refusesALowWatermarkThatIsNegativeOrNotBelowTheCapacity(int lowWatermark) {
    assertThatThrownBy(() -> Gate.pause(10, lowWatermark))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("not " + lowWatermark);
  }

  @Test
  void refusesACapacityForACoalesceGateAndSaysWhatBoundsIt() {
    assertThatThrownBy(() -> Gate.builder(Kind.COALESCE).capacity(5))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("bounded by the objects that are live");
    assertThatThrownBy(() -> Gate.builder(Kind.COALESCE).lowWatermark(5))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @ParameterizedTest
  @EnumSource(Kind.class)
  @SuppressWarnings({"NullAway", "DataFlowIssue"})
  void refusesNullsAndKeepsWhatItHas(Kind kind) {
    Gate<String> gate = Gate.<String>builder(kind).build();
    gate.offer("a", Change.PUT, 1);

    assertThatThrownBy(() -> gate.offer(null, Change.PUT, 1))
        .isInstanceOf(NullPointerException.class)
        .hasMessage("key");
    assertThatThrownBy(() -> gate.offer("b", null, 1)).hasMessage("change");
    assertThatThrownBy(() -> gate.offer("b", Change.PUT, null)).hasMessage("incarnation");
    assertThatThrownBy(() -> gate.markDelivered(null, 1)).hasMessage("key");
    assertThatThrownBy(() -> gate.markDelivered("b", null)).hasMessage("incarnation");
    assertThat(gate.poll()).isEqualTo(new Gate.Delivery<>("a", Change.PUT, 1));
    assertThat(gate.poll()).isNull();
  }

  @ParameterizedTest
  @EnumSource(Kind.class)
  void refusesANegativeTimeout(Kind kind) {
    Gate<String> gate = Gate.<String>builder(kind).build();

    assertThatThrownBy(() -> gate.poll(Duration.ofSeconds(-1)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("PT-1S");
    assertThatThrownBy(() -> gate.awaitRoom(Duration.ofSeconds(-1)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("PT-1S");
  }

  @ParameterizedTest
  @EnumSource(Kind.class)
  void noticesAnInterruptThatCameBefore(Kind kind) {
    Gate<String> gate = Gate.<String>builder(kind).build();
    gate.offer("a", Change.PUT, 1);

    Thread.currentThread().interrupt();
    assertThatThrownBy(gate::take).isInstanceOf(InterruptedException.class);
    Thread.currentThread().interrupt();
    assertThatThrownBy(gate::awaitRoom).isInstanceOf(InterruptedException.class);
    assertThat(gate.poll()).isNotNull();
  }

  @ParameterizedTest
  @EnumSource(Kind.class)
  void mayBeClosedAndCompletedAgainAndAgain(Kind kind) {
    Gate<String> gate = Gate.<String>builder(kind).build();
    gate.complete();
    gate.complete();
    gate.close();
    gate.close();
    gate.complete();

    assertThat(gate.isClosed()).isTrue();
    assertThat(gate.offer("a", Change.PUT, 1)).isEqualTo(Gate.Offer.CLOSED);
    assertThat(gate.poll()).isNull();
    gate.markDelivered("a", 1);
  }
}
