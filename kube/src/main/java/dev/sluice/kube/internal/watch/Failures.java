package dev.sluice.kube.internal.watch;

import dev.sluice.kube.StopCause;
import java.net.ConnectException;
import java.net.NoRouteToHostException;
import java.net.SocketTimeoutException;
import java.net.UnknownHostException;
import java.nio.channels.UnresolvedAddressException;
import java.security.cert.CertificateException;
import javax.net.ssl.SSLException;
import org.jspecify.annotations.Nullable;

/** Which cause an exception of the transport is counted as. */
final class Failures {
  private Failures() {}

  /** No response could be had. */
  static StopCause connecting(Throwable failure) {
    if (has(failure, CertificateException.class) || has(failure, SSLException.class)) {
      return StopCause.TLS;
    }
    return has(failure, ConnectException.class)
            || has(failure, UnknownHostException.class)
            || has(failure, UnresolvedAddressException.class)
            || has(failure, NoRouteToHostException.class)
            || has(failure, SocketTimeoutException.class)
        ? StopCause.UNREACHABLE
        : StopCause.RESET;
  }

  /** A response broke off. */
  static StopCause reading(Throwable failure) {
    return has(failure, CertificateException.class) ? StopCause.TLS : StopCause.RESET;
  }

  /** The messages of an exception and its causes, in one line. */
  static String describe(Throwable failure) {
    StringBuilder text = new StringBuilder();
    Throwable at = failure;
    for (int i = 0; at != null && i < 4; at = at.getCause(), i++) {
      String message = at.getMessage();
      String words =
          message == null || message.isBlank() ? at.getClass().getSimpleName() : message.strip();
      if (text.indexOf(words) < 0) {
        text.append(text.isEmpty() ? "" : ": ").append(words);
      }
    }
    return text.toString().replaceAll("\\s+", " ");
  }

  private static boolean has(Throwable failure, Class<? extends Throwable> type) {
    @Nullable Throwable at = failure;
    for (int i = 0; at != null && i < 16; at = at.getCause(), i++) {
      if (type.isInstance(at)) {
        return true;
      }
    }
    return false;
  }
}
