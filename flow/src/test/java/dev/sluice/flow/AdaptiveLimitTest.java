package dev.sluice.flow;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import dev.sluice.flow.AdaptiveLimit.Move;
import dev.sluice.flow.LimitLaw.Proposal;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

@Tag("R2.3")
class AdaptiveLimitTest {
  private final VirtualTime time = new VirtualTime(Long.MAX_VALUE - 1_000_000_000L);
  private final List<Double> told = new ArrayList<>();

  private AdaptiveLimit.Builder timed(AdaptiveLimit.Builder builder) {
    return builder.time(time).clock(() -> Instant.EPOCH.plus(time.elapsed()));
  }

  private AdaptiveLimit rate(LimitLaw law) {
    return timed(AdaptiveLimit.rate(100)).law(law).drives(told::add);
  }

  /** A window at full use: 20 requests in 200 ms. */
  private void window(AdaptiveLimit limit, Duration latency, int refused, Duration retryAfter) {
    for (int i = 0; i < 20; i++) {
      time.advance(Duration.ofMillis(10));
      if (i < 20 - refused) {
        limit.answered(latency);
      } else {
        limit.refused(retryAfter);
      }
    }
  }

  @Nested
  class OneStep {
    @Test
    void staysWithoutObservations() {
      AdaptiveLimit limit = rate(LimitLaw.aimd(10));
      time.advance(Duration.ofHours(1));
      assertThat(limit.limit()).isEqualTo(100);
      assertThat(limit.lastMove().cause()).isEqualTo("initial");
      assertThat(told).containsExactly(100.0);
    }

    @Test
    void growsWhenAllIsWellAndItIsUsed() {
      AdaptiveLimit limit = rate(LimitLaw.aimd(10));
      window(limit, Duration.ofMillis(5), 0, Duration.ZERO);
      assertThat(limit.limit()).isGreaterThan(100);
      assertThat(limit.lastMove().cause()).isEqualTo("headroom");
      assertThat(told).last().isEqualTo(limit.limit());
    }

    @Test
    void doesNotGrowWhileItIsNotUsed() {
      AdaptiveLimit limit = rate(LimitLaw.aimd(10));
      for (int i = 0; i < 20; i++) {
        time.advance(Duration.ofMillis(100));
        limit.answered(Duration.ofMillis(5));
      }
      assertThat(limit.limit()).isEqualTo(100);
      assertThat(limit.lastMove().cause()).isEqualTo("unused");
      assertThat(limit.lastMove().because()).contains("10 % of the limit used");
    }

    @Test
    void explainsItsLastMove() {
      AdaptiveLimit limit = rate(LimitLaw.aimd(10, 0.5));
      for (int i = 0; i < 12; i++) {
        time.advance(Duration.ofMillis(10));
        if (i % 2 == 0) {
          limit.answered(Duration.ofMillis(5));
        } else {
          limit.refused(Duration.ZERO);
        }
      }
      Move move = limit.lastMove();
      assertThat(move.from()).isEqualTo(100);
      assertThat(move.to()).isEqualTo(50);
      assertThat(move.cause()).isEqualTo("refused");
      assertThat(move.because()).isEqualTo("5 of 10 refused: x 0.50");
    }

    @Test
    void aRefusedPartTellsTheServersCapacity() {
      AdaptiveLimit limit = rate(LimitLaw.serverGuided(Duration.ofMillis(50)));
      for (int i = 0; i < 10; i++) {
        time.advance(Duration.ofMillis(11));
        if (i < 8) {
          limit.answered(Duration.ofMillis(5));
        } else {
          limit.refused(Duration.ZERO);
        }
      }
      assertThat(limit.limit())
          .as("8 of 10 were let through, less 5 %%")
          .isEqualTo(100 * 0.8 * 0.95);
    }

    @Test
    void doesNotGrowBeforeTheServersRetryAfterIsOver() {
      AdaptiveLimit limit = rate(LimitLaw.aimd(10));
      window(limit, Duration.ofMillis(1), 10, Duration.ofSeconds(5));
      double after = limit.limit();
      for (int i = 0; i < 10; i++) {
        window(limit, Duration.ofMillis(1), 0, Duration.ZERO);
      }
      assertThat(limit.limit()).isEqualTo(after);
      assertThat(limit.lastMove().cause()).isEqualTo("retry-after");
      assertThat(limit.lastMove().because()).contains("the server asked to wait");
      time.advance(Duration.ofSeconds(5));
      window(limit, Duration.ofMillis(1), 0, Duration.ZERO);
      assertThat(limit.limit()).isGreaterThan(after);
    }

