package dev.sluice.cli.demo;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;

/**
 * How one figure moved: a column for each second, the last of them for the second that is running.
 * Owned by one thread.
 */
final class Trend {
  private static final String BLOCKS = "▁▂▃▄▅▆▇█";
  private static final String PLAIN = "_.-=+*%#";

  /** As far back as a rate looks. */
  private static final Duration BACK = Duration.ofSeconds(1);

  private final boolean counter;
  private final List<Double> columns = new ArrayList<>();
  private final Deque<Point> recent = new ArrayDeque<>();

  private record Point(Duration at, double value) {}

  private Trend(boolean counter) {
    this.counter = counter;
  }

  /** Of a counter, which shows as its rate. */
  static Trend rate() {
    return new Trend(true);
  }

  /** Of a value, which shows as it is. */
  static Trend value() {
    return new Trend(false);
  }

  void add(Duration at, double value) {
    recent.addLast(new Point(at, value));
    while (recent.size() > 2 && at.minus(second().at()).compareTo(BACK) >= 0) {
      recent.removeFirst();
    }
    int second = (int) at.toSeconds();
    double now = now();
    while (columns.size() <= second) {
      columns.add(now);
    }
    columns.set(second, counter ? now : Math.max(now, columns.get(second)));
  }

  /** The present rate a second, over the last second or so; or the present value. */
  double now() {
    if (recent.isEmpty()) {
      return 0;
    }
    Point last = recent.getLast();
    if (!counter) {
      return last.value();
    }
    Point first = recent.getFirst();
    double seconds = last.at().minus(first.at()).toNanos() / 1e9;
    return seconds <= 0 ? 0 : (last.value() - first.value()) / seconds;
  }

  /**
   * The last {@code width} seconds as a row of columns, the highest of them filled.
   *
   * @param unicode whether block characters can be written
   */
  String sparkline(int width, boolean unicode) {
    String glyphs = unicode ? BLOCKS : PLAIN;
    double highest = columns.stream().mapToDouble(Double::doubleValue).max().orElse(0);
    StringBuilder text = new StringBuilder();
    for (double column : columns.subList(Math.max(0, columns.size() - width), columns.size())) {
      int level = highest <= 0 ? 0 : (int) Math.round(column / highest * (glyphs.length() - 1));
      text.append(glyphs.charAt(Math.max(0, level)));
    }
    return text.toString();
  }

  private Point second() {
    var points = recent.iterator();
    points.next();
    return points.next();
  }
}
