package dev.sluice.flow;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.sluice.flow.RateLimiter.Reservation;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Tag("R2.1")
class TokenBucketTest {
  private final VirtualTime time = new VirtualTime();

  private RateLimiter bucket(double perSecond, long burst) {
    return RateLimiter.builder().time(time).tokenBucket(Rate.perSecond(perSecond), burst);
  }

  @Test
  void grantsTheBurstAtOnceAndThenOnePermitAGap() {
    RateLimiter limiter = bucket(10, 5);

    assertThat(drain(limiter)).isEqualTo(5);
    time.advance(Duration.ofMillis(100).minusNanos(1));
    assertThat(limiter.tryAcquire()).isFalse();
    time.advanceNanos(1);
    assertThat(limiter.tryAcquire()).isTrue();
    assertThat(limiter.tryAcquire()).isFalse();
  }

  @Test
  void keepsNoMoreThanTheBurst() {
    RateLimiter limiter = bucket(10, 5);
    time.advance(Duration.ofDays(3650));
    assertThat(drain(limiter)).isEqualTo(5);
  }

  @Test
  void startsEmptyWhenToldTo() {
    RateLimiter limiter =
        RateLimiter.builder().time(time).startEmpty().tokenBucket(Rate.perSecond(10), 5);
    assertThat(limiter.tryAcquire()).isFalse();
    time.advance(Duration.ofMillis(100));
    assertThat(limiter.tryAcquire()).isTrue();
  }

  @Test
  void takesSeveralPermitsAtOnceOrNone() {
    RateLimiter limiter = bucket(10, 5);
    assertThat(limiter.tryAcquire(3)).isTrue();
    assertThat(limiter.tryAcquire(3)).isFalse();
    assertThat(limiter.available()).isEqualTo(2, within(1e-9));
    assertThat(limiter.tryAcquire(2)).isTrue();
  }

  @Test
  void servesWaitersInTheOrderInWhichTheyCame() {
    RateLimiter limiter = bucket(10, 5);
    drain(limiter);
    List<String> served = new ArrayList<>();
    limiter.acquireAsync(3).thenRun(() -> served.add("large at " + millis()));
    limiter.acquireAsync(1).thenRun(() -> served.add("small at " + millis()));
    limiter.acquireAsync(2).thenRun(() -> served.add("middle at " + millis()));

    time.advance(Duration.ofSeconds(1));

    assertThat(served).containsExactly("large at 300", "small at 400", "middle at 600");
  }

  @Test
  void tryDoesNotOvertakeAWaiter() {
    RateLimiter limiter = bucket(10, 5);
    drain(limiter);
    CompletableFuture<?> waiter = limiter.acquireAsync(5);

    time.advance(Duration.ofMillis(400));
    assertThat(limiter.tryAcquire()).as("four permits are there, but somebody waits").isFalse();
    time.advance(Duration.ofMillis(100));
    assertThat(waiter).isCompleted();
    assertThat(limiter.tryAcquire()).isFalse();
    time.advance(Duration.ofMillis(100));
    assertThat(limiter.tryAcquire()).isTrue();
  }

  @Test
  void armsOneTimerForAnyNumberOfWaiters() {
    RateLimiter limiter = bucket(10, 1);
    drain(limiter);
    for (int i = 0; i < 1000; i++) {
      limiter.acquireAsync();
    }
    assertThat(limiter.waiting()).isEqualTo(1000);
    assertThat(time.pending()).isEqualTo(1);
    time.advance(Duration.ofSeconds(100));
    assertThat(limiter.waiting()).isZero();
    assertThat(time.pending()).isZero();
  }

  @Test
  void aCancelledWaiterTakesNothingAndThoseBehindMoveUp() {
    RateLimiter limiter = bucket(10, 1);
    drain(limiter);
    CompletableFuture<?> first = limiter.acquireAsync();
    CompletableFuture<?> second = limiter.acquireAsync();
    CompletableFuture<?> third = limiter.acquireAsync();

    assertThat(first.cancel(false)).isTrue();
    assertThat(first.cancel(false)).isTrue();
    time.advance(Duration.ofMillis(100));
    assertThat(second).isCompleted();
    assertThat(third).isNotDone();
    assertThat(third.cancel(true)).isTrue();
    assertThat(time.pending()).as("no timer without a waiter").isZero();
    time.advance(Duration.ofMillis(100));
    assertThat(limiter.tryAcquire()).isTrue();
  }

