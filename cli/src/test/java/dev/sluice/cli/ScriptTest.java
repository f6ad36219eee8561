package dev.sluice.cli;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.File;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.jar.JarEntry;
import java.util.jar.JarOutputStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/**
 * The script {@code sluice} in a checkout of its own, whose Maven is a stand-in that "builds" by
 * copying the class path of this test: a real build within the build would disturb it.
 */
@DisabledOnOs(value = OS.WINDOWS, disabledReason = "the script is for a POSIX shell")
class ScriptTest {
  private static final Path PROJECT = Path.of(System.getProperty("sluice.basedir", ".."));

  @TempDir private Path folder;
  private Path checkout = Path.of("");
  private String archive = "no"; // making one takes some seconds
  private final List<Process> started = new ArrayList<>();

  private record Ended(int exitCode, String out, String err) {}

  @BeforeEach
  void checkout() throws IOException {
    checkout = Files.createDirectory(folder.resolve("the checkout"));
    copy("sluice");
    copy(".mvn/jdk.sh");
    Files.createDirectories(checkout.resolve("cli/src/main/java"));
    Files.writeString(checkout.resolve("cli/src/main/java/Some.java"), "class Some {}");
    Files.writeString(checkout.resolve("cli/pom.xml"), "<project/>");
    maven(copyClassPath());
  }

  @AfterEach
  void endWhatRuns() {
    started.forEach(Process::destroyForcibly);
  }

  @Test
  void buildsOnFirstUseAndThenNoMore() throws Exception {
    Ended first = run("--version");
    Ended second = run("--version");

    assertThat(first.err()).startsWith("First use: building sluice");
    assertThat(first.out()).startsWith("sluice ");
    assertThat(first.exitCode()).isZero();
    assertThat(second.err()).isEmpty();
    assertThat(second.out()).isEqualTo(first.out());
  }

  @Test
  void buildsAgainWhenASourceIsNewerOrGone() throws Exception {
    run("--version");
    FileTime later = FileTime.from(Instant.now().plus(Duration.ofSeconds(5)));

    Files.setLastModifiedTime(checkout.resolve("cli/src/main/java/Some.java"), later);
    assertThat(run("--version").err()).startsWith("The sources have changed: building");
  }

  @Test
  void keepsAnArchiveOfItsClassesWithTheBuild() throws Exception {
    archive = "";

    Ended first = run("--version");
    Ended second = run("--version");

    assertThat(checkout.resolve("cli/target/sluice.jsa")).isNotEmptyFile();
    assertThat(first.err().lines()).hasSize(1);
    assertThat(second.err()).isEmpty();
    assertThat(second.out()).isEqualTo(first.out()).startsWith("sluice ");
  }

  @Test
  void aBuildThatFailsIsSaidWithItsErrors() throws Exception {
    maven("echo '[INFO] trying'; echo '[ERROR] Some.java: does not compile'; exit 1");

    Ended ended = run("--version");

    assertThat(ended.exitCode()).isEqualTo(ExitCode.SETUP.code());
    assertThat(ended.err())
        .contains("[ERROR] Some.java: does not compile")
        .contains("error: the build failed; all it said is in " + checkout.toRealPath())
        .doesNotContain("[INFO]");
    assertThat(ended.out()).isEmpty();
  }

  @Test
  void worksFromAnyFolderAndThroughLinks() throws Exception {
    Path links = Files.createDirectory(folder.resolve("links"));
    Files.createSymbolicLink(links.resolve("absolute"), checkout.resolve("sluice"));
    Files.createSymbolicLink(links.resolve("relative"), Path.of("absolute"));

    Ended ended = end(start(links, links.resolve("relative").toString(), "--version"));

    assertThat(ended.exitCode()).isZero();
    assertThat(ended.out()).startsWith("sluice ");
  }

