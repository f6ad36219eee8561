package dev.sluice.modeltest;

import java.util.SplittableRandom;

/**
 * Where a run's randomness comes from: one number, which a failure prints and with which the run is
 * repeated exactly.
 *
 * @param value the seed itself
 */
public record Seed(long value) {

  /** The same seed for the same text, on every machine: what a test uses unless told otherwise. */
  public static Seed of(String text) {
    long hash = 0xcbf29ce484222325L; // FNV-1a, 64 bits
    for (int i = 0; i < text.length(); i++) {
      hash = (hash ^ text.charAt(i)) * 0x100000001b3L;
    }
    return new Seed(hash);
  }

  /** A generator that always gives the same numbers for this seed. */
  public Gen random() {
    return new Gen(new SplittableRandom(value));
  }

  /** The seed of the {@code index}-th run that is made from this one; the 0-th is this one. */
  public Seed derive(long index) {
    if (index == 0) {
      return this;
    }
    // The finalizer of MurmurHash3: neighbouring indexes give unrelated seeds.
    long mixed = value + index * 0x9e3779b97f4a7c15L;
    mixed = (mixed ^ (mixed >>> 33)) * 0xff51afd7ed558ccdL;
    mixed = (mixed ^ (mixed >>> 33)) * 0xc4ceb9fe1a85ec53L;
    return new Seed(mixed ^ (mixed >>> 33));
  }

  @Override
  public String toString() {
    return Long.toString(value);
  }
}
