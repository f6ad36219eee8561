package dev.sluice.flow;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.flow.WorkQueue.Item;
import dev.sluice.flow.WorkQueue.Offer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Tag("R3.1")
class WorkQueueTest {
  private final VirtualTime time = new VirtualTime();
  private final List<FlowEvent> events = new ArrayList<>();
  private final WorkQueue<String> queue = builder().build();

  private WorkQueue.Builder<String> builder() {
    return WorkQueue.<String>builder().name("pods").time(time).listener(events::add);
  }

  private static void add(WorkQueue<String> queue, String... keys) {
    for (String key : keys) {
      assertThat(queue.add(key)).isEqualTo(Offer.ACCEPTED);
    }
  }

  private static Item<String> next(WorkQueue<String> queue) {
    return Objects.requireNonNull(queue.poll(), "nothing waits");
  }

  private static List<String> drain(WorkQueue<String> queue) {
    List<String> keys = new ArrayList<>();
    for (Item<String> item; (item = queue.poll()) != null; ) {
      keys.add(item.key());
      item.done();
    }
    return keys;
  }

  // ---------------------------------------------------------------- once, and one at a time

  @Test
  void holdsAKeyOnceHoweverOftenItIsAdded() {
    add(queue, "a");
    assertThat(queue.add("a")).isEqualTo(Offer.COALESCED);

    assertThat(drain(queue)).containsExactly("a");
  }

  @Test
  void doesNotGiveAKeyToASecondWorker() {
    add(queue, "a");
    Item<String> first = next(queue);
    add(queue, "a");

    assertThat(queue.poll()).isNull();
    first.done();
    assertThat(next(queue).key()).isEqualTo("a");
  }

  @Test
  void runsAKeyOnceMoreThatWasAddedTwiceWhileInHand() {
    add(queue, "a");
    Item<String> first = next(queue);
    add(queue, "a");
    assertThat(queue.add("a")).isEqualTo(Offer.COALESCED);
    first.done();

    assertThat(drain(queue)).containsExactly("a");
  }

  @Test
  void refusesToFinishAKeyTwice() {
    add(queue, "a");
    Item<String> item = next(queue);
    item.done();

    assertThatThrownBy(item::done)
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("the key a of the queue 'pods' was finished before");
  }

  @Test
  void refusesToFinishAKeyWithAnItemOfAnEarlierRun() {
    add(queue, "a");
    Item<String> earlier = next(queue);
    earlier.done();
    add(queue, "a");
    Item<String> later = next(queue);

    assertThatThrownBy(earlier::done).isInstanceOf(IllegalStateException.class);
    add(queue, "a");
    assertThat(queue.poll()).as("still in the later worker's hands").isNull();
    later.done();
  }

  // ---------------------------------------------------------------- the bound

  @Test
  void holds100KeysUnlessToldOtherwise() {
    for (int i = 0; i < 100; i++) {
      add(queue, "key-" + i);
    }

    assertThat(queue.add("one more")).isEqualTo(Offer.FULL);
    assertThat(events).contains(new FlowEvent.Rejected("pods", "queue-full"));
  }

  @Test
  void neverRefusesAKeyThatItHoldsAlready() {
    WorkQueue<String> small = builder().capacity(1).build();
    add(small, "in hand");
    Item<String> inHand = next(small);
    small.addAfter("delayed", Duration.ofSeconds(1));
    add(small, "waiting");

    assertThat(small.add("new")).isEqualTo(Offer.FULL);
    assertThat(small.add("waiting")).isEqualTo(Offer.COALESCED);
    assertThat(small.add("in hand")).isEqualTo(Offer.ACCEPTED);
    assertThat(small.add("delayed")).isEqualTo(Offer.ACCEPTED);
    assertThat(small.stats().depth()).isEqualTo(3);
    inHand.done();
    assertThat(drain(small)).containsExactly("waiting", "delayed", "in hand");
  }

  @Test
  void takesKeysWhoseDelayEndsThoughItIsFull() {
    WorkQueue<String> small = builder().capacity(1).build();
    small.addAfter("delayed", Duration.ofSeconds(1));
    add(small, "waiting");
    time.advance(Duration.ofSeconds(2));

    assertThat(drain(small)).containsExactly("waiting", "delayed");
  }

