package dev.sluice.cli.demo;

import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Draws the present state in place, at the bottom of the terminal, and lets what is said scroll
 * away above it. Uses four control sequences that every terminal of the last forty years knows.
 */
final class LiveScreen implements Screen {
  private static final String ESC = "\u001b[";
  private static final String HIDE_CURSOR = ESC + "?25l";
  private static final String SHOW_CURSOR = ESC + "?25h";
  private static final String ERASE_BELOW = ESC + "0J";

  private static final int LABEL = 11;
  private static final int FIGURE = 9;

  private final ReentrantLock lock = new ReentrantLock();
  private final PrintWriter out;
  private final Supplier<Terminal.Size> size;
  private final boolean unicode;
  private final String limit;
  private final Trend changes = Trend.rate();
  private final Trend events = Trend.rate();
  private final Trend reconciles = Trend.rate();
  private final Trend writes = Trend.rate();
  private final Trend depth = Trend.value();
  private final Trend coalesced = Trend.value();
  private @Nullable Reading last;
  private int drawn;
  private boolean closed;

  /**
   * @param out the terminal
   * @param size how large it is; asked at each drawing
   * @param unicode whether it can show block characters
   * @param limit the limit of writes, in words
   */
  LiveScreen(PrintWriter out, Supplier<Terminal.Size> size, boolean unicode, String limit) {
    this.out = out;
    this.size = size;
    this.unicode = unicode;
    this.limit = limit;
    out.print(HIDE_CURSOR);
    out.flush();
  }

  @Override
  public void say(String line) {
    lock.lock();
    try {
      StringBuilder text = erase();
      text.append(line).append('\n');
      draw(text);
    } finally {
      lock.unlock();
    }
  }

  @Override
  public void show(Reading reading) {
    lock.lock();
    try {
      changes.add(reading.elapsed(), reading.changes());
      events.add(reading.elapsed(), reading.events());
      reconciles.add(reading.elapsed(), reading.reconciles());
      writes.add(reading.elapsed(), reading.writes());
      depth.add(reading.elapsed(), reading.depth());
      coalesced.add(reading.elapsed(), reading.coalesced());
      last = reading;
      draw(erase());
    } finally {
      lock.unlock();
    }
  }

  @Override
  public void close() {
    lock.lock();
    try {
      if (!closed) {
        closed = true;
        out.print(erase().append(SHOW_CURSOR));
        out.flush();
      }
    } finally {
      lock.unlock();
    }
  }

  private StringBuilder erase() {
    StringBuilder text = new StringBuilder();
    if (drawn > 0) {
      text.append(ESC).append(drawn).append('F').append(ERASE_BELOW);
      drawn = 0;
    }
    return text;
  }

  private void draw(StringBuilder text) {
    Reading now = last;
    if (now != null && !closed) {
      Terminal.Size present = size.get();
      List<String> lines = lines(now, present.columns());
      // One row stays free for the cursor; more rows than the terminal has cannot be erased again.
      drawn = Math.clamp(present.rows() - 1L, 0, lines.size());
      lines.subList(0, drawn).forEach(line -> text.append(line).append('\n'));
    }
    out.print(text);
    out.flush();
  }

  private List<String> lines(Reading now, int width) {
    List<String> lines = new ArrayList<>();
    lines.add("");
    lines.add(
        String.format(
            Locale.ROOT,
            "%5.1f s  %s: %s",
            now.elapsed().toMillis() / 1e3,
            now.incident(),
            now.story()));
    lines.add(row("changes", changes, "/s", total(now.changes()), width));
    lines.add(row("events", events, "/s", total(now.events()), width));
    lines.add(row("reconciles", reconciles, "/s", total(now.reconciles()), width));
    lines.add(row("writes", writes, "/s", total(now.writes()) + ", limit " + limit, width));
    lines.add(row("queue", depth, "", "keys wait", width));
    lines.add(row("coalesced", coalesced, "", "events needed no reconcile", width));
    lines.add(label("stream") + now.stream());
    lines.add(label("stops") + now.stops());
    now.beside().forEach(line -> lines.add(label("") + line));
    lines.replaceAll(line -> cut(line, width));
    return lines;
  }

  private String row(String label, Trend trend, String unit, String rest, int width) {
    String figure = String.format(Locale.ROOT, "%," + FIGURE + ".0f%-3s", trend.now(), unit);
    int room = width - LABEL - FIGURE - 3 - 2 - rest.length() - 1;
    String line = room < 5 ? "" : trend.sparkline(room, unicode) + "  ";
    return label(label) + figure + " " + line + rest;
  }

  private static String total(long value) {
    return String.format(Locale.ROOT, "%,d", value);
  }

  private static String label(String label) {
    return String.format(Locale.ROOT, "%-" + LABEL + "s", label);
  }

  /** At most as wide as the terminal: a line that wraps would not be erased as a whole. */
  private static String cut(String line, int width) {
    int length = line.codePointCount(0, line.length());
    return length < width
        ? line
        : line.substring(0, line.offsetByCodePoints(0, Math.max(0, width - 1)));
  }
}
