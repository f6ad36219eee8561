package dev.sluice.modeltest;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

class ModelTestTest {

  /**
   * A set with a planted fault: it forgets an element when a tenth one is added after a removal.
   */
  private static final class Forgetful {
    final Set<Integer> real = new HashSet<>();
    final Set<Integer> model = new HashSet<>();
    boolean removedBefore;

    void add(int element) {
      model.add(element);
      if (element < 100 || !removedBefore) {
        real.add(element);
      }
    }
  }

  private record Add(int element) implements Step<Forgetful> {
    @Override
    public void run(Forgetful fixture) {
      fixture.add(element);
    }

    @Override
    public List<Add> simpler() {
      return element == 0 ? List.of() : List.of(new Add(element / 2), new Add(element - 1));
    }
  }

  private record Remove(int element) implements Step<Forgetful> {
    @Override
    public void run(Forgetful fixture) {
      fixture.removedBefore = true;
      fixture.model.remove(element);
      fixture.real.remove(element);
    }

    @Override
    public List<Remove> simpler() {
      return element == 0 ? List.of() : List.of(new Remove(0));
    }
  }

  private static ModelTest<Forgetful> forgetful() {
    return ModelTest.<Forgetful>of("a forgetful set", seed -> new Forgetful())
        .step(5, gen -> new Add(gen.between(0, 1_000)))
        .step(1, gen -> new Remove(gen.between(0, 1_000)))
        .invariant(fixture -> assertThat(fixture.real).isEqualTo(fixture.model));
  }

  @Test
  void shrinksAFailingHistoryToItsShortestAndSimplestForm() {
    assertThatThrownBy(() -> forgetful().check())
        .isInstanceOf(AssertionError.class)
        .hasMessageContaining("a forgetful set")
        .hasMessageContaining("history: 2 steps")
        .hasMessageContaining("1. Remove[element=0]")
        .hasMessageContaining("2. Add[element=100]");
  }

  @Test
  void printsASeedThatRepeatsTheFailureAtOnce() {
    String message = String.valueOf(catchThrowable(() -> forgetful().check()));
    long seed = Long.parseLong(message.replaceAll("(?s).*seed: (-?\\d+).*", "$1"));

    assertThatThrownBy(() -> forgetful().check(new Seed(seed), 1))
        .hasMessageContaining("seed: " + seed)
        .hasMessageContaining("history: 2 steps");
  }

  @Test
  void playsTheSameHistoriesForTheSameName() {
    List<List<Integer>> recorded = new ArrayList<>();
    for (int round = 0; round < 2; round++) {
      List<Integer> seen = new ArrayList<>();
      ModelTest.<List<Integer>>of("recorded", seed -> seen)
          .step(
              1,
              gen -> {
                int number = gen.nextInt();
                return fixture -> fixture.add(number);
              })
          .histories(20)
          .check();
      recorded.add(seen);
    }

    assertThat(recorded.get(0)).isNotEmpty().isEqualTo(recorded.get(1));
  }

  @Test
  void choosesStepsByWeight() {
    int[] counts = new int[2];
    ModelTest.<int[]>of("weights", seed -> counts)
        .step(9, gen -> fixture -> fixture[0]++)
        .step(1, gen -> fixture -> fixture[1]++)
        .histories(200)
        .steps(100, 100)
        .check();

    assertThat(counts[0] + counts[1]).isEqualTo(20_000);
    assertThat(counts[1]).isBetween(1_800, 2_200);
  }

  @Test
  void runsTheEndingOnceAHistory() {
    int[] endings = new int[1];
    ModelTest.<int[]>of("endings", seed -> endings)
        .step(1, gen -> fixture -> {})
        .atEnd(fixture -> fixture[0]++)
        .histories(7)
        .check();

    assertThat(endings[0]).isEqualTo(7);
  }

  @Test
  void stopsShrinkingAtTheLimitOfPlays() {
    int[] plays = new int[1];
    record Endless(long depth) implements Step<int[]> {
      @Override
      public void run(int[] fixture) {
        fixture[0]++;
        throw new IllegalStateException("always");
      }

      @Override
      public List<Endless> simpler() {
        return List.of(new Endless(depth + 1));
      }
    }

    assertThatThrownBy(() ->
            ModelTest.<int[]>of("endless", seed -> plays).step(1, gen -> new Endless(0)).check())
        .hasMessageContaining("stopped at the limit");
    assertThat(plays[0]).isLessThan(Shrinker.MAX_PLAYS + 10);
  }

  @Test
  void refusesATestWithoutSteps() {
    assertThatThrownBy(() -> ModelTest.of("empty", seed -> "").check())
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("has no steps");
  }
}
