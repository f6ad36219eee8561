package dev.sluice.fabric8;

import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.PushbackInputStream;
import java.util.zip.GZIPInputStream;
import org.jspecify.annotations.Nullable;

/**
 * Decompresses a body if it is compressed.
 *
 * <p>Decided at the first read and not before, so that nobody waits for a body that has not begun;
 * and by the magic number beside the header, because some HTTP clients decompress by themselves and
 * leave the header standing. Neither JSON nor protobuf nor CBOR of Kubernetes begins with that
 * number.
 */
final class Gunzip extends InputStream {
  private static final int BUFFER = 32 * 1024;

  private final InputStream raw;
  private @Nullable InputStream decided;

  private Gunzip(InputStream raw) {
    this.raw = raw;
  }

  static InputStream ifCompressed(InputStream raw, String contentEncoding) {
    return contentEncoding.equalsIgnoreCase("gzip") ? new Gunzip(raw) : raw;
  }

  private InputStream decided() throws IOException {
    InputStream stream = decided;
    if (stream == null) {
      PushbackInputStream looked = new PushbackInputStream(raw, 2);
      byte[] magic = looked.readNBytes(2);
      looked.unread(magic);
      boolean compressed = magic.length == 2 && magic[0] == 0x1f && magic[1] == (byte) 0x8b;
      stream = compressed ? new ToTheEnd(new GZIPInputStream(looked, BUFFER), looked) : looked;
      decided = stream;
    }
    return stream;
  }

  @Override
  public int read() throws IOException {
    return decided().read();
  }

  @Override
  public int read(byte[] target, int offset, int length) throws IOException {
    return decided().read(target, offset, length);
  }

  @Override
  public void close() throws IOException {
    raw.close();
  }

  /**
   * Reads the end of what surrounds the compressed data, too: only a body that was read to its end
   * leaves a connection that can be used again.
   */
  private static final class ToTheEnd extends FilterInputStream {
    private final InputStream compressed;

    ToTheEnd(InputStream decompressed, InputStream compressed) {
      super(decompressed);
      this.compressed = compressed;
    }

    @Override
    public int read() throws IOException {
      byte[] one = new byte[1];
      return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
    }

    @Override
    public int read(byte[] target, int offset, int length) throws IOException {
      int n = super.read(target, offset, length);
      if (n < 0 && compressed.read() >= 0) {
        throw new IOException("a gzip-compressed body goes on after its end");
      }
      return n;
    }
  }
}
