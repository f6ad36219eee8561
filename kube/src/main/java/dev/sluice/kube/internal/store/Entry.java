package dev.sluice.kube.internal.store;

import dev.sluice.kube.ObjectKey;
import dev.sluice.kube.Resource;
import dev.sluice.kube.internal.json.MalformedJsonException;
import dev.sluice.kube.internal.json.ObjectScanner;
import java.util.Collections;
import java.util.Map;

/**
 * One state of one object: its bytes and the few members of its metadata that everybody needs.
 * Immutable, but for {@link #listing}, which is the store's writer's own.
 */
public final class Entry implements Resource {
  private final ObjectKey key;
  private final Incarnation incarnation;
  private final String resourceVersion;
  private final long generation;
  private final boolean deleting;
  private final byte[] body;

  /** In which list it was last seen. Written and read by the store's writer only. */
  int listing;

  /**
   * A state.
   *
   * @param body the object in JSON; the callee's own from now on
   */
  public Entry(
      ObjectKey key,
      Incarnation incarnation,
      String resourceVersion,
      long generation,
      boolean deleting,
      byte[] body) {
    this.key = key;
    this.incarnation = incarnation;
    this.resourceVersion = resourceVersion;
    this.generation = generation;
    this.deleting = deleting;
    this.body = body;
  }

  /** The life that this is a state of. */
  public Incarnation incarnation() {
    return incarnation;
  }

  @Override
  public ObjectKey key() {
    return key;
  }

  @Override
  public String uid() {
    return incarnation.uid();
  }

  @Override
  public String resourceVersion() {
    return resourceVersion;
  }

  @Override
  public long generation() {
    return generation;
  }

  @Override
  public boolean deleting() {
    return deleting;
  }

  @Override
  public Map<String, String> labels() {
    try {
      return Collections.unmodifiableMap(scan().labels());
    } catch (MalformedJsonException e) {
      throw unreadable(e);
    }
  }

  @Override
  public Map<String, String> annotations() {
    try {
      return Collections.unmodifiableMap(scan().annotations());
    } catch (MalformedJsonException e) {
      throw unreadable(e);
    }
  }

  private ObjectScanner scan() throws MalformedJsonException {
    ObjectScanner scanner = new ObjectScanner();
    scanner.scanObject(body, 0, body.length);
    return scanner;
  }

  private IllegalStateException unreadable(MalformedJsonException e) {
    return new IllegalStateException(
        "the labels or annotations of "
            + key
            + " at resource version "
            + resourceVersion
            + " cannot be read: "
            + e.getMessage(),
        e);
  }

  @Override
  public byte[] json() {
    return body.clone();
  }

  @Override
  public int length() {
    return body.length;
  }

  @Override
  public String toString() {
    return key + "@" + resourceVersion;
  }
}
