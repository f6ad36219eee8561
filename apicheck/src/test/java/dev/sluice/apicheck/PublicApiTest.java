package dev.sluice.apicheck;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.File;
import java.io.IOException;
import java.lang.module.ModuleFinder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Compares the API of each published artifact with what was recorded last, and prints the changes.
 * Fails for those that break users of stable API; all others are for the eye of the reviewer.
 *
 * <p>With {@code -Dapicheck.record} it records the present API, to be committed with the change.
 * After a release that is always done.
 */
class PublicApiTest {
  private static final Path ROOT = Path.of(System.getProperty("sluice.basedir", ".."));

  /** Shares no code with the others, so it can't carry their mark: all of it is experimental. */
  private static final Set<String> UNMARKED = Set.of("sluice-testkit");

  /** The artifacts of the BOM: those and no others are published. */
  static List<String> artifacts() throws IOException {
    String bom = Files.readString(ROOT.resolve("bom/pom.xml"));
    String managed = bom.substring(bom.indexOf("<dependencies>"), bom.indexOf("</dependencies>"));
    return Pattern.compile("<artifactId>(.+?)</artifactId>")
        .matcher(managed)
        .results()
        .map((MatchResult match) -> match.group(1))
        .toList();
  }

  @ParameterizedTest
  @MethodSource("artifacts")
  void breaksNoUserOfStableApi(String artifact) throws IOException, ClassNotFoundException {
    List<String> now = Signatures.of(onClassPath(artifact));
    if (UNMARKED.contains(artifact)) {
      now = now.stream().map(line -> "experimental " + line).toList();
    }
    Path recorded = ROOT.resolve("apicheck/baseline/" + artifact + ".txt");
    if (System.getProperty("apicheck.record") != null) {
      Files.writeString(recorded, String.join("\n", now) + "\n");
    }
    String howToAccept =
        "To accept it: ./mvnw -pl apicheck -am verify -Dtest=PublicApiTest"
            + " -Dsurefire.failIfNoSpecifiedTests=false -Dapicheck.record, and commit "
            + ROOT.relativize(recorded)
            + " with the change.";
    assertThat(recorded).as("No API of %s is recorded yet. %s", artifact, howToAccept).exists();

    ApiChanges changes = ApiChanges.between(Files.readAllLines(recorded), now);

    String report = changes.report(artifact) + "\n" + howToAccept;
    if (!changes.none()) {
      System.out.println(report);
    }
    assertThat(changes.breaking()).as(report.replace("%", "%%")).isEmpty();
  }

  /** Where an artifact lies: its jar, or its classes when it was built in the same run. */
  private static Path onClassPath(String artifact) {
    String module = "dev." + artifact.replace('-', '.');
    return Stream.of(System.getProperty("java.class.path").split(File.pathSeparator))
        .map(Path::of)
        .filter(Files::exists)
        .filter(entry ->
            Files.isDirectory(entry)
                ? Files.exists(entry.resolve("module-info.class"))
                : entry.getFileName().toString().startsWith("sluice-"))
        .filter(entry ->
            ModuleFinder.of(entry).findAll().stream()
                .anyMatch(reference -> reference.descriptor().name().equals(module)))
        .findFirst()
        .orElseThrow(() ->
            new AssertionError(
                "the BOM has "
                    + artifact
                    + ", but no module "
                    + module
                    + " is on the class path: add it to apicheck/pom.xml"));
  }
}
