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
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

@Tag("R1.2")
class CoalescingGateTest {
  private final VirtualTime time = new VirtualTime();
  private final Gate<String> gate = Gate.<String>builder(Kind.COALESCE).time(time).build();

  private Offer put(String key, Object incarnation) {
    return gate.offer(key, Change.PUT, incarnation);
  }

  private Offer delete(String key, Object incarnation) {
    return gate.offer(key, Change.DELETE, incarnation);
  }

  private List<String> drain() {
    List<String> all = new ArrayList<>();
    for (Delivery<String> next; (next = gate.poll()) != null; ) {
      all.add(next.change() + " " + next.key() + " " + next.incarnation());
    }
    return all;
  }

  @Test
  void deliversAKeyThatChangedAMillionTimesOnce() {
    assertThat(put("a", 1)).isEqualTo(Offer.ACCEPTED);
    for (int i = 0; i < 1_000_000; i++) {
      assertThat(put("a", 1)).isEqualTo(Offer.COALESCED);
    }

    assertThat(gate.stats().depth()).isEqualTo(1);
    assertThat(drain()).containsExactly("PUT a 1");
  }

  @Test
  void keepsNothingOfAMillionObjectsThatCameAndWentUnseen() {
    for (int i = 0; i < 1_000_000; i++) {
      assertThat(put("a" + i % 7, i)).isEqualTo(Offer.ACCEPTED);
      assertThat(delete("a" + i % 7, i)).isEqualTo(Offer.ANNIHILATED);
    }

    assertThat(gate.stats().known()).isZero();
    assertThat(drain()).isEmpty();
  }

  @Test
  void keepsTheOrderOfTheFirstPendingChange() {
    put("a", 1);
    put("b", 2);
    put("a", 1);

    assertThat(drain()).containsExactly("PUT a 1", "PUT b 2");
  }

  @Test
  void reportsTheDeletionOfTheOldBeforeTheNewOfTheSameName() {
    put("a", 1);
    drain();
    delete("a", 1);
    put("a", 2);

    assertThat(gate.stats().depth()).isEqualTo(2);
    assertThat(drain()).containsExactly("DELETE a 1", "PUT a 2");
  }

  @Test
  void neverHasMoreThanTwoEntriesForAName() {
    put("a", 0);
    drain();
    for (int i = 1; i < 100; i++) {
      delete("a", i - 1);
      put("a", i);
      assertThat(gate.stats().depth()).isEqualTo(2);
    }

    assertThat(drain()).containsExactly("DELETE a 0", "PUT a 99");
  }

  @Test
  void reportsTheDeletionOfAnObjectThatWasReplacedInAGap() {
    put("a", 1);
    drain();

    assertThat(put("a", 2)).isEqualTo(Offer.ACCEPTED);

    assertThat(drain()).containsExactly("DELETE a 1", "PUT a 2");
  }

  @Test
  void turnsAPendingUpdateIntoTheDeletionWhereItStands() {
    put("a", 1);
    drain();
    put("a", 1);
    put("b", 2);

    assertThat(delete("a", 1)).isEqualTo(Offer.COALESCED);
    assertThat(drain()).containsExactly("DELETE a 1", "PUT b 2");
  }

  @Test
  void reportsAnObjectThatWasDeletedAndCameBackAsChanged() {
    put("a", 1);
    drain();
    delete("a", 1);

    assertThat(put("a", 1)).isEqualTo(Offer.COALESCED);
    assertThat(drain()).containsExactly("PUT a 1");
  }

  @Test
  void deliversADeletionOfWhatItNeverSawBecauseTheConsumerMayKnowIt() {
    assertThat(delete("a", 1)).isEqualTo(Offer.ACCEPTED);
    assertThat(delete("a", 1)).isEqualTo(Offer.COALESCED);

    assertThat(drain()).containsExactly("DELETE a 1");
    assertThat(gate.stats().known()).isZero();
  }

