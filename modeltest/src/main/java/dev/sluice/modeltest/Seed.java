package dev.sluice.modeltest;

import java.util.SplittableRandom;
import java.util.random.RandomGenerator;

/**
 * Where a run's randomness comes from: one number, which a failure prints and with which the run is
 * repeated exactly.
 *
 * @param value the seed itself
 */
public record Seed(long value) {

  /** A generator that always gives the same numbers for this seed. */
  public RandomGenerator random() {
    return new SplittableRandom(value);
  }

  @Override
  public String toString() {
    return Long.toString(value);
  }
}
