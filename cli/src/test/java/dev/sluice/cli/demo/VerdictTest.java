package dev.sluice.cli.demo;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class VerdictTest {
  @Test
  void holdsWhenEveryCheckDoes() {
    Verdict verdict =
        Verdict.heldBy("a bucket").check(true, "no").shown(true, "no").figure("%,d", 1_000).build();

    assertThat(verdict).isEqualTo(new Verdict(Verdict.Outcome.HELD, "a bucket", "1,000"));
  }

  @Test
  void whatDidNotHoldStandsFirst() {
    Verdict verdict =
        Verdict.heldBy("a bucket")
            .figure("3 cuts")
            .shown(false, "the server was too slow")
            .check(false, "%d lists", 2)
            .build();

    assertThat(verdict.outcome()).isEqualTo(Verdict.Outcome.FAILED);
    assertThat(verdict.figures()).isEqualTo("2 lists; the server was too slow; 3 cuts");
  }

  @Test
  void whatDidNotComeAboutIsNotShown() {
    Verdict verdict = Verdict.heldBy("a bucket").shown(false, "no stream was cut").build();

    assertThat(verdict.outcome()).isEqualTo(Verdict.Outcome.NOT_SHOWN);
  }
}