  @Test
  void aLargeWaiterThatLeavesLetsSmallOnesGoAtOnce() {
    RateLimiter limiter = bucket(10, 5);
    drain(limiter);
    CompletableFuture<?> large = limiter.acquireAsync(5);
    CompletableFuture<?> small = limiter.acquireAsync(1);
    time.advance(Duration.ofMillis(200));

    large.cancel(false);

    assertThat(small).isCompleted();
    assertThat(limiter.available()).isEqualTo(1, within(1e-9));
  }

  @Test
  void aFutureEndedFromOutsideInAnyWayTakesNothing() {
    RateLimiter limiter = bucket(10, 1);
    drain(limiter);
    assertThat(limiter.acquireAsync().complete(null)).isTrue();
    assertThat(limiter.acquireAsync().completeExceptionally(new IllegalStateException())).isTrue();
    limiter.acquireAsync().completeAsync(() -> null, Runnable::run);
    assertThat(limiter.waiting()).as("the last went behind the limiter's back").isEqualTo(1);
    CompletableFuture<?> next = limiter.acquireAsync();
    time.advance(Duration.ofMillis(100));
    assertThat(next).isCompleted();
  }

  @Test
  void aFutureMayTimeOut() {
    RateLimiter limiter = RateLimiter.tokenBucket(Rate.of(1, Duration.ofDays(1)), 1);
    drain(limiter);
    CompletableFuture<?> waiter = limiter.acquireAsync().orTimeout(1, TimeUnit.MILLISECONDS);
    assertThat(waiter)
        .failsWithin(Duration.ofSeconds(30))
        .withThrowableOfType(java.util.concurrent.ExecutionException.class)
        .withCauseInstanceOf(TimeoutException.class);
    assertThat(limiter.waiting()).isZero();
  }

  @Test
  void reservesIntoTheFutureAndGivesBack() {
    RateLimiter limiter = bucket(10, 1);
    assertThat(limiter.reserve().delay()).isZero();
    Reservation second = limiter.reserve();
    assertThat(second.delay()).isEqualTo(Duration.ofMillis(100));
    assertThat(limiter.available()).isEqualTo(-1, within(1e-9));

    assertThat(second.cancel()).isTrue();
    assertThat(second.cancel()).as("a reservation ends once").isFalse();

    assertThat(limiter.reserve().delay()).isEqualTo(Duration.ofMillis(100));
  }

  @Test
  void aReservationsDelayShrinksAsTimeGoes() {
    RateLimiter limiter = bucket(10, 1);
    drain(limiter);
    Reservation reservation = limiter.reserve();
    time.advance(Duration.ofMillis(30));
    assertThat(reservation.delay()).isEqualTo(Duration.ofMillis(70));
    time.advance(Duration.ofMillis(300));
    assertThat(reservation.delay()).isZero();
  }

  @Test
  void whatOthersWerePromisedMeanwhileIsNotGivenBack() {
    RateLimiter limiter = bucket(10, 5);
    drain(limiter);
    Reservation three = limiter.reserve(3);
    limiter.reserve(1);
    three.cancel();
    // Two of the three come back: the one promised at 400 ms stays there.
    assertThat(limiter.reserve(1).delay()).isEqualTo(Duration.ofMillis(300));
  }

  @Test
  void aReservationGivenBackLateAddsNothingBeyondTheBurst() {
    RateLimiter limiter = bucket(10, 5);
    Reservation unused = limiter.reserve(5);
    time.advance(Duration.ofMillis(300));
    assertThat(limiter.tryAcquire()).isTrue();
    unused.cancel();
    // Had the five never been reserved, the bucket would hold four now: one was used this instant.
    assertThat(drain(limiter)).isLessThanOrEqualTo(4);
  }

  @Test
  void aReservationStandsBehindTheWaitersAndBeforeThoseThatComeLater() {
    RateLimiter limiter = bucket(10, 1);
    drain(limiter);
    CompletableFuture<?> before = limiter.acquireAsync();
    Reservation reservation = limiter.reserve();
    CompletableFuture<?> behind = limiter.acquireAsync();
    assertThat(reservation.delay()).isEqualTo(Duration.ofMillis(200));

    time.advance(Duration.ofMillis(100));
    assertThat(before).isCompleted();
    time.advance(Duration.ofMillis(199));
    assertThat(behind).isNotDone();
    time.advance(Duration.ofMillis(1));
    assertThat(behind).isCompleted();
  }

  @Test
  void aPromisedInstantIsNotSharedWhenTheOnesBeforeItLeave() {
    RateLimiter limiter = bucket(10, 1);
    drain(limiter);
    CompletableFuture<?> before = limiter.acquireAsync();
    limiter.reserve(); // at 200 ms, and stays there
    CompletableFuture<Long> behind = limiter.acquireAsync().thenApply(done -> millis());

    before.cancel(false);

    time.advance(Duration.ofSeconds(1));
    assertThat(behind).isCompletedWithValue(300L);
  }

