package dev.sluice.flow;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.time.Duration;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

@Tag("R3.1")
class SizingTest {

  @ParameterizedTest
  @CsvSource({
    "15, 80, 2", // 1.2 busy workers / 0.8 = 1.5
    "10, 80, 1", // 0.8 / 0.8: exactly one
    "10, 160, 2", // 1.6 / 0.8: exactly two, though not in floating point
    "10, 240, 3",
    "100, 1000, 125",
    "0.001, 1, 1",
    "30, 8, 1",
  })
  void needsAsManyWorkersAsAreBusyAtFourFifthsOfTheirTime(
      double perSecond, long millis, int workers) {
    assertThat(Sizing.workersNeeded(Rate.perSecond(perSecond), Duration.ofMillis(millis)))
        .isEqualTo(workers);
  }

  @Test
  void waitsAtWorstForAFullQueueToDrain() {
    Sizing sizing = new Sizing(Rate.perSecond(15), Duration.ofMillis(80), 2, 100);

    assertThat(sizing.worstWait()).isEqualTo(Duration.ofSeconds(4));
    assertThat(sizing.drainRate().permitsPerSecond()).isCloseTo(25, within(1e-9));
    assertThat(sizing.utilization()).isCloseTo(0.6, within(1e-9));
    assertThat(sizing.sufficient()).isTrue();
  }

  @Test
  void isInsufficientWhenWorkersWouldBeBusyForMoreThanFourFifths() {
    Sizing sizing = new Sizing(Rate.perSecond(15), Duration.ofMillis(200), 3, 100);

    assertThat(sizing.workersNeeded()).isEqualTo(4);
    assertThat(sizing.sufficient()).isFalse();
  }

  @Test
  void suggestsWorkersForALoad() {
    assertThat(Sizing.of(Rate.perSecond(15), Duration.ofMillis(200)))
        .isEqualTo(new Sizing(Rate.perSecond(15), Duration.ofMillis(200), 4, 100));
  }

  @Test
  void refusesWhatCannotBe() {
    Rate rate = Rate.perSecond(1);
    Duration mean = Duration.ofMillis(1);
    assertThatThrownBy(() -> new Sizing(rate, Duration.ZERO, 1, 1)).hasMessageContaining("PT0S");
    assertThatThrownBy(() -> new Sizing(rate, mean, 0, 1)).hasMessageContaining("not 0");
    assertThatThrownBy(() -> new Sizing(rate, mean, 1, 0)).hasMessageContaining("not 0");
    assertThatThrownBy(() -> Sizing.workersNeeded(rate, Duration.ofMillis(-1)))
        .hasMessageContaining("PT-0.001S");
  }

  @Test
  void saturatesInsteadOfOverflowing() {
    Sizing sizing =
        new Sizing(Rate.perSecond(1e300), Duration.ofDays(100_000), 1, Integer.MAX_VALUE);

    assertThat(sizing.workersNeeded()).isEqualTo(Integer.MAX_VALUE);
    assertThat(sizing.worstWait()).isEqualTo(Duration.ofNanos(Long.MAX_VALUE));
  }
}
