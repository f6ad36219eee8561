package dev.sluice.cli.demo;

import java.util.logging.Handler;
import java.util.logging.Level;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import java.util.logging.SimpleFormatter;

/**
 * What is logged while the demo runs, as lines of its screen: written past it, they would tear it.
 * What Sluice itself warns of, a queue that is too small for its load for example, is what the demo
 * brings about on purpose; it is shown when somebody asks for more with {@code --verbose}.
 */
final class LogLines extends Handler implements AutoCloseable {
  private final Logger root = Logger.getLogger("");
  private final Handler[] before = root.getHandlers();
  private final Screen screen;

  private LogLines(Screen screen, boolean verbose) {
    this.screen = screen;
    setFormatter(new SimpleFormatter());
    setLevel(verbose ? Level.ALL : Level.SEVERE);
  }

  /** Takes the log over until it is closed. */
  static LogLines to(Screen screen, boolean verbose) {
    LogLines lines = new LogLines(screen, verbose);
    for (Handler handler : lines.before) {
      lines.root.removeHandler(handler);
    }
    lines.root.addHandler(lines);
    return lines;
  }

  @Override
  public void publish(LogRecord entry) {
    if (isLoggable(entry)) {
      getFormatter().format(entry).lines().forEach(screen::say);
    }
  }

  @Override
  public void flush() {
    // the screen does
  }

  @Override
  public void close() {
    root.removeHandler(this);
    for (Handler handler : before) {
      root.addHandler(handler);
    }
  }
}
