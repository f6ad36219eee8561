package dev.sluice.cli.demo;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * How an incident went.
 *
 * @param outcome whether it held
 * @param heldBy what was to hold it
 * @param figures what was measured; begins with what did not hold, if something did not
 */
record Verdict(Outcome outcome, String heldBy, String figures) {

  /** How an incident can go. */
  enum Outcome {
    /** Everything that was looked for was there. */
    HELD("held"),
    /** The incident itself did not come about, so that there was nothing to hold. */
    NOT_SHOWN("not shown"),
    /** Something did not hold. */
    FAILED("FAILED");

    private final String text;

    Outcome(String text) {
      this.text = text;
    }

    @Override
    public String toString() {
      return text;
    }
  }

  /** Begins one. */
  static Builder heldBy(String what) {
    return new Builder(what);
  }

  /** Collects checks and figures. Owned by one thread. */
  static final class Builder {
    private final String heldBy;
    private final List<String> failures = new ArrayList<>();
    private final List<String> absences = new ArrayList<>();
    private final List<String> figures = new ArrayList<>();

    private Builder(String heldBy) {
      this.heldBy = heldBy;
    }

    /** A measured figure, formatted. */
    Builder figure(String format, Object... values) {
      figures.add(String.format(Locale.ROOT, format, values));
      return this;
    }

    /** Something that must hold; what is wrong if it does not, formatted. */
    Builder check(boolean holds, String otherwise, Object... values) {
      if (!holds) {
        failures.add(String.format(Locale.ROOT, otherwise, values));
      }
      return this;
    }

    /** Something without which the incident did not come about; why not, formatted. */
    Builder shown(boolean happened, String otherwise, Object... values) {
      if (!happened) {
        absences.add(String.format(Locale.ROOT, otherwise, values));
      }
      return this;
    }

    Verdict build() {
      Outcome outcome =
          !failures.isEmpty()
              ? Outcome.FAILED
              : absences.isEmpty() ? Outcome.HELD : Outcome.NOT_SHOWN;
      List<String> all = new ArrayList<>(failures);
      all.addAll(absences);
      all.addAll(figures);
      return new Verdict(outcome, heldBy, String.join("; ", all));
    }
  }
}
