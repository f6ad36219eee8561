package dev.sluice.kube.internal.store;

/**
 * Resource versions: since Kubernetes 1.35 they may be compared, where they are numbers without
 * leading zeros and not "0". Others are opaque and can only be equal or not.
 */
public final class Versions {
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

  /** The version as a number; -1 if it cannot be compared, or has more than 18 digits. */
  static long number(String version) {
    if (version.length() > 18 || !comparable(version)) {
      return -1;
    }
    long number = 0;
    for (int i = 0; i < version.length(); i++) {
      number = number * 10 + (version.charAt(i) - '0');
    }
    return number;
  }

  /** Whether the first is known to be older than the second; false if that cannot be told. */
  public static boolean older(String one, String other) {
    if (!comparable(one) || !comparable(other)) {
      return false;
    }
    return one.length() != other.length()
        ? one.length() < other.length()
        : one.compareTo(other) < 0;
  }

  /** Whether the first is known to be as new as the second or newer. */
  public static boolean reaches(String one, String other) {
    return one.equals(other) || comparable(one) && comparable(other) && !older(one, other);
  }
}
