package dev.sluice.kube;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a journal has of Secrets, without a key and with one. */
@Tag("R4.3")
class JournalSecretsTest {
  private static final ResourceKind SECRETS =
      ResourceKind.namespaced("", "v1", "secrets", "Secret");
  private static final String VALUE = "hunter2-and-some-more-of-it";
  private static final JournalKeys OLD = JournalKeys.of("2025", key(1));
  private static final JournalKeys NEW = JournalKeys.of("2026", key(2)).with("2025", key(1));

  private final FakeApi api = new FakeApi();
  @TempDir Path temporary;

  private static byte[] key(int seed) {
    byte[] key = new byte[32];
    Arrays.fill(key, (byte) seed);
    return key;
  }

  private Path directory() {
    return temporary.resolve("journal");
  }

  private Journal journal() {
    return Journal.at(directory()).interval(Duration.ofMillis(1)).cluster("test");
  }

  private long asked(String what) {
    return api.requests.stream().filter(request -> request.path().contains(what)).count();
  }

  /** A life: until all is finished and durable, after which it holds the value. */
  private long live(Journal journal, boolean read) throws Exception {
    try (Informer<Resource> informer = Informer.of(api, SECRETS).journal(journal).start();
        Controller<Resource> controller =
            Controller.named("test")
                .watching(informer)
                .unlimited()
                .reconcile((key, context) -> Outcome.done())
                .start()) {
      Await.until(() -> assertThat(informer.status().anchor()).hasValue(api.version()));
      Await.until(() -> assertThat(controller.status().caughtUp()).isTrue());
      Await.until(() ->
          assertThat(controller.status().counts().done())
              .isEqualTo(controller.status().counts().started()));
      if (read) {
        Resource secret = informer.store().resource(ObjectKey.of("ns", "s")).orElseThrow();
        assertThat(new String(secret.json(), StandardCharsets.UTF_8)).contains(VALUE);
        assertThat(new String(secret.json(), StandardCharsets.UTF_8)).contains(VALUE);
      }
      Await.until(() -> {
        JournalStatus status = informer.status().journal().orElseThrow();
        assertThat(status.durable()).isEqualTo(status.position());
      });
      return controller.status().counts().started();
    }
  }

