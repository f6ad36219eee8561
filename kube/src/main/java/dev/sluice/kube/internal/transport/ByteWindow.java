package dev.sluice.kube.internal.transport;

import java.io.IOException;
import java.io.InputStream;
import java.util.Arrays;

/**
 * A window on a stream of bytes, in one buffer that is used again and again: what lies between
 * {@code mark} and {@code end} is kept, what lies before is forgotten when room is needed.
 *
 * <p>Positions change when {@link #fill} moves what is kept to the front; so the fields are the
 * only positions there are. The buffer doubles up to the limit, and shrinks again after something
 * large.
 */
final class ByteWindow {
  private static final int INITIAL = 64 * 1024;

  private final InputStream in;
  private final int limit;
  byte[] bytes = new byte[INITIAL];

  /** What must be kept begins here. */
  int mark;

  /** The next byte to look at; between mark and end. */
  int at;

  /** Behind the last byte that is there. */
  int end;

  private long received;

  ByteWindow(InputStream in, int limit) {
    this.in = in;
    this.limit = limit;
  }

  /** How many bytes have been received. */
  long received() {
    return received;
  }

  /** Whether {@link #fill} would find no room: as much is kept as is allowed. */
  boolean full() {
    return end - mark >= limit;
  }

  /**
   * Receives more bytes behind {@code end}. Blocks until at least one is there. There must be room.
   *
   * @return false at the end of the stream
   */
  boolean fill() throws IOException {
    int room = bytes.length - end;
    if (room == 0 || mark == end || room < bytes.length / 2 && end - mark < bytes.length / 4) {
      makeRoom(); // a small rest is moved, so that much can be received at once
    }
    int count = in.read(bytes, end, bytes.length - end);
    if (count < 0) {
      return false;
    }
    end += count;
    received += count;
    return true;
  }

  private void makeRoom() {
    int kept = end - mark;
    int wanted = bytes.length;
    if (kept > bytes.length / 2) {
      wanted = (int) Math.min(2L * bytes.length, Math.max(INITIAL, limit + 1L));
    } else if (kept == 0 && bytes.length > 16 * INITIAL) {
      wanted = INITIAL;
    }
    if (wanted == bytes.length) {
      System.arraycopy(bytes, mark, bytes, 0, kept);
    } else {
      bytes = Arrays.copyOf(Arrays.copyOfRange(bytes, mark, end), wanted);
    }
    at -= mark;
    end = kept;
    mark = 0;
  }
}
