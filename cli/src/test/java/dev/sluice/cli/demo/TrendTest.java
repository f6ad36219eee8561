package dev.sluice.cli.demo;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.time.Duration;
import org.junit.jupiter.api.Test;

class TrendTest {
  @Test
  void aCounterShowsAsItsRateOverTheLastSecond() {
    Trend trend = Trend.rate();
    for (int i = 0; i <= 20; i++) {
      trend.add(Duration.ofMillis(i * 200L), i <= 10 ? i * 100 : 1_000);
    }
    assertThat(trend.now()).isZero();

    Trend steady = Trend.rate();
    for (int i = 0; i <= 20; i++) {
      steady.add(Duration.ofMillis(i * 200L), i * 100);
    }
    assertThat(steady.now()).isCloseTo(500, within(1e-6));
  }

  @Test
  void aSingleReadingHasNoRate() {
    Trend trend = Trend.rate();
    trend.add(Duration.ZERO, 5_000);
    assertThat(trend.now()).isZero();
  }

  @Test
  void hasAColumnASecondAndKeepsTheHighestValueOfEach() {
    Trend trend = Trend.value();
    trend.add(Duration.ofMillis(100), 7);
    trend.add(Duration.ofMillis(600), 3);
    trend.add(Duration.ofMillis(1_100), 0);
    trend.add(Duration.ofMillis(2_100), 14);

    assertThat(trend.sparkline(80, true)).isEqualTo("▅▁█");
    assertThat(trend.sparkline(80, false)).isEqualTo("+_#");
  }

  @Test
  void secondsWithoutAReadingAreFilledAndTheOldestLeave() {
    Trend trend = Trend.value();
    trend.add(Duration.ofMillis(100), 1);
    trend.add(Duration.ofMillis(5_100), 1);

    assertThat(trend.sparkline(80, true)).hasSize(6);
    assertThat(trend.sparkline(4, true)).hasSize(4);
  }

  @Test
  void whatNeverHappenedIsALowLine() {
    Trend trend = Trend.rate();
    trend.add(Duration.ZERO, 0);
    trend.add(Duration.ofSeconds(2), 0);

    assertThat(trend.sparkline(80, true)).isEqualTo("▁▁▁");
  }
}
