package dev.sluice.kube;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.flow.Backoff;
import dev.sluice.flow.Gate;
import dev.sluice.flow.Rate;
import dev.sluice.flow.RateLimiter;
import dev.sluice.flow.VirtualTime;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class ControllerTest {
  private static final ObjectKey A = ObjectKey.of("ns", "a");

  private final FakeApi api = new FakeApi();
  private final VirtualTime time = new VirtualTime();
  private final ConcurrentLinkedQueue<String> seen = new ConcurrentLinkedQueue<>();
  private final Informer<Resource> informer = Informer.of(api, FakeApi.PODS).start();

  @AfterEach
  void close() {
    informer.close();
  }

  private Controller.Builder<Resource> controller() {
    return Controller.named("test").watching(informer);
  }

  private Controller.Builder<Resource> inVirtualTime() {
    return controller()
        .time(time)
        .backoff(
            Backoff.exponential(Duration.ofSeconds(10), 2, Duration.ofMinutes(10))
                .with(Backoff.Jitter.NONE));
  }

  /** Puts an object, and waits until the informer has handed it over, so that it comes once. */
  private void given(String name, String spec) {
    api.put(name, spec);
    handedOver();
  }

  private void handedOver() {
    Await.until(() -> assertThat(informer.status().anchor()).hasValue(api.version()));
  }

  private Outcome see(ObjectKey key, Context<Resource> context) {
    seen.add(key.name() + "@" + context.resource().map(Resource::resourceVersion).orElse("gone"));
    return Outcome.done();
  }

  @Test
  void reconcilesWhatIsThereWhatChangesAndWhatIsGone() {
    given("a", "1");
    try (Controller<Resource> controller = controller().reconcile(this::see).start()) {
      Await.until(() -> assertThat(seen).containsExactly("a@101"));
      api.put("a", "2");
      Await.until(() -> assertThat(seen).containsExactly("a@101", "a@102"));
      api.delete("a");
      Await.until(() -> assertThat(seen).containsExactly("a@101", "a@102", "a@gone"));
      Await.until(() -> assertThat(controller.status().counts().done()).isEqualTo(3));
    }
  }

  @Test
  void neverHasAKeyInTwoHandsAndEndsWithTheLatestState() {
    Map<ObjectKey, AtomicInteger> hands = new ConcurrentHashMap<>();
    Map<ObjectKey, String> last = new ConcurrentHashMap<>();
    AtomicBoolean twice = new AtomicBoolean();
    try (Controller<Resource> controller =
        controller()
            .workers(8)
            .reconcile((key, context) -> {
              AtomicInteger hand = hands.computeIfAbsent(key, k -> new AtomicInteger());
              if (hand.incrementAndGet() > 1) {
                twice.set(true);
              }
              String version = context.resource().map(Resource::resourceVersion).orElse("");
              Thread.yield();
              last.put(key, version);
              hand.decrementAndGet();
              return version.hashCode() % 3 == 0
                  ? Outcome.done()
                  : Outcome.again(Duration.ofMillis(1));
            })
            .start()) {
      for (int i = 0; i < 4000; i++) {
        api.put("p" + i % 7, Integer.toString(i));
      }
      Await.until(() -> {
        assertThat(informer.store().snapshot().resources())
            .hasSize(7)
            .allSatisfy(resource ->
                assertThat(last.get(resource.key())).isEqualTo(resource.resourceVersion()));
      });
      assertThat(twice).isFalse();
      assertThat(controller.status().counts().started()).isPositive();
    }
  }

  @Test
  @Tag("R1.1")
  void dispatchesAtTheLimitersRateAndLosesNothing() {
    for (int i = 0; i < 30; i++) {
      api.put("p" + i, "x");
    }
    handedOver();
    RateLimiter limiter = RateLimiter.builder().time(time).tokenBucket(Rate.perSecond(10), 5);
    try (Controller<Resource> controller =
        controller().time(time).limitedBy(limiter).reconcile(this::see).start()) {
      Await.until(() -> assertThat(seen).hasSize(5));
      assertThat(informer.store().size()).isEqualTo(30);
      Await.until(() -> assertThat(controller.status().waiting()).isEqualTo(25));
      for (int i = 6; i <= 30; i++) {
        int expected = i;
        Await.until(() -> assertThat(limiter.waiting()).isEqualTo(1));
        time.advance(Duration.ofMillis(100));
        Await.until(() -> assertThat(seen).hasSize(expected));
      }
      assertThat(time.elapsed()).isEqualTo(Duration.ofMillis(2500));
    }
  }

  @Test
  void triesAFailedKeyAgainAfterItsBackoffLaterEachTime() {
    given("a", "1");
    try (Controller<Resource> controller =
        inVirtualTime()
            .reconcile((key, context) -> {
              seen.add("attempt " + context.attempt());
              if (context.attempt() == 1) {
                throw new IllegalStateException("not yet");
              }
              return context.attempt() < 4 ? Outcome.retry("nor now") : Outcome.done();
            })
            .start()) {
      advanceToNextAttempt(controller, Duration.ofSeconds(10), 2);
      advanceToNextAttempt(controller, Duration.ofSeconds(20), 3);
      advanceToNextAttempt(controller, Duration.ofSeconds(40), 4);
      Await.until(() -> assertThat(controller.status().counts().done()).isEqualTo(1));
      assertThat(controller.status().counts().retried()).isEqualTo(3);
      assertThat(controller.status().recentFailures())
          .extracting(ControllerStatus.Failure::cause)
          .containsExactly("nor now", "nor now", "IllegalStateException: not yet");
    }
  }

  private void advanceToNextAttempt(Controller<Resource> controller, Duration delay, int attempt) {
    Await.until(() -> assertThat(controller.status().delayed()).isEqualTo(1));
    // An attempt may begin while the time is on its way to where it is moved.
    time.advance(delay.minusSeconds(1));
    assertThat(seen).hasSize(attempt - 1);
    time.advance(Duration.ofMillis(1050));
    Await.until(() -> assertThat(seen).hasSize(attempt));
    assertThat(seen).contains("attempt " + attempt);
  }

  @Test
  void letsNoEventShortenABackoffWhetherItCameDuringTheRunOrAfter() {
    CountDownLatch running = new CountDownLatch(1);
    CountDownLatch go = new CountDownLatch(1);
    given("a", "1");
    try (Controller<Resource> controller =
        inVirtualTime()
            .reconcile((key, context) -> {
              seen.add("attempt " + context.attempt());
              if (context.attempt() > 1) {
                return Outcome.done();
              }
              running.countDown();
              go.await();
              return Outcome.retry("no");
            })
            .start()) {
      running.await();
      api.put("a", "2");
      Await.until(() -> assertThat(controller.status().counts().coalesced()).isEqualTo(1));
      go.countDown();
      Await.until(() -> assertThat(controller.status().delayed()).isEqualTo(1));
      Await.until(() -> assertThat(controller.status().inHand()).isZero());
      given("a", "3");
      Await.until(() -> assertThat(controller.status().counts().coalesced()).isEqualTo(2));
      time.advance(Duration.ofMillis(9_990));
      assertThat(seen).containsExactly("attempt 1");
      time.advance(Duration.ofMillis(20));
      Await.until(() -> assertThat(seen).containsExactly("attempt 1", "attempt 2"));
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }

  @Test
  void runsAKeyOnceMoreThatChangedDuringARunThatWentWell() throws Exception {
    CountDownLatch running = new CountDownLatch(1);
    CountDownLatch go = new CountDownLatch(1);
    given("a", "1");
    try (Controller<Resource> controller =
        controller()
            .reconcile((key, context) -> {
              see(key, context);
              running.countDown();
              go.await();
              return Outcome.done();
            })
            .start()) {
      running.await();
      given("a", "2");
      given("a", "3");
      Await.until(() -> assertThat(controller.status().counts().coalesced()).isEqualTo(2));
      go.countDown();
      Await.until(() -> assertThat(seen).containsExactly("a@101", "a@103"));
    }
  }

  @Test
  void takesUpAKeyAgainAfterTheTimeItsReconcileAskedFor() {
    given("a", "1");
    try (Controller<Resource> controller =
        inVirtualTime()
            .reconcile((key, context) -> {
              see(key, context);
              return seen.size() < 3 ? Outcome.again(Duration.ofHours(1)) : Outcome.done();
            })
            .start()) {
      Await.until(() -> assertThat(controller.status().delayed()).isEqualTo(1));
      time.advance(Duration.ofMinutes(59));
      assertThat(seen).hasSize(1);
      time.advance(Duration.ofMinutes(2));
      Await.until(() -> assertThat(seen).hasSize(2));
    }
  }

  @Test
  void leavesATerminalFailureAloneUntilTheObjectChanges() {
    given("a", "1");
    try (Controller<Resource> controller =
        inVirtualTime()
            .reconcile((key, context) -> {
              see(key, context);
              return Outcome.failed("spec makes no sense");
            })
            .start()) {
      Await.until(() -> assertThat(controller.status().counts().failed()).isEqualTo(1));
      time.advance(Duration.ofDays(1));
      assertThat(controller.status().delayed()).isZero();
      api.put("a", "2");
      Await.until(() -> assertThat(seen).containsExactly("a@101", "a@102"));
    }
  }

  @Test
  void interruptsAReconcileThatTakesTooLongAndTriesItAgain() {
    given("a", "1");
    AtomicBoolean cancelled = new AtomicBoolean();
    try (Controller<Resource> controller =
        inVirtualTime()
            .reconcileTimeout(Duration.ofSeconds(3))
            .reconcile((key, context) -> {
              seen.add("run");
              try {
                new CountDownLatch(1).await();
              } catch (InterruptedException e) {
                cancelled.set(context.cancelled());
                throw e;
              }
              return Outcome.done();
            })
            .start()) {
      Await.until(() -> assertThat(seen).hasSize(1));
      time.advance(Duration.ofSeconds(4));
      Await.until(() -> assertThat(controller.status().counts().retried()).isEqualTo(1));
      assertThat(controller.status().counts().deadlines()).isEqualTo(1);
      assertThat(cancelled).isTrue();
      assertThat(controller.status().recentFailures().get(0).cause())
          .isEqualTo("took longer than the PT3S allowed");
    }
  }

  @Test
  void countsNoDeadlineForAReconcileThatIsDoneInSpiteOfItsInterrupt() {
    given("a", "1");
    CountDownLatch never = new CountDownLatch(1);
    try (Controller<Resource> controller =
        inVirtualTime()
            .reconcileTimeout(Duration.ofSeconds(3))
            .reconcile((key, context) -> {
              seen.add("run");
              try {
                never.await();
              } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
              }
              return Outcome.done();
            })
            .start()) {
      Await.until(() -> assertThat(seen).hasSize(1));
      time.advance(Duration.ofSeconds(4));
      Await.until(() -> assertThat(controller.status().counts().done()).isEqualTo(1));
      assertThat(controller.status().counts().deadlines()).isZero();
    }
  }

  @Test
  void givesALongReconcileAllTheTimeItTakesWhenToldSo() {
    given("a", "1");
    CountDownLatch go = new CountDownLatch(1);
    try (Controller<Resource> controller =
        inVirtualTime()
            .reconcileTimeout(Duration.ZERO)
            .reconcile((key, context) -> {
              seen.add("run");
              go.await();
              return Outcome.done();
            })
            .start()) {
      Await.until(() -> assertThat(seen).hasSize(1));
      time.advance(Duration.ofDays(1));
      assertThat(controller.status().longestInHand()).isEqualTo(Duration.ofDays(1));
      go.countDown();
      Await.until(() -> assertThat(controller.status().counts().done()).isEqualTo(1));
    }
  }

  /** What a reconciler can do to the thread that it runs on. */
  private enum Misdeed {
    ERROR {
      @Override
      void run() {
        throw new StackOverflowError("too deep");
      }
    },
    UNCHECKED {
      @Override
      void run() {
        throw new IllegalStateException("no");
      }
    },
    CHECKED {
      @Override
      void run() throws Exception {
        throw new java.io.IOException("no network");
      }
    },
    INTERRUPTED {
      @Override
      void run() throws Exception {
        throw new InterruptedException("by itself");
      }
    },
    MARK_LEFT {
      @Override
      void run() {
        Thread.currentThread().interrupt();
      }
    };

    abstract void run() throws Exception;
  }

  @ParameterizedTest
  @EnumSource
  void goesOnWithItsOnlyWorkerWhateverAReconcilerDoesToIt(Misdeed misdeed) {
    given("a", "1");
    try (Controller<Resource> controller =
        inVirtualTime()
            .workers(1)
            .reconcile((key, context) -> {
              seen.add(key.name() + context.attempt());
              if (key.equals(A) && context.attempt() == 1) {
                misdeed.run();
                return Outcome.retry("ran with an interrupt left behind");
              }
              return Outcome.done();
            })
            .start()) {
      Await.until(() -> assertThat(controller.status().counts().retried()).isEqualTo(1));
      given("b", "1");
      Await.until(() -> assertThat(controller.status().counts().done()).isEqualTo(1));
      Await.until(() -> assertThat(controller.status().inHand()).isZero());
      time.advance(Duration.ofSeconds(11));
      Await.until(() -> assertThat(controller.status().counts().done()).isEqualTo(2));
      assertThat(seen).containsExactly("a1", "b1", "a2");
      assertThat(controller.status().recentFailures()).hasSize(1);
    }
  }

  @Test
  void reconcilesAChangeBeforeTheRestOfTheFirstList() {
    for (int i = 0; i < 1000; i++) {
      api.put("p" + i, "x");
    }
    Semaphore steps = new Semaphore(0);
    try (Informer<Resource> full = Informer.of(api, FakeApi.PODS).start();
        Controller<Resource> controller =
            Controller.named("full")
                .watching(full)
                .workers(1)
                .reconcile((key, context) -> {
                  steps.acquire();
                  return see(key, context);
                })
                .start()) {
      // One in hand, a hundred in the queue, the rest set aside.
      Await.until(() -> assertThat(controller.status().waiting()).isEqualTo(999));
      assertThat(controller.status().caughtUp()).isFalse();
      api.put("news", "x");
      Await.until(() -> assertThat(full.status().anchor()).hasValue(api.version()));
      Await.until(() -> assertThat(controller.status().backlog()).isZero());
      // If the queue is full already it waits for room, and one more key is taken before it.
      steps.release();
      Await.until(() -> assertThat(controller.status().counts().started()).isEqualTo(2));
      Await.until(() -> assertThat(controller.status().waiting()).isEqualTo(999));
      steps.release(2);
      Await.until(() -> assertThat(seen).hasSize(3));
      assertThat(seen.stream().limit(3).map(key -> key.replaceAll("@.*", ""))).contains("news");
      steps.release(100_000);
      Await.until(() -> assertThat(seen).hasSize(1001));
      Await.until(() -> assertThat(controller.status().caughtUp()).isTrue());
    }
  }

  @Test
  @Tag("R3.1")
  void doesNotLetTheManyKeysOfOneNamespaceStandBeforeTheFewOfAnother() {
    Semaphore steps = new Semaphore(0);
    try (Controller<Resource> controller =
        controller()
            .workers(1)
            .unlimited()
            .reconcile((key, context) -> {
              steps.acquire();
              seen.add(key.namespace());
              return Outcome.done();
            })
            .start()) {
      Await.until(() -> assertThat(controller.status().caughtUp()).isTrue());
      for (int i = 0; i < 1000; i++) {
        api.put("noisy", "p" + i, "x");
      }
      Await.until(() -> assertThat(controller.status().waiting()).isEqualTo(999));
      api.put("quiet", "a", "x");
      api.put("quiet", "b", "x");
      Await.until(() -> assertThat(controller.status().waiting()).isEqualTo(1001));
      // The hundred in the queue come first, and then they enter it in turns.
      steps.release(200);
      Await.until(() -> assertThat(seen).hasSizeGreaterThanOrEqualTo(200));
      assertThat(seen).filteredOn("quiet"::equals).hasSize(2);
      steps.release(1000);
      Await.until(() -> assertThat(controller.status().counts().done()).isEqualTo(1002));
    }
  }

  @Test
  void leavesWhatWaitsToTheNextControllerAndRunsNoneOfItAfterItsEnd() throws Exception {
    for (int i = 0; i < 50; i++) {
      api.put("p" + i, "x");
    }
    handedOver();
    CountDownLatch running = new CountDownLatch(1);
    CountDownLatch go = new CountDownLatch(1);
    Controller<Resource> first =
        controller()
            .workers(1)
            .reconcile((key, context) -> {
              running.countDown();
              go.await();
              return see(key, context);
            })
            .start();
    running.await();
    Thread closing = Thread.ofVirtual().start(first::close);
    Await.until(() -> assertThat(first.status().running()).isFalse());
    go.countDown();
    closing.join();
    assertThat(seen).hasSize(1);
    assertThat(first.status().inHand()).isZero();

    try (Controller<Resource> second = controller().reconcile(this::see).start()) {
      Await.until(() -> assertThat(second.status().counts().done()).isEqualTo(50));
      assertThat(seen.stream().distinct()).hasSize(50);
    }
  }

  @Test
  void waitsAtTheEndForWhatIsInHandAndInterruptsWhatDoesNotEnd() throws Exception {
    given("a", "1");
    CountDownLatch running = new CountDownLatch(1);
    CountDownLatch go = new CountDownLatch(1);
    Controller<Resource> patient =
        controller()
            .reconcile((key, context) -> {
              running.countDown();
              go.await();
              return see(key, context);
            })
            .start();
    running.await();
    Thread closing = Thread.ofVirtual().start(patient::close);
    Await.until(() -> assertThat(patient.status().running()).isFalse());
    go.countDown();
    closing.join();
    assertThat(seen).containsExactly("a@101");

    CountDownLatch runningToo = new CountDownLatch(1);
    AtomicBoolean interrupted = new AtomicBoolean();
    Controller<Resource> impatient =
        Controller.named("impatient")
            .watching(informer)
            .shutdownTimeout(Duration.ZERO)
            .reconcile((key, context) -> {
              runningToo.countDown();
              try {
                new CountDownLatch(1).await();
              } catch (InterruptedException e) {
                interrupted.set(true);
              }
              return Outcome.done();
            })
            .start();
    runningToo.await();
    impatient.close();
    assertThat(interrupted).isTrue();
  }

  @Test
  void measuresItsPatienceAtTheEndByItsOwnClock() throws Exception {
    given("a", "1");
    CountDownLatch running = new CountDownLatch(1);
    CountDownLatch interrupted = new CountDownLatch(1);
    Controller<Resource> closed =
        inVirtualTime()
            .unlimited()
            .reconcileTimeout(Duration.ZERO)
            .shutdownTimeout(Duration.ofMinutes(10))
            .reconcile((key, context) -> {
              running.countDown();
              try {
                new CountDownLatch(1).await();
              } catch (InterruptedException e) {
                interrupted.countDown();
              }
              return Outcome.done();
            })
            .start();
    running.await();
    int timers = time.pending();
    Thread closing = Thread.ofVirtual().start(closed::close);
    Await.until(() -> assertThat(time.pending()).isEqualTo(timers + 1));

    time.advance(Duration.ofMinutes(10).minusNanos(1));
    assertThat(interrupted.getCount()).isEqualTo(1);
    assertThat(closing.isAlive()).isTrue();

    time.advanceNanos(1);
    interrupted.await();
    closing.join();
    assertThat(time.pending()).isEqualTo(timers);
  }

  @Test
  @Tag("R3.2")
  void startsNoKeyThatAHeldGateHasNotLetGo() {
    Gate<ObjectKey> gate = Gate.coalesce();
    Semaphore steps = new Semaphore(0);
    for (int i = 0; i < 10; i++) {
      api.put("p" + i, "x");
    }
    try (Informer<Resource> gated = Informer.of(api, FakeApi.PODS).gate(gate).start();
        Controller<Resource> controller =
            Controller.named("gated")
                .watching(gated)
                .capacity(1)
                .workers(1)
                .reconcile((key, context) -> {
                  steps.acquire();
                  return see(key, context);
                })
                .start()) {
      // One in hand, and nine behind it: in the queue, or set aside by its pump.
      Await.until(() -> {
        assertThat(controller.status().inHand()).isEqualTo(1);
        assertThat(controller.status().waiting()).isEqualTo(9);
      });
      Gate.Hold hold = gate.hold("test");
      api.put("news", "x");
      Await.until(() -> assertThat(controller.status().backlog()).isEqualTo(1));
      steps.release(100);
      // Those let go before: in hand, in the queue, and on its way to it.
      Await.until(() -> {
        assertThat(seen).hasSizeBetween(2, 3);
        assertThat(controller.status().inHand()).isZero();
      });
      assertThat(controller.status().waiting()).isGreaterThanOrEqualTo(7);

      hold.release();
      Await.until(() -> assertThat(seen).hasSize(11));
    }
  }

  @Test
  @Tag("R1.2")
  void worksBehindABoundedGateToo() {
    for (Gate<ObjectKey> gate : List.<Gate<ObjectKey>>of(Gate.block(8), Gate.pause(8))) {
      seen.clear();
      FakeApi server = new FakeApi();
      try (Informer<Resource> bounded = Informer.of(server, FakeApi.PODS).gate(gate).start();
          Controller<Resource> controller =
              Controller.named("bounded")
                  .watching(bounded)
                  .capacity(4)
                  .workers(2)
                  .reconcile(this::see)
                  .start()) {
        for (int i = 0; i < 500; i++) {
          server.put("p" + i, "x");
        }
        Await.until(() -> assertThat(seen.stream().distinct()).hasSize(500));
        assertThat(controller.name()).isEqualTo("bounded");
      }
    }
  }

  @Test
  void retriesWhenAReconcilerReturnsNothing() {
    given("a", "1");
    try (Controller<Resource> controller =
        inVirtualTime().reconcile(ControllerTest::nothing).start()) {
      Await.until(() -> assertThat(controller.status().counts().retried()).isEqualTo(1));
      assertThat(controller.status().recentFailures().get(0).key()).isEqualTo(A);
      assertThat(controller.status().recentFailures().get(0).cause())
          .contains("returned null instead of an outcome");
    }
  }

  @SuppressWarnings("NullAway")
  private static Outcome nothing(ObjectKey key, Context<Resource> context) {
    return null;
  }

  @Test
  void refusesToStartWithoutAReconciler() {
    assertThatThrownBy(() -> controller().start()).hasMessageContaining("call reconcile(...)");
  }

  @Test
  void reconcilesAllObjectsAgainAtAResyncButWhatChangesFirst() {
    for (int i = 0; i < 300; i++) {
      api.put("p" + i, "x");
    }
    Semaphore steps = new Semaphore(0);
    try (Informer<Resource> resyncing =
            Informer.of(api, FakeApi.PODS)
                .time(time)
                .silenceDeadline(Duration.ofDays(1000))
                .auditEvery(Duration.ZERO)
                .resyncEvery(Duration.ofHours(1))
                .start();
        Controller<Resource> controller =
            Controller.named("resyncing")
                .watching(resyncing)
                .workers(1)
                .unlimited()
                .reconcile((key, context) -> {
                  steps.acquire();
                  return see(key, context);
                })
                .start()) {
      steps.release(300);
      Await.until(() -> {
        // The pump looks for the end of the first list in the time of the gate.
        time.advance(Duration.ofMillis(250));
        assertThat(controller.status().caughtUp()).isTrue();
      });
      Await.until(() -> assertThat(controller.status().counts().done()).isEqualTo(300));
      seen.clear();
      time.advance(Duration.ofMinutes(67));
      Await.until(() -> assertThat(controller.status().waiting()).isEqualTo(299));
      assertThat(controller.status().caughtUp()).isTrue();
      api.put("news", "x");
      Await.until(() -> assertThat(resyncing.status().anchor()).hasValue(api.version()));
      Await.until(() -> assertThat(controller.status().backlog()).isZero());
      // If the queue is full already it waits for room, and one more key is taken before it.
      steps.release();
      Await.until(() -> assertThat(controller.status().counts().started()).isEqualTo(302));
      Await.until(() -> assertThat(controller.status().waiting()).isEqualTo(299));
      steps.release(2);
      Await.until(() -> assertThat(seen).hasSize(3));
      assertThat(seen.stream().limit(3).map(key -> key.replaceAll("@.*", ""))).contains("news");
      steps.release(100_000);
      Await.until(() -> assertThat(controller.status().resync().orElseThrow().runs()).isEqualTo(1));
      Await.until(() -> assertThat(seen.stream().distinct()).hasSize(301));
    }
  }

  @Test
  @Tag("R1.1")
  void holdsAThrottledKeyBackForAsLongAsTheServerAskedWhateverHappensToIt() {
    given("a", "1");
    try (Controller<Resource> controller =
        inVirtualTime()
            .reconcile((key, context) -> {
              seen.add("attempt " + context.attempt());
              return seen.size() == 1 ? Outcome.throttled(Duration.ofSeconds(30)) : Outcome.done();
            })
            .start()) {
      Await.until(() -> assertThat(controller.status().counts().throttled()).isEqualTo(1));
      Await.until(() -> assertThat(controller.status().inHand()).isZero());
      given("a", "2");
      Await.until(() -> assertThat(controller.status().counts().coalesced()).isEqualTo(1));
      time.advance(Duration.ofSeconds(29));
      assertThat(seen).hasSize(1);
      time.advance(Duration.ofSeconds(2));
      // A wait that the server asked for is no failure of the key.
      Await.until(() -> assertThat(seen).containsExactly("attempt 1", "attempt 1"));
    }
  }

  @Test
  @Tag("R1.1")
  void saysHowFastItDispatches() {
    given("a", "1");
    try (Controller<Resource> standard = controller().reconcile(this::see).start();
        Controller<Resource> article =
            controller().limitedBy(Limits.article()).reconcile(this::see).start();
        Controller<Resource> unlimited = controller().unlimited().reconcile(this::see).start()) {
      Await.until(() -> assertThat(standard.status().dispatch().mode()).isEqualTo("adaptive"));
      assertThat(standard.status().dispatch().perSecond()).isEqualTo(100);
      assertThat(article.status().dispatch())
          .isEqualTo(new ControllerStatus.Dispatch("fixed", 10, "", ""));
      assertThat(unlimited.status().dispatch().mode()).isEqualTo("unlimited");
    }
  }
}
