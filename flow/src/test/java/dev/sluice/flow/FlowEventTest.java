package dev.sluice.flow;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.sluice.flow.CircuitBreaker.Permit;
import dev.sluice.flow.FlowEvent.Abandoned;
import dev.sluice.flow.FlowEvent.LimitChanged;
import dev.sluice.flow.FlowEvent.Rejected;
import dev.sluice.flow.FlowEvent.StateChanged;
import dev.sluice.flow.FlowEvent.Waited;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.RejectedExecutionException;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Each wait, rejection and change has a cause by name, and the guide knows them all. */
class FlowEventTest {
  private final VirtualTime time = new VirtualTime(Long.MAX_VALUE - 5);
  private final List<FlowEvent> events = new ArrayList<>();

  private RateLimiter.Builder limiter() {
    return RateLimiter.builder().name("it").time(time).listener(events::add);
  }

  @Test
  void aLimiterTellsWaitsRefusalsAndThoseWhoLeave() throws Exception {
    RateLimiter limiter = limiter().maxWaiters(2).tokenBucket(Rate.perSecond(1), 1);
    limiter.acquire();
    limiter.acquireAsync();
    CompletableFuture<?> leaves = limiter.acquireAsync();
    assertThat(limiter.tryAcquire()).isFalse();
    assertThat(limiter.acquire(1, Duration.ofMillis(1))).isFalse();
    assertThat(limiter.acquireAsync()).isCompletedExceptionally();
    time.advance(Duration.ofSeconds(1));
    leaves.cancel(false);

    assertThat(events)
        .containsExactly(
            new Rejected("it", "rate-limit"),
            new Rejected("it", "deadline"),
            new Rejected("it", "too-many-waiters"),
            new Waited("it", "rate-limit", 1_000_000_000L),
            new Abandoned("it", "cancelled", 1_000_000_000L));
  }

  @Test
  void aLimiterTellsWhenItIsSetToSomethingElse() {
    RateLimiter limiter = limiter().tokenBucket(Rate.perSecond(1), 1);
    limiter.setRate(Rate.perSecond(2));
    limiter.setBurst(5);

    assertThat(events)
        .containsExactly(
            new LimitChanged("it", "set-rate", 1, 2), new LimitChanged("it", "set-burst", 1, 5));
  }

  @Test
  void aKeyedLimiterTellsWhenItIsSetToSomethingElse() {
    KeyedRateLimiter<String> keyed = limiter().keyedTokenBucket(Rate.perSecond(1), 1, 10);
    assertThat(keyed.tryAcquire("a")).isTrue();
    assertThat(keyed.tryAcquire("a")).isFalse();
    keyed.setRate(Rate.perSecond(2));
    keyed.setBurst(5);

    assertThat(events)
        .containsExactly(
            new Rejected("it", "rate-limit"),
            new LimitChanged("it", "set-rate", 1, 2),
            new LimitChanged("it", "set-burst", 1, 5));
  }

  @Test
  void aBudgetTellsWhenItIsSetToSomethingElse() {
    Budget budget = limiter().budget(Rate.perSecond(100), 10);
    Budget child = budget.child("child", 0.5, 5);
    child.setShare(0.25);
    budget.setRate(Rate.perSecond(200));
    budget.setBurst(20);

    assertThat(events)
        .containsExactly(
            new LimitChanged("child", "set-share", 50, 25),
            new LimitChanged("it", "set-rate", 100, 200),
            new LimitChanged("it", "set-burst", 10, 20));
  }

  @Test
  void aReservationTooFarAheadIsTold() {
    RateLimiter policer = limiter().leakyBucketPolicer(Rate.perSecond(1), 1);
    assertThat(policer.tryAcquire()).isTrue();
    assertThatExceptionOfType(RejectedExecutionException.class).isThrownBy(policer::reserve);

    assertThat(events).containsExactly(new Rejected("it", "too-far-ahead"));
  }

  @Test
  void aLimiterOfConcurrencyNamesItsOwnCause() {
    ConcurrencyLimiter limiter =
        ConcurrencyLimiter.builder().name("it").time(time).listener(events::add).build(1);
    var token = limiter.tryAcquire().orElseThrow();
    assertThat(limiter.tryAcquire()).isEmpty();
    CompletableFuture<?> waits = limiter.acquireAsync();
    time.advance(Duration.ofSeconds(2));
    token.succeeded();
    assertThat(waits).isCompleted();
    limiter.setLimit(3);

    assertThat(events)
        .containsExactly(
            new Rejected("it", "concurrency-limit"),
            new Waited("it", "concurrency-limit", 2_000_000_000L),
            new LimitChanged("it", "set-limit", 1, 3));
  }

