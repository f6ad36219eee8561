package dev.sluice.flow;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import dev.sluice.flow.CircuitBreaker.Permit;
import dev.sluice.flow.CircuitBreaker.Refused;
import dev.sluice.flow.CircuitBreaker.Snapshot;
import dev.sluice.flow.CircuitBreaker.State;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.jetbrains.lincheck.datastructures.ModelCheckingOptions;
import org.jetbrains.lincheck.datastructures.Operation;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

class CircuitBreakerTest {
  private static final Instant NOW = Instant.parse("2026-11-22T12:00:00Z");

  private final VirtualTime time = new VirtualTime(Long.MAX_VALUE - 7_000_000_000L);
  private final List<String> events = new ArrayList<>();

  private CircuitBreaker.Builder builder() {
    return CircuitBreaker.builder()
        .name("billing")
        .time(time)
        .listener(event -> {
          if (event instanceof FlowEvent.StateChanged change) {
            events.add(change.from() + " -> " + change.to() + ": " + change.cause());
          }
        });
  }

  private static Permit permit(CircuitBreaker breaker) {
    assertThat(breaker.tryEnter()).isInstanceOf(Permit.class);
    return (Permit) breaker.tryEnter();
  }

  private static void fail(CircuitBreaker breaker, int times) {
    for (int i = 0; i < times; i++) {
      ((Permit) breaker.tryEnter()).failed();
    }
  }

  private static void succeed(CircuitBreaker breaker, int times) {
    for (int i = 0; i < times; i++) {
      ((Permit) breaker.tryEnter()).succeeded();
    }
  }

  @Test
  void opensAfterSoManyFailuresInARow() {
    CircuitBreaker breaker = builder().consecutiveFailures(3).build();
    fail(breaker, 2);
    succeed(breaker, 1);
    fail(breaker, 2);
    assertThat(breaker.state()).isEqualTo(State.CLOSED);
    fail(breaker, 1);
    assertThat(breaker.state()).isEqualTo(State.OPEN);
    assertThat(breaker.tryEnter()).isEqualTo(new Refused(Duration.ofSeconds(5), "circuit-open"));
    assertThat(events).containsExactly("closed -> open: consecutive-failures");
  }

  @Test
  void opensAtARateOfFailures() {
    CircuitBreaker breaker =
        builder().consecutiveFailures(0).failureRate(0.5, Duration.ofSeconds(10), 20).build();
    for (int i = 0; i < 9; i++) {
      fail(breaker, 1);
      succeed(breaker, 1);
    }
    succeed(breaker, 1);
    assertThat(breaker.state()).as("9 of 19").isEqualTo(State.CLOSED);
    fail(breaker, 1);
    assertThat(breaker.state()).as("10 of 20").isEqualTo(State.OPEN);
    assertThat(events).containsExactly("closed -> open: failure-rate");
  }

  @Test
  void forgetsCallsThatLieBeforeTheWindow() {
    CircuitBreaker breaker =
        builder().consecutiveFailures(0).failureRate(0.5, Duration.ofSeconds(10), 10).build();
    fail(breaker, 9);
    time.advance(Duration.ofSeconds(11));
    succeed(breaker, 1);
    fail(breaker, 1);
    assertThat(breaker.state()).isEqualTo(State.CLOSED);
    time.advance(Duration.ofDays(3650));
    fail(breaker, 9);
    assertThat(breaker.state()).isEqualTo(State.CLOSED);
  }

  @Test
  void letsAFewProbesGoWhenItsTimeIsOver() {
    CircuitBreaker breaker = builder().consecutiveFailures(1).probes(2).build();
    fail(breaker, 1);
    time.advance(Duration.ofSeconds(5));
    Permit first = (Permit) breaker.tryEnter();
    Permit second = (Permit) breaker.tryEnter();
    assertThat(breaker.tryEnter())
        .isEqualTo(new Refused(Duration.ofSeconds(5), "circuit-half-open"));
    assertThat(breaker.state()).isEqualTo(State.HALF_OPEN);
    first.succeeded();
    assertThat(breaker.state()).isEqualTo(State.CLOSED);
    second.failed();
    assertThat(breaker.state()).as("began before it closed").isEqualTo(State.CLOSED);
    assertThat(events)
        .containsExactly(
            "closed -> open: consecutive-failures",
            "open -> half-open: open-time-over",
            "half-open -> closed: probe-succeeded");
  }

  @Test
  void closesAfterAsManySuccessesAsAsked() {
    CircuitBreaker breaker = builder().consecutiveFailures(1).successesToClose(3).build();
    fail(breaker, 1);
    time.advance(Duration.ofSeconds(5));
    succeed(breaker, 2);
    assertThat(breaker.state()).isEqualTo(State.HALF_OPEN);
    succeed(breaker, 1);
    assertThat(breaker.state()).isEqualTo(State.CLOSED);
  }

