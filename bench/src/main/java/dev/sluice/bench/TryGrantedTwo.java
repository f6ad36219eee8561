package dev.sluice.bench;

import org.openjdk.jmh.annotations.Threads;

/** Two threads on one limiter, and the permit is there. */
@Threads(2)
@Work(
    name = "try-granted-2",
    title = "try on one token bucket, granted, 2 threads together",
    unit = Work.Unit.OPS_PER_SECOND,
    target = "ahead of all",
    goals = @Goal(of = "sluice", aheadOf = "(?!sluice).*"))
public class TryGrantedTwo extends Tries {
  public TryGrantedTwo() {
    super(true);
  }
}
