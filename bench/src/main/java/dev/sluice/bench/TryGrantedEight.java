package dev.sluice.bench;

import org.openjdk.jmh.annotations.Threads;

/** Eight threads on one limiter, and the permit is there. */
@Threads(8)
@Work(
    name = "try-granted-8",
    title = "try on one token bucket, granted, 8 threads together",
    unit = Work.Unit.OPS_PER_SECOND,
    target = "ahead of all",
    goals = @Goal(of = "sluice", aheadOf = "(?!sluice).*"))
public class TryGrantedEight extends Tries {
  public TryGrantedEight() {
    super(true);
  }
}
