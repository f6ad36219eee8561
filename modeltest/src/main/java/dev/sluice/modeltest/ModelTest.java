package dev.sluice.modeltest;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * A model test: how a fixture is made, which steps can happen to it and how often, and what must
 * always hold.
 *
 * <p>{@link #check()} plays many random histories, each on a fresh fixture. When one fails it is
 * made shorter as long as it still fails, and an {@link AssertionError} tells the seed, the shrunk
 * history and the cause.
 *
 * <p>Without configuration the seeds are the same in every run of the build, derived from the
 * test's name, so that a build is repeatable. Two system properties change that:
 *
 * <ul>
 *   <li>{@code modeltest.seed}: a number plays the history of that seed only; {@code random} starts
 *       from a fresh seed, for runs that search for what nobody has seen yet
 *   <li>{@code modeltest.factor}: a number by which the histories are multiplied, at least one
 *       history is played; for long runs
 * </ul>
 *
 * <p>Owned by one thread.
 *
 * @param <F> the fixture
 */
public final class ModelTest<F> {
  private final String name;
  private final Function<Seed, ? extends F> start;
  private final List<Choice<F>> choices = new ArrayList<>();
  private final List<Check<F>> invariants = new ArrayList<>();
  private final List<Check<F>> endings = new ArrayList<>();
  private int histories = 300;
  private int shortest = 1;
  private int longest = 100;
  private int totalWeight;

  private ModelTest(String name, Function<Seed, ? extends F> start) {
    this.name = name;
    this.start = start;
  }

  /** Something that must hold; throws if it does not. */
  @FunctionalInterface
  public interface Check<F> {
    /**
     * Looks at the fixture.
     *
     * @throws Exception to fail the run, as does an {@link AssertionError}
     */
    void of(F fixture) throws Exception;
  }

  private record Choice<F>(int weight, Function<Gen, ? extends Step<F>> make) {}

  /**
   * A model test without steps yet.
   *
   * @param name what is tested; the seeds are derived from it
   * @param start makes a fresh fixture; what is random in the fixture must come from the seed
   */
  public static <F> ModelTest<F> of(String name, Function<Seed, ? extends F> start) {
    return new ModelTest<>(name, start);
  }

  /**
   * Adds a kind of step.
   *
   * @param weight how often it is chosen, compared with the others; at least one
   * @param make makes one, with random parameters
   */
  public ModelTest<F> step(int weight, Function<Gen, ? extends Step<F>> make) {
    if (weight < 1) {
      throw new IllegalArgumentException("a step's weight is at least one, not " + weight);
    }
    choices.add(new Choice<>(weight, make));
    totalWeight = Math.addExact(totalWeight, weight);
    return this;
  }

  /** Adds what must hold at the start and after each step. */
  public ModelTest<F> invariant(Check<F> invariant) {
    invariants.add(invariant);
    return this;
  }

  /** Adds what is done and must hold when the history is over; runs in the order of adding. */
  public ModelTest<F> atEnd(Check<F> ending) {
    endings.add(ending);
    return this;
  }

  /** How many histories are played; 300 unless told otherwise. */
  public ModelTest<F> histories(int count) {
    if (count < 1) {
      throw new IllegalArgumentException("at least one history is played, not " + count);
    }
    this.histories = count;
    return this;
  }

  /** How many steps a history has, both bounds included; 1 to 100 unless told otherwise. */
  public ModelTest<F> steps(int shortest, int longest) {
    if (shortest < 0 || shortest > longest) {
      throw new IllegalArgumentException(
          "no history has between " + shortest + " and " + longest + " steps");
    }
    this.shortest = shortest;
    this.longest = longest;
    return this;
  }

  /**
   * Plays the histories.
   *
   * @throws AssertionError if one fails: with its seed, the shrunk history and, as the cause, what
   *     the shrunk history threw
   * @throws IllegalStateException if there is nothing to play or nothing that could fail
   */
  public void check() {
    String seed = System.getProperty("modeltest.seed", "");
    double factor = Double.parseDouble(System.getProperty("modeltest.factor", "1"));
    if (seed.isEmpty() || seed.equals("random")) {
      Seed first = seed.isEmpty() ? Seed.of(name) : new Seed(System.nanoTime()).derive(1);
      check(first, Math.max(1, Math.round(histories * factor)));
    } else {
      check(new Seed(Long.parseLong(seed)), 1);
    }
  }

  /**
   * Plays {@code count} histories, the first from the given seed itself.
   *
   * @throws AssertionError as {@link #check()}
   */
  public void check(Seed first, long count) {
    if (choices.isEmpty()) {
      throw new IllegalStateException("the model test \"" + name + "\" has no steps");
    }
    for (long i = 0; i < count; i++) {
      Seed seed = first.derive(i);
      List<Step<F>> history = history(seed);
      Throwable failure = play(seed, history);
      if (failure != null) {
        throw report(seed, i, history, failure);
      }
    }
  }

  private List<Step<F>> history(Seed seed) {
    Gen gen = seed.random();
    int length = gen.between(shortest, longest);
    List<Step<F>> history = new ArrayList<>(length);
    for (int i = 0; i < length; i++) {
      int pick = gen.nextInt(totalWeight);
      int index = 0;
      while (pick >= choices.get(index).weight) {
        pick -= choices.get(index++).weight;
      }
      history.add(choices.get(index).make.apply(gen));
    }
    return history;
  }

  /** What the history threw; null if everything held. */
  private @Nullable Throwable play(Seed seed, List<Step<F>> history) {
    try {
      F fixture = start.apply(seed);
      hold(invariants, fixture);
      for (Step<F> step : history) {
        step.run(fixture);
        hold(invariants, fixture);
      }
      hold(endings, fixture);
      return null;
    } catch (Exception | AssertionError | StackOverflowError failure) {
      return failure;
    }
  }

  private static <F> void hold(List<Check<F>> checks, F fixture) throws Exception {
    for (Check<F> check : checks) {
      check.of(fixture);
    }
  }

  private AssertionError report(Seed seed, long index, List<Step<F>> history, Throwable failure) {
    var shrinker = new Shrinker<F>(candidate -> play(seed, candidate));
    Shrinker.Result<F> shrunk = shrinker.shrink(history, failure);
    StringBuilder text = new StringBuilder();
    text.append("model test \"").append(name).append("\" failed in history ").append(index + 1);
    text.append("\n  seed: ").append(seed);
    text.append("   (repeat with -Dmodeltest.seed=").append(seed).append(")");
    text.append("\n  history: ").append(shrunk.history().size()).append(" steps, shrunk from ");
    text.append(history.size()).append(" in ").append(shrunk.plays()).append(" plays");
    if (!shrunk.complete()) {
      text.append(" (stopped at the limit of plays; it may still be shortened)");
    }
    for (int i = 0; i < shrunk.history().size(); i++) {
      text.append("\n    ").append(i + 1).append(". ").append(shrunk.history().get(i));
    }
    text.append("\n  failure: ").append(shrunk.failure());
    return new AssertionError(text.toString(), shrunk.failure());
  }
}
