package dev.sluice.kube;

import java.io.ByteArrayOutputStream;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.zip.CRC32;
import java.util.zip.DataFormatException;
import java.util.zip.Deflater;
import java.util.zip.Inflater;

/** The JDK's own compression, with some samples as its dictionary, and faults to order. */
public final class DeflateCompression implements Compression {
  private static final int MOST = 32 << 10;

  /** How often a dictionary was asked for. */
  public final AtomicInteger asked = new AtomicInteger();

  /** Whether no dictionary can be made. */
  public volatile boolean untrainable;

  /** Whether packing fails. */
  public volatile boolean broken;

  @Override
  public String name() {
    return "deflate";
  }

  @Override
  public Coder train(List<byte[]> samples, int size) {
    asked.incrementAndGet();
    if (untrainable) {
      throw new IllegalArgumentException("too few samples");
    }
    ByteArrayOutputStream dictionary = new ByteArrayOutputStream();
    for (byte[] sample : samples) {
      if (dictionary.size() + sample.length < Math.min(size, MOST)) {
        dictionary.writeBytes(sample);
      }
    }
    return new Deflate(dictionary.toByteArray());
  }

  @Override
  public Coder plain() {
    return new Deflate(new byte[0]);
  }

  private final class Deflate implements Coder {
    private final byte[] dictionary;

    Deflate(byte[] dictionary) {
      this.dictionary = dictionary;
    }

    @Override
    public int bound(int length) {
      return length + length / 10 + 64;
    }

    @Override
    public int compress(byte[] body, byte[] into, int at) {
      if (broken) {
        throw new IllegalStateException("broken on order");
      }
      CRC32 sum = new CRC32();
      sum.update(body);
      int crc = (int) sum.getValue();
      for (int i = 0; i < 4; i++) {
        into[at + i] = (byte) (crc >>> 8 * i);
      }
      Deflater deflater = new Deflater(Deflater.BEST_SPEED, true);
      try {
        deflater.setDictionary(dictionary);
        deflater.setInput(body);
        deflater.finish();
        return 4 + deflater.deflate(into, at + 4, into.length - at - 4);
      } finally {
        deflater.end();
      }
    }

    @Override
    public void decompress(byte[] packed, int from, byte[] into) {
      Inflater inflater = new Inflater(true);
      try {
        inflater.setDictionary(dictionary);
        inflater.setInput(packed, from + 4, packed.length - from - 4);
        int length = inflater.inflate(into);
        CRC32 sum = new CRC32();
        sum.update(into);
        int crc = 0;
        for (int i = 0; i < 4; i++) {
          crc |= (packed[from + i] & 0xff) << 8 * i;
        }
        if (length != into.length || crc != (int) sum.getValue()) {
          throw new IllegalStateException("not what was packed");
        }
      } catch (DataFormatException e) {
        throw new IllegalStateException("not what was packed: " + Arrays.toString(packed), e);
      } finally {
        inflater.end();
      }
    }

    @Override
    public long memory() {
      return dictionary.length;
    }
  }
}