    @Test
    void believesNoRetryAfterOfMoreThanAMinute() {
      AdaptiveLimit limit = rate(LimitLaw.aimd(10));
      window(limit, Duration.ofMillis(1), 10, Duration.ofDays(365));
      double after = limit.limit();
      time.advance(Duration.ofSeconds(61));
      window(limit, Duration.ofMillis(1), 0, Duration.ZERO);
      window(limit, Duration.ofMillis(1), 0, Duration.ZERO);
      window(limit, Duration.ofMillis(1), 0, Duration.ZERO);
      assertThat(limit.limit()).isGreaterThan(after);
    }

    @Test
    void doesNotReactTwiceToTheSameTrouble() {
      AdaptiveLimit limit = rate(LimitLaw.gradient());
      window(limit, Duration.ofMillis(10), 0, Duration.ZERO);
      Move before = limit.lastMove();
      for (int i = 0; i < 20; i++) {
        limit.answered(Duration.ofSeconds(10)); // began long before the last move
      }
      time.advance(Duration.ofMillis(300));
      assertThat(limit.lastMove()).isEqualTo(before);
    }

    @Test
    void staysBetweenFloorAndCeiling() {
      AdaptiveLimit limit =
          timed(AdaptiveLimit.rate(100))
              .law(LimitLaw.aimd(1000, 0.1))
              .floor(90)
              .ceiling(110)
              .drives(told::add);
      window(limit, Duration.ofMillis(1), 0, Duration.ZERO);
      assertThat(limit.limit()).isEqualTo(110);
      assertThat(limit.lastMove().because()).endsWith("at the ceiling");
      window(limit, Duration.ofMillis(1), 20, Duration.ZERO);
      assertThat(limit.limit()).isEqualTo(90);
      assertThat(limit.lastMove().because()).endsWith("at the floor");
    }

    @Test
    void aLawThatNeedsNoBaseIsNeverHalvedToFindIt() {
      List<String> causes = new ArrayList<>();
      for (LimitLaw law : List.of(LimitLaw.aimd(1), LimitLaw.serverGuided(Duration.ofMillis(5)))) {
        AdaptiveLimit limit =
            timed(AdaptiveLimit.rate(100))
                .law(law)
                .listener(event -> causes.add(event.cause()))
                .drives(told::add);
        for (int i = 0; i < 500; i++) {
          window(limit, Duration.ofMillis(5), 0, Duration.ZERO);
        }
      }
      assertThat(causes).isNotEmpty().doesNotContain("baseline-check");
    }

    @Test
    void aLawThatFollowsTheLatencyLooksForItsBase() {
      List<String> causes = new ArrayList<>();
      AdaptiveLimit limit =
          timed(AdaptiveLimit.rate(100))
              .law(LimitLaw.gradient())
              .listener(event -> causes.add(event.cause()))
              .drives(told::add);
      for (int i = 0; i < 500; i++) {
        window(limit, Duration.ofMillis(5), 0, Duration.ZERO);
      }
      assertThat(causes).contains("baseline-check");
    }

    @Test
    void tellsAListener() {
      List<FlowEvent> events = new ArrayList<>();
      AdaptiveLimit limit =
          timed(AdaptiveLimit.rate(100))
              .name("writes")
              .law(window -> new Proposal(42, "headroom", "because"))
              .listener(events::add)
              .drives(told::add);
      window(limit, Duration.ofMillis(1), 0, Duration.ZERO);
      assertThat(events).containsExactly(new FlowEvent.LimitChanged("writes", "headroom", 100, 42));
    }

    @Test
    void drivesARateLimiter() {
      RateLimiter bucket = RateLimiter.builder().time(time).tokenBucket(Rate.perSecond(1), 1);
      AdaptiveLimit limit =
          timed(AdaptiveLimit.rate(100))
              .law(window -> new Proposal(42, "headroom", "because"))
              .drives(bucket);
      assertThat(bucket.rate()).isEqualTo(Rate.perSecond(100));
      window(limit, Duration.ofMillis(1), 0, Duration.ZERO);
      assertThat(bucket.rate()).isEqualTo(Rate.perSecond(42));
    }

