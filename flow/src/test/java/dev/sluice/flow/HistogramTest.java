package dev.sluice.flow;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.modeltest.Gen;
import dev.sluice.modeltest.Seed;
import java.time.Duration;
import java.util.Arrays;
import org.junit.jupiter.api.Test;

class HistogramTest {

  @Test
  void isAllZeroWhenNothingHappened() {
    Times none = new Histogram().times();

    assertThat(none)
        .isEqualTo(
            new Times(
                0, Duration.ZERO, Duration.ZERO, Duration.ZERO, Duration.ZERO, Duration.ZERO));
  }

  @Test
  void givesQuantilesThatAreAtMostASixteenthTooHigh() {
    Gen gen = Seed.of("histogram").random();
    for (int round = 0; round < 20; round++) {
      int count = gen.between(1, 5_000);
      long[] values = new long[count];
      Histogram histogram = new Histogram();
      for (int i = 0; i < count; i++) {
        values[i] = gen.duration(Duration.ZERO, Duration.ofDays(10_000)).toNanos();
        histogram.record(values[i]);
      }
      Arrays.sort(values);
      Times times = histogram.times();

      assertWithin(times.median(), values[(int) Math.ceil(0.5 * count) - 1]);
      assertWithin(times.p95(), values[(int) Math.ceil(0.95 * count) - 1]);
      assertWithin(times.p99(), values[(int) Math.ceil(0.99 * count) - 1]);
      assertThat(times.longest().toNanos()).isEqualTo(values[count - 1]);
      assertThat(times.count()).isEqualTo(count);
    }
  }

  private static void assertWithin(Duration quantile, long exact) {
    assertThat(quantile.toNanos()).isBetween(exact, exact + exact / 16);
  }

  @Test
  void holdsTheLongestAndTheShortest() {
    Histogram histogram = new Histogram();
    histogram.record(Long.MAX_VALUE);
    histogram.record(0);
    histogram.record(-5); // a clock that differs a little between cores

    assertThat(histogram.times().longest().toNanos()).isEqualTo(Long.MAX_VALUE);
    assertThat(histogram.times().median()).isZero();
    assertThat(histogram.times().p99().toNanos()).isEqualTo(Long.MAX_VALUE);
  }
}
