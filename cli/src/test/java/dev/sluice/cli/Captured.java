package dev.sluice.cli;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.Writer;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Predicate;

/** What a command writes, as soon as it is written; after so many lines its reader may go away. */
final class Captured extends Writer {
  private static final long PATIENCE_SECONDS = 60;

  private final ReentrantLock guard = new ReentrantLock();
  private final Condition written = guard.newCondition();
  private final StringBuilder text = new StringBuilder();
  private final long lastLine;
  private long lines;

  /** Takes everything. */
  Captured() {
    this(Long.MAX_VALUE);
  }

  /**
   * Takes so many lines.
   *
   * @param lastLine after this one nobody reads any more
   */
  Captured(long lastLine) {
    this.lastLine = lastLine;
  }

  PrintWriter printer() {
    return new PrintWriter(this, true);
  }

  @Override
  public void write(char[] chars, int from, int length) throws IOException {
    guard.lock();
    try {
      for (int i = from; i < from + length; i++) {
        if (lines >= lastLine) {
          throw new IOException("Broken pipe");
        }
        text.append(chars[i]);
        lines += chars[i] == '\n' ? 1 : 0;
      }
      written.signalAll();
    } finally {
      guard.unlock();
    }
  }

  /** Waits until what was written is as it should be. */
  void await(Predicate<String> wanted) throws InterruptedException, TimeoutException {
    long left = TimeUnit.SECONDS.toNanos(PATIENCE_SECONDS);
    guard.lock();
    try {
      while (!wanted.test(text.toString())) {
        left = written.awaitNanos(left);
        if (left <= 0) {
          throw new TimeoutException("within a minute there came only: " + text);
        }
      }
    } finally {
      guard.unlock();
    }
  }

  @Override
  public void flush() {}

  @Override
  public void close() {}

  @Override
  public String toString() {
    guard.lock();
    try {
      return text.toString();
    } finally {
      guard.unlock();
    }
  }
}
