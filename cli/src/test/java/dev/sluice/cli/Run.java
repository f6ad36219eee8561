package dev.sluice.cli;

import java.io.PrintWriter;
import java.io.StringWriter;
import picocli.CommandLine;

/**
 * One run of the command in this process.
 *
 * @param exitCode what the process would have ended with
 * @param out what was asked for
 * @param err all else that was said
 */
record Run(int exitCode, String out, String err) {
  static Run of(String... args) {
    StringWriter out = new StringWriter();
    StringWriter err = new StringWriter();
    CommandLine sluice = Sluice.commandLine();
    sluice.setOut(new PrintWriter(out, true)).setErr(new PrintWriter(err, true));
    int exitCode = sluice.execute(args);
    return new Run(exitCode, out.toString(), err.toString());
  }
}
