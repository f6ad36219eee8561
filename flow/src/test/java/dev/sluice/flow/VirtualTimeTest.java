package dev.sluice.flow;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class VirtualTimeTest {
  private final VirtualTime time = new VirtualTime();
  private final List<String> ran = new ArrayList<>();

  private Runnable note(String name) {
    return () -> ran.add(name + "@" + time.nanoTime());
  }

  @Test
  void standsStillUntilItIsMoved() {
    assertThat(time.nanoTime()).isZero();
    time.advance(Duration.ofSeconds(1));

    assertThat(time.nanoTime()).isEqualTo(1_000_000_000L);
    assertThat(time.elapsed()).isEqualTo(Duration.ofSeconds(1));
  }

  @Test
  void runsEachTimerAtItsOwnInstantInOrder() {
    time.schedule(30, note("late"));
    time.schedule(10, note("early"));
    time.schedule(30, note("late too"));

    time.advanceNanos(100);

    assertThat(ran).containsExactly("early@10", "late@30", "late too@30");
    assertThat(time.nanoTime()).isEqualTo(100);
  }

  @Test
  void leavesTimersThatAreNotDueYet() {
    time.schedule(11, note("later"));

    time.advanceNanos(10);
    assertThat(ran).isEmpty();
    assertThat(time.pending()).isOne();

    time.advanceNanos(1);
    assertThat(ran).containsExactly("later@11");
    assertThat(time.pending()).isZero();
  }

  @Test
  void runsWhatIsDueNowWhenMovedByNothing() {
    time.schedule(0, note("now"));
    time.schedule(-5, note("overdue"));
    assertThat(ran).isEmpty();

    time.advanceNanos(0);

    assertThat(ran).containsExactly("now@0", "overdue@0");
  }

  @Test
  void runsTimersThatTimersSchedule() {
    time.schedule(
        10,
        () -> {
          note("first").run();
          time.schedule(10, note("second"));
          time.schedule(100, note("beyond"));
        });

    time.advanceNanos(50);

    assertThat(ran).containsExactly("first@10", "second@20");
    assertThat(time.pending()).isOne();
  }

  @Test
  void aTaskMayMoveTheTimeItself() {
    time.schedule(10, () -> time.advanceNanos(100));
    time.schedule(50, note("inner"));

    time.advanceNanos(20);

    assertThat(ran).containsExactly("inner@50");
    assertThat(time.nanoTime()).isEqualTo(110);
  }

  @Test
  void jumpsToTheNextTimer() {
    time.schedule(1_000, note("a"));
    time.schedule(2_000, note("b"));

    assertThat(time.advanceToNext()).isTrue();
    assertThat(time.nanoTime()).isEqualTo(1_000);
    assertThat(time.advanceToNext()).isTrue();
    assertThat(time.advanceToNext()).isFalse();
    assertThat(time.nanoTime()).isEqualTo(2_000);
    assertThat(ran).containsExactly("a@1000", "b@2000");
  }

  @Test
  void aCancelledTimerDoesNotRunAndIsReleased() {
    TimeSource.Timer timer = time.schedule(10, note("never"));

    assertThat(timer.cancel()).isTrue();
    assertThat(timer.cancel()).isFalse();
    assertThat(time.pending()).isZero();
    time.advanceNanos(20);

    assertThat(ran).isEmpty();
  }

  @Test
  void aTimerThatHasRunCannotBeCancelled() {
    TimeSource.Timer timer = time.schedule(10, note("ran"));
    time.advanceNanos(10);

    assertThat(timer.cancel()).isFalse();
  }

  @Test
  void givesWhatATaskThrowsToWhoeverMovesTheTimeAndKeepsTheOtherTimers() {
    time.schedule(
        10,
        () -> {
          throw new IllegalStateException("boom");
        });
    time.schedule(20, note("other"));

    assertThatThrownBy(() -> time.advanceNanos(100)).hasMessage("boom");
    assertThat(time.nanoTime()).isEqualTo(10);

    time.advanceNanos(90);
    assertThat(ran).containsExactly("other@20");
  }

  @ParameterizedTest
  @ValueSource(longs = {0, Long.MAX_VALUE, Long.MIN_VALUE, -1})
  void readsFromItsOriginAcrossTheWrapAround(long origin) {
    VirtualTime wrapping = new VirtualTime(origin);
    List<Long> since = new ArrayList<>();
    wrapping.schedule(5, () -> since.add(wrapping.nanoTime() - origin));

    wrapping.advanceNanos(10);

    assertThat(since).containsExactly(5L);
    assertThat(wrapping.nanoTime() - origin).isEqualTo(10);
  }

  @Test
  void doesNotRunBackwards() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> time.advanceNanos(-1))
        .withMessageContaining("-1 ns");
    assertThat(time.nanoTime()).isZero();
  }

  @Test
  void refusesToGoBeyondTheEndOfItsCount() {
    time.advanceNanos(10);

    assertThatThrownBy(() -> time.advanceNanos(Long.MAX_VALUE))
        .isInstanceOf(ArithmeticException.class);
    assertThat(time.nanoTime()).isEqualTo(10);
  }

  @Test
  void takesTimersFromAnyThreadWhileItMoves() throws Exception {
    int threads = 4;
    int each = 1_000;
    AtomicInteger fired = new AtomicInteger();
    CountDownLatch scheduled = new CountDownLatch(threads);
    for (int i = 0; i < threads; i++) {
      Thread.ofVirtual()
          .start(() -> {
            for (int n = 0; n < each; n++) {
              time.schedule(n, fired::incrementAndGet);
            }
            scheduled.countDown();
          });
    }
    while (scheduled.getCount() > 0) {
      time.advanceNanos(1);
    }
    time.advanceNanos(each);

    assertThat(fired).hasValue(threads * each);
    assertThat(time.pending()).isZero();
  }
}
