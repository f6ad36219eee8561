package dev.sluice.flow;

import java.time.Duration;

/**
 * A shaper that begins slowly after a pause.
 *
 * <h2>Coldness</h2>
 *
 * Two numbers: the instant at which the next permit may go, and how cold the limiter is, in
 * nanoseconds from 0 (warm) to the warm-up period <i>W</i>. Idleness makes it colder, a nanosecond
 * each nanosecond; each permit makes it warmer by one gap. What a permit costs depends on the
 * coldness at which it is granted:
 *
 * <pre>
 *     gap
 *   3 x |         /
 *       |       /
 *       |     /
 *   1 x |----/
 *       +----+----+  coldness
 *       0   W/2   W
 * </pre>
 *
 * <p>So after a pause of W or more it starts at a third of the rate, and comes to the full rate
 * after just W of full demand: the area under the slope, (W/2) x 2, is W. This is the curve of
 * Guava's {@code SmoothWarmingUp} with its cold factor of 3 (D. Rumyantsev and others, after an
 * idea of D. Andreou), with permits measured as time, which makes it independent of the rate: when
 * that changes, the coldness stays.
 *
 * <p>In contrast to a token bucket there are two numbers that must change together, so this meter
 * works under the line's lock.
 */
final class WarmUpLimiter extends LineLimiter {
  private static final double COLDEST = 3;
  private static final long MAX_PERMITS = 1L << 30;

  private final double warmUp;

  // All below: only under the lock, but for reading the rate.
  private volatile Rate rate;
  private double gap;

  /** When the next may go: an instant, and a fraction of a nanosecond. */
  private long freeAt;

  private double freeAtFraction;
  private double cold;

  WarmUpLimiter(Builder builder, Rate rate, Duration warmUp) {
    super(builder);
    CellRate.check(rate);
    Durations.atMostAYear("warmUp", warmUp);
    this.warmUp = Durations.positiveNanos("warmUp", warmUp);
    this.rate = rate;
    this.gap = rate.nanosPerPermit();
    this.freeAt = time.nanoTime();
    this.cold = this.warmUp;
  }

  @Override
  public Rate rate() {
    return rate;
  }

  @Override
  public long burst() {
    return 1;
  }

  @Override
  long maxPermits() {
    return MAX_PERMITS;
  }

  @Override
  int takeUnlocked(long permits) {
    return UNDECIDED;
  }

  @Override
  void seize(long now) {}

  @Override
  void release(boolean lineEmpty) {}

  /** How much colder it has become since it was free, unless somebody waited all the while. */
  private double idle(long now, boolean waited) {
    return Math.max(0, (now - freeAt) - freeAtFraction - (waited ? gap : 0));
  }

  /** The time that so many permits take, beginning at a coldness. */
  private double cost(double permits, double coldness) {
    double half = warmUp / 2;
    double before = Math.max(0, coldness - half);
    double after = Math.max(0, coldness - permits * gap - half);
    return permits * gap + (COLDEST - 1) / 2 * (before * before - after * after) / half;
  }

  @Override
  long untilGranted(long now, long through, long own) {
    double until = (freeAt - now) + freeAtFraction;
    if (through > own) {
      double idle = idle(now, true);
      until += idle + cost(through - own, Math.min(warmUp, cold + idle));
    }
    return (long) Math.ceil(until);
  }

  @Override
  long nanosAfter(long before, long between, long own) {
    return (long) Math.ceil(cost((double) before + between, warmUp));
  }

  @Override
  void grant(long now, long permits, boolean waited) {
    cool(idle(now, waited));
    moveFreeAt(cost(permits, cold));
    cold = Math.max(0, cold - permits * gap);
  }

  @Override
  void lapse(long now) {
    cool(idle(now, false));
  }

  private void cool(double idle) {
    cold = Math.min(warmUp, cold + idle);
    moveFreeAt(idle);
  }

  private void moveFreeAt(double by) {
    double sum = freeAtFraction + by;
    double whole = Math.floor(sum);
    freeAt += (long) whole;
    freeAtFraction = sum - whole;
  }

  @Override
  double tokens(long now) {
    double owed = (freeAt - now) + freeAtFraction;
    return owed <= 0 ? 1 : -owed / gap;
  }

  @Override
  Receipt charge(long at, long permits) {
    long freeBefore = freeAt;
    double fractionBefore = freeAtFraction;
    double coldBefore = cold;
    grant(at, permits, false);
    return new Charge(freeBefore, fractionBefore, coldBefore, freeAt, freeAtFraction, rate);
  }

  @Override
  void giveBack(Receipt receipt, boolean due) {
    Charge charge = (Charge) receipt;
    if (freeAt == charge.freeAfter
        && freeAtFraction == charge.fractionAfter
        && rate.equals(charge.rate)) {
      freeAt = charge.freeBefore;
      freeAtFraction = charge.fractionBefore;
      cold = charge.coldBefore;
    }
  }

  @Override
  public void setRate(Rate newRate) {
    CellRate.check(newRate);
    double before = rate.permitsPerSecond();
    change(now -> {
      double owed = (freeAt - now) + freeAtFraction;
      if (owed > 0) {
        moveFreeAt(owed * (newRate.nanosPerPermit() / gap - 1));
      }
      rate = newRate;
      gap = newRate.nanosPerPermit();
    });
    announcer.limitChanged("set-rate", before, newRate.permitsPerSecond());
  }

  @Override
  public void setBurst(long burst) {
    throw new UnsupportedOperationException(
        "'" + name() + "' warms up and saves nothing: it has no burst to be set");
  }

  private record Charge(
      long freeBefore,
      double fractionBefore,
      double coldBefore,
      long freeAfter,
      double fractionAfter,
      Rate rate)
      implements Receipt {}
}
