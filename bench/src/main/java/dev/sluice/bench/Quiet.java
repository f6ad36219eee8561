package dev.sluice.bench;

import java.util.logging.Level;
import java.util.logging.Logger;

/**
 * Lets libraries log failures only (an event loop that is busy is what is measured); also as {@code
 * java.util.logging.config.class}.
 */
public final class Quiet {
  private static final Logger ROOT = Logger.getLogger("");

  /** From now on. */
  public Quiet() {
    ROOT.setLevel(Level.SEVERE);
  }
}
