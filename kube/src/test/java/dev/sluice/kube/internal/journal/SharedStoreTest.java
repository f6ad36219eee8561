package dev.sluice.kube.internal.journal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.kube.JournalBucket;
import dev.sluice.kube.JournalException;
import dev.sluice.kube.JournalStore;
import dev.sluice.kube.JournalStore.Ownership;
import dev.sluice.stores.MemoryBucket;
import dev.sluice.stores.MemoryBucket.Fate;
import dev.sluice.stores.SharedStoreContract;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

/** A store that several processes reach: leases on virtual time, and everything that can fail. */
class SharedStoreTest extends SharedStoreContract {
  private final MemoryBucket bucket = new MemoryBucket();

  @Override
  protected JournalBucket bucket() {
    return bucket;
  }

  /** Time that passes only while somebody waits. */
  private static final class Waiting implements SharedStore.Clock {
    private long nanos;
    private Runnable meanwhile = () -> {};

    @Override
    public long nanoTime() {
      return nanos;
    }

    @Override
    public void sleep(Duration time) {
      nanos += time.toNanos();
      meanwhile.run();
    }

    @Override
    public Instant now() {
      return Instant.EPOCH;
    }
  }

  private SharedStore pod(String name, Waiting clock) {
    return new SharedStore(
        bucket, new Ownership(name, Duration.ofSeconds(30), false), clock, false);
  }

  @Test
  void takesOverFromASilentOwnerAfterItsLeaseAndNotBefore() throws Exception {
    Waiting clock = new Waiting();
    SharedStore dead = pod("dead", clock);
    dead.open();
    put(dead, "log-1", "1");
    SharedStore next = pod("next", clock);
    next.open();
    assertThat(Duration.ofNanos(clock.nanos))
        .isBetween(Duration.ofSeconds(30), Duration.ofSeconds(33));
    assertThat(get(next, "log-1")).isEqualTo("1");
    assertThatThrownBy(dead::renew)
        .isInstanceOf(JournalException.class)
        .hasMessageContaining("was taken over by next (owner no. 2), while dead (no. 1)");
  }

  @Test
  void neverTakesOverFromAnOwnerThatRenewsItsLease() throws Exception {
    Waiting clock = new Waiting();
    SharedStore alive = pod("alive", clock);
    alive.open();
    AtomicInteger renewals = new AtomicInteger();
    clock.meanwhile =
        () -> {
          if (clock.nanos >= Duration.ofSeconds(10).toNanos() * (renewals.get() + 1)) {
            renewals.incrementAndGet();
            assertThatCode(alive::renew).doesNotThrowAnyException();
          }
        };
    assertThatThrownBy(pod("next", clock)::open)
        .isInstanceOf(JournalException.class)
        .hasMessageContaining("is in use by alive");
    put(alive, "log-1", "1");
  }

  @Test
  void takesAStoreThatWasGivenBackAtOnce() throws Exception {
    Waiting clock = new Waiting();
    SharedStore first = pod("first", clock);
    first.open();
    first.close();
    pod("second", clock).open();
    assertThat(clock.nanos).isZero();
  }

  @Test
  void refusesABucketThatIgnoresConditions() {
    MemoryBucket careless = new MemoryBucket(false);
    assertThatThrownBy(() -> JournalStore.shared(careless, Ownership.standard()).open())
        .isInstanceOf(JournalException.class)
        .hasMessageContaining("two processes could not be kept apart");
  }

  @Test
  void refusesADamagedManifestAndOneOfAVersionNotYetInvented() throws Exception {
    SharedStore first = pod("first", new Waiting());
    first.open();
    put(first, "log-1", "1");
    first.close();
    byte[] whole = bucket.get("manifest").orElseThrow().bytes();
    for (int i = 0; i < whole.length; i++) {
      byte[] flipped = whole.clone();
      flipped[i] ^= (byte) (1 << i % 8);
      bucket.put("manifest", flipped);
      assertThatThrownBy(pod("second", new Waiting())::open)
          .as("byte %d", i)
          .isInstanceOf(JournalException.class)
          .hasMessageContaining("Remove what is there to begin anew");
    }
    bucket.put("manifest", Arrays.copyOf(whole, whole.length / 2));
    assertThatThrownBy(pod("second", new Waiting())::files).isInstanceOf(JournalException.class);
    bucket.put("manifest", whole);
    pod("second", new Waiting()).open();
  }