  @Test
  void limitsTheKeysThatAreDelayed() {
    WorkQueue<String> small = builder().maxDelayed(1).build();
    small.addAfter("a", Duration.ofSeconds(1));

    assertThat(small.addAfter("b", Duration.ofSeconds(1))).isEqualTo(Offer.FULL);
    assertThat(events).containsExactly(new FlowEvent.Rejected("pods", "delays-full"));
    add(small, "c");
    Item<String> inHand = next(small);
    assertThat(small.addAfter("c", Duration.ofSeconds(1))).isEqualTo(Offer.ACCEPTED);
    inHand.done();
    time.advance(Duration.ofSeconds(2));
    assertThat(drain(small)).containsExactlyInAnyOrder("a", "c");
  }

  @Test
  void letsAnAddWaitForRoom() throws Exception {
    WorkQueue<String> small = builder().capacity(1).build();
    add(small, "a");
    Waiter<Boolean> adder = Waiter.waiting(() -> small.put("b"));

    time.advance(Duration.ofSeconds(3));
    Item<String> taken = next(small);

    assertThat(adder.result()).isTrue();
    taken.done();
    assertThat(drain(small)).containsExactly("b");
    assertThat(events).contains(new FlowEvent.Waited("pods", "queue-full", 3_000_000_000L));
  }

  @Test
  void wakesEveryAdderForWhomThereIsRoom() throws Exception {
    WorkQueue<String> small = builder().capacity(2).build();
    add(small, "a", "b");
    // Both want the same key, so the first to wake leaves its room to the third.
    Waiter<Boolean> one = Waiter.waiting(() -> small.put("c"));
    Waiter<Boolean> two = Waiter.waiting(() -> small.put("c"));
    Waiter<Boolean> three = Waiter.waiting(() -> small.put("d"));

    next(small);
    next(small);

    assertThat(one.result()).isTrue();
    assertThat(two.result()).isTrue();
    assertThat(three.result()).isTrue();
    assertThat(drain(small)).containsExactlyInAnyOrder("c", "d");
  }

  @Test
  void tellsAnAdderWhoseTimeIsUpThatItIsFull() throws Exception {
    WorkQueue<String> small = builder().capacity(1).build();
    add(small, "a");
    Waiter<Offer> adder =
        Waiter.waiting(() -> small.put("b", Priority.NORMAL, Duration.ofSeconds(5)));

    time.advance(Duration.ofSeconds(5));

    assertThat(adder.result()).isEqualTo(Offer.FULL);
    assertThat(drain(small)).containsExactly("a");
    assertThat(time.pending()).isZero();
  }

  @Test
  void doesNotTakeTheKeyOfAnInterruptedAdder() {
    WorkQueue<String> small = builder().capacity(1).build();
    add(small, "a");
    Waiter<Boolean> adder = Waiter.waiting(() -> small.put("b"));

    adder.interrupt();

    assertThatThrownBy(adder::result).hasCauseInstanceOf(InterruptedException.class);
    assertThat(drain(small)).containsExactly("a");
  }

  // ---------------------------------------------------------------- the order

  @Test
  void dispatchesByPriorityAndThenByArrival() {
    assertThat(queue.add("low", Priority.LOW)).isEqualTo(Offer.ACCEPTED);
    add(queue, "first", "second");
    assertThat(queue.add("high", Priority.HIGH)).isEqualTo(Offer.ACCEPTED);

    assertThat(drain(queue)).containsExactly("high", "first", "second", "low");
  }

  @Test
  void makesAWaitingKeyMoreUrgentAndNeverLess() {
    assertThat(queue.add("a", Priority.LOW)).isEqualTo(Offer.ACCEPTED);
    add(queue, "b");
    assertThat(queue.add("a", Priority.HIGH)).isEqualTo(Offer.COALESCED);
    assertThat(queue.add("a", Priority.LOW)).isEqualTo(Offer.COALESCED);

    assertThat(drain(queue)).containsExactly("a", "b");
  }

  @Test
  void keepsTheAgeOfAKeyThatBecomesMoreUrgent() {
    assertThat(queue.add("a", Priority.LOW)).isEqualTo(Offer.ACCEPTED);
    time.advance(Duration.ofSeconds(7));
    assertThat(queue.add("a", Priority.HIGH)).isEqualTo(Offer.COALESCED);

    assertThat(queue.stats().oldestAge()).isEqualTo(Duration.ofSeconds(7));
    assertThat(next(queue).waited()).isEqualTo(Duration.ofSeconds(7));
  }

  @Test
  void runsAKeyAgainWithTheHighestPriorityItWasAddedWithMeanwhile() {
    add(queue, "a", "b");
    Item<String> a = next(queue);
    assertThat(queue.add("a", Priority.LOW)).isEqualTo(Offer.ACCEPTED);
    assertThat(queue.add("a", Priority.HIGH)).isEqualTo(Offer.COALESCED);
    a.done();

    assertThat(drain(queue)).containsExactly("a", "b");
  }

