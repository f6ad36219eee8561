package dev.sluice.cli.journal;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.cli.Run;
import dev.sluice.fabric8.SluiceFabric8;
import dev.sluice.kube.Controller;
import dev.sluice.kube.Informer;
import dev.sluice.kube.Journal;
import dev.sluice.kube.ObjectKey;
import dev.sluice.kube.Outcome;
import dev.sluice.kube.Resource;
import dev.sluice.kube.ResourceKind;
import dev.sluice.kube.Transport;
import dev.sluice.testkit.ApiServer;
import io.fabric8.kubernetes.client.Config;
import io.fabric8.kubernetes.client.ConfigBuilder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class JournalCommandTest {
  @TempDir static Path template;
  @TempDir Path copies;

  /** A journal of two config maps, one of which its controller has not finished. */
  @BeforeAll
  static void writeOne() throws Exception {
    CountDownLatch both = new CountDownLatch(2);
    try (ApiServer server = ApiServer.start()) {
      server.load(
          "apiVersion: v1\nkind: ConfigMap\nmetadata: {namespace: default, name: done}\n---\n"
              + "apiVersion: v1\nkind: ConfigMap\nmetadata: {namespace: default, name: failing}\n");
      Config config =
          new ConfigBuilder(Config.empty()).withMasterUrl(server.url().toString()).build();
      ResourceKind kind = ResourceKind.namespaced("", "v1", "configmaps", "ConfigMap");
      try (Transport transport = SluiceFabric8.transport(config);
          Informer<Resource> informer =
              Informer.of(transport, kind)
                  .namespace("default")
                  .fieldSelector("metadata.name!=kube-root-ca.crt")
                  .journal(Journal.at(template.resolve("journal")))
                  .start();
          Controller<Resource> controller =
              Controller.named("certificates")
                  .watching(informer)
                  .reconcilerVersion("v7")
                  .reconcile((key, context) -> {
                    both.countDown();
                    return key.equals(ObjectKey.of("default", "done"))
                        ? Outcome.done()
                        : Outcome.retry("no");
                  })
                  .start()) {
        assertThat(informer.awaitSynced(Duration.ofSeconds(30))).isTrue();
        assertThat(both.await(30, TimeUnit.SECONDS)).isTrue();
        assertThat(controller.name()).isEqualTo("certificates");
      }
    }
  }

  private Path journal() throws Exception {
    Path copy = copies.resolve("journal");
    Files.createDirectory(copy);
    try (Stream<Path> files = Files.list(template.resolve("journal"))) {
      for (Path file : files.toList()) {
        Files.copy(file, copy.resolve(file.getFileName()));
      }
    }
    return copy;
  }

  private static Path log(Path journal) throws Exception {
    try (Stream<Path> files = Files.list(journal)) {
      return files
          .filter(file -> file.getFileName().toString().startsWith("log-"))
          .max(Path::compareTo)
          .orElseThrow();
    }
  }

  @Test
  void showsWhoseItIsWhatItHoldsAndWhatAStartWouldDo() throws Exception {
    Run run = Run.of("journal", "inspect", journal().toString());
    assertThat(run.exitCode()).as(run.err()).isZero();
    assertThat(run.out())
        .contains("kind: v1 configmaps", "namespace: default", "cluster: ")
        .containsPattern("certificates +v7 +1 +1")
        .contains("a start would bring back 2 objects and resume after ");
  }

  @Test
  void verifiesAWholeOneAndTellsWhereADamagedOneIsDamaged() throws Exception {
    Path journal = journal();
    Run whole = Run.of("journal", "verify", journal.toString());
    assertThat(whole.exitCode()).as(whole.out()).isZero();
    assertThat(whole.out()).contains("whole: 2 files, 2 objects");
    Path log = log(journal);
    byte[] bytes = Files.readAllBytes(log);
    bytes[bytes.length / 2] ^= 4;
    Files.write(log, bytes);
    Run damaged = Run.of("journal", "verify", journal.toString());
    assertThat(damaged.exitCode()).isEqualTo(1);
    assertThat(damaged.out())
        .contains(log.getFileName() + ": damaged, from byte ", "a start would");
  }

  @Test
  void leavesOneSnapshotThatHoldsTheSame() throws Exception {
    Path journal = journal();
    String before = Run.of("journal", "export", journal.toString()).out();
    Run run = Run.of("journal", "compact", journal.toString());
    assertThat(run.exitCode()).as(run.err()).isZero();
    assertThat(run.out()).contains("snapshot-", "bring back 2 objects and resume after ");
    assertThat(Run.of("journal", "export", journal.toString()).out()).isEqualTo(before);
    assertThat(Run.of("journal", "verify", journal.toString()).exitCode()).isZero();
  }

  @Test
  void exportsLinesOfJson() throws Exception {
    Run run = Run.of("journal", "export", journal().toString());
    assertThat(run.exitCode()).isZero();
    assertThat(run.out().lines())
        .anyMatch(line -> line.startsWith("{\"object\":{") && line.contains("\"name\":\"done\""))
        .anyMatch(line ->
            line.startsWith("{\"pending\":{\"consumer\":\"certificates\"")
                && line.contains("\"name\":\"failing\""))
        .anyMatch(line -> line.startsWith("{\"waiting\":{") && line.contains("\"due\":\""))
        .anyMatch(line -> line.startsWith("{\"anchor\":\""));
  }

  @Test
  void saysWhatIsWrongWithTheDirectory() {
    Run none = Run.of("journal", "inspect", copies.resolve("none").toString());
    assertThat(none.exitCode()).isEqualTo(10);
    assertThat(none.err()).contains("there is no directory");
    Run empty = Run.of("journal", "inspect", copies.toString());
    assertThat(empty.exitCode()).isEqualTo(10);
    assertThat(empty.err()).contains("there is no journal in");
  }

  @Test
  void tellsWhatLedToTheReconcilesOfAnObject() throws Exception {
    String journal = journal().toString();
    Run done = Run.of("journal", "why", journal, "default/done");
    assertThat(done.exitCode()).as(done.err()).isZero();
    assertThat(done.out())
        .containsPattern("seen, uid .* at resourceVersion [0-9]+")
        .contains("controller certificates started, reconciler version v7")
        .containsPattern(
            "certificates reconciled it for .*took (less than a second|about [0-9]+ s): done");
    Run failing = Run.of("journal", "why", journal, "default/failing");
    assertThat(failing.out()).containsPattern("failed, no; not again before 20");
    Run unknown = Run.of("journal", "why", journal, "default/nobody");
    assertThat(unknown.exitCode()).isEqualTo(1);
    assertThat(unknown.out()).contains("the log says nothing of default/nobody");
  }
}
