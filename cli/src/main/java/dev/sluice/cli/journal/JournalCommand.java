package dev.sluice.cli.journal;

import dev.sluice.cli.ExitCode;
import dev.sluice.cli.Trouble;
import dev.sluice.kube.JournalException;
import dev.sluice.kube.JournalFiles;
import dev.sluice.kube.JournalKeys;
import dev.sluice.kube.JournalStore;
import dev.sluice.kube.ObjectKey;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code sluice journal} and what can be done with one. */
@Command(
    name = "journal",
    synopsisSubcommandLabel = "COMMAND",
    description = {
      "Look at the journal that lets a controller go on after a restart, and tidy it.",
      "DIRECTORY is the one that was given to Informer.journal(...)."
    },
    footer = {
      "",
      "Examples:",
      "  sluice journal inspect state/pods",
      "  sluice journal verify state/pods && echo whole",
      "  sluice journal export state/pods > pods.jsonl",
      "  sluice journal why state/pods shop/web-7f9c"
    },
    subcommands = {
      JournalCommand.Inspect.class,
      JournalCommand.Verify.class,
      JournalCommand.Compact.class,
      JournalCommand.Export.class,
      JournalCommand.Why.class
    })
public final class JournalCommand implements Callable<Integer> {
  @Spec
  @SuppressWarnings("NullAway.Init") // by picocli
  private CommandSpec spec;

  @Override
  public Integer call() {
    spec.commandLine().usage(spec.commandLine().getOut());
    return ExitCode.OK.code();
  }

  /** What the commands have in common: a directory, and what can be wrong with it. */
  abstract static class OfDirectory implements Callable<Integer> {
    @Spec
    @SuppressWarnings("NullAway.Init") // by picocli
    CommandSpec spec;

    @Parameters(index = "0", paramLabel = "DIRECTORY", description = "The journal's directory.")
    @SuppressWarnings("NullAway.Init") // by picocli
    Path directory;

    @Option(
        names = "--keys",
        paramLabel = "FILE",
        description =
            "The keys of an encrypted journal: on each line a name, a space and the key in Base64.")
    @Nullable Path keys;

    abstract ExitCode call(JournalFiles files, PrintWriter out) throws IOException;

    @Override
    public Integer call() {
      if (!Files.isDirectory(directory)) {
        throw new Trouble(ExitCode.LOCAL, "there is no directory " + directory);
      }
      PrintWriter out = spec.commandLine().getOut();
      try {
        JournalFiles files = JournalFiles.in(JournalStore.directory(directory));
        Path given = keys;
        ExitCode code = call(given == null ? files : files.with(JournalKeys.read(given)), out);
        out.flush();
        return code.code();
      } catch (IOException e) {
        throw new Trouble(
            ExitCode.LOCAL,
            "the journal cannot be read or written: "
                + (e.getMessage() == null ? e.toString() : e.getMessage()),
            e);
      } catch (JournalException | IllegalArgumentException e) {
        throw new Trouble(ExitCode.LOCAL, String.valueOf(e.getMessage()), e);
      }
    }
  }

  /** What there is. */
  @Command(
      name = "inspect",
      mixinStandardHelpOptions = true,
      description =
          "Show what a journal belongs to, its files, its controllers, and what a start would do"
              + " with it. Changes nothing; works while it is in use.")
  static final class Inspect extends OfDirectory {
    @Override
    ExitCode call(JournalFiles files, PrintWriter out) throws IOException {
      print(files.inspect(), out);
      return ExitCode.OK;
    }
  }

  /** Whether it is whole. */
  @Command(
      name = "verify",
      mixinStandardHelpOptions = true,
      description =
          "Read every byte of a journal and check it. Ends with 1 if anything is damaged, torn or"
              + " missing. While it is in use its end may look torn.")
  static final class Verify extends OfDirectory {
    @Override
    ExitCode call(JournalFiles files, PrintWriter out) throws IOException {
      JournalFiles.Report report = files.inspect();
      for (JournalFiles.File file : report.files()) {
        if (!file.damage().isEmpty()) {
          out.printf("%s: damaged, %s%n", file.name(), file.damage());
        }
      }
      if (report.whole()) {
        out.printf(
            Locale.ROOT,
            "whole: %d files, %d objects, up to item %d%n",
            report.files().size(),
            report.objects(),
            report.position());
        return ExitCode.OK;
      }
      out.println("a start would");
      report.story().forEach(step -> out.println("  " + step));
      return ExitCode.CHECK_FAILED;
    }
  }

  /** Tidies it. */
  @Command(
      name = "compact",
      mixinStandardHelpOptions = true,
      description =
          "Leave one snapshot of what a start would bring back, and remove everything else. The"
              + " controller must not be running.")
  static final class Compact extends OfDirectory {
    @Override
    ExitCode call(JournalFiles files, PrintWriter out) throws IOException {
      print(files.compact(), out);
      return ExitCode.OK;
    }
  }

