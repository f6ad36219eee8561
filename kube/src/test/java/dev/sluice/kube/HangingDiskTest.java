package dev.sluice.kube;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.flow.FlowEvent;
import dev.sluice.kube.Journal.Durability;
import dev.sluice.kube.JournalStatus.State;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Collection;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A disk that takes a write and does not come back, as a network's file system does. */
@Tag("R4.3")
@Tag("long")
class HangingDiskTest {
  private final FakeApi api = new FakeApi();
  private final ConcurrentLinkedQueue<FlowEvent> events = new ConcurrentLinkedQueue<>();
  private final ConcurrentLinkedQueue<String> seen = new ConcurrentLinkedQueue<>();
  @TempDir Path temporary;

  /** A directory whose files take nothing until they are let go. */
  private static final class Hanging implements JournalStore {
    private final JournalStore disk;
    volatile CountDownLatch go = new CountDownLatch(0);

    Hanging(JournalStore disk) {
      this.disk = disk;
    }

    @Override
    public String where() {
      return disk.where();
    }

    @Override
    public Pace pace() {
      return disk.pace();
    }

    @Override
    public void open() throws IOException {
      disk.open();
    }

    @Override
    public List<File> files() throws IOException {
      return disk.files();
    }

    @Override
    public InputStream read(String name) throws IOException {
      return disk.read(name);
    }

    @Override
    public Appender append(String name) throws IOException {
      Appender appender = disk.append(name);
      return new Appender() {
        @Override
        public void write(ByteBuffer bytes) throws IOException {
          try {
            go.await();
          } catch (InterruptedException e) {
            throw new IOException(e);
          }
          appender.write(bytes);
        }

        @Override
        public void sync() throws IOException {
          appender.sync();
        }

        @Override
        public void close() throws IOException {
          appender.close();
        }
      };
    }

    @Override
    public void publish(String name, Content content) throws IOException {
      disk.publish(name, content);
    }

    @Override
    public void delete(Collection<String> names) throws IOException {
      disk.delete(names);
    }

    @Override
    public void close() {
      disk.close();
    }
  }

  private void handedOver(Informer<Resource> informer) {
    Await.until(() -> assertThat(informer.status().anchor()).hasValue(api.version()));
  }

  @Test
  void holdsUpAStreamThatWaitsForItForTenSecondsAndNoLonger() throws Exception {
    Hanging store = new Hanging(JournalStore.directory(temporary.resolve("journal")));
    Journal journal = Journal.in(store).cluster("test").durability(Durability.EACH);
    api.put("a", "1");
    try (Informer<Resource> informer =
            Informer.of(api, FakeApi.PODS).journal(journal).listener(events::add).start();
        Controller<Resource> controller =
            Controller.named("test")
                .watching(informer)
                .unlimited()
                .reconcile((key, context) -> {
                  seen.add(key.name());
                  return Outcome.done();
                })
                .start()) {
      Await.until(() -> assertThat(seen).contains("a"));
      Await.until(() -> assertThat(controller.status().caughtUp()).isTrue());
      CountDownLatch go = new CountDownLatch(1);
      store.go = go;
      api.put("b", "1");
      Await.until(() -> assertThat(seen).contains("b"));
      // It is said by whoever waited, since the thread that writes still hangs.
      Await.until(
          () -> assertThat(events).anyMatch(event -> event.cause().equals("journal-failed")));
      JournalStatus status = informer.status().journal().orElseThrow();
      assertThat(status.state()).isEqualTo(State.FAILED);
      assertThat(status.trouble()).isEqualTo("it has not answered for 10 s");
      api.put("c", "1");
      handedOver(informer);
      Await.until(() -> assertThat(seen).contains("c"));
      go.countDown();
      Await.until(
          () -> assertThat(events).anyMatch(event -> event.cause().equals("journal-healed")));
      Await.until(() -> assertThat(controller.status().caughtUp()).isTrue());
    }
    try (Informer<Resource> informer = Informer.of(api, FakeApi.PODS).journal(journal).start()) {
      assertThat(informer.awaitSynced(Duration.ofSeconds(30))).isTrue();
      assertThat(informer.store().size()).isEqualTo(3);
      assertThat(informer.explain()).contains("resuming after");
    }
  }
}
