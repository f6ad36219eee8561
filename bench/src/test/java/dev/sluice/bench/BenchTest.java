package dev.sluice.bench;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.reflect.Method;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.openjdk.jmh.annotations.Benchmark;

class BenchTest {

  @BeforeAll
  static void oneAtATimeIsEnough() {
    System.setProperty("bench.blink", "true");
    System.setProperty("jmh.ignoreLock", "true");
  }

  static Stream<Class<?>> works() {
    return Bench.all().stream();
  }

  @ParameterizedTest
  @MethodSource("works")
  @Tag("minutes")
  void givesFiguresForEachWorkAndForNoOther(Class<?> type) throws Exception {
    List<Figure> figures = Bench.measure(type, Effort.BLINK);

    assertThat(figures)
        .extracting(Figure::work)
        .containsOnlyElementsOf(Bench.works(type).stream().map(Work::name).toList());
    assertThat(figures).allMatch(figure -> Double.isFinite(figure.value()));
    for (Work work : Bench.works(type)) {
      List<Figure> own =
          figures.stream().filter(figure -> figure.work().equals(work.name())).toList();
      assertThat(own).extracting(Figure::contender).doesNotHaveDuplicates();
      assertThat(own).anyMatch(figure -> figure.contender().startsWith("sluice"));
      assertThat(Goal.Check.judged(work, own)).as("a contender that the goal names").isNotNull();
    }
  }

  @Test
  void hasANameForEachWorkAndItIsTheOnlyOne() {
    assertThat(Bench.all().stream().flatMap(type -> Bench.works(type).stream()).map(Work::name))
        .doesNotHaveDuplicates()
        .allMatch(name -> name.matches("[a-z0-9-]+"));
  }

  @Test
  void canTellForEachTargetWhetherItIsMet() {
    assertThat(Bench.all().stream().flatMap(type -> Bench.works(type).stream()))
        .allMatch(work -> work.target().isEmpty() == (work.goals().length == 0));
  }

  @Test
  void isToldByEachBenchmarkWhoDoesIt() {
    for (Class<?> work : Bench.all()) {
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
