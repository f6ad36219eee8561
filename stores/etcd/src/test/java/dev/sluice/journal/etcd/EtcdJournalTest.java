package dev.sluice.journal.etcd;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.kube.JournalStore;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What can be set wrongly, and an etcd that is not there. */
class EtcdJournalTest {
  private static final URI NOBODY = URI.create("http://127.0.0.1:1");

  @Test
  void saysWhichEndpointCannotBeUsed() {
    assertThatThrownBy(() -> EtcdJournal.at(URI.create("etcd-0:2379")))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("not 'etcd-0:2379'");
    assertThatThrownBy(() -> EtcdJournal.at(NOBODY).prefix("/"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("a prefix of its own");
  }

  @Test
  void saysWhichFileHoldsNoCertificateOrKey(@TempDir Path directory) throws Exception {
    Path file = Files.writeString(directory.resolve("tls.key"), "no key at all");
    assertThatThrownBy(() -> EtcdJournal.at(NOBODY).caCertificate(file).store())
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("tls.key");
    assertThatThrownBy(
            () -> EtcdJournal.at(NOBODY).caCertificate(directory.resolve("missing.crt")).store())
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("missing.crt");
  }

  @Test
  void saysWhomItCouldNotReach() {
    JournalStore store =
        EtcdJournal.at(NOBODY, URI.create("http://127.0.0.1:2"))
            .timeout(Duration.ofSeconds(5))
            .store();
    assertThatThrownBy(store::open)
        .isInstanceOf(IOException.class)
        .hasMessageContaining("under sluice/: cannot replace probe: http://127.0.0.1:2:");
  }
}
