package dev.sluice.kube.internal.time;

import dev.sluice.flow.TimeSource;
import java.util.concurrent.CountDownLatch;

/**
 * How a stream's thread waits: a door of its own, so that a simulation can wait without a thread.
 */
@FunctionalInterface
public interface Sleeper {

  /** Waits for so long. */
  void sleep(long nanos) throws InterruptedException;

  /** Waits by a timer. */
  static Sleeper by(TimeSource time) {
    return nanos -> {
      CountDownLatch due = new CountDownLatch(1);
      TimeSource.Timer timer = time.schedule(nanos, due::countDown);
      try {
        due.await();
      } finally {
        timer.cancel();
      }
    };
  }
}