  private void nothingOfItLiesAbout() throws IOException {
    try (Stream<Path> files = Files.list(directory())) {
      for (Path file : files.toList()) {
        assertThat(Files.readString(file, StandardCharsets.ISO_8859_1))
            .as(file.toString())
            .doesNotContain(VALUE)
            .doesNotContain(VALUE.substring(0, 7));
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(file)))
            .isEqualTo("rw-------");
      }
    }
  }

  private Map<String, byte[]> files() throws IOException {
    Map<String, byte[]> all = new TreeMap<>();
    try (Stream<Path> files = Files.list(directory())) {
      for (Path file : files.toList()) {
        if (!file.endsWith("LOCK")) {
          all.put(file.getFileName().toString(), Files.readAllBytes(file));
        }
      }
    }
    return all;
  }

  private String exported(JournalKeys keys) throws IOException {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    JournalFiles.in(JournalStore.directory(directory())).with(keys).export(out);
    return out.toString(StandardCharsets.UTF_8);
  }

  private String exportedAnyhow() {
    try {
      return exported(OLD);
    } catch (IOException e) {
      return "it was being written: " + e;
    }
  }

  @Test
  void resumeWithoutAKeyAndAreFetchedWhenTheyAreRead() throws Exception {
    api.put("s", VALUE);
    assertThat(live(journal(), true)).isEqualTo(1);
    nothingOfItLiesAbout();
    api.requests.clear();

    assertThat(live(journal(), false)).as("reconciles").isZero();
    assertThat(asked("limit=500")).as("lists").isZero();
    assertThat(asked("/secrets/s")).as("fetched although nobody has read it").isZero();

    assertThat(live(journal(), true)).as("reconciles").isZero();
    assertThat(asked("limit=500")).as("lists").isZero();
    assertThat(asked("/secrets/s")).as("fetched once, at the first read").isEqualTo(1);
    nothingOfItLiesAbout();
  }

  @Test
  void saySoWhenOneIsReadThatIsGoneMeanwhile() throws Exception {
    api.put("s", VALUE);
    live(journal(), false);
    api.deleteUnseen("s");
    try (Informer<Resource> informer = Informer.of(api, SECRETS).journal(journal()).start()) {
      assertThat(informer.awaitSynced(Duration.ofSeconds(30))).isTrue();
      Resource secret = informer.store().resource(ObjectKey.of("ns", "s")).orElseThrow();
      assertThatThrownBy(secret::json)
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("the value of ns/s, which the journal does not keep")
          .hasMessageContaining("it is gone");
    }
  }

  @Test
  void areKeptEncryptedWithAKeyAndNeitherListedNorFetched() throws Exception {
    api.put("s", VALUE);
    assertThat(live(journal().encryptedWith(OLD), true)).isEqualTo(1);
    JournalFiles.in(JournalStore.directory(directory())).with(OLD).compact();
    api.put("t", VALUE);
    live(journal().encryptedWith(OLD), true);
    nothingOfItLiesAbout();
    api.requests.clear();

    assertThat(live(journal().encryptedWith(OLD), true)).as("reconciles").isZero();
    assertThat(asked("limit=500")).as("lists").isZero();
    assertThat(asked("/secrets/s")).as("fetched").isZero();
    nothingOfItLiesAbout();
    assertThat(exported(OLD)).contains(VALUE).contains("\"name\":\"t\"");
  }

  @Test
  void areReadWithTheOldKeyAndWrittenWithTheNewOneUntilNoneIsLeft() throws Exception {
    api.put("s", VALUE);
    live(journal().encryptedWith(OLD), true);
    api.put("t", VALUE);
    api.requests.clear();
    assertThat(live(journal().encryptedWith(NEW), true)).as("reconciles of the new one").isOne();
    assertThat(asked("limit=500")).as("lists").isZero();
    JournalFiles files = JournalFiles.in(JournalStore.directory(directory())).with(NEW);
    assertThat(files.inspect().keys()).containsExactly("2025", "2026");
    assertThat(files.compact().keys()).containsExactly("2026");
    assertThat(exported(JournalKeys.of("2026", key(2)))).contains(VALUE);
    nothingOfItLiesAbout();
  }

  @Test
  void areRefusedAtTheStartWithoutTheirKeyOrWithAnotherOneAndNothingIsChanged() throws Exception {
    api.put("s", VALUE);
    live(journal().encryptedWith(OLD), true);
    Map<String, byte[]> before = files();
    assertThatThrownBy(() -> Informer.of(api, SECRETS).journal(journal()).start())
        .isInstanceOf(JournalException.class)
        .hasMessageContaining("encrypted with the key '2025', which is not given");
    Journal another = journal().encryptedWith(JournalKeys.of("2026", key(1)));
    assertThatThrownBy(() -> Informer.of(api, SECRETS).journal(another).start())
        .isInstanceOf(JournalException.class)
        .hasMessageContaining("'2025', which is not among those given, [2026]");
    Journal wrong = journal().encryptedWith(JournalKeys.of("2025", key(3)));
    assertThatThrownBy(() -> Informer.of(api, SECRETS).journal(wrong).start())
        .isInstanceOf(JournalException.class)
        .hasMessageContaining("does not open with the key of that name");
    assertThat(files()).containsExactlyEntriesOf(before);
    assertThat(live(journal().encryptedWith(OLD), true)).isZero();
  }

  @Test
  void areKeptFromTheFirstStartWithAKeyOn() throws Exception {
    api.put("s", VALUE);
    live(journal(), true);
    api.requests.clear();
    Journal often = journal().encryptedWith(OLD).snapshotEvery(Duration.ofMillis(100));
    try (Informer<Resource> informer = Informer.of(api, SECRETS).journal(often).start()) {
      Await.until(() -> assertThat(exportedAnyhow()).contains(VALUE));
      assertThat(informer.isSynced()).isTrue();
    }
    assertThat(asked("limit=500")).as("listed once, to have the values").isEqualTo(1);
    api.requests.clear();
    assertThat(live(journal().encryptedWith(OLD), true)).as("reconciles").isZero();
    assertThat(asked("limit=500") + asked("/secrets/s")).isZero();
    nothingOfItLiesAbout();
  }

  @Test
  void haveKeysInAFileLikeAMountedOneAndNeverInAMessage() throws Exception {
    Path file = temporary.resolve("keys");
    String secret = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
    Files.writeString(file, "# rotated in May\n2026 " + secret + "\n\n2025 " + secret + "\n");
    assertThat(JournalKeys.read(file).ids()).containsExactly("2026", "2025");
    assertThat(JournalKeys.read(file).current()).isEqualTo("2026");
    assertThat(JournalKeys.read(file)).hasToString("JournalKeys[2026, 2025]");
    for (String wrong :
        List.of(secret, "k !" + secret, "k AAEC", "k " + secret + "\nk " + secret, "# none")) {
      Files.writeString(file, wrong);
      assertThatThrownBy(() -> JournalKeys.read(file))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining(file.toString())
          .hasMessageNotContaining(secret);
    }
  }
}
