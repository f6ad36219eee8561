package dev.sluice.modeltest;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Makes a failing history shorter and easier to read, as long as it still fails.
 *
 * <p>First whole stretches are left out: half of the history, then quarters, down to single steps,
 * again and again until no single step can go (the minimizing delta debugging of Zeller and
 * Hildebrandt, 2002, on the complements only). Then each step is replaced by its {@linkplain
 * Step#simpler() simpler} ones, and as a simpler step may make others superfluous, all begins anew
 * until nothing changes.
 *
 * <p>A shrunk history may fail in another way than the first one did. That is accepted: it is a
 * failure all the same, and insisting on the same message keeps histories long. The number of plays
 * is limited.
 */
final class Shrinker<F> {
  static final int MAX_PLAYS = 5_000;

  private final Function<List<Step<F>>, @Nullable Throwable> play;
  private List<Step<F>> best = List.of();
  private Throwable failure = new AssertionError();
  private int plays;

  Shrinker(Function<List<Step<F>>, @Nullable Throwable> play) {
    this.play = play;
  }

  record Result<F>(List<Step<F>> history, Throwable failure, int plays, boolean complete) {}

  Result<F> shrink(List<Step<F>> failing, Throwable how) {
    best = failing;
    failure = how;
    boolean progress = true;
    while (progress && plays < MAX_PLAYS) {
      progress = leaveOut() | simplify();
    }
    return new Result<>(best, failure, plays, plays < MAX_PLAYS);
  }

  private boolean leaveOut() {
    int before = best.size();
    for (int stretch = Math.max(1, best.size() / 2); stretch >= 1; stretch /= 2) {
      // From the end: what follows the failing step goes first, and at once.
      int end = best.size();
      while (end > 0) {
        int from = Math.max(0, end - stretch);
        List<Step<F>> candidate = new ArrayList<>(best.subList(0, from));
        candidate.addAll(best.subList(end, best.size()));
        if (!stillFails(candidate) && plays >= MAX_PLAYS) {
          return best.size() < before;
        }
        end = from;
      }
    }
    return best.size() < before;
  }

  private boolean simplify() {
    boolean progress = false;
    for (int i = 0; i < best.size(); i++) {
      boolean simpler = true;
      while (simpler) {
        simpler = false;
        for (Step<F> step : best.get(i).simpler()) {
          List<Step<F>> candidate = new ArrayList<>(best);
          candidate.set(i, step);
          if (stillFails(candidate)) {
            simpler = true;
            progress = true;
            break;
          }
          if (plays >= MAX_PLAYS) {
            return progress;
          }
        }
      }
    }
    return progress;
  }

  private boolean stillFails(List<Step<F>> candidate) {
    if (plays >= MAX_PLAYS) {
      return false;
    }
    plays++;
    Throwable thrown = play.apply(candidate);
    if (thrown == null) {
      return false;
    }
    best = candidate;
    failure = thrown;
    return true;
  }
}
