package dev.sluice.contract;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Keeps what the runs gave: the real server's answers as the record that the embedded server is
 * held against, and both side by side as {@code docs/contract.md}. Called by {@code
 * contract/report}; run in the module's directory.
 *
 * <p>A file whose content would be the same but for the date is left alone, so that a run that
 * found nothing new changes nothing.
 */
public final class Report {
  private static final Pattern ANSWER = Pattern.compile(" -> (\\d{3})(?: Failure (\\w+) )?");
  private static final Pattern EVENT = Pattern.compile("^  ([A-Z]+)(?: Failure (\\w+))?");

  private final Path runs;
  private final Path records;
  private final Path page;

  private Report(Path module) {
    runs = module.resolve("target").resolve("contract");
    records = module.resolve("src").resolve("test").resolve("resources").resolve("recorded");
    page = module.resolveSibling("docs").resolve("contract.md");
  }

  /**
   * {@code record}: keeps the last run on the real server, which must have been whole. {@code
   * write}: makes the page of the record and the last run on the embedded server; fails when they
   * differ where they must not.
   */
  public static void main(String[] arguments) {
    if (arguments.length != 2) {
      throw new IllegalArgumentException("usage: Report record,record-long,write MODULE");
    }
    Report report = new Report(Path.of(arguments[1]));
    for (String task : arguments[0].split(",", -1)) {
      switch (task) {
        case "record" -> report.record("real");
        case "record-long" -> report.record("real-long");
        case "write" -> report.write();
        default ->
            throw new IllegalArgumentException(
                task + ": only record, record-long and write are known");
      }
    }
  }

  private void record(String name) {
    Results run = read(runs.resolve(name + ".json"));
    List<String> failed =
        run.cases().values().stream()
            .filter(c -> !c.outcome().equals("holds"))
            .map(c -> c.id() + " " + c.outcome() + ": " + c.failure())
            .toList();
    if (!failed.isEmpty()) {
      throw new IllegalStateException(
          "not recorded, " + failed.size() + " cases do not hold:\n" + String.join("\n", failed));
    }
    Path file = records.resolve(name + ".json");
    if (Files.exists(file)) {
      Results before = read(file);
      if (before.cases().equals(run.cases()) && before.version().equals(run.version())) {
        return;
      }
    }
    run.write(file);
  }

  private static Results read(Path file) {
    try {
      return Results.read(Files.readString(file));
    } catch (IOException e) {
      throw new UncheckedIOException("no results in " + file + "; contract/report makes them", e);
    }
  }

