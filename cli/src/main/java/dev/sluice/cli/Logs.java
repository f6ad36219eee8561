package dev.sluice.cli;

import java.util.List;
import java.util.logging.Level;
import java.util.logging.Logger;

/**
 * What libraries log. By default nothing: what concerns the person at the terminal is said by the
 * command itself.
 */
final class Logs {
  /** Held, because loggers that nobody holds are collected together with their level. */
  private static final List<Logger> THEIRS =
      List.of(
          Logger.getLogger("io.fabric8"),
          Logger.getLogger("io.vertx"),
          Logger.getLogger("io.netty"),
          Logger.getLogger("org.apache.hc"),
          Logger.getLogger("org.eclipse.jetty"));

  private Logs() {}

  static void direct(boolean verbose) {
    System.setProperty("java.util.logging.SimpleFormatter.format", "%4$s %3$s: %5$s%6$s%n");
    THEIRS.forEach(logger -> logger.setLevel(verbose ? Level.INFO : Level.OFF));
  }
}
