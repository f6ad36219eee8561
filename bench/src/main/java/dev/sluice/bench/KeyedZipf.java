package dev.sluice.bench;

/** Keys in Zipf-0.99 order. */
@Work(
    name = "keyed-zipf",
    title = "keyed limiter, try, 1M distinct keys, Zipf 0.99 random order",
    unit = Work.Unit.NS_PER_OP,
    target = "ahead of ConcurrentHashMap + the same bucket",
    goals = @Goal(aheadOf = "ConcurrentHashMap.*"))
public class KeyedZipf extends KeyedTries {
  public KeyedZipf() {
    super(0.99);
  }
}