  @Test
  void givesOneDispatchInFourToTheAgedWhateverIsMoreUrgent() {
    assertThat(queue.add("old-1", Priority.LOW)).isEqualTo(Offer.ACCEPTED);
    assertThat(queue.add("old-2", Priority.LOW)).isEqualTo(Offer.ACCEPTED);
    time.advance(Duration.ofSeconds(10));
    for (int i = 0; i < 20; i++) {
      assertThat(queue.add("high-" + i, Priority.HIGH)).isEqualTo(Offer.ACCEPTED);
    }

    List<String> order = drain(queue);

    assertThat(order.indexOf("old-1")).isEqualTo(0);
    assertThat(order.indexOf("old-2")).isEqualTo(4);
  }

  @Test
  void doesNotAgeKeysBeforeTheirTime() {
    assertThat(queue.add("young", Priority.LOW)).isEqualTo(Offer.ACCEPTED);
    time.advance(Duration.ofNanos(9_999_999_999L));
    for (int i = 0; i < 20; i++) {
      assertThat(queue.add("high-" + i, Priority.HIGH)).isEqualTo(Offer.ACCEPTED);
    }

    assertThat(drain(queue)).endsWith("young");
  }

  @Test
  void doesNotLetAgedKeysHoldUpAChangeThatHappensNow() {
    WorkQueue<String> large = builder().capacity(20_000).build();
    for (int i = 0; i < 10_000; i++) {
      assertThat(large.add("initial-" + i, Priority.LOW)).isEqualTo(Offer.ACCEPTED);
    }
    time.advance(Duration.ofMinutes(1));
    drop(large, 100);
    add(large, "now");

    int before = 0;
    while (!next(large).key().equals("now")) {
      before++;
    }
    assertThat(before).isLessThanOrEqualTo(1);
  }

  private static void drop(WorkQueue<String> queue, int count) {
    for (int i = 0; i < count; i++) {
      next(queue).done();
    }
  }

  @Test
  void sharesDispatchesBetweenTenantsByWeightHoweverManyKeysEachHas() {
    WorkQueue<String> shared = tenants(10_000).weight("b", 3).build();
    for (int i = 0; i < 1_000; i++) {
      add(shared, "a/" + i, "a/x" + i, "a/y" + i);
    }
    for (int i = 0; i < 300; i++) {
      add(shared, "b/" + i);
    }
    for (int i = 0; i < 100; i++) {
      add(shared, "c/" + i);
    }

    Map<String, Integer> dispatched = new HashMap<>();
    for (int i = 0; i < 500; i++) {
      dispatched.merge(next(shared).key().substring(0, 1), 1, Integer::sum);
    }

    assertThat(dispatched).containsEntry("a", 100).containsEntry("b", 300).containsEntry("c", 100);
  }

  private WorkQueue.Builder<String> tenants(int capacity) {
    return builder().capacity(capacity).tenants(key -> key.substring(0, key.indexOf('/')));
  }

  @Test
  void servesATenantWithOneKeyWithinATurnOfAllWhateverAnotherFloods() {
    WorkQueue<String> shared = tenants(10_000).build();
    for (int i = 0; i < 5_000; i++) {
      add(shared, "flood/" + i);
    }
    add(shared, "quiet/1");

    List<String> order = List.of(next(shared).key(), next(shared).key());

    assertThat(order).contains("quiet/1");
  }

  @Test
  void changesAWeightAtRunTime() {
    WorkQueue<String> shared = tenants(10_000).build();
    for (int i = 0; i < 100; i++) {
      add(shared, "a/" + i, "b/" + i);
    }
    shared.setWeight("b", 9);

    long ofB = 0;
    for (int i = 0; i < 100; i++) {
      ofB += next(shared).key().startsWith("b") ? 1 : 0;
    }

    assertThat(ofB).isBetween(89L, 91L);
  }

  @Test
  void forgetsTenantsThatHaveNoKeys() {
    WorkQueue<String> shared = tenants(100).build();
    for (int i = 0; i < 100_000; i++) {
      add(shared, "tenant-" + i + "/key");
      next(shared).done();
    }

    assertThat(shared.tenantsRemembered()).isLessThanOrEqualTo(ReadyKeys.IDLE_TENANTS + 1);
  }

  // ---------------------------------------------------------------- delays

