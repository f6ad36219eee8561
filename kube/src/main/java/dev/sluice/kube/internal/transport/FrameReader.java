package dev.sluice.kube.internal.transport;

import java.io.IOException;
import java.io.InputStream;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Cuts a watch's body into its frames: one line each. JSON on the wire holds no raw newline.
 *
 * <p>A line longer than the limit is crossed without being kept, and reported as {@link
 * Next#TOO_LONG} with its length and beginning. Empty lines are crossed silently. What follows the
 * last newline when the stream ends is reported as {@link Next#CUT}: a frame is whole only with its
 * newline.
 *
 * <p>Owned by one thread. The frame lies in {@link #bytes()} between {@link #start()} and {@link
 * #end()} until the next call.
 */
public final class FrameReader {
  private static final VarHandle LONGS =
      MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);
  private static final long ONES = 0x0101010101010101L;
  private static final long HIGHS = 0x8080808080808080L;
  private static final long NEWLINES = ONES * '\n';
  private static final int HEAD = 512;

  /** What was found. */
  public enum Next {
    /** A whole frame. */
    FRAME,
    /** A line above the limit, of which only the beginning is there. */
    TOO_LONG,
    /** The stream ended inside a line. */
    CUT,
    /** The stream ended between two lines. */
    END
  }

  private final ByteWindow window;
  private final int limit;
  private int start;
  private int end;
  private long length;
  private byte @Nullable [] overlong;

  /**
   * Reads frames from a body.
   *
   * @param limit how long a frame may be, in bytes
   */
  public FrameReader(InputStream body, int limit) {
    this.window = new ByteWindow(body, limit);
    this.limit = limit;
  }

  /**
   * Finds the next frame. Blocks until it has arrived whole.
   *
   * @throws IOException if the stream breaks
   */
  public Next next() throws IOException {
    window.mark = window.at;
    overlong = null;
    while (true) {
      int newline = newline();
      if (newline >= 0) {
        start = window.mark;
        end = newline;
        length = end - start;
        window.at = newline + 1;
        if (blank()) {
          window.mark = window.at;
          continue;
        }
        if (length > limit) {
          overlong = Arrays.copyOfRange(window.bytes, start, start + Math.min(HEAD, end - start));
          start = 0;
          end = overlong.length;
          return Next.TOO_LONG;
        }
        return Next.FRAME;
      }
      window.at = window.end;
      if (window.full()) {
        return skipLine();
      }
      if (!window.fill()) {
        start = window.mark;
        end = window.end;
        length = end - start;
        return blank() ? Next.END : Next.CUT;
      }
    }
  }

  /** Whether another whole frame is there already, so that {@link #next} would not block. */
  public boolean ready() {
    int at = window.at;
    boolean found = newline() >= 0;
    window.at = at;
    return found;
  }

  private Next skipLine() throws IOException {
    byte[] head =
        Arrays.copyOfRange(window.bytes, window.mark, Math.min(window.mark + HEAD, window.end));
    long skipped = window.end - window.mark;
    int newline = -1;
    while (newline < 0) {
      window.mark = window.at = window.end;
      if (!window.fill()) {
        return Next.CUT;
      }
      newline = newline();
      skipped += (newline < 0 ? window.end : newline) - window.at;
    }
    window.at = newline + 1;
    window.mark = window.at;
    overlong = head;
    start = 0;
    end = head.length;
    length = skipped;
    return Next.TOO_LONG;
  }

  private boolean blank() {
    for (int i = start; i < end; i++) {
      byte c = window.bytes[i];
      if (c != ' ' && c != '\r' && c != '\t') {
        return false;
      }
    }
    return true;
  }

  /** The position of the next newline at or after {@code window.at}, or -1. */
  private int newline() {
    byte[] b = window.bytes;
    int p = window.at;
    int last = window.end;
    while (p + 8 <= last) {
      long x = (long) LONGS.get(b, p) ^ NEWLINES;
      long hit = (x - ONES) & ~x & HIGHS;
      if (hit != 0) {
        return p + (Long.numberOfTrailingZeros(hit) >>> 3);
      }
      p += 8;
    }
    for (; p < last; p++) {
      if (b[p] == '\n') {
        return p;
      }
    }
    return -1;
  }

  /** Where the frame lies. */
  public byte[] bytes() {
    return overlong == null ? window.bytes : overlong;
  }

  /** The frame's first byte. */
  public int start() {
    return start;
  }

  /** Behind the frame's last byte. */
  public int end() {
    return end;
  }

  /** How long the frame is, also if it was too long to be kept. */
  public long length() {
    return length;
  }

  /** How many bytes of the body have been received. */
  public long received() {
    return window.received();
  }
}
