package dev.sluice.modeltest;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.time.Duration;
import java.util.Arrays;
import java.util.HashSet;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class GenTest {
  private final Gen gen = Seed.of("gen").random();

  @Test
  void givesTheSameNumbersForTheSameSeed() {
    assertThat(new Seed(42).random().longs(100).toArray())
        .isEqualTo(new Seed(42).random().longs(100).toArray());
  }

  @Test
  void derivesADifferentSeedForEachRun() {
    Set<Seed> seeds = new HashSet<>();
    for (int i = 0; i < 1_000; i++) {
      seeds.add(new Seed(7).derive(i));
    }

    assertThat(seeds).hasSize(1_000).contains(new Seed(7));
  }

  @Test
  void includesBothBounds() {
    assertThat(IntStream.range(0, 200).map(i -> gen.between(3, 5)).distinct().sorted())
        .containsExactly(3, 4, 5);
    assertThat(gen.between(Long.MAX_VALUE, Long.MAX_VALUE)).isEqualTo(Long.MAX_VALUE);
    assertThat(gen.between(Integer.MIN_VALUE, Integer.MIN_VALUE)).isEqualTo(Integer.MIN_VALUE);
  }

  @Test
  void refusesAnEmptyRange() {
    assertThatThrownBy(() -> gen.between(5, 3)).hasMessageContaining("between 5 and 3");
  }

  @Test
  void spreadsDurationsOverTheOrdersOfMagnitude() {
    long belowTwoSeconds =
        IntStream.range(0, 2_000)
            .mapToObj(i -> gen.duration(Duration.ofMillis(1), Duration.ofHours(1)))
            .peek(d -> assertThat(d).isBetween(Duration.ofMillis(1), Duration.ofHours(1)))
            .filter(d -> d.compareTo(Duration.ofSeconds(2)) < 0)
            .count();

    assertThat(belowTwoSeconds).isBetween(900L, 1_100L);
  }

  @Test
  void picksSmallNumbersMoreOftenByZipf() {
    int[] counts = new int[1_000];
    for (int i = 0; i < 200_000; i++) {
      counts[gen.zipf(1_000, 0.99)]++;
    }

    // The tenth value comes a tenth as often as the first, to the power of 0.99; the approximation
    // is good to a fifth.
    assertThat((double) counts[0] / counts[9]).isCloseTo(Math.pow(10, 0.99), within(2.0));
    assertThat((double) counts[9] / counts[99]).isCloseTo(Math.pow(10, 0.99), within(2.0));
  }

  @Test
  void picksEachNumberAsOftenByZipfWithoutSkew() {
    int[] counts = new int[10];
    for (int i = 0; i < 100_000; i++) {
      counts[gen.zipf(10, 0)]++;
    }

    assertThat(Arrays.stream(counts).boxed())
        .allSatisfy(count -> assertThat(count).isBetween(9_500, 10_500));
  }
}
