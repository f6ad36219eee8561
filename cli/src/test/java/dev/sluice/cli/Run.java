package dev.sluice.cli;

import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import picocli.CommandLine;
import sun.misc.Signal;
import sun.misc.SignalHandler;

/**
 * One run of the command in this process.
 *
 * @param exitCode what the process would have ended with
 * @param out what was asked for
 * @param err all else that was said
 */
public record Run(int exitCode, String out, String err) {

  /** Runs the command to its end. */
  public static Run of(String... args) {
    return of(new Captured(), args);
  }

  /** Runs the command, whose output is read up to a line and then no more. */
  static Run upToLine(long line, String... args) {
    return of(new Captured(line), args);
  }

  private static Run of(Captured out, String... args) {
    Captured err = new Captured();
    int exitCode = command(out, err).execute(args);
    return new Run(exitCode, out.toString(), err.toString());
  }

  private static CommandLine command(Captured out, Captured err) {
    return Sluice.commandLine().setOut(out.printer()).setErr(err.printer());
  }

  /**
   * Whether a handler of SIGINT is ever called. A process inherits from who started it that the
   * signal is ignored, and then the JVM leaves it so.
   */
  static boolean hearsCtrlC() {
    Signal signal = new Signal("INT");
    SignalHandler before = Signal.handle(signal, pressed -> {});
    Signal.handle(signal, before);
    return !before.equals(SignalHandler.SIG_IGN);
  }

  /** Starts the command; it runs until it is told to end. */
  static Running start(String... args) {
    Captured out = new Captured();
    Captured err = new Captured();
    FutureTask<Integer> task = new FutureTask<>(() -> command(out, err).execute(args));
    Thread.ofPlatform().name("command").daemon().start(task);
    return new Running(out, err, task);
  }

  /**
   * A command that runs.
   *
   * @param out what was asked for
   * @param err all else that was said
   */
  record Running(Captured out, Captured err, FutureTask<Integer> task) {

    /**
     * Ctrl-C. To be pressed only while the command listens to it: when it has written something;
     * and only in a test that {@link PressesCtrlC}.
     */
    Run interrupt() throws InterruptedException, ExecutionException, TimeoutException {
      Signal.raise(new Signal("INT"));
      return end();
    }

    Run end() throws InterruptedException, ExecutionException, TimeoutException {
      return new Run(task.get(60, TimeUnit.SECONDS), out.toString(), err.toString());
    }
  }
}
