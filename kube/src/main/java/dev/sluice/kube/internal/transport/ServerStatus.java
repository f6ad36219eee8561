package dev.sluice.kube.internal.transport;

import dev.sluice.kube.internal.json.JsonValue;
import dev.sluice.kube.internal.json.MalformedJsonException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;

/**
 * What a server says when it refuses: a {@code Status} of {@code meta/v1}, or what could be made of
 * a plain-text body.
 *
 * @param code the HTTP status
 * @param reason the machine-readable reason, such as {@code Expired}; empty if there is none
 * @param message in words
 * @param retryAfterSeconds how long to stay away, 0 if it does not say
 * @param continueToken a fresh, inconsistent continuation that comes with an expired one; never
 *     used, because deletions among the earlier pages would be missed
 */
public record ServerStatus(
    int code, String reason, String message, long retryAfterSeconds, String continueToken) {
  private static final int LONGEST = 64 * 1024;
  private static final int LONGEST_TEXT = 300;

  /** Reads a {@code Status} object. */
  public static ServerStatus parse(byte[] b, int start, int end) throws MalformedJsonException {
    JsonValue status = JsonValue.parse(b, start, end);
    return new ServerStatus(
        (int) status.get("code").number(),
        status.get("reason").text(),
        status.get("message").text(),
        status.get("details").get("retryAfterSeconds").number(),
        status.get("metadata").get("continue").text());
  }

  /**
   * Reads the body of a refusal: a {@code Status}, plain text (as the overload filter sends) or
   * nothing; 64 KiB of it at most.
   *
   * @param code the response's HTTP status, which counts
   */
  public static ServerStatus read(int code, InputStream body) {
    byte[] bytes;
    try {
      bytes = body.readNBytes(LONGEST);
    } catch (IOException e) {
      return new ServerStatus(code, "", "", 0, "");
    }
    try {
      ServerStatus status = parse(bytes, 0, bytes.length);
      if (!status.message.isEmpty() || !status.reason.isEmpty()) {
        return new ServerStatus(
            code,
            status.reason,
            shortened(status.message),
            status.retryAfterSeconds,
            status.continueToken);
      }
    } catch (MalformedJsonException e) {
      // Not JSON: the text itself is the message.
    }
    return new ServerStatus(
        code, "", shortened(new String(bytes, StandardCharsets.UTF_8).strip()), 0, "");
  }

  /** Whether the history asked for is no longer there. */
  public boolean expired() {
    return code == 410 || reason.equals("Expired") || reason.equals("Gone");
  }

  private static String shortened(String text) {
    String line = text.replaceAll("\\s+", " ");
    return line.length() <= LONGEST_TEXT ? line : line.substring(0, LONGEST_TEXT) + "...";
  }

  /** {@code 410 Expired: too old resource version: 1 (20)}. */
  @Override
  public String toString() {
    return code
        + (reason.isEmpty() ? "" : " " + reason)
        + (message.isEmpty() ? "" : ": " + message);
  }
}
