package dev.sluice.flow;

import java.time.Duration;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * A bounded hand-over of changes from the owner of a stream to a consumer: keys and deletions,
 * never objects. The one place where pressure from downstream turns into an action on the stream.
 *
 * <pre>{@code
 * Gate<String> gate = Gate.pause();
 * // the stream's owner, one thread
 * if (gate.offer(name, Change.PUT, uid) == Offer.FULL) {
 *   closeTheStream();        // the change in hand was not taken: resume before it
 *   gate.awaitRoom();
 *   resumeTheStream();
 * }
 * // the consumer, any number of threads
 * for (Delivery<String> change; (change = gate.take()) != null; ) {
 *   queue.put(change.key());
 * }
 * }</pre>
 *
 * <p>The contract from both sides:
 *
 * <ul>
 *   <li><b>Full:</b> {@link #offer} answers {@link Offer#FULL} and takes nothing, at once and until
 *       the gate has drained to its low watermark, which {@link #awaitRoom} awaits; a COALESCE gate
 *       is never full.
 *   <li><b>Empty:</b> {@link #take} waits for the next change, {@link #poll()} does not; when the
 *       producer has {@linkplain #complete() completed}, what is left is still delivered and then
 *       both give {@code null}.
 *   <li><b>Closed:</b> after {@link #complete()} (by the producer) or {@link #close()} (by the
 *       consumer, who wants no more: what is pending is dropped) {@code offer} answers {@link
 *       Offer#CLOSED}, {@code awaitRoom} answers {@code false}, and nobody is left waiting.
 * </ul>
 *
 * <p>Whoever finds that what lies behind the consumer is ill {@linkplain #hold holds} the
 * deliveries back; {@link Probe.Builder#holding} does. Consumers then wait as if there was nothing,
 * and what comes meanwhile has the fate that the kind of gate says: it coalesces, or fills the gate
 * and holds the stream back. Nothing is lost by it.
 *
 * <p>Three kinds, see {@link Kind}; "Which gate when" in the guides tells how to choose.
 *
 * <p>One thread at a time offers; any number of threads await room, and take. What a producer did
 * before it offered a change happens-before what the consumer does after it has taken it.
 *
 * @param <K> the type of the keys; with {@code equals} and {@code hashCode} that never change
 */
@Experimental
public sealed interface Gate<K> extends AutoCloseable permits CoalescingGate, BoundedGate {

  /** How many changes a BLOCK or PAUSE gate holds by default. */
  int DEFAULT_CAPACITY = 128;

  /** What a gate does when its consumer does not keep up. */
  enum Kind {
    /**
     * Keeps the latest state per key, and the stream goes on. Bounded by the objects that are live,
     * or delivered and not yet reported deleted; two entries a name at most, the deletion of the
     * old incarnation before the new one. A creation that was never delivered and its deletion
     * annihilate. The default.
     */
    COALESCE,

    /**
     * Keeps every change, in order, up to a capacity; when it is full the stream is no longer read,
     * but stays open. Absorbs stalls shorter than the server's patience; then the server closes the
     * stream, and this behaves as PAUSE.
     */
    BLOCK,

    /**
     * Keeps every change, in order, up to a capacity; when it is full the stream is closed, and
     * resumed when the gate has drained to its low watermark.
     */
    PAUSE
  }

  /** What happened to an object. */
  enum Change {
    /** It was created or changed. */
    PUT,
    /** It is no more. */
    DELETE
  }

  /** What became of an {@linkplain #offer offered} change. */
  enum Offer {
    /** It will be delivered. */
    ACCEPTED,
    /** One delivery stands for it and an earlier change of the same key. */
    COALESCED,
    /**
     * It ended a creation that was never delivered: neither will be. The consumer never knew of the
     * object.
     */
    ANNIHILATED,
    /** There is no room. The change was not taken and is still the producer's. */
    FULL,
    /** The gate is closed. The change was not taken, and none will be. */
    CLOSED
  }

  /**
   * A change on its way to the consumer.
   *
   * @param key which object
   * @param change what happened to it
   * @param incarnation which object of that name: what the producer gave, a uid for example
   */
  record Delivery<K>(K key, Change change, Object incarnation) {}

  /**
   * A gate's counters, at one instant.
   *
   * @param depth changes that wait for delivery
   * @param known keys that the gate remembers: pending, or delivered and not deleted (COALESCE; the
   *     depth for the others)
   * @param full whether offers are answered with {@code FULL} until the low watermark is reached
   * @param accepted offers answered with {@code ACCEPTED}, since the start
   * @param coalesced offers answered with {@code COALESCED}
   * @param annihilated offers answered with {@code ANNIHILATED}
   * @param refused offers answered with {@code FULL}
   * @param delivered changes taken by consumers
   * @param timesFull how often the gate became full
   * @param timeFull how long it was full, in all; includes the time since it became full last
   * @param oldestAge how long the next change to be delivered has waited; zero if there is none
   * @param heldBy who {@linkplain #hold holds} the deliveries back, in the order in which they
   *     began; empty if nobody does
   * @param timeHeld for how long deliveries were held back, in all; includes the present hold
   */
  record Stats(
      int depth,
      int known,
      boolean full,
      long accepted,
      long coalesced,
      long annihilated,
      long refused,
      long delivered,
      long timesFull,
      Duration timeFull,
      Duration oldestAge,
      List<String> heldBy,
      Duration timeHeld) {}

  /** A reason to deliver nothing, until it is released. See {@link #hold}. */
  @Experimental
  interface Hold {
    /** It is over. Any thread may say so; repeating it has no effect. Does not block. */
    void release();
  }

  /** Keeps the latest state per key; never full. See {@link Kind#COALESCE}. */
  static <K> Gate<K> coalesce() {
    return Gate.<K>builder(Kind.COALESCE).build();
  }

  /** Stops the reading when {@value #DEFAULT_CAPACITY} changes wait. See {@link Kind#BLOCK}. */
  static <K> Gate<K> block() {
    return Gate.<K>builder(Kind.BLOCK).build();
  }

  /**
   * Stops the reading when {@code capacity} changes wait. See {@link Kind#BLOCK}.
   *
   * @throws IllegalArgumentException if the capacity is less than one
   */
  static <K> Gate<K> block(int capacity) {
    return Gate.<K>builder(Kind.BLOCK).capacity(capacity).build();
  }

  /** Closes the stream when {@value #DEFAULT_CAPACITY} changes wait. See {@link Kind#PAUSE}. */
  static <K> Gate<K> pause() {
    return Gate.<K>builder(Kind.PAUSE).build();
  }

  /**
   * Closes the stream when {@code capacity} changes wait. See {@link Kind#PAUSE}.
   *
   * @throws IllegalArgumentException if the capacity is less than one
   */
  static <K> Gate<K> pause(int capacity) {
    return Gate.<K>builder(Kind.PAUSE).capacity(capacity).build();
  }

  /**
   * Closes the stream when {@code capacity} changes wait, and resumes it when only {@code
   * lowWatermark} are left. See {@link Kind#PAUSE}.
   *
   * @throws IllegalArgumentException if the capacity is less than one, or the low watermark is
   *     negative or not below the capacity
   */
  static <K> Gate<K> pause(int capacity, int lowWatermark) {
    return Gate.<K>builder(Kind.PAUSE).capacity(capacity).lowWatermark(lowWatermark).build();
  }

  /** A gate of the given kind, to be given a name, a listener or another clock. */
  static <K> Builder<K> builder(Kind kind) {
    return new Builder<>(kind);
  }

  /** What this gate does when its consumer does not keep up. */
  Kind kind();

  /** The name under which it speaks to its listener. */
  String name();

  /**
   * Hands a change over. Does not block.
   *
   * <p>The producer offers the changes of one key in their order, and names in each the incarnation
   * it belongs to, so that an object that was deleted and created anew under its old name is told
   * from one that was changed. A PUT of another incarnation than the last one implies the deletion
   * of that one; it needn't be offered.
   *
   * @param key which object
   * @param change what happened to it
   * @param incarnation which object of that name, compared by {@code equals}: its uid
   * @return what became of it; on {@link Offer#FULL} and {@link Offer#CLOSED} nothing has changed
   */
  Offer offer(K key, Change change, Object incarnation);

  /**
   * As {@link #offer}, but lets a consumer that waits sleep on until {@link #flush} or the next
   * {@link #offer}: for a producer that has more to offer at once, so that its consumer is woken
   * once for all of it. To a consumer that does not wait it makes no difference. BLOCK and PAUSE
   * gates, whose producers may have to wait for their consumers, wake theirs at once.
   */
  Offer offerQuietly(K key, Change change, Object incarnation);

  /** Wakes a consumer that waits, if something was offered quietly. Does not block. */
  void flush();

  /**
   * Tells that the consumer knows this object from before: from an earlier life of the process,
   * say. Its deletion will then be delivered, and not annihilate with a change that is still
   * pending. To be called before the first offer for the key. BLOCK and PAUSE gates deliver every
   * change anyway and keep no note of it.
   *
   * @throws IllegalStateException if the key is known already
   */
  void markDelivered(K key, Object incarnation);

  /**
   * Waits until an offer would be taken: at once if the gate is not full, else until it has drained
   * to its low watermark. Blocks the calling thread.
   *
   * @return false if the gate is closed
   * @throws InterruptedException if the thread is interrupted before or while it waits
   */
  boolean awaitRoom() throws InterruptedException;

  /**
   * As {@link #awaitRoom()}, for so long at most.
   *
   * @param timeout zero or more; zero looks without waiting
   * @return whether an offer would be taken; false if the time is up or the gate is closed, which
   *     {@link #isClosed()} tells apart
   * @throws IllegalArgumentException if the time-out is negative
   */
  boolean awaitRoom(Duration timeout) throws InterruptedException;

  /**
   * Waits for the next change and takes it; while deliveries are {@linkplain #hold held back},
   * waits for their release. Blocks the calling thread.
   *
   * @return null if the gate is closed and nothing is left
   * @throws InterruptedException if the thread is interrupted before or while it waits; no change
   *     is lost by it
   */
  @Nullable Delivery<K> take() throws InterruptedException;

  /**
   * Takes the next change if there is one and deliveries are not {@linkplain #hold held back}. Does
   * not block.
   */
  @Nullable Delivery<K> poll();

  /**
   * As {@link #take()}, for so long at most.
   *
   * @param timeout zero or more
   * @return null if the time is up, or the gate is closed and nothing is left, which {@link
   *     #isDrained()} tells apart
   * @throws IllegalArgumentException if the time-out is negative
   */
  @Nullable Delivery<K> poll(Duration timeout) throws InterruptedException;

  /**
   * Holds the deliveries back until it is released: because what lies behind the consumer is ill,
   * say, and would fail on each. {@code take} waits, {@code poll} gives {@code null}, and offers
   * are answered as ever: a COALESCE gate goes on to coalesce, a BLOCK or PAUSE gate fills and then
   * holds its stream back. What was delivered before is not called back. Of several holds at a time
   * all must be released. Does not block.
   *
   * <p>It outlives {@link #complete()}: what is left is delivered when it is released. It does not
   * outlive {@link #close()}, which drops what is pending and wakes everybody; to hold a gate after
   * that has no effect.
   *
   * @param by who holds, for {@link Stats#heldBy}: a probe's name, say
   */
  @CheckReturnValue
  Hold hold(String by);

  /** Whether deliveries are {@linkplain #hold held back}. */
  boolean isHeld();

  /**
   * Waits until deliveries are not {@linkplain #hold held back}; at once if they are not. For a
   * consumer that has other work for what lies behind it than this gate's changes. Blocks the
   * calling thread.
   *
   * @throws InterruptedException if the thread is interrupted before or while it waits
   */
  void awaitRelease() throws InterruptedException;

  /**
   * The producer's end: no more changes will be offered. What is pending can still be taken;
   * waiting consumers wake when there is nothing left. Repeating it has no effect.
   */
  void complete();

  /**
   * The consumer's end: no more changes are wanted. What is pending is dropped, and everybody who
   * waits wakes. Repeating it has no effect.
   */
  @Override
  void close();

  /** Whether offers are no longer taken: after {@link #complete()} or {@link #close()}. */
  boolean isClosed();

  /** Whether the gate is closed and nothing is left: nothing will be delivered any more. */
  boolean isDrained();

  /** The counters, consistent with each other. */
  Stats stats();

  /** Builds a gate. Owned by one thread. */
  @Experimental
  final class Builder<K> {
    final Kind kind;
    String name;
    int capacity = DEFAULT_CAPACITY;
    int lowWatermark = -1;
    TimeSource time = TimeSource.system();
    FlowListener listener = FlowListener.NONE;

    private Builder(Kind kind) {
      this.kind = Objects.requireNonNull(kind, "kind");
      this.name = "gate";
    }

    /** The name under which it speaks to its listener; "gate" by default. */
    public Builder<K> name(String name) {
      this.name = Objects.requireNonNull(name, "name");
      return this;
    }

    /**
     * How many changes a BLOCK or PAUSE gate holds; {@value Gate#DEFAULT_CAPACITY} unless told
     * otherwise. The whole array is allocated at once.
     *
     * @throws IllegalArgumentException if it is less than one, or the gate is a COALESCE gate,
     *     which is bounded by the live objects instead
     */
    public Builder<K> capacity(int capacity) {
      refuseForCoalesce("capacity");
      if (capacity < 1) {
        throw new IllegalArgumentException(
            "a gate's capacity is at least 1 change, not " + capacity);
      }
      this.capacity = capacity;
      return this;
    }

    /**
     * How many changes may be left when a full gate opens again; by default three quarters of the
     * capacity for BLOCK, whose stream is open and can be read on at once, and one quarter for
     * PAUSE, whose stream has to be opened anew.
     *
     * @throws IllegalArgumentException if it is negative, or the gate is a COALESCE gate
     */
    public Builder<K> lowWatermark(int lowWatermark) {
      refuseForCoalesce("low watermark");
      if (lowWatermark < 0) {
        throw new IllegalArgumentException(
            "a gate's low watermark is at least 0 changes, not " + lowWatermark);
      }
      this.lowWatermark = lowWatermark;
      return this;
    }

    /** The clock for ages and time-outs; the system's by default. */
    public Builder<K> time(TimeSource time) {
      this.time = Objects.requireNonNull(time, "time");
      return this;
    }

    /**
     * Who is told when the gate becomes full ({@link FlowEvent.StateChanged}, cause {@code
     * gate-full}, {@code open} to {@code full}), opens again ({@code gate-drained}, and {@link
     * FlowEvent.Waited} with the time it was full), is held and released ({@code gate-held}, {@code
     * delivering} to {@code held}; {@code gate-released}, and {@code Waited} with the time it was
     * held) and is closed ({@code completed}, {@code closed}).
     */
    public Builder<K> listener(FlowListener listener) {
      this.listener = Objects.requireNonNull(listener, "listener");
      return this;
    }

    /**
     * The gate.
     *
     * @throws IllegalArgumentException if the low watermark is not below the capacity
     */
    public Gate<K> build() {
      if (kind == Kind.COALESCE) {
        return new CoalescingGate<>(this);
      }
      int low = lowWatermark;
      if (low < 0) {
        low = (int) (kind == Kind.BLOCK ? capacity * 3L / 4 : capacity / 4);
      }
      if (low >= capacity) {
        throw new IllegalArgumentException(
            "a gate's low watermark lies below its capacity of "
                + capacity
                + ", or a full gate would never open: not "
                + low);
      }
      return new BoundedGate<>(this, low);
    }

    private void refuseForCoalesce(String what) {
      if (kind == Kind.COALESCE) {
        throw new IllegalArgumentException(
            "a COALESCE gate has no "
                + what
                + ": it is bounded by the objects that are live; use BLOCK or PAUSE for a bound"
                + " on changes");
      }
    }
  }
}