  @Test
  void staysOpenLongerEachTimeAProbeFails() {
    CircuitBreaker breaker =
        builder()
            .consecutiveFailures(1)
            .openFor(Backoff.exponential(Duration.ofSeconds(1), 2, Duration.ofSeconds(3)))
            .build();
    fail(breaker, 1);
    for (int seconds : new int[] {1, 2, 3, 3}) {
      assertThat(((Refused) breaker.tryEnter()).retryAfter())
          .isEqualTo(Duration.ofSeconds(seconds));
      time.advance(Duration.ofSeconds(seconds));
      fail(breaker, 1);
    }
    time.advance(Duration.ofSeconds(3));
    succeed(breaker, 1);
    fail(breaker, 1);
    assertThat(((Refused) breaker.tryEnter()).retryAfter()).isEqualTo(Duration.ofSeconds(1));
  }

  @Test
  void aProbeThatIsLostDoesNotBlockTheNext() {
    CircuitBreaker breaker = builder().consecutiveFailures(1).build();
    fail(breaker, 1);
    time.advance(Duration.ofSeconds(5));
    Permit lost = (Permit) breaker.tryEnter();
    time.advance(Duration.ofSeconds(5));
    Permit next = (Permit) breaker.tryEnter();
    lost.failed();
    assertThat(breaker.state()).as("it was given up").isEqualTo(State.HALF_OPEN);
    next.succeeded();
    assertThat(breaker.state()).isEqualTo(State.CLOSED);
  }

  @Test
  void anIgnoredProbeFreesItsPlace() {
    CircuitBreaker breaker = builder().consecutiveFailures(1).build();
    fail(breaker, 1);
    time.advance(Duration.ofSeconds(5));
    ((Permit) breaker.tryEnter()).ignored();
    assertThat(breaker.tryEnter()).isInstanceOf(Permit.class);
  }

  @Test
  void aPermitEndsOnce() {
    CircuitBreaker breaker = builder().build();
    Permit permit = permit(breaker);
    permit.succeeded();
    assertThatIllegalStateException()
        .isThrownBy(permit::failed)
        .withMessageContaining("'billing'")
        .withMessageContaining("twice");
  }

  @Test
  void callsCountTheirExceptionsAndRefuseWhenOpen() throws Exception {
    CircuitBreaker breaker = builder().consecutiveFailures(1).build();
    assertThat(breaker.call(() -> "fine")).isEqualTo("fine");
    assertThatExceptionOfType(InterruptedException.class)
        .isThrownBy(() ->
            breaker.call(() -> {
              throw new InterruptedException();
            }));
    assertThat(breaker.state()).as("an interrupt says nothing").isEqualTo(State.CLOSED);
    assertThatExceptionOfType(IOException.class)
        .isThrownBy(() ->
            breaker.call(() -> {
              throw new IOException("down");
            }));
    assertThatExceptionOfType(CircuitBreaker.OpenException.class)
        .isThrownBy(() -> breaker.call(() -> "never"))
        .withMessageContaining("'billing'")
        .satisfies(e -> assertThat(e.refused().retryAfter()).isEqualTo(Duration.ofSeconds(5)));
  }

  @Test
  void itsStateOutlivesARestart() {
    CircuitBreaker before = builder().consecutiveFailures(1).build();
    fail(before, 1);
    time.advance(Duration.ofSeconds(2));
    Snapshot snapshot = before.snapshot(NOW);
    assertThat(snapshot).isEqualTo(new Snapshot(State.OPEN, NOW.plusSeconds(3), 1, 0));

    CircuitBreaker after = builder().consecutiveFailures(1).build();
    after.restore(snapshot, NOW.plusSeconds(1));

    assertThat(((Refused) after.tryEnter()).retryAfter()).isEqualTo(Duration.ofSeconds(2));
    assertThat(events).last().isEqualTo("closed -> open: restored");
  }

  @Test
  void aRestoredStateIsNotHeldOpenByAClockSetWrong() {
    CircuitBreaker breaker = builder().consecutiveFailures(1).build();
    breaker.restore(new Snapshot(State.OPEN, NOW.plusSeconds(1_000_000), 1, 0), NOW);
    assertThat(((Refused) breaker.tryEnter()).retryAfter()).isEqualTo(Duration.ofSeconds(5));
    breaker.restore(new Snapshot(State.OPEN, NOW.minusSeconds(1_000_000), 1, 0), NOW);
    assertThat(breaker.tryEnter()).isInstanceOf(Permit.class);
    breaker.restore(new Snapshot(State.OPEN, null, 1, 0), NOW);
    assertThat(((Refused) breaker.tryEnter()).retryAfter()).isEqualTo(Duration.ofSeconds(5));
  }

