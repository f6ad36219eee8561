package dev.sluice.kube.internal.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.kube.DeflateCompression;
import dev.sluice.kube.ObjectKey;
import dev.sluice.kube.StoreStats;
import dev.sluice.modeltest.Gen;
import dev.sluice.modeltest.Seed;
import java.lang.reflect.Field;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;

class CompactorTest {
  private static final int PODS = 1200;

  private final DeflateCompression deflate = new DeflateCompression();
  private final StoredPods pods = new StoredPods(new ObjectStore(StoredPods.options(deflate)));
  private final Compactor compactor = pods.store.compactor();
  private final Gen gen = Seed.of("compactor").random();
  private final Map<ObjectKey, String> expected = new HashMap<>();

  private void put(int from, int to, boolean alike) {
    for (int i = from; i < to; i++) {
      expected.put(ObjectKey.of("team-" + i % 5, "pod-" + i), pods.put(i, gen, alike));
    }
  }

  private String json(ObjectKey key) {
    return Objects.requireNonNull(expected.get(key));
  }

  private Entry entry(String name) {
    return Objects.requireNonNull(pods.store.view().entries().get(ObjectKey.of("team-0", name)));
  }

  private void rest() {
    compactor.setNow(compactor.now() + Compactor.RESTED);
    compactor.sweep();
  }

  private StoreStats stats() {
    return pods.store.stats("");
  }

  private Map<ObjectKey, String> contents() {
    Map<ObjectKey, String> contents = new HashMap<>();
    pods.store
        .view()
        .entries()
        .forEach(
            entry -> contents.put(entry.key(), new String(entry.json(), StandardCharsets.UTF_8)));
    return contents;
  }

  @Test
  void packsWhatHasRestedAndGivesItBackAsItCame() {
    put(0, PODS, true);

    rest();

    assertThat(stats().packed()).isEqualTo(PODS);
    assertThat(stats().packedBytes()).isLessThan(stats().unpackedBytes() / 4);
    assertThat(stats().packing()).isEqualTo("deflate");
    assertThat(contents()).isEqualTo(expected);
  }

  @Test
  void leavesWhatHasChangedLately() {
    put(0, PODS, true);
    compactor.setNow(5);
    put(0, 100, true);
    compactor.setNow(8);

    compactor.sweep();

    assertThat(stats().packed()).isEqualTo(PODS - 100);
    assertThat(contents()).isEqualTo(expected);
  }

  @Test
  void tellsTheLengthOfAPackedObjectAsItCame() {
    put(0, PODS, true);
    rest();

    pods.store
        .view()
        .entries()
        .forEach(entry -> {
          assertThat(entry.length()).isEqualTo(json(entry.key()).length());
          assertThat(entry.labels()).containsKey("app");
        });
  }

  @Test
  void leavesASmallStoreAsItIs() {
    put(0, 300, true);

    rest();

    assertThat(stats().packed()).isZero();
    assertThat(deflate.asked).hasValue(0);
  }

  @Test
  void packsWhatRestsLongestWhenTooMuchIsRaw() {
    ObjectStore store = pods.store;
    Compactor tight =
        new Compactor(StoredPods.options(deflate), () -> store.view().entries(), 500_000);
    put(0, PODS / 2, true);
    tight.setNow(2);
    compactor.setNow(2);
    put(PODS / 2, PODS, true);

    tight.sweep();

    Entry oldest = entry("pod-0");
    assertThat(oldest.isRaw()).isFalse();
    assertThat(tight.seen().rawBytes()).isLessThanOrEqualTo(250_000);
    assertThat(contents()).isEqualTo(expected);
  }

  @Test
  void packsWithoutADictionaryWhereNoneCanBeMadeAndSaysSo() {
    deflate.untrainable = true;
    put(0, PODS, true);

    rest();

    assertThat(stats().packed()).isEqualTo(PODS);
    assertThat(stats().packing()).isEqualTo("deflate, without a dictionary: too few samples");
    assertThat(contents()).isEqualTo(expected);
  }

  @Test
  void triesAgainForADictionaryWhenThereIsTwiceAsMuch() {
    deflate.untrainable = true;
    put(0, PODS, true);
    rest();
    deflate.untrainable = false;
    rest();
    assertThat(deflate.asked).hasValue(1);

    put(PODS, 3 * PODS, true);
    rest();

    assertThat(stats().trainings()).isEqualTo(1);
    assertThat(stats().packing()).isEqualTo("deflate");
    assertThat(contents()).isEqualTo(expected);
  }

