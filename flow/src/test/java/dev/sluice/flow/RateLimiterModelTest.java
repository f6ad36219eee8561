package dev.sluice.flow;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.flow.RateLimiter.Reservation;
import dev.sluice.modeltest.Gen;
import dev.sluice.modeltest.ModelTest;
import dev.sluice.modeltest.Seed;
import dev.sluice.modeltest.Step;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * Limiters in virtual time against what is said of them: the bound on every window, the order, and
 * that nothing is held back which could be granted.
 */
@Tag("R2.1")
class RateLimiterModelTest {

  // ---- to the nanosecond, against a bucket that is filled with a can

  /** A bucket as in the textbook, with a line before it. */
  private static final class Model {
    double rate;
    double burst;
    double tokens;
    final List<Integer> line = new ArrayList<>();
    final List<Integer> permits = new ArrayList<>();
    final List<Integer> served = new ArrayList<>();

    void timeGoes(double seconds) {
      while (!line.isEmpty()) {
        double wait = (permits.getFirst() - tokens) / rate;
        if (wait > seconds) {
          break;
        }
        int wanted = permits.removeFirst();
        tokens += Math.max(0, wait) * rate;
        tokens = Math.min(tokens, Math.max(burst, wanted + 1)) - wanted;
        seconds -= Math.max(0, wait);
        served.add(line.removeFirst());
      }
      tokens += seconds * rate;
      if (line.isEmpty()) {
        tokens = Math.min(burst, tokens);
      }
    }

    boolean take(int wanted) {
      if (!line.isEmpty() || tokens < wanted) {
        return false;
      }
      tokens -= wanted;
      return true;
    }
  }

  private static final class Exact {
    final VirtualTime time;
    final RateLimiter limiter;
    final Model model = new Model();
    final List<CompletableFuture<?>> turns = new ArrayList<>();
    final List<Integer> served = new ArrayList<>();

    Exact(Seed seed) {
      Gen gen = seed.random();
      time = new VirtualTime(gen.nextLong());
      model.burst = gen.between(1, 10);
      model.rate = gen.oneOf(0.001, 0.3, 1.0, 7.0, 10.0, 1000.0);
      model.tokens = model.burst;
      limiter =
          RateLimiter.builder()
              .time(time)
              .tokenBucket(Rate.perSecond(model.rate), (long) model.burst);
    }

    void advance(double gaps) {
      long nanos = (long) (gaps / model.rate * 1e9);
      model.timeGoes(nanos / 1e9);
      time.advanceNanos(nanos);
    }

    void take(int wanted) {
      int permits = Math.min(wanted, (int) limiter.burst());
      assertThat(limiter.tryAcquire(permits)).isEqualTo(model.take(permits));
    }

    void join(int wanted) {
      int permits = Math.min(wanted, (int) limiter.burst());
      int id = turns.size();
      CompletableFuture<?> turn = limiter.acquireAsync(permits);
      turn.thenRun(() -> served.add(id));
      turns.add(turn);
      model.line.add(id);
      model.permits.add(permits);
      model.timeGoes(0);
    }

    void leave(int which) {
      if (turns.isEmpty()) {
        return;
      }
      int id = which % turns.size();
      boolean left = turns.get(id).cancel(false);
      int position = model.line.indexOf(id);
      assertThat(left).isEqualTo(position >= 0 || turns.get(id).isCancelled());
      if (position >= 0) {
        model.line.remove(position);
        model.permits.remove(position);
        model.timeGoes(0);
      }
    }

    void rate(double rate) {
      limiter.setRate(Rate.perSecond(rate));
      model.rate = rate;
    }

    void burst(int burst) {
      limiter.setBurst(burst);
      model.burst = burst;
      model.timeGoes(0);
    }

    void agree() {
      assertThat(served).isEqualTo(model.served);
      assertThat(limiter.waiting()).isEqualTo(model.line.size());
      assertThat(time.pending()).as("timers").isLessThanOrEqualTo(1);
    }
  }

  @Test
  void grantsJustWhatABucketFilledWithACanWould() {
    ModelTest.of("token bucket, exact", Exact::new)
        .step(
            6,
            gen -> {
              double gaps = gen.nextDouble(0, 8);
              return Step.of("advance by " + gaps + " gaps", exact -> exact.advance(gaps));
            })
        .step(
            4,
            gen -> {
              int permits = gen.between(1, 6);
              return Step.of("try " + permits, exact -> exact.take(permits));
            })
        .step(
            5,
            gen -> {
              int permits = gen.between(1, 6);
              return Step.of("wait for " + permits, exact -> exact.join(permits));
            })
        .step(
            2,
            gen -> {
              int which = gen.between(0, 50);
              return Step.of("waiter " + which + " leaves", exact -> exact.leave(which));
            })
        .step(
            1,
            gen -> {
              double rate = gen.oneOf(0.001, 0.3, 1.0, 7.0, 10.0, 1000.0);
              return Step.of("rate " + rate, exact -> exact.rate(rate));
            })
        .step(
            1,
            gen -> {
              int burst = gen.between(1, 12);
              return Step.of("burst " + burst, exact -> exact.burst(burst));
            })
        .invariant(Exact::agree)
        .check();
  }

