package dev.sluice.cli.watch;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.cli.ExitCode;
import dev.sluice.cli.Output;
import dev.sluice.flow.Gate;
import dev.sluice.flow.Rate;
import dev.sluice.flow.RateLimiter;
import dev.sluice.kube.ObjectKey;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class PrinterTest {
  private static final TestResource A = TestResource.named("a");

  private final Gate<ObjectKey> gate = Gate.coalesce();
  private final StringWriter text = new StringWriter();
  private final AtomicInteger gone = new AtomicInteger();

  @Test
  void countsWhatItWrites() throws Exception {
    Printer printer = new Printer(new PrintWriter(text), Lines::name, null, gate, () -> {});

    printer.on(LinesTest.put(A, true));
    printer.on(LinesTest.put(A, false));
    printer.on(LinesTest.put(A, false));
    printer.on(LinesTest.deleted(A, "9"));

    assertThat(text)
        .hasToString(
            "ADDED    default/a\nMODIFIED default/a\nMODIFIED default/a\nDELETED  default/a\n");
    assertThat(printer.added()).isEqualTo(1);
    assertThat(printer.modified()).isEqualTo(2);
    assertThat(printer.deleted()).isEqualTo(1);
  }

  @Test
  void doesNotMakeALineWaitWhenNothingFollows() throws Exception {
    StringWriter shown = new StringWriter();
    Printer printer =
        new Printer(
            new PrintWriter(new java.io.BufferedWriter(shown)), Lines::name, null, gate, () -> {});

    printer.on(LinesTest.put(A, true));

    assertThat(shown).hasToString("ADDED    default/a\n");
  }

  @Test
  void wakesFromItsTurnWhenToldToStopAndCountsWhatIsLeft() throws Exception {
    RateLimiter onceAnHour = RateLimiter.tokenBucket(Rate.of(1, java.time.Duration.ofHours(1)), 1);
    Printer printer = new Printer(new PrintWriter(text), Lines::name, onceAnHour, gate, () -> {});
    FutureTask<Void> consumer =
        new FutureTask<>(() -> {
          printer.on(LinesTest.put(A, true));
          printer.on(LinesTest.put(A, false));
          printer.on(LinesTest.put(A, false));
          return null;
        });
    Thread thread = Thread.ofVirtual().start(consumer);

    while (thread.getState() != Thread.State.TIMED_WAITING) {
      Thread.onSpinWait();
    }
    printer.stop();
    consumer.get(30, TimeUnit.SECONDS);
    thread.join();

    assertThat(text).hasToString("ADDED    default/a\n");
    assertThat(printer.unwritten()).isEqualTo(2);
  }

  @Test
  void tellsThatItsReaderHasGone() throws Exception {
    Printer printer =
        new Printer(failing("Broken pipe"), Lines::name, null, gate, gone::incrementAndGet);

    printer.on(LinesTest.put(A, true));

    assertThat(gone).hasValue(1);
    assertThat(printer.trouble()).isNull();
  }

  @Test
  void keepsWhyItCouldNotWrite() throws Exception {
    Printer printer =
        new Printer(
            failing("No space left on device"), Lines::name, null, gate, gone::incrementAndGet);

    printer.on(LinesTest.put(A, true));

    assertThat(gone).hasValue(1);
    assertThat(printer.trouble())
        .hasMessageContaining("No space left on device")
        .satisfies(trouble -> assertThat(trouble.exitCode()).isEqualTo(ExitCode.LOCAL));
  }

  private static Output failing(String why) {
    return new Output(
        new OutputStream() {
          @Override
          public void write(int b) throws IOException {
            throw new IOException(why);
          }
        });
  }
}
