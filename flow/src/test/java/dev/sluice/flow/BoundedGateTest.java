package dev.sluice.flow;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.flow.Gate.Change;
import dev.sluice.flow.Gate.Delivery;
import dev.sluice.flow.Gate.Kind;
import dev.sluice.flow.Gate.Offer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

@Tag("R1.2")
class BoundedGateTest {
  private final VirtualTime time = new VirtualTime();
  private final List<FlowEvent> events = new ArrayList<>();

  private Gate<String> pause(int capacity, int lowWatermark) {
    return Gate.<String>builder(Kind.PAUSE)
        .name("pods")
        .capacity(capacity)
        .lowWatermark(lowWatermark)
        .time(time)
        .listener(events::add)
        .build();
  }

  private static Offer offer(Gate<String> gate, String key) {
    return gate.offer(key, Change.PUT, "uid-" + key);
  }

  private static @Nullable String keyOf(@Nullable Delivery<String> delivery) {
    return delivery == null ? null : delivery.key();
  }

  private static void fill(Gate<String> gate, int changes) {
    for (int i = 0; i < changes; i++) {
      assertThat(offer(gate, "key-" + i)).isEqualTo(Offer.ACCEPTED);
    }
  }

  @Test
  void deliversEveryChangeInOrderAndCoalescesNone() {
    Gate<String> gate = Gate.block();
    gate.offer("a", Change.PUT, 1);
    gate.offer("a", Change.PUT, 1);
    gate.offer("a", Change.DELETE, 1);

    assertThat(gate.poll()).isEqualTo(new Delivery<>("a", Change.PUT, 1));
    assertThat(gate.poll()).isEqualTo(new Delivery<>("a", Change.PUT, 1));
    assertThat(gate.poll()).isEqualTo(new Delivery<>("a", Change.DELETE, 1));
    assertThat(gate.poll()).isNull();
  }

  @Test
  void holds128ChangesUnlessToldOtherwise() {
    for (Gate<String> gate : List.of(Gate.<String>block(), Gate.<String>pause())) {
      fill(gate, 128);
      assertThat(offer(gate, "one more")).isEqualTo(Offer.FULL);
    }
  }

  @Test
  void doesNotTakeTheChangeThatMeetsFull() {
    Gate<String> gate = pause(2, 0);
    fill(gate, 2);

    assertThat(offer(gate, "in hand")).isEqualTo(Offer.FULL);
    gate.poll();
    gate.poll();

    assertThat(gate.poll()).isNull();
    assertThat(offer(gate, "in hand")).isEqualTo(Offer.ACCEPTED);
    assertThat(keyOf(gate.poll())).isEqualTo("in hand");
  }

  @Test
  void staysFullUntilItHasDrainedToTheLowWatermark() {
    Gate<String> gate = pause(4, 1);
    fill(gate, 4);
    offer(gate, "refused");

    gate.poll();
    gate.poll();
    assertThat(offer(gate, "refused")).isEqualTo(Offer.FULL);
    gate.poll();
    assertThat(offer(gate, "taken")).isEqualTo(Offer.ACCEPTED);
  }

  @Test
  void opensABlockGateAtThreeQuartersAndAPauseGateAtOneQuarter() {
    Gate<String> block = Gate.block(8);
    Gate<String> pause = Gate.pause(8);
    for (Gate<String> gate : List.of(block, pause)) {
      fill(gate, 8);
      offer(gate, "refused");
    }

    assertThat(drainUntilOpen(block)).isEqualTo(6);
    assertThat(drainUntilOpen(pause)).isEqualTo(2);
  }

  private static int drainUntilOpen(Gate<String> gate) {
    while (gate.stats().full()) {
      gate.poll();
    }
    return gate.stats().depth();
  }

  @Test
  void isNotFullBeforeAnOfferWasRefused() throws InterruptedException {
    Gate<String> gate = pause(2, 0);
    fill(gate, 2);

    assertThat(gate.awaitRoom(Duration.ZERO)).isTrue();
    assertThat(gate.stats().full()).isFalse();
  }

  @Test
  void wakesTheProducerAtTheLowWatermarkAndNotBefore() throws Exception {
    Gate<String> gate = pause(3, 1);
    fill(gate, 3);
    offer(gate, "refused");
    Waiter<Boolean> producer = Waiter.waiting(gate::awaitRoom);

    gate.poll();
    assertThat(producer.stillWaits()).isTrue();
    gate.poll();
    assertThat(producer.result()).isTrue();
  }

  @Test
  void tellsAProducerWhoseTimeIsUpThatThereIsNoRoom() throws Exception {
    Gate<String> gate = pause(1, 0);
    fill(gate, 1);
    offer(gate, "refused");
    Waiter<Boolean> producer = Waiter.waiting(() -> gate.awaitRoom(Duration.ofSeconds(5)));

    time.advance(Duration.ofMillis(4_999));
    assertThat(producer.stillWaits()).isTrue();
    time.advance(Duration.ofMillis(1));

    assertThat(producer.result()).isFalse();
    assertThat(gate.isClosed()).isFalse();
  }

  @Test
  void deliversWhatIsLeftAfterCompletionAndThenNull() throws InterruptedException {
    Gate<String> gate = pause(2, 0);
    fill(gate, 2);
    gate.complete();

    assertThat(offer(gate, "late")).isEqualTo(Offer.CLOSED);
    assertThat(keyOf(gate.take())).isEqualTo("key-0");
    assertThat(keyOf(gate.take())).isEqualTo("key-1");
    assertThat(gate.take()).isNull();
  }

