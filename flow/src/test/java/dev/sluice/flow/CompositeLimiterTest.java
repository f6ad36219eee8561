package dev.sluice.flow;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

@Tag("R2.1")
class CompositeLimiterTest {
  private final VirtualTime time = new VirtualTime();
  private final RateLimiter second = bucket("second", Rate.perSecond(10), 2);
  private final RateLimiter hour = bucket("hour", Rate.of(100, Duration.ofHours(1)), 5);
  private final RateLimiter both = RateLimiter.allOf(second, hour);

  private RateLimiter bucket(String name, Rate rate, long burst) {
    return RateLimiter.builder().name(name).time(time).tokenBucket(rate, burst);
  }

  private List<Long> departures(int count) {
    List<Long> at = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      both.acquireAsync().thenRun(() -> at.add(time.elapsed().toMillis()));
    }
    time.advance(Duration.ofHours(2));
    return at;
  }

  @Test
  void grantsWhenAllPartsDo() {
    assertThat(departures(7)).containsExactly(0L, 0L, 100L, 200L, 300L, 36_000L, 72_000L);
  }

  @Test
  void takesFromAllOrNone() {
    assertThat(both.tryAcquire(2)).isTrue();
    assertThat(both.tryAcquire()).isFalse();
    assertThat(hour.available()).isEqualTo(3);
    assertThat(both.available()).isZero();
  }

  @Test
  void whoWaitsHereTakesNothingFromAFastPartMeanwhile() {
    hour.tryAcquire(5);
    both.acquireAsync();
    assertThat(second.tryAcquire(2)).isTrue();
  }

  @Test
  void isPlannedAnewWhenAPartChanges() {
    hour.tryAcquire(5);
    CompletableFuture<?> waiter = both.acquireAsync();
    hour.setRate(Rate.perSecond(1));
    time.advance(Duration.ofSeconds(1));
    assertThat(waiter).isCompleted();
    assertThat(time.pending()).isZero();
  }

  @Test
  void isPlannedAnewWhenAPartsReservationIsGivenBack() {
    hour.tryAcquire(5);
    RateLimiter.Reservation reservation = hour.reserve(4);
    CompletableFuture<?> waiter = both.acquireAsync();
    reservation.cancel();
    time.advance(Duration.ofSeconds(36));
    assertThat(waiter).isCompleted();
  }

  @Test
  void isPlannedAnewWhenAPartsOwnWaiterLeaves() {
    hour.tryAcquire(5);
    CompletableFuture<?> direct = hour.acquireAsync(5);
    CompletableFuture<?> waiter = both.acquireAsync();
    time.advance(Duration.ofSeconds(36));
    assertThat(waiter).as("the part's own waiter goes first").isNotDone();
    direct.cancel(false);
    assertThat(waiter).isCompleted();
  }

  @Test
  void reservesAllAndGivesAllBack() {
    both.tryAcquire(2);
    RateLimiter.Reservation reservation = both.reserve(2);
    assertThat(reservation.delay()).isEqualTo(Duration.ofMillis(200));
    reservation.cancel();
    assertThat(hour.available()).isEqualTo(3);
    assertThat(both.reserve().delay()).isEqualTo(Duration.ofMillis(100));
  }

  @Test
  void showsTheNarrowestOfItsParts() {
    assertThat(both.rate()).isEqualTo(hour.rate());
    assertThat(both.burst()).isEqualTo(2);
  }

  @Test
  void refusesWhatMakesNoSense() {
    assertThatExceptionOfType(UnsupportedOperationException.class)
        .isThrownBy(() -> both.setRate(Rate.perSecond(1)))
        .withMessageContaining("second")
        .withMessageContaining("hour");
    assertThatExceptionOfType(UnsupportedOperationException.class)
        .isThrownBy(() -> both.setBurst(1));
    assertThatIllegalArgumentException().isThrownBy(() -> RateLimiter.allOf());
    assertThatIllegalArgumentException()
        .isThrownBy(() -> RateLimiter.allOf(second, second))
        .withMessageContaining("'second' is given twice");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> RateLimiter.allOf(both, second))
        .withMessageContaining("give its parts");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> RateLimiter.allOf(second, RateLimiter.tokenBucket(Rate.perSecond(1), 1)))
        .withMessageContaining("time source");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> both.tryAcquire(3))
        .withMessageContaining("at most 2");
  }
}
