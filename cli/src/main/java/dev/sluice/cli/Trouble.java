package dev.sluice.cli;

import org.jspecify.annotations.Nullable;

/**
 * Something that the person at the terminal can mend: its message says in one line what was wrong,
 * with what value, and what to do.
 */
public final class Trouble extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final ExitCode exitCode;

  /**
   * @param exitCode what the command ends with
   * @param message what was wrong and what to do, in one line, without a full stop at its end
   */
  public Trouble(ExitCode exitCode, String message) {
    this(exitCode, message, null);
  }

  /**
   * @param cause what {@code --verbose} shows beside the line
   */
  public Trouble(ExitCode exitCode, String message, @Nullable Throwable cause) {
    super(message, cause);
    this.exitCode = exitCode;
  }

  /** What the command ends with. */
  public ExitCode exitCode() {
    return exitCode;
  }
}
