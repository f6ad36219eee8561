package dev.sluice.fabric8;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** Each test that docs/faults.md names is there. */
class FaultsDocTest {
  private static final Path ROOT = Path.of("..", "..").toAbsolutePath().normalize();
  private static final Pattern NAMED = Pattern.compile("`(\\w+Test)\\.(\\w*)`");

  private final Map<String, String> sources = new HashMap<>();

  @Test
  void namesNoTestThatIsNotThere() throws IOException {
    for (String module : List.of("flow", "kube", "clients/fabric8", "cli")) {
      try (Stream<Path> files = Files.walk(ROOT.resolve(module).resolve("src/test/java"))) {
        for (Path file : files.filter(path -> path.toString().endsWith("Test.java")).toList()) {
          String name = file.getFileName().toString().replace(".java", "");
          sources.merge(name, Files.readString(file), String::concat);
        }
      }
    }
    List<String> missing = new ArrayList<>();
    int named = 0;
    Matcher tests = NAMED.matcher(Files.readString(ROOT.resolve("docs/faults.md")));
    while (tests.find()) {
      named++;
      if (!sources.getOrDefault(tests.group(1), "").contains(" void " + tests.group(2) + "(")) {
        missing.add(tests.group());
      }
    }
    assertThat(missing).isEmpty();
    assertThat(named).isGreaterThan(100);
  }
}
