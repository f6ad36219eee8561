package dev.sluice.kube;

import dev.sluice.flow.Experimental;

/**
 * A journal that must not be used: another process has it, it belongs to another stream, or a newer
 * version has written it. The message says which, and what to do.
 */
@Experimental
public final class JournalException extends IllegalStateException {
  private static final long serialVersionUID = 1L;

  /** With what is wrong and how to mend it. */
  public JournalException(String message) {
    super(message);
  }
}
