package dev.sluice.cli.demo;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;

class ScreenTest {
  private final StringWriter lines = new StringWriter();
  private final Screen plain = new PlainScreen(new PrintWriter(lines));
  private final FakeTerminal terminal = new FakeTerminal();
  private Terminal.Size size = new Terminal.Size(100, 30);
  private final Screen live = new LiveScreen(terminal.writer(), () -> size, true, "200/s + 50");

  @Test
  void plainLinesShowRatesOfWhatHappenedSinceTheLastOne() {
    plain.say("burst: many changes");
    plain.show(reading(0, 0));
    plain.show(reading(1, 900));
    plain.show(reading(2, 2_000));

    assertThat(lines.toString().lines())
        .containsExactly(
            "burst: many changes",
            "   2.0s  changes  1,000/s  events  2,000/s  reconciles    500/s  writes  200/s"
                + "  queue  1,234  coalesced   1,500  watching at 77",
            "          PAUSE holds 12");
  }

  @Test
  void aLiveScreenIsDrawnInPlace() {
    live.show(reading(0, 0));
    List<String> first = terminal.lines();
    live.show(reading(1, 1_000));
    live.show(reading(2, 2_000));

    assertThat(terminal.lines()).hasSameSizeAs(first);
    assertThat(String.join("\n", terminal.lines()))
        .contains("  2.0 s  1/5 burst: many changes")
        .containsPattern("changes +1,000/s +\\S* +2,000")
        .containsPattern("writes +200/s +\\S* +400, limit 200/s \\+ 50")
        .containsPattern("queue +1,234 +\\S+ +keys wait")
        .containsPattern("stream +watching at 77")
        .containsPattern("stops +reset 3, idle 1")
        .contains("PAUSE holds 12");
  }

  @Test
  void whatIsSaidStaysAboveTheDrawing() {
    live.show(reading(0, 0));
    live.say("first");
    live.show(reading(1, 1_000));
    live.say("second");

    assertThat(terminal.lines()).startsWith("first", "second");
    assertThat(terminal.lines().stream().filter(line -> line.startsWith("stream"))).hasSize(1);
  }

  @Test
  void noLineOfTheDrawingReachesTheEdgeWhereItWouldWrap() {
    for (int columns = 10; columns <= 140; columns += 10) {
      size = new Terminal.Size(columns, 30);
      FakeTerminal narrow = new FakeTerminal();
      Screen screen = new LiveScreen(narrow.writer(), () -> size, true, "200/s + 50");
      for (int second = 0; second < 120; second += 10) {
        screen.show(reading(second, second * 1_000));
      }
      assertThat(narrow.widest()).isLessThan(columns);
    }
  }

  @Test
  void aTerminalWithFewRowsGetsTheFirstOnes() {
    size = new Terminal.Size(100, 5);
    live.show(reading(0, 0));
    live.show(reading(1, 1_000));

    assertThat(terminal.lines()).hasSize(5);
  }

  @Test
  void closingErasesTheDrawingAndGivesTheCursorBack() {
    live.show(reading(0, 0));
    assertThat(terminal.showsCursor()).isFalse();

    live.close();
    live.say("the table");
    live.show(reading(1, 1));

    assertThat(terminal.showsCursor()).isTrue();
    assertThat(terminal.lines()).containsExactly("the table", "");
  }

  @Test
  void aTerminalThatDoesNotTellItsSizeIsTakenForTheUsualOne() {
    assertThat(Terminal.parse("50 132\n")).isEqualTo(new Terminal.Size(132, 50));
    assertThat(Terminal.parse("0 0\n")).isEqualTo(new Terminal.Size(80, 24));
    assertThat(Terminal.parse("stty: not a terminal")).isEqualTo(new Terminal.Size(80, 24));
    assertThat(Terminal.parse("999999999999 1")).isEqualTo(new Terminal.Size(80, 24));
  }

  private static Reading reading(int second, long changes) {
    return new Reading(
        Duration.ofSeconds(second),
        "1/5 burst",
        "many changes",
        changes,
        changes * 2,
        changes / 2,
        changes / 5,
        1_500,
        1_234,
        "watching at 77",
        "reset 3, idle 1",
        List.of("PAUSE holds 12"));
  }
}