  @Test
  void addsAKeyWhenItsDelayIsOverAndNotBefore() {
    queue.addAfter("a", Duration.ofSeconds(5));

    time.advance(Duration.ofNanos(4_999_999_999L));
    assertThat(queue.poll()).isNull();
    time.advance(Duration.ofMillis(2));
    assertThat(drain(queue)).containsExactly("a");
  }

  @Test
  void keepsTheDelayThatEndsFirst() {
    assertThat(queue.addAfter("a", Duration.ofSeconds(5))).isEqualTo(Offer.ACCEPTED);
    assertThat(queue.addAfter("a", Duration.ofSeconds(9))).isEqualTo(Offer.COALESCED);
    assertThat(queue.addAfter("a", Duration.ofSeconds(1))).isEqualTo(Offer.COALESCED);
    assertThat(queue.stats().delayed()).isEqualTo(1);

    time.advance(Duration.ofSeconds(2));
    assertThat(drain(queue)).containsExactly("a");
    time.advance(Duration.ofSeconds(20));
    assertThat(drain(queue)).isEmpty();
  }

  @Test
  void addsAKeyAtOnceThoughItIsDelayedAndAgainWhenTheDelayIsOver() {
    queue.addAfter("a", Duration.ofSeconds(5));
    add(queue, "a");

    assertThat(drain(queue)).containsExactly("a");
    time.advance(Duration.ofSeconds(6));
    assertThat(drain(queue)).containsExactly("a");
  }

  @Test
  void runsAKeyAgainWhoseDelayEndsWhileItIsInHand() {
    add(queue, "a");
    Item<String> item = next(queue);
    queue.addAfter("a", Duration.ofSeconds(5));
    time.advance(Duration.ofSeconds(6));

    assertThat(queue.poll()).isNull();
    item.done();
    assertThat(drain(queue)).containsExactly("a");
  }

  @Test
  void addsAtOnceAfterNoDelay() {
    assertThat(queue.addAfter("a", Duration.ZERO)).isEqualTo(Offer.ACCEPTED);

    assertThat(drain(queue)).containsExactly("a");
  }

  @Test
  void endsAMillionDelaysAtTheirTimeWithOneTimer() {
    int count = 1_000_000;
    WorkQueue<Integer> large =
        WorkQueue.<Integer>builder().capacity(count).maxDelayed(count).time(time).build();
    for (int i = 0; i < count; i++) {
      large.addAfter(i, Duration.ofMillis(i / 1_000 + 1));
    }
    assertThat(large.stats().delayed()).isEqualTo(count);
    assertThat(time.pending()).isEqualTo(1);

    time.advance(Duration.ofMillis(500));
    assertThat(large.stats().depth()).isBetween(498_000, 500_000);
    time.advance(Duration.ofMillis(502));
    assertThat(large.stats().depth()).isEqualTo(count);
    assertThat(time.pending()).isZero();
  }

  @Test
  void delaysAFailingKeyLongerEachTimeUntilItIsForgotten() {
    List<Duration> delays = new ArrayList<>();
    for (int i = 0; i < 13; i++) {
      queue.addRateLimited("a");
      Duration before = time.elapsed();
      Item<String> item;
      while ((item = queue.poll()) == null) {
        time.advance(Duration.ofMillis(1));
      }
      item.done();
      delays.add(time.elapsed().minus(before));
    }

    for (int i = 0; i < 13; i++) {
      Duration expected = Duration.ofMillis(Math.min(10_000, 5L << i));
      assertThat(delays.get(i)).isBetween(expected, expected.plusMillis(3));
    }
    assertThat(queue.retries("a")).isEqualTo(13);
    queue.forget("a");
    assertThat(queue.retries("a")).isZero();
    queue.addRateLimited("a");
    time.advance(Duration.ofMillis(7));
    assertThat(drain(queue)).containsExactly("a");
  }

  // ---------------------------------------------------------------- the dispatch limiter

  @Test
  @Tag("R1.1")
  void dispatchesAtTheLimitersRateAndKeepsWhatItHoldsBack() {
    WorkQueue<String> limited = builder().dispatchLimiter(limiter(Rate.perSecond(10), 5)).build();
    for (int i = 0; i < 50; i++) {
      add(limited, "key-" + i);
    }

    assertThat(drain(limited)).as("the burst").hasSize(5);
    time.advance(Duration.ofSeconds(1));
    assertThat(drain(limited)).hasSize(5);
    int later = 0;
    for (int i = 0; i < 100; i++) {
      time.advance(Duration.ofMillis(100));
      later += drain(limited).size();
    }
    assertThat(later).as("the rest: nothing was lost").isEqualTo(40);
  }