  @Test
  void beginsAnewWhereTheManifestWasRemovedUnderIt() throws Exception {
    SharedStore store = pod("pod", new Waiting());
    store.open();
    put(store, "log-1", "1");
    bucket.delete(bucket.list());
    assertThat(store.files()).isEmpty();
    assertThatThrownBy(() -> put(store, "log-2", "2"))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("was removed");
    store.open();
    put(store, "log-3", "3");
    assertThat(store.names()).containsExactly("log-3");
  }

  /** A short life, and a second one by another pod; each call may fail. */
  private static List<String> live(MemoryBucket bucket, Map<String, List<String>> possible) {
    List<String> trouble = new ArrayList<>();
    Waiting clock = new Waiting();
    for (String pod : List.of("a", "b")) {
      SharedStore store =
          new SharedStore(bucket, new Ownership(pod, Duration.ofSeconds(30), false), clock, false);
      attempt(trouble, store::open);
      for (String name : List.of("log-1", "snapshot-1", "log-1")) {
        String text = pod + name + possible.size() + "x".repeat(20_000);
        List<String> before = possible.getOrDefault(name, List.of());
        if (attempt(trouble, () -> put(store, name, text))) {
          possible.put(name, List.of(text));
        } else {
          List<String> both = new ArrayList<>(before.isEmpty() ? List.of("") : before);
          both.add(text);
          possible.put(name, both);
          attempt(trouble, store::open);
        }
      }
      if (!attempt(trouble, () -> store.delete(List.of("snapshot-1")))) {
        possible.merge(
            "snapshot-1",
            List.of(""),
            (had, none) -> {
              List<String> all = new ArrayList<>(had);
              all.addAll(none);
              return all;
            });
      } else {
        possible.put("snapshot-1", List.of(""));
      }
      if (pod.equals("b")) {
        store.close();
      }
    }
    return trouble;
  }

  private interface Step {
    void run() throws IOException;
  }

  private static boolean attempt(List<String> trouble, Step step) {
    try {
      step.run();
      return true;
    } catch (IOException e) {
      trouble.add(String.valueOf(e.getMessage()));
      return false;
    }
  }

  @Test
  void keepsEveryFileWholeWhicheverCallFailsOrIsNotAnswered() throws Exception {
    MemoryBucket counted = new MemoryBucket();
    AtomicInteger calls = new AtomicInteger();
    counted.fates((call, name) -> {
      calls.incrementAndGet();
      return Fate.DONE;
    });
    assertThat(live(counted, new TreeMap<>())).isEmpty();
    int of = calls.get();
    assertThat(of).isGreaterThan(40);
    for (Fate fate : List.of(Fate.REFUSED, Fate.UNANSWERED)) {
      for (int failing = 1; failing <= of; failing++) {
        for (int more : new int[] {0, 1, 3}) {
          int from = failing;
          int to = failing + more;
          MemoryBucket bucket = new MemoryBucket();
          AtomicInteger call = new AtomicInteger();
          bucket.fates((what, name) -> {
            int number = call.incrementAndGet();
            return number >= from && number <= to ? fate : Fate.DONE;
          });
          Map<String, List<String>> possible = new TreeMap<>();
          List<String> trouble = live(bucket, possible);
          bucket.fates((what, name) -> Fate.DONE);
          String when = fate + " from " + from + " to " + to + ": " + trouble;
          SharedStore reader = new SharedStore(bucket, Ownership.standard(), new Waiting(), false);
          List<String> names = reader.names();
          for (Map.Entry<String, List<String>> file : possible.entrySet()) {
            String found = names.contains(file.getKey()) ? text(reader, file.getKey()) : "";
            assertThat(file.getValue()).as("%s, %s", file.getKey(), when).contains(found);
          }
          // And it goes on.
          reader.open();
          put(reader, "log-9", "9");
          assertThat(text(reader, "log-9")).isEqualTo("9");
          for (String name : reader.names()) {
            text(reader, name);
          }
        }
      }
    }
  }

  private static String text(JournalStore store, String name) throws IOException {
    try (InputStream in = store.read(name)) {
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    }
  }

  @Test
  void saysWhereAndWhatWhenTheBucketCannotBeReached() throws Exception {
    bucket.fates((call, name) -> Fate.REFUSED);
    assertThatThrownBy(pod("pod", new Waiting())::open)
        .isInstanceOf(IOException.class)
        .hasMessageContaining("a bucket in memory");
    bucket.fates((call, name) -> Fate.DONE);
    assertThat(bucket.replace("x", new byte[1], Optional.empty())).isPresent();
  }
}
