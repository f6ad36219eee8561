package dev.sluice.cli;

import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;
import sun.misc.Signal;
import sun.misc.SignalHandler;

/**
 * Lets a subcommand end in order when it is told to: the first Ctrl-C, SIGTERM or SIGHUP is an
 * event, a second one ends the process at once, and so does an orderly end that takes too long.
 *
 * <p>A shutdown hook would not do: the process would still end with the signal's exit code, and the
 * hook run beside the work that it is to end.
 */
public final class Signals implements AutoCloseable {
  private static final Duration PATIENCE = Duration.ofSeconds(20);
  private static final Map<String, Integer> EXIT_CODES =
      Map.of("INT", 130, "TERM", 143, "HUP", 129);

  private final Map<Signal, SignalHandler> before = new LinkedHashMap<>();
  private final AtomicBoolean told = new AtomicBoolean();
  private volatile @Nullable Thread patience;

  /**
   * From now on the first signal runs something.
   *
   * @param first run on a thread of the JVM's; must return soon
   */
  public Signals(Runnable first) {
    EXIT_CODES.forEach((name, exitCode) -> {
      try {
        Signal signal = new Signal(name);
        before.put(signal, Signal.handle(signal, s -> received(first, exitCode)));
      } catch (IllegalArgumentException e) {
        // Not a signal of this system, or one that the JVM was told to leave alone.
      }
    });
  }

  private void received(Runnable first, int exitCode) {
    if (!told.compareAndSet(false, true)) {
      Runtime.getRuntime().halt(exitCode);
    }
    patience =
        Thread.ofPlatform()
            .daemon()
            .name("sluice-patience")
            .start(() -> {
              try {
                Thread.sleep(PATIENCE);
                Runtime.getRuntime().halt(exitCode);
              } catch (InterruptedException e) {
                // Nobody interrupts it.
              }
            });
    first.run();
  }

  /** Signals do again what they did before. */
  @Override
  public void close() {
    before.forEach(Signal::handle);
    Thread waiting = patience;
    if (waiting != null) {
      waiting.interrupt();
    }
  }
}