  private RateLimiter limiter(Rate rate, long burst) {
    return RateLimiter.builder().time(time).tokenBucket(rate, burst);
  }

  @Test
  @Tag("R1.1")
  void letsWaitingWorkersHaveKeysAtTheLimitersRate() throws Exception {
    WorkQueue<String> limited = builder().dispatchLimiter(limiter(Rate.perSecond(1), 1)).build();
    add(limited, "a", "b", "c");
    next(limited);
    Waiter<String> one = Waiter.waiting(() -> Objects.requireNonNull(limited.take()).key());
    Waiter<String> two = Waiter.waiting(() -> Objects.requireNonNull(limited.take()).key());

    time.advance(Duration.ofMillis(999));
    assertThat(one.stillWaits()).isTrue();
    assertThat(two.stillWaits()).isTrue();
    time.advance(Duration.ofMillis(1));
    // One of the two has the second key now, and the other asks for the next permit.
    while (limited.stats().inHand() < 2 || time.pending() == 0) {
      Thread.onSpinWait();
    }
    assertThat(limited.stats().inHand()).isEqualTo(2);
    time.advance(Duration.ofSeconds(1));

    assertThat(List.of(one.result(), two.result())).containsExactlyInAnyOrder("b", "c");
  }

  @Test
  void choosesTheKeyOnlyWhenThePermitIsThere() throws Exception {
    WorkQueue<String> limited = builder().dispatchLimiter(limiter(Rate.perSecond(1), 1)).build();
    add(limited, "first", "normal");
    next(limited);
    Waiter<String> worker = Waiter.waiting(() -> Objects.requireNonNull(limited.take()).key());

    assertThat(limited.add("urgent", Priority.HIGH)).isEqualTo(Offer.ACCEPTED);
    time.advance(Duration.ofSeconds(1));

    assertThat(worker.result()).isEqualTo("urgent");
  }

  @Test
  void feelsAChangeOfTheLimitersRateAtOnce() throws Exception {
    RateLimiter limiter = limiter(Rate.of(1, Duration.ofDays(1)), 1);
    WorkQueue<String> limited = builder().dispatchLimiter(limiter).build();
    add(limited, "a", "b");
    next(limited);
    Waiter<String> worker = Waiter.waiting(() -> Objects.requireNonNull(limited.take()).key());

    limiter.setRate(Rate.perSecond(1));
    time.advance(Duration.ofSeconds(1));

    assertThat(worker.result()).isEqualTo("b");
  }

  @Test
  void leavesTheLimitersLineWhenTheLastWaitingWorkerIsInterrupted() {
    RateLimiter limiter = limiter(Rate.perSecond(1), 1);
    WorkQueue<String> limited = builder().dispatchLimiter(limiter).build();
    add(limited, "a", "b");
    next(limited);
    Waiter<String> worker = Waiter.waiting(() -> String.valueOf(limited.take()));
    assertThat(limiter.waiting()).isEqualTo(1);

    worker.interrupt();

    assertThatThrownBy(worker::result).hasCauseInstanceOf(InterruptedException.class);
    assertThat(limiter.waiting()).isZero();
    time.advance(Duration.ofSeconds(1));
    assertThat(drain(limited)).containsExactly("b");
  }

  // ---------------------------------------------------------------- the end

  @Test
  void givesOutWhatWaitsAfterShutDownAndThenNull() throws InterruptedException {
    add(queue, "a", "b");
    queue.addAfter("delayed", Duration.ofSeconds(1));
    queue.shutDown();

    assertThat(queue.add("late")).isEqualTo(Offer.CLOSED);
    assertThat(queue.put("late")).isFalse();
    assertThat(queue.addAfter("late", Duration.ofSeconds(1))).isEqualTo(Offer.CLOSED);
    assertThat(queue.addRateLimited("late")).isEqualTo(Offer.CLOSED);
    time.advance(Duration.ofSeconds(5));
    assertThat(drain(queue)).containsExactly("a", "b");
    assertThat(queue.take()).isNull();
    assertThat(queue.isDrained()).isTrue();
    assertThat(queue.stats().dropped()).isEqualTo(1);
  }

  @Test
  void givesOutAKeyOnceMoreThatWasAddedInHandBeforeTheShutDown() throws Exception {
    add(queue, "a");
    Item<String> item = next(queue);
    add(queue, "a");
    queue.shutDown();
    Waiter<String> worker = Waiter.waiting(() -> Objects.requireNonNull(queue.take()).key());

    item.done();

    assertThat(worker.result()).isEqualTo("a");
  }

