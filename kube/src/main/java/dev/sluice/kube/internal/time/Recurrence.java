package dev.sluice.kube.internal.time;

import dev.sluice.flow.TimeSource;
import dev.sluice.kube.StreamStatus.Periodic;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Optional;
import java.util.concurrent.locks.ReentrantLock;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/**
 * When something is due that is done every so often, give or take a tenth, so that what was started
 * together is not done together; and how late it is. One that is done so late that the next would
 * be due, too, is followed by that a whole period later.
 *
 * <p>Safe for use by any number of threads.
 */
public final class Recurrence {
  private final Duration every;
  private final TimeSource time;
  private final InstantSource clock;
  private final RandomGenerator random;

  private final ReentrantLock lock = new ReentrantLock();

  /** When it should be done. */
  private long due;

  /** When it is tried; later than when it should be done, if it could not be. */
  private long tried;

  private long runs;
  private Duration lateness = Duration.ZERO;
  private @Nullable Instant last;

  /**
   * Begins to count.
   *
   * @param every how often; zero for never
   * @param random where the jitter comes from; used under a lock
   */
  public Recurrence(Duration every, TimeSource time, InstantSource clock, RandomGenerator random) {
    this.every = every;
    this.time = time;
    this.clock = clock;
    this.random = random;
    this.due = time.nanoTime() + period();
    this.tried = due;
  }

  private long period() {
    long nanos = every.toNanos();
    return nanos - nanos / 10 + random.nextLong(nanos / 5 + 1);
  }

  /** Whether it is ever due. */
  public boolean isOn() {
    return !every.isZero();
  }

  /**
   * How long until it is to be done or tried again, in nanoseconds, zero if it is now; meaningless
   * if it never is.
   */
  public long untilDue() {
    lock.lock();
    try {
      return Math.max(0, tried - time.nanoTime());
    } finally {
      lock.unlock();
    }
  }

  /** Whether it is due. */
  public boolean isDue() {
    return isOn() && untilDue() == 0;
  }

  /** It is due in so many nanoseconds, if it would not be before. */
  public void hasten(long nanos) {
    lock.lock();
    try {
      long now = time.nanoTime();
      due = now + Math.min(due - now, nanos);
      tried = now + Math.min(tried - now, nanos);
    } finally {
      lock.unlock();
    }
  }

  /** It could not be done now, and is tried again in so many nanoseconds; it is late meanwhile. */
  public void postpone(long nanos) {
    lock.lock();
    try {
      tried = time.nanoTime() + nanos;
    } finally {
      lock.unlock();
    }
  }

  /** It was done. */
  public void done() {
    lock.lock();
    try {
      long now = time.nanoTime();
      lateness = Duration.ofNanos(Math.max(0, now - due));
      runs++;
      last = clock.instant();
      long period = period();
      due = due + period - now > 0 ? due + period : now + period;
      tried = due;
    } finally {
      lock.unlock();
    }
  }

  /** How it stands; empty if it is never due. */
  public Optional<Periodic> status() {
    if (!isOn()) {
      return Optional.empty();
    }
    lock.lock();
    try {
      Duration late = Duration.ofNanos(Math.max(0, time.nanoTime() - due));
      return Optional.of(
          new Periodic(every, runs, Optional.ofNullable(last), late.isZero() ? lateness : late));
    } finally {
      lock.unlock();
    }
  }
}
