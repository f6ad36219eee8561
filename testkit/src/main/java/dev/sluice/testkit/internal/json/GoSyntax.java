package dev.sluice.testkit.internal.json;

import java.nio.charset.StandardCharsets;

/**
 * Says what is wrong with a text that is no JSON, in the words of Go's {@code encoding/json}
 * scanner, since those are what a client of the API server sees. Walks the bytes once; used only
 * after parsing has failed.
 */
final class GoSyntax {
  private final byte[] bytes;
  private int at;

  private GoSyntax(byte[] bytes) {
    this.bytes = bytes;
  }

  private static final class Found extends RuntimeException {
    private static final long serialVersionUID = 1;

    Found(String message) {
      super(message, null, false, false);
    }
  }

  /** The message for the first fault in {@code bytes}. */
  static String explain(byte[] bytes) {
    try {
      GoSyntax scan = new GoSyntax(bytes);
      scan.value("looking for beginning of value", 0);
      scan.space();
      if (scan.at < bytes.length) {
        throw scan.invalid("after top-level value");
      }
      return "invalid JSON";
    } catch (Found found) {
      return String.valueOf(found.getMessage());
    }
  }

  private void space() {
    while (at < bytes.length && " \t\r\n".indexOf(bytes[at]) >= 0) {
      at++;
    }
  }

  private byte peek() {
    if (at >= bytes.length) {
      throw new Found("unexpected end of JSON input");
    }
    return bytes[at];
  }

  private Found invalid(String context) {
    return new Found("invalid character " + quote(peek() & 0xff) + " " + context);
  }

  private static String quote(int c) {
    return switch (c) {
      case '\'' -> "'\\''";
      case '"' -> "'\"'";
      case '\n' -> "'\\n'";
      case '\t' -> "'\\t'";
      case '\r' -> "'\\r'";
      case '\\' -> "'\\\\'";
      case 0 -> "'\\x00'";
      default ->
          c < 0x20 || c == 0x7f
              ? String.format("'\\x%02x'", c)
              : "'" + new String(new byte[] {(byte) c}, StandardCharsets.ISO_8859_1) + "'";
    };
  }

  private void value(String context, int depth) {
    space();
    byte c = peek();
    if (depth >= Json.MAX_DEPTH && (c == '{' || c == '[')) {
      throw invalid("exceeded max depth");
    }
    switch (c) {
      case '{' -> object(depth);
      case '[' -> array(depth);
      case '"' -> string();
      case 't' -> literal("true");
      case 'f' -> literal("false");
      case 'n' -> literal("null");
      default -> {
        if (c == '-' || (c >= '0' && c <= '9')) {
          number();
        } else {
          throw invalid(context);
        }
      }
    }
  }

  private void object(int depth) {
    at++;
    space();
    if (peek() == '}') {
      at++;
      return;
    }
    while (true) {
      space();
      if (peek() != '"') {
        throw invalid("looking for beginning of object key string");
      }
      string();
      space();
      if (peek() != ':') {
        throw invalid("after object key");
      }
      at++;
      value("looking for beginning of value", depth + 1);
      space();
      byte c = peek();
      if (c == '}') {
        at++;
        return;
      }
      if (c != ',') {
        throw invalid("after object key:value pair");
      }
      at++;
    }
  }

  private void array(int depth) {
    at++;
    space();
    if (peek() == ']') {
      at++;
      return;
    }
    while (true) {
      value("looking for beginning of value", depth + 1);
      space();
      byte c = peek();
      if (c == ']') {
        at++;
        return;
      }
      if (c != ',') {
        throw invalid("after array element");
      }
      at++;
    }
  }

  private void string() {
    at++;
    while (true) {
      byte c = peek();
      if (c == '"') {
        at++;
        return;
      }
      if (c == '\\') {
        at++;
        byte e = peek();
        if (e == 'u') {
          at++;
          for (int i = 0; i < 4; i++) {
            if (Character.digit(peek(), 16) < 0) {
              throw invalid("in \\u hexadecimal character escape");
            }
            at++;
          }
          continue;
        }
        if ("bfnrt\\/\"".indexOf(e) < 0) {
          throw invalid("in string escape code");
        }
      } else if (c >= 0 && c < 0x20) {
        throw invalid("in string literal");
      }
      at++;
    }
  }

  private void literal(String word) {
    for (int i = 1; i < word.length(); i++) {
      at++;
      if (peek() != word.charAt(i)) {
        throw invalid("in literal " + word + " (expecting '" + word.charAt(i) + "')");
      }
    }
    at++;
  }

  private void number() {
    if (peek() == '-') {
      at++;
      if (!digit(peek())) {
        throw invalid("in numeric literal");
      }
    }
    if (peek() == '0') {
      at++;
    } else {
      digits();
    }
    if (at < bytes.length && bytes[at] == '.') {
      at++;
      if (!digit(peek())) {
        throw invalid("after decimal point in numeric literal");
      }
      digits();
    }
    if (at < bytes.length && (bytes[at] == 'e' || bytes[at] == 'E')) {
      at++;
      if (peek() == '+' || peek() == '-') {
        at++;
      }
      if (!digit(peek())) {
        throw invalid("in exponent of numeric literal");
      }
      digits();
    }
  }

  private void digits() {
    while (at < bytes.length && digit(bytes[at])) {
      at++;
    }
  }

  private static boolean digit(byte c) {
    return c >= '0' && c <= '9';
  }
}