  @Test
  void wakesWaitingWorkersWhenShutDown() throws Exception {
    List<Waiter<String>> workers = new ArrayList<>();
    for (int i = 0; i < 3; i++) {
      workers.add(Waiter.waiting(() -> String.valueOf(queue.take())));
    }

    queue.shutDown();

    for (Waiter<String> worker : workers) {
      assertThat(worker.result()).isEqualTo("null");
    }
  }

  @Test
  void drainsUntilTheLastWorkerIsDone() throws Exception {
    add(queue, "a");
    Item<String> item = next(queue);
    Waiter<Boolean> drainer = Waiter.waiting(() -> queue.drain(Duration.ofSeconds(30)));

    assertThat(queue.add("b")).isEqualTo(Offer.CLOSED);
    assertThat(drainer.stillWaits()).isTrue();
    item.done();

    assertThat(drainer.result()).isTrue();
    assertThat(time.pending()).isZero();
  }

  @Test
  void givesUpDrainingWhenTheTimeIsUp() throws Exception {
    add(queue, "a");
    Item<String> item = next(queue);
    Waiter<Boolean> drainer = Waiter.waiting(() -> queue.drain(Duration.ofSeconds(30)));

    time.advance(Duration.ofSeconds(30));

    assertThat(drainer.result()).isFalse();
    item.done();
    assertThat(queue.drain(Duration.ZERO)).isTrue();
  }

  @Test
  void dropsWhatWaitsWhenClosedAndLetsWorkersFinish() throws InterruptedException {
    add(queue, "a", "b");
    Item<String> item = next(queue);
    add(queue, "a");
    queue.close();

    assertThat(queue.take()).isNull();
    item.done();
    assertThat(queue.take()).isNull();
    assertThat(queue.stats().dropped()).isEqualTo(2);
    assertThat(queue.drain(Duration.ZERO)).isTrue();
  }

  @Test
  void wakesWhoeverWaitsWhenClosed() throws Exception {
    WorkQueue<String> small = builder().capacity(1).build();
    add(small, "a");
    Waiter<Boolean> adder = Waiter.waiting(() -> small.put("b"));
    WorkQueue<String> empty = builder().build();
    Waiter<String> worker = Waiter.waiting(() -> String.valueOf(empty.take()));

    small.close();
    empty.close();

    assertThat(adder.result()).isFalse();
    assertThat(worker.result()).isEqualTo("null");
  }

  @Test
  void tellsOfItsEnd() {
    queue.shutDown();
    queue.shutDown();
    queue.close();
    queue.close();

    assertThat(events)
        .containsExactly(
            new FlowEvent.StateChanged("pods", "shut-down", "open", "draining"),
            new FlowEvent.StateChanged("pods", "closed", "draining", "closed"));
  }

  // ---------------------------------------------------------------- what it tells

  @Test
  void measuresWaitAndWork() {
    add(queue, "a");
    time.advance(Duration.ofSeconds(2));
    Item<String> item = next(queue);
    time.advance(Duration.ofSeconds(3));
    item.done();

    WorkQueue.Stats stats = queue.stats();
    assertThat(stats.waitTimes().longest()).isEqualTo(Duration.ofSeconds(2));
    assertThat(stats.workTimes().mean()).isEqualTo(Duration.ofSeconds(3));
    assertThat(events).containsExactly(new FlowEvent.Waited("pods", "queued", 2_000_000_000L));
  }

  @Test
  void tellsWhatItHas() {
    add(queue, "a", "b", "c");
    queue.addAfter("d", Duration.ofSeconds(60));
    next(queue);
    add(queue, "a");
    assertThat(queue.add("b")).isEqualTo(Offer.COALESCED);
    time.advance(Duration.ofSeconds(1));

    WorkQueue.Stats stats = queue.stats();

    assertThat(stats.depth()).isEqualTo(3);
    assertThat(stats.inHand()).isEqualTo(1);
    assertThat(stats.delayed()).isEqualTo(1);
    assertThat(stats.capacity()).isEqualTo(100);
    assertThat(stats.oldestAge()).isEqualTo(Duration.ofSeconds(1));
    assertThat(stats.accepted()).isEqualTo(4);
    assertThat(stats.coalesced()).isEqualTo(1);
    assertThat(stats.state()).isEqualTo(WorkQueue.State.OPEN);
    assertThat(queue.toString()).contains("pods").contains("depth=3");
  }

