package dev.sluice.bench;

import org.openjdk.jmh.annotations.Threads;

/** Two threads on one limiter, and the bucket is empty. */
@Threads(2)
@Work(
    name = "try-refused-2",
    title = "try on one token bucket, refused, 2 threads together",
    unit = Work.Unit.OPS_PER_SECOND,
    target = "ahead of all",
    goals = @Goal(of = "sluice", aheadOf = "(?!sluice).*"))
public class TryRefusedTwo extends Tries {
  public TryRefusedTwo() {
    super(false);
  }
}
