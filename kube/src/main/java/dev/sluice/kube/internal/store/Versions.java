package dev.sluice.kube.internal.store;

/**
 * Resource versions: since Kubernetes 1.35 they may be compared, where they are numbers without
 * leading zeros and not "0". Others are opaque and can only be equal or not.
 */
public final class Versions {
  private static final int MOST_DIGITS = 19;

  private Versions() {}

  /** Whether this is a version that can be compared. */
  public static boolean comparable(String version) {
    if (version.isEmpty() || version.charAt(0) == '0') {
      return false;
    }
    for (int i = 0; i < version.length(); i++) {
      char c = version.charAt(i);
      if (c < '0' || c > '9') {
        return false;
      }
    }
    return true;
  }

  /** The version as a number; -1 if it cannot be compared, or is too large for one. */
  static long number(String version) {
    int length = version.length();
    if (length == 0 || length > MOST_DIGITS || version.charAt(0) == '0') {
      return -1;
    }
    long number = 0;
    for (int i = 0; i < length; i++) {
      int digit = version.charAt(i) - '0';
      if (digit < 0 || digit > 9) {
        return -1;
      }
      number = number * 10 + digit;
    }
    return number < 0 ? -1 : number; // 19 digits are less than twice what a long holds
  }

  /** Whether the first is known to be older than the second; false if that cannot be told. */
  public static boolean older(String one, String other) {
    // Nearly always it is not, and the lengths or the first digits that differ say so.
    int digits = one.length() - other.length();
    return (digits != 0 ? digits < 0 : one.compareTo(other) < 0)
        && comparable(one)
        && comparable(other);
  }

  /** Whether the first is known to be as new as the second or newer. */
  public static boolean reaches(String one, String other) {
    return one.equals(other) || comparable(one) && comparable(other) && !older(one, other);
  }
}
