package dev.sluice.kube;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.kube.internal.store.Entry;
import dev.sluice.kube.internal.store.Incarnation;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class CachingCodecTest {
  private final AtomicInteger decoded = new AtomicInteger();
  private final Codec<List<String>> lists =
      json -> {
        decoded.incrementAndGet();
        return new ArrayList<>(List.of(new String(json, StandardCharsets.UTF_8)));
      };

  private static Resource state(int version) {
    return new Entry(
        ObjectKey.of("a"),
        new Incarnation("u"),
        Integer.toString(version),
        0,
        false,
        ("{\"v\":" + version + "}").getBytes(StandardCharsets.UTF_8));
  }

  @Test
  void decodesAStateOnceIfItsValueIsImmutable() {
    Codec<List<String>> codec = CachingCodec.of(Codec.immutable(lists), 16);
    Resource state = state(1);

    assertThat(codec.read(state)).isSameAs(codec.read(state));
    assertThat(decoded).hasValue(1);
  }

  @Test
  void neverAnswersWithAnotherState() {
    Codec<List<String>> codec = CachingCodec.of(Codec.immutable(lists), 4);
    for (int round = 0; round < 3; round++) {
      for (int version = 0; version < 200; version++) {
        assertThat(codec.read(state(version))).containsExactly("{\"v\":" + version + "}");
      }
    }
  }

  @Test
  void givesCopiesThatNobodyCanSpoil() {
    Codec<List<String>> codec = CachingCodec.of(Codec.copied(lists, ArrayList::new), 16);
    Resource state = state(1);

    codec.read(state).add("spoiled");

    assertThat(codec.read(state)).containsExactly("{\"v\":1}");
    assertThat(decoded).hasValue(1);
  }

  @Test
  void remembersNothingThatMayNotBeShared() {
    Codec<List<String>> codec = CachingCodec.of(lists, 16);
    Resource state = state(1);

    codec.read(state).add("spoiled");

    assertThat(codec.read(state)).containsExactly("{\"v\":1}");
    assertThat(decoded).hasValue(2);
  }

  @Test
  void remembersNoFailure() {
    AtomicInteger calls = new AtomicInteger();
    Codec<String> codec =
        CachingCodec.of(
            Codec.immutable(json -> {
              if (calls.incrementAndGet() == 1) {
                throw new IllegalStateException("not yet");
              }
              return "now";
            }),
            16);
    Resource state = state(1);

    assertThatThrownBy(() -> codec.read(state)).isInstanceOf(DecodeException.class);
    assertThat(codec.read(state)).isEqualTo("now");
  }

  @Test
  void keepsWhatIsReadOftenInPreferenceToWhatIsReadOnce() {
    Codec<List<String>> codec = CachingCodec.of(Codec.immutable(lists), 4);
    Resource often = state(0);
    codec.read(often);
    for (int version = 1; version < 100; version++) {
      codec.read(state(version));
      codec.read(often);
    }

    assertThat(decoded).hasValue(100);
  }
}
