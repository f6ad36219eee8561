package dev.sluice.flow;

/**
 * The meter of a {@link Pacer}: slots on a grid.
 *
 * <p>Slot <i>k</i> comes <i>k</i> gaps after the origin, wherever the others were taken: a tick
 * that is taken late does not delay the next one. Of the slots that have come and were not taken,
 * the last {@code slack} may still be had; those before are missed. A waiter was there when its
 * slot came, so it gets one even without slack.
 *
 * <p>The number of the slot is what has flowed in at the rate, in whole permits: {@link CellRate}.
 */
final class PaceLimiter extends LineLimiter {
  private final int slack;

  // All below: only under the lock, but for reading the rate.
  private volatile CellRate rate;
  private long origin;

  /** The number of the next slot, on from the origin. */
  private long next = 1;

  private long missed;

  PaceLimiter(Builder builder, Rate rate, int slack) {
    super(builder);
    this.rate = CellRate.tokenBucket(rate, 1);
    this.slack = slack;
    this.origin = time.nanoTime();
  }

  /** How many slots came and went. */
  long missed() {
    lock.lock();
    try {
      return missed;
    } finally {
      lock.unlock();
    }
  }

  @Override
  public Rate rate() {
    return rate.rate;
  }

  @Override
  public long burst() {
    return Math.max(1, slack);
  }

  @Override
  long maxPermits() {
    return 1;
  }

  @Override
  int takeUnlocked(long permits) {
    return UNDECIDED;
  }

  @Override
  void seize(long now) {
    if ((now - origin) >>> 59 != 0) {
      restart(now, next - come(now) >= 1 ? 1 : 0);
    }
  }

  /** Begins a new grid, of which the first slot comes after so many gaps. */
  private void restart(long now, long first) {
    origin = now;
    next = first;
  }

  @Override
  void release(boolean lineEmpty) {}

  private long elapsed(long now) {
    return Math.clamp(now - origin, 0, 2 * CellRate.HORIZON_NANOS - 1);
  }

  /** The number of the last slot that has come. */
  private long come(long now) {
    return rate.flowed(elapsed(now)) >> rate.shift;
  }

  private long nextFor(long now, boolean waited) {
    return Math.max(next, come(now) + 1 - Math.max(slack, waited ? 1 : 0));
  }

  @Override
  long untilGranted(long now, long through, long own) {
    long slot = nextFor(now, !lineEmpty()) + through - 1;
    return rate.elapsedWhenFlowed(rate.saturated(slot)) - (now - origin);
  }

  @Override
  long nanosAfter(long before, long between, long own) {
    return rate.nanosFor(between + own);
  }

  @Override
  void grant(long now, long permits, boolean waited) {
    long slot = nextFor(now, waited);
    missed += slot - next;
    next = slot + permits;
  }

  @Override
  void lapse(long now) {
    long slot = nextFor(now, false);
    missed += slot - next;
    next = slot;
  }

  @Override
  double tokens(long now) {
    return (double) come(now) + 1 - nextFor(now, false);
  }

  @Override
  Receipt charge(long at, long permits) {
    grant(at, permits, false);
    return new Charge(next);
  }

  @Override
  void giveBack(Receipt receipt, boolean due) {
    if (((Charge) receipt).after == next && !due) {
      next--;
    }
  }

  @Override
  public void setRate(Rate newRate) {
    double before = rate().permitsPerSecond();
    CellRate changed = CellRate.tokenBucket(newRate, 1);
    change(now -> {
      // The part of a gap that has gone counts for the same part of the new one.
      long flowed = rate.flowed(elapsed(now));
      long slots = flowed >> rate.shift;
      long part = flowed - (slots << rate.shift);
      long nanos = changed.elapsedWhenFlowed(CellRate.shift(part, changed.shift - rate.shift));
      next -= slots;
      origin = now - nanos;
      rate = changed;
    });
    announcer.limitChanged("set-rate", before, newRate.permitsPerSecond());
  }

  @Override
  public void setBurst(long burst) {
    throw new UnsupportedOperationException("a pacer's slack is chosen when it is made");
  }

  private record Charge(long after) implements Receipt {}
}
