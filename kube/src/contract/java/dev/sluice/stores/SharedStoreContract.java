package dev.sluice.stores;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.kube.JournalBucket;
import dev.sluice.kube.JournalException;
import dev.sluice.kube.JournalStore;
import dev.sluice.kube.JournalStore.Ownership;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** What every store must do that several processes can reach. */
public abstract class SharedStoreContract extends JournalStoreContract {
  private final AtomicInteger pods = new AtomicInteger();

  /** The bucket: one for each test, empty at first. */
  protected abstract JournalBucket bucket() throws Exception;

  @Override
  protected JournalStore store() throws Exception {
    return JournalStore.shared(bucket(), pod());
  }

  /** Another pod, with a lease that no busy machine lets run out. */
  private Ownership pod() {
    return new Ownership("pod-" + pods.incrementAndGet(), Duration.ofSeconds(12), false);
  }

  @Override
  protected int large() {
    try {
      return 2 * bucket().partBytes() + 1;
    } catch (Exception e) {
      throw new AssertionError(e);
    }
  }

  @Test
  void replacesABlobOnlyIfItIsStillTheOneThatWasRead() throws Exception {
    JournalBucket bucket = bucket();
    byte[] bytes = {1, 2};
    String first = bucket.replace("x", bytes, Optional.empty()).orElseThrow();
    assertThat(bucket.replace("x", new byte[] {3}, Optional.empty())).isEmpty();
    String second = bucket.replace("x", new byte[] {4}, Optional.of(first)).orElseThrow();
    assertThat(second).isNotEqualTo(first);
    assertThat(bucket.replace("x", new byte[] {5}, Optional.of(first))).isEmpty();
    JournalBucket.Blob blob = bucket.get("x").orElseThrow();
    assertThat(blob.bytes()).containsExactly(4);
    assertThat(blob.tag()).isEqualTo(second);
    bucket.delete(List.of("x"));
    assertThat(bucket.get("x")).isEmpty();
    assertThat(bucket.replace("x", new byte[] {6}, Optional.of(second))).isEmpty();
    assertThat(bucket.get("x")).isEmpty();
  }

  @Test
  void letsOneOfManyReplaceABlob() throws Exception {
    JournalBucket bucket = bucket();
    String tag = bucket.replace("x", new byte[] {0}, Optional.empty()).orElseThrow();
    long winners =
        IntStream.range(0, 8)
            .parallel()
            .filter(i -> {
              try {
                return bucket.replace("x", new byte[] {(byte) i, 1}, Optional.of(tag)).isPresent();
              } catch (IOException e) {
                throw new java.io.UncheckedIOException(e);
              }
            })
            .count();
    assertThat(winners).isEqualTo(1);
  }

  @Test
  void listsAndDeletesManyBlobs() throws Exception {
    JournalBucket bucket = bucket();
    List<String> names = IntStream.range(0, 25).mapToObj(i -> "1-abc-" + i + "/0").toList();
    for (String name : names) {
      bucket.put(name, name.getBytes(java.nio.charset.StandardCharsets.UTF_8));
    }
    assertThat(bucket.list()).containsExactlyInAnyOrderElementsOf(names);
    bucket.delete(names);
    assertThat(bucket.list()).isEmpty();
  }

  @Test
  void letsAPausedOwnerChangeNothingAfterAnotherHasTakenOver() throws Exception {
    JournalStore old = opened();
    put(old, "log-1", "old");
    put(old, "log-2", "old");
    JournalStore next = JournalStore.shared(bucket(), pod().takingOver());
    next.open();
    try {
      put(next, "log-2", "next");
      for (int i = 0; i < 2; i++) {
        assertThatThrownBy(() -> put(old, "log-2", "late"))
            .isInstanceOf(JournalException.class)
            .hasMessageContaining("was taken over by pod-2")
            .hasMessageContaining(old.where());
        assertThatThrownBy(() -> old.delete(List.of("log-1"))).isInstanceOf(JournalException.class);
        assertThatThrownBy(old::files).isInstanceOf(JournalException.class);
        assertThatThrownBy(old::open).isInstanceOf(JournalException.class);
      }
      old.close();
      put(next, "log-3", "next");
      assertThat(next.names()).containsExactly("log-1", "log-2", "log-3");
      assertThat(get(next, "log-1")).isEqualTo("old");
      assertThat(get(next, "log-2")).isEqualTo("next");
    } finally {
      next.close();
    }
  }

  @Test
  void sweepsUpWhatNobodyFinished() throws Exception {
    JournalBucket bucket = bucket();
    bucket.put("1-dead-1/0", new byte[100]);
    JournalStore store = opened();
    put(store, "log-1", "kept");
    store.close();
    bucket.put("1-dead-2/0", new byte[100]);
    store.open();
    assertThat(bucket.list()).noneMatch(name -> name.contains("dead"));
    assertThat(get(store, "log-1")).isEqualTo("kept");
  }

  @Test
  void refusesMoreThanItMayHold() throws Exception {
    JournalBucket bucket = bucket();
    JournalStore store = opened();
    put(store, "log-1", "kept");
    byte[] block = new byte[1 << 16];
    if (bucket.totalBytes() > 128 << 20) {
      return; // more than a test should write
    }
    assertThatThrownBy(() ->
            store.publish(
                "snapshot-1",
                out -> {
                  for (long done = 0; done <= bucket.totalBytes(); done += block.length) {
                    out.write(block);
                  }
                }))
        .isInstanceOf(IOException.class)
        .hasMessageContaining(store.where())
        .hasMessageContaining("altogether");
    assertThat(store.names()).containsExactly("log-1");
    assertThat(bucket.list()).hasSizeLessThan(5);
  }
}
