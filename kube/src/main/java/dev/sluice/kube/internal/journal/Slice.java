package dev.sluice.kube.internal.journal;

import dev.sluice.kube.internal.store.Entry;
import java.util.Arrays;
import java.util.zip.DataFormatException;
import java.util.zip.Inflater;
import org.jspecify.annotations.Nullable;

/**
 * A body among others that were pressed together, as a snapshot has them. What nobody looks at
 * after a start stays so.
 *
 * @param chunk what it is in
 * @param offset where it begins in that when it is unpressed
 */
record Slice(Chunk chunk, int offset, int length) implements Entry.Lazy {

  @Override
  public byte[] load() {
    return Arrays.copyOfRange(chunk.unpressed(), offset, offset + length);
  }

  @Override
  public int kept() {
    return (int) ((long) chunk.size * length / Math.max(1, chunk.length));
  }

  /**
   * Some bodies, pressed together by DEFLATE. Safe for use by any thread.
   *
   * <p>All chunks of a sheaf share its bytes: a few large arrays, which no collector copies, and
   * never more of them than the snapshot was long.
   */
  static final class Chunk {
    final byte[] sheaf;
    final int at;
    final int size;
    final int length;
    private final Shelf shelf;

    /**
     * Bytes whose checksum was right.
     *
     * @param sheaf where they stand
     * @param length of what they become
     */
    Chunk(byte[] sheaf, int at, int size, int length, Shelf shelf) {
      this.sheaf = sheaf;
      this.at = at;
      this.size = size;
      this.length = length;
      this.shelf = shelf;
    }

    private byte[] unpressed() {
      Shelf.Last last = shelf.last;
      if (last != null && last.chunk == this) {
        return last.bytes;
      }
      byte[] bytes = new byte[length];
      Inflater inflater = new Inflater(true);
      try {
        inflater.setInput(sheaf, at, size);
        int done = 0;
        while (done < length) {
          int more = inflater.inflate(bytes, done, length - done);
          if (more == 0) {
            throw new IllegalStateException("a part of the journal's snapshot is too short");
          }
          done += more;
        }
      } catch (DataFormatException e) {
        throw new IllegalStateException("a part of the journal's snapshot is damaged", e);
      } finally {
        inflater.end();
      }
      shelf.last = new Shelf.Last(this, bytes);
      return bytes;
    }
  }

  /** What was unpressed last: who reads one object after the other wants its neighbours next. */
  static final class Shelf {
    private volatile @Nullable Last last;

    private record Last(Chunk chunk, byte[] bytes) {}
  }
}
