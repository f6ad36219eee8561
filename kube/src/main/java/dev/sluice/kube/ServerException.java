package dev.sluice.kube;

import dev.sluice.flow.Experimental;
import java.io.IOException;

/** The server answered, and refused. */
@Experimental
public final class ServerException extends IOException {
  private static final long serialVersionUID = 1L;

  private final int status;
  private final String reason;

  /**
   * A refusal.
   *
   * @param asked what was asked for, such as {@code GET /apis}
   * @param status the HTTP status
   * @param reason the reason in the server's {@code Status}; empty if it gave none
   * @param said what the server said
   */
  public ServerException(String asked, int status, String reason, String said) {
    super(
        asked
            + ": "
            + status
            + (reason.isEmpty() ? "" : " " + reason)
            + (said.isEmpty() ? "" : ": " + said)
            + remedy(status));
    this.status = status;
    this.reason = reason;
  }

  private static String remedy(int status) {
    return switch (status) {
      case 401 -> " (the server did not accept the credentials: a token may have expired)";
      case 403 -> " (the user is known but not allowed to do this)";
      default -> "";
    };
  }

  /** The HTTP status. */
  public int status() {
    return status;
  }

  /** Whether it is one of too many: 429, or 503. */
  public boolean speaksOfOverload() {
    return status == 429 || status == 503;
  }

  /** The reason in the server's {@code Status}; empty if it gave none. */
  public String reason() {
    return reason;
  }
}
