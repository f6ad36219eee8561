package dev.sluice.kube;

import java.time.Duration;
import java.util.Comparator;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;

/** A stream's status in words. */
final class Explanation {
  private static final int STOPS_SHOWN = 8;

  /** Nearly every handler is at something whenever one looks. */
  private static final Duration TELLING_SHOWN = Duration.ofSeconds(1);

  private Explanation() {}

  static String of(StreamStatus status, ResourceKind kind) {
    StringBuilder text = new StringBuilder();
    line(
        text,
        "%s (%s %s): %s since %s, %s, %d objects%s",
        status.name(),
        kind.apiVersion(),
        kind.kind(),
        status.phase().name().toLowerCase(Locale.ROOT).replace('_', '-'),
        status.since(),
        status.synced() ? "synced" : "not yet synced",
        status.objects(),
        status.anchor().map(anchor -> ", anchor " + anchor).orElse(""));
    if (!status.healthy()
        && status.phase() != StreamStatus.Phase.NEW
        && status.phase() != StreamStatus.Phase.CLOSED) {
      line(text, "  not healthy");
    }
    line(
        text,
        "  last received: %s",
        status.lastFrame().map(Object::toString).orElse("nothing yet"));
    StreamStatus.Counts counts = status.counts();
    line(
        text,
        "  %d lists, %d watches; %d added, %d modified, %d deleted (%d of them inferred from a"
            + " list), %d bookmarks; %d repeated, %d stale, %d undecodable; %d bytes",
        counts.lists(),
        counts.watches(),
        counts.added(),
        counts.modified(),
        counts.deleted(),
        counts.inferredDeletions(),
        counts.bookmarks(),
        counts.repeated(),
        counts.stale(),
        counts.undecodable(),
        counts.bytes());
    if (counts.doubtful() > 0) {
      line(
          text,
          "  missing from a damaged list, but kept because the server did not say that they are"
              + " gone: %d",
          counts.doubtful());
    }
    if (counts.retryAfterCapped() > 0) {
      line(
          text,
          "  the server asked for longer waits than the cap allows: %d times",
          counts.retryAfterCapped());
    }
    line(
        text,
        "  causes: %s",
        status.stops().isEmpty()
            ? "none so far"
            : status.stops().entrySet().stream()
                .sorted(Map.Entry.<StopCause, Long>comparingByValue(Comparator.reverseOrder()))
                .map(entry -> entry.getKey().id() + " " + entry.getValue())
                .collect(Collectors.joining(", ")));
    line(
        text,
        "  transitions: %s",
        status.transitions().isEmpty()
            ? "none so far"
            : status.transitions().entrySet().stream()
                .map(entry -> entry.getKey() + " " + entry.getValue())
                .collect(Collectors.joining(", ")));
    if (status.streams().isEmpty()) {
      stops(text, status);
    }
    for (StreamStatus stream : status.streams()) {
      line(
          text,
          "  stream %s: %s since %s, %s, %d objects%s",
          stream.name(),
          stream.phase().name().toLowerCase(Locale.ROOT).replace('_', '-'),
          stream.since(),
          stream.synced() ? "synced" : "not yet synced",
          stream.objects(),
          stream.anchor().map(anchor -> ", anchor " + anchor).orElse(""));
      stops(text, stream);
    }
    status
        .undecodable()
        .forEach(bad ->
            line(
                text,
                "  undecodable at %s, %d bytes: %s; it begins: %s",
                bad.at(),
                bad.size(),
                bad.reason(),
                bad.head().lines().findFirst().orElse("")));
    status
        .consumers()
        .forEach(consumer ->
            line(
                text,
                "  consumer %s (%s): %d waiting, %d told, %d failures%s",
                consumer.name(),
                consumer.gate(),
                consumer.backlog(),
                consumer.delivered(),
                consumer.failures(),
                consumer
                    .telling()
                    .filter(telling -> telling.elapsed().compareTo(TELLING_SHOWN) >= 0)
                    .map(telling ->
                        "; its handler has been at "
                            + telling.key()
                            + " for "
                            + telling.elapsed().toMillis()
                            + " ms")
                    .orElse("")));
    status
        .consumers()
        .forEach(consumer ->
            consumer
                .resync()
                .ifPresent(resync -> line(text, "  resync of %s %s", consumer.name(), of(resync))));
    status
        .audit()
        .ifPresent(audit ->
            line(
                text,
                "  audit %s; %d objects found to differ so far%s",
                of(audit.times()),
                audit.diverged(),
                audit.result().isEmpty() ? "" : "; the last one: " + audit.result()));
    status.journal().ifPresent(journal -> journal(text, status, journal));
    return text.toString();
  }

  private static void stops(StringBuilder text, StreamStatus status) {
    status.recentStops().stream()
        .limit(STOPS_SHOWN)
        .forEach(stop -> line(text, "  stopped %s (%s)", stop, stop.cause().text()));
  }

  private static void journal(StringBuilder text, StreamStatus status, JournalStatus journal) {
    line(
        text,
        "  journal in %s: %s; %d of %d items written, %d bytes, %d snapshots, %d failures%s",
        journal.where(),
        journal.state().name().toLowerCase(Locale.ROOT),
        journal.durable(),
        journal.position(),
        journal.bytes(),
        journal.snapshots(),
        journal.failures(),
        journal.trouble().isEmpty() ? "" : "; trouble: " + journal.trouble());
    line(
        text,
        "  at the start (%s, %d objects brought back, %s):",
        journal.rung().name().toLowerCase(Locale.ROOT),
        journal.restored(),
        status.fresh() ? "fresh" : status.synced() ? "resumed" : "not yet resumed");
    journal.story().forEach(step -> line(text, "    %s", step));
  }

  private static String of(StreamStatus.Periodic times) {
    return String.format(
        Locale.ROOT,
        "every %s: %d times, last %s, %d ms late",
        times.every(),
        times.runs(),
        times.last().map(Object::toString).orElse("never"),
        times.lateness().toMillis());
  }

  private static void line(StringBuilder text, String format, Object... values) {
    text.append(String.format(Locale.ROOT, format, values)).append('\n');
  }
}
