package dev.sluice.cli.watch;

import dev.sluice.kube.StopCause;
import dev.sluice.kube.StreamStatus;
import dev.sluice.kube.StreamStatus.Phase;
import dev.sluice.kube.StreamStop;
import java.io.PrintWriter;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * Tells on standard error what happens to the stream: synced, stopped and why, back again.
 *
 * <p>Looks at the status whenever it is called, and tells what is new in it; so nothing is missed
 * when it is called late. A gate that is full time and again is told once in ten seconds. Used by
 * one thread.
 */
final class Account {
  private static final DateTimeFormatter TIME =
      DateTimeFormatter.ofPattern("HH:mm:ss", Locale.ROOT);
  private static final Duration GATE_TOLD_EVERY = Duration.ofSeconds(10);

  private final PrintWriter err;
  private final String subject;
  private final InstantSource clock;
  private final ZoneId zone;
  private boolean synced;
  private @Nullable StreamStop told;
  private @Nullable Instant interruptedAt;
  private long watches;
  private long watchesBefore;
  private Instant gateTold = Instant.MIN;
  private long reconnects;

  /**
   * An account.
   *
   * @param subject what is watched, in words
   */
  Account(PrintWriter err, String subject, InstantSource clock, ZoneId zone) {
    this.err = err;
    this.subject = subject;
    this.clock = clock;
    this.zone = zone;
  }

  /** Tells what is new. */
  void look(StreamStatus status) {
    for (StreamStop stop : news(status.recentStops())) {
      tell(stop);
      if (stop.cause() != StopCause.CLOSED && interruptedAt == null) {
        interruptedAt = stop.at();
        watchesBefore = watches;
      }
    }
    watches = status.counts().watches();
    if (!synced && status.synced()) {
      synced = true;
      say(
          clock.instant(),
          "%s: %s%s; watching",
          subject,
          counted(status.objects(), "object"),
          status.anchor().map(anchor -> " at version " + anchor).orElse(""));
    }
    Instant since = interruptedAt;
    if (since != null && status.phase() == Phase.WATCHING && watches > watchesBefore) {
      interruptedAt = null;
      reconnects++;
      Instant now = clock.instant();
      if (told == null || told.cause() != StopCause.GATE_PAUSED || gateTold.equals(told.at())) {
        say(now, "watching again after %s", words(Duration.between(since, now)));
      }
    } else if (status.phase() == Phase.HELD && interruptedAt == null && dueForGate()) {
      say(
          clock.instant(),
          "the gate is full: the stream is not read until the output has caught up");
    }
  }

  /** Whether the stream is interrupted, as far as is known. */
  boolean interrupted() {
    return interruptedAt != null;
  }

  /** How often the stream was back after an interruption. */
  long reconnects() {
    return reconnects;
  }

  private List<StreamStop> news(List<StreamStop> newestFirst) {
    List<StreamStop> news = new ArrayList<>();
    for (StreamStop stop : newestFirst) {
      if (stop.equals(told)) {
        break;
      }
      news.add(stop);
    }
    if (!newestFirst.isEmpty()) {
      told = newestFirst.get(0);
    }
    Collections.reverse(news);
    return news;
  }

  private void tell(StreamStop stop) {
    if (stop.cause() == StopCause.CLOSED) {
      return;
    }
    if (stop.cause() == StopCause.GATE_PAUSED) {
      if (!dueForGate()) {
        return;
      }
      gateTold = stop.at();
    }
    say(
        stop.at(),
        "stream stopped: %s (%s)%s%s",
        stop.cause().id(),
        stop.cause().text(),
        stop.detail().isEmpty() ? "" : ": " + stop.detail(),
        stop.next().isEmpty() ? "" : "; next: " + stop.next());
  }

  private boolean dueForGate() {
    Instant now = clock.instant();
    if (!gateTold.equals(Instant.MIN)
        && Duration.between(gateTold, now).compareTo(GATE_TOLD_EVERY) < 0) {
      return false;
    }
    gateTold = now;
    return true;
  }

  private void say(Instant at, String format, Object... values) {
    err.println(TIME.format(at.atZone(zone)) + " " + String.format(Locale.ROOT, format, values));
    err.flush();
  }

  /** {@code 1 object}, {@code 2 objects}. */
  static String counted(long count, String what) {
    return count + " " + what + (count == 1 ? "" : "s");
  }

  /** A duration as people say it: {@code 850 ms}, {@code 12.3 s}, {@code 5 min 3 s}. */
  static String words(Duration duration) {
    long millis = duration.toMillis();
    if (millis < 1000) {
      return millis + " ms";
    }
    if (millis < 60_000) {
      return String.format(Locale.ROOT, "%.1f s", millis / 1000.0);
    }
    long seconds = duration.toSeconds();
    return seconds < 3600
        ? seconds / 60 + " min " + seconds % 60 + " s"
        : seconds / 3600 + " h " + seconds % 3600 / 60 + " min";
  }
}
