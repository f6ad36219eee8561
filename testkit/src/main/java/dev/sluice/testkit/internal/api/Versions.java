package dev.sluice.testkit.internal.api;

/** Which release of Kubernetes is followed. */
final class Versions {
  static final String MAJOR = "1";
  static final String MINOR = "37";
  static final String GIT_VERSION = "v1.37.2+sluice";

  private Versions() {}
}
