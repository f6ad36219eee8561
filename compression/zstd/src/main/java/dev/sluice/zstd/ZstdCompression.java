package dev.sluice.zstd;

import com.github.luben.zstd.Zstd;
import com.github.luben.zstd.ZstdDictTrainer;
import com.github.luben.zstd.ZstdException;
import com.github.luben.zstd.util.Native;
import dev.sluice.flow.Experimental;
import dev.sluice.kube.Compression;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.List;

/**
 * Zstandard at its fastest level (1), which with a trained dictionary packs better than its higher
 * levels do without one. Safe for use by any number of threads.
 *
 * <p>Outside the heap it holds the dictionaries that are in use (each once, with tables of some 80
 * KB) and, for all stores together, at most two working areas for each processor of some hundred KB
 * each. A dictionary is given back when nothing that it has packed can be reached any more.
 */
@Experimental
public final class ZstdCompression implements Compression {
  static final int LEVEL = 1;
  private static final int FEWEST_SAMPLES = 8;

  private final Contexts contexts = new Contexts();

  /**
   * Loads the native library.
   *
   * @throws IllegalStateException if there is none for this system, or it cannot be loaded
   */
  public ZstdCompression() {
    this(Native::load);
  }

  ZstdCompression(Runnable load) {
    try {
      load.run();
      byte[] text = "loaded".getBytes(java.nio.charset.StandardCharsets.US_ASCII);
      ZstdCoder coder = plain();
      byte[] packed = new byte[coder.bound(text.length)];
      byte[] unpacked = new byte[text.length];
      coder.decompress(Arrays.copyOf(packed, coder.compress(text, packed, 0)), 0, unpacked);
    } catch (RuntimeException | LinkageError e) {
      throw new IllegalStateException(
          "the native library of zstd-jni cannot be loaded on "
              + System.getProperty("os.name")
              + " "
              + System.getProperty("os.arch")
              + ": "
              + e
              + ". It is unpacked into java.io.tmpdir ("
              + System.getProperty("java.io.tmpdir")
              + "), which must allow that and execution; -DZstdTempFolder names another directory,"
              + " -DZstdNativePath an installed library.",
          e);
    }
  }

  @Override
  public String name() {
    return "zstd";
  }

  @Override
  public ZstdCoder train(List<byte[]> samples, int size) {
    int total = 0;
    for (byte[] sample : samples) {
      total = Math.addExact(total, sample.length);
    }
    if (samples.size() < FEWEST_SAMPLES) {
      throw new IllegalArgumentException(
          "a dictionary takes at least " + FEWEST_SAMPLES + " samples, not " + samples.size());
    }
    byte[] dictionary;
    try {
      ZstdDictTrainer trainer = new ZstdDictTrainer(total, size, LEVEL);
      for (byte[] sample : samples) {
        trainer.addSample(sample);
      }
      dictionary = trainer.trainSamples();
    } catch (ZstdException e) {
      throw new IllegalArgumentException(
          "no dictionary of "
              + size
              + " bytes can be trained on "
              + samples.size()
              + " samples of "
              + total
              + " bytes: "
              + e.getMessage(),
          e);
    }
    ByteBuffer direct = ByteBuffer.allocateDirect(dictionary.length);
    direct.put(dictionary).flip();
    return new ZstdCoder(contexts, direct);
  }

  @Override
  public ZstdCoder plain() {
    return new ZstdCoder(contexts, null);
  }

  static int bound(int length) {
    return Math.toIntExact(Zstd.compressBound(length));
  }
}
