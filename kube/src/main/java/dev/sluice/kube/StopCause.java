package dev.sluice.kube;

import dev.sluice.flow.Experimental;
import java.util.Locale;

/**
 * Why a stream stopped, or why something on its way failed. Each has one name, the same in
 * counters, events, logs and {@link Informer#explain()}.
 */
@Experimental
public enum StopCause {
  /** The server ended the watch cleanly at the deadline that was asked for. Routine. */
  SERVER_TIMEOUT("the server ended the watch at its deadline"),
  /** The server ended the stream cleanly before its deadline: a restart, or a reader too slow. */
  EOF("the server closed the stream before its deadline"),
  /** The connection broke in the middle. */
  RESET("the connection broke"),
  /** No connection could be had. */
  UNREACHABLE("no connection could be had"),
  /** The TLS handshake failed, or a certificate is not trusted. */
  TLS("TLS failed"),
  /** Nothing arrived for longer than the deadline for silence. */
  IDLE("nothing arrived before the deadline for silence"),
  /** 410: the server's history no longer reaches back to the version asked for. */
  EXPIRED("the server's history no longer reaches back to the anchor (410)"),
  /** 410 on a list's continuation: the list was begun again. */
  CONTINUE_EXPIRED("the list's continuation expired (410)"),
  /** The server's versions are behind what it had said before: its database was restored. */
  VERSION_REGRESSED("the server's resource version went backwards"),
  /** 401: the credentials were not accepted. */
  UNAUTHORIZED("the server did not accept the credentials (401)"),
  /** 403: not allowed to list or watch. */
  FORBIDDEN("the server forbids it (403)"),
  /** 404: the kind is not there, or no longer. */
  NOT_FOUND("the server does not know this kind (404)"),
  /** 429: asked to come back later. */
  THROTTLED("the server asked to come back later (429)"),
  /** 5xx: the server failed or is shutting down. */
  SERVER_ERROR("the server failed (5xx)"),
  /** Another status, or an ERROR event of another kind. */
  REFUSED("the server refused the request"),
  /** What arrived was not what the protocol says. */
  DECODE_ERROR("what arrived could not be decoded"),
  /** A consumer's handler threw. The stream goes on. */
  HANDLER_FAILURE("a handler threw"),
  /** An index function threw. The stream goes on. */
  TRANSFORM_FAILURE("an index function threw"),
  /** A gate was full: the stream is held back until its consumer has caught up. */
  GATE_PAUSED("a gate was full"),
  /** The stored objects differed from the server's although the stream was whole. */
  AUDIT_DIVERGED("an audit found the store to differ from the server"),
  /** Closed by its owner. */
  CLOSED("closed by its owner");

  private final String text;

  StopCause(String text) {
    this.text = text;
  }

  /** The name in lower-case words joined by hyphens: {@code server-timeout}. */
  public String id() {
    return name().toLowerCase(Locale.ROOT).replace('_', '-');
  }

  /** The cause in words. */
  public String text() {
    return text;
  }
}
