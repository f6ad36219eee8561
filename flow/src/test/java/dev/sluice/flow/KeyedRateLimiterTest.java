package dev.sluice.flow;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatNullPointerException;
import static org.assertj.core.api.Assertions.within;

import dev.sluice.modeltest.Gen;
import dev.sluice.modeltest.ModelTest;
import dev.sluice.modeltest.Seed;
import dev.sluice.modeltest.Step;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

@Tag("R2.1")
class KeyedRateLimiterTest {
  private final VirtualTime time = new VirtualTime(Long.MAX_VALUE - 5_000_000_000L);

  private KeyedRateLimiter<String> limiter(double perSecond, long burst, int maxKeys) {
    return RateLimiter.builder()
        .time(time)
        .name("clients")
        .keyedTokenBucket(Rate.perSecond(perSecond), burst, maxKeys);
  }

  @Test
  void limitsEachKeyByItself() {
    KeyedRateLimiter<String> limiter = limiter(10, 2, 100);
    assertThat(limiter.tryAcquire("a", 2)).isTrue();
    assertThat(limiter.tryAcquire("a")).isFalse();
    assertThat(limiter.tryAcquire("b")).isTrue();
    time.advance(Duration.ofMillis(100));
    assertThat(limiter.tryAcquire("a")).isTrue();
    assertThat(limiter.available("a")).isZero();
    assertThat(limiter.available("never seen")).isEqualTo(2);
  }

  @Test
  void forgetsKeysWhoseBucketIsFullAgain() {
    KeyedRateLimiter<String> limiter = limiter(10, 2, 1_000_000);
    for (int round = 0; round < 20; round++) {
      for (int i = 0; i < 1000; i++) {
        limiter.tryAcquire("round " + round + " key " + i, 2);
      }
      time.advance(Duration.ofMillis(200));
    }
    assertThat(limiter.keys()).isLessThan(3000);
    assertThat(limiter.evictions()).isZero();
  }

  @Test
  void holdsNoMoreKeysThanAllowedAndForgetsTheFullest() {
    KeyedRateLimiter<String> limiter = limiter(0.001, 100, 16);
    for (int i = 0; i < 16; i++) {
      limiter.tryAcquire("hungry " + i, 50);
    }
    for (int i = 0; i < 1000; i++) {
      limiter.tryAcquire("modest " + i);
    }
    assertThat(limiter.keys()).isLessThanOrEqualTo(16);
    assertThat(limiter.evictions()).isGreaterThan(900);
    long remembered = 0;
    for (int i = 0; i < 16; i++) {
      remembered += limiter.available("hungry " + i) < 60 ? 1 : 0;
    }
    assertThat(remembered).isGreaterThanOrEqualTo(15);
  }

  @Test
  void waitersOfAKeyAreServedInOrderAndOtherKeysGoOn() {
    KeyedRateLimiter<String> limiter = limiter(10, 1, 100);
    limiter.tryAcquire("a");
    List<String> served = new ArrayList<>();
    limiter.acquireAsync("a").thenRun(() -> served.add("first"));
    limiter.acquireAsync("a").thenRun(() -> served.add("second"));
    assertThat(limiter.tryAcquire("b")).isTrue();
    time.advance(Duration.ofMillis(100));
    assertThat(served).containsExactly("first");
    assertThat(limiter.tryAcquire("a")).as("somebody waits").isFalse();
    time.advance(Duration.ofMillis(100));
    assertThat(served).containsExactly("first", "second");
    time.advance(Duration.ofMillis(100));
    assertThat(limiter.tryAcquire("a")).isTrue();
  }

  @Test
  void aKeyThatIsWaitedForIsNotForgotten() {
    KeyedRateLimiter<String> limiter = limiter(0.001, 1, 8);
    limiter.tryAcquire("a");
    CompletableFuture<?> waiter = limiter.acquireAsync("a");
    for (int i = 0; i < 1000; i++) {
      limiter.tryAcquire("other " + i);
    }
    assertThat(limiter.tryAcquire("a")).isFalse();
    time.advance(Duration.ofSeconds(1000));
    assertThat(waiter).isCompleted();
  }

