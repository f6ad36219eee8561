package dev.sluice.kube.internal.journal;

import dev.sluice.kube.JournalStore;
import dev.sluice.stores.JournalStoreContract;
import java.nio.file.Path;
import org.junit.jupiter.api.io.TempDir;

/** A directory does what every store must. */
class DirectoryStoreTest extends JournalStoreContract {
  @TempDir Path directory;

  @Override
  protected JournalStore store() {
    return JournalStore.directory(directory.resolve("journal"));
  }
}
