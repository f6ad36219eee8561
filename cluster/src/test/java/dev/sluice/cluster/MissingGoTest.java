package dev.sluice.cluster;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.fail;
import static org.junit.platform.engine.discovery.DiscoverySelectors.selectClass;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.platform.testkit.engine.EngineTestKit;
import org.junit.platform.testkit.engine.Event;
import org.junit.platform.testkit.engine.Events;

/** What happens where there is no Go. Needs none itself. */
class MissingGoTest {

  /** Found by no build: its name does not end in Test. */
  @RealApiServer
  static class Sample {
    @BeforeAll
    static void needsTheCluster(RealCluster cluster) {
      fail("got a cluster at %s", cluster.url());
    }

    @Test
    void first(RealCluster cluster) {
      fail("got a cluster at %s", cluster.url());
    }

    @Nested
    class Inner {
      @Test
      void second(RealCluster cluster) {
        fail("got a cluster at %s", cluster.url());
      }
    }
  }

  @Test
  void skipsTheClassWithTheReason() {
    Events events = runWithoutGo();

    List<String> reasons =
        events.skipped().stream()
            .map(event -> event.getRequiredPayload(String.class))
            .distinct()
            .toList();
    assertThat(reasons)
        .singleElement()
        .asString()
        .contains("Go is not on the PATH", "https://go.dev/dl/");
  }

  @Test
  void failsAndRunsNothing() {
    Events events = runWithoutGo();

    assertThat(events.failed().count()).isZero();
    assertThat(events.succeeded().stream().map(Event::getTestDescriptor))
        .noneMatch(descriptor -> descriptor.isTest());
  }

  @Test
  void findsGoInAnyDirectoryOfThePath(@TempDir Path directory) throws IOException {
    Path go = Files.createFile(directory.resolve("go"));
    assertThat(go.toFile().setExecutable(true)).isTrue();

    assertThat(Toolchain.whatIsMissing("/nowhere::" + directory)).isEmpty();
  }

  @Test
  void takesADirectoryNamedGoForNoProgram(@TempDir Path directory) throws IOException {
    Files.createDirectory(directory.resolve("go"));

    assertThat(Toolchain.whatIsMissing(directory.toString())).isPresent();
  }

  private static Events runWithoutGo() {
    return EngineTestKit.engine("junit-jupiter")
        .configurationParameter(RealApiServerExtension.PATH, "")
        .selectors(selectClass(Sample.class))
        .execute()
        .allEvents();
  }
}
