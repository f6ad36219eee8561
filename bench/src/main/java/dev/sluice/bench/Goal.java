package dev.sluice.bench;

import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A condition that figures of a {@link Work} must fulfil.
 *
 * <p>Contenders are named by regular expressions that match the whole name. There must be one of
 * each kind that is named, or the condition is neither met nor missed.
 */
@Retention(RetentionPolicy.RUNTIME)
@Target({})
public @interface Goal {

  /** Whose figures; all of them must fulfil it. */
  String of() default "sluice.*";

  /** They are at most so large. */
  double atMost() default Double.NaN;

  /** They are at least so large. */
  double atLeast() default Double.NaN;

  /** The contender whose figure is subtracted before they are compared with {@link #atMost()}. */
  String above() default "";

  /** They are better than those of these contenders. */
  String aheadOf() default "";

  /** So many times better; a third, say, for at most three times as much. */
  double times() default 1;

  /** Looks at figures. */
  final class Check {
    private Check() {}

    /** Whether all of a work's goals are met; null if it has none or they can't be told. */
    static @Nullable Boolean met(Work work, List<Figure> figures) {
      Boolean all = null;
      for (Goal goal : work.goals()) {
        Boolean one = met(goal, work.unit(), figures);
        if (one == null) {
          return null;
        }
        all = all == null ? one : all && one;
      }
      return all;
    }

    /** The worst of the figures that the first goal is about; the best of ours if there is none. */
    static @Nullable Figure judged(Work work, List<Figure> figures) {
      Work.Unit unit = work.unit();
      if (work.goals().length == 0) {
        return figures.stream()
            .filter(figure -> figure.contender().startsWith("sluice"))
            .reduce((a, b) -> unit.better(b.value(), a.value()) ? b : a)
            .orElse(null);
      }
      return named(work.goals()[0].of(), figures).stream()
          .reduce((a, b) -> unit.better(b.value(), a.value()) ? a : b)
          .orElse(null);
    }

    private static @Nullable Boolean met(Goal goal, Work.Unit unit, List<Figure> figures) {
      List<Figure> ours = named(goal.of(), figures);
      List<Figure> others = named(goal.aheadOf(), figures);
      List<Figure> base = named(goal.above(), figures);
      if (ours.isEmpty()
          || !goal.aheadOf().isEmpty() && others.isEmpty()
          || !goal.above().isEmpty() && base.isEmpty()) {
        return null;
      }
      double zero = base.isEmpty() ? 0 : base.getFirst().value();
      for (Figure figure : ours) {
        double value = figure.value() - zero;
        if (value > goal.atMost()
            || value < goal.atLeast()
            || others.stream()
                .anyMatch(other -> !unit.better(figure.value(), other.value(), goal.times()))) {
          return false;
        }
      }
      return true;
    }

    private static List<Figure> named(String pattern, List<Figure> figures) {
      return figures.stream().filter(figure -> figure.contender().matches(pattern)).toList();
    }
  }
}
