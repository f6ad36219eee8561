package dev.sluice.flow;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatNullPointerException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.flow.Gate.Change;
import dev.sluice.flow.Gate.Delivery;
import dev.sluice.flow.Gate.Hold;
import dev.sluice.flow.Gate.Kind;
import dev.sluice.flow.Gate.Offer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** A gate whose deliveries are held back, because what lies behind its consumer is ill. */
@Tag("R3.2")
class GateHoldTest {
  private final VirtualTime time = new VirtualTime(Long.MAX_VALUE - 1_000_000_000L);
  private final List<FlowEvent> events = new ArrayList<>();

  private Gate<String> gate(Kind kind) {
    Gate.Builder<String> builder =
        Gate.<String>builder(kind).name("pods").time(time).listener(events::add);
    return kind == Kind.COALESCE ? builder.build() : builder.capacity(3).lowWatermark(1).build();
  }

  private static Offer offer(Gate<String> gate, String key) {
    return gate.offer(key, Change.PUT, "uid-" + key);
  }

  private static Delivery<String> delivery(String key) {
    return new Delivery<>(key, Change.PUT, "uid-" + key);
  }

  @ParameterizedTest
  @EnumSource(Kind.class)
  void deliversNothingUntilItIsReleasedAndThenAllInOrder(Kind kind) {
    Gate<String> gate = gate(kind);
    offer(gate, "a");
    Hold hold = gate.hold("billing");
    offer(gate, "b");

    assertThat(gate.poll()).isNull();
    assertThat(gate.isHeld()).isTrue();
    assertThat(gate.stats().depth()).isEqualTo(2);

    hold.release();
    assertThat(gate.poll()).isEqualTo(delivery("a"));
    assertThat(gate.poll()).isEqualTo(delivery("b"));
    assertThat(gate.poll()).isNull();
  }

  @ParameterizedTest
  @EnumSource(Kind.class)
  void wakesEveryTakerWhenItIsReleased(Kind kind) throws Exception {
    Gate<String> gate = gate(kind);
    Hold hold = gate.hold("billing");
    Waiter<Delivery<String>> before = Waiter.waiting(gate::take);
    offer(gate, "a");
    offer(gate, "b");
    Waiter<Delivery<String>> after = Waiter.waiting(() -> gate.poll(Duration.ofSeconds(5)));
    assertThat(before.stillWaits()).isTrue();

    hold.release();

    assertThat(List.of(before.result(), after.result()))
        .containsExactlyInAnyOrder(delivery("a"), delivery("b"));
  }

  @ParameterizedTest
  @EnumSource(Kind.class)
  void answersAPollWhoseTimeIsUpWhileItIsHeld(Kind kind) throws Exception {
    Gate<String> gate = gate(kind);
    offer(gate, "a");
    Hold hold = gate.hold("billing");
    Waiter<Delivery<String>> waiter = Waiter.waiting(() -> gate.poll(Duration.ofSeconds(5)));

    time.advance(Duration.ofSeconds(5));

    assertThat(waiter.result()).isNull();
    assertThat(gate.isDrained()).isFalse();
    hold.release();
    assertThat(gate.poll()).isEqualTo(delivery("a"));
  }

  @Test
  void fillsABoundedGateWhichOpensWhenItHasDrainedAfterwards() {
    Gate<String> gate = gate(Kind.PAUSE);
    Hold hold = gate.hold("billing");
    assertThat(List.of(offer(gate, "a"), offer(gate, "b"), offer(gate, "c")))
        .containsOnly(Offer.ACCEPTED);
    assertThat(offer(gate, "d")).isEqualTo(Offer.FULL);

    hold.release();
    assertThat(offer(gate, "d")).as("not drained yet").isEqualTo(Offer.FULL);
    gate.poll();
    gate.poll();
    assertThat(offer(gate, "d")).isEqualTo(Offer.ACCEPTED);
    assertThat(gate.poll()).isEqualTo(delivery("c"));
    assertThat(gate.poll()).isEqualTo(delivery("d"));
  }

  @Test
  void letsACoalescingGateGoOnToCoalesce() {
    Gate<String> gate = gate(Kind.COALESCE);
    Hold hold = gate.hold("billing");
    offer(gate, "a");
    assertThat(offer(gate, "a")).isEqualTo(Offer.COALESCED);
    offer(gate, "b");
    assertThat(gate.offer("b", Change.DELETE, "uid-b")).isEqualTo(Offer.ANNIHILATED);

    hold.release();
    assertThat(gate.poll()).isEqualTo(delivery("a"));
    assertThat(gate.poll()).isNull();
  }

