package dev.sluice.journal.s3;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.kube.Journal;
import dev.sluice.kube.Journal.Durability;
import dev.sluice.kube.JournalStore;
import java.net.URI;
import java.time.Duration;
import org.junit.jupiter.api.Test;

/** What can be set wrongly. */
class S3JournalTest {
  private static JournalStore store() {
    return S3Journal.in("state")
        .prefix("/prod/pods/")
        .region("eu-central-1")
        .endpoint(URI.create("http://127.0.0.1:1"))
        .store();
  }

  @Test
  void saysWhereItIsAndAtWhichPaceItIsWritten() {
    assertThat(store().where()).isEqualTo("s3://state/prod/pods (http://127.0.0.1:1)");
    assertThat(Journal.in(store()).interval()).isEqualTo(Duration.ofSeconds(10));
  }

  @Test
  void refusesToWaitForAnUploadBeforeEachChange() {
    assertThatThrownBy(() -> Journal.in(store()).durability(Durability.EACH))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("s3://state/prod/pods");
  }

  @Test
  void refusesNamesOfBucketsAndPrefixesThatAreNone() {
    assertThatThrownBy(() -> S3Journal.in("state/pods"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("'state/pods'");
    assertThatThrownBy(() -> S3Journal.in("state").prefix("/"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("a prefix of its own");
  }
}
