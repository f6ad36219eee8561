package dev.sluice.bench;

import java.util.Arrays;
import java.util.List;

/** A work, or several, that measures itself: for what a loop of operations on JMH can't show. */
public interface Measured {

  /** Does the work with each contender. The figures may be of any of the class's works. */
  List<Figure> measure(Effort effort) throws Exception;

  /** A run that gives one value. */
  @FunctionalInterface
  interface Run {
    /** Does it once. */
    double once() throws Exception;
  }

  /** The median of several runs, after one that does not count. */
  static double median(int runs, Run run) throws Exception {
    run.once();
    double[] values = new double[runs];
    for (int i = 0; i < runs; i++) {
      values[i] = run.once();
    }
    Arrays.sort(values);
    return values[runs / 2];
  }
}
