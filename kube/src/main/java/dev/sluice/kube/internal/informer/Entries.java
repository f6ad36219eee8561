package dev.sluice.kube.internal.informer;

import dev.sluice.kube.ObjectKey;
import dev.sluice.kube.internal.store.Entry;
import org.jspecify.annotations.Nullable;

/** The stored objects of a source, whichever of its streams they came on. */
public interface Entries {
  /** The present state of an object; null if there is none. */
  @Nullable Entry get(ObjectKey key);

  /** All objects, in no particular order. */
  Entry[] all();
}