  // ---- the bound, for all kinds and with reservations

  private record Use(long at, long permits) {}

  private static final class Bounded {
    final VirtualTime time;
    final long origin;
    final RateLimiter limiter;

    /** Pairs of a rate in permits a nanosecond and a burst that hold in every window. */
    final List<double[]> bounds = new ArrayList<>();

    final double slowest;
    final int most;
    final List<Use> uses = new ArrayList<>();
    final List<Reservation> reservations = new ArrayList<>();
    final List<Boolean> givenBack = new ArrayList<>();
    final List<CompletableFuture<?>> turns = new ArrayList<>();
    final List<Integer> order = new ArrayList<>();
    long wished;

    Bounded(Seed seed) {
      Gen gen = seed.random();
      origin = gen.nextLong();
      time = new VirtualTime(origin);
      double perSecond = gen.oneOf(0.01, 0.7, 3.0, 10.0, 1000.0);
      int burst = gen.between(1, 8);
      Rate rate = Rate.perSecond(perSecond);
      RateLimiter.Builder builder = RateLimiter.builder().time(time);
      switch (gen.between(0, 4)) {
        case 0 -> {
          limiter = builder.tokenBucket(rate, burst);
          bounds.add(new double[] {perSecond / 1e9, burst});
          most = burst;
        }
        case 1 -> {
          limiter = builder.leakyBucket(rate, 1000);
          bounds.add(new double[] {perSecond / 1e9, burst}); // the last of them is paid for after
          most = burst;
        }
        case 2 -> {
          limiter = builder.leakyBucketPolicer(rate, burst);
          bounds.add(new double[] {perSecond / 1e9, burst});
          most = burst;
        }
        case 3 -> {
          limiter = builder.warmingUp(rate, Duration.ofMillis((long) (5000 / perSecond)));
          bounds.add(new double[] {perSecond / 1e9, burst});
          most = burst;
        }
        default -> {
          int larger = burst + gen.between(0, 8);
          limiter =
              RateLimiter.allOf(
                  builder.tokenBucket(rate, burst),
                  builder.tokenBucket(Rate.perSecond(perSecond * 0.6), larger));
          bounds.add(new double[] {perSecond / 1e9, burst});
          bounds.add(new double[] {perSecond * 0.6 / 1e9, larger});
          most = burst;
        }
      }
      slowest = perSecond * 0.3;
    }

    void used(long permits) {
      uses.add(new Use(time.nanoTime() - origin, permits));
    }

    void advance(double gaps) {
      time.advanceNanos((long) (gaps / slowest * 1e9));
    }

    void take(int wanted) {
      int permits = Math.min(wanted, most);
      boolean somebodyWaits = limiter.waiting() > 0;
      if (limiter.tryAcquire(permits)) {
        assertThat(somebodyWaits).as("overtaken").isFalse();
        used(permits);
      }
    }

    void join(int wanted) {
      int permits = Math.min(wanted, most);
      int id = turns.size();
      CompletableFuture<?> turn = limiter.acquireAsync(permits);
      turns.add(turn);
      wished += permits;
      turn.thenRun(() -> {
        used(permits);
        order.add(id);
      });
    }

    void leave(int which) {
      if (!turns.isEmpty()) {
        turns.get(which % turns.size()).cancel(false);
      }
    }

    void reserve(int wanted) {
      int permits = Math.min(wanted, most);
      try {
        Reservation reservation = limiter.reserve(permits);
        int id = reservations.size();
        reservations.add(reservation);
        givenBack.add(false);
        wished += permits;
        time.schedule(
            reservation.delay().toNanos(),
            () -> {
              // Used a moment later, so that it can be given back when it is due already.
              if (!givenBack.get(id)) {
                givenBack.set(id, true);
                used(permits);
              }
            });
      } catch (java.util.concurrent.RejectedExecutionException e) {
        assertThat(limiter.available()).as("a policer's permits").isLessThan(permits);
      }
    }

    void giveBack(int which) {
      if (!reservations.isEmpty() && !givenBack.get(which % reservations.size())) {
        givenBack.set(which % reservations.size(), true);
        assertThat(reservations.get(which % reservations.size()).cancel()).isTrue();
      }
    }

    void withinTheBound() {
      for (double[] bound : bounds) {
        for (int from = 0; from < uses.size(); from++) {
          long sum = 0;
          for (int to = from; to < uses.size(); to++) {
            sum += uses.get(to).permits;
            double window = uses.get(to).at - uses.get(from).at;
            assertThat((double) sum)
                .as("permits in %s ns", window)
                .isLessThanOrEqualTo(bound[0] * (window + 1) + bound[1] + 1e-9);
          }
        }
      }
    }

    void everybodyIsServedInOrder() {
      // All that was ever wished for, at the slowest rate of any kind when cold.
      time.advanceNanos((long) ((wished + 10) / (slowest * 0.3) * 1e9));
      assertThat(limiter.waiting()).isZero();
      assertThat(turns).allMatch(CompletableFuture::isDone);
      assertThat(order).isSorted();
      assertThat(time.pending()).isZero();
    }
  }

