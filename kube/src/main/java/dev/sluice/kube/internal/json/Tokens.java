package dev.sluice.kube.internal.json;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;

/**
 * The words of JSON in a byte array: each method takes a position and returns the next one.
 *
 * <p>Strings are crossed eight bytes at a time (the zero-byte test of Mycroft, 1987, on the bytes
 * exclusive-or'ed with the one looked for): most of an object's bytes are inside strings.
 */
public final class Tokens {
  /** How deep values may be nested. */
  public static final int MAX_DEPTH = 1024;

  private static final VarHandle LONGS =
      MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);
  private static final long ONES = 0x0101010101010101L;
  private static final long HIGHS = 0x8080808080808080L;
  private static final long QUOTES = ONES * '"';
  private static final long BACKSLASHES = ONES * '\\';

  private Tokens() {}

  /** The first position at or after {@code p} that is not white space; {@code end} if none. */
  public static int skipSpace(byte[] b, int p, int end) {
    while (p < end) {
      byte c = b[p];
      if (c != ' ' && c != '\n' && c != '\r' && c != '\t') {
        return p;
      }
      p++;
    }
    return end;
  }

  /**
   * Skips a string.
   *
   * @param p the position after the opening quote
   * @return the position of the closing quote
   */
  public static int endOfString(byte[] b, int p, int end) throws MalformedJsonException {
    int start = p;
    while (true) {
      p = quoteOrBackslash(b, p, end);
      if (p >= end) {
        throw new MalformedJsonException("a string that begins at byte " + start + " has no end");
      }
      if (b[p] == '"') {
        return p;
      }
      p += 2;
    }
  }

  /** The first position at or after {@code p} of a quote or a backslash; {@code end} if none. */
  public static int quoteOrBackslash(byte[] b, int p, int end) {
    while (p + 8 <= end) {
      long word = (long) LONGS.get(b, p);
      long q = word ^ QUOTES;
      long s = word ^ BACKSLASHES;
      long hit = ((q - ONES) & ~q | (s - ONES) & ~s) & HIGHS;
      if (hit != 0) {
        return p + (Long.numberOfTrailingZeros(hit) >>> 3);
      }
      p += 8;
    }
    while (p < end && b[p] != '"' && b[p] != '\\') {
      p++;
    }
    return Math.min(p, end);
  }

  /**
   * Skips a value of any kind, checking that its brackets match.
   *
   * @param p the position of its first byte
   * @return the position after its last byte
   */
  public static int skipValue(byte[] b, int p, int end) throws MalformedJsonException {
    if (p >= end) {
      throw new MalformedJsonException("a value is missing at byte " + p);
    }
    byte c = b[p];
    if (c == '"') {
      return endOfString(b, p + 1, end) + 1;
    }
    if (c == '{' || c == '[') {
      return skipContainer(b, p, end);
    }
    int start = p;
    while (p < end && isScalar(b[p])) {
      p++;
    }
    if (p == start) {
      throw unexpected(b, p, "a value");
    }
    return p;
  }

  private static int skipContainer(byte[] b, int start, int end) throws MalformedJsonException {
    // One bit for each open bracket: set for an object, clear for an array.
    long kinds = 0;
    long[] deeper = null;
    int depth = 0;
    int p = start;
    while (p < end) {
      byte c = b[p++];
      switch (c) {
        case '"' -> p = endOfString(b, p, end) + 1;
        case '{', '[' -> {
          if (depth == MAX_DEPTH) {
            throw new MalformedJsonException(
                "nested deeper than " + MAX_DEPTH + " levels at byte " + (p - 1));
          }
          if (depth > 0 && depth % 64 == 0) {
            deeper = deeper == null ? new long[MAX_DEPTH / 64] : deeper;
            deeper[depth / 64 - 1] = kinds;
          }
          kinds = kinds << 1 | (c == '{' ? 1 : 0);
          depth++;
        }
        case '}', ']' -> {
          if ((kinds & 1) != (c == '}' ? 1 : 0)) {
            throw new MalformedJsonException(
                "a bracket at byte " + (p - 1) + " closes one of another kind");
          }
          kinds >>>= 1;
          depth--;
          if (depth == 0) {
            return p;
          }
          if (depth % 64 == 0 && deeper != null) {
            kinds = deeper[depth / 64 - 1];
          }
        }
        default -> {
          // Numbers, literals, commas, colons, space: their grammar is left to whoever decodes.
        }
      }
    }
    throw new MalformedJsonException("a bracket that opens at byte " + start + " is not closed");
  }

  /** Whether the string at {@code [p, q)} (without quotes) is this ASCII text, escapes included. */
  public static boolean is(byte[] b, int p, int q, byte[] text) throws MalformedJsonException {
    if (q - p == text.length) {
      boolean same = true;
      for (int i = 0; i < text.length && same; i++) {
        same = b[p + i] == text[i];
      }
      if (same) {
        return true;
      }
    }
    return q - p > text.length && hasEscape(b, p, q) && text(b, p, q).equals(ascii(text));
  }

  private static String ascii(byte[] text) {
    return new String(text, StandardCharsets.US_ASCII);
  }

  private static boolean hasEscape(byte[] b, int p, int q) {
    return quoteOrBackslash(b, p, q) < q;
  }

  /**
   * The text of the string at {@code [p, q)} (without quotes), escapes resolved.
   *
   * @throws MalformedJsonException for an unknown escape, or bytes that are not UTF-8
   */
  public static String text(byte[] b, int p, int q) throws MalformedJsonException {
    boolean plain = true;
    for (int i = p; i < q; i++) {
      byte c = b[i];
      if (c < 0x20 || c == '\\') {
        plain = false;
        break;
      }
    }
    if (plain) {
      // Every byte is printable ASCII: the cheapest of String's constructors is right.
      return new String(b, p, q - p, StandardCharsets.ISO_8859_1);
    }
    String raw;
    try {
      raw = StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(b, p, q - p)).toString();
    } catch (CharacterCodingException e) {
      throw new MalformedJsonException("a string at byte " + p + " is not UTF-8");
    }
    return raw.indexOf('\\') < 0 ? raw : unescape(raw, p);
  }

  private static String unescape(String raw, int at) throws MalformedJsonException {
    StringBuilder text = new StringBuilder(raw.length());
    for (int i = 0; i < raw.length(); i++) {
      char c = raw.charAt(i);
      if (c != '\\') {
        text.append(c);
        continue;
      }
      if (++i == raw.length()) {
        throw new MalformedJsonException("an escape at the end of the string at byte " + at);
      }
      switch (raw.charAt(i)) {
        case '"' -> text.append('"');
        case '\\' -> text.append('\\');
        case '/' -> text.append('/');
        case 'b' -> text.append('\b');
        case 'f' -> text.append('\f');
        case 'n' -> text.append('\n');
        case 'r' -> text.append('\r');
        case 't' -> text.append('\t');
        case 'u' -> {
          if (i + 4 >= raw.length()) {
            throw new MalformedJsonException("a cut \\u escape in the string at byte " + at);
          }
          int code = 0;
          for (int k = 1; k <= 4; k++) {
            int digit = Character.digit(raw.charAt(i + k), 16);
            if (digit < 0 || raw.charAt(i + k) > 'f') {
              throw new MalformedJsonException("a bad \\u escape in the string at byte " + at);
            }
            code = code << 4 | digit;
          }
          text.append((char) code);
          i += 4;
        }
        default ->
            throw new MalformedJsonException(
                "an unknown escape \\" + raw.charAt(i) + " in the string at byte " + at);
      }
    }
    return text.toString();
  }

  /** Whether a byte can stand in a number or a literal. */
  public static boolean isScalar(byte c) {
    return c >= '0' && c <= '9'
        || c >= 'a' && c <= 'z'
        || c >= 'A' && c <= 'Z'
        || c == '-'
        || c == '+'
        || c == '.';
  }

  static MalformedJsonException unexpected(byte[] b, int p, String wanted) {
    return new MalformedJsonException(
        "expected "
            + wanted
            + " at byte "
            + p
            + ", found "
            + (b[p] > 0x20 && b[p] < 0x7f
                ? "'" + (char) b[p] + "'"
                : "byte 0x" + Integer.toHexString(b[p] & 0xff)));
  }

  static int expect(byte[] b, int p, int end, char wanted) throws MalformedJsonException {
    int at = skipSpace(b, p, end);
    if (at >= end) {
      throw new MalformedJsonException(
          "expected '" + wanted + "' at byte " + at + ", found the end");
    }
    if (b[at] != wanted) {
      throw unexpected(b, at, "'" + wanted + "'");
    }
    return at + 1;
  }
}
