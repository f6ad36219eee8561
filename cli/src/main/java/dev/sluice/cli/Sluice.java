package dev.sluice.cli;

import dev.sluice.cli.apiserver.ApiServerCommand;
import dev.sluice.cli.demo.DemoCommand;
import dev.sluice.cli.journal.JournalCommand;
import dev.sluice.cli.watch.WatchCommand;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.PrintWriter;
import java.time.Duration;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.IVersionProvider;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ScopeType;
import picocli.CommandLine.Spec;

/** The command: alone it prints its help. */
@Command(
    name = "sluice",
    description = "Flow control for Kubernetes controllers: watch streams, demo and test server.",
    synopsisSubcommandLabel = "COMMAND",
    mixinStandardHelpOptions = true,
    versionProvider = Sluice.Version.class,
    usageHelpAutoWidth = true,
    subcommands = {
      DemoCommand.class,
      WatchCommand.class,
      ApiServerCommand.class,
      JournalCommand.class
    })
public final class Sluice implements Callable<Integer> {
  @Spec
  @SuppressWarnings("NullAway.Init") // by picocli
  private CommandSpec spec;

  @Option(
      names = "--verbose",
      scope = ScopeType.INHERIT,
      description = "Say more: stack traces of errors, and what the libraries log.")
  private boolean verbose;

  private Sluice() {}

  /** The entry of the process. */
  public static void main(String[] args) {
    CommandLine sluice = commandLine();
    PrintWriter out = new Output(new FileOutputStream(FileDescriptor.out));
    sluice.setOut(out);
    int exitCode = sluice.execute(args);
    out.flush();
    System.exit(exitCode);
  }

  /** The command with all its subcommands, for the process and for tests. */
  public static CommandLine commandLine() {
    Sluice sluice = new Sluice();
    CommandLine line = new CommandLine(sluice);
    line.registerConverter(Duration.class, new DurationConverter());
    line.setCaseInsensitiveEnumValuesAllowed(true);
    line.setExecutionStrategy(parsed -> {
      Logs.direct(sluice.verbose);
      return new CommandLine.RunLast().execute(parsed);
    });
    line.setParameterExceptionHandler(Sluice::misused);
    line.setExecutionExceptionHandler((thrown, command, parsed) -> sluice.failed(thrown, command));
    for (CommandLine each : line.getSubcommands().values()) {
      each.getCommandSpec().mixinStandardHelpOptions(true);
    }
    line.getCommandSpec()
        .usageMessage()
        .exitCodeListHeading("%nExit codes:%n")
        .exitCodeList(ExitCode.table());
    return line;
  }

  @Override
  public Integer call() {
    spec.commandLine().usage(spec.commandLine().getOut());
    return ExitCode.OK.code();
  }

  private static int misused(ParameterException e, String[] args) {
    CommandLine command = e.getCommandLine();
    PrintWriter err = command.getErr();
    err.println("error: " + e.getMessage());
    if (!CommandLine.UnmatchedArgumentException.printSuggestions(e, err)) {
      err.println(
          "try '" + command.getCommandSpec().qualifiedName() + " --help' for what it takes");
    }
    err.flush();
    return ExitCode.USAGE.code();
  }

  private int failed(Exception thrown, CommandLine command) {
    Trouble trouble = Diagnosis.of(thrown, clusterOf(command));
    PrintWriter err = command.getErr();
    err.println("error: " + trouble.getMessage());
    if (verbose) {
      thrown.printStackTrace(err);
    }
    err.flush();
    return trouble.exitCode().code();
  }

  private static @Nullable ClusterOptions clusterOf(CommandLine command) {
    for (CommandSpec mixin : command.getCommandSpec().mixins().values()) {
      if (mixin.userObject() instanceof ClusterOptions options) {
        return options;
      }
    }
    return null;
  }

  /** The release, from the archive's manifest. */
  static final class Version implements IVersionProvider {
    @Override
    public String[] getVersion() {
      String version = Sluice.class.getPackage().getImplementationVersion();
      return new String[] {
        "sluice "
            + (version == null ? "(not packaged)" : version)
            + ", Java "
            + Runtime.version()
            + ", "
            + System.getProperty("os.name")
            + " "
            + System.getProperty("os.arch")
      };
    }
  }
}