  @Test
  void aReservationInTheLineThatIsGivenBackLetsTheOthersMoveUp() {
    RateLimiter limiter = bucket(10, 1);
    drain(limiter);
    limiter.acquireAsync();
    Reservation first = limiter.reserve();
    CompletableFuture<Long> between = limiter.acquireAsync().thenApply(done -> millis());
    Reservation second = limiter.reserve();
    CompletableFuture<Long> behind = limiter.acquireAsync().thenApply(done -> millis());
    assertThat(second.delay()).isEqualTo(Duration.ofMillis(400));

    first.cancel();
    second.cancel();

    time.advance(Duration.ofSeconds(1));
    assertThat(between).isCompletedWithValue(200L);
    assertThat(behind).isCompletedWithValue(300L);
  }

  @Test
  void aRateRaisedFromOneADayDoesNotStallTheWaiters() {
    RateLimiter limiter =
        RateLimiter.builder().time(time).tokenBucket(Rate.of(1, Duration.ofDays(1)), 1);
    drain(limiter);
    List<Long> served = new ArrayList<>();
    limiter.acquireAsync().thenRun(() -> served.add(millis()));
    limiter.reserve();
    limiter.acquireAsync().thenRun(() -> served.add(millis()));
    time.advance(Duration.ofSeconds(1));

    limiter.setRate(Rate.perSecond(1000));

    time.advance(Duration.ofMillis(3));
    assertThat(served)
        .as("a second's worth of the old rate counts, too")
        .containsExactly(1000L, 1002L);
  }

  @Test
  void aChangeOfTheRateNeitherGrantsABurstNorTakesPermitsAway() {
    RateLimiter limiter = bucket(10, 5);
    limiter.tryAcquire(3);
    for (int i = 0; i < 100; i++) {
      limiter.setRate(Rate.perSecond(1 + i * 1000));
    }
    assertThat(limiter.available()).isEqualTo(2, within(1e-6));
    limiter.setRate(Rate.of(1, Duration.ofDays(1)));
    assertThat(limiter.available()).isEqualTo(2, within(1e-6));
    assertThat(drain(limiter)).isEqualTo(2);
  }

  @Test
  void aLargerBurstFillsAtTheRateAndASmallerOneDropsTheRest() {
    RateLimiter limiter = bucket(10, 5);
    limiter.setBurst(100);
    assertThat(drain(limiter)).isEqualTo(5);
    time.advance(Duration.ofSeconds(2));
    assertThat(limiter.available()).isEqualTo(20, within(1e-6));
    limiter.setBurst(3);
    assertThat(drain(limiter)).isEqualTo(3);
  }

  @Test
  void aWaiterThatWantsMoreThanAShrunkBurstIsServedAllTheSame() {
    RateLimiter limiter = bucket(10, 5);
    drain(limiter);
    CompletableFuture<?> waiter = limiter.acquireAsync(5);
    limiter.setBurst(1);
    time.advance(Duration.ofMillis(499));
    assertThat(waiter).isNotDone();
    time.advance(Duration.ofMillis(1));
    assertThat(waiter).isCompleted();
  }

  @Test
  void aReservationMadeBeforeAChangeOfTheRateCanBeGivenBackAfterIt() {
    RateLimiter limiter = bucket(10, 5);
    drain(limiter);
    Reservation reservation = limiter.reserve(4);
    limiter.setRate(Rate.perSecond(1));
    limiter.setRate(Rate.perSecond(10_000));
    assertThat(limiter.available()).isEqualTo(-4, within(1e-6));
    reservation.cancel();
    assertThat(limiter.available()).isEqualTo(0, within(1e-6));
  }

  @Test
  void refusesAtOnceWhoseTurnWouldComeTooLate() throws Exception {
    RateLimiter limiter = bucket(10, 1);
    drain(limiter);
    limiter.acquireAsync();
    assertThat(limiter.acquire(1, Duration.ofMillis(199))).isFalse();
    assertThat(limiter.acquire(1, Duration.ZERO)).isFalse();
    assertThat(limiter.waiting()).isEqualTo(1);
  }

  @Test
  void rejectsWaitersBeyondTheLimit() throws Exception {
    RateLimiter limiter =
        RateLimiter.builder()
            .name("small")
            .time(time)
            .maxWaiters(1)
            .tokenBucket(Rate.perSecond(1), 1);
    drain(limiter);
    limiter.acquireAsync();
    assertThat(limiter.acquireAsync())
        .isCompletedExceptionally()
        .failsWithin(Duration.ZERO)
        .withThrowableOfType(java.util.concurrent.ExecutionException.class)
        .withCauseInstanceOf(RejectedExecutionException.class)
        .withMessageContaining("'small' has 1 waiters already");
    assertThat(limiter.acquire(1, Duration.ofDays(1))).isFalse();
  }

