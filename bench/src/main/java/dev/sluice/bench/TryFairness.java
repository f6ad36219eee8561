package dev.sluice.bench;

import io.github.bucket4j.Bucket;
import io.github.bucket4j.TimeMeter;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.function.BooleanSupplier;

/**
 * Threads that try at one limiter, as fast as they can, for ten seconds: how many permits did the
 * one get that got fewest, compared with the one that got most?
 */
@Work(
    name = "try-fairness-2",
    title = "the same, granted, 2 threads for 10 s: slowest to fastest thread",
    unit = Work.Unit.PERCENT_OF_IDEAL,
    target = "at least 50 %",
    goals = @Goal(of = "sluice", atLeast = 50))
@Work(
    name = "try-fairness-8",
    title = "the same, granted, 8 threads for 10 s: slowest to fastest thread",
    unit = Work.Unit.PERCENT_OF_IDEAL,
    target = "at least 50 %",
    goals = @Goal(of = "sluice", atLeast = 50))
public final class TryFairness implements Measured {

  /** Who takes part, with the class whose jar names the version. */
  private record Entry(String contender, Class<?> from) {}

  private static final List<Entry> ENTRIES =
      List.of(
          new Entry("sluice", Void.class),
          new Entry("Guava", com.google.common.util.concurrent.RateLimiter.class),
          new Entry("Resilience4j", io.github.resilience4j.ratelimiter.RateLimiter.class),
          new Entry("Bucket4j", Bucket.class));

  @Override
  public List<Figure> measure(Effort effort) throws Exception {
    List<Figure> figures = new ArrayList<>();
    for (int threads : new int[] {2, 8}) {
      for (Entry entry : ENTRIES) {
        double share = Fork.run(Race.class, effort, threads + " " + entry.contender)[0];
        figures.add(
            new Figure(
                "try-fairness-" + threads,
                entry.contender,
                Bench.version(entry.from),
                share,
                Double.NaN));
      }
    }
    return figures;
  }

  /** One race of one contender. */
  static final class Race implements Fork.Task {
    @Override
    public double[] run(Effort effort, String argument) throws Exception {
      int threads = Integer.parseInt(argument.substring(0, argument.indexOf(' ')));
      BooleanSupplier limiter =
          switch (argument.substring(argument.indexOf(' ') + 1)) {
            case "sluice" -> Tries.sluice(true)::tryAcquire;
            case "Guava" -> Tries.guava(true)::tryAcquire;
            case "Resilience4j" -> Tries.resilience4j(true)::acquirePermission;
            default -> {
              Bucket bucket = Tries.bucket4j(true, TimeMeter.SYSTEM_MILLISECONDS);
              yield () -> bucket.tryConsume(1);
            }
          };
      race(limiter, threads, effort.choose(1_000, 200, 1));
      return new double[] {race(limiter, threads, effort.choose(10_000, 1_000, 5))};
    }

    private static double race(BooleanSupplier limiter, int threads, int millis)
        throws InterruptedException {
      long[] granted = new long[threads];
      CountDownLatch ready = new CountDownLatch(threads);
      List<Thread> all = new ArrayList<>();
      for (int i = 0; i < threads; i++) {
        int number = i;
        all.add(
            Thread.ofPlatform()
                .start(() -> {
                  ready.countDown();
                  try {
                    ready.await();
                  } catch (InterruptedException e) {
                    return;
                  }
                  long mine = 0;
                  long end = System.nanoTime() + millis * 1_000_000L;
                  do {
                    for (int n = 0; n < 64; n++) {
                      if (limiter.getAsBoolean()) {
                        mine++;
                      }
                    }
                  } while (System.nanoTime() - end < 0);
                  granted[number] = mine;
                }));
      }
      for (Thread thread : all) {
        thread.join();
      }
      Arrays.sort(granted);
      return 100.0 * granted[0] / Math.max(1, granted[threads - 1]);
    }
  }
}
