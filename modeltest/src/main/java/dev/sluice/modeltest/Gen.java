package dev.sluice.modeltest;

import java.time.Duration;
import java.util.List;
import java.util.random.RandomGenerator;

/**
 * Random values in the shapes that tests want, from one seeded source. Owned by one thread.
 *
 * <p>It is a {@link RandomGenerator}, so it can be handed to anything that takes one.
 */
public final class Gen implements RandomGenerator {
  private final RandomGenerator source;

  /** Takes its numbers from {@code source}. */
  public Gen(RandomGenerator source) {
    this.source = source;
  }

  @Override
  public long nextLong() {
    return source.nextLong();
  }

  /** A whole number from {@code low} to {@code high}, both included, each as likely. */
  public int between(int low, int high) {
    return (int) between((long) low, (long) high);
  }

  /** A whole number from {@code low} to {@code high}, both included, each as likely. */
  public long between(long low, long high) {
    if (low > high) {
      throw new IllegalArgumentException("nothing lies between " + low + " and " + high);
    }
    return high == Long.MAX_VALUE
        ? (low == Long.MIN_VALUE ? nextLong() : nextLong(low - 1, high) + 1)
        : nextLong(low, high + 1);
  }

  /** True with the given probability, 0 to 1. */
  public boolean chance(double probability) {
    return nextDouble() < probability;
  }

  /** One of the given values, each as likely. */
  @SafeVarargs
  @SuppressWarnings("varargs")
  public final <T> T oneOf(T first, T... others) {
    int index = nextInt(others.length + 1);
    return index == 0 ? first : others[index - 1];
  }

  /** One of the elements, each as likely. */
  public <T> T oneOf(List<T> elements) {
    return elements.get(nextInt(elements.size()));
  }

  /** One of the constants of an enum, each as likely. */
  public <E extends Enum<E>> E oneOf(Class<E> type) {
    E[] constants = type.getEnumConstants();
    return constants[nextInt(constants.length)];
  }

  /**
   * A duration from {@code shortest} to {@code longest}, in whole nanoseconds, spread evenly over
   * the orders of magnitude: between 1 ms and 1 h, half lie below two seconds.
   */
  public Duration duration(Duration shortest, Duration longest) {
    long low = shortest.toNanos();
    long high = longest.toNanos();
    if (low < 0 || low > high) {
      throw new IllegalArgumentException(
          "no duration lies between " + shortest + " and " + longest);
    }
    double logarithm = Math.log(low + 1.0) + nextDouble() * Math.log((high + 1.0) / (low + 1.0));
    return Duration.ofNanos(Math.clamp(Math.round(Math.exp(logarithm) - 1), low, high));
  }

  /**
   * A whole number from 0 to {@code count - 1}, the small ones more often: the k-th with a
   * probability in proportion to {@code (k + 1)^-skew}, as with the hottest keys of a real load.
   *
   * @param skew 0 for each as likely, 0.99 for the usual "Zipf 0.99"; not negative
   */
  public int zipf(int count, double skew) {
    if (count < 1 || !(skew >= 0)) {
      throw new IllegalArgumentException("zipf over " + count + " with a skew of " + skew);
    }
    // By the integral of x^-skew from 1/2 to count + 1/2, turned round: off by a little for the
    // smallest k, in constant time and without a table.
    double exponent = 1 - skew;
    double low = integral(0.5, exponent);
    double high = integral(count + 0.5, exponent);
    double area = low + nextDouble() * (high - low);
    double value =
        Math.abs(exponent) < 1e-9 ? Math.exp(area) : Math.pow(area * exponent, 1 / exponent);
    return Math.clamp(Math.round(value) - 1, 0, count - 1);
  }

  private static double integral(double x, double exponent) {
    return Math.abs(exponent) < 1e-9 ? Math.log(x) : Math.pow(x, exponent) / exponent;
  }
}
