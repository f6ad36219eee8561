package dev.sluice.zstd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.kube.Compression;
import dev.sluice.kube.Compression.Coder;
import dev.sluice.modeltest.Gen;
import dev.sluice.modeltest.Seed;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.ServiceLoader;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;

class ZstdCompressionTest {
  private final ZstdCompression zstd = new ZstdCompression();

  private static byte[] object(Gen gen) {
    StringBuilder json = new StringBuilder("{\"kind\":\"Widget\",\"metadata\":{\"name\":\"w-");
    json.append(gen.nextInt(1 << 20)).append("\"},\"spec\":{");
    int fields = gen.between(10, 30);
    for (int i = 0; i < fields; i++) {
      json.append(i == 0 ? "" : ",")
          .append("\"a-rather-long-name-of-field-")
          .append(i)
          .append("\":\"")
          .append(Long.toHexString(gen.nextLong()))
          .append('"');
    }
    return json.append("}}").toString().getBytes(StandardCharsets.UTF_8);
  }

  private static List<byte[]> objects(String seed, int count) {
    Gen gen = Seed.of(seed).random();
    List<byte[]> objects = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      objects.add(object(gen));
    }
    return objects;
  }

  private static byte[] packed(Coder coder, byte[] body) {
    byte[] room = new byte[7 + coder.bound(body.length)];
    return Arrays.copyOf(room, 7 + coder.compress(body, room, 7));
  }

  private static byte[] unpacked(Coder coder, byte[] packed, int length) {
    byte[] body = new byte[length];
    coder.decompress(packed, 7, body);
    return body;
  }

  @Test
  void isFoundAmongTheLibraries() {
    assertThat(ServiceLoader.load(Compression.class))
        .singleElement()
        .isInstanceOf(ZstdCompression.class);
  }

  @Test
  void givesBackWhatItPackedWithATrainedDictionary() {
    Coder coder = zstd.train(objects("zstd-train", 500), 32 << 10);

    for (byte[] body : objects("zstd-others", 200)) {
      assertThat(unpacked(coder, packed(coder, body), body.length)).isEqualTo(body);
    }
  }

  @Test
  void packsBetterWithADictionary() {
    Coder trained = zstd.train(objects("zstd-train", 500), 32 << 10);
    Coder plain = zstd.plain();
    long withOne = 0;
    long without = 0;
    for (byte[] body : objects("zstd-others", 200)) {
      withOne += packed(trained, body).length;
      without += packed(plain, body).length;
    }

    assertThat(withOne).isLessThan(without * 7 / 10);
  }

  @Test
  void saysThatTooFewSamplesMakeNoDictionary() {
    assertThatThrownBy(() -> zstd.train(objects("zstd-few", 3), 32 << 10))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("a dictionary takes at least 8 samples, not 3");
  }

  @Test
  void noticesEveryBitThatIsTurned() {
    Coder coder = zstd.train(objects("zstd-train", 500), 32 << 10);
    byte[] body = objects("zstd-one", 1).getFirst();
    byte[] packed = packed(coder, body);

    for (int bit = 7 * 8; bit < packed.length * 8; bit++) {
      byte[] turned = packed.clone();
      turned[bit / 8] ^= (byte) (1 << bit % 8);
      byte[] got;
      try {
        got = unpacked(coder, turned, body.length);
      } catch (RuntimeException e) {
        continue;
      }
      // Some bits of the frame's header say nothing.
      assertThat(got).isEqualTo(body);
    }
  }

  @Test
  void noticesAnotherLength() {
    Coder coder = zstd.plain();
    byte[] body = objects("zstd-one", 1).getFirst();
    byte[] packed = packed(coder, body);

    assertThatThrownBy(() -> unpacked(coder, packed, body.length + 1))
        .isInstanceOf(IllegalStateException.class);
    assertThatThrownBy(() -> unpacked(coder, packed, body.length - 1))
        .isInstanceOf(RuntimeException.class);
    assertThatThrownBy(() -> unpacked(coder, Arrays.copyOf(packed, packed.length - 1), body.length))
        .isInstanceOf(RuntimeException.class);
  }

  @Test
  void isUsedByManyThreadsWithSeveralDictionaries() throws Exception {
    Coder[] coders = {
      zstd.train(objects("zstd-a", 300), 16 << 10),
      zstd.train(objects("zstd-b", 300), 16 << 10),
      zstd.plain()
    };
    List<byte[]> bodies = objects("zstd-others", 50);
    List<Future<?>> all = new ArrayList<>();
    try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      for (int t = 0; t < 20; t++) {
        int first = t;
        all.add(
            threads.submit(() -> {
              for (int i = 0; i < bodies.size(); i++) {
                Coder coder = coders[(first + i) % coders.length];
                byte[] body = bodies.get(i);
                assertThat(unpacked(coder, packed(coder, body), body.length)).isEqualTo(body);
              }
            }));
      }
      for (Future<?> one : all) {
        one.get();
      }
    }
  }

  @Test
  void saysWhatToDoWhenTheNativeLibraryCannotBeLoaded() {
    assertThatThrownBy(() ->
            new ZstdCompression(() -> {
              throw new UnsatisfiedLinkError("libzstd-jni.so: failed to map segment");
            }))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("failed to map segment")
        .hasMessageContaining("-DZstdTempFolder");
  }
}
