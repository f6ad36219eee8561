package dev.sluice.cli.watch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.cli.Trouble;
import dev.sluice.kube.Index;
import dev.sluice.kube.ObjectKey;
import dev.sluice.kube.Resource;
import dev.sluice.kube.Store;
import dev.sluice.kube.StoreStats;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class StoreDumpTest {
  @TempDir private Path folder;

  private final StringWriter text = new StringWriter();
  private final PrintWriter out = new PrintWriter(text);

  @Test
  void writesOneObjectALineByKey() throws IOException {
    Path file = folder.resolve("dump.jsonl");

    int written = new StoreDump(file.toString()).write(holding("c", "a", "b"), out);

    assertThat(written).isEqualTo(3);
    assertThat(file).hasContent("{\"name\":\"a\"}\n{\"name\":\"b\"}\n{\"name\":\"c\"}\n");
    assertThat(text.toString()).isEmpty();
  }

  @Test
  void aDashIsStandardOutput() {
    new StoreDump("-").write(holding("b", "a"), out);

    assertThat(text).hasToString("{\"name\":\"a\"}\n{\"name\":\"b\"}\n");
  }

  @Test
  void replacesWhatWasThereAndLeavesNothingElseBehind() throws IOException {
    Path file = Files.writeString(folder.resolve("dump.jsonl"), "before\n");

    new StoreDump(file.toString()).write(holding("a"), out);

    assertThat(file).hasContent("{\"name\":\"a\"}\n");
    assertThat(folder).isDirectoryContaining(file::equals);
    try (Stream<Path> files = Files.list(folder)) {
      assertThat(files).hasSize(1);
    }
  }

  @Test
  void keepsWhatWasThereWhenAnObjectCannotBeWritten() throws IOException {
    Path file = Files.writeString(folder.resolve("dump.jsonl"), "before\n");
    assertThatThrownBy(() -> new StoreDump(file.toString()).write(failingOn("z"), out))
        .isInstanceOf(IllegalStateException.class);

    assertThat(file).hasContent("before\n");
    try (Stream<Path> files = Files.list(folder)) {
      assertThat(files).hasSize(1);
    }
  }

  @Test
  void saysBeforehandThatTheFolderIsNotThere() {
    Path file = folder.resolve("none/dump.jsonl");

    assertThatThrownBy(() -> new StoreDump(file.toString()))
        .isInstanceOf(Trouble.class)
        .hasMessage(
            "cannot dump to "
                + file
                + ": there is no folder "
                + file.getParent()
                + "; create it first");
  }

  @Test
  void saysBeforehandThatTheTargetIsAFolder() {
    assertThatThrownBy(() -> new StoreDump(folder.toString()))
        .isInstanceOf(Trouble.class)
        .hasMessageContaining("which is a folder");
  }

  private static Store<Resource> holding(String... names) {
    return new Fixed(Stream.of(names).<Resource>map(TestResource::named).toList());
  }

  /** Holds an object a, and one whose bytes cannot be had. */
  private static Store<Resource> failingOn(String name) {
    TestResource good = TestResource.named("a");
    TestResource bad = TestResource.named(name);
    return new Fixed(
        List.of(
            good,
            (Resource)
                java.lang.reflect.Proxy.newProxyInstance(
                    StoreDumpTest.class.getClassLoader(),
                    new Class<?>[] {Resource.class},
                    (proxy, method, arguments) -> {
                      if (method.getName().equals("json")) {
                        throw new IllegalStateException("no bytes");
                      }
                      return method.invoke(bad, arguments);
                    })));
  }

  private record Fixed(List<Resource> all) implements Store<Resource>, Store.Snapshot<Resource> {
    @Override
    public Optional<Resource> get(ObjectKey key) {
      return resource(key);
    }

    @Override
    public Optional<Resource> resource(ObjectKey key) {
      return resources().filter(resource -> resource.key().equals(key)).findFirst();
    }

    @Override
    public int size() {
      return all.size();
    }

    @Override
    public Snapshot<Resource> snapshot() {
      return this;
    }

    @Override
    public Optional<String> resourceVersion() {
      return Optional.of("1");
    }

    @Override
    public Stream<Resource> resources() {
      return all.stream();
    }

    @Override
    public Snapshot<Resource> byIndex(Index index, String value) {
      throw new UnsupportedOperationException("no indexes");
    }

    @Override
    public Stream<String> indexValues(Index index) {
      throw new UnsupportedOperationException("no indexes");
    }

    @Override
    public StoreStats stats() {
      throw new UnsupportedOperationException("no stats");
    }

    @Override
    public Stream<Resource> objects() {
      return resources();
    }
  }
}