  private void write() {
    Results real = read(records.resolve("real.json"));
    Results embedded = read(runs.resolve("embedded.json"));
    Path longRecord = records.resolve("real-long.json");
    Results lasting = Files.exists(longRecord) ? read(longRecord) : null;
    String text = page(real, embedded, lasting);
    try {
      if (!Files.exists(page) || !undated(Files.readString(page)).equals(undated(text))) {
        Files.writeString(page, text);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    List<String> wrong =
        real.cases().values().stream()
            .filter(c -> verdict(c, embedded.get(c.id())) == Verdict.WRONG)
            .map(Results.Case::id)
            .toList();
    if (!wrong.isEmpty()) {
      throw new IllegalStateException(
          "the embedded server differs where it must not: " + String.join(", ", wrong));
    }
  }

  private static String undated(String page) {
    return page.replaceAll("\\d{4}-\\d{2}-\\d{2}", "DATE");
  }

  private enum Verdict {
    SAME,
    DELIBERATE,
    WRONG
  }

  private static Verdict verdict(Results.Case real, Results.@Nullable Case embedded) {
    if (embedded == null) {
      return Verdict.WRONG;
    }
    if (embedded.outcome().equals("holds") && embedded.transcript().equals(real.transcript())) {
      return Verdict.SAME;
    }
    return embedded.deliberate().isEmpty() ? Verdict.WRONG : Verdict.DELIBERATE;
  }

  static String page(Results real, Results embedded, @Nullable Results lasting) {
    Map<String, List<Results.Case>> chapters = new LinkedHashMap<>();
    real.cases().values().stream()
        .sorted(Comparator.comparingInt(Results.Case::order).thenComparing(Results.Case::id))
        .forEach(c -> chapters.computeIfAbsent(c.chapter(), k -> new ArrayList<>()).add(c));
    List<Results.Case> deliberate = new ArrayList<>();
    List<Results.Case> wrong = new ArrayList<>();
    int same = 0;
    int answers = 0;
    for (Results.Case c : real.cases().values()) {
      switch (verdict(c, embedded.get(c.id()))) {
        case SAME -> {
          same++;
          answers += c.transcript().size();
        }
        case DELIBERATE -> deliberate.add(c);
        case WRONG -> wrong.add(c);
      }
    }
    StringBuilder page = new StringBuilder();
    page.append(
        """
        # The contract: what an API server does, on the real one and on ours

        Made by `contract/report` from runs on both servers; not to be edited. Each line is a case in `contract/`: a
        sentence about Kubernetes' API server, and a test that proves it with plain HTTP, none of Sluice's own client code
        in between. The cases run unchanged on both servers. A case on the embedded server *holds* when it proves the
        sentence **and** every answer, status, reason, message, causes, headers, events and their order, is word for word
        the real server's (names, uids, versions and times masked).

        """);
    page.append("| | server | run | cases | hold |\n|---|---|---|---|---|\n");
    row(
        page,
        "real",
        real.version(),
        real.date(),
        "" + real.cases().size(),
        "" + real.cases().size());
    row(
        page,
        "embedded",
        embedded.version(),
        embedded.date(),
        "" + embedded.cases().size(),
        same + " with the same " + answers + " answers and events");
    page.append('\n');
    if (!wrong.isEmpty()) {
      page.append("## Wrong\n\nThe embedded server must be mended.\n\n");
      differences(page, wrong, embedded);
    }
    page.append("## Deliberate differences\n\n");
    if (deliberate.isEmpty()) {
      page.append("None.\n\n");
    } else {
      differences(page, deliberate, embedded);
    }
    facts(page, real, embedded, lasting);
    page.append(
        """
        ## How to read the rest

        The third column has what the real server answered, in order: HTTP status and reason, `EVENT` for what came through
        a watch, `end` for its clean end, `xN` for repetitions. All answers in full are in
        `contract/src/test/resources/recorded/real.json`. Steps that only prepare a case are not counted.

        """);
    for (Map.Entry<String, List<Results.Case>> chapter : chapters.entrySet()) {
      page.append("## ").append(chapter.getKey()).append("\n\n");
      page.append("| case | what holds | real | embedded |\n|---|---|---|---|\n");
      for (Results.Case c : chapter.getValue()) {
        row(
            page,
            "`" + c.id().substring(c.id().indexOf('/') + 1) + "`",
            c.sentence(),
            "holds: " + fingerprint(c.transcript()),
            switch (verdict(c, embedded.get(c.id()))) {
              case SAME -> "holds: the same";
              case DELIBERATE -> "differs, see above";
              case WRONG -> "**wrong**, see above";
            });
      }
      page.append('\n');
    }
    if (lasting != null) {
      page.append("## What takes long\n\nRun by `.ci/long` on the real server.\n\n");
      page.append("| case | what holds | real |\n|---|---|---|\n");
      for (Results.Case c : lasting.cases().values()) {
        row(
            page,
            "`" + c.id().substring(c.id().indexOf('/') + 1) + "`",
            c.sentence(),
            "holds (" + lasting.date() + "): " + fingerprint(c.transcript()));
      }
      page.append('\n');
    }
    return page.toString();
  }

  private static void facts(
      StringBuilder page, Results real, Results embedded, @Nullable Results lasting) {
    page.append(
        """
        ## Sentence by sentence

        What the project knows about API servers, and the cases that show it. *ours* says whether the embedded server
        answers all of them as the real one.

        """);
    for (Facts.Section section : Facts.read().sections()) {
      page.append("### ").append(section.title()).append("\n\n");
      page.append("| sentence | shown by | ours |\n|---|---|---|\n");
      for (Facts.Sentence sentence : section.sentences()) {
        Set<String> verdicts = new TreeSet<>();
        for (String id : sentence.cases()) {
          Results.Case c = real.get(id);
          if (c != null) {
            verdicts.add(
                switch (verdict(c, embedded.get(id))) {
                  case SAME -> "the same";
                  case DELIBERATE -> "differs, see above";
                  case WRONG -> "**wrong**, see above";
                });
          } else if (lasting == null || lasting.get(id) == null) {
            verdicts.add("not run: takes long");
          }
        }
        row(
            page,
            sentence.text(),
            sentence.cases().isEmpty()
                ? sentence.reason()
                : sentence.cases().stream()
                    .map(id -> "`" + id + "`")
                    .collect(Collectors.joining(" ")),
            sentence.cases().isEmpty() ? "-" : String.join("; ", verdicts));
      }
      page.append('\n');
    }
  }

  private static void differences(StringBuilder page, List<Results.Case> cases, Results embedded) {
    page.append("| case | what holds | real | embedded | why |\n|---|---|---|---|---|\n");
    for (Results.Case c : cases) {
      Results.Case mine = embedded.get(c.id());
      List<String> theirs = new ArrayList<>();
      List<String> ours = new ArrayList<>();
      if (mine != null) {
        for (int i = 0; i < Math.max(c.transcript().size(), mine.transcript().size()); i++) {
          String a = i < c.transcript().size() ? c.transcript().get(i) : "(nothing more)";
          String b = i < mine.transcript().size() ? mine.transcript().get(i) : "(nothing more)";
          if (!a.equals(b) && theirs.size() < 3) {
            theirs.add(shortened(a));
            ours.add(shortened(b));
          }
        }
        if (theirs.isEmpty()) {
          theirs.add("holds");
          ours.add(shortened(mine.failure()));
        }
      }
      row(
          page,
          "`" + c.id() + "`",
          c.sentence(),
          String.join("\n", theirs),
          mine == null ? "not run" : String.join("\n", ours),
          mine == null ? "" : mine.deliberate());
    }
    page.append('\n');
  }

  private static String shortened(String text) {
    return text.length() <= 300 ? text : text.substring(0, 300) + "...";
  }

  /** Statuses, reasons and events of a transcript, in order. */
  static String fingerprint(List<String> transcript) {
    List<String> parts = new ArrayList<>();
    for (String line : transcript) {
      Matcher event = EVENT.matcher(line);
      Matcher answer = ANSWER.matcher(line);
      if (line.equals("  end of the stream")) {
        parts.add("end");
      } else if (event.find()) {
        parts.add(
            event.group(1).toUpperCase(Locale.ROOT)
                + (event.group(2) == null ? "" : " " + event.group(2)));
      } else if (answer.find()) {
        parts.add(answer.group(1) + (answer.group(2) == null ? "" : " " + answer.group(2)));
      }
    }
    StringBuilder text = new StringBuilder();
    for (int i = 0; i < parts.size(); ) {
      int j = i;
      while (j < parts.size() && parts.get(j).equals(parts.get(i))) {
        j++;
      }
      text.append(text.isEmpty() ? "" : ", ")
          .append(parts.get(i))
          .append(j - i > 1 ? " x" + (j - i) : "");
      i = j;
    }
    return text.isEmpty() ? "as said" : text.toString();
  }

  private static void row(StringBuilder page, String... cells) {
    for (String cell : cells) {
      page.append("| ")
          .append(
              cell.replace("|", "\\|")
                  .replace("<", "&lt;")
                  .replace("*", "\\*")
                  .replace("\\*\\*wrong\\*\\*", "**wrong**")
                  .replace("\n", "<br>"))
          .append(' ');
    }
    page.append("|\n");
  }
}