  @Test
  void restoresHowManyFailuresThereWereInARow() {
    CircuitBreaker breaker = builder().consecutiveFailures(3).build();
    breaker.restore(new Snapshot(State.CLOSED, null, 2, 0), NOW);
    fail(breaker, 1);
    assertThat(breaker.state()).isEqualTo(State.OPEN);
  }

  @Test
  void canBeOpenedAndClosedByHand() {
    CircuitBreaker breaker = builder().build();
    Permit before = permit(breaker);
    breaker.forceOpen();
    assertThat(breaker.tryEnter()).isInstanceOf(Refused.class);
    breaker.forceClosed();
    before.failed();
    assertThat(breaker.snapshot(NOW)).isEqualTo(new Snapshot(State.CLOSED, null, 0, 0));
  }

  @Test
  void aListenerThatThrowsDisturbsNothing() {
    CircuitBreaker breaker =
        CircuitBreaker.builder()
            .time(time)
            .consecutiveFailures(1)
            .listener(event -> {
              throw new IllegalStateException("the listener's own failure");
            })
            .build();
    fail(breaker, 1);
    assertThat(breaker.tryEnter()).isInstanceOf(Refused.class);
  }

  @Test
  void refusesWhatMakesNoSense() {
    assertThatIllegalArgumentException().isThrownBy(() -> builder().consecutiveFailures(-1));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> builder().consecutiveFailures(0).build())
        .withMessageContaining("billing");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> builder().failureRate(1.5, Duration.ofSeconds(1), 1))
        .withMessageContaining("1.5");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> builder().failureRate(Double.NaN, Duration.ofSeconds(1), 1));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> builder().failureRate(0.5, Duration.ZERO, 1));
    assertThatIllegalArgumentException().isThrownBy(() -> builder().probes(0));
    assertThatIllegalArgumentException().isThrownBy(() -> builder().successesToClose(0));
    assertThatIllegalArgumentException().isThrownBy(() -> builder().openFor(Duration.ZERO));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new Snapshot(State.OPEN, null, -1, 0))
        .withMessageContaining("-1");
  }

  @Test
  @Tag("minutes")
  void everyInterleavingIsLinearizable() {
    new ModelCheckingOptions()
        .iterations(5)
        .threads(2)
        .actorsPerThread(3)
        .actorsBefore(2)
        .actorsAfter(2)
        .invocationsPerIteration(100)
        .check(Scenario.class);
  }

  @Test
  @Tag("long")
  void everyInterleavingOfLongerHistoriesIsLinearizable() {
    new ModelCheckingOptions()
        .iterations(200)
        .threads(3)
        .actorsPerThread(4)
        .actorsBefore(3)
        .invocationsPerIteration(5000)
        .check(Scenario.class);
  }

  public static class Scenario {
    private final VirtualTime time = new VirtualTime();
    private final CircuitBreaker breaker =
        CircuitBreaker.builder()
            .time(time)
            .consecutiveFailures(2)
            .failureRate(0.5, Duration.ofSeconds(10), 4)
            .openFor(Duration.ofSeconds(1))
            .build();
    private final @Nullable Permit[] permits = new @Nullable Permit[2];

    private String enter(int slot) {
      return switch (breaker.tryEnter()) {
        case Permit permit -> {
          permits[slot] = permit;
          yield "permit";
        }
        case Refused refused -> refused.cause();
      };
    }

    private String end(int slot, boolean success) {
      Permit permit = permits[slot];
      permits[slot] = null;
      if (permit == null) {
        return "none";
      }
      if (success) {
        permit.succeeded();
      } else {
        permit.failed();
      }
      return "ended";
    }

    @Operation(nonParallelGroup = "one")
    public String enterOne() {
      return enter(0);
    }

    @Operation(nonParallelGroup = "one")
    public String succeedOne() {
      return end(0, true);
    }

    @Operation(nonParallelGroup = "one")
    public String failOne() {
      return end(0, false);
    }

    @Operation(nonParallelGroup = "two")
    public String enterTwo() {
      return enter(1);
    }

    @Operation(nonParallelGroup = "two")
    public String failTwo() {
      return end(1, false);
    }

    @Operation
    public State state() {
      return breaker.state();
    }

    @Operation(nonParallelGroup = "one")
    public void timeGoes() {
      time.advanceNanos(1_000_000_000L);
    }
  }
}
