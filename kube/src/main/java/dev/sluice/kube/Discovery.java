package dev.sluice.kube;

import dev.sluice.flow.Experimental;
import dev.sluice.kube.internal.discovery.Catalogue;
import dev.sluice.kube.internal.discovery.KnownKind;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.Set;
import java.util.function.Predicate;

/**
 * Finds kinds by the words that people type: {@code pods}, {@code pod}, {@code po}, {@code Pod},
 * {@code deployments.apps}, {@code deployments.v1.apps}.
 *
 * <p>As with kubectl, case does not matter; a bare word means the core group if it has such a kind,
 * else the first group in the server's order, in its preferred version.
 *
 * <p>Each call asks the server anew: two requests where it offers its discovery aggregated
 * (Kubernetes 1.27 and later), else one for each group and version. Safe for use by any number of
 * threads.
 */
@Experimental
public final class Discovery {
  private static final int NEAR_SHOWN = 5;

  private final Transport transport;

  private Discovery(Transport transport) {
    this.transport = Objects.requireNonNull(transport, "transport");
  }

  /** Discovery on the server behind a transport. */
  public static Discovery over(Transport transport) {
    return new Discovery(transport);
  }

  /**
   * Finds a kind. Blocks until the server has answered.
   *
   * @param word plural, singular or short name, kind, {@code plural.group} or {@code
   *     plural.version.group}
   * @throws UnknownKindException if there is none; the message lists those spelled alike
   * @throws ServerException if the server refuses to say
   * @throws IOException if the server cannot be reached
   */
  public ResourceKind resolve(String word) throws IOException, InterruptedException {
    Catalogue catalogue = Catalogue.read(transport);
    String wanted = word.strip().toLowerCase(Locale.ROOT);
    List<KnownKind> found = new ArrayList<>();
    for (Predicate<KnownKind> reading : readings(wanted)) {
      catalogue.kinds().stream().filter(reading).forEach(found::add);
      for (KnownKind kind : found) {
        if (kind.watchable()) {
          return kind.kind();
        }
      }
    }
    if (!found.isEmpty()) {
      throw new UnknownKindException(
          word,
          List.of(),
          "that could be listed and watched: "
              + found.get(0).kind()
              + " only knows "
              + String.join(", ", found.get(0).verbs().stream().sorted().toList()));
    }
    throw new UnknownKindException(
        word,
        near(wanted, catalogue),
        catalogue.unanswered().isEmpty()
            ? ""
            : "(these groups did not answer: " + String.join(", ", catalogue.unanswered()) + ")");
  }

  /**
   * All kinds that can be listed and watched. Blocks until the server has answered.
   *
   * @throws ServerException if the server refuses to say
   * @throws IOException if the server cannot be reached
   */
  public List<ResourceKind> all() throws IOException, InterruptedException {
    return Catalogue.read(transport).kinds().stream()
        .filter(KnownKind::watchable)
        .map(KnownKind::kind)
        .toList();
  }

  /** What a word can mean, the more exact meanings first. */
  private static List<Predicate<KnownKind>> readings(String word) {
    List<Predicate<KnownKind>> readings = new ArrayList<>();
    readings.add(kind -> isNamed(kind, word));
    int dot = word.indexOf('.');
    if (dot > 0) {
      String name = word.substring(0, dot);
      String rest = word.substring(dot + 1);
      readings.add(kind -> isNamed(kind, name) && kind.kind().group().equals(rest));
      int second = rest.indexOf('.');
      String version = second < 0 ? rest : rest.substring(0, second);
      String group = second < 0 ? "" : rest.substring(second + 1);
      readings.add(kind ->
          isNamed(kind, name)
              && kind.kind().version().equals(version)
              && kind.kind().group().equals(group));
    }
    return readings;
  }

  private static boolean isNamed(KnownKind kind, String word) {
    return kind.kind().plural().equals(word)
        || kind.singular().equals(word)
        || kind.kind().kind().toLowerCase(Locale.ROOT).equals(word)
        || kind.shortNames().contains(word);
  }

  private static List<String> near(String word, Catalogue catalogue) {
    record Near(String name, int distance) {}
    int dot = word.indexOf('.');
    String name = dot > 0 ? word.substring(0, dot) : word;
    List<Near> near = new ArrayList<>();
    for (KnownKind kind : catalogue.kinds()) {
      int distance =
          Math.min(
              distance(name, kind.kind().plural()),
              Math.min(
                  distance(name, kind.kind().kind().toLowerCase(Locale.ROOT)),
                  kind.shortNames().stream()
                      .mapToInt(shortName -> distance(name, shortName) * 2)
                      .min()
                      .orElse(Integer.MAX_VALUE)));
      boolean part = name.length() >= 3 && kind.kind().plural().contains(name);
      if (part || distance <= Math.max(1, name.length() / 3)) {
        near.add(new Near(kind.kind().toString(), part ? Math.min(distance, 1) : distance));
      }
    }
    near.sort(Comparator.comparingInt(Near::distance));
    Set<String> names = new LinkedHashSet<>();
    near.forEach(one -> names.add(one.name()));
    return names.stream().limit(NEAR_SHOWN).toList();
  }

  /**
   * How many letters to add, leave out, change or swap with their neighbour (the restricted edit
   * distance of F. Damerau, 1964).
   */
  private static int distance(String one, String other) {
    int[][] distances = new int[one.length() + 1][other.length() + 1];
    for (int i = 0; i <= one.length(); i++) {
      distances[i][0] = i;
    }
    for (int j = 0; j <= other.length(); j++) {
      distances[0][j] = j;
    }
    for (int i = 1; i <= one.length(); i++) {
      for (int j = 1; j <= other.length(); j++) {
        int change = one.charAt(i - 1) == other.charAt(j - 1) ? 0 : 1;
        int least =
            Math.min(
                Math.min(distances[i][j - 1], distances[i - 1][j]) + 1,
                distances[i - 1][j - 1] + change);
        if (i > 1
            && j > 1
            && one.charAt(i - 1) == other.charAt(j - 2)
            && one.charAt(i - 2) == other.charAt(j - 1)) {
          least = Math.min(least, distances[i - 2][j - 2] + 1);
        }
        distances[i][j] = least;
      }
    }
    return distances[one.length()][other.length()];
  }
}
