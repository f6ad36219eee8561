package dev.sluice.cli.demo;

import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * How large the terminal is: what {@code stty size} says, asked again every second, because people
 * resize their windows. Owned by one thread at a time.
 */
final class Terminal implements Supplier<Terminal.Size> {
  private static final Size USUAL = new Size(80, 24);
  private static final long GOOD_FOR = Duration.ofSeconds(1).toNanos();
  private static final Pattern ANSWER = Pattern.compile("(\\d{1,5}) (\\d{1,5})\\s*");

  private Size size = USUAL;
  private long asked = System.nanoTime() - GOOD_FOR;

  /**
   * So many characters.
   *
   * @param columns in a row, at least 1
   * @param rows at least 1
   */
  record Size(int columns, int rows) {}

  /** The present size; 80 by 24 where it cannot be had. */
  @Override
  public Size get() {
    long now = System.nanoTime();
    if (now - asked >= GOOD_FOR) {
      size = ask();
      asked = System.nanoTime();
    }
    return size;
  }

  private static Size ask() {
    try {
      Process stty =
          new ProcessBuilder("stty", "size")
              .redirectInput(new File("/dev/tty"))
              .redirectError(ProcessBuilder.Redirect.DISCARD)
              .start();
      if (!stty.waitFor(500, TimeUnit.MILLISECONDS)) {
        stty.destroyForcibly();
        return USUAL;
      }
      return parse(new String(stty.getInputStream().readAllBytes(), StandardCharsets.US_ASCII));
    } catch (IOException e) {
      return USUAL; // no such command, or no terminal
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return USUAL;
    }
  }

  /** What {@code stty size} printed: rows, columns. */
  static Size parse(String answer) {
    Matcher matcher = ANSWER.matcher(answer);
    if (!matcher.matches()) {
      return USUAL;
    }
    int rows = Integer.parseInt(matcher.group(1));
    int columns = Integer.parseInt(matcher.group(2));
    return rows < 1 || columns < 1 ? USUAL : new Size(columns, rows);
  }
}
