package dev.sluice.testkit.internal.types;

import java.time.DateTimeException;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.time.temporal.ChronoUnit;
import java.util.regex.Pattern;

/** Times as {@code metav1.Time} and {@code metav1.MicroTime} read and write them. */
public final class GoTime {
  private static final DateTimeFormatter MICROS =
      DateTimeFormatter.ofPattern("uuuu-MM-dd'T'HH:mm:ss.SSSSSS'Z'").withZone(ZoneOffset.UTC);
  private static final Pattern SIX_DECIMALS = Pattern.compile(".*:\\d\\d\\.\\d{6}(Z|[+-].*)");

  private static final Pattern MORE_DECIMALS = Pattern.compile(".{19}\\.\\d{7,}(Z|[+-].*)");

  private GoTime() {}

  /** Whole seconds, in UTC. */
  public static String seconds(Instant instant) {
    return instant.truncatedTo(ChronoUnit.SECONDS).toString();
  }

  /** Six decimals, in UTC. */
  public static String micros(Instant instant) {
    return MICROS.format(instant);
  }

  static String seconds(String text) throws GoCodec.TypeException {
    // What the server itself has written is read again and again: it stays as it is.
    return isCanonical(text) ? text : seconds(parse(text, "2006-01-02T15:04:05Z07:00"));
  }

  /** Whether a text is a time in whole seconds and in UTC, written as this server writes it. */
  private static boolean isCanonical(String text) {
    String pattern = "0000-00-00T00:00:00Z";
    if (text.length() != pattern.length()) {
      return false;
    }
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      char expected = pattern.charAt(i);
      if (expected == '0' ? c < '0' || c > '9' : c != expected) {
        return false;
      }
    }
    int month = twoDigits(text, 5);
    int day = twoDigits(text, 8);
    // The last days of a month, and what is none, are left to the calendar.
    return month >= 1
        && month <= 12
        && day >= 1
        && day <= 28
        && twoDigits(text, 11) <= 23
        && twoDigits(text, 14) <= 59
        && twoDigits(text, 17) <= 59;
  }

  private static int twoDigits(String text, int at) {
    return (text.charAt(at) - '0') * 10 + text.charAt(at + 1) - '0';
  }

  static String micros(String text) throws GoCodec.TypeException {
    String layout = "2006-01-02T15:04:05.000000Z07:00";
    Instant instant = parse(text, layout);
    if (!SIX_DECIMALS.matcher(text).matches()) {
      if (MORE_DECIMALS.matcher(text).matches()) {
        throw new GoCodec.TypeException(
            "parsing time \"%s\" as \"%s\": cannot parse \"%s\" as \"Z07:00\""
                .formatted(text, layout, text.substring(26)));
      }
      int rest = Math.min(19, text.length());
      throw new GoCodec.TypeException(
          "parsing time \"%s\" as \"%s\": cannot parse \"%s\" as \".000000\""
              .formatted(text, layout, text.substring(rest)));
    }
    return micros(instant);
  }

  private static Instant parse(String text, String layout) throws GoCodec.TypeException {
    try {
      return OffsetDateTime.parse(text).toInstant();
    } catch (DateTimeException e) {
      throw new GoCodec.TypeException(complaint(text, layout));
    }
  }

  /** Go names the first element of the layout that does not match, and the rest of the text. */
  private static String complaint(String text, String layout) {
    String[] elements = {"2006", "-", "01", "-", "02", "T", "15", ":", "04", ":", "05"};
    int at = 0;
    for (String element : elements) {
      boolean digits = Character.isDigit(element.charAt(0));
      int end = at + element.length();
      boolean fits =
          end <= text.length()
              && (digits
                  ? text.substring(at, end).chars().allMatch(c -> c >= '0' && c <= '9')
                  : text.startsWith(element, at));
      if (!fits) {
        return "parsing time \"%s\" as \"%s\": cannot parse \"%s\" as \"%s\""
            .formatted(text, layout, text.substring(Math.min(at, text.length())), element);
      }
      at = end;
    }
    return "parsing time \"%s\" as \"%s\": cannot parse \"%s\" as \"Z07:00\""
        .formatted(text, layout, text.substring(at));
  }
}