  @Test
  void aJavaThatIsTooOldIsSaidInOneLine() throws Exception {
    Path jdk = checkout.resolve(".mvn/jdk.sh");
    Files.writeString(
        jdk, Files.readString(jdk).replace("sluice_jdk_minimum=21", "sluice_jdk_minimum=999"));

    Ended ended = run("--version");

    assertThat(ended.exitCode()).isEqualTo(ExitCode.SETUP.code());
    assertThat(ended.err().lines())
        .singleElement()
        .asString()
        .startsWith("error: Sluice needs a JDK (with javac) of release 999 or newer and found none")
        .contains("install one")
        .contains("JAVA_HOME");
  }

  @PressesCtrlC
  void watchesUntilCtrlCAndEndsWithASummary() throws Exception {
    try (FakeApiServer server = FakeApiServer.start()) {
      server.put("a");
      Process watching =
          start(
              folder,
              checkout.resolve("sluice").toString(),
              "watch",
              "cm",
              "--kubeconfig",
              server.kubeconfig(folder).toString());

      try (var lines = watching.inputReader(UTF_8)) {
        assertThat(lines.readLine()).isEqualTo("ADDED    default/a");
        new ProcessBuilder("kill", "-INT", String.valueOf(watching.pid())).start().waitFor();

        assertThat(watching.waitFor(60, TimeUnit.SECONDS)).isTrue();
        assertThat(watching.exitValue()).isZero();
      }
      assertThat(new String(watching.getErrorStream().readAllBytes(), UTF_8))
          .contains("wrote 1 added");
    }
  }

  private Ended run(String... args) throws Exception {
    List<String> command = new ArrayList<>(List.of(checkout.resolve("sluice").toString()));
    command.addAll(List.of(args));
    return end(start(checkout, command.toArray(String[]::new)));
  }

  private Process start(Path where, String... command) throws IOException {
    ProcessBuilder builder = new ProcessBuilder(command).directory(where.toFile());
    builder.environment().put("SLUICE_ARCHIVE", archive);
    Process process = builder.start();
    started.add(process);
    return process;
  }

  private static Ended end(Process process) throws Exception {
    String out = new String(process.getInputStream().readAllBytes(), UTF_8);
    String err = new String(process.getErrorStream().readAllBytes(), UTF_8);
    assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
    return new Ended(process.exitValue(), out, err);
  }

  private void copy(String file) throws IOException {
    Path target = checkout.resolve(file);
    Files.createDirectories(target.getParent());
    Files.copy(PROJECT.resolve(file), target);
    assertThat(target.toFile().setExecutable(true)).isTrue();
  }

  private void maven(String does) throws IOException {
    Path maven = checkout.resolve("mvnw");
    Files.writeString(maven, "#!/bin/sh\nset -e\nmkdir -p cli/target/lib\n" + does + "\n");
    assertThat(maven.toFile().setExecutable(true)).isTrue();
  }

  /** Copies the class path of this test as jars: those that are, and the rest packed. */
  private String copyClassPath() throws IOException {
    StringBuilder copies = new StringBuilder();
    int number = 0;
    for (String entry : System.getProperty("java.class.path").split(File.pathSeparator, -1)) {
      Path path = Path.of(entry).toAbsolutePath();
      String name = number++ + ".jar";
      if (Files.isDirectory(path)) {
        Path packed = folder.resolve(name);
        pack(path, packed);
        path = packed;
      }
      if (Files.exists(path)) {
        copies.append("cp '").append(path).append("' cli/target/lib/").append(name).append('\n');
      }
    }
    return copies.toString();
  }

  private static void pack(Path classes, Path jar) throws IOException {
    try (OutputStream out = Files.newOutputStream(jar);
        JarOutputStream packed = new JarOutputStream(out);
        Stream<Path> files = Files.walk(classes)) {
      for (Path file : files.filter(Files::isRegularFile).toList()) {
        packed.putNextEntry(new JarEntry(classes.relativize(file).toString().replace('\\', '/')));
        Files.copy(file, packed);
        packed.closeEntry();
      }
    }
  }
}
