package dev.sluice.testkit;

import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.util.Objects;

/**
 * What goes wrong with a request. Injected with {@link Faults#inject}, or thrown into streams that
 * are already open with {@link Faults#strike}.
 *
 * <p>Bytes are those of the body, before any compression. Immutable.
 */
public sealed interface Fault {
  /** The longest time that a fault may last. */
  Duration LONGEST = Duration.ofDays(3650);

  /**
   * The answer comes later. Nothing is read or done before.
   *
   * @param delay from zero to {@link #LONGEST}
   */
  static Fault delay(Duration delay) {
    return new Delay(notNegative(delay, "delay"));
  }

  /**
   * Another answer instead: a {@code Status} with a code and a reason, as the API server words
   * them.
   *
   * @param code the HTTP status, 400 to 599
   * @param reason such as {@code ServiceUnavailable}; may be empty
   */
  static Fault refuse(int code, String reason, String message) {
    return new Refuse(
        code,
        Objects.requireNonNull(reason, "reason"),
        Objects.requireNonNull(message, "message"),
        "",
        false);
  }

  /**
   * A 429 as priority and fairness gives it: plain text, and a {@code Retry-After} in seconds.
   *
   * @param retryAfter rounded down to whole seconds
   */
  static Fault tooManyRequests(Duration retryAfter) {
    return new Refuse(
        429,
        "",
        "Too many requests, please try again later.\n",
        Long.toString(notNegative(retryAfter, "retryAfter").toSeconds()),
        true);
  }

  /** The same with a {@code Retry-After} that is a date. */
  static Fault tooManyRequests(Instant retryAfter) {
    return new Refuse(
        429, "", "Too many requests, please try again later.\n", httpDate(retryAfter), true);
  }

  /** A 503 {@code Status}, and a {@code Retry-After} in seconds. */
  static Fault unavailable(Duration retryAfter) {
    return new Refuse(
        503,
        "ServiceUnavailable",
        "the server is currently unable to handle the request",
        Long.toString(notNegative(retryAfter, "retryAfter").toSeconds()),
        false);
  }

  /** The same with a {@code Retry-After} that is a date. */
  static Fault unavailable(Instant retryAfter) {
    return new Refuse(
        503,
        "ServiceUnavailable",
        "the server is currently unable to handle the request",
        httpDate(retryAfter),
        false);
  }

  /** The connection is cut (reset) before anything is answered. The request is not carried out. */
  static Fault hangUp() {
    return new HangUp(false);
  }

  /** The request is carried out, and then the connection is cut before anything is answered. */
  static Fault hangUpAfterwards() {
    return new HangUp(true);
  }

  /**
   * The connection is cut (over HTTP/2: the stream is reset) when so many bytes of the body have
   * been sent.
   *
   * @param bytes 0 to cut after the headers
   */
  static Fault cutAfter(long bytes) {
    return new CutAfter(atLeastZero(bytes));
  }

  /** When so many bytes have been sent, nothing more comes; the connection stays open. */
  static Fault stallAfter(long bytes) {
    return new StallAfter(atLeastZero(bytes));
  }

  /**
   * When so many bytes have been sent, the whole connection is dead without saying so: nothing is
   * read from it nor written to it, HTTP/2 pings are not answered.
   */
  static Fault halfOpenAfter(long bytes) {
    return new HalfOpenAfter(atLeastZero(bytes));
  }

  /**
   * The body trickles.
   *
   * @param bytesPerSecond at least 1
   */
  static Fault slowBody(long bytesPerSecond) {
    if (bytesPerSecond < 1) {
      throw new IllegalArgumentException(
          "A body that trickles has at least 1 byte per second, not " + bytesPerSecond);
    }
    return new SlowBody(bytesPerSecond);
  }

