package dev.sluice.testkit.internal.store;

import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * One state of one object. Immutable, but for the link to the state before it, which compaction
 * cuts, and renderings that are worked out once and shared by all readers.
 */
public final class Version {
  private final String key;
  private final long revision;
  private final byte[] json;
  private final Facts facts;
  private volatile @Nullable Version previous;
  private final boolean deleted;
  private volatile @Nullable Map<Object, byte[]> renderings;

  /**
   * What selectors and preconditions ask of an object without decoding it.
   *
   * @param uid its uid
   * @param name its name
   * @param namespace its namespace; empty for an object of the cluster
   * @param labels its labels
   * @param fields the values of the fields that field selectors may name
   * @param owners the uids of its owners
   * @param finalizers what must happen before it goes
   */
  public record Facts(
      String uid,
      String name,
      String namespace,
      Map<String, String> labels,
      Map<String, String> fields,
      List<String> owners,
      List<String> finalizers) {}

  Version(
      String key,
      long revision,
      byte[] json,
      Facts facts,
      @Nullable Version previous,
      boolean deleted) {
    this.key = key;
    this.revision = revision;
    this.json = json;
    this.facts = facts;
    this.previous = previous;
    this.deleted = deleted;
  }

  public String key() {
    return key;
  }

  /** The revision at which the object came to be in this state. */
  public long revision() {
    return revision;
  }

  /** The encoded object. Shared: not to be changed. Of a deletion: the last state. */
  public byte[] json() {
    return json;
  }

  public Facts facts() {
    return facts;
  }

  /** Whether this state is that the object is gone. */
  public boolean deleted() {
    return deleted;
  }

  /** The state before this one; null if it was the first, or if compaction has taken it. */
  public @Nullable Version previous() {
    return previous;
  }

  void forgetPrevious() {
    previous = null;
  }

  /** The newest state not younger than {@code revision}; null if there was no object then. */
  @Nullable Version at(long atRevision) {
    Version version = this;
    while (version != null && version.revision > atRevision) {
      version = version.previous;
    }
    return version == null || version.deleted ? null : version;
  }

  /** Another rendering of the same state (another API version, only metadata), made once. */
  public byte[] rendering(Object how, Function<byte[], byte[]> render) {
    Map<Object, byte[]> made = renderings;
    if (made == null) {
      made = new ConcurrentHashMap<>();
      renderings = made;
    }
    return made.computeIfAbsent(how, ignored -> render.apply(json));
  }

  /** The same object encoded otherwise, at another revision. */
  public Version as(long otherRevision, byte[] otherJson) {
    return new Version(key, otherRevision, otherJson, facts, null, deleted);
  }

  /** The same state without its past, for a snapshot. */
  Version alone() {
    return previous == null ? this : new Version(key, revision, json, facts, null, deleted);
  }
}
