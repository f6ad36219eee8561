package dev.sluice.flow;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.RejectedExecutionException;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

@Tag("R2.1")
class LeakyBucketTest {
  private final VirtualTime time = new VirtualTime();

  private RateLimiter.Builder builder() {
    return RateLimiter.builder().time(time).name("downstream");
  }

  private List<Long> departures(RateLimiter limiter, long... permits) {
    List<Long> at = new ArrayList<>();
    for (long wish : permits) {
      limiter.acquireAsync(wish).thenRun(() -> at.add(time.elapsed().toMillis()));
    }
    time.advance(Duration.ofMinutes(1));
    return at;
  }

  @Test
  void aShaperLetsABurstOutEvenly() {
    RateLimiter shaper = builder().leakyBucket(Rate.perSecond(10), 100);
    assertThat(departures(shaper, 1, 1, 1, 1)).containsExactly(0L, 100L, 200L, 300L);
  }

  @Test
  void aShaperSavesNothingUpWhileIdle() {
    RateLimiter shaper = builder().leakyBucket(Rate.perSecond(10), 100);
    time.advance(Duration.ofHours(1));
    assertThat(shaper.tryAcquire()).isTrue();
    assertThat(shaper.tryAcquire()).isFalse();
    assertThat(shaper.available()).isEqualTo(-1);
  }

  @Test
  void aLargeWishGoesInItsTurnAndDelaysTheNext() {
    RateLimiter shaper = builder().leakyBucket(Rate.perSecond(10), 100);
    assertThat(departures(shaper, 1, 5, 1)).containsExactly(0L, 100L, 600L);
  }

  @Test
  void aShaperOverflowsBeyondItsCapacity() throws Exception {
    RateLimiter shaper = builder().leakyBucket(Rate.perSecond(10), 2);
    List<CompletableFuture<?>> all = new ArrayList<>();
    for (int i = 0; i < 4; i++) {
      all.add(shaper.acquireAsync());
    }
    assertThat(all.get(2)).isNotDone();
    assertThat(all.get(3)).isCompletedExceptionally();
    assertThat(shaper.acquire(1, Duration.ofDays(1))).isFalse();
    assertThatExceptionOfType(RejectedExecutionException.class)
        .isThrownBy(shaper::acquire)
        .withMessageContaining("'downstream' has 2 waiters already");
  }

  @Test
  void aShapersReservationsAreEvenToo() {
    RateLimiter shaper = builder().leakyBucket(Rate.perSecond(10), 2);
    assertThat(shaper.reserve(3).delay()).isZero();
    RateLimiter.Reservation second = shaper.reserve();
    assertThat(second.delay()).isEqualTo(Duration.ofMillis(300));
    second.cancel();
    assertThat(shaper.reserve().delay()).isEqualTo(Duration.ofMillis(300));
    assertThat(shaper.reserve().delay()).isEqualTo(Duration.ofMillis(400));
  }

  @Test
  void aShapersRateMayChangeWhileSomebodyWaits() {
    RateLimiter shaper = builder().leakyBucket(Rate.perMinute(1), 10);
    shaper.acquireAsync();
    CompletableFuture<Long> second =
        shaper.acquireAsync().thenApply(done -> time.elapsed().toMillis());
    time.advance(Duration.ofSeconds(30));
    shaper.setRate(Rate.perSecond(10));
    time.advance(Duration.ofSeconds(1));
    assertThat(second)
        .as("half a gap at the old rate, half at the new")
        .isCompletedWithValue(30050L);
  }

  @Test
  void aShaperHasNoBurstToSet() {
    RateLimiter shaper = builder().leakyBucket(Rate.perSecond(10), 2);
    assertThat(shaper.burst()).isEqualTo(1);
    assertThatExceptionOfType(UnsupportedOperationException.class)
        .isThrownBy(() -> shaper.setBurst(5))
        .withMessageContaining("downstream");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> builder().leakyBucket(Rate.perSecond(1), -1))
        .withMessageContaining("-1");
  }

  @Test
  void aPolicerRefusesWhatOverflowsAndLetsNobodyWait() throws Exception {
    RateLimiter policer = builder().leakyBucketPolicer(Rate.perSecond(10), 3);
    assertThat(policer.tryAcquire(2)).isTrue();
    assertThat(policer.reserve().delay()).isZero();
    assertThat(policer.tryAcquire()).isFalse();
    assertThat(policer.acquire(1, Duration.ofDays(1))).isFalse();
    assertThat(policer.acquireAsync()).isCompletedExceptionally();
    assertThatExceptionOfType(RejectedExecutionException.class).isThrownBy(policer::acquire);
    assertThatExceptionOfType(RejectedExecutionException.class)
        .isThrownBy(policer::reserve)
        .withMessageContaining("policer");

    time.advance(Duration.ofMillis(100));
    policer.acquire();
    assertThat(policer.tryAcquire()).isFalse();
  }
}
