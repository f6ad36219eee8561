package dev.sluice.cli.demo;

import java.io.PrintWriter;
import java.time.Duration;
import java.util.Locale;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/** Lines and nothing else, for a file, a pipe or a log: one reading every two seconds. */
final class PlainScreen implements Screen {
  private static final Duration PACE = Duration.ofSeconds(2);

  private final ReentrantLock lock = new ReentrantLock();
  private final PrintWriter out;
  private @Nullable Reading last;

  PlainScreen(PrintWriter out) {
    this.out = out;
  }

  @Override
  public void say(String line) {
    lock.lock();
    try {
      out.println(line);
      out.flush();
    } finally {
      lock.unlock();
    }
  }

  @Override
  public void show(Reading now) {
    lock.lock();
    try {
      Reading before = last;
      if (before == null) {
        last = now;
      } else if (now.elapsed().minus(before.elapsed()).compareTo(PACE) >= 0) {
        last = now;
        say(line(before, now));
        now.beside().forEach(beside -> say("          " + beside));
      }
    } finally {
      lock.unlock();
    }
  }

  @Override
  public void close() {
    out.flush();
  }

  private static String line(Reading before, Reading now) {
    double seconds = now.elapsed().minus(before.elapsed()).toNanos() / 1e9;
    return String.format(
        Locale.ROOT,
        "%6.1fs  changes %,6.0f/s  events %,6.0f/s  reconciles %,6.0f/s  writes %,4.0f/s"
            + "  queue %,6d  coalesced %,7d  %s",
        now.elapsed().toMillis() / 1e3,
        (now.changes() - before.changes()) / seconds,
        (now.events() - before.events()) / seconds,
        (now.reconciles() - before.reconciles()) / seconds,
        (now.writes() - before.writes()) / seconds,
        now.depth(),
        now.coalesced(),
        now.stream());
  }
}