  @Test
  void reservesAndGivesBackForAKey() {
    KeyedRateLimiter<String> limiter = limiter(10, 1, 100);
    limiter.reserve("a", 1);
    RateLimiter.Reservation second = limiter.reserve("a", 1);
    assertThat(second.delay()).isEqualTo(Duration.ofMillis(100));
    second.cancel();
    assertThat(limiter.reserve("a", 1).delay()).isEqualTo(Duration.ofMillis(100));
    time.advance(Duration.ofHours(1));
    limiter.reserve("b", 1);
    limiter.reserve("c", 1);
    assertThat(second.cancel()).isFalse();
    assertThat(limiter.tryAcquire("a")).isTrue();
    assertThat(limiter.tryAcquire("a")).isFalse();
  }

  @Test
  void changesTheRateAndTheBurstOfAllKeys() {
    KeyedRateLimiter<String> limiter = limiter(0.001, 4, 100);
    limiter.tryAcquire("a", 3);
    limiter.tryAcquire("waits", 4);
    CompletableFuture<?> waiter = limiter.acquireAsync("waits");
    limiter.setRate(Rate.perSecond(10));
    assertThat(limiter.available("a")).isEqualTo(1, within(1e-6));
    time.advance(Duration.ofMillis(101));
    assertThat(limiter.available("a")).isEqualTo(2.01, within(1e-6));
    assertThat(waiter).isCompleted();
    limiter.setBurst(1);
    assertThat(limiter.available("a")).isEqualTo(1);
    assertThat(limiter.available("new")).isEqualTo(1);
    assertThat(limiter.rate()).isEqualTo(Rate.perSecond(10));
    assertThat(limiter.burst()).isEqualTo(1);
  }

  @Test
  void goesOnBeyondTheHorizonOfItsArithmetic() {
    KeyedRateLimiter<String> limiter = limiter(10, 2, 100);
    for (int i = 0; i < 10; i++) {
      assertThat(limiter.tryAcquire("a", 2)).isTrue();
      assertThat(limiter.tryAcquire("a")).isFalse();
      time.advance(Duration.ofDays(365 * 25));
    }
  }

  @Test
  void keysWithTheSameHashAreToldApart() {
    KeyedRateLimiter<Object> limiter =
        RateLimiter.builder().time(time).keyedTokenBucket(Rate.perSecond(1), 1, 1000);
    record Bad(int value) {
      @Override
      public int hashCode() {
        return 42;
      }
    }
    for (int i = 0; i < 200; i++) {
      assertThat(limiter.tryAcquire(new Bad(i))).isTrue();
      assertThat(limiter.tryAcquire(new Bad(i))).isFalse();
    }
  }

  @Test
  void manyThreadsTogetherGetJustTheBurstOfEachKeyWhileTheTableGrows() throws Exception {
    KeyedRateLimiter<Integer> limiter =
        RateLimiter.builder().time(time).keyedTokenBucket(Rate.perSecond(1), 7, 100_000);
    int threads = 4;
    int keys = 20_000;
    List<Future<Integer>> results = new ArrayList<>();
    try (var executor = Executors.newFixedThreadPool(threads)) {
      for (int t = 0; t < threads; t++) {
        int offset = t * 5000;
        results.add(
            executor.submit(() -> {
              int taken = 0;
              for (int i = 0; i < keys * 3; i++) {
                taken += limiter.tryAcquire((i + offset) % keys) ? 1 : 0;
              }
              return taken;
            }));
      }
    }
    int total = 0;
    for (Future<Integer> result : results) {
      total += result.get();
    }
    assertThat(total).as("12 tries for each key, 7 granted").isEqualTo(7 * keys);
    assertThat(limiter.keys()).isEqualTo(keys);
  }

  @Test
  void blocksAThreadUntilItsKeyHasAPermit() throws Exception {
    KeyedRateLimiter<String> limiter = KeyedRateLimiter.tokenBucket(Rate.perSecond(1000), 1);
    for (int i = 0; i < 10; i++) {
      limiter.acquire("a");
      assertThat(limiter.acquire("b", 1, Duration.ofSeconds(10))).isTrue();
    }
    KeyedRateLimiter<String> slow = KeyedRateLimiter.tokenBucket(Rate.of(1, Duration.ofDays(1)), 1);
    slow.acquire("a");
    assertThat(slow.acquire("a", 1, Duration.ofHours(1))).isFalse();
  }

