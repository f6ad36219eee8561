package dev.sluice.kube;

import dev.sluice.flow.Experimental;
import java.time.Instant;

/**
 * One stop of a stream.
 *
 * @param at when
 * @param cause why
 * @param detail what exactly was said or thrown; may be empty
 * @param next what was done about it, in words
 */
@Experimental
public record StreamStop(Instant at, StopCause cause, String detail, String next) {
  @Override
  public String toString() {
    return at
        + " "
        + cause.id()
        + (detail.isEmpty() ? "" : ": " + detail)
        + (next.isEmpty() ? "" : "; " + next);
  }
}