  @Test
  void dropsWhatIsPendingWhenTheConsumerCloses() throws InterruptedException {
    Gate<String> gate = pause(2, 0);
    fill(gate, 2);
    gate.close();

    assertThat(gate.take()).isNull();
    assertThat(offer(gate, "late")).isEqualTo(Offer.CLOSED);
    assertThat(gate.awaitRoom()).isFalse();
    assertThat(gate.stats().depth()).isZero();
  }

  @Test
  void dropsWhatIsPendingWhenClosedAfterCompletion() throws InterruptedException {
    Gate<String> gate = pause(2, 0);
    fill(gate, 2);
    gate.complete();
    gate.close();

    assertThat(gate.take()).isNull();
  }

  @Test
  void wakesAWaitingProducerWhenTheConsumerCloses() throws Exception {
    Gate<String> gate = pause(1, 0);
    fill(gate, 1);
    offer(gate, "refused");
    Waiter<Boolean> producer = Waiter.waiting(gate::awaitRoom);

    gate.close();

    assertThat(producer.result()).isFalse();
  }

  @Test
  void wakesAllWaitingConsumersWhenTheProducerCompletes() throws Exception {
    Gate<String> gate = pause(1, 0);
    var consumers =
        List.of(
            Waiter.<Object>waiting(() -> String.valueOf(gate.take())),
            Waiter.<Object>waiting(() -> String.valueOf(gate.poll(Duration.ofDays(1)))));

    gate.complete();

    for (Waiter<Object> consumer : consumers) {
      assertThat(consumer.result()).isEqualTo("null");
    }
    assertThat(time.pending()).as("timers left").isZero();
  }

  @Test
  void wakesAWaitingConsumerForAChange() throws Exception {
    Gate<String> gate = pause(1, 0);
    Waiter<Delivery<String>> consumer = Waiter.waiting(() -> Objects.requireNonNull(gate.take()));

    offer(gate, "a");

    assertThat(consumer.result().key()).isEqualTo("a");
  }

  @Test
  void givesNothingToAConsumerWhoseTimeIsUp() throws Exception {
    Gate<String> gate = pause(1, 0);
    Waiter<String> consumer =
        Waiter.waiting(() -> String.valueOf(gate.poll(Duration.ofSeconds(1))));

    time.advance(Duration.ofSeconds(1));

    assertThat(consumer.result()).isEqualTo("null");
  }

  @Test
  void losesNoChangeWhenAConsumerIsInterrupted() {
    Gate<String> gate = pause(1, 0);
    Waiter<String> consumer = Waiter.waiting(() -> String.valueOf(gate.take()));

    consumer.interrupt();

    assertThatThrownBy(consumer::result).hasCauseInstanceOf(InterruptedException.class);
    offer(gate, "a");
    assertThat(gate.poll()).isNotNull();
  }

  @Test
  void tellsWhenItBecomesFullAndForHowLongItWas() {
    Gate<String> gate = pause(2, 0);
    fill(gate, 2);
    offer(gate, "refused");
    offer(gate, "refused");
    time.advance(Duration.ofSeconds(3));
    gate.poll();
    gate.poll();
    gate.complete();

    assertThat(events)
        .containsExactly(
            new FlowEvent.StateChanged("pods", "gate-full", "open", "full"),
            new FlowEvent.Waited("pods", "gate-full", 3_000_000_000L),
            new FlowEvent.StateChanged("pods", "gate-drained", "full", "open"),
            new FlowEvent.StateChanged("pods", "completed", "open", "closed"));
  }

  @Test
  void countsWhatItDid() {
    Gate<String> gate = pause(3, 0);
    fill(gate, 3);
    time.advance(Duration.ofSeconds(2));
    offer(gate, "refused");
    gate.poll();
    time.advance(Duration.ofSeconds(1));

    Gate.Stats stats = gate.stats();

    assertThat(stats)
        .isEqualTo(
            new Gate.Stats(
                2,
                2,
                true,
                3,
                0,
                0,
                1,
                1,
                1,
                Duration.ofSeconds(1),
                Duration.ofSeconds(3),
                List.of(),
                Duration.ZERO));
    gate.close();
    assertThat(gate.stats().timeFull()).isEqualTo(Duration.ofSeconds(1));
  }

  @Test
  void goesOnWhenItsListenerThrows() {
    Gate<String> gate =
        Gate.<String>builder(Kind.PAUSE)
            .capacity(1)
            .listener(event -> {
              throw new IllegalStateException("broken listener");
            })
            .build();
    fill(gate, 1);

    assertThat(offer(gate, "refused")).isEqualTo(Offer.FULL);
    assertThat(gate.poll()).isNotNull();
    assertThat(offer(gate, "taken")).isEqualTo(Offer.ACCEPTED);
    gate.close();
  }

  @Test
  void lets10000ChangesThroughInOrderUnderPressureFromBothSides() throws Exception {
    Gate<String> gate = Gate.pause(16, 4);
    Thread producer =
        Thread.startVirtualThread(() -> {
          try {
            for (int i = 0; i < 10_000; ) {
              if (gate.offer("key-" + i, Change.PUT, i) == Offer.FULL) {
                gate.awaitRoom();
              } else {
                i++;
              }
            }
            gate.complete();
          } catch (InterruptedException e) {
            throw new AssertionError(e);
          }
        });

    int expected = 0;
    for (Delivery<String> next; (next = gate.take()) != null; ) {
      assertThat(next.incarnation()).isEqualTo(expected++);
    }
    producer.join();

    assertThat(expected).isEqualTo(10_000);
  }
}
