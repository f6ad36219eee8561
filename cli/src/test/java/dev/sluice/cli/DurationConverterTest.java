package dev.sluice.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class DurationConverterTest {
  private final DurationConverter converter = new DurationConverter();

  @ParameterizedTest
  @CsvSource({
    "30s, PT30S",
    "500ms, PT0.5S",
    "1m30s, PT1M30S",
    "2h, PT2H",
    "1h1m1s1ms, PT1H1M1.001S"
  })
  void readsWhatPeopleWrite(String text, Duration duration) {
    assertThat(converter.convert(text)).isEqualTo(duration);
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "30", "s", "-5s", "1.5s", "1d", "30 s", "99999999999s"})
  void saysWhatADurationLooksLike(String text) {
    assertThatThrownBy(() -> converter.convert(text))
        .hasMessageContaining("'" + text + "'")
        .hasMessageContaining("30s");
  }

  @Test
  void refusesNoTimeAtAll() {
    assertThatThrownBy(() -> converter.convert("0s")).hasMessageContaining("more than zero");
  }
}
