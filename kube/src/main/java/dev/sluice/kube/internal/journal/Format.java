package dev.sluice.kube.internal.journal;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.zip.CRC32C;
import java.util.zip.DataFormatException;
import java.util.zip.Deflater;
import java.util.zip.Inflater;
import org.jspecify.annotations.Nullable;

/**
 * How a journal's files are written; the whole of it in words: {@code docs/journal-format.md}.
 *
 * <p>A file is a header and frames. A frame is a length, a checksum over everything else in it, the
 * number of its item, a type and what follows. A checksum of 32 bits finds every single error of up
 * to 32 bits in a row, and all but one in four billions of the others.
 */
final class Format {
  static final int VERSION = 2;
  static final int HEADER = 44;
  static final int FRAME = 17;

  /** A frame of items pressed together; only in snapshots. */
  static final int BLOCK = 32;

  /** A frame of objects, their bodies pressed in chunks; only in snapshots. */
  static final int SHEAF = 33;

  /** A frame of encrypted frames. */
  static final int SEALED = 34;

  static final String IDENTITY = "identity";

  private static final long MAGIC = 0x534c554943454a0aL; // SLUICEJ\n
  private static final String LOG = "log-";
  private static final String SNAPSHOT = "snapshot-";
  private static final String SUFFIX = ".sluice";

  /** The sorts of files. */
  enum Sort {
    LOG,
    SNAPSHOT,
    IDENTITY
  }

  /**
   * The beginning of a file.
   *
   * @param version of the format
   * @param identity the hash of what stream it belongs to
   * @param number of a log, that of its first item; of a snapshot, that of the last item in it
   * @param written when it was begun, in milliseconds since 1970
   */
  record Header(Sort sort, int version, long identity, long number, long written) {}

  private Format() {}

  // --- names ---

  static String log(long first) {
    return String.format(Locale.ROOT, "%s%020d%s", LOG, first, SUFFIX);
  }

  static String snapshot(long last) {
    return String.format(Locale.ROOT, "%s%020d%s", SNAPSHOT, last, SUFFIX);
  }

  static OptionalLong numberOfLog(String name) {
    return number(name, LOG);
  }

  static OptionalLong numberOfSnapshot(String name) {
    return number(name, SNAPSHOT);
  }

  private static OptionalLong number(String name, String prefix) {
    if (!name.startsWith(prefix)
        || !name.endsWith(SUFFIX)
        || name.length() != prefix.length() + 20 + SUFFIX.length()) {
      return OptionalLong.empty();
    }
    try {
      return OptionalLong.of(
          Long.parseLong(name.substring(prefix.length(), name.length() - SUFFIX.length())));
    } catch (NumberFormatException e) {
      return OptionalLong.empty();
    }
  }

  /** What stands for a stream in every file's header. */
  static long hash(String identity) {
    try {
      byte[] digest =
          MessageDigest.getInstance("SHA-256").digest(identity.getBytes(StandardCharsets.UTF_8));
      return new Bytes(digest, 0, 8).u64();
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java has SHA-256", e);
    }
  }

  // --- writing ---

  static void header(Bytes out, Header header) {
    int start = out.end();
    out.u64(MAGIC);
    out.u8(header.version >>> 8);
    out.u8(header.version);
    out.u8(header.sort.ordinal());
    out.u8(0);
    out.u32(0);
    out.u64(header.identity);
    out.u64(header.number);
    out.u64(header.written);
    out.u32(crc(out.array(), start, HEADER - 4));
  }

  static void frame(Bytes out, long number, Item item) {
    int start = open(out, number, item.type());
    item.write(out);
    close(out, start);
  }

  /** Items written one after the other with type and length, pressed together. */
  static void block(Bytes out, long number, Bytes items, Deflater deflater, byte[] scratch) {
    int start = open(out, number, BLOCK);
    out.u32(items.end());
    press(out, items.array(), items.end(), deflater, scratch);
    close(out, start);
  }

  /** Presses bytes; returns how many that makes. */
  static int press(Bytes out, byte[] bytes, int length, Deflater deflater, byte[] scratch) {
    int start = out.end();
    deflater.reset();
    deflater.setInput(bytes, 0, length);
    deflater.finish();
    while (!deflater.finished()) {
      int some = deflater.deflate(scratch);
      out.raw(scratch, 0, some);
    }
    return out.end() - start;
  }

  static int open(Bytes out, long number, int type) {
    int start = out.end();
    out.u32(0);
    out.u32(0);
    out.u64(number);
    out.u8(type);
    return start;
  }

  static void close(Bytes out, int start) {
    int length = out.end() - start - FRAME;
    out.set32(start, length);
    out.set32(start + 4, checksum(out.array(), start, length));
  }

  private static int crc(byte[] bytes, int start, int length) {
    CRC32C crc = new CRC32C();
    crc.update(bytes, start, length);
    return (int) crc.getValue();
  }

  private static int checksum(byte[] bytes, int start, int length) {
    CRC32C crc = new CRC32C();
    crc.update(bytes, start, 4);
    crc.update(bytes, start + 8, FRAME - 8 + length);
    return (int) crc.getValue();
  }

  // --- reading ---

  /** A file's header; empty if there is none that is whole. */
  static Optional<Header> header(byte[] bytes, int length) {
    if (length < HEADER) {
      return Optional.empty();
    }
    Bytes in = new Bytes(bytes, 0, HEADER);
    if (in.u64() != MAGIC) {
      return Optional.empty();
    }
    int version = in.u8() << 8 | in.u8();
    int sort = in.u8();
    in.skip(5);
    Header header =
        new Header(
            Sort.values()[Math.min(sort, Sort.values().length - 1)],
            version,
            in.u64(),
            in.u64(),
            in.u64());
    return in.u32() == crc(bytes, 0, HEADER - 4) ? Optional.of(header) : Optional.empty();
  }

