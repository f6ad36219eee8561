package dev.sluice.kube.internal.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.kube.Index;
import dev.sluice.kube.ObjectKey;
import dev.sluice.kube.Resource;
import dev.sluice.kube.StoreStats.IndexStats;
import dev.sluice.modeltest.Gen;
import dev.sluice.modeltest.Seed;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class IndexesTest {
  private static final Index LABELS = Index.byLabel();
  private static final Index APP = Index.byLabel("app", "example.com/tier");
  private static final Index NAMESPACE = Index.byNamespace();
  private static final Index OWNER = Index.byOwner();
  private static final Index NODE = Index.byField("spec.nodeName");
  private static final Index IMAGES = Index.byField("spec.containers.image");
  private static final Index MOODY = Index.by("moody", IndexesTest::moody);
  private static final List<Index> ALL =
      List.of(LABELS, APP, NAMESPACE, OWNER, NODE, IMAGES, MOODY);

  /** The name's last digit, twice; throws for some and gives null for others. */
  private static @Nullable Collection<String> moody(Resource resource) {
    String digit = resource.key().name().substring(resource.key().name().length() - 1);
    return switch (digit) {
      case "3" -> throw new IllegalStateException("not in the mood");
      case "5" -> null;
      case "7" -> Arrays.asList("x", null);
      default -> List.of(digit, digit, "all");
    };
  }

  private final StoredPods pods =
      new StoredPods(new ObjectStore(StoredPods.options(null, ALL.toArray(Index[]::new))));

  private static String json(Gen gen, String namespace, String name, long version) {
    StringBuilder json = new StringBuilder("{\"metadata\":{\"labels\":{");
    List<String> labels = new ArrayList<>();
    if (gen.chance(0.8)) {
      labels.add("\"app\":\"a" + gen.nextInt(4) + "\"");
    }
    if (gen.chance(0.4)) {
      labels.add("\"example.com/tier\":\"t" + gen.nextInt(3) + "\"");
    }
    if (gen.chance(0.2)) {
      labels.add("\"r\\u00e4d\":\"\"");
    }
    json.append(String.join(" , ", labels)).append("},\"ownerReferences\":[");
    int owners = gen.nextInt(3);
    for (int i = 0; i < owners; i++) {
      json.append(i == 0 ? "" : ", ").append("{\"uid\":\"o").append(gen.nextInt(5)).append("\"}");
    }
    json.append("],\"name\":\"")
        .append(name)
        .append("\",\"namespace\":\"")
        .append(namespace)
        .append("\",\"uid\":\"u")
        .append(gen.chance(0.9) ? 1 : 2)
        .append("\",\"resourceVersion\":\"")
        .append(version)
        .append("\"},\"spec\":{\"nodeName\":")
        .append(gen.chance(0.9) ? "\"n" + gen.nextInt(4) + "\"" : gen.chance(0.5) ? "17" : "null")
        .append(",\"containers\":[");
    int containers = gen.nextInt(4);
    for (int i = 0; i < containers; i++) {
      json.append(i == 0 ? "" : ",")
          .append("{\"image\" : \"i")
          .append(gen.nextInt(4))
          .append("\"}");
    }
    return json.append("]}}").toString();
  }

  /** What each index should hold: by asking it about every object. */
  private Map<String, Set<ObjectKey>> bruteForce(ObjectStore.View view, Index index) {
    Map<String, Set<ObjectKey>> found = new HashMap<>();
    view.entries()
        .forEach(entry -> {
          Collection<String> values;
          try {
            values = index.values(entry);
          } catch (IllegalStateException e) {
            return;
          }
          if (values != null && values.stream().noneMatch(Objects::isNull)) {
            values.forEach(
                value -> found.computeIfAbsent(value, none -> new HashSet<>()).add(entry.key()));
          }
        });
    return found;
  }

  private Map<String, Set<ObjectKey>> held(ObjectStore.View view, Index index) {
    int place = pods.store.place(index);
    Map<String, Set<ObjectKey>> held = new HashMap<>();
    view.indexes()
        .forEachValue(
            place,
            value -> {
              Set<ObjectKey> keys = new HashSet<>();
              view.indexes().forEach(place, value, keys::add);
              assertThat(view.indexes().size(place, value)).isEqualTo(keys.size());
              held.put(value, keys);
            });
    return held;
  }

  @Test
  void holdWhatAskingEveryObjectGivesAfterAnyHistory() {
    for (int run = 0; run < 40; run++) {
      Gen gen = Seed.of("indexes").derive(run).random();
      List<ObjectStore.View> views = new ArrayList<>();
      int names = gen.between(1, 60);
      for (int step = 0; step < 150; step++) {
        String namespace = "ns" + gen.nextInt(3);
        String name = "p" + gen.nextInt(names);
        long version = pods.nextVersion();
        if (gen.chance(0.7)) {
          pods.put(json(gen, namespace, name, version));
        } else if (gen.chance(0.7)) {
          pods.store.remove(ObjectKey.of(namespace, name), Long.toString(version));
        } else if (gen.chance(0.2)) {
          pods.store.beginList(false);
          for (Entry missing : pods.store.missing()) {
            pods.store.removeMissing(missing, Long.toString(version));
          }
        }
        if (step % 50 == 0) {
          views.add(pods.store.view());
        }
      }
      views.add(pods.store.view());
      for (ObjectStore.View view : views) {
        for (Index index : ALL) {
          assertThat(held(view, index))
              .as("run " + run + ", " + index)
              .isEqualTo(bruteForce(view, index));
        }
      }
    }
  }

  @Test
  void keepAnObjectReachableWhoseFunctionFailedAndCountIt() {
    Gen gen = Seed.of("moody").random();
    for (String name : List.of("p3", "p5", "p7", "p9")) {
      pods.put(json(gen, "ns", name, pods.nextVersion()));
    }

    IndexStats stats = pods.store.stats("").indexes().get("moody");

    assertThat(pods.store.view().entries().size()).isEqualTo(4);
    assertThat(held(pods.store.view(), MOODY).keySet()).containsExactlyInAnyOrder("9", "all");
    assertThat(held(pods.store.view(), NAMESPACE).get("ns")).hasSize(4);
    assertThat(stats).isNotNull();
    assertThat(Objects.requireNonNull(stats).failures()).isEqualTo(3);
    assertThat(stats.lastFailure())
        .hasValueSatisfying(
            why -> assertThat(why).contains("ns/p7").contains("null among the values"));
  }

  @Test
  void areNotTouchedByAChangeThatMovesNothing() {
    Gen gen = Seed.of("same").random();
    String json = json(gen, "ns", "p1", 5);
    pods.put(json);
    Indexes before = pods.store.view().indexes();

    pods.put(json.replace("\"resourceVersion\":\"5\"", "\"resourceVersion\":\"6\""));

    assertThat(pods.store.view().indexes()).isSameAs(before);
  }

  @Test
  void areRestoredWithTheEntries() {
    Gen gen = Seed.of("restore").random();
    List<Entry> entries = new ArrayList<>();
    for (int i = 0; i < 50; i++) {
      String name = "p" + i;
      byte[] body = json(gen, "ns", name, i + 1).getBytes(StandardCharsets.UTF_8);
      entries.add(
          new Entry(ObjectKey.of("ns", name), new Incarnation("u"), "" + (i + 1), 0, false, body));
    }

    pods.store.restore(entries, Optional.of("77"), Set.of());

    ObjectStore.View view = pods.store.view();
    assertThat(view.entries().size()).isEqualTo(50);
    assertThat(view.resourceVersion()).hasValue("77");
    for (Index index : ALL) {
      assertThat(held(view, index)).isEqualTo(bruteForce(view, index));
    }
  }

  @Test
  void leaveToAWriterTheInterruptThatCancelsItsReconcile() {
    byte[] json = json(Seed.of("laid").random(), "ns", "p1", 5).getBytes(StandardCharsets.UTF_8);

    Thread.currentThread().interrupt();
    try (ObjectStore.Write write = pods.store.write(false, false)) {
      write.wrote(json);
    }

    assertThat(Thread.interrupted()).isTrue();
    assertThat(held(pods.store.shown(), MOODY).keySet()).containsExactlyInAnyOrder("1", "all");
  }

  @Test
  void areAskedForByThoseThatWereGiven() {
    assertThat(pods.store.place(Index.byField("spec.nodeName"))).isEqualTo(ALL.indexOf(NODE));
    assertThatThrownBy(() -> pods.store.place(Index.byField("spec.priority")))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("no index 'field(spec.priority)'")
        .hasMessageContaining("owner");
  }
}
