package dev.sluice.fabric8;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Pattern;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * What the README and the guides print compiles; the guides' code also runs, in {@link
 * RealServerTest}, {@link ControllerGuideTest} and {@link MigrationGuideTest}.
 */
class GuideTest {
  private static final Path BASE = Path.of(System.getProperty("sluice.basedir"));

  @ParameterizedTest
  @CsvSource({
    "README.md, ReadmeExample",
    "docs/guides/fabric8.md, GuideExample",
    "docs/guides/controller.md, ControllerGuideExample",
    "docs/guides/from-fabric8-informer.md, MigrationExample"
  })
  void theCodeOnThePageIsTheExamplesCode(String page, String example) throws IOException {
    List<String> blocks =
        Pattern.compile("```java\n(.*?)```", Pattern.DOTALL)
            .matcher(Files.readString(BASE.resolve(page)))
            .results()
            .map(block -> block.group(1))
            .toList();
    String code =
        Files.readString(
            BASE.resolve("clients/fabric8/src/test/java/dev/sluice/fabric8/" + example + ".java"));
    assertThat(blocks).isNotEmpty();
    assertThat(blocks).allSatisfy(block -> assertThat(ink(code)).contains(ink(block)));
  }

  /** Without the white space, which is the formatter's affair. */
  private static String ink(String code) {
    return code.replaceAll("\\s+", "");
  }
}
