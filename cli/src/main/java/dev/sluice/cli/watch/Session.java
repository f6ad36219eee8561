package dev.sluice.cli.watch;

import dev.sluice.cli.ClusterOptions;
import dev.sluice.cli.Diagnosis;
import dev.sluice.cli.ExitCode;
import dev.sluice.cli.Signals;
import dev.sluice.cli.Trouble;
import dev.sluice.flow.Gate;
import dev.sluice.flow.RateLimiter;
import dev.sluice.kube.Change;
import dev.sluice.kube.Informer;
import dev.sluice.kube.ObjectKey;
import dev.sluice.kube.Resource;
import dev.sluice.kube.ResourceKind;
import dev.sluice.kube.StopCause;
import dev.sluice.kube.StreamStatus;
import dev.sluice.kube.StreamStop;
import dev.sluice.kube.Transport;
import java.io.PrintWriter;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.time.ZoneId;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * One run of {@code sluice watch}, from the first list to the summary.
 *
 * <p>Three threads: the stream's, the {@link Printer}'s, and the one that called, which waits for
 * the end and tells meanwhile what happens to the stream. The others ring a bell when there may be
 * something to tell.
 *
 * @param namespace empty for all
 * @param limiter null for as fast as it goes
 * @param duration null for until told to end
 * @param dump null for none
 */