  /** A frame that was read. */
  record Frame(long number, int type, Bytes content) {}

  /** Reads a file's frames one after the other. */
  static final class Reader implements AutoCloseable {
    private final InputStream in;
    private final Seal seal;
    private @Nullable Header file;
    private @Nullable Bytes opened;
    private byte[] bytes = new byte[1 << 18];
    private int start;
    private int end;
    private long offset;
    private boolean ended;

    Reader(InputStream in, Seal seal) {
      this.in = in;
      this.seal = seal;
    }

    /** Whether so many bytes are at hand, or could be had. */
    private boolean have(int count) throws IOException {
      if (end - start >= count) {
        return true;
      }
      if (bytes.length - start < count) {
        byte[] room = count > bytes.length ? new byte[Math.max(count, 2 * bytes.length)] : bytes;
        System.arraycopy(bytes, start, room, 0, end - start);
        bytes = room;
        end -= start;
        start = 0;
      }
      while (end - start < count && !ended) {
        int length = in.read(bytes, end, bytes.length - end);
        if (length < 0) {
          ended = true;
        } else {
          end += length;
        }
      }
      return end - start >= count;
    }

    /** The header, at the beginning; empty if it is damaged. */
    Optional<Header> header() throws IOException {
      if (!have(HEADER)) {
        return Optional.empty();
      }
      byte[] copy = java.util.Arrays.copyOfRange(bytes, start, start + HEADER);
      Optional<Header> header = Format.header(copy, HEADER);
      start += HEADER;
      offset += HEADER;
      file = header.orElse(null);
      return header;
    }

    /** Where the next frame begins. */
    long offset() {
      return offset;
    }

    /** Whether there is nothing more. */
    boolean atEnd() throws IOException {
      return (opened == null || opened.remaining() == 0) && !have(1);
    }

    /**
     * The next frame, valid until the next call; null if there is none that is whole, and then the
     * reader stays where it is.
     *
     * @throws dev.sluice.kube.JournalException if it is encrypted, and the key is not there
     */
    @Nullable Frame next() throws IOException {
      if (opened != null && opened.remaining() > 0) {
        return inner(opened);
      }
      if (!have(FRAME)) {
        return null;
      }
      int length = new Bytes(bytes, start, end).u32();
      if (length < 0 || length > 1 << 30 || !enough(FRAME + length)) {
        return null;
      }
      Bytes frame = new Bytes(bytes, start, start + FRAME + length);
      frame.skip(4);
      if (frame.u32() != checksum(bytes, start, length)) {
        return null;
      }
      long number = frame.u64();
      int type = frame.u8();
      if (type == SEALED) {
        Bytes frames = file == null ? null : seal.open(file, number, frame);
        if (frames == null || frames.remaining() == 0) {
          return null;
        }
        opened = frames;
        start += FRAME + length;
        offset += FRAME + length;
        return inner(frames);
      }
      start += FRAME + length;
      offset += FRAME + length;
      return new Frame(number, type, frame);
    }

    /** A frame of those that were encrypted together. */
    private static @Nullable Frame inner(Bytes frames) {
      try {
        int length = frames.u32();
        frames.skip(4);
        long number = frames.u64();
        int type = frames.u8();
        int at = frames.at();
        frames.skip(length);
        return new Frame(number, type, new Bytes(frames.array(), at, at + length));
      } catch (IndexOutOfBoundsException e) {
        return null;
      }
    }

    /**
     * As {@link #next}, but only a frame whose number may follow another: so that looking behind
     * damage for what is whole takes no checksum at every byte.
     */
    @Nullable Frame nextAfter(long number) throws IOException {
      if (opened != null && opened.remaining() > 0) {
        return inner(opened);
      }
      if (!have(FRAME)) {
        return null;
      }
      Bytes head = new Bytes(bytes, start, end);
      head.skip(8);
      long found = head.u64();
      return found > number && found - number < 1L << 40 ? next() : null;
    }

    /** As {@link #have}, but never makes room for more than there is. */
    private boolean enough(int count) throws IOException {
      while (end - start < count) {
        int step = Math.min(count, Math.max(end - start, 1 << 18) * 2);
        if (!have(step)) {
          return false;
        }
      }
      return true;
    }

    /** Steps over one byte, to look for a frame behind damage; false at the end. */
    boolean skipOne() throws IOException {
      if (!have(1)) {
        return false;
      }
      start++;
      offset++;
      return true;
    }

    @Override
    public void close() throws IOException {
      in.close();
    }
  }

  /** What a block holds, each item written with type and length; null if it is damaged. */
  static @Nullable Bytes unpack(Bytes block, Inflater inflater) {
    try {
      int length = block.u32();
      if (length < 0 || length > 1 << 30) {
        return null;
      }
      byte[] items = new byte[length];
      inflater.reset();
      inflater.setInput(block.array(), block.at(), block.remaining());
      int done = 0;
      while (done < length) {
        int more = inflater.inflate(items, done, length - done);
        if (more == 0) {
          return null;
        }
        done += more;
      }
      return new Bytes(items, 0, length);
    } catch (DataFormatException | IndexOutOfBoundsException e) {
      return null;
    }
  }
}
