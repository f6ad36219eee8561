package dev.sluice.modeltest;

import java.util.List;

/**
 * One thing that happens to a fixture: a value, chosen before the run and printed when the run
 * fails, so usually a record.
 *
 * <p>A step must make sense in any state, because the shrinker leaves out others before it. What
 * depends on the state is chosen when the step runs: not "finish key 7" but "finish the n-th of
 * what is in hand, n modulo their number, if there are any".
 *
 * @param <F> the fixture: the real thing, the model and what else a run needs
 */
@FunctionalInterface
public interface Step<F> {

  /**
   * Does it, to the real thing and to the model, and compares what they answer.
   *
   * @throws Exception to fail the run, as does an {@link AssertionError}
   */
  void run(F fixture) throws Exception;

  /**
   * Steps that could stand in for this one in an easier history: with a smaller number, a shorter
   * time. Tried in this order; none by default.
   */
  default List<? extends Step<F>> simpler() {
    return List.of();
  }

  /**
   * A step of which only the name is worth telling.
   *
   * @param name how it is printed, parameters included
   */
  static <F> Step<F> of(String name, Step<F> body) {
    return new Step<>() {
      @Override
      public void run(F fixture) throws Exception {
        body.run(fixture);
      }

      @Override
      public String toString() {
        return name;
      }
    };
  }
}
