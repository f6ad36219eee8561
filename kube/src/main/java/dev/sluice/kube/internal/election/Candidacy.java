package dev.sluice.kube.internal.election;

import dev.sluice.kube.internal.json.JsonTree;
import dev.sluice.kube.internal.json.MalformedJsonException;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/**
 * One candidate for a Lease, without input, output or threads: it says what to do next and is told
 * what came of it.
 *
 * <p><b>Why two can't lead at once.</b> Every write of the Lease is bound to the version that was
 * read, so that of two who want it one gets it. Who has written it may act for {@code
 * renewDeadline}, counted from <em>before that write was sent</em>. Who has not may take it when it
 * has not changed for {@code leaseDuration}, counted from <em>after it was read</em>. Both are
 * durations by the clock of the one who counts; dates that others wrote are never looked at. The
 * first count begins before the second, and is shorter by a third or so: two clocks would have to
 * differ in speed by that much. (A clock that stands still while the process does not run, as on a
 * machine that was suspended, is the one thing that this cannot see; writes that are bound to uid
 * and version are what is left then.)
 *
 * <p>A Lease that is no longer there is one that has changed: whoever saw it waits as long before
 * creating it. (Who comes anew when somebody has deleted it does not know of it; so don't.)
 *
 * <p>Nothing that is read makes one a leader, only a write that was answered does. A write without
 * an answer may have come through: then it is read again who holds the Lease, and if it is this
 * candidate, it is written once more.
 *
 * <p>The rules are those of client-go's leader election (tools/leaderelection), but for the fencing
 * of requests, the term, which grows with every new leadership also of the same holder, and that
 * the deadline counts from the sending.
 */
public final class Candidacy {

  /**
   * Settings. All durations are by the candidate's own clock.
   *
   * @param identity of this candidate; no other has it
   * @param leaseDuration how long the Lease must not have changed before somebody else takes it
   * @param renewDeadline how long after a renewal was sent the leader may act
   * @param retryPeriod how long a leader waits between renewals
   * @param pollPeriod how long a candidate waits between looks at the Lease
   */
  public record Settings(
      String identity,
      Duration leaseDuration,
      Duration renewDeadline,
      Duration retryPeriod,
      Duration pollPeriod) {}

  /** What to do next. */
  public sealed interface Move {
    /** Nothing, for so long. */
    record Wait(long nanos) implements Move {}

    /** Read the Lease, and tell by {@link #read} or {@link #failed}. */
    record Read() implements Move {}

    /**
     * Write the Lease, and tell by {@link #written}, {@link #refused} or {@link #failed}.
     *
     * @param create whether it is to be created, or else replaced
     * @param body the Lease, bound to what was read
     */
    record Write(boolean create, byte[] body) implements Move {}
  }

  /** A Lease as it was read. */
  private record Lease(
      Map<String, @Nullable Object> whole,
      String uid,
      String version,
      String holder,
      long seconds,
      long transitions) {}

  private static final DateTimeFormatter MICRO =
      DateTimeFormatter.ofPattern("yyyy-MM-dd'T'HH:mm:ss.SSSSSS'Z'").withZone(ZoneOffset.UTC);

  private final String namespace;
  private final String name;
  private final Settings settings;
  private final RandomGenerator random;

  private @Nullable Lease known;
  private boolean seen;
  private boolean mustRead = true;
  private long knownAt;
  private long nextAt;
  private boolean first = true;
  private volatile boolean standing = true;
  private volatile boolean leading;
  private volatile long validUntil;
  private volatile long term;
  private volatile String holder = "";

  /** A candidate that has not looked yet. */
  public Candidacy(String namespace, String name, Settings settings, RandomGenerator random) {
    this.namespace = namespace;
    this.name = name;
    this.settings = settings;
    this.random = random;
  }

  /** Whether a write may leave now. From any thread. */
  public boolean mayAct(long now) {
    return leading && now - validUntil < 0;
  }

  /** How long it may act if nothing else happens, in nanoseconds. From any thread. */
  public long validFor(long now) {
    return leading ? Math.max(0, validUntil - now) : 0;
  }

  /** Which leadership this is: grows with each, whoever's it is. From any thread. */
  public long term() {
    return term;
  }

  /** Who holds the Lease, as it was read last; empty if nobody does. From any thread. */
  public String holder() {
    return holder;
  }

  /** Whether it is the leader, as far as it knows; see {@link #mayAct}. From any thread. */
  public boolean isLeading() {
    return leading;
  }

  /** Whether it takes a Lease that is free. Until told otherwise it does. */
  public void stand(boolean stands) {
    standing = stands;
  }

  /**
   * It takes no Lease any more, and from now on may not act.
   *
   * @return what gives the Lease back, if it has it: to be sent once; null if there is nothing to
   *     give
   */
  public Move.@Nullable Write release(long now, Instant date) {
    standing = false;
    leading = false;
    mustRead = true;
    nextAt = now;
    Lease lease = known;
    return lease != null && lease.holder.equals(settings.identity)
        ? new Move.Write(false, body(lease, "", 1, lease.transitions, date, false))
        : null;
  }

