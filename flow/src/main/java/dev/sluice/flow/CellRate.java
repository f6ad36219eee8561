package dev.sluice.flow;

import java.math.BigDecimal;
import java.math.MathContext;
import java.math.RoundingMode;

/**
 * A rate and a burst as whole numbers: the arithmetic of the generic cell rate algorithm.
 *
 * <h2>A unit of time for each rate</h2>
 *
 * One nanosecond is too coarse a unit at high rates: at 3 x 10^7 a second the gap of 33.3 ns would
 * be rounded to 33, an error of 1 %. A fraction of a nanosecond is too fine at low rates: it would
 * overflow. So each rate gets its own unit, chosen such that a permit costs a power of two of them:
 *
 * <pre>
 *     cost of n permits   = n * 2^shift                   units
 *     flowed in until e   = floor(e * multiplier / 2^61)  units, e nanoseconds after the origin
 * </pre>
 *
 * <p>{@code shift} is the largest one with which the multiplier stays below 2^63 (at most four
 * units a nanosecond) and the burst below 2^60 units. The cost of a permit is exact; the flow is a
 * multiplication with a 128-bit product, of which {@code multiplyHigh} gives the upper half in one
 * instruction. The multiplier has at least 12 significant bits, for rates a computer sees 40 to 63
 * of them. It is rounded up, and by another 2^-52 for the sake of decimal fractions such as 0.1
 * that a {@code double} holds only nearly, so that a permit is there at the very nanosecond at
 * which it is due by pencil and paper, and not at the next.
 *
 * <p>The product does not overflow for elapsed times below 2^60 ns; the limiter moves its origin
 * every 2^59 ns, or 18 years.
 *
 * @see CellRateLimiter
 */
final class CellRate {
  /** Elapsed times must be below this; then no sum in here overflows. 18 years. */
  static final long HORIZON_NANOS = 1L << 59;

  private static final int FRACTION_BITS = 61;
  private static final BigDecimal SCALE = BigDecimal.TWO.pow(FRACTION_BITS);
  private static final BigDecimal LARGEST = BigDecimal.TWO.pow(63).subtract(BigDecimal.ONE);
  private static final BigDecimal DECIMAL_SLACK =
      BigDecimal.ONE.add(BigDecimal.ONE.divide(BigDecimal.TWO.pow(52)));
  private static final long SMALLEST_MULTIPLIER = 1 << 12;
  private static final long MAX_BURST = 1L << 60;
  private static final double MAX_PER_SECOND = 1e9;

  final Rate rate;
  final long burst;

  /** A shaper: a permit goes once what went before has been paid for; nothing is saved up. */
  final boolean shaping;

  final int shift;
  final long multiplier;

  /** How many units are kept at most: the burst, or none for a shaper. */
  final long capacity;

  /** All ones if a permit must be paid for before it goes, zero if after it. */
  final long prepaid;

  private final double nanosPerUnit;

  private CellRate(Rate rate, long burst, boolean shaping) {
    this.rate = rate;
    this.burst = burst;
    this.shaping = shaping;
    check(rate);
    if (burst < 1 || burst > MAX_BURST) {
      throw new IllegalArgumentException(
          "a burst is 1 to 2^60 permits, but is "
              + burst
              + (burst < 1 ? "; nothing could ever be granted" : ""));
    }
    BigDecimal perNano =
        new BigDecimal(rate.permits())
            .multiply(SCALE)
            .multiply(DECIMAL_SLACK)
            .divide(new BigDecimal(rate.period().toNanos()), MathContext.DECIMAL128);
    int forRate = LARGEST.divide(perNano, MathContext.DECIMAL128).toBigInteger().bitLength() - 1;
    int forBurst = Long.numberOfLeadingZeros(burst) - 3; // burst << forBurst is at most 2^60
    this.shift = Math.max(0, Math.min(60, Math.min(forRate, forBurst)));
    this.multiplier =
        perNano
            .multiply(BigDecimal.TWO.pow(shift))
            .setScale(0, RoundingMode.CEILING)
            .toBigInteger()
            .longValueExact();
    if (multiplier < SMALLEST_MULTIPLIER) {
      throw new IllegalArgumentException(
          "a burst of "
              + burst
              + " permits at "
              + rate
              + " would take more than 10^13 years to fill: lower the burst or raise the rate");
    }
    this.capacity = shaping ? 0 : burst << shift;
    this.prepaid = shaping ? 0 : -1;
    this.nanosPerUnit = Math.scalb(1.0, FRACTION_BITS) / multiplier;
  }

  /**
   * @throws IllegalArgumentException if no limiter can have that rate
   */
  static void check(Rate rate) {
    if (rate.permitsPerSecond() > MAX_PER_SECOND) {
      throw new IllegalArgumentException(
          "a limiter's rate is at most 10^9 a second, but " + rate + " is more");
    }
    if (rate.nanosPerPermit() > (double) Long.MAX_VALUE) {
      throw new IllegalArgumentException(
          "a limiter's rate is at least one permit in 292 years, but " + rate + " is less");
    }
  }

  static CellRate tokenBucket(Rate rate, long burst) {
    return new CellRate(rate, burst, false);
  }

  static CellRate shaper(Rate rate) {
    return new CellRate(rate, 1, true);
  }

  /** How many permits may be asked for at once. */
  long maxPermits() {
    return shaping ? MAX_BURST >> shift : burst;
  }

  CellRate with(Rate newRate) {
    return new CellRate(newRate, burst, shaping);
  }

  CellRate with(long newBurst) {
    return new CellRate(rate, newBurst, shaping);
  }

  /** The units that have flowed in {@code elapsed} nanoseconds, 0 to 2^60. */
  long flowed(long elapsed) {
    return Math.multiplyHigh(elapsed << 3, multiplier);
  }

  /** What permits cost; they are at most the burst (or what was checked by {@link #saturated}). */
  long cost(long permits) {
    return permits << shift;
  }

  /** What any number of permits costs, as far as it can be told: at most 2^61 units. */
  long saturated(long permits) {
    return permits >= (1L << 61) >> shift ? 1L << 61 : permits << shift;
  }

  /** The least {@code elapsed} at which so many units have flowed; at most the largest long. */
  long elapsedWhenFlowed(long units) {
    if (units <= 0) {
      return 0;
    }
    double estimate = units * nanosPerUnit;
    if (estimate >= (double) (HORIZON_NANOS << 1)) {
      return estimate >= (double) Long.MAX_VALUE ? Long.MAX_VALUE : (long) estimate;
    }
    long elapsed = (long) estimate;
    elapsed += (long) ((units - flowed(elapsed)) * nanosPerUnit);
    while (flowed(elapsed) < units) {
      elapsed++;
    }
    while (elapsed > 0 && flowed(elapsed - 1) >= units) {
      elapsed--;
    }
    return elapsed;
  }

  /** A span of time in which permits flow in, in nanoseconds, rounded up; saturating. */
  long nanosFor(long permits) {
    return elapsedWhenFlowed(saturated(permits));
  }

  /** So many units, as permits. */
  double permits(long units) {
    // To a double by cutting off, not rounding: what is said to be there can be had.
    int tooFine = Math.max(0, 64 - Double.PRECISION - Long.numberOfLeadingZeros(Math.abs(units)));
    return Math.scalb((double) (units >> tooFine << tooFine), -shift);
  }

  /** Units of a rate with another shift; saturating. */
  static long shift(long units, int by) {
    if (by <= 0) {
      return units >> -by;
    }
    long limit = 1L << 62;
    return units >= limit >> by ? limit : units <= -limit >> by ? -limit : units << by;
  }
}
