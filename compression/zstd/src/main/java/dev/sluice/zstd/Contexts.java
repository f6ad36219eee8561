package dev.sluice.zstd;

import com.github.luben.zstd.ZstdCompressCtx;
import com.github.luben.zstd.ZstdDecompressCtx;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import org.jspecify.annotations.Nullable;

/**
 * The working areas of the native library: kept for the next use, as many as there can be uses at
 * once. A native call does not let go of its processor, so that is their number; where it is
 * exceeded nevertheless, one more is made and thrown away.
 */
final class Contexts {
  private static final int KEPT = Runtime.getRuntime().availableProcessors();

  private final BlockingQueue<ZstdCompressCtx> packing = new ArrayBlockingQueue<>(KEPT);
  private final BlockingQueue<ZstdDecompressCtx> unpacking = new ArrayBlockingQueue<>(KEPT);

  ZstdCompressCtx packing() {
    ZstdCompressCtx kept = packing.poll();
    return kept != null
        ? kept
        : new ZstdCompressCtx()
            .setLevel(ZstdCompression.LEVEL)
            .setChecksum(true)
            .setDictID(false)
            .setContentSize(false);
  }

  ZstdDecompressCtx unpacking() {
    ZstdDecompressCtx kept = unpacking.poll();
    return kept != null ? kept : new ZstdDecompressCtx();
  }

  /** Keeps one that has worked; one that has failed is not what it was, and is closed. */
  void done(ZstdCompressCtx context, boolean failed) {
    done(packing, context, failed);
  }

  void done(ZstdDecompressCtx context, boolean failed) {
    done(unpacking, context, failed);
  }

  private static <C extends java.io.Closeable> void done(
      BlockingQueue<C> kept, @Nullable C context, boolean failed) {
    if (context != null && (failed || !kept.offer(context))) {
      try {
        context.close();
      } catch (java.io.IOException e) {
        throw new AssertionError("a native context does no input or output", e);
      }
    }
  }
}