  /** What to do now. */
  public Move next(long now, Instant date) {
    if (first) {
      first = false;
      nextAt = now;
    }
    if (leading && now - validUntil >= 0) {
      leading = false;
      mustRead = true;
    }
    Lease lease = known;
    if (now - nextAt < 0) {
      return new Move.Wait(nextAt - now);
    }
    if (mustRead) {
      return new Move.Read();
    }
    if (leading && lease != null) {
      return new Move.Write(
          false, body(lease, settings.identity, seconds(), lease.transitions, date, false));
    }
    if (standing && lease == null && (!seen || now - knownAt >= duration(0))) {
      return new Move.Write(true, body(null, settings.identity, seconds(), 0, date, true));
    }
    if (standing && lease != null && isFree(lease, now)) {
      return new Move.Write(
          false, body(lease, settings.identity, seconds(), lease.transitions + 1, date, true));
    }
    mustRead = true;
    nextAt = now + jittered(settings.pollPeriod);
    return new Move.Wait(nextAt - now);
  }

  private boolean isFree(Lease lease, long now) {
    if (lease.holder.isEmpty() || lease.holder.equals(settings.identity)) {
      return true;
    }
    return now - knownAt >= duration(lease.seconds);
  }

  private long duration(long seconds) {
    return Math.max(settings.leaseDuration.toNanos(), Duration.ofSeconds(seconds).toNanos());
  }

  private long jittered(Duration period) {
    long nanos = period.toNanos();
    return nanos - nanos / 10 + random.nextLong(nanos / 5 + 1);
  }

  private long seconds() {
    return Math.max(1, settings.leaseDuration.toSeconds());
  }

  // --- what came of it ---

  /**
   * The Lease was read.
   *
   * @param now after it was read
   * @param json the Lease; null if there is none
   */
  public void read(long now, byte @Nullable [] json) throws MalformedJsonException {
    Lease lease = json == null ? null : lease(json);
    note(lease, now);
    mustRead = false;
    if (leading && (lease == null || !lease.holder.equals(settings.identity))) {
      leading = false;
    }
  }

  /**
   * A write was answered.
   *
   * @param sent before it was sent
   * @param now after it was answered
   */
  public void written(long sent, long now, byte[] json) throws MalformedJsonException {
    Lease lease = lease(json);
    note(lease, now);
    mustRead = false;
    if (!lease.holder.equals(settings.identity)) {
      leading = false;
      return;
    }
    validUntil = sent + settings.renewDeadline.toNanos();
    term = lease.transitions;
    leading = true;
    nextAt = sent + settings.retryPeriod.toNanos();
  }

  /** A write was refused: somebody else was first. */
  public void refused(long now) {
    mustRead = true;
    nextAt = leading ? now : now + jittered(settings.pollPeriod.dividedBy(10));
  }

  /** There was no answer, or one that helps nobody. */
  public void failed(long now) {
    mustRead = true;
    nextAt = now + jittered(settings.pollPeriod.dividedBy(2));
  }

  private void note(@Nullable Lease lease, long now) {
    Lease before = known;
    if (lease == null
        ? before != null
        : before == null
            || !before.version.equals(lease.version)
            || !before.uid.equals(lease.uid)) {
      knownAt = now;
    }
    seen |= lease != null;
    known = lease;
    holder = lease == null ? "" : lease.holder;
  }

  private static Lease lease(byte[] json) throws MalformedJsonException {
    Map<String, @Nullable Object> whole = JsonTree.object(json);
    Map<String, @Nullable Object> metadata = JsonTree.child(whole, "metadata");
    Map<String, @Nullable Object> spec = JsonTree.child(whole, "spec");
    return new Lease(
        whole,
        JsonTree.text(metadata, "uid"),
        JsonTree.text(metadata, "resourceVersion"),
        JsonTree.text(spec, "holderIdentity"),
        number(spec.get("leaseDurationSeconds")),
        number(spec.get("leaseTransitions")));
  }

  private static long number(@Nullable Object value) {
    return value instanceof JsonTree.Number number ? (long) Double.parseDouble(number.digits()) : 0;
  }

  private byte[] body(
      @Nullable Lease lease,
      String holderNow,
      long seconds,
      long transitions,
      Instant date,
      boolean acquires) {
    Map<String, @Nullable Object> whole =
        lease == null ? new LinkedHashMap<>() : new LinkedHashMap<>(lease.whole);
    whole.put("apiVersion", "coordination.k8s.io/v1");
    whole.put("kind", "Lease");
    Map<String, @Nullable Object> metadata =
        new LinkedHashMap<>(lease == null ? Map.of() : JsonTree.child(lease.whole, "metadata"));
    metadata.put("namespace", namespace);
    metadata.put("name", name);
    whole.put("metadata", metadata);
    Map<String, @Nullable Object> spec =
        new LinkedHashMap<>(lease == null ? Map.of() : JsonTree.child(lease.whole, "spec"));
    if (holderNow.isEmpty()) {
      spec.remove("holderIdentity"); // it must not be empty
    } else {
      spec.put("holderIdentity", holderNow);
    }
    spec.put("leaseDurationSeconds", new JsonTree.Number(Long.toString(seconds)));
    spec.put("leaseTransitions", new JsonTree.Number(Long.toString(transitions)));
    spec.put("renewTime", MICRO.format(date));
    if (acquires) {
      spec.put("acquireTime", MICRO.format(date));
    }
    whole.put("spec", spec);
    return JsonTree.write(whole);
  }

  @Override
  public String toString() {
    return settings.identity + (leading ? " leading, term " + term : " waiting");
  }
}
