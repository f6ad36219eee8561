package dev.sluice.bench;

import org.openjdk.jmh.annotations.Threads;

/** Eight threads on one limiter, and the bucket is empty. */
@Threads(8)
@Work(
    name = "try-refused-8",
    title = "try on one token bucket, refused, 8 threads together",
    unit = Work.Unit.OPS_PER_SECOND,
    target = "ahead of all",
    goals = @Goal(of = "sluice", aheadOf = "(?!sluice).*"))
public class TryRefusedEight extends Tries {
  public TryRefusedEight() {
    super(false);
  }
}
