package dev.sluice.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ReportTest {
  private static final Path DOCUMENT = Path.of("..", "docs", "performance.md");

  @Work(
      name = "w",
      title = "some work",
      unit = Work.Unit.NS_PER_OP,
      target = "floor + 10 ns and ahead of Peer",
      goals = {
        @Goal(of = "sluice, a", above = "floor.*", atMost = 10),
        @Goal(of = "sluice, a", aheadOf = "Peer")
      })
  private static final class Sample {}

  private static final Work WORK = Sample.class.getAnnotation(Work.class);

  private static List<Figure> figures(double ours, double floor, double peer) {
    return List.of(
        new Figure("w", "sluice, a", "", ours, 0.5),
        Figure.of("w", "floor: a clock", floor),
        new Figure("w", "Peer", "1.2", peer, Double.NaN));
  }

  private static Results results(List<Figure> figures) {
    return new Results(Map.of("commit", "abc"), List.of(Results.Outcome.of(WORK, figures, null)));
  }

  @Test
  void tellsThatATargetIsMetIfAllItsGoalsAre() {
    assertThat(Goal.Check.met(WORK, figures(30, 20, 31))).isTrue();
    assertThat(Goal.Check.met(WORK, figures(30.1, 20, 31))).isFalse();
    assertThat(Goal.Check.met(WORK, figures(30, 20, 30))).isFalse();
  }

  @Test
  void tellsNothingAboutATargetWhenThePeerWasNotMeasured() {
    assertThat(Goal.Check.met(WORK, figures(30, 20, 31).subList(0, 2))).isNull();
    assertThat(Goal.Check.met(WORK, figures(30, 20, 31).subList(1, 3))).isNull();
  }

  @Test
  void replacesWhatStandsBetweenTheMarkersAndNothingElse() {
    String filled =
        Report.fill(
            "before\n<!-- bench: w -->\nold\n<!-- /bench -->\nafter\n",
            results(figures(30, 20, 60)));

    assertThat(filled)
        .isEqualTo(
            """
            before
            <!-- bench: w -->

            **Some work**. Target: floor + 10 ns and ahead of Peer: met.

            | contender | result | to Sluice |
            |---|---:|---:|
            | sluice, a | 30.0 ± 0.5 ns/op |  |
            | floor: a clock | 20.0 ns/op | 0.67 x |
            | Peer 1.2 | 60.0 ns/op | 2.00 x |

            <!-- /bench -->
            after
            """);
    assertThat(Report.fill(filled, results(figures(30, 20, 60)))).isEqualTo(filled);
  }

  @Test
  void showsAMissedTargetInBoldAndTheBestPeerThatIsNoFloor() {
    assertThat(
            Report.fill("<!-- bench: targets w -->\n<!-- /bench -->", results(figures(50, 20, 40))))
        .contains(
            "| some work | 50.0 ± 0.5 ns/op | 40.0 ns/op (Peer) | floor + 10 ns and ahead of Peer |"
                + " **missed** |");
  }

  @Test
  void refusesToLeaveOutAWorkThatWasMeasured() {
    assertThatThrownBy(() ->
            Report.fill("<!-- bench: machine -->\n<!-- /bench -->", results(figures(1, 2, 3))))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("[w]");
  }

  @Test
  void readsWhatWasWritten(@TempDir Path folder) throws IOException {
    Results written = results(figures(30, 20, 31));
    written.write(folder.resolve("new").resolve("figures.json"));

    assertThat(Results.read(folder.resolve("new").resolve("figures.json"))).isEqualTo(written);
  }

  @Test
  void saysWhatIsWrongWithAFileThatIsNone(@TempDir Path folder) throws IOException {
    Path file = Files.writeString(folder.resolve("figures.json"), "[1");

    assertThatThrownBy(() -> Results.read(file))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("is not what bench/run --json writes");
  }

  @Test
  void theDocumentHasAPlaceForEachWork() throws IOException {
    List<String> works =
        new ArrayList<>(
            List.of(
                "machine",
                "targets",
                "streams-machine",
                "streams-targets",
                "journal-machine",
                "journal-targets"));
    works.addAll(Bench.names(Bench.all()));

    assertThat(Report.named(Files.readString(DOCUMENT))).containsExactlyInAnyOrderElementsOf(works);
  }

  @Test
  void aBarInTheCommandEndsNoCell() {
    Results results = new Results(Map.of("command", "bench/run --only 'a|b'"), List.of());

    assertThat(Report.fill("<!-- bench: machine -->\n<!-- /bench -->", results))
        .contains("| command | bench/run --only 'a\\|b' |");
  }

  @Test
  void leavesTheTablesOfTheOtherSuiteAsTheyAre() {
    String document =
        "<!-- bench: streams-machine -->\nold\n<!-- /bench -->\n"
            + "<!-- bench: stream-cpu -->\nold\n<!-- /bench -->\n";

    assertThat(
            Report.fill(
                document + "<!-- bench: w -->\n<!-- /bench -->", results(figures(30, 20, 60))))
        .startsWith(document);
  }

  @ParameterizedTest
  @ValueSource(strings = {"performance.json", "streams.json", "journal.json"})
  void theDocumentsTablesAreThoseOfTheFigures(String file) throws IOException {
    Path figures = DOCUMENT.resolveSibling(file);
    assumeTrue(Files.exists(figures), "no figures are recorded yet");
    String document = Files.readString(DOCUMENT);

    assertThat(Report.fill(document, Results.read(figures)))
        .as("run bench/report")
        .isEqualTo(document);
  }

  @Test
  void theGuidesTablesAreThoseOfTheFigures() throws IOException {
    Path figures = DOCUMENT.resolveSibling("streams.json");
    assumeTrue(Files.exists(figures), "no figures are recorded yet");
    String guide = Files.readString(Path.of("..", "docs", "guides", "from-fabric8-informer.md"));

    assertThat(Report.excerpt(guide, Results.read(figures)))
        .as("run bench/report")
        .isEqualTo(guide);
  }

  @Test
  void anExcerptNeedNotHaveAPlaceForEachWork() {
    assertThat(Report.excerpt("No place.\n", results(figures(30, 20, 60))))
        .isEqualTo("No place.\n");
  }
}
