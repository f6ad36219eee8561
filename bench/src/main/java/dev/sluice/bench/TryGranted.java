package dev.sluice.bench;

import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Threads;

/** One thread, and the permit is there. */
@Threads(1)
@Work(
    name = "try-granted",
    title = "try on a token bucket, granted, 1 thread",
    unit = Work.Unit.NS_PER_OP,
    target = "one clock read + 15 ns",
    goals = @Goal(of = "sluice", above = "floor.*", atMost = 15))
public class TryGranted extends Tries {
  public TryGranted() {
    super(true);
  }

  /** The floor: a limiter has to know what time it is. */
  @Benchmark
  @Contender("floor: System.nanoTime()")
  public long clock() {
    return System.nanoTime();
  }
}
