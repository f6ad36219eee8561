package dev.sluice.cli.watch;

import dev.sluice.cli.Output;
import dev.sluice.cli.Trouble;
import dev.sluice.flow.Gate;
import dev.sluice.flow.RateLimiter;
import dev.sluice.kube.Change;
import dev.sluice.kube.ChangeHandler;
import dev.sluice.kube.ObjectKey;
import dev.sluice.kube.Resource;
import java.io.PrintWriter;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Writes changes, no faster than it may. A change that must wait stays in the gate, like all that
 * come after it.
 *
 * <p>Called by the informer on one thread. Told to stop, it no longer writes, and counts what would
 * still have been written.
 */
final class Printer implements ChangeHandler<Resource> {
  private static final long FLUSH_EVERY_NANOS = Duration.ofMillis(100).toNanos();

  private final PrintWriter out;
  private final Function<Change<Resource>, String> format;
  private final @Nullable RateLimiter limiter;
  private final Gate<ObjectKey> gate;
  private final Runnable readerGone;
  private final CountDownLatch stopped = new CountDownLatch(1);
  private final LongAdder added = new LongAdder();
  private final LongAdder modified = new LongAdder();
  private final LongAdder deleted = new LongAdder();
  private final LongAdder unwritten = new LongAdder();
  private volatile @Nullable Trouble trouble;
  private long flushedAt = System.nanoTime();

  /**
   * A printer.
   *
   * @param limiter the rate; null for none
   * @param gate what changes come through: when nothing waits in it, what was written is shown
   * @param readerGone called when nobody reads what is written, or it cannot be written
   */
  Printer(
      PrintWriter out,
      Function<Change<Resource>, String> format,
      @Nullable RateLimiter limiter,
      Gate<ObjectKey> gate,
      Runnable readerGone) {
    this.out = out;
    this.format = format;
    this.limiter = limiter;
    this.gate = gate;
    this.readerGone = readerGone;
  }

  @Override
  public void on(Change<Resource> change) throws InterruptedException {
    if (!mayWrite()) {
      unwritten.increment();
      return;
    }
    out.append(format.apply(change)).append('\n');
    switch (change) {
      case Change.Put<Resource> put -> (put.first() ? added : modified).increment();
      case Change.Deleted<Resource> gone -> deleted.increment();
    }
    long now = System.nanoTime();
    if (now - flushedAt >= FLUSH_EVERY_NANOS || gate.stats().depth() == 0) {
      flush(now);
    }
  }

  private boolean mayWrite() throws InterruptedException {
    if (stopped.getCount() == 0) {
      return false;
    }
    if (limiter == null) {
      return true;
    }
    RateLimiter.Reservation turn = limiter.reserve();
    long wait = turn.delay().toNanos();
    if (wait > 0) {
      flush(System.nanoTime());
      if (stopped.await(wait, TimeUnit.NANOSECONDS)) {
        turn.cancel();
        return false;
      }
    }
    return true;
  }

  private void flush(long now) {
    flushedAt = now;
    try {
      if (Output.readerHasGone(out)) {
        readerGone.run();
      }
    } catch (Trouble e) {
      trouble = e;
      readerGone.run();
    }
  }

  /** No more is written from now on. */
  void stop() {
    stopped.countDown();
  }

  /** Why the output could not be written; null if it could, or its reader only went away. */
  @Nullable Trouble trouble() {
    return trouble;
  }

  /** How many additions were written. */
  long added() {
    return added.sum();
  }

  /** How many modifications were written. */
  long modified() {
    return modified.sum();
  }

  /** How many deletions were written. */
  long deleted() {
    return deleted.sum();
  }

  /** How many changes were not written, because it was told to stop before. */
  long unwritten() {
    return unwritten.sum();
  }
}