  @Test
  void doesNotLetALateDeletionHideALiveObject() {
    put("a", 2);

    assertThat(delete("a", 1)).isEqualTo(Offer.ANNIHILATED);
    assertThat(drain()).containsExactly("PUT a 2");
  }

  @Test
  void deliversTheDeletionOfWhatWasDeliveredInAnEarlierLife() {
    gate.markDelivered("a", 1);
    put("a", 1);

    assertThat(delete("a", 1)).isEqualTo(Offer.COALESCED);
    assertThat(drain()).containsExactly("DELETE a 1");
  }

  @Test
  void refusesToMarkAKeyThatItKnows() {
    put("a", 1);

    assertThatThrownBy(() -> gate.markDelivered("a", 1))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("the key a already");
    assertThat(drain()).containsExactly("PUT a 1");
  }

  @Test
  void isNeverFull() throws InterruptedException {
    for (int i = 0; i < 10_000; i++) {
      assertThat(put("key-" + i, i)).isEqualTo(Offer.ACCEPTED);
    }

    assertThat(gate.awaitRoom()).isTrue();
    assertThat(gate.awaitRoom(Duration.ZERO)).isTrue();
  }

  @Test
  void wakesAsManyConsumersAsThereAreChanges() throws Exception {
    put("a", 1);
    drain();
    List<Waiter<Object>> consumers =
        List.of(
            Waiter.waiting(() -> String.valueOf(gate.take())),
            Waiter.waiting(() -> String.valueOf(gate.take())));

    put("a", 2); // two at once: the deletion of the old one is implied

    List<Object> taken = new ArrayList<>();
    for (Waiter<Object> consumer : consumers) {
      taken.add(consumer.result());
    }
    assertThat(taken)
        .containsExactlyInAnyOrder(
            new Delivery<>("a", Change.DELETE, 1).toString(),
            new Delivery<>("a", Change.PUT, 2).toString());
  }

  @Test
  void wakesAWaitingConsumerForWhatWasOfferedQuietlyWhenFlushed() throws Exception {
    Waiter<Object> consumer = Waiter.waiting(() -> String.valueOf(gate.take()));
    assertThat(gate.offerQuietly("a", Change.PUT, 1)).isEqualTo(Offer.ACCEPTED);
    assertThat(gate.stats().delivered()).isZero();

    gate.flush();

    assertThat(consumer.result()).isEqualTo(new Delivery<>("a", Change.PUT, 1).toString());
  }

  @Test
  void givesWhatWasOfferedQuietlyToWhomeverAsks() {
    assertThat(gate.offerQuietly("a", Change.PUT, 1)).isEqualTo(Offer.ACCEPTED);

    assertThat(gate.poll()).isEqualTo(new Delivery<>("a", Change.PUT, 1));
  }

  @Test
  void deliversWhatIsLeftAfterCompletionAndThenNull() throws InterruptedException {
    put("a", 1);
    gate.complete();

    assertThat(put("b", 2)).isEqualTo(Offer.CLOSED);
    assertThat(gate.awaitRoom()).isFalse();
    assertThat(gate.take()).isNotNull();
    assertThat(gate.take()).isNull();
  }

  @Test
  void wakesAWaitingConsumerWhenClosed() throws Exception {
    Waiter<String> consumer = Waiter.waiting(() -> String.valueOf(gate.take()));

    gate.close();

    assertThat(consumer.result()).isEqualTo("null");
  }

  @Test
  void tellsTheAgeOfTheOldestPendingChange() {
    put("a", 1);
    time.advance(Duration.ofSeconds(2));
    put("a", 1);
    put("b", 1);
    time.advance(Duration.ofSeconds(1));

    assertThat(gate.stats().oldestAge()).isEqualTo(Duration.ofSeconds(3));
    gate.poll();
    assertThat(gate.stats().oldestAge()).isEqualTo(Duration.ofSeconds(1));
    gate.poll();
    assertThat(gate.stats().oldestAge()).isZero();
  }
}
