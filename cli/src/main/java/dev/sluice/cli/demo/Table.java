package dev.sluice.cli.demo;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * A table of text whose cells wrap at words, so that it fits the terminal. Columns that needn't
 * wrap keep their width; the others share what is left, by what they need.
 */
final class Table {
  private static final int LEAST = 12;
  private static final String GAP = "  ";

  private final String[] heads;
  private final List<String[]> rows = new ArrayList<>();

  Table(String... heads) {
    this.heads = heads.clone();
  }

  /**
   * @throws IllegalArgumentException if there are not as many cells as columns
   */
  Table row(String... cells) {
    if (cells.length != heads.length) {
      throw new IllegalArgumentException(
          "a row of this table has " + heads.length + " cells, not " + cells.length);
    }
    rows.add(cells.clone());
    return this;
  }

  /**
   * The table in lines, none of them wider than {@code width} unless a single word is, or the
   * columns need more than their least width of {@value LEAST}.
   */
  List<String> lines(int width) {
    int[] widths = widths(width);
    List<String> lines = new ArrayList<>();
    add(lines, heads, widths);
    String[] rules = new String[heads.length];
    for (int i = 0; i < rules.length; i++) {
      rules[i] = "-".repeat(widths[i]);
    }
    add(lines, rules, widths);
    rows.forEach(row -> add(lines, row, widths));
    return lines;
  }

  private int[] widths(int width) {
    int[] widths = new int[heads.length];
    for (int i = 0; i < widths.length; i++) {
      int column = i;
      widths[i] =
          Math.max(
              length(heads[i]), rows.stream().mapToInt(row -> length(row[column])).max().orElse(0));
    }
    int room = width - GAP.length() * (widths.length - 1);
    while (Arrays.stream(widths).sum() > room) {
      int widest = 0;
      for (int i = 1; i < widths.length; i++) {
        widest = widths[i] > widths[widest] ? i : widest;
      }
      if (widths[widest] <= LEAST) {
        break;
      }
      widths[widest]--;
    }
    return widths;
  }

  private static void add(List<String> lines, String[] cells, int[] widths) {
    List<List<String>> wrapped = new ArrayList<>();
    int height = 0;
    for (int i = 0; i < cells.length; i++) {
      wrapped.add(wrap(cells[i], widths[i]));
      height = Math.max(height, wrapped.get(i).size());
    }
    for (int line = 0; line < height; line++) {
      StringBuilder text = new StringBuilder();
      for (int i = 0; i < cells.length; i++) {
        String part = line < wrapped.get(i).size() ? wrapped.get(i).get(line) : "";
        text.append(i == 0 ? "" : GAP).append(part);
        text.append(" ".repeat(Math.max(0, widths[i] - length(part))));
      }
      lines.add(text.toString().stripTrailing());
    }
  }

  /**
   * The text in lines of at most {@code width} characters, broken between words where it can be.
   */
  static List<String> wrap(String text, int width) {
    List<String> lines = new ArrayList<>();
    StringBuilder line = new StringBuilder();
    for (String word : text.split(" ", -1)) {
      if (!line.isEmpty() && length(line) + 1 + length(word) > width) {
        lines.add(line.toString());
        line.setLength(0);
      }
      line.append(line.isEmpty() ? "" : " ").append(word);
    }
    lines.add(line.toString());
    return lines;
  }

  private static int length(CharSequence text) {
    return Character.codePointCount(text, 0, text.length());
  }
}
