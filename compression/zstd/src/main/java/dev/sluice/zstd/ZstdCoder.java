package dev.sluice.zstd;

import com.github.luben.zstd.ZstdCompressCtx;
import com.github.luben.zstd.ZstdDecompressCtx;
import com.github.luben.zstd.ZstdDictCompress;
import com.github.luben.zstd.ZstdDictDecompress;
import dev.sluice.kube.Compression.Coder;
import java.lang.ref.Cleaner;
import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/** Packs and unpacks with one dictionary, or none. Each frame ends with a checksum of 32 bits. */
final class ZstdCoder implements Coder {
  private static final Cleaner CLEANER = Cleaner.create();

  /** What the library makes of a dictionary for packing and for unpacking, about. */
  private static final int TABLES = 80 << 10;

  private final Contexts contexts;
  private final @Nullable Dictionary dictionary;

  /** A dictionary as the library wants it; both forms refer to the one buffer. */
  private static final class Dictionary implements Runnable {
    final ZstdDictCompress packing;
    final ZstdDictDecompress unpacking;
    final int size;

    Dictionary(ByteBuffer bytes) {
      size = bytes.remaining();
      packing = new ZstdDictCompress(bytes, ZstdCompression.LEVEL, true);
      unpacking = new ZstdDictDecompress(bytes, true);
    }

    @Override
    public void run() {
      packing.close();
      unpacking.close();
    }
  }

  ZstdCoder(Contexts contexts, @Nullable ByteBuffer bytes) {
    this.contexts = contexts;
    if (bytes == null) {
      dictionary = null;
    } else {
      dictionary = new Dictionary(bytes);
      CLEANER.register(this, dictionary);
    }
  }

  @Override
  public int bound(int length) {
    return ZstdCompression.bound(length);
  }

  @Override
  public int compress(byte[] body, byte[] into, int at) {
    ZstdCompressCtx context = contexts.packing();
    boolean failed = true;
    try {
      if (dictionary != null) {
        context.loadDict(dictionary.packing);
      }
      int written = context.compressByteArray(into, at, into.length - at, body, 0, body.length);
      if (dictionary != null) {
        context.loadDict((ZstdDictCompress) null);
      }
      failed = false;
      return written;
    } finally {
      contexts.done(context, failed);
      Reference.reachabilityFence(this);
    }
  }

  @Override
  public void decompress(byte[] packed, int from, byte[] into) {
    ZstdDecompressCtx context = contexts.unpacking();
    boolean failed = true;
    try {
      if (dictionary != null) {
        context.loadDict(dictionary.unpacking);
      }
      int written =
          context.decompressByteArray(into, 0, into.length, packed, from, packed.length - from);
      if (dictionary != null) {
        context.loadDict((ZstdDictDecompress) null);
      }
      failed = false;
      if (written != into.length) {
        throw new IllegalStateException(
            "unpacked " + written + " bytes where " + into.length + " had been packed");
      }
    } finally {
      contexts.done(context, failed);
      Reference.reachabilityFence(this);
    }
  }

  @Override
  public long memory() {
    return dictionary == null ? 0 : dictionary.size + TABLES;
  }
}
