package dev.sluice.bench;

import dev.sluice.flow.Rate;
import io.github.bucket4j.Bucket;
import io.github.bucket4j.TimeMeter;
import io.github.resilience4j.ratelimiter.RateLimiterConfig;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Four threads that want permits all the time and wait for them: how exactly is the rate held, and
 * how evenly do the permits come?
 *
 * <p>The rate achieved is taken between the first and the last permit of ten seconds (at 1/s ten
 * permits), so that it does not depend on where the seconds begin. The error of a gap is how much
 * longer or shorter than 1 ms it was between two permits, as the callers see them.
 *
 * <p>Everyone has a burst of 10 ms, at least one permit, where it has bursts: so much lateness of
 * the machine's timers can be made up for. Sluice is shown with a burst of one permit, or 1 ms,
 * too: with the stricter bound it loses what timers are later than that. The burst is used up
 * before the measuring begins. Resilience4j has a window of 1 ms, Guava a burst of one second that
 * can't be set, which full demand leaves empty.
 */
@Work(
    name = "pace-error",
    title = "acquire under demand: error of the rate over 10 s",
    unit = Work.Unit.PERCENT,
    target = "below 0.1 %",
    goals = @Goal(of = "sluice, [0-9,]+/s", atMost = 0.1))
@Work(
    name = "pace-gap",
    title = "acquire under demand at 1,000/s: error of the gaps, 99th percentile",
    unit = Work.Unit.MILLISECONDS,
    target = "below 1 ms",
    goals = @Goal(of = "sluice", atMost = 1))
public final class Pace implements Measured {
  private static final int CALLERS = 4;
  private static final String STRICT = "sluice, small burst";

  private record Entry(String contender, Class<?> from, int... rates) {}

  private static final List<Entry> ENTRIES =
      List.of(
          new Entry("sluice", Void.class, 1, 100, 1_000, 100_000),
          new Entry(STRICT, Void.class, 1_000, 100_000),
          new Entry("Guava", com.google.common.util.concurrent.RateLimiter.class, 1_000, 100_000),
          new Entry(
              "Resilience4j", io.github.resilience4j.ratelimiter.RateLimiter.class, 1_000, 100_000),
          new Entry("Bucket4j", Bucket.class, 1_000, 100_000));

  /** Waits for a permit. */
  @FunctionalInterface
  private interface Acquire {
    void acquire() throws InterruptedException;
  }

  @Override
  public List<Figure> measure(Effort effort) throws Exception {
    List<Figure> figures = new ArrayList<>();
    List<Figure> gaps = new ArrayList<>();
    for (Entry entry : ENTRIES) {
      for (int rate : entry.rates) {
        double[] result = Fork.run(Demand.class, effort, rate + " " + entry.contender);
        String version = Bench.version(entry.from);
        figures.add(
            new Figure(
                "pace-error", contender(entry.contender, rate), version, result[0], Double.NaN));
        if (rate == 1_000) {
          gaps.add(new Figure("pace-gap", entry.contender, version, result[1], Double.NaN));
        }
      }
    }
    figures.addAll(gaps);
    return figures;
  }

  private static String contender(String name, int rate) {
    String[] parts = name.split(", ", 2);
    return "%s, %,d/s%s".formatted(parts[0], rate, parts.length == 1 ? "" : ", " + parts[1]);
  }

  /** One contender at one rate. */
  static final class Demand implements Fork.Task {
    @Override
    public double[] run(Effort effort, String argument) throws Exception {
      int asked = Integer.parseInt(argument.substring(0, argument.indexOf(' ')));
      int rate = effort == Effort.BLINK ? Math.max(asked, 100) : asked;
      String contender = argument.substring(argument.indexOf(' ') + 1);
      int burst = Math.max(1, rate / (contender.equals(STRICT) ? 1_000 : 100));
      Acquire limiter = limiter(contender, rate, burst);
      int millis = effort.choose(10_000, 2_000, 20);
      int count = Math.max(2, (int) ((long) rate * millis / 1_000));
      if (rate > 1) {
        permits(limiter, Math.max(1, count / 10)); // until it is compiled, and bursts are used up
      }
      long[] at = permits(limiter, count + 2 * burst);
      at = Arrays.copyOfRange(at, 2 * burst, at.length);
      double ideal = 1e9 / rate;
      double took = at[at.length - 1] - at[0];
      double error = 100 * Math.abs((at.length - 1) * ideal / took - 1);
      long[] gaps = new long[at.length - 1];
      for (int i = 0; i < gaps.length; i++) {
        gaps[i] = Math.abs(at[i + 1] - at[i] - (long) ideal);
      }
      Arrays.sort(gaps);
      return new double[] {error, gaps[(int) Math.ceil(0.99 * gaps.length) - 1] / 1e6};
    }

    /** When so many permits came, in order. */
    private static long[] permits(Acquire limiter, int count) throws InterruptedException {
      long[][] all = new long[CALLERS][];
      CountDownLatch ended = new CountDownLatch(CALLERS);
      var left = new AtomicInteger(count);
      for (int i = 0; i < CALLERS; i++) {
        int number = i;
        Thread.ofPlatform()
            .daemon()
            .start(() -> {
              long[] mine = new long[count];
              int n = 0;
              try {
                while (left.getAndDecrement() > 0) {
                  limiter.acquire();
                  mine[n++] = System.nanoTime();
                }
              } catch (InterruptedException e) {
                throw new AssertionError(e);
              }
              all[number] = Arrays.copyOf(mine, n);
              ended.countDown();
            });
      }
      ended.await();
      long[] sorted = Arrays.stream(all).flatMapToLong(Arrays::stream).toArray();
      long origin = sorted[0];
      for (int i = 0; i < sorted.length; i++) {
        sorted[i] -= origin; // readings of the clock are compared by their difference
      }
      Arrays.sort(sorted);
      return sorted;
    }

    private static Acquire limiter(String contender, int rate, int burst) {
      return switch (contender) {
        case "sluice", STRICT -> {
          var limiter = dev.sluice.flow.RateLimiter.tokenBucket(Rate.perSecond(rate), burst);
          yield limiter::acquire;
        }
        case "Guava" -> {
          var limiter = com.google.common.util.concurrent.RateLimiter.create(rate);
          yield limiter::acquire;
        }
        case "Resilience4j" -> {
          int window = Math.max(1, rate / 1_000);
          var limiter =
              io.github.resilience4j.ratelimiter.RateLimiter.of(
                  "bench",
                  RateLimiterConfig.custom()
                      .limitForPeriod(window)
                      .limitRefreshPeriod(Duration.ofNanos(1_000_000_000L * window / rate))
                      .timeoutDuration(Duration.ofMinutes(1))
                      .build());
          yield () -> {
            if (!limiter.acquirePermission()) {
              throw new AssertionError("refused with a time-out of a minute");
            }
          };
        }
        default -> {
          Bucket bucket =
              Bucket.builder()
                  .withCustomTimePrecision(TimeMeter.SYSTEM_NANOTIME)
                  .addLimit(
                      limit -> limit.capacity(burst).refillGreedy(rate, Duration.ofSeconds(1)))
                  .build();
          yield () -> bucket.asBlocking().consume(1);
        }
      };
    }
  }
}