  /**
   * After so many frames of a watch a line stands there that is no event. The stream goes on.
   *
   * @param line without an end of line
   */
  static Fault garbageAfter(int frames, String line) {
    if (line.indexOf('\n') >= 0) {
      throw new IllegalArgumentException(
          "One line of garbage has no end of line in it; inject one fault for each line");
    }
    return new Garbage(atLeastZero(frames, "frames"), line);
  }

  /**
   * After so many frames of a watch an ERROR event comes, and the stream ends.
   *
   * @param code the code in its {@code Status}, such as 410
   * @param reason such as {@code Expired}
   * @param retryAfterSeconds 0 for none
   */
  static Fault errorEventAfter(
      int frames, int code, String reason, String message, int retryAfterSeconds) {
    if (code < 100 || code > 599) {
      throw new IllegalArgumentException("A Status has a code from 100 to 599, not " + code);
    }
    return new ErrorEvent(
        atLeastZero(frames, "frames"),
        code,
        Objects.requireNonNull(reason, "reason"),
        Objects.requireNonNull(message, "message"),
        atLeastZero(retryAfterSeconds, "retryAfterSeconds"));
  }

  /** An ERROR event at once: the version has been compacted. */
  static Fault expired() {
    return errorEventAfter(0, 410, "Expired", "too old resource version: 1 (2)", 0);
  }

  /** After so many frames of a watch the stream ends in good order, as at a deadline. */
  static Fault endAfter(int frames) {
    return new EndAfter(atLeastZero(frames, "frames"));
  }

  /** HTTP/2: the connection's client is told to open another one; what is open goes on. */
  static Fault goAway() {
    return new GoAway();
  }

  /** See {@link #delay}. */
  record Delay(Duration delay) implements Fault {}

  /**
   * See {@link #refuse}.
   *
   * @param retryAfter the header's value; empty for none
   * @param plainText whether the message is the whole body
   */
  record Refuse(int code, String reason, String message, String retryAfter, boolean plainText)
      implements Fault {
    public Refuse {
      if (code < 400 || code > 599) {
        throw new IllegalArgumentException("A refusal has a status from 400 to 599, not " + code);
      }
    }
  }

  /** See {@link #hangUp}. */
  record HangUp(boolean afterwards) implements Fault {}

  /** See {@link #cutAfter}. */
  record CutAfter(long bytes) implements Fault {}

  /** See {@link #stallAfter}. */
  record StallAfter(long bytes) implements Fault {}

  /** See {@link #halfOpenAfter}. */
  record HalfOpenAfter(long bytes) implements Fault {}

  /** See {@link #slowBody}. */
  record SlowBody(long bytesPerSecond) implements Fault {}

  /** See {@link #garbageAfter}. */
  record Garbage(int frames, String line) implements Fault {}

  /** See {@link #errorEventAfter}. */
  record ErrorEvent(int frames, int code, String reason, String message, int retryAfterSeconds)
      implements Fault {}

  /** See {@link #endAfter}. */
  record EndAfter(int frames) implements Fault {}

  /** See {@link #goAway}. */
  record GoAway() implements Fault {}

  private static Duration notNegative(Duration duration, String what) {
    if (duration.isNegative()) {
      throw new IllegalArgumentException(what + " must not be negative: " + duration);
    }
    if (duration.compareTo(LONGEST) > 0) {
      throw new IllegalArgumentException(
          what + " is at most " + LONGEST.toDays() + " days, not " + duration);
    }
    return duration;
  }

  private static int atLeastZero(int count, String what) {
    if (count < 0) {
      throw new IllegalArgumentException(what + " must not be negative: " + count);
    }
    return count;
  }

  private static long atLeastZero(long bytes) {
    if (bytes < 0) {
      throw new IllegalArgumentException("bytes must not be negative: " + bytes);
    }
    return bytes;
  }

  private static String httpDate(Instant instant) {
    return DateTimeFormatter.RFC_1123_DATE_TIME.format(
        ZonedDateTime.ofInstant(instant, ZoneOffset.UTC));
  }
}