record Session(
    ClusterOptions cluster,
    ResourceKind kind,
    String namespace,
    String labelSelector,
    String fieldSelector,
    OutputFormat format,
    @Nullable RateLimiter limiter,
    Gate<ObjectKey> gate,
    @Nullable Duration duration,
    @Nullable StoreDump dump,
    boolean explain,
    boolean managedFields,
    PrintWriter out,
    PrintWriter err) {
  private static final long LOOK_EVERY_NANOS = Duration.ofMillis(250).toNanos();

  private enum End {
    TIME,
    SIGNAL,
    READER_GONE
  }

  ExitCode run(Transport transport) throws InterruptedException {
    Semaphore bell = new Semaphore(0);
    AtomicReference<@Nullable End> end = new AtomicReference<>();
    Printer printer =
        new Printer(
            out,
            formatter(),
            limiter,
            gate,
            () -> {
              end.compareAndSet(null, End.READER_GONE);
              bell.release();
            });
    Account account = new Account(err, subject(), InstantSource.system(), ZoneId.systemDefault());
    long began = System.nanoTime();
    if (format == OutputFormat.WIDE) {
      out.println(Lines.wideHeadings()); // before the informer starts, which may write at once
    }
    try (Signals signals =
            new Signals(() -> {
              end.compareAndSet(null, End.SIGNAL);
              bell.release();
            });
        Informer<Resource> informer =
            Informer.of(transport, kind)
                .namespace(namespace)
                .labelSelector(labelSelector)
                .fieldSelector(fieldSelector)
                .keepManagedFields(managedFields)
                .metadataOnly(format != OutputFormat.JSON && dump == null)
                .gate(gate)
                .listener(event -> bell.release())
                .onChange(printer)
                .start()) {
      try {
        watch(informer, account, bell, end, began);
      } finally {
        printer.stop();
      }
      informer.close();
      return ended(informer, printer, account, end.get(), began);
    }
  }

  private void watch(
      Informer<Resource> informer,
      Account account,
      Semaphore bell,
      AtomicReference<@Nullable End> end,
      long began)
      throws InterruptedException {
    while (end.get() == null) {
      StreamStatus status = informer.status();
      if (!status.synced()) {
        giveUpIfHopeless(status);
      }
      account.look(status);
      long wait = account.interrupted() || !status.synced() ? LOOK_EVERY_NANOS : Long.MAX_VALUE;
      if (duration != null) {
        long left = duration.toNanos() - (System.nanoTime() - began);
        if (left <= 0) {
          end.compareAndSet(null, End.TIME);
          return;
        }
        wait = Math.min(wait, left);
      }
      if (bell.tryAcquire(wait, TimeUnit.NANOSECONDS)) {
        bell.drainPermits();
      }
    }
  }

  /**
   * Before the first list is there, what will not mend itself ends the command. Later it does not:
   * a watch that runs for days outlives a role that is taken away and given back.
   */
  private void giveUpIfHopeless(StreamStatus status) {
    for (StreamStop stop : status.recentStops()) {
      switch (stop.cause()) {
        case UNAUTHORIZED -> throw Diagnosis.refused(401, stop.detail(), cluster);
        case FORBIDDEN -> throw Diagnosis.refused(403, stop.detail(), cluster);
        case NOT_FOUND -> throw Diagnosis.refused(404, stop.detail(), cluster);
        case REFUSED -> {
          if (!labelSelector.isEmpty() || !fieldSelector.isEmpty()) {
            throw new Trouble(
                ExitCode.USAGE,
                "the server does not accept the selector"
                    + (labelSelector.isEmpty() ? "" : " -l " + labelSelector)
                    + (fieldSelector.isEmpty() ? "" : " --field-selector " + fieldSelector)
                    + ": "
                    + Diagnosis.withoutStatus(stop.detail()));
          }
          throw Diagnosis.refused(400, stop.detail(), cluster);
        }
        case TLS ->
            throw new Trouble(ExitCode.UNTRUSTED, stop.detail() + " (" + cluster.origin() + ")");
        default -> {
          // It is tried again, visibly.
        }
      }
    }
  }

  private ExitCode ended(
      Informer<Resource> informer,
      Printer printer,
      Account account,
      @Nullable End end,
      long began) {
    StreamStatus last = informer.status();
    Trouble trouble = printer.trouble();
    if (trouble != null) {
      throw trouble;
    }
    boolean listening = end != End.READER_GONE;
    if (listening) {
      out.flush();
    }
    ExitCode exitCode = ExitCode.OK;
    if (dump != null) {
      if (last.synced()) {
        int objects = dump.write(informer.store(), out);
        if (listening && !dump.toOutput()) {
          err.println("dumped " + Account.counted(objects, "object") + " to " + dump.target());
        }
      } else {
        err.println(
            "error: nothing dumped to "
                + dump.target()
                + ": the first list was not complete; give it more time, see above for why");
        exitCode = ExitCode.CHECK_FAILED;
      }
    }
    if (listening) {
      err.println(summary(informer, printer, account, System.nanoTime() - began));
    }
    if (explain) {
      err.print(informer.explain());
    }
    err.flush();
    if (!last.synced() && end == End.TIME) {
      throw new Trouble(
          ExitCode.CHECK_FAILED,
          "no complete list of "
              + subject()
              + " within "
              + (duration == null ? "the time" : Account.words(duration))
              + last.recentStops().stream().findFirst().map(stop -> ": " + stop).orElse("")
              + "; give it more time with --for");
    }
    return exitCode;
  }

  private String summary(
      Informer<Resource> informer, Printer printer, Account account, long nanos) {
    StreamStatus last = informer.status();
    return String.format(
        Locale.ROOT,
        "%s, %s: wrote %d added, %d modified, %d deleted%s; %s at the end%s; %s",
        subject(),
        Account.words(Duration.ofNanos(nanos)),
        printer.added(),
        printer.modified(),
        printer.deleted(),
        printer.unwritten() == 0 ? "" : " (" + printer.unwritten() + " more were waiting)",
        Account.counted(last.objects(), "object"),
        informer
            .store()
            .snapshot()
            .resourceVersion()
            .map(version -> ", version " + version)
            .orElse(""),
        interruptions(last, account));
  }

  private static String interruptions(StreamStatus last, Account account) {
    List<String> causes =
        last.stops().entrySet().stream()
            .filter(stop -> stop.getKey() != StopCause.CLOSED)
            .map(stop -> stop.getKey().id() + " " + stop.getValue())
            .sorted()
            .toList();
    return causes.isEmpty()
        ? "no interruptions"
        : "reconnected "
            + Account.counted(account.reconnects(), "time")
            + " ("
            + String.join(", ", causes)
            + ")";
  }

  private Function<Change<Resource>, String> formatter() {
    ZoneId zone = ZoneId.systemDefault();
    return switch (format) {
      case NAME -> Lines::name;
      case JSON -> Lines::json;
      case WIDE -> change -> Lines.wide(change, Instant.now(), zone);
    };
  }

  private String subject() {
    return kind
        + (!kind.namespaced()
            ? ""
            : namespace.isEmpty() ? " in all namespaces" : " in " + namespace)
        + (labelSelector.isEmpty() ? "" : " with " + labelSelector)
        + (fieldSelector.isEmpty() ? "" : " with " + fieldSelector);
  }
}