  @Test
  void aBreakerTellsItsChangesAndWhomItRefuses() {
    CircuitBreaker breaker =
        CircuitBreaker.builder()
            .name("it")
            .time(time)
            .listener(events::add)
            .consecutiveFailures(1)
            .openFor(Duration.ofSeconds(1))
            .build();
    ((Permit) breaker.tryEnter()).failed();
    assertThat(breaker.tryEnter()).isInstanceOf(CircuitBreaker.Refused.class);
    time.advance(Duration.ofSeconds(1));
    Permit probe = (Permit) breaker.tryEnter();
    assertThat(breaker.tryEnter()).isInstanceOf(CircuitBreaker.Refused.class);
    probe.succeeded();

    assertThat(events)
        .containsExactly(
            new StateChanged("it", "consecutive-failures", "closed", "open"),
            new Rejected("it", "circuit-open"),
            new StateChanged("it", "open-time-over", "open", "half-open"),
            new Rejected("it", "circuit-half-open"),
            new StateChanged("it", "probe-succeeded", "half-open", "closed"));
  }

  @Test
  void aQueueTellsWhomItRefusesAfterItsEnd() {
    WorkQueue<String> queue =
        WorkQueue.<String>builder().name("it").time(time).listener(events::add).build();
    queue.shutDown();
    assertThat(queue.add("late")).isEqualTo(WorkQueue.Offer.CLOSED);

    assertThat(events)
        .containsExactly(
            new StateChanged("it", "shut-down", "open", "draining"),
            new Rejected("it", "shut-down"));
  }

  static Stream<FlowListener> brokenListeners() {
    return Stream.of(
        event -> {
          throw new IllegalStateException("thrown on purpose by a test");
        },
        event -> {
          throw new AssertionError("thrown on purpose by a test");
        });
  }

  @ParameterizedTest
  @MethodSource("brokenListeners")
  void aListenerThatThrowsDisturbsNoLimiter(FlowListener broken) throws Exception {
    RateLimiter limiter =
        RateLimiter.builder().time(time).listener(broken).tokenBucket(Rate.perSecond(1), 1);
    limiter.acquire();
    assertThat(limiter.tryAcquire()).isFalse();
    CompletableFuture<?> first = limiter.acquireAsync();
    CompletableFuture<?> second = limiter.acquireAsync();
    limiter.setRate(Rate.perSecond(2));
    time.advance(Duration.ofSeconds(1));
    assertThat(first).isCompleted();
    assertThat(second).isCompleted();

    ConcurrencyLimiter concurrency =
        ConcurrencyLimiter.builder().time(time).listener(broken).build(1);
    var token = concurrency.acquire();
    CompletableFuture<?> waits = concurrency.acquireAsync();
    token.close();
    assertThat(waits).isCompleted();

    AdaptiveLimit adaptive =
        AdaptiveLimit.rate(100)
            .time(time)
            .listener(broken)
            .law(LimitLaw.aimd(1, 0.5))
            .drives(value -> {});
    for (int i = 0; i < 20; i++) {
      time.advance(Duration.ofMillis(20));
      adaptive.refused(Duration.ZERO);
    }
    assertThat(adaptive.limit()).isLessThan(100);
  }

  /** Words of the sources that look like causes and are none. */
  private static final Set<String> NO_CAUSES = Set.of("sluice-timers");

  /** Users search the guide for the cause that they see. */
  @Test
  void theGuideExplainsEveryCause() throws IOException {
    Path root = Path.of(System.getProperty("sluice.basedir", ".."));
    String guide = Files.readString(root.resolve("docs/guides/flow-events.md"));
    Pattern named = Pattern.compile("\"([a-z]+(?:-[a-z]+)+)\"");
    List<String> missing = new ArrayList<>();
    int found = 0;
    try (Stream<Path> sources = Files.list(root.resolve("flow/src/main/java/dev/sluice/flow"))) {
      for (Path source : sources.toList()) {
        var causes = named.matcher(Files.readString(source));
        while (causes.find()) {
          found++;
          if (!NO_CAUSES.contains(causes.group(1))
              && !guide.contains("`" + causes.group(1) + "`")) {
            missing.add(causes.group(1) + " of " + source.getFileName());
          }
        }
      }
    }
    assertThat(missing).as("causes that docs/guides/flow-events.md does not explain").isEmpty();
    assertThat(found).as("causes found in the sources").isGreaterThan(25);
  }
}
