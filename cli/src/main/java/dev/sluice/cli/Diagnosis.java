package dev.sluice.cli;

import dev.sluice.kube.ServerException;
import dev.sluice.kube.UnknownKindException;
import io.fabric8.kubernetes.client.KubernetesClientException;
import java.io.IOException;
import java.net.BindException;
import java.net.ConnectException;
import java.net.NoRouteToHostException;
import java.net.SocketException;
import java.net.SocketTimeoutException;
import java.net.UnknownHostException;
import java.nio.file.AccessDeniedException;
import java.nio.file.NoSuchFileException;
import java.security.cert.CertPathBuilderException;
import java.security.cert.CertPathValidatorException;
import java.security.cert.CertificateException;
import javax.net.ssl.SSLException;
import org.jspecify.annotations.Nullable;

/**
 * Turns what was thrown into what the person at the terminal can do about it. The outermost
 * exception whose type says something wins; what it wraps adds detail.
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
    Where where = Where.of(cluster);
    for (Throwable t = thrown; t != null; t = t.getCause()) {
      Trouble trouble = known(t, where);
      if (trouble != null) {
        return trouble;
      }
    }
    if (thrown instanceof IOException) {
      return new Trouble(ExitCode.SERVER, line(thrown) + where.in(), thrown);
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

  /**
   * What it means that the server refused a request.
   *
   * @param status the HTTP status
   * @param said what the server said; may be empty
   * @param cluster which cluster
   */
  public static Trouble refused(int status, String said, ClusterOptions cluster) {
    return refused(status, said, Where.of(cluster), null);
  }

  private static @Nullable Trouble known(Throwable t, Where where) {
    return switch (t) {
      case Trouble trouble -> trouble;
      case UnknownKindException e ->
          new Trouble(
              ExitCode.NOT_FOUND,
              line(e) + "; 'sluice watch --kinds' lists what there is" + where.in(),
              e);
      case ServerException e -> refused(e.status(), line(e), where, e);
      case KubernetesClientException e when e.getCode() > 0 ->
          refused(e.getCode(), e.getStatus() == null ? "" : line(e), where, e);
      case SSLException e -> tls(e, where);
      case UnknownHostException e ->
          new Trouble(
              ExitCode.UNREACHABLE,
              "the host of "
                  + where.server()
                  + " is not known; check its name"
                  + where.in()
                  + " and this machine's DNS",
              e);
      case BindException e -> new Trouble(ExitCode.LOCAL, line(e), e);
      case SocketTimeoutException e ->
          new Trouble(
              ExitCode.UNREACHABLE,
              where.server()
                  + " does not answer in time; check the network between (VPN, firewall, proxy) and"
                  + " the address"
                  + where.in(),
              e);
      case ConnectException e -> unreachable("refuses the connection", e, where);
      case NoRouteToHostException e -> unreachable("is out of reach, there is no route", e, where);
      case SocketException e -> unreachable("cuts the connection", e, where);
      case NoSuchFileException e ->
          new Trouble(ExitCode.LOCAL, "there is no " + e.getFile() + "; check the path", e);
      case AccessDeniedException e ->
          new Trouble(ExitCode.LOCAL, "no permission for " + e.getFile() + "; check its rights", e);
      default -> null;
    };
  }

  private static Trouble unreachable(String does, Throwable e, Where where) {
    return new Trouble(
        ExitCode.UNREACHABLE,
        where.server() + " " + does + "; start it, or correct its address" + where.in(),
        e);
  }

  private static Trouble refused(int status, String text, Where where, @Nullable Throwable e) {
    String said = withoutStatus(text);
    if (said.contains("HTTP request to an HTTPS server")) {
      return new Trouble(
          ExitCode.KUBECONFIG,
          where.server() + " speaks https; write https:// before its address" + where.in(),
          e);
    }
    return switch (status) {
      case 401 ->
          new Trouble(
              ExitCode.UNAUTHENTICATED,
              where.server()
                  + " does not accept the credentials"
                  + where.ofUser()
                  + " (401): they are wrong or have expired; log in again, or correct them"
                  + where.in(),
              e);
      case 403 -> forbidden(said, where, e);
      default ->
          new Trouble(
              ExitCode.SERVER,
              where.server()
                  + " answers "
                  + status
                  + (said.isEmpty() ? "" : ": " + said)
                  + "; is it an API server, and in good order?"
                  + where.in(),
              e);
    };
  }

  private static Trouble forbidden(String said, Where where, @Nullable Throwable e) {
    if (said.contains("system:anonymous")) {
      return new Trouble(
          ExitCode.FORBIDDEN,
          where.server()
              + " takes the caller for anonymous (403): there are no credentials"
              + where.in()
              + "; log in, or choose another --context",
          e);
    }
    return new Trouble(
        ExitCode.FORBIDDEN,
        where.server()
            + " forbids it (403)"
            + (said.isEmpty() ? "" : ": " + said)
            + "; ask for a role that allows it, or choose another --namespace or --context",
        e);
  }

  private static Trouble tls(SSLException e, Where where) {
    String why = null;
    for (Throwable t = e; t != null; t = t.getCause()) {
      if (t instanceof CertPathBuilderException) {
        why = "is not signed by an authority that is trusted here";
        break;
      }
      if (t instanceof CertPathValidatorException || t instanceof CertificateException) {
        why = "is not valid: " + line(t);
      }
    }
    if (why != null) {
      return new Trouble(
          ExitCode.UNTRUSTED,
          "the certificate of "
              + where.server()
              + " "
              + why
              + "; check that it is the right server, and its certificate-authority"
              + where.in(),
          e);
    }
    String detail = innermost(e);
    // As Netty says it, and as the JDK does.
    if (detail.startsWith("not an SSL/TLS record")
        || detail.startsWith("Unsupported or unrecognized SSL message")) {
      return new Trouble(
          ExitCode.KUBECONFIG,
          where.server()
              + " speaks no TLS; correct its address, or write http:// if that is meant"
              + where.in(),
          e);
    }
    return new Trouble(
        ExitCode.UNTRUSTED,
        "no TLS with "
            + where.server()
            + ": "
            + detail
            + "; are the client's certificate and key right"
            + where.in()
            + "?",
        e);
  }

  /**
   * What the server said, without the request and the status before it: {@code GET /api: 403
   * Forbidden: ...}.
   */
  public static String withoutStatus(String said) {
    return said.replaceFirst("^([A-Z]+ \\S+: )?\\d{3}( \\w+)?(: |$)", "");
  }

  /** The message in one line; the type where there is none. */
  static String line(Throwable t) {
    String message = t.getMessage();
    return message == null || message.isBlank()
        ? t.getClass().getSimpleName()
        : message.strip().replaceAll("\\s*\\R\\s*", " ");
  }

  /** The innermost message in one line. */
  static String innermost(Throwable thrown) {
    Throwable t = thrown;
    while (t.getCause() != null) {
      t = t.getCause();
    }
    return line(t);
  }

  /** A cluster as it stands in sentences. */
  private record Where(String server, String in, String ofUser) {
    static Where of(@Nullable ClusterOptions cluster) {
      if (cluster == null || cluster.origin().isEmpty()) {
        return new Where("the server", "", "");
      }
      return new Where(
          "the server " + cluster.server(),
          " (" + cluster.origin() + ")",
          cluster.user().isEmpty() ? "" : " of user \"" + cluster.user() + "\"");
    }
  }
}