  @Test
  void warnsWhenItIsBuiltForMoreThanItsWorkersCanDo() {
    builder().workers(3).expecting(Rate.perSecond(15), Duration.ofMillis(200)).build();

    assertThat(events)
        .containsExactly(
            new FlowEvent.StateChanged("pods", "workers-too-few", "sufficient", "overloaded"));
  }

  @Test
  void doesNotWarnWhenItIsBuiltForWhatItsWorkersCanDo() {
    builder().workers(4).expecting(Rate.perSecond(15), Duration.ofMillis(200)).build();

    assertThat(events).isEmpty();
  }

  @Test
  void warnsWhenTheMeasuredLoadIsMoreThanItsWorkersCanDoAndTellsItsEnd() {
    WorkQueue<String> worked = builder().workers(1).listener(this::alarmsOnly).build();
    work(worked, 30, Duration.ofMillis(900)); // one a second that takes 0.9 s: 90 %
    assertThat(events)
        .containsExactly(
            new FlowEvent.StateChanged("pods", "workers-too-few", "sufficient", "overloaded"));
    assertThat(worked.stats().load().workersNeeded()).isEqualTo(2);
    assertThat(worked.stats().load().busyWorkers()).isBetween(0.85, 0.95);

    work(worked, 60, Duration.ofMillis(500));
    assertThat(events)
        .endsWith(new FlowEvent.StateChanged("pods", "workers-too-few", "overloaded", "sufficient"))
        .hasSize(2);
  }

  private void alarmsOnly(FlowEvent event) {
    if (event instanceof FlowEvent.StateChanged) {
      events.add(event);
    }
  }

  /** One key a second, each taking as long as given. */
  private void work(WorkQueue<String> worked, int seconds, Duration each) {
    for (int i = 0; i < seconds; i++) {
      add(worked, "key-" + i);
      Item<String> item = next(worked);
      time.advance(each);
      item.done();
      time.advance(Duration.ofSeconds(1).minus(each));
    }
  }

  @Test
  void warnsWhenAWorkerNeverComesBack() {
    WorkQueue<String> worked = builder().workers(1).listener(this::alarmsOnly).build();
    add(worked, "stuck");
    next(worked);
    for (int i = 0; i < 30; i++) {
      time.advance(Duration.ofSeconds(1));
      add(worked, "key-" + i);
    }

    assertThat(events)
        .contains(
            new FlowEvent.StateChanged("pods", "workers-too-few", "sufficient", "overloaded"));
  }

  @Test
  void warnsWhenAKeyWaitsLongerThanAFullQueueTakesToDrain() {
    WorkQueue<String> worked = builder().workers(1).capacity(2).listener(this::alarmsOnly).build();
    assertThat(worked.add("low", Priority.LOW)).isEqualTo(Offer.ACCEPTED);
    work(worked, 25, Duration.ofMillis(100));

    assertThat(events)
        .contains(
            new FlowEvent.StateChanged("pods", "wait-over-worst", "sufficient", "overloaded"));
  }

  // ---------------------------------------------------------------- threads

  /** Runs both at the same time, as near as can be. */
  private static void atOnce(Runnable one, Runnable other) throws Exception {
    AtomicInteger ready = new AtomicInteger();
    CompletableFuture<Void> ended =
        CompletableFuture.runAsync(() -> {
          ready.incrementAndGet();
          while (ready.get() < 2) {
            Thread.onSpinWait();
          }
          other.run();
        });
    ready.incrementAndGet();
    while (ready.get() < 2) {
      Thread.onSpinWait();
    }
    one.run();
    ended.get(10, TimeUnit.SECONDS);
  }

  @ParameterizedTest
  @ValueSource(ints = 100)
  void letsOnlyOneOfTwoThreadsFinishAKey(int times) throws Exception {
    for (int i = 0; i < times; i++) {
      add(queue, "a");
      Item<String> item = next(queue);
      AtomicInteger finished = new AtomicInteger();
      AtomicInteger refused = new AtomicInteger();
      Runnable finish =
          () -> {
            try {
              item.done();
              finished.incrementAndGet();
            } catch (IllegalStateException e) {
              refused.incrementAndGet();
            }
          };

      atOnce(finish, finish);

      assertThat(finished).hasValue(1);
      assertThat(refused).hasValue(1);
      assertThat(queue.stats().inHand()).isZero();
    }
  }

