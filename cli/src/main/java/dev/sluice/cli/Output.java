package dev.sluice.cli;

import java.io.BufferedWriter;
import java.io.FilterWriter;
import java.io.IOException;
import java.io.OutputStream;
import java.io.OutputStreamWriter;
import java.io.PrintWriter;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/**
 * Standard output: UTF-8, buffered, and remembering why it failed. A reader that has gone ({@code |
 * head}) is the usual reason and no trouble; a full disk is one.
 */
public final class Output extends PrintWriter {
  private final Remembering remembering;

  /** An output onto a stream. */
  public Output(OutputStream stream) {
    this(new Remembering(new OutputStreamWriter(stream, StandardCharsets.UTF_8)));
  }

  private Output(Remembering remembering) {
    super(new BufferedWriter(remembering, 1 << 16));
    this.remembering = remembering;
  }

  /**
   * Whether the reader of an output has gone. Flushes.
   *
   * @throws Trouble if it failed for another reason
   */
  public static boolean readerHasGone(PrintWriter out) {
    if (!out.checkError()) {
      return false;
    }
    IOException failure = out instanceof Output output ? output.remembering.failure : null;
    if (failure == null || isClosedPipe(failure)) {
      return true;
    }
    throw new Trouble(
        ExitCode.LOCAL, "cannot write to standard output: " + Diagnosis.line(failure), failure);
  }

  private static boolean isClosedPipe(IOException failure) {
    String message = failure.getMessage();
    return message != null && (message.contains("roken pipe") || message.contains("pipe is being"));
  }

  private static final class Remembering extends FilterWriter {
    private volatile @Nullable IOException failure;

    Remembering(Writer to) {
      super(to);
    }

    @Override
    public void write(int c) throws IOException {
      write(new char[] {(char) c}, 0, 1);
    }

    @Override
    public void write(char[] text, int from, int length) throws IOException {
      try {
        out.write(text, from, length);
      } catch (IOException e) {
        failure = e;
        throw e;
      }
    }

    @Override
    public void write(String text, int from, int length) throws IOException {
      write(text.toCharArray(), from, length);
    }

    @Override
    public void flush() throws IOException {
      try {
        out.flush();
      } catch (IOException e) {
        failure = e;
        throw e;
      }
    }
  }
}
