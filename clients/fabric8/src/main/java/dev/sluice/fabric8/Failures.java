package dev.sluice.fabric8;

import java.io.IOException;
import java.net.ConnectException;
import java.net.NoRouteToHostException;
import java.net.SocketTimeoutException;
import java.net.UnknownHostException;
import java.nio.channels.UnresolvedAddressException;
import java.security.cert.CertPathBuilderException;
import java.security.cert.CertPathValidatorException;
import java.security.cert.CertificateException;
import java.util.Locale;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import javax.net.ssl.SSLException;
import org.jspecify.annotations.Nullable;

/**
 * Says in one line what was tried and why it failed, with the JDK's own exception types: whoever
 * catches it tells a refused connection from a certificate without knowing fabric8, Vert.x or
 * Netty. What they threw is the cause.
 */
final class Failures {
  private Failures() {}

  /**
   * @param attempt what was tried and where, up to a colon and a space
   * @param thrown what fabric8 reported
   */
  static IOException explain(String attempt, Throwable thrown) {
    Throwable cause = unwrap(thrown);
    IOException explained;
    if (find(cause, UnknownHostException.class) instanceof UnknownHostException unknown) {
      explained = new UnknownHostException(attempt + "unknown host: " + detail(unknown));
    } else if (find(cause, UnresolvedAddressException.class) != null) {
      explained = new UnknownHostException(attempt + "unknown host");
    } else if (find(cause, SSLException.class) instanceof SSLException tls) {
      explained = new SSLException(attempt + tls(tls));
    } else if (find(cause, NoRouteToHostException.class) instanceof NoRouteToHostException route) {
      explained = new NoRouteToHostException(attempt + detail(route));
    } else if (find(cause, ConnectException.class) instanceof ConnectException refused) {
      // The JDK's HTTP client leaves its message empty.
      String detail = refused.getMessage() == null ? "connection refused" : refused.getMessage();
      explained =
          detail.toLowerCase(Locale.ROOT).contains("timed out")
              ? new SocketTimeoutException(attempt + detail)
              : new ConnectException(attempt + detail);
    } else if (cause instanceof CancellationException) {
      explained = new IOException(attempt + "the exchange was aborted");
    } else {
      explained = new IOException(attempt + detail(cause));
    }
    explained.initCause(cause);
    return explained;
  }

  private static String tls(SSLException tls) {
    if (find(tls, CertPathBuilderException.class) != null) {
      return "the server's certificate is not signed by an authority that is trusted here";
    }
    if (find(tls, CertPathValidatorException.class) instanceof CertPathValidatorException path) {
      return "the server's certificate is not valid: " + detail(path);
    }
    if (find(tls, CertificateException.class) instanceof CertificateException certificate) {
      return "the server's certificate is not accepted: " + detail(certificate);
    }
    return "TLS: " + detail(tls);
  }

  private static Throwable unwrap(Throwable thrown) {
    Throwable cause = thrown;
    while ((cause instanceof CompletionException || cause instanceof ExecutionException)
        && cause.getCause() != null) {
      cause = cause.getCause();
    }
    return cause;
  }

  private static <T extends Throwable> @Nullable T find(Throwable thrown, Class<T> type) {
    Throwable cause = thrown;
    for (int depth = 0; cause != null && depth < 20; depth++) {
      if (type.isInstance(cause)) {
        return type.cast(cause);
      }
      cause = cause.getCause();
    }
    return null;
  }

  /** What the innermost cause says. */
  static String rootMessage(Throwable thrown) {
    Throwable root = thrown;
    for (Throwable cause = root.getCause(); cause != null && cause != root; ) {
      root = cause;
      cause = root.getCause();
    }
    return detail(root);
  }

  private static String detail(Throwable thrown) {
    String message = thrown.getMessage();
    return message == null || message.isBlank() ? thrown.getClass().getSimpleName() : message;
  }
}
