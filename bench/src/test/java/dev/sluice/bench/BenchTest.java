package dev.sluice.bench;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.reflect.Method;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.openjdk.jmh.annotations.Benchmark;

class BenchTest {

  @Test
  void hasANameForEachWorkAndItIsTheOnlyOne() {
    assertThat(Bench.WORKS)
        .extracting(work -> work.getAnnotation(Work.class).name())
        .doesNotHaveDuplicates();
  }

  @Test
  void isToldByEachBenchmarkWhoDoesIt() {
    for (Class<?> work : Bench.WORKS) {
      List<Method> benchmarks =
          Arrays.stream(work.getMethods())
              .filter(method -> method.isAnnotationPresent(Benchmark.class))
              .toList();
      assertThat(benchmarks.isEmpty())
          .as(work + " has no benchmarks")
          .isEqualTo(Measured.class.isAssignableFrom(work));
      assertThat(benchmarks).allMatch(method -> method.isAnnotationPresent(Contender.class));
    }
  }

  @Test
  void readsAPeersVersionFromItsJar() {
    assertThat(Bench.version(org.assertj.core.api.Assertions.class)).startsWith("3.");
    assertThat(Bench.version(String.class)).isEmpty();
  }
}