  @Test
  void leavesObjectsAsTheyAreWhenTheCoderFailsAndSaysSo() {
    deflate.broken = true;
    put(0, PODS, true);

    rest();

    assertThat(stats().packed()).isZero();
    assertThat(stats().failures()).isEqualTo(PODS);
    assertThat(stats().lastFailure())
        .hasValueSatisfying(why -> assertThat(why).contains("broken on order"));
    assertThat(contents()).isEqualTo(expected);
  }

  @Test
  void trainsAnewWhenWhatArrivesHasChanged() {
    put(0, PODS, true);
    rest();
    rest();
    assertThat(stats().trainings()).isEqualTo(1);

    for (int round = 0; round < 6; round++) {
      put(0, PODS, false);
      rest();
    }

    assertThat(stats().trainings()).isGreaterThan(1);
    assertThat(contents()).isEqualTo(expected);
  }

  @Test
  void keepsAnOldDictionaryForThoseWhoStillReadWithIt() {
    put(0, PODS, true);
    rest();
    Map<ObjectKey, String> then = Map.copyOf(expected);
    List<Entry> held = new ArrayList<>();
    pods.store.view().entries().forEach(held::add);

    for (int round = 0; round < 8; round++) {
      put(0, PODS, false);
      rest();
    }

    for (Entry entry : held) {
      assertThat(new String(entry.json(), StandardCharsets.UTF_8)).isEqualTo(then.get(entry.key()));
    }
    assertThat(stats().coders()).isLessThanOrEqualTo(2);
  }

  @Test
  void asksForDamagedObjectsAgainAndTakesThemWhenTheyCome() throws Exception {
    AtomicReference<String> told = new AtomicReference<>("");
    pods.store.onDamage(told::set);
    put(0, PODS, true);
    rest();
    Entry entry = entry("pod-0");
    Field body = Entry.class.getDeclaredField("body");
    body.setAccessible(true);
    byte[] packed = ((byte[]) body.get(entry)).clone();
    packed[packed.length - 3] ^= 0x55;
    body.set(entry, packed);

    assertThatThrownBy(entry::json)
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("team-0/pod-0")
        .hasMessageContaining("damaged");
    rest();

    assertThat(told.get()).contains("team-0/pod-0");
    assertThat(stats().damaged()).isEqualTo(1);

    String again = json(entry.key());
    assertThat(pods.put(again)).isInstanceOf(Difference.Updated.class);
    assertThat(contents()).isEqualTo(expected);
  }

  @Test
  void isNotNoticedByReadersWhilePackingUnpackingAndPackingAgain() throws Exception {
    put(0, 64, true);
    Entry[] entries = pods.store.view().entries().toArray();
    Entry.Coding one = new Entry.Coding(deflate.plain(), 1, () -> {});
    Entry.Coding two =
        new Entry.Coding(
            deflate.train(List.of(entries[0].json(), entries[1].json()), 32 << 10), 2, () -> {});
    AtomicBoolean done = new AtomicBoolean();
    AtomicReference<Throwable> wrong = new AtomicReference<>();
    List<Thread> readers = new ArrayList<>();
    for (int r = 0; r < 2; r++) {
      readers.add(
          Thread.ofPlatform()
              .start(() -> {
                try {
                  while (!done.get()) {
                    for (Entry entry : entries) {
                      String json = new String(entry.json(), StandardCharsets.UTF_8);
                      if (!json.equals(expected.get(entry.key()))
                          || entry.length() != json.length()) {
                        throw new AssertionError("read " + json);
                      }
                    }
                  }
                } catch (Throwable e) {
                  wrong.set(e);
                }
              }));
    }
    byte[] room = new byte[64 << 10];
    for (int round = 0; round < 150; round++) {
      for (Entry entry : entries) {
        entry.pack(round % 2 == 0 ? one : two, room);
      }
      for (Entry entry : entries) {
        entry.unpack();
      }
    }
    done.set(true);
    for (Thread reader : readers) {
      reader.join();
    }

    assertThat(wrong.get()).isNull();
  }
}
