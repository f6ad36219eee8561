package dev.sluice.kube.internal.json;

/** Bytes that are not the JSON they should be. Has no stack trace: it is data, not a defect. */
public final class MalformedJsonException extends Exception {
  private static final long serialVersionUID = 1L;

  /** Says what is wrong, and at which byte. */
  public MalformedJsonException(String message) {
    super(message, null, false, false);
  }
}