  /** Writes it out. */
  @Command(
      name = "export",
      mixinStandardHelpOptions = true,
      description = {
        "Write what a start would bring back as lines of JSON: {\"object\": ...} for each object,"
            + " {\"pending\": ...} for each key that a controller has not finished, {\"waiting\":"
            + " ...} for each that it wants again at some time, and last {\"anchor\": ...}.",
        "Works while it is in use."
      })
  static final class Export extends OfDirectory {
    @Option(
        names = "--to",
        paramLabel = "FILE",
        description = "Where to write them; standard output unless given.")
    private @Nullable Path to;

    @Override
    ExitCode call(JournalFiles files, PrintWriter out) throws IOException {
      if (to != null) {
        try (OutputStream file = Files.newOutputStream(to)) {
          files.export(file);
        }
        return ExitCode.OK;
      }
      files.export(new Lines(out));
      return ExitCode.OK;
    }
  }

  /** What led to the reconciles of one object. */
  @Command(
      name = "why",
      mixinStandardHelpOptions = true,
      description = {
        "Tell which events, waits and outcomes led to an object's reconciles, across restarts, as"
            + " far back as the log is kept. Times are to the second.",
        "Works while it is in use."
      })
  static final class Why extends OfDirectory {
    @Parameters(
        index = "1",
        paramLabel = "NAMESPACE/NAME",
        description = "The object; its name alone if it is in no namespace.")
    @SuppressWarnings("NullAway.Init") // by picocli
    private String object;

    @Override
    ExitCode call(JournalFiles files, PrintWriter out) throws IOException {
      int slash = object.indexOf('/');
      ObjectKey key =
          ObjectKey.of(slash < 0 ? "" : object.substring(0, slash), object.substring(slash + 1));
      List<JournalFiles.Step> steps = files.why(key);
      for (JournalFiles.Step step : steps) {
        out.printf(
            Locale.ROOT,
            "%-20s %10d  %s%n",
            step.at()
                .map(at -> at.truncatedTo(ChronoUnit.SECONDS).toString())
                .orElse("at an unknown time"),
            step.position(),
            step.what());
      }
      boolean known =
          steps.stream()
              .anyMatch(step ->
                  !step.what().startsWith("controller ") && !step.what().startsWith("all "));
      if (!known) {
        out.printf("the log says nothing of %s%n", key);
        return ExitCode.CHECK_FAILED;
      }
      return ExitCode.OK;
    }
  }

  /** Hands whole lines of UTF-8 to a writer. */
  private static final class Lines extends OutputStream {
    private final PrintWriter out;
    private final ByteArrayOutputStream line = new ByteArrayOutputStream();

    Lines(PrintWriter out) {
      this.out = out;
    }

    @Override
    public void write(int b) {
      if (b == '\n') {
        out.println(line.toString(StandardCharsets.UTF_8));
        line.reset();
      } else {
        line.write(b);
      }
    }
  }

  private static void print(JournalFiles.Report report, PrintWriter out) {
    out.println("journal in " + report.where());
    List<String> identity =
        report.identity().isEmpty()
            ? List.of("its identity is damaged; the next start of its controller mends that")
            : report.identity().lines().toList();
    identity.forEach(line -> out.println("  " + line));
    out.println();
    out.printf("%-36s %12s %10s  %s%n", "FILE", "BYTES", "ITEMS", "BEGUN");
    for (JournalFiles.File file : report.files()) {
      out.printf(
          Locale.ROOT,
          "%-36s %12d %10d  %s%s%n",
          file.name(),
          file.bytes(),
          file.items(),
          file.written().map(Instant::toString).orElse("unknown"),
          file.damage().isEmpty() ? "" : "  DAMAGED: " + file.damage());
    }
    if (!report.keys().isEmpty()) {
      out.println();
      out.println("encrypted with the keys " + String.join(", ", report.keys()));
    }
    out.println();
    if (report.consumers().isEmpty()) {
      out.println("no controllers");
    } else {
      out.printf("%-24s %-16s %10s %10s%n", "CONTROLLER", "VERSION", "UNFINISHED", "WAITING");
      for (JournalFiles.Consumer consumer : report.consumers()) {
        out.printf(
            Locale.ROOT,
            "%-24s %-16s %10d %10d%n",
            consumer.name(),
            consumer.reconcilerVersion().isEmpty() ? "-" : consumer.reconcilerVersion(),
            consumer.pending(),
            consumer.waiting());
      }
    }
    out.println();
    out.printf(
        Locale.ROOT,
        "a start would bring back %d objects and %s:%n",
        report.objects(),
        report.anchor().map(anchor -> "resume after " + anchor).orElse("list"));
    report.story().forEach(step -> out.println("  " + step));
  }
}
