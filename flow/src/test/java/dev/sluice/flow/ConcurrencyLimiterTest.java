package dev.sluice.flow;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import dev.sluice.flow.ConcurrencyLimiter.Token;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;

class ConcurrencyLimiterTest {
  private final VirtualTime time = new VirtualTime(Long.MAX_VALUE - 1_000_000_000L);

  private ConcurrencyLimiter limiter(int limit) {
    return ConcurrencyLimiter.builder().name("calls").time(time).build(limit);
  }

  @Test
  void letsAsManyGoAsTheLimitSays() {
    ConcurrencyLimiter limiter = limiter(2);
    Token first = limiter.tryAcquire().orElseThrow();
    var unused = limiter.tryAcquire().orElseThrow();
    assertThat(limiter.tryAcquire()).isEmpty();
    first.succeeded();
    assertThat(limiter.inFlight()).isEqualTo(1);
    assertThat(limiter.tryAcquire()).isPresent();
  }

  @Test
  void servesWaitersInTheOrderInWhichTheyCame() {
    ConcurrencyLimiter limiter = limiter(1);
    Token first = limiter.tryAcquire().orElseThrow();
    List<String> served = new ArrayList<>();
    List<Token> tokens = new ArrayList<>();
    limiter.acquireAsync().thenAccept(token -> served.add("a" + (tokens.add(token) ? "" : "")));
    limiter.acquireAsync().thenAccept(token -> served.add("b" + (tokens.add(token) ? "" : "")));
    first.ignored();
    assertThat(served).containsExactly("a");
    assertThat(limiter.tryAcquire()).as("somebody waits").isEmpty();
    tokens.getFirst().dropped();
    assertThat(served).containsExactly("a", "b");
  }

  @Test
  void aTokenEndsOnce() {
    ConcurrencyLimiter limiter = limiter(1);
    Token token = limiter.tryAcquire().orElseThrow();
    token.succeeded();
    token.close();
    assertThatIllegalStateException()
        .isThrownBy(token::dropped)
        .withMessageContaining("'calls'")
        .withMessageContaining("twice");
    assertThat(limiter.inFlight()).isZero();
  }

  @Test
  void aLowerLimitTakesNothingAwayAndAHigherOneLetsWaitersGo() {
    ConcurrencyLimiter limiter = limiter(2);
    Token first = limiter.tryAcquire().orElseThrow();
    Token second = limiter.tryAcquire().orElseThrow();
    limiter.setLimit(1);
    CompletableFuture<Token> waiter = limiter.acquireAsync();
    first.succeeded();
    assertThat(waiter).isNotDone();
    second.succeeded();
    assertThat(waiter).isCompleted();
    CompletableFuture<Token> next = limiter.acquireAsync();
    limiter.setLimit(2);
    assertThat(next).isCompleted();
  }

  @Test
  void whoCancelsLeavesTheLine() {
    ConcurrencyLimiter limiter = limiter(1);
    Token token = limiter.tryAcquire().orElseThrow();
    CompletableFuture<Token> waiter = limiter.acquireAsync();
    waiter.cancel(false);
    assertThat(limiter.waiting()).isZero();
    token.succeeded();
    assertThat(limiter.inFlight()).isZero();
  }

  @Test
  void turnsAwayAtTheDeadline() throws Exception {
    ConcurrencyLimiter limiter = limiter(1);
    var unused = limiter.tryAcquire().orElseThrow();
    var outcome = new CompletableFuture<Boolean>();
    Thread waiter =
        Thread.ofVirtual()
            .start(() -> {
              try {
                outcome.complete(limiter.acquire(Duration.ofSeconds(1)).isPresent());
              } catch (InterruptedException e) {
                outcome.completeExceptionally(e);
              }
            });
    while (limiter.waiting() == 0) {
      Thread.onSpinWait();
    }
    time.advance(Duration.ofMillis(999));
    assertThat(limiter.waiting()).isEqualTo(1);
    time.advance(Duration.ofMillis(1));
    waiter.join();
    assertThat(outcome).isCompletedWithValue(false);
    assertThat(limiter.acquire(Duration.ZERO)).isEmpty();
  }

  @Test
  void callsGiveTheirTokenBackHoweverTheyEnd() throws Exception {
    ConcurrencyLimiter limiter = limiter(1);
    assertThat(limiter.call(() -> "fine")).isEqualTo("fine");
    assertThatIllegalStateException()
        .isThrownBy(() ->
            limiter.call(() -> {
              throw new IllegalStateException("the call's own failure");
            }));
    assertThat(limiter.inFlight()).isZero();
  }

  @Test
  void refusesWhatMakesNoSense() {
    assertThatIllegalArgumentException().isThrownBy(() -> limiter(0)).withMessageContaining("0");
    ConcurrencyLimiter limiter = limiter(1);
    assertThatIllegalArgumentException().isThrownBy(() -> limiter.setLimit(-1));
    Token token = limiter.tryAcquire().orElseThrow();
    assertThatIllegalArgumentException()
        .isThrownBy(() -> token.dropped(Duration.ofSeconds(-1)))
        .withMessageContaining("PT-1S");
    token.succeeded();
    assertThatIllegalArgumentException()
        .isThrownBy(() -> ConcurrencyLimiter.builder().adaptive(AdaptiveLimit.rate(1)))
        .withMessageContaining("concurrency");
  }
}
