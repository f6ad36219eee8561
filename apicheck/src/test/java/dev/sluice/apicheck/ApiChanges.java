package dev.sluice.apicheck;

import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.TreeSet;

/**
 * What differs between two lists of {@linkplain Signatures signatures}.
 *
 * <p>What breaks users: a line that is gone and was not experimental (a removal, or the old side of
 * a change; becoming experimental is one, too), unless it is there still in all but the mark; and a
 * new abstract method in a stable interface or class that users may implement.
 *
 * @param added lines that are new
 * @param removed lines that are gone
 * @param breaking those of both that break users of stable API, with the reason
 */
record ApiChanges(List<String> added, List<String> removed, List<String> breaking) {
  private static final String EXPERIMENTAL = "experimental ";

  static ApiChanges between(Collection<String> before, Collection<String> after) {
    TreeSet<String> added = new TreeSet<>(after);
    added.removeAll(before);
    TreeSet<String> removed = new TreeSet<>(before);
    removed.removeAll(after);
    List<String> breaking = new ArrayList<>();
    for (String line : removed) {
      if (!line.startsWith(EXPERIMENTAL)) {
        breaking.add(
            (after.contains(EXPERIMENTAL + line) ? "became experimental: " : "gone: ") + line);
      }
    }
    for (String line : added) {
      if (isNewDutyOfImplementors(line, before)) {
        breaking.add("implementors lack it: " + line);
      }
    }
    return new ApiChanges(List.copyOf(added), List.copyOf(removed), List.copyOf(breaking));
  }

  /** Whether a line is an abstract method of a stable type that was there and is not sealed. */
  private static boolean isNewDutyOfImplementors(String line, Collection<String> before) {
    if (line.startsWith(EXPERIMENTAL)
        || !line.contains(": public abstract ") && !line.contains(": protected abstract ")
        || before.contains(EXPERIMENTAL + line)) {
      return false;
    }
    String member = line.substring(0, line.indexOf(": "));
    String owner = member.substring(0, member.lastIndexOf('.')) + ": ";
    return before.stream()
        .filter(each -> each.startsWith(owner))
        .map(each -> each + " ") // a declaration may end with its kind
        .anyMatch(each ->
            !each.contains(" sealed ")
                && (each.contains(" interface ") || each.contains(" abstract class ")));
  }

  boolean none() {
    return added.isEmpty() && removed.isEmpty();
  }

  /** For people. */
  String report(String artifact) {
    StringBuilder text = new StringBuilder();
    text.append("The public API of ").append(artifact).append(" has changed: ");
    text.append(added.size()).append(" lines new, ").append(removed.size()).append(" gone, ");
    text.append(breaking.size()).append(" of them break users of stable API.");
    removed.forEach(line -> text.append("\n  - ").append(line));
    added.forEach(line -> text.append("\n  + ").append(line));
    breaking.forEach(line -> text.append("\n  BREAKING ").append(line));
    return text.toString();
  }
}
