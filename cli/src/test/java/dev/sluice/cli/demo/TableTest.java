package dev.sluice.cli.demo;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

class TableTest {
  private final Table table =
      new Table("incident", "", "figures")
          .row("burst", "held", "20,000 changes in 20.1 s; 4,000 writes meanwhile; 3 lists")
          .row("429", "FAILED", "none");

  @Test
  void standsOnOneLineEachWhereThereIsRoom() {
    assertThat(table.lines(100))
        .containsExactly(
            "incident          figures",
            "--------  ------  ---------------------------------------------------------",
            "burst     held    20,000 changes in 20.1 s; 4,000 writes meanwhile; 3 lists",
            "429       FAILED  none");
  }

  @Test
  void wrapsTheWidestColumnAtWords() {
    assertThat(table.lines(50))
        .containsExactly(
            "incident          figures",
            "--------  ------  --------------------------------",
            "burst     held    20,000 changes in 20.1 s; 4,000",
            "                  writes meanwhile; 3 lists",
            "429       FAILED  none");
  }

  @Test
  void noLineIsWiderThanTheTerminal() {
    for (int width = 40; width < 120; width++) {
      int most = width;
      assertThat(table.lines(width)).allMatch(line -> line.length() <= most);
    }
  }

  @Test
  void aTerminalThatIsTooNarrowGetsColumnsOfTheirLeastWidth() {
    assertThat(table.lines(3)).allMatch(line -> line.length() <= 8 + 2 + 6 + 2 + 12);
  }

  @Test
  void aRowWithTooFewCellsIsRefused() {
    assertThatThrownBy(() -> table.row("one", "two"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("3 cells, not 2");
  }
}
