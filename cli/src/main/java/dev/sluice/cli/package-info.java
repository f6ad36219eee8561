/**
 * The sluice command: what it takes, what it says, how it ends.
 *
 * <p>Start at {@link dev.sluice.cli.Sluice}. A subcommand is a {@link
 * java.util.concurrent.Callable} whose result is one of the {@link dev.sluice.cli.ExitCode}s. It
 * writes what was asked for to {@code spec.commandLine().getOut()} and everything else to {@code
 * getErr()}, and lets what it cannot mend be thrown: {@link dev.sluice.cli.Diagnosis} turns it into
 * one line that says what was wrong and what to do, and an exit code. {@link
 * dev.sluice.cli.ClusterOptions} is how a subcommand gets at a cluster.
 */
@NullMarked
package dev.sluice.cli;

import org.jspecify.annotations.NullMarked;
