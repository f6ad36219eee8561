package dev.sluice.fabric8;

import java.io.IOException;
import java.io.InputStream;
import org.apache.hc.core5.http.ConnectionClosedException;
import org.apache.hc.core5.http.MalformedChunkCodingException;
import org.apache.hc.core5.http.io.SessionInputBuffer;

/**
 * A body in chunks (RFC 9112, section 7.1), read by the buffer and not by the chunk.
 *
 * <p>An API server sends an event as a chunk, or two. Whoever reads a chunk at a time makes as many
 * system calls and wakes its consumers as often. Here one read takes all that has arrived, from the
 * socket into the reader's own array, and what stands between the chunks is squeezed out there.
 *
 * <p>Nothing follows a body before the next request is sent, so nothing is ever read that belongs
 * to somebody else; a server that sends more all the same is one whose connection is given up.
 */
final class ChunkedBody extends InputStream {
  /** The most bytes of extensions of a chunk, or of trailers. */
  private static final int MOST_IGNORED = 64 * 1024;

  private static final int MOST_DIGITS = 15;

  private enum At {
    SIZE,
    EXTENSION,
    DATA,
    BEHIND_DATA,
    TRAILER,
    END
  }

  private final SessionInputBuffer buffer;
  private final InputStream socket;
  private At at = At.SIZE;
  private long left;
  private int digits;
  private int ignored;
  private boolean lineEmpty;
  private boolean carriageReturn;

  /**
   * A body.
   *
   * @param buffer what was read beyond the response's head
   * @param socket where the rest comes from
   */
  ChunkedBody(SessionInputBuffer buffer, InputStream socket) {
    this.buffer = buffer;
    this.socket = socket;
  }

  @Override
  public int read() throws IOException {
    byte[] one = new byte[1];
    return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
  }

  @Override
  public int read(byte[] target, int offset, int length) throws IOException {
    if (length == 0) {
      return 0;
    }
    while (at != At.END) {
      int count = buffer.read(target, offset, length, socket);
      if (count < 0) {
        throw new ConnectionClosedException(
            "the connection was closed in the middle of a chunked body");
      }
      int end = squeeze(target, offset, offset + count);
      if (at == At.END && buffer.length() > 0) {
        throw new MalformedChunkCodingException("something follows the last chunk");
      }
      if (end > offset) {
        return end - offset;
      }
    }
    return -1;
  }

  /** Moves the data of {@code [from, to)} together; returns where it ends then. */
  private int squeeze(byte[] b, int from, int to) throws IOException {
    int end = from;
    int p = from;
    while (p < to) {
      if (at == At.DATA) {
        int count = (int) Math.min(left, to - p);
        if (end < p) {
          System.arraycopy(b, p, b, end, count);
        }
        p += count;
        end += count;
        left -= count;
        if (left == 0) {
          at = At.BEHIND_DATA;
        }
      } else if (at == At.END) {
        throw new MalformedChunkCodingException("something follows the last chunk");
      } else {
        between(b[p++]);
      }
    }
    return end;
  }

  private void between(byte c) throws IOException {
    if (c == '\n') {
      carriageReturn = false;
      lineEnds();
    } else if (carriageReturn) {
      throw malformed(c);
    } else if (c == '\r') {
      carriageReturn = true;
    } else {
      switch (at) {
        case SIZE -> {
          int digit = Character.digit(c, 16);
          if (digit >= 0 && digits < MOST_DIGITS) {
            left = left << 4 | digit;
            digits++;
          } else if (digits > 0 && (c == ';' || c == ' ' || c == '\t')) {
            at = At.EXTENSION;
          } else {
            throw malformed(c);
          }
        }
        case EXTENSION, TRAILER -> {
          lineEmpty = false;
          if (++ignored > MOST_IGNORED) {
            throw new MalformedChunkCodingException(
                "more than " + MOST_IGNORED + " bytes between the data of a chunked body");
          }
        }
        default -> throw malformed(c);
      }
    }
  }

  private void lineEnds() throws IOException {
    switch (at) {
      case SIZE, EXTENSION -> {
        if (digits == 0) {
          throw malformed((byte) '\n');
        }
        at = left > 0 ? At.DATA : At.TRAILER;
        digits = 0;
        ignored = 0;
        lineEmpty = true;
      }
      case BEHIND_DATA -> at = At.SIZE;
      default -> {
        if (lineEmpty) {
          at = At.END;
        }
        lineEmpty = true;
      }
    }
  }

  private MalformedChunkCodingException malformed(byte c) {
    return new MalformedChunkCodingException(
        "byte 0x"
            + Integer.toHexString(c & 0xff)
            + (at == At.BEHIND_DATA ? " behind a chunk's data" : " in a chunk's size"));
  }

  @Override
  public int available() {
    return at == At.END ? 0 : buffer.length();
  }

  /** Reads what is left, so that the connection can be used again. */
  @Override
  public void close() throws IOException {
    byte[] rest = new byte[4096];
    while (at != At.END) {
      read(rest, 0, rest.length);
    }
  }
}
