package dev.sluice.flow;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;

/** The clock of the machine: nothing here depends on how late a timer fires. */
class SystemTimeTest {
  private final TimeSource time = TimeSource.system();

  @Test
  void readsTheClockOfTheMachine() {
    long before = System.nanoTime();
    long read = time.nanoTime();
    long after = System.nanoTime();

    assertThat(read - before).isNotNegative();
    assertThat(after - read).isNotNegative();
  }

  @Test
  void runsATaskNotBeforeItsTimeOnADaemonThread() throws Exception {
    CompletableFuture<Long> firedAt = new CompletableFuture<>();
    CompletableFuture<Thread> thread = new CompletableFuture<>();
    long start = time.nanoTime();
    time.schedule(
        5_000_000,
        () -> {
          thread.complete(Thread.currentThread());
          firedAt.complete(time.nanoTime());
        });

    assertThat(firedAt.get(30, TimeUnit.SECONDS) - start).isGreaterThanOrEqualTo(5_000_000);
    assertThat(thread.join().isDaemon()).isTrue();
    assertThat(thread.join().getName()).isEqualTo("sluice-timers");
  }

  @Test
  void runsAnOverdueTaskAtOnce() throws Exception {
    CountDownLatch fired = new CountDownLatch(1);

    time.schedule(-1, fired::countDown);

    assertThat(fired.await(30, TimeUnit.SECONDS)).isTrue();
  }

  @Test
  void aCancelledTaskDoesNotRun() throws Exception {
    AtomicBoolean ran = new AtomicBoolean();
    TimeSource.Timer timer = time.schedule(20_000_000, () -> ran.set(true));
    CountDownLatch laterFired = new CountDownLatch(1);

    assertThat(timer.cancel()).isTrue();
    assertThat(timer.cancel()).isFalse();

    time.schedule(40_000_000, laterFired::countDown);
    assertThat(laterFired.await(30, TimeUnit.SECONDS)).isTrue();
    assertThat(ran).isFalse();
  }

  @Test
  void aTaskThatThrowsDoesNotStopTheOthers() throws Exception {
    CountDownLatch other = new CountDownLatch(1);
    time.schedule(
        0,
        () -> {
          throw new IllegalStateException("thrown on purpose by a test");
        });
    time.schedule(1, other::countDown);

    assertThat(other.await(30, TimeUnit.SECONDS)).isTrue();
  }
}