  @ParameterizedTest
  @ValueSource(doubles = {1.0 / 86400, 0.1, 0.3, 1, 7, 1e3, 3e7, 7e7, 1e8})
  void holdsTheRateOverTenYearsAndTheWrapAroundOfTheClock(double perSecond) {
    VirtualTime clock = new VirtualTime(Long.MAX_VALUE - TimeUnit.DAYS.toNanos(1825));
    Rate rate = Rate.perSecond(perSecond);
    long burst = 1L << 50;
    RateLimiter limiter = RateLimiter.builder().time(clock).startEmpty().tokenBucket(rate, burst);
    double taken = 0;
    for (int month = 0; month < 120; month++) {
      clock.advance(Duration.ofDays(365).dividedBy(12));
      long whole = (long) limiter.available();
      if (whole > 0) {
        assertThat(limiter.tryAcquire(whole)).isTrue();
        taken += whole;
      }
    }
    double expected = perSecond * 3650 * 86400;
    assertThat(taken + limiter.available()).isEqualTo(expected, within(expected * 1e-9));
  }

  @ParameterizedTest
  @ValueSource(doubles = {1.0 / 86400, 0.1, 0.3, 7, 1e3, 3e7, 7e7, 1e8})
  void servesWaitersAtTheRateAcrossTheWrapAroundOfTheClock(double perSecond) {
    int permits = 20_000;
    double expected = permits / perSecond * 1e9;
    VirtualTime clock = new VirtualTime(Long.MAX_VALUE - (long) (expected / 2));
    Rate rate = Rate.perSecond(perSecond);
    RateLimiter.Builder builder = RateLimiter.builder().time(clock).startEmpty();
    for (RateLimiter limiter :
        List.of(builder.tokenBucket(rate, 1), builder.leakyBucket(rate, 1))) {
      long start = clock.nanoTime();
      int[] served = {0};
      Runnable[] next = new Runnable[1];
      next[0] =
          () ->
              limiter
                  .acquireAsync()
                  .thenRun(() -> {
                    if (++served[0] < permits) {
                      clock.schedule(0, next[0]);
                    }
                  });
      next[0].run();
      while (served[0] < permits) {
        assertThat(clock.advanceToNext()).isTrue();
      }
      assertThat((double) (clock.nanoTime() - start)).isEqualTo(expected, within(expected * 1e-3));
    }
  }

  @Test
  void goesOnBeyondTheHorizonOfItsArithmetic() {
    RateLimiter limiter = bucket(1e8, 5);
    for (int century = 0; century < 10; century++) {
      time.advance(Duration.ofDays(365 * 25));
      assertThat(drain(limiter)).isEqualTo(5);
      time.advanceNanos(9);
      assertThat(limiter.tryAcquire()).isFalse();
      time.advanceNanos(1);
      assertThat(limiter.tryAcquire()).isTrue();
    }
  }

  @Test
  void aPermitIsThereAtTheNanosecondOfPencilAndPaper() {
    for (double perSecond : new double[] {0.1, 0.2, 0.3, 0.7, 1, 3, 5, 6, 10, 40, 1000}) {
      RateLimiter limiter = bucket(perSecond, 1000);
      limiter.tryAcquire(1000);
      time.advance(Duration.ofSeconds(10));
      assertThat(limiter.available())
          .as("%s a second after 10 s", perSecond)
          .isGreaterThanOrEqualTo(Math.min(1000, Math.rint(perSecond * 10)));
    }
  }

  @Test
  void completionsThatThrowDoNotDisturbTheOthers() {
    RateLimiter limiter = bucket(10, 1);
    drain(limiter);
    CompletableFuture<?> failing =
        limiter
            .acquireAsync()
            .thenRun(() -> {
              throw new IllegalStateException("a callback's own failure");
            });
    CompletableFuture<?> next = limiter.acquireAsync();
    time.advance(Duration.ofMillis(200));
    assertThat(failing).isCompletedExceptionally();
    assertThat(org.assertj.core.api.Assertions.catchThrowable(failing::join))
        .isInstanceOf(CompletionException.class);
    assertThat(next).isCompleted();
  }

  private long millis() {
    return time.elapsed().toMillis();
  }

  private static int drain(RateLimiter limiter) {
    int permits = 0;
    while (limiter.tryAcquire()) {
      permits++;
    }
    return permits;
  }
}