    @Test
    void refusesWhatMakesNoSense() {
      assertThatIllegalArgumentException().isThrownBy(() -> AdaptiveLimit.rate(0));
      assertThatIllegalArgumentException().isThrownBy(() -> AdaptiveLimit.rate(Double.NaN));
      assertThatIllegalArgumentException()
          .isThrownBy(() -> AdaptiveLimit.concurrency(0.5))
          .withMessageContaining("0.5");
      AdaptiveLimit.Builder builder = AdaptiveLimit.rate(100);
      assertThatIllegalArgumentException().isThrownBy(() -> builder.floor(101));
      assertThatIllegalArgumentException().isThrownBy(() -> builder.floor(0));
      assertThatIllegalArgumentException().isThrownBy(() -> builder.ceiling(99));
      assertThatIllegalArgumentException()
          .isThrownBy(() -> builder.ceiling(Double.POSITIVE_INFINITY));
      assertThatIllegalArgumentException().isThrownBy(() -> builder.window(Duration.ZERO, 1));
      assertThatIllegalArgumentException()
          .isThrownBy(() -> builder.window(Duration.ofSeconds(1), 0));
      assertThatIllegalArgumentException().isThrownBy(() -> LimitLaw.aimd(0));
      assertThatIllegalArgumentException().isThrownBy(() -> LimitLaw.aimd(1, 1));
      assertThatIllegalArgumentException()
          .isThrownBy(() -> LimitLaw.serverGuided(Duration.ofSeconds(-1)));
      AdaptiveLimit limit = rate(LimitLaw.gradient());
      assertThatIllegalArgumentException()
          .isThrownBy(() -> limit.answered(Duration.ofSeconds(-1)))
          .withMessageContaining("latency");
      assertThatIllegalArgumentException()
          .isThrownBy(() -> limit.refused(Duration.ofSeconds(-1)))
          .withMessageContaining("retryAfter");
      assertThatIllegalArgumentException()
          .isThrownBy(() ->
              AdaptiveLimit.concurrency(1).drives(RateLimiter.tokenBucket(Rate.perSecond(1), 1)));
    }
  }

  /**
   * The bands that the laws' documentation states. A server does 500 a second; after 60 s 200,
   * after 120 s 500 again. Requests take 20 ms of work, and 5 ms each way.
   */
  @Nested
  class ClosedLoops {
    private final ClosedLoop loop =
        new ClosedLoop(10, 500, Duration.ofMillis(5), Duration.ofMillis(200));

    private void steps() {
      loop.run(Duration.ofSeconds(60));
      loop.capacity(4, 200);
      loop.run(Duration.ofSeconds(60));
      loop.capacity(10, 500);
      loop.run(Duration.ofSeconds(90));
    }

    private void settlesOn(ClosedLoop.Client client, int fromSecond, double capacity, double band) {
      assertThat(loop.servedBetween(fromSecond, fromSecond + 30).mean())
          .as("served from %s s", fromSecond)
          .isGreaterThan(0.95 * capacity);
      assertThat(loop.limitBetween(client, fromSecond, fromSecond + 30).band())
          .as("band from %s s", fromSecond)
          .isLessThan(band);
    }

    @Test
    void theGradientFollowsStepsOfTheCapacityWithConcurrency() {
      ClosedLoop.Client client = loop.concurrent(AdaptiveLimit.concurrency(5));
      steps();
      settlesOn(client, 20, 500, 0.2);
      settlesOn(client, 80, 200, 0.2);
      settlesOn(client, 170, 500, 0.2);
      assertThat(loop.queuedBetween(20, 55).mean()).as("ms queued").isLessThan(20);
      assertThat(loop.servedBetween(125, 130).mean()).as("5 s after a step up").isGreaterThan(470);
    }

    @Test
    void theGradientFollowsStepsOfTheCapacityWithARate() {
      ClosedLoop.Client client = loop.rated(AdaptiveLimit.rate(100), false);
      steps();
      settlesOn(client, 25, 500, 0.25);
      settlesOn(client, 80, 200, 0.25);
      settlesOn(client, 150, 500, 0.25);
      assertThat(loop.queuedBetween(25, 55).mean()).as("ms queued").isLessThan(20);
      assertThat(loop.queuedBetween(65, 115).most()).as("5 s after a step down").isLessThan(100);
    }