  @ParameterizedTest
  @ValueSource(ints = 50)
  void wakesAnIdleWorkerForAKeyThatIsAddedWhileItIsFinished(int times) throws Exception {
    for (int i = 0; i < times; i++) {
      add(queue, "a");
      Item<String> item = next(queue);
      Waiter<Item<String>> idle = Waiter.waiting(queue::take);

      atOnce(item::done, () -> add(queue, "a"));

      idle.result().done();
    }
    assertThat(queue.stats().accepted()).isEqualTo(2L * times);
  }

  @ParameterizedTest
  @ValueSource(ints = 50)
  void endsADrainThatBeginsWhileTheLastKeyIsFinished(int times) throws Exception {
    for (int i = 0; i < times; i++) {
      WorkQueue<String> ending = WorkQueue.<String>builder().time(time).build();
      add(ending, "a");
      Item<String> item = next(ending);
      Waiter<Item<String>> idle = Waiter.waiting(ending::take);
      AtomicBoolean drained = new AtomicBoolean();

      atOnce(
          item::done,
          () -> {
            try {
              drained.set(ending.drain(Duration.ofSeconds(1)));
            } catch (InterruptedException e) {
              throw new AssertionError(e);
            }
          });

      assertThat(drained).isTrue();
      assertThat(idle.result()).isNull();
    }
  }

  @Test
  @Tag("long")
  void keepsItsWordInManyRacesOfWhatIsFinished() throws Exception {
    letsOnlyOneOfTwoThreadsFinishAKey(100_000);
    endsADrainThatBeginsWhileTheLastKeyIsFinished(20_000);
  }

  @Test
  @Tag("long")
  void wakesAnIdleWorkerInManyRacesOfWhatIsAddedAndFinished() throws Exception {
    wakesAnIdleWorkerForAKeyThatIsAddedWhileItIsFinished(20_000);
  }

  @Test
  void countsWhatIsFinishedThoughNobodyHasUsedItSince() {
    List<Item<String>> kept = new ArrayList<>();
    for (int i = 0; i < 3; i++) {
      add(queue, "key-" + i);
      kept.add(next(queue));
    }
    kept.forEach(Item::done);

    assertThat(queue.stats().inHand()).isZero();
    assertThat(queue.stats().workTimes().count()).isEqualTo(3);
    add(queue, "key-0");
    assertThat(queue.stats().depth()).isEqualTo(1);
  }

  @Test
  void givesEachKeyToOneWorkerAtATimeAndLosesNoneUnderContention() throws Exception {
    WorkQueue<Integer> shared =
        WorkQueue.<Integer>builder().capacity(32).tenants(key -> "t" + key % 3).build();
    int adders = 3;
    int workers = 4;
    int each = 5_000;
    Set<Integer> inHand = ConcurrentHashMap.newKeySet();
    AtomicInteger[] added = new AtomicInteger[64];
    AtomicInteger[] seen = new AtomicInteger[64];
    for (int i = 0; i < 64; i++) {
      added[i] = new AtomicInteger();
      seen[i] = new AtomicInteger();
    }
    List<String> faults = new ArrayList<>();
    CountDownLatch addersEnded = new CountDownLatch(adders);
    CountDownLatch workersEnded = new CountDownLatch(workers);
    for (int w = 0; w < workers; w++) {
      Thread.startVirtualThread(() -> {
        try {
          for (Item<Integer> item; (item = shared.take()) != null; ) {
            int key = item.key();
            if (!inHand.add(key)) {
              synchronized (faults) {
                faults.add("two workers had " + key);
              }
            }
            // What was added before the take is seen by this run.
            seen[key].set(added[key].get());
            Thread.yield();
            inHand.remove(key);
            item.done();
          }
        } catch (InterruptedException e) {
          throw new AssertionError(e);
        } finally {
          workersEnded.countDown();
        }
      });
    }
    for (int a = 0; a < adders; a++) {
      int adder = a;
      Thread.startVirtualThread(() -> {
        try {
          for (int i = 0; i < each; i++) {
            int key = (i * 31 + adder * 7) % 64;
            added[key].incrementAndGet();
            if (i % 5 == 0) {
              shared.addAfter(key, Duration.ofNanos(1), Priority.LOW);
            }
            shared.put(key, Priority.values()[i % 3]);
          }
        } catch (InterruptedException e) {
          throw new AssertionError(e);
        } finally {
          addersEnded.countDown();
        }
      });
    }
    addersEnded.await();
    assertThat(shared.drain(Duration.ofSeconds(30))).isTrue();
    workersEnded.await();

    assertThat(faults).isEmpty();
    for (int i = 0; i < 64; i++) {
      assertThat(seen[i].get()).as("last run of key " + i).isEqualTo(added[i].get());
    }
  }
}
