package dev.sluice.bench;

import dev.sluice.flow.Rate;
import dev.sluice.flow.RateLimiter;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * A hundred thousand wait at one limiter whose next permit is a day away, and then give up, all at
 * once.
 *
 * <p>A waiter's bytes are the heap in use after collections, with all of them waiting, less that
 * with as many virtual threads that are parked and do nothing else: so the frames of {@code
 * acquire} on their stacks count, too. The bookkeeping of cancelling is the time that 100,000
 * {@code cancel} calls take, one after the other, on futures of {@code acquireAsync}, beside what
 * the same calls take on futures that wait for nothing; for threads it is part of the time from the
 * first {@code interrupt} until the last thread has ended.
 */
@Work(
    name = "waiters-bytes",
    title = "100,000 waiters: the limiter's part, bytes a waiter",
    unit = Work.Unit.BYTES,
    target = "at most 256 B",
    goals = @Goal(atMost = 256))
@Work(
    name = "waiters-cancel",
    title = "100,000 waiters: bookkeeping of cancelling all",
    unit = Work.Unit.MILLISECONDS,
    target = "below 100 ms",
    goals = @Goal(atMost = 100))
@Work(
    name = "waiters-end",
    title = "100,000 waiting virtual threads interrupted: until all have ended",
    unit = Work.Unit.MILLISECONDS,
    target = "below 2,000 ms",
    goals = @Goal(of = "sluice.*", atMost = 2_000))
public final class Waiters implements Measured {

  @Override
  public List<Figure> measure(Effort effort) throws Exception {
    double[] parked = Fork.run(Crowd.class, effort, "parked");
    double[] threads = Fork.run(Crowd.class, effort, "threads");
    double[] futures = Fork.run(Crowd.class, effort, "futures");
    double[] plain = Fork.run(Crowd.class, effort, "plain futures");
    return List.of(
        Figure.of(
            "waiters-bytes",
            "sluice, acquire on virtual threads, stack included",
            threads[0] - parked[0]),
        Figure.of("waiters-bytes", "sluice, acquireAsync", futures[0]),
        Figure.of("waiters-cancel", "sluice, acquireAsync, cancel one by one", futures[1]),
        Figure.of("waiters-cancel", "floor: as many futures that wait for nothing", plain[1]),
        Figure.of("waiters-end", "sluice, acquire", threads[1]),
        Figure.of("waiters-end", "floor: virtual threads that were only parked", parked[1]));
  }

  /** One kind of waiters. */
  static final class Crowd implements Fork.Task {
    @Override
    public double[] run(Effort effort, String kind) throws Exception {
      int count = effort.choose(100_000, 100_000, 1_000);
      int warmUp = effort.choose(6, 2, 0); // interpreted frames on a stack are larger
      int runs = effort.choose(5, 3, 1);
      double[] bytes = new double[runs];
      double[] millis = new double[runs];
      for (int i = -warmUp; i < runs; i++) {
        double[] one = once(kind, count);
        if (i >= 0) {
          bytes[i] = one[0];
          millis[i] = one[1];
        }
      }
      Arrays.sort(bytes);
      Arrays.sort(millis);
      return new double[] {bytes[runs / 2], millis[runs / 2]};
    }

    private static double[] once(String kind, int count) throws Exception {
      RateLimiter limiter =
          RateLimiter.builder().startEmpty().tokenBucket(Rate.of(1, Duration.ofDays(1)), 1);
      return switch (kind) {
        case "futures" -> futures(limiter, limiter::acquireAsync, count);
        case "plain futures" -> futures(limiter, CompletableFuture::new, count);
        case "threads" -> threads(limiter, count);
        default -> threads(null, count);
      };
    }

    private static double[] futures(
        RateLimiter limiter, Supplier<CompletableFuture<?>> next, int count) {
      CompletableFuture<?>[] futures = new CompletableFuture<?>[count];
      long before = Heap.used();
      for (int i = 0; i < count; i++) {
        futures[i] = next.get();
      }
      double bytes = (double) (Heap.used() - before) / count;
      long start = System.nanoTime();
      for (CompletableFuture<?> future : futures) {
        if (!future.cancel(false)) {
          throw new AssertionError(future);
        }
      }
      long took = System.nanoTime() - start;
      if (limiter.waiting() != 0) {
        throw new AssertionError(limiter.waiting());
      }
      return new double[] {bytes, took / 1e6};
    }

    private static double[] threads(@Nullable RateLimiter limiter, int count)
        throws InterruptedException {
      AtomicInteger arrived = new AtomicInteger();
      CountDownLatch ended = new CountDownLatch(count);
      Runnable wait =
          () -> {
            arrived.incrementAndGet();
            try {
              if (limiter != null) {
                limiter.acquire();
                throw new AssertionError("a permit that was a day away");
              }
              while (!Thread.interrupted()) {
                LockSupport.park();
              }
            } catch (InterruptedException e) {
              // what is being measured
            } finally {
              ended.countDown();
            }
          };
      Thread[] threads = new Thread[count];
      long before = Heap.used();
      for (int i = 0; i < count; i++) {
        threads[i] = Thread.ofVirtual().start(wait);
      }
      await(() -> limiter == null ? arrived.get() == count : limiter.waiting() == count);
      await(() -> {
        for (Thread thread : threads) {
          if (thread.getState() != Thread.State.WAITING) {
            return false;
          }
        }
        return true;
      });
      double bytes = (double) (Heap.used() - before) / count;
      long start = System.nanoTime();
      for (Thread thread : threads) {
        thread.interrupt();
      }
      ended.await();
      long took = System.nanoTime() - start;
      for (Thread thread : threads) {
        thread.join();
      }
      return new double[] {bytes, took / 1e6};
    }

    private static void await(BooleanSupplier condition) {
      while (!condition.getAsBoolean()) {
        LockSupport.parkNanos(1_000_000);
      }
    }
  }
}