    @Test
    void theServersQueueGuidesARate() {
      ClosedLoop.Client client =
          loop.rated(
              AdaptiveLimit.rate(100).law(LimitLaw.serverGuided(Duration.ofMillis(20))), true);
      steps();
      settlesOn(client, 25, 500, 0.2);
      settlesOn(client, 80, 200, 0.2);
      settlesOn(client, 150, 500, 0.2);
      assertThat(loop.queuedBetween(25, 55).mean()).as("ms queued").isBetween(5.0, 60.0);
    }

    @Test
    void theServersRefusalsGuideARate() {
      ClosedLoop.Client client =
          loop.rated(
              AdaptiveLimit.rate(100).law(LimitLaw.serverGuided(Duration.ofMillis(20))), false);
      steps();
      settlesOn(client, 25, 480, 0.6);
      settlesOn(client, 80, 195, 0.6);
      settlesOn(client, 150, 480, 0.6);
    }

    @Test
    void additiveIncreaseAndMultiplicativeDecreaseProbeUntilRefused() {
      ClosedLoop.Client rated = loop.rated(AdaptiveLimit.rate(100).law(LimitLaw.aimd(5)), false);
      steps();
      settlesOn(rated, 25, 490, 0.35);
      settlesOn(rated, 80, 200, 0.35);
      settlesOn(rated, 150, 490, 0.35);
    }

    @Test
    void theServersQueueGuidesConcurrency() {
      ClosedLoop.Client client =
          loop.concurrent(
              AdaptiveLimit.concurrency(5).law(LimitLaw.serverGuided(Duration.ofMillis(20))), true);
      steps();
      settlesOn(client, 25, 500, 0.2);
      settlesOn(client, 80, 200, 0.2);
      settlesOn(client, 150, 500, 0.2);
      assertThat(loop.queuedBetween(25, 55).mean()).as("ms queued").isBetween(5.0, 60.0);
    }

    @Test
    void additiveIncreaseAndMultiplicativeDecreaseProbeConcurrencyUntilRefused() {
      ClosedLoop.Client client =
          loop.concurrent(AdaptiveLimit.concurrency(5).law(LimitLaw.aimd(1)));
      steps();
      settlesOn(client, 25, 490, 0.35);
      settlesOn(client, 85, 195, 0.35);
      settlesOn(client, 180, 490, 0.35);
    }

    @Test
    @Tag("minutes")
    void clientsOfOneServerShareItFairlyByConcurrency() {
      loop.capacity(50, 2500);
      for (int i = 0; i < 3; i++) {
        loop.concurrent(AdaptiveLimit.concurrency(2 + 20 * i));
      }
      loop.run(Duration.ofSeconds(20));
      loop.concurrent(AdaptiveLimit.concurrency(5));
      loop.concurrent(AdaptiveLimit.concurrency(50));
      loop.run(Duration.ofSeconds(200));
      assertThat(loop.fairness(100, 220)).isGreaterThan(0.95);
      assertThat(loop.servedBetween(100, 220).mean()).isGreaterThan(0.97 * 2500);
      assertThat(loop.queuedBetween(100, 220).mean()).as("ms queued").isLessThan(25);
      for (ClosedLoop.Client client : loop.clients) {
        assertThat(loop.limitBetween(client, 150, 220).band()).isLessThan(0.75);
      }
    }

    @Test
    @Tag("minutes")
    void clientsOfOneServerShareItFairlyByRate() {
      for (int i = 0; i < 3; i++) {
        loop.rated(AdaptiveLimit.rate(100), false);
      }
      loop.run(Duration.ofSeconds(20));
      loop.rated(AdaptiveLimit.rate(100), false);
      loop.rated(AdaptiveLimit.rate(100), false);
      loop.run(Duration.ofSeconds(200));
      assertThat(loop.fairness(100, 220)).isGreaterThan(0.98);
      assertThat(loop.servedBetween(100, 220).mean()).isGreaterThan(0.97 * 500);
      for (ClosedLoop.Client client : loop.clients) {
        assertThat(loop.limitBetween(client, 100, 220).band()).isLessThan(0.3);
      }
    }

    @Test
    void aLongDelayMakesItSlowerButNotUnstable() {
      ClosedLoop far = new ClosedLoop(10, 500, Duration.ofMillis(200), Duration.ofSeconds(1));
      ClosedLoop.Client client = far.concurrent(AdaptiveLimit.concurrency(5));
      far.run(Duration.ofSeconds(180));
      assertThat(far.servedBetween(60, 180).mean()).isGreaterThan(0.95 * 500);
      assertThat(far.limitBetween(client, 60, 180).band()).isLessThan(0.2);
    }
  }
}
