package dev.sluice.bench;

/** Keys in uniform order. */
@Work(
    name = "keyed-uniform",
    title = "keyed limiter, try, 1M distinct keys, uniform random order",
    unit = Work.Unit.NS_PER_OP,
    target = "ahead of ConcurrentHashMap + the same bucket",
    goals = @Goal(aheadOf = "ConcurrentHashMap.*"))
public class KeyedUniform extends KeyedTries {
  public KeyedUniform() {
    super(0);
  }
}