  @Test
  void grantsInNoWindowMoreThanTheRateAndTheBurst() {
    ModelTest.of("limiters, bound", Bounded::new)
        .step(
            5,
            gen -> {
              double gaps = gen.nextDouble(0, 3);
              return Step.of("advance by " + gaps, bounded -> bounded.advance(gaps));
            })
        .step(
            4,
            gen -> {
              int permits = gen.between(1, 5);
              return Step.of("try " + permits, bounded -> bounded.take(permits));
            })
        .step(
            4,
            gen -> {
              int permits = gen.between(1, 5);
              return Step.of("wait for " + permits, bounded -> bounded.join(permits));
            })
        .step(
            2,
            gen -> {
              int which = gen.between(0, 50);
              return Step.of("waiter " + which + " leaves", bounded -> bounded.leave(which));
            })
        .step(
            3,
            gen -> {
              int permits = gen.between(1, 5);
              return Step.of("reserve " + permits, bounded -> bounded.reserve(permits));
            })
        .step(
            2,
            gen -> {
              int which = gen.between(0, 50);
              return Step.of("reservation " + which + " back", bounded -> bounded.giveBack(which));
            })
        .atEnd(Bounded::everybodyIsServedInOrder)
        .atEnd(Bounded::withinTheBound)
        .histories(1000)
        .check();
  }

  // ---- what is granted at least while somebody waits

  /** Somebody always waits: whoever is served or leaves comes again at once. */
  private static final class Demand {
    static final int LARGEST = 5;

    final VirtualTime time;
    final long origin;
    final RateLimiter limiter;

    /** What is promised: a part of the rate, in permits a nanosecond. */
    final double promised;

    final List<Use> uses = new ArrayList<>();
    final List<CompletableFuture<?>> turns = new ArrayList<>();
    boolean over;

    Demand(Seed seed) {
      Gen gen = seed.random();
      origin = gen.nextLong();
      time = new VirtualTime(origin);
      double perSecond = gen.oneOf(0.01, 0.7, 3.0, 10.0, 1000.0);
      Rate rate = Rate.perSecond(perSecond);
      int burst = gen.between(LARGEST, 8);
      RateLimiter.Builder builder = RateLimiter.builder().time(time).startEmpty();
      switch (gen.between(0, 3)) {
        case 0 -> {
          limiter = builder.tokenBucket(rate, burst);
          promised = perSecond / 1e9;
        }
        case 1 -> {
          limiter = builder.leakyBucket(rate, 1000);
          promised = perSecond / 1e9;
        }
        case 2 -> {
          limiter = builder.warmingUp(rate, Duration.ofMillis((long) (5000 / perSecond)));
          promised = perSecond / 3 / 1e9;
        }
        default -> {
          limiter =
              RateLimiter.allOf(
                  builder.tokenBucket(rate, burst),
                  builder.tokenBucket(Rate.perSecond(perSecond * 0.6), burst));
          promised = perSecond * 0.6 / 1e9;
        }
      }
      for (int i = 0; i < 10; i++) {
        join(1 + i % LARGEST);
      }
    }

    private void join(int permits) {
      CompletableFuture<?> turn = limiter.acquireAsync(permits);
      turns.add(turn);
      turn.whenComplete((served, left) -> {
        if (left == null) {
          uses.add(new Use(time.nanoTime() - origin, permits));
        }
        if (!over) {
          time.schedule(0, () -> join(permits));
        }
      });
    }

    void advance(double permits) {
      time.advanceNanos((long) (permits / promised));
    }

    void leave(int which) {
      turns.get(turns.size() - 1 - which % Math.min(turns.size(), 10)).cancel(false);
      time.advanceNanos(0);
    }

    void isServedAsPromised() {
      over = true;
      for (int from = 0; from < uses.size(); from++) {
        long sum = 0;
        for (int to = from + 1; to < uses.size(); to++) {
          sum += uses.get(to).permits;
          double window = uses.get(to).at - uses.get(from).at;
          assertThat((double) sum)
              .as("permits in %s ns", window)
              .isGreaterThanOrEqualTo(promised * window * 0.999 - LARGEST);
        }
      }
      double last = uses.isEmpty() ? 0 : uses.getLast().at;
      assertThat((time.nanoTime() - origin - last) * promised)
          .as("nobody was served lately")
          .isLessThanOrEqualTo(LARGEST + 0.01);
    }
  }

  @Test
  void grantsInEveryWindowAsMuchAsPromisedWhileSomebodyWaits() {
    ModelTest.of("limiters, demand", Demand::new)
        .step(
            5,
            gen -> {
              double permits = gen.nextDouble(0, 12);
              return Step.of("advance by " + permits, demand -> demand.advance(permits));
            })
        .step(
            2,
            gen -> {
              int which = gen.between(0, 9);
              return Step.of("waiter " + which + " leaves", demand -> demand.leave(which));
            })
        .atEnd(Demand::isServedAsPromised)
        .check();
  }
}
