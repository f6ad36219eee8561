package dev.sluice.flow;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** What a thread sees that waits at a limiter. */
@Tag("R2.1")
class RateLimiterThreadsTest {
  private final VirtualTime time = new VirtualTime(Long.MAX_VALUE - 50_000_000);
  private final RateLimiter limiter =
      RateLimiter.builder().name("it").time(time).tokenBucket(Rate.perSecond(10), 1);

  RateLimiterThreadsTest() {
    assertThat(limiter.tryAcquire()).isTrue();
  }

  private Waiter<String> waiting() {
    return Waiter.waiting(() -> {
      limiter.acquire();
      return "served";
    });
  }

  @Test
  void blocksAThreadUntilItsTurn() throws Exception {
    Waiter<String> first = waiting();
    Waiter<String> second = waiting();

    time.advance(Duration.ofMillis(100));
    assertThat(first.result()).isEqualTo("served");
    assertThat(second.stillWaits()).isTrue();

    time.advance(Duration.ofMillis(100));
    assertThat(second.result()).isEqualTo("served");
  }

  @Test
  void anInterruptedThreadTakesNothingAndThoseBehindMoveUp() throws Exception {
    Waiter<String> first = waiting();
    Waiter<String> second = waiting();

    first.interrupt();

    assertThatThrownBy(first::result)
        .hasCauseInstanceOf(InterruptedException.class)
        .hasMessageContaining("'it'");
    assertThat(limiter.waiting()).isOne();
    time.advance(Duration.ofMillis(100));
    assertThat(second.result()).isEqualTo("served");
  }

  @Test
  void noticesAnInterruptThatCameBefore() {
    time.advance(Duration.ofSeconds(1));
    Thread.currentThread().interrupt();

    assertThatExceptionOfType(InterruptedException.class).isThrownBy(limiter::acquire);
    assertThat(limiter.available()).as("nothing was taken").isEqualTo(1, within(1e-9));
  }

  @Test
  void turnsAwayAThreadWhoseDeadlineALowerRateMakesImpossible() throws Exception {
    Waiter<Boolean> waiter = Waiter.waiting(() -> limiter.acquire(1, Duration.ofSeconds(1)));

    limiter.setRate(Rate.of(1, Duration.ofDays(1)));

    assertThat(waiter.result()).isFalse();
    assertThat(limiter.waiting()).isZero();
  }

  @Test
  void tellsAThreadThatTooManyWait() {
    RateLimiter narrow =
        RateLimiter.builder()
            .name("narrow")
            .time(time)
            .maxWaiters(0)
            .tokenBucket(Rate.perSecond(1), 1);
    assertThat(narrow.tryAcquire()).isTrue();

    assertThatExceptionOfType(RejectedExecutionException.class)
        .isThrownBy(narrow::acquire)
        .withMessageContaining("'narrow'")
        .withMessageContaining("lets nobody wait");
  }

  @Test
  void servesAThousandVirtualThreadsEachOnce() throws Exception {
    List<CompletableFuture<Long>> served = new ArrayList<>();
    for (int i = 0; i < 1_000; i++) {
      CompletableFuture<Long> one = new CompletableFuture<>();
      served.add(one);
      Thread.ofVirtual()
          .start(() -> {
            try {
              limiter.acquire();
              one.complete(time.nanoTime());
            } catch (Throwable e) {
              one.completeExceptionally(e);
            }
          });
    }
    while (limiter.waiting() < 1_000) {
      Thread.onSpinWait();
    }

    time.advance(Duration.ofSeconds(100));

    for (CompletableFuture<Long> one : served) {
      assertThat(one.get(10, TimeUnit.SECONDS)).isNotNull();
    }
    assertThat(limiter.waiting()).isZero();
    assertThat(time.pending()).isZero();
  }
}
