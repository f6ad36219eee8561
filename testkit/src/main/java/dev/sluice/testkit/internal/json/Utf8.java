package dev.sluice.testkit.internal.json;

import java.io.ByteArrayOutputStream;
import org.jspecify.annotations.Nullable;

/** What Go's decoders do with bytes that are no UTF-8. Stateless. */
final class Utf8 {
  private static final byte[] REPLACEMENT = {(byte) 0xef, (byte) 0xbf, (byte) 0xbd};

  private Utf8() {}

  /** The bytes with U+FFFD for each byte that belongs to no character, as JSON is read. */
  static byte[] repaired(byte[] bytes) {
    ByteArrayOutputStream out = new ByteArrayOutputStream(bytes.length + 16);
    for (int at = 0; at < bytes.length; ) {
      int length = length(bytes, at);
      if (length == 0) {
        out.writeBytes(REPLACEMENT);
        at++;
      } else {
        out.write(bytes, at, length);
        at += length;
      }
    }
    return out.toByteArray();
  }

  /** What is wrong with the first byte that belongs to no character, as YAML is read; or null. */
  static @Nullable String fault(byte[] bytes) {
    for (int at = 0; at < bytes.length; ) {
      int length = length(bytes, at);
      if (length == 0) {
        return explain(bytes, at);
      }
      at += length;
    }
    return null;
  }

  private static String explain(byte[] bytes, int at) {
    int width = width(bytes[at] & 0xff);
    if (width == 0) {
      return "invalid leading UTF-8 octet";
    }
    for (int i = 1; i < width; i++) {
      if (at + i >= bytes.length) {
        return "incomplete UTF-8 octet sequence";
      }
      if ((bytes[at + i] & 0xc0) != 0x80) {
        return "invalid trailing UTF-8 octet";
      }
    }
    return "invalid Unicode character";
  }

  private static int width(int lead) {
    return lead < 0x80
        ? 1
        : lead >= 0xc0 && lead < 0xe0
            ? 2
            : lead >= 0xe0 && lead < 0xf0 ? 3 : lead >= 0xf0 && lead < 0xf8 ? 4 : 0;
  }

  /** The number of bytes of the character that begins here; 0 if none does. */
  private static int length(byte[] bytes, int at) {
    int lead = bytes[at] & 0xff;
    int width = width(lead);
    if (width <= 1) {
      return width;
    }
    if (at + width > bytes.length) {
      return 0;
    }
    int code = lead & (0x7f >> width);
    for (int i = 1; i < width; i++) {
      int next = bytes[at + i] & 0xff;
      if ((next & 0xc0) != 0x80) {
        return 0;
      }
      code = code << 6 | next & 0x3f;
    }
    boolean shortest = code >= (width == 2 ? 0x80 : width == 3 ? 0x800 : 0x10000);
    boolean character = code <= 0x10ffff && (code < 0xd800 || code > 0xdfff);
    return shortest && character ? width : 0;
  }

  /** The text with U+FFFD for each surrogate that stands alone. */
  static String paired(String text) {
    StringBuilder changed = null;
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (!Character.isSurrogate(c)) {
        continue;
      }
      if (Character.isHighSurrogate(c)
          && i + 1 < text.length()
          && Character.isLowSurrogate(text.charAt(i + 1))) {
        i++;
        continue;
      }
      if (changed == null) {
        changed = new StringBuilder(text);
      }
      changed.setCharAt(i, '\ufffd');
    }
    return changed == null ? text : changed.toString();
  }
}