  @Test
  @SuppressWarnings("NullAway")
  void refusesWhatMakesNoSense() {
    KeyedRateLimiter<String> limiter = limiter(1, 2, 100);
    assertThatNullPointerException().isThrownBy(() -> limiter.tryAcquire(null));
    assertThatNullPointerException().isThrownBy(() -> limiter.reserve(null, 1));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> limiter.tryAcquire("a", 3))
        .withMessageContaining("at most 2")
        .withMessageContaining("clients");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> limiter.acquireAsync("a", 0))
        .withMessageContaining("0");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> limiter(1, 1, 0))
        .withMessageContaining("maxKeys");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> limiter(1, 0, 1))
        .withMessageContaining("burst");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> limiter.acquire("a", 1, Duration.ofSeconds(-1)))
        .withMessageContaining("PT-1S");
  }

  // ---- against a map of limiters

  private static final class World {
    final VirtualTime time;
    final KeyedRateLimiter<Integer> keyed;
    final Map<Integer, RateLimiter> each = new HashMap<>();
    final List<String> served = new ArrayList<>();
    final List<String> expected = new ArrayList<>();
    Rate rate;
    long burst;

    World(Seed seed) {
      Gen gen = seed.random();
      time = new VirtualTime(gen.nextLong());
      rate = Rate.perSecond(gen.oneOf(0.5, 3.0, 10.0));
      burst = gen.between(1, 5);
      keyed = RateLimiter.builder().time(time).keyedTokenBucket(rate, burst, 1000);
    }

    RateLimiter own(int key) {
      return each.computeIfAbsent(
          key, k -> RateLimiter.builder().time(time).tokenBucket(rate, burst));
    }
  }

  @Test
  void isLikeAMapOfLimiters() {
    ModelTest.of("keyed limiter", World::new)
        .step(
            10,
            gen -> {
              int key = gen.zipf(50, 0.8);
              int permits = gen.between(1, 3);
              return Step.of(
                  "try " + permits + " of " + key,
                  world -> {
                    long wanted = Math.min(permits, world.burst);
                    assertThat(world.keyed.tryAcquire(key, wanted))
                        .isEqualTo(world.own(key).tryAcquire(wanted));
                  });
            })
        .step(
            2,
            gen -> {
              int key = gen.zipf(50, 0.8);
              return Step.of(
                  "wait for " + key,
                  world -> {
                    String id = key + " at " + world.time.elapsed();
                    world.keyed.acquireAsync(key).thenRun(() -> world.served.add(id));
                    world.own(key).acquireAsync().thenRun(() -> world.expected.add(id));
                  });
            })
        .step(
            1,
            gen -> {
              int key = gen.zipf(50, 0.8);
              boolean back = gen.nextBoolean();
              return Step.of(
                  "reserve of " + key + (back ? " and give back" : ""),
                  world -> {
                    var real = world.keyed.reserve(key, 1);
                    var model = world.own(key).reserve(1);
                    assertThat(real.delay())
                        .as("but for units of time lost with each new table")
                        .isCloseTo(model.delay(), Duration.ofNanos(100));
                    if (back) {
                      real.cancel();
                      model.cancel();
                    }
                  });
            })
        .step(
            4,
            gen -> {
              Duration duration = gen.duration(Duration.ofMillis(1), Duration.ofSeconds(20));
              return Step.of("advance by " + duration, world -> world.time.advance(duration));
            })
        .step(
            1,
            gen -> {
              double perSecond = gen.oneOf(0.5, 3.0, 10.0);
              return Step.of(
                  "rate " + perSecond,
                  world -> {
                    world.rate = Rate.perSecond(perSecond);
                    world.keyed.setRate(world.rate);
                    world.each.values().forEach(own -> own.setRate(world.rate));
                  });
            })
        .invariant(
            world -> assertThat(world.served).containsExactlyInAnyOrderElementsOf(world.expected))
        .steps(1, 300)
        .check();
  }
}
