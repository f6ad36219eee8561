package dev.sluice.kube.internal.json;

/**
 * UUIDs in canonical form, 8-4-4-4-12 digits in lower case, in ASCII: the form in which every API
 * server gives uids.
 */
final class Uids {
  /** How long they are. */
  static final int LENGTH = 36;

  private static final byte NONE = -1;
  private static final byte[] DIGITS = new byte[256];

  static {
    for (int i = 0; i < DIGITS.length; i++) {
      DIGITS[i] = i >= 'A' && i <= 'F' ? NONE : (byte) Character.digit(i, 16);
    }
  }

  private Uids() {}

  /** Whether the 36 bytes from {@code p} on are one. */
  static boolean canonical(byte[] b, int p) {
    int digits = 0;
    for (int i = 0; i < LENGTH; i++) {
      byte c = b[p + i];
      if (i == 8 || i == 13 || i == 18 || i == 23) {
        digits |= c == '-' ? 0 : NONE;
      } else {
        digits |= DIGITS[c & 0xff];
      }
    }
    return digits >= 0;
  }

  /** The first half of a canonical one. */
  static long high(byte[] b, int p) {
    return bits(b, p, p + 18);
  }

  /** The second half of a canonical one. */
  static long low(byte[] b, int p) {
    return bits(b, p + 18, p + LENGTH);
  }

  private static long bits(byte[] b, int from, int to) {
    long bits = 0;
    for (int i = from; i < to; i++) {
      if (b[i] != '-') {
        bits = bits << 4 | DIGITS[b[i] & 0xff];
      }
    }
    return bits;
  }
}
