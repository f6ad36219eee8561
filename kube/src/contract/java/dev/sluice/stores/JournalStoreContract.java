package dev.sluice.stores;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.kube.JournalException;
import dev.sluice.kube.JournalStore;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.FutureTask;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What every store must do. */
public abstract class JournalStoreContract {
  private final List<JournalStore> stores = new ArrayList<>();

  /** Another process's view of one place, which is empty at first and another for each test. */
  protected abstract JournalStore store() throws Exception;

  /** More than its unit of writing. */
  protected int large() {
    return 200_000;
  }

  /** A view that is closed at the end. */
  protected final JournalStore another() throws Exception {
    JournalStore store = store();
    stores.add(store);
    return store;
  }

  /** One that is open. */
  protected final JournalStore opened() throws Exception {
    JournalStore store = another();
    store.open();
    return store;
  }

  @AfterEach
  void close() {
    stores.forEach(JournalStore::close);
  }

  /** Publishes a text. */
  protected static void put(JournalStore store, String name, String text) throws IOException {
    store.publish(name, out -> out.write(text.getBytes(StandardCharsets.UTF_8)));
  }

  /** Reads a text. */
  protected static String get(JournalStore store, String name) throws IOException {
    return new String(bytes(store, name), StandardCharsets.UTF_8);
  }

  private static byte[] bytes(JournalStore store, String name) throws IOException {
    try (InputStream in = store.read(name)) {
      return in.readAllBytes();
    }
  }

  @Test
  void showsNothingBeforeItIsMade() throws Exception {
    JournalStore store = another();
    assertThat(store.files()).isEmpty();
    assertThat(store.where()).isNotBlank();
  }

  @Test
  void listsFilesInTheOrderOfTheirNamesWithTheirSizes() throws Exception {
    JournalStore store = opened();
    Instant before = Instant.now().minusSeconds(60);
    put(store, "log-2", "zwei");
    put(store, "snapshot-1", "s");
    put(store, "log-10", "");
    put(store, "identity", "who");
    assertThat(store.names()).containsExactly("identity", "log-10", "log-2", "snapshot-1");
    assertThat(store.files()).extracting(JournalStore.File::bytes).containsExactly(3L, 0L, 4L, 1L);
    assertThat(store.files()).allMatch(file -> file.written().isAfter(before));
  }

  @Test
  void givesBackTheBytesThatWereWritten() throws Exception {
    JournalStore store = opened();
    byte[] large = new byte[large()];
    new Random(7).nextBytes(large);
    for (int length : new int[] {0, 1, 1000, large.length - 1, large.length}) {
      byte[] written = Arrays.copyOf(large, length);
      store.publish(
          "snapshot-" + length,
          out -> {
            int half = length / 2;
            out.write(written, 0, half);
            out.flush();
            for (int i = half; i < Math.min(length, half + 10); i++) {
              out.write(written[i]);
            }
            int rest = Math.min(length, half + 10);
            out.write(written, rest, length - rest);
          });
      assertThat(bytes(store, "snapshot-" + length)).isEqualTo(written);
      assertThat(bytes(another(), "snapshot-" + length)).isEqualTo(written);
    }
  }

  @Test
  void replacesAFileAsAWhole() throws Exception {
    JournalStore store = opened();
    put(store, "identity", "a long first text");
    put(store, "identity", "short");
    assertThat(get(store, "identity")).isEqualTo("short");
    assertThat(store.names()).containsExactly("identity");
  }

  @Test
  void showsNoFileWhoseWritingWasCutShort() throws Exception {
    JournalStore store = opened();
    put(store, "identity", "before");
    byte[] half = new byte[large()];
    for (String name : List.of("identity", "snapshot-1")) {
      assertThatThrownBy(() ->
              store.publish(
                  name,
                  out -> {
                    out.write(half);
                    throw new IOException("torn");
                  }))
          .isInstanceOf(IOException.class)
          .hasMessageContaining("torn");
    }
    assertThat(store.names()).containsExactly("identity");
    assertThat(get(store, "identity")).isEqualTo("before");
    put(store, "snapshot-1", "after");
    assertThat(get(store, "snapshot-1")).isEqualTo("after");
  }

  @Test
  void deletesWhatIsThereAndDoesNotMindWhatIsNot() throws Exception {
    JournalStore store = opened();
    put(store, "log-1", "1");
    put(store, "log-2", "2");
    put(store, "log-3", "3");
    store.delete(List.of("log-1", "log-9", "log-3"));
    assertThat(store.names()).containsExactly("log-2");
    store.delete(List.of());
    assertThat(another().names()).containsExactly("log-2");
  }

  @Test
  void saysWhichFileCannotBeRead() throws Exception {
    JournalStore store = opened();
    assertThatThrownBy(() -> bytes(store, "log-404"))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("log-404");
  }

  @Test
  void growsFilesOrSaysThatItDoesNot() throws Exception {
    JournalStore store = opened();
    if (!store.pace().grows()) {
      assertThatThrownBy(() -> store.append("log-1"))
          .isInstanceOf(UnsupportedOperationException.class)
          .hasMessageContaining(store.where());
      return;
    }
    try (JournalStore.Appender appender = store.append("log-1")) {
      appender.write(ByteBuffer.wrap(new byte[] {'a', 'b'}));
      appender.sync();
      appender.write(ByteBuffer.wrap(new byte[] {'c'}));
      assertThat(get(store, "log-1")).isEqualTo("abc");
    }
    try (JournalStore.Appender appender = store.append("log-1")) {
      appender.sync();
      assertThat(get(store, "log-1")).isEmpty();
    }
  }

  @Test
  void belongsToOneAtATimeAndTellsTheSecond() throws Exception {
    JournalStore first = opened();
    put(first, "log-1", "first's");
    JournalStore second = another();
    FutureTask<Void> opening =
        new FutureTask<>(() -> {
          second.open();
          return null;
        });
    Thread.startVirtualThread(opening);
    for (int i = 0; !opening.isDone(); i++) {
      put(first, "log-1", "first's " + i); // it lives, however slow this machine is
    }
    assertThatThrownBy(opening::get)
        .rootCause()
        .isInstanceOf(JournalException.class)
        .hasMessageContaining(first.where())
        .hasMessageContaining("in use by");
    put(first, "log-2", "first's");
    assertThat(second.names()).containsExactly("log-1", "log-2");
    first.close();
    second.open();
    put(second, "log-3", "second's");
    assertThat(get(second, "log-2")).isEqualTo("first's");
    assertThat(second.names()).hasSize(3);
  }

  @Test
  void canBeOpenedAgain() throws Exception {
    JournalStore store = opened();
    put(store, "log-1", "1");
    store.open();
    put(store, "log-2", "2");
    store.close();
    store.close();
    store.open();
    put(store, "log-3", "3");
    assertThat(store.names()).containsExactly("log-1", "log-2", "log-3");
  }
}
