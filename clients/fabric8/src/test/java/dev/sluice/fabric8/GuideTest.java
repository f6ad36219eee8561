package dev.sluice.fabric8;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** What the guide prints compiles, and runs in {@link RealServerTest}. */
class GuideTest {
  private static final Path BASE = Path.of(System.getProperty("sluice.basedir"));

  @Test
  void theGuidesCodeIsTheExamplesCode() throws IOException {
    List<String> blocks =
        Pattern.compile("```java\n(.*?)```", Pattern.DOTALL)
            .matcher(Files.readString(BASE.resolve("docs/guides/fabric8.md")))
            .results()
            .map(block -> block.group(1))
            .toList();
    String example =
        Files.readString(
            BASE.resolve("clients/fabric8/src/test/java/dev/sluice/fabric8/GuideExample.java"));
    assertThat(blocks).isNotEmpty();
    assertThat(blocks).allSatisfy(block -> assertThat(ink(example)).contains(ink(block)));
  }

  /** Without the white space, which is the formatter's affair. */
  private static String ink(String code) {
    return code.replaceAll("\\s+", "");
  }
}
