package dev.sluice.kube.internal.store;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.kube.ObjectKey;
import dev.sluice.modeltest.Gen;
import dev.sluice.modeltest.Seed;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class EntryMapTest {
  private static Entry entry(ObjectKey key, int version) {
    return new Entry(key, new Incarnation("u"), Integer.toString(version), 0, false, new byte[0]);
  }

  /** Keys of which many have the same hash: "Aa" and "BB" do. */
  private static ObjectKey key(Gen gen, int range) {
    int n = gen.nextInt(range);
    StringBuilder name = new StringBuilder();
    for (int bit = 0; bit < 6; bit++) {
      name.append((n >> bit & 1) == 0 ? "Aa" : "BB");
    }
    return ObjectKey.of("ns", name.toString() + n / 64);
  }

  private static Map<ObjectKey, Entry> contents(EntryMap map) {
    Map<ObjectKey, Entry> contents = new HashMap<>();
    map.forEach(entry -> contents.put(entry.key(), entry));
    return contents;
  }

  @Test
  void doesWhatAHashMapDoes() {
    for (int run = 0; run < 30; run++) {
      Gen gen = Seed.of("entry-map").derive(run).random();
      int range = gen.between(1, 3000);
      EntryMap map = EntryMap.EMPTY;
      Map<ObjectKey, Entry> model = new HashMap<>();
      for (int i = 0; i < 2000; i++) {
        ObjectKey key = key(gen, range);
        if (gen.chance(0.6)) {
          Entry entry = entry(key, i);
          map = map.with(entry);
          model.put(key, entry);
        } else {
          map = map.without(key);
          model.remove(key);
        }
        ObjectKey other = key(gen, range);
        if (map.size() != model.size() || map.get(other) != model.get(other)) {
          throw new AssertionError("run " + run + ", step " + i + ": differs at " + other);
        }
      }
      assertThat(contents(map)).isEqualTo(model);
      assertThat(map.toArray()).hasSize(model.size());
      for (ObjectKey key : List.copyOf(model.keySet())) {
        map = map.without(key);
      }
      assertThat(map.size()).isZero();
      assertThat(contents(map)).isEmpty();
    }
  }

  @Test
  void isNotChangedByWhatIsMadeFromIt() {
    Gen gen = Seed.of("entry-map-snapshots").random();
    EntryMap map = EntryMap.EMPTY;
    List<EntryMap> snapshots = new ArrayList<>();
    List<Map<ObjectKey, Entry>> expected = new ArrayList<>();
    for (int i = 0; i < 3000; i++) {
      ObjectKey key = key(gen, 200);
      map = gen.chance(0.6) ? map.with(entry(key, i)) : map.without(key);
      if (i % 100 == 0) {
        snapshots.add(map);
        expected.add(contents(map));
      }
    }
    for (int i = 0; i < snapshots.size(); i++) {
      assertThat(contents(snapshots.get(i))).isEqualTo(expected.get(i));
    }
  }

  @Test
  void isItselfWithoutAKeyItDoesNotHave() {
    EntryMap map = EntryMap.EMPTY.with(entry(ObjectKey.of("a"), 1));

    assertThat(map.without(ObjectKey.of("b"))).isSameAs(map);
  }
}
