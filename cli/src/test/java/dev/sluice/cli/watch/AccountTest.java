package dev.sluice.cli.watch;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.kube.StopCause;
import dev.sluice.kube.StreamStatus;
import dev.sluice.kube.StreamStatus.Counts;
import dev.sluice.kube.StreamStatus.Phase;
import dev.sluice.kube.StreamStop;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class AccountTest {
  private static final Instant NOON = Instant.parse("2026-01-02T12:00:00Z");

  private final StringWriter text = new StringWriter();
  private final List<StreamStop> stops = new ArrayList<>();
  private Instant now = NOON;
  private final Account account =
      new Account(new PrintWriter(text), "pods in default", () -> now, ZoneOffset.UTC);

  @Test
  void tellsOnceThatTheListIsThere() {
    account.look(status(Phase.LISTING, false, 0));
    account.look(status(Phase.WATCHING, true, 1));
    account.look(status(Phase.WATCHING, true, 1));

    assertThat(text).hasToString("12:00:00 pods in default: 3 objects at version 70; watching\n");
  }

  @Test
  void tellsWhyTheStreamStoppedAndThatItIsBack() {
    account.look(status(Phase.WATCHING, true, 1));
    stop(StopCause.EOF, "", "resume after 70 in 90 ms");
    account.look(status(Phase.BACKING_OFF, true, 1));
    assertThat(account.interrupted()).isTrue();
    now = now.plus(Duration.ofMillis(800));
    account.look(status(Phase.WATCHING, true, 2));

    assertThat(lines())
        .endsWith(
            "12:00:00 stream stopped: eof (the server closed the stream before its deadline);"
                + " next: resume after 70 in 90 ms",
            "12:00:00 watching again after 800 ms");
    assertThat(account.interrupted()).isFalse();
    assertThat(account.reconnects()).isEqualTo(1);
  }

  @Test
  void doesNotClaimToBeBackBeforeAWatchWasOpened() {
    account.look(status(Phase.WATCHING, true, 1));
    stop(StopCause.RESET, "Connection reset", "probe");
    account.look(status(Phase.WATCHING, true, 1));

    assertThat(account.interrupted()).isTrue();
    assertThat(text.toString()).contains("Connection reset").doesNotContain("again");
  }

  @Test
  void missesNoStopWhenItLooksLate() {
    account.look(status(Phase.WATCHING, true, 1));
    stop(StopCause.RESET, "", "probe");
    stop(StopCause.UNREACHABLE, "", "probe");
    stop(StopCause.EXPIRED, "", "list again");
    account.look(status(Phase.WATCHING, true, 2));

    assertThat(lines().stream().filter(line -> line.contains("stopped")))
        .extracting(line -> line.replaceAll(".*stopped: (\\S+) .*", "$1"))
        .containsExactly("reset", "unreachable", "expired");
    assertThat(account.reconnects()).isEqualTo(1);
  }

  @Test
  void aGateThatIsFullTimeAndAgainIsToldOnceInTenSeconds() {
    account.look(status(Phase.WATCHING, true, 1));
    for (int i = 1; i <= 20; i++) {
      now = now.plusSeconds(1);
      stop(StopCause.GATE_PAUSED, "", "resume when the gate has drained");
      account.look(status(Phase.HELD, true, i));
      account.look(status(Phase.WATCHING, true, i + 1));
    }

    assertThat(lines().stream().filter(line -> line.contains("gate-paused"))).hasSize(2);
    assertThat(account.reconnects()).isEqualTo(20);
  }

  @Test
  void tellsThatABlockedStreamIsNotRead() {
    account.look(status(Phase.WATCHING, true, 1));
    account.look(status(Phase.HELD, true, 1));
    account.look(status(Phase.HELD, true, 1));

    assertThat(lines().stream().filter(line -> line.contains("the gate is full"))).hasSize(1);
  }

  @Test
  void saysNothingOfItsOwnEnd() {
    stop(StopCause.CLOSED, "", "");
    account.look(status(Phase.CLOSED, true, 1));

    assertThat(text.toString()).doesNotContain("closed");
  }

  @Test
  void saysDurationsAsPeopleDo() {
    assertThat(Account.words(Duration.ofMillis(12))).isEqualTo("12 ms");
    assertThat(Account.words(Duration.ofMillis(1234))).isEqualTo("1.2 s");
    assertThat(Account.words(Duration.ofSeconds(303))).isEqualTo("5 min 3 s");
    assertThat(Account.words(Duration.ofMinutes(150))).isEqualTo("2 h 30 min");
  }

  private List<String> lines() {
    return text.toString().lines().toList();
  }

  private void stop(StopCause cause, String detail, String next) {
    stops.add(0, new StreamStop(now, cause, detail, next));
  }

  private StreamStatus status(Phase phase, boolean synced, long watches) {
    return new StreamStatus(
        "pods",
        phase,
        now,
        synced,
        synced ? Optional.of("70") : Optional.empty(),
        Optional.empty(),
        3,
        new Counts(1, watches, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0),
        Map.of(),
        Map.of(),
        List.copyOf(stops),
        List.of(),
        List.of(),
        Optional.empty(),
        List.of(),
        synced,
        Optional.empty(),
        true);
  }
}
