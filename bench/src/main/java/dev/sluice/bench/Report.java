package dev.sluice.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Puts the figures of a JSON file into a document's tables. Started by {@code bench/report}.
 *
 * <p>A table stands between two markers, {@code <!-- bench: NAME NAME ... -->} and {@code <!--
 * /bench -->}; what is between them is replaced, the prose around them is not touched. The names
 * are those of works, or {@code machine} for where and when it was measured, or {@code targets} for
 * one line a target; {@code streams-machine} and {@code streams-targets} are those of the suite of
 * streams, and so on. What belongs to another suite stays as it is. A work of the file that no
 * marker names is an error, so that no figure can be left out because it does not please; but a
 * document may give an excerpt, which says where the rest is.
 */
public final class Report {
  private static final Pattern PLACE =
      Pattern.compile("(<!-- bench: ([^>]*?) -->\n).*?(<!-- /bench -->)", Pattern.DOTALL);

  private Report() {}

  /** See {@code bench/report}. */
  public static void main(String[] args) throws IOException {
    boolean excerpt = args.length == 3 && args[0].equals("--excerpt");
    if (args.length != 2 && !excerpt) {
      System.err.println("usage: bench/report [FILE.json [DOCUMENT.md]]");
      System.exit(2);
    }
    Path document = Path.of(args[args.length - 1]);
    try {
      Results results = Results.read(Path.of(args[args.length - 2]));
      String text = Files.readString(document);
      Files.writeString(document, excerpt ? excerpt(text, results) : fill(text, results));
      System.err.println("Wrote the tables of " + document + ".");
    } catch (NoSuchFileException e) {
      System.err.println("error: there is no file " + e.getMessage());
      System.exit(1);
    } catch (IllegalArgumentException | IOException e) {
      System.err.println("error: " + e.getMessage());
      System.exit(1);
    }
  }

  /** The document with its tables filled: it has a place for each work. */
  static String fill(String document, Results results) {
    return fill(document, results, true);
  }

  /** The document with its tables filled, of whatever works it names. */
  static String excerpt(String document, Results results) {
    return fill(document, results, false);
  }

  private static String fill(String document, Results results, boolean whole) {
    Map<String, Results.Outcome> works =
        results.works().stream()
            .collect(Collectors.toMap(Results.Outcome::name, Function.identity()));
    Set<String> left = new HashSet<>(works.keySet());
    String suite =
        Stream.of("streams", "journal")
            .filter(name -> Bench.names(Bench.suite(name)).stream().anyMatch(works::containsKey))
            .findFirst()
            .orElse("");
    String prefix = suite.isEmpty() ? "" : suite + "-";
    Set<String> here = new HashSet<>(Bench.names(Bench.suite(suite)));
    here.addAll(List.of(prefix + "machine", prefix + "targets"));
    here.addAll(works.keySet());
    Matcher place = PLACE.matcher(document);
    StringBuilder filled = new StringBuilder();
    while (place.find()) {
      List<String> names = List.of(place.group(2).trim().split("\\s+"));
      if (names.stream().noneMatch(here::contains)) {
        place.appendReplacement(filled, Matcher.quoteReplacement(place.group()));
        continue;
      }
      StringBuilder content = new StringBuilder();
      for (String name : names) {
        content.append('\n');
        switch (name) {
          case "machine", "streams-machine", "journal-machine" -> machine(results, content);
          case "targets", "streams-targets", "journal-targets" -> targets(results, content);
          default -> {
            left.remove(name);
            Results.Outcome work = works.get(name);
            if (work == null) {
              content.append("`").append(name).append("` has not been measured.\n");
            } else {
              table(work, content);
            }
          }
        }
      }
      content.append('\n');
      place.appendReplacement(
          filled, Matcher.quoteReplacement(place.group(1) + content + place.group(3)));
    }
    place.appendTail(filled);
    if (whole && !left.isEmpty()) {
      throw new IllegalArgumentException(
          "the document has no place for "
              + left.stream().sorted().toList()
              + ": add <!-- bench: NAME --> and <!-- /bench -->");
    }
    return filled.toString();
  }

  /** The works that a document's markers name. */
  static List<String> named(String document) {
    List<String> names = new ArrayList<>();
    Matcher place = PLACE.matcher(document);
    while (place.find()) {
      names.addAll(List.of(place.group(2).trim().split("\\s+")));
    }
    return names;
  }

  private static void machine(Results results, StringBuilder out) {
    out.append("| | |\n|---|---|\n");
    results
        .machine()
        .forEach((what, value) ->
            out.append("| ")
                .append(what)
                .append(" | ")
                .append(value.replace("|", "\\|"))
                .append(" |\n"));
  }

  private static void targets(Results results, StringBuilder out) {
    out.append("| work | Sluice | best peer | target | |\n|---|---:|---:|---|---|\n");
    for (Results.Outcome work : results.works()) {
      Results.Entry ours = work.ours();
      Results.Entry theirs = work.bestPeer();
      out.append("| ")
          .append(work.title())
          .append(" | ")
          .append(ours == null ? "" : work.text(ours))
          .append(" | ")
          .append(theirs == null ? "" : work.text(theirs) + " (" + theirs.contender() + ")")
          .append(" | ")
          .append(work.target())
          .append(" | ")
          .append(bold(work.verdict()))
          .append(" |\n");
    }
  }

  private static void table(Results.Outcome work, StringBuilder out) {
    out.append("**")
        .append(Character.toUpperCase(work.title().charAt(0)))
        .append(work.title().substring(1))
        .append("**");
    if (!work.target().isEmpty()) {
      out.append(". Target: ")
          .append(work.target())
          .append(": ")
          .append(bold(work.verdict()))
          .append('.');
    }
    out.append("\n\n| contender | result | to Sluice |\n|---|---:|---:|\n");
    for (Results.Entry entry : work.figures()) {
      out.append("| ")
          .append(entry.who())
          .append(" | ")
          .append(work.text(entry))
          .append(" | ")
          .append(work.ratio(entry))
          .append(" |\n");
    }
    if (work.failure() != null) {
      out.append("\nFailed: ").append(work.failure()).append('\n');
    }
  }

  private static String bold(String verdict) {
    return verdict.equals(verdict.toUpperCase(Locale.ROOT)) && !verdict.isEmpty()
        ? "**" + verdict.toLowerCase(Locale.ROOT) + "**"
        : verdict;
  }
}
