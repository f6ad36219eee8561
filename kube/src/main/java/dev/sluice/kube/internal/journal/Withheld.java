package dev.sluice.kube.internal.journal;

import dev.sluice.kube.internal.store.Entry;
import java.util.function.Supplier;

/**
 * A body that the journal does not have, only a hash of it: whoever reads it first has it fetched.
 *
 * @param hash as the journal has it
 */
record Withheld(Item.Put hash, Supplier<byte[]> fetch) implements Entry.Lazy {

  @Override
  public byte[] load() {
    return fetch.get();
  }

  @Override
  public int length() {
    return 0;
  }

  @Override
  public int kept() {
    return 0;
  }
}
