package dev.sluice.contract;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;

/**
 * What is known about API servers, sentence by sentence, each with the cases that show it or the
 * reason why none does: {@code facts.txt}.
 *
 * @param sections in their order
 */
record Facts(List<Section> sections) {

  /**
   * A part of the page.
   *
   * @param title its heading
   * @param sentences in their order
   */
  record Section(String title, List<Sentence> sentences) {}

  /**
   * One sentence.
   *
   * @param text what is said
   * @param cases ids of the cases that show it; none if {@code reason} says why
   * @param reason why no case shows it; empty if one does
   */
  record Sentence(String text, List<String> cases, String reason) {}

  static Facts read() {
    try (InputStream in = Facts.class.getResourceAsStream("facts.txt")) {
      return parse(new String(Objects.requireNonNull(in).readAllBytes(), StandardCharsets.UTF_8));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /**
   * Reads the form that {@code facts.txt} explains.
   *
   * @throws IllegalArgumentException if a sentence has neither cases nor a reason, or stands in no
   *     section
   */
  static Facts parse(String text) {
    List<Section> sections = new ArrayList<>();
    String open = "";
    for (String line : text.split("\n", -1)) {
      if (line.isBlank() || line.startsWith("#")) {
        continue;
      }
      if (line.startsWith("  ") != !open.isEmpty()) {
        throw new IllegalArgumentException(
            open.isEmpty()
                ? "cases of no sentence: " + line.strip()
                : "neither cases nor a reason: " + open);
      }
      if (line.startsWith("= ")) {
        sections.add(new Section(line.substring(2), new ArrayList<>()));
      } else if (sections.isEmpty()) {
        throw new IllegalArgumentException("in no section: " + line);
      } else if (line.startsWith("  ")) {
        String rest = line.strip();
        boolean reason = rest.startsWith("- ");
        sections
            .getLast()
            .sentences()
            .add(
                new Sentence(
                    open,
                    reason ? List.of() : List.of(rest.split(" +", -1)),
                    reason ? rest.substring(2) : ""));
        open = "";
      } else {
        open = line;
      }
    }
    if (!open.isEmpty()) {
      throw new IllegalArgumentException("neither cases nor a reason: " + open);
    }
    return new Facts(List.copyOf(sections));
  }
}
