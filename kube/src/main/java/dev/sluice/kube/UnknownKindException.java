package dev.sluice.kube;

import dev.sluice.flow.Experimental;
import java.util.List;

/** No kind of this server goes by such a name. The message lists those that are spelled alike. */
@Experimental
public final class UnknownKindException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final String word;
  private final List<String> nearMatches;

  UnknownKindException(String word, List<String> nearMatches, String detail) {
    super(
        "the server has no kind \""
            + word
            + "\""
            + (nearMatches.isEmpty()
                ? ""
                : "; did you mean " + String.join(", ", nearMatches) + "?")
            + (detail.isEmpty() ? "" : " " + detail));
    this.word = word;
    this.nearMatches = List.copyOf(nearMatches);
  }

  /** The word that was given. */
  public String word() {
    return word;
  }

  /** What is spelled alike, best first; five at most. */
  public List<String> nearMatches() {
    return nearMatches;
  }
}
