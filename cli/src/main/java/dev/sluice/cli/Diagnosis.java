package dev.sluice.cli;

import io.fabric8.kubernetes.client.KubernetesClientException;
import java.io.IOException;
import java.net.BindException;
import java.net.ConnectException;
import java.net.NoRouteToHostException;
import java.net.SocketTimeoutException;
import java.net.UnknownHostException;
import javax.net.ssl.SSLException;
import org.jspecify.annotations.Nullable;

/**
 * Turns what was thrown into what the person at the terminal can do about it. The innermost
 * exception that says something wins: the layers around it only repeat it.
 */
public final class Diagnosis {
  private Diagnosis() {}

  /**
   * What the trouble is.
   *
   * @param thrown by a subcommand
   * @param cluster which cluster it spoke with, for the message; null if none
   */
  public static Trouble of(Throwable thrown, @Nullable ClusterOptions cluster) {
    String where = cluster == null ? "" : cluster.origin();
    for (Throwable t = thrown; t != null; t = t.getCause() == t ? null : t.getCause()) {
      Trouble trouble = known(t, thrown, where);
      if (trouble != null) {
        return trouble;
      }
    }
    if (thrown instanceof IOException) {
      return new Trouble(ExitCode.SERVER, line(thrown), thrown);
    }
    return new Trouble(
        ExitCode.BUG,
        "unexpected "
            + thrown.getClass().getSimpleName()
            + ": "
            + line(thrown)
            + "; this is a defect of Sluice, please report it with what --verbose prints",
        thrown);
  }

  private static @Nullable Trouble known(Throwable t, Throwable thrown, String where) {
    return switch (t) {
      case Trouble trouble -> trouble;
      case UnknownHostException e ->
          new Trouble(
              ExitCode.UNREACHABLE,
              line(e) + "; check the server's name" + where + ", and this machine's DNS",
              thrown);
      case SSLException e ->
          new Trouble(
              ExitCode.UNTRUSTED,
              line(e) + "; check certificate-authority and the server's address" + where,
              thrown);
      case BindException e -> new Trouble(ExitCode.LOCAL, line(e), thrown);
      case ConnectException e -> unreachable(e, thrown, where);
      case NoRouteToHostException e -> unreachable(e, thrown, where);
      case SocketTimeoutException e -> unreachable(e, thrown, where);
      case KubernetesClientException e when e.getCode() > 0 ->
          answered(e.getCode(), line(e), thrown, where);
      default -> null;
    };
  }

  private static Trouble unreachable(Throwable e, Throwable thrown, String where) {
    return new Trouble(
        ExitCode.UNREACHABLE,
        line(e) + "; is the server running, and is its address right" + where + "?",
        thrown);
  }

  private static Trouble answered(int status, String message, Throwable thrown, String where) {
    return switch (status) {
      case 401 ->
          new Trouble(
              ExitCode.UNAUTHENTICATED,
              "the server does not accept these credentials (401): log in again, or check the"
                  + " user's token"
                  + where,
              thrown);
      case 403 ->
          new Trouble(
              ExitCode.FORBIDDEN,
              message + " (403): ask for a role that allows it, or choose another --context",
              thrown);
      default -> new Trouble(ExitCode.SERVER, message + " (" + status + ")", thrown);
    };
  }

  /** The message in one line; the type where there is none. */
  private static String line(Throwable t) {
    String message = t.getMessage();
    return message == null || message.isBlank()
        ? t.getClass().getSimpleName()
        : message.strip().replaceAll("\\s*\\R\\s*", " ");
  }
}