  @ParameterizedTest
  @EnumSource(Kind.class)
  void deliversWhenTheLastOfItsHoldersHasReleasedIt(Kind kind) {
    Gate<String> gate = gate(kind);
    offer(gate, "a");
    Hold billing = gate.hold("billing");
    Hold mail = gate.hold("mail");
    assertThat(gate.stats().heldBy()).containsExactly("billing", "mail");

    billing.release();
    billing.release();
    assertThat(gate.poll()).isNull();
    assertThat(gate.stats().heldBy()).containsExactly("mail");

    mail.release();
    assertThat(gate.poll()).isEqualTo(delivery("a"));
  }

  @ParameterizedTest
  @EnumSource(Kind.class)
  void deliversWhatIsLeftAfterTheProducersEndWhenItIsReleased(Kind kind) throws Exception {
    Gate<String> gate = gate(kind);
    offer(gate, "a");
    Hold hold = gate.hold("billing");
    gate.complete();
    Waiter<Delivery<String>> taker = Waiter.waiting(gate::take);
    assertThat(gate.isDrained()).isFalse();

    hold.release();

    assertThat(taker.result()).isEqualTo(delivery("a"));
    assertThat(gate.take()).isNull();
    assertThat(gate.isDrained()).isTrue();
  }

  @ParameterizedTest
  @EnumSource(Kind.class)
  void leavesNobodyWaitingWhenTheConsumerClosesIt(Kind kind) throws Exception {
    Gate<String> gate = gate(kind);
    offer(gate, "a");
    var unused = gate.hold("billing");
    Waiter<Delivery<String>> taker = Waiter.waiting(gate::take);
    Waiter<Boolean> other =
        Waiter.waiting(() -> {
          gate.awaitRelease();
          return true;
        });
    gate.complete();
    assertThat(taker.stillWaits()).isTrue();

    gate.close();

    assertThat(taker.result()).isNull();
    assertThat(other.result()).isTrue();
    assertThat(gate.isDrained()).isTrue();
    var late = gate.hold("too late");
    assertThat(gate.isHeld()).isFalse();
    late.release();
  }

  @ParameterizedTest
  @EnumSource(Kind.class)
  void letsAConsumerWithOtherWorkAwaitTheRelease(Kind kind) throws Exception {
    Gate<String> gate = gate(kind);
    gate.awaitRelease();
    Hold hold = gate.hold("billing");
    Waiter<Boolean> waiter =
        Waiter.waiting(() -> {
          gate.awaitRelease();
          return true;
        });
    offer(gate, "a");
    assertThat(waiter.stillWaits()).isTrue();

    hold.release();

    assertThat(waiter.result()).isTrue();
    Thread.currentThread().interrupt();
    assertThatThrownBy(gate::awaitRelease).isInstanceOf(InterruptedException.class);
  }

  @ParameterizedTest
  @EnumSource(Kind.class)
  void tellsWhenItIsHeldAndForHowLong(Kind kind) {
    Gate<String> gate = gate(kind);
    Hold first = gate.hold("billing");
    time.advance(Duration.ofSeconds(2));
    Hold second = gate.hold("mail");
    assertThat(gate.stats().timeHeld()).isEqualTo(Duration.ofSeconds(2));
    first.release();
    time.advance(Duration.ofSeconds(1));
    second.release();
    time.advance(Duration.ofSeconds(4));

    assertThat(gate.stats().timeHeld()).isEqualTo(Duration.ofSeconds(3));
    assertThat(gate.stats().heldBy()).isEmpty();
    assertThat(events)
        .containsExactly(
            new FlowEvent.StateChanged("pods", "gate-held", "delivering", "held"),
            new FlowEvent.Waited("pods", "gate-held", 3_000_000_000L),
            new FlowEvent.StateChanged("pods", "gate-released", "held", "delivering"));
    assertThat(first).hasToString("Hold[gate 'pods' by 'billing']");
  }

  @ParameterizedTest
  @EnumSource(Kind.class)
  @SuppressWarnings("NullAway")
  void asksWhoHoldsIt(Kind kind) {
    assertThatNullPointerException().isThrownBy(() -> gate(kind).hold(null)).withMessage("by");
  }
}
