package dev.sluice.cli.demo;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.Arrays;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class WindowsTest {
  private static final Duration SECOND = Duration.ofSeconds(1);

  @Test
  void nothingHasNoPeak() {
    assertThat(Windows.peak(new long[0], SECOND)).isZero();
  }

  @Test
  void countsABurstThatLiesAcrossTwoSecondsOfTheClock() {
    assertThat(Windows.peak(millis(900, 950, 1_000, 1_050, 2_500), SECOND)).isEqualTo(4);
  }

  @Test
  void aWindowIsOpenAtItsEnd() {
    assertThat(Windows.peak(millis(0, 1_000, 2_000), SECOND)).isEqualTo(1);
    assertThat(Windows.peak(millis(0, 999, 1_998), SECOND)).isEqualTo(2);
  }

  @Test
  void theOrderDoesNotMatter() {
    assertThat(Windows.peak(millis(2_500, 950, 900, 1_050, 1_000), SECOND)).isEqualTo(4);
  }

  @Test
  void aClockThatWrapsAroundDoesNotMatter() {
    long[] instants = {Long.MAX_VALUE - 10, Long.MAX_VALUE, Long.MIN_VALUE, Long.MIN_VALUE + 10};
    assertThat(Windows.peak(instants, SECOND)).isEqualTo(4);
  }

  @Test
  void agreesWithCountingEveryWindow() {
    SplittableRandom random = new SplittableRandom(7);
    for (int round = 0; round < 200; round++) {
      long[] instants =
          random.longs(random.nextInt(1, 60), -5_000_000_000L, 5_000_000_000L).toArray();
      long most =
          Arrays.stream(instants)
              .map(begin ->
                  Arrays.stream(instants)
                      .filter(t -> t >= begin && t - begin < SECOND.toNanos())
                      .count())
              .max()
              .orElseThrow();
      assertThat(Windows.peak(instants.clone(), SECOND)).isEqualTo((int) most);
    }
  }

  private static long[] millis(long... millis) {
    return Arrays.stream(millis).map(ms -> ms * 1_000_000).toArray();
  }
}
