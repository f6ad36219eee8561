package dev.sluice.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

class OutputTest {
  @Test
  void writesUtf8AndSaysThatItIsRead() {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    Output out = new Output(bytes);

    out.append("grün 🚰\n");

    assertThat(Output.readerHasGone(out)).isFalse();
    assertThat(bytes.toString(StandardCharsets.UTF_8)).isEqualTo("grün 🚰\n");
  }

  @Test
  void aClosedPipeIsAReaderThatHasGone() {
    Output out = failing("Broken pipe");

    out.append("x");

    assertThat(Output.readerHasGone(out)).isTrue();
  }

  @Test
  void aFullDiskIsTrouble() {
    Output out = failing("No space left on device");

    out.append("x");

    assertThatThrownBy(() -> Output.readerHasGone(out))
        .isInstanceOf(Trouble.class)
        .hasMessage("cannot write to standard output: No space left on device");
  }

  private static Output failing(String why) {
    return new Output(
        new OutputStream() {
          @Override
          public void write(int b) throws IOException {
            throw new IOException(why);
          }
        });
  }
}
