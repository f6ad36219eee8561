package dev.sluice.cli;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class SluiceTest {
  @Test
  void alonePrintsItsHelp() {
    Run run = Run.of();

    assertThat(run.exitCode()).isZero();
    assertThat(run.out()).contains("Usage: sluice").contains("Exit codes:");
    assertThat(run.err()).isEmpty();
  }

  @Test
  void helpNamesEveryExitCode() {
    Run run = Run.of("--help");

    for (ExitCode code : ExitCode.values()) {
      assertThat(run.out()).containsPattern("(?m)^ +" + code.code() + " ");
    }
  }

  @Test
  void saysItsVersionAndThatOfJava() {
    assertThat(Run.of("--version").out()).startsWith("sluice ").contains(", Java ");
  }

  @Test
  void anUnknownOptionIsAUsageErrorThatNamesIt() {
    Run run = Run.of("--colour");

    assertThat(run.exitCode()).isEqualTo(ExitCode.USAGE.code());
    assertThat(run.out()).isEmpty();
    assertThat(run.err()).startsWith("error: Unknown option: '--colour'");
  }
}
