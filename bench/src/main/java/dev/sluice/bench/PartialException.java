package dev.sluice.bench;

import java.util.List;

/** Some contenders failed; these are the figures of the others. */
final class PartialException extends Exception {
  private static final long serialVersionUID = 1;

  private final transient List<Figure> figures;

  PartialException(List<String> failures, List<Figure> figures) {
    super(String.join("; ", failures));
    this.figures = List.copyOf(figures);
  }

  List<Figure> figures() {
    return figures;
  }
}
