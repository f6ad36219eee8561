package dev.sluice.bench;

import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.ObjectMapper;
import tools.jackson.databind.SerializationFeature;
import tools.jackson.databind.json.JsonMapper;

/**
 * What a run of {@code bench/run} found: the content of its JSON file.
 *
 * @param machine where, when and with what, in the order in which it is told
 * @param works what was done
 */
record Results(Map<String, String> machine, List<Outcome> works) {
  private static final ObjectMapper JSON =
      JsonMapper.builder().enable(SerializationFeature.INDENT_OUTPUT).build();

  /**
   * What was found for one work.
   *
   * @param unit as it is written
   * @param moreIsBetter whether a larger figure is a better one
   * @param target in words; empty if there is none
   * @param judged whose figure the target is about, the worst of those; null if there is none
   * @param met whether the target was; null if there is none or it can't be told
   * @param failure why there are no figures, or not all; null if nothing failed
   */
  record Outcome(
      String name,
      String title,
      String unit,
      boolean moreIsBetter,
      String target,
      @Nullable String judged,
      @Nullable Boolean met,
      @Nullable String failure,
      List<Entry> figures) {

    static Outcome of(Work work, List<Figure> figures, @Nullable String failure) {
      Figure judged = Goal.Check.judged(work, figures);
      return new Outcome(
          work.name(),
          work.title(),
          work.unit().symbol(),
          work.unit().moreIsBetter(),
          work.target(),
          judged == null ? null : judged.contender(),
          Goal.Check.met(work, figures),
          failure,
          figures.stream()
              .map(figure ->
                  new Entry(
                      figure.contender(),
                      figure.version(),
                      figure.value(),
                      Double.isNaN(figure.error()) ? null : figure.error()))
              .toList());
    }

    @Nullable Entry ours() {
      return best(entry -> entry.contender().equals(judged));
    }

    @Nullable Entry bestPeer() {
      return best(entry -> !entry.ours() && !entry.floor());
    }

    private @Nullable Entry best(Predicate<Entry> which) {
      return figures.stream()
          .filter(which)
          .reduce((a, b) -> (moreIsBetter ? b.value() > a.value() : b.value() < a.value()) ? b : a)
          .orElse(null);
    }

    /** The last column of the table: whether the target was met. */
    String verdict() {
      if (failure != null) {
        return "FAILED";
      }
      return target.isEmpty() ? "" : met == null ? "not told" : met ? "met" : "MISSED";
    }

    /** A figure with its unit. */
    String text(Entry entry) {
      String error =
          entry.error() == null ? "" : " ± " + number(entry.error(), Math.abs(entry.value()));
      return unit.isEmpty()
          ? String.format(Locale.ROOT, "%,.0f", entry.value())
          : number(entry.value(), Math.abs(entry.value())) + error + " " + unit;
    }

    /** How a figure compares with the one of ours that is judged; empty for ours. */
    String ratio(Entry entry) {
      Entry ours = ours();
      if (entry.ours() || ours == null || ours.value() == 0) {
        return "";
      }
      double ratio = entry.value() / ours.value();
      return String.format(Locale.ROOT, ratio >= 100 ? "%,.0f x" : "%.2f x", ratio);
    }

    private static String number(double value, double scale) {
      String format =
          scale >= 1000 ? "%,.0f" : scale >= 10 ? "%.1f" : scale >= 0.1 ? "%.2f" : "%.4f";
      return String.format(Locale.ROOT, format, value);
    }
  }

  /** A figure. */
  record Entry(String contender, String version, double value, @Nullable Double error) {
    boolean ours() {
      return contender.startsWith("sluice");
    }

    boolean floor() {
      return contender.startsWith("floor");
    }

    String who() {
      return version.isEmpty() ? contender : contender + " " + version;
    }
  }

  static Results read(Path file) throws IOException {
    try {
      return JSON.readValue(Files.readString(file), Results.class);
    } catch (JacksonException e) {
      throw new IOException(file + " is not what bench/run --json writes: " + e.getMessage(), e);
    }
  }

  void write(Path file) throws IOException {
    Path folder = file.toAbsolutePath().getParent();
    if (folder != null) {
      Files.createDirectories(folder);
    }
    Files.writeString(file, JSON.writeValueAsString(this) + "\n");
  }

  /** The table for the terminal. */
  void print(PrintStream out) {
    out.println();
    machine.forEach((what, value) -> out.println(what + ": " + value));
    out.println();
    List<List<String>> rows = new ArrayList<>();
    rows.add(List.of("work", "contender", "result", "to sluice", "target", ""));
    for (Outcome work : works) {
      boolean first = true;
      for (Entry entry : work.figures()) {
        rows.add(
            List.of(
                first ? work.title() : "",
                entry.who(),
                work.text(entry),
                work.ratio(entry),
                first ? work.target() : "",
                first ? work.verdict() : ""));
        first = false;
      }
      if (work.failure() != null) {
        rows.add(List.of(first ? work.title() : "", work.failure(), "", "", "", "FAILED"));
      }
    }
    int[] widths = new int[rows.getFirst().size()];
    for (List<String> row : rows) {
      for (int i = 0; i < widths.length; i++) {
        widths[i] = Math.max(widths[i], row.get(i).length());
      }
    }
    for (List<String> row : rows) {
      StringBuilder line = new StringBuilder("|");
      for (int i = 0; i < widths.length; i++) {
        String cell = row.get(i);
        boolean number = i == 2 || i == 3;
        String padding = " ".repeat(widths[i] - cell.length());
        line.append(' ').append(number ? padding + cell : cell + padding).append(" |");
      }
      out.println(line);
      if (row == rows.getFirst()) {
        out.println(line.toString().replaceAll("[^|]", "-"));
      }
    }
  }
}
