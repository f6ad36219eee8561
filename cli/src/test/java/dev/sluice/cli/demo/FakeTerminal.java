package dev.sluice.cli.demo;

import java.io.PrintWriter;
import java.io.Writer;
import java.util.ArrayList;
import java.util.List;

/**
 * A terminal without end upwards, that knows what {@link LiveScreen} sends and nothing else: text,
 * line feeds, cursor to the beginning of the n-th line above, erase below, cursor off and on.
 */
final class FakeTerminal extends Writer {
  private final List<StringBuilder> lines = new ArrayList<>(List.of(new StringBuilder()));
  private final StringBuilder sequence = new StringBuilder();
  private int row;
  private boolean cursor = true;
  private int widest;

  PrintWriter writer() {
    return new PrintWriter(this);
  }

  /** What is to be seen. */
  List<String> lines() {
    return lines.stream().map(StringBuilder::toString).toList();
  }

  boolean showsCursor() {
    return cursor;
  }

  /** The longest line there has ever been. */
  int widest() {
    return widest;
  }

  @Override
  public void write(char[] text, int from, int count) {
    for (int i = from; i < from + count; i++) {
      write(text[i]);
    }
  }

  private void write(char c) {
    if (!sequence.isEmpty() || c == '\u001b') {
      sequence.append(c);
      if (sequence.length() > 2 && Character.isLetter(c)) {
        obey(sequence.toString());
        sequence.setLength(0);
      }
    } else if (c == '\n') {
      row++;
      if (row == lines.size()) {
        lines.add(new StringBuilder());
      }
    } else {
      lines.get(row).append(c);
      widest = Math.max(widest, lines.get(row).length());
    }
  }

  private void obey(String command) {
    if (command.matches("\u001b\\[\\d+F")) {
      row -= Integer.parseInt(command.substring(2, command.length() - 1));
      if (row < 0) {
        throw new AssertionError("the cursor left the terminal: " + command.substring(1));
      }
    } else {
      switch (command) {
        case "\u001b[0J" -> {
          lines.subList(row + 1, lines.size()).clear();
          lines.get(row).setLength(0);
        }
        case "\u001b[?25l" -> cursor = false;
        case "\u001b[?25h" -> cursor = true;
        default -> throw new AssertionError("not known here: " + command.substring(1));
      }
    }
  }

  @Override
  public void flush() {
    // nothing is kept back
  }

  @Override
  public void close() {
    flush();
  }
}
