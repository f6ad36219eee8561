package dev.sluice.flow;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.time.Duration;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * The keys that have work to be done, each at most once, and each with one worker at a time.
 *
 * <pre>{@code
 * WorkQueue<String> queue = WorkQueue.<String>builder().name("certificates").workers(4).build();
 * // where changes come in
 * queue.put(key);                                // waits while the queue is full
 * // each worker
 * for (Item<String> item; (item = queue.take()) != null; ) {
 *   try {
 *     reconcile(item.key());
 *     queue.forget(item.key());                  // it went well: the next retry is a first one
 *   } catch (IOException e) {
 *     queue.addRateLimited(item.key());          // again, later each time
 *   } finally {
 *     item.done();
 *   }
 * }
 * }</pre>
 *
 * <p><b>What it guarantees.</b> A key that is added while it waits is not added twice. A key that
 * is in a worker's hands is given to nobody else; added meanwhile, it waits again as soon as {@link
 * Item#done()} says that the worker is finished. So after an add there is always a complete run
 * that began later, and never are there two runs of one key at a time.
 *
 * <p><b>The bound.</b> The {@linkplain Builder#capacity capacity} limits the keys that wait (in
 * hand but added again counts as waiting). A key that the queue does not hold is refused with
 * {@link Offer#FULL} when it is reached, nothing is changed, and the caller still has the key:
 * {@link #put} waits for room instead. A key that the queue holds already, waiting, in hand or
 * delayed, is never refused, and what was accepted is never dropped: so workers can always have
 * their keys tried again, and when delays end in a full queue it exceeds its capacity for a while
 * by keys that it held anyway. The keys that wait for a delay have a {@linkplain Builder#maxDelayed
 * limit of their own}.
 *
 * <p><b>The order.</b> By {@link Priority}; within a priority fair between {@linkplain
 * Builder#tenants tenants}, by weight; within a tenant in order of arrival. Less urgent keys are
 * not starved: once a key has waited for the {@linkplain Builder#ageing ageing} period (10 s), one
 * dispatch in four goes to the keys of such levels. A key behind <i>p</i> others of its tenant and
 * priority, whose tenant has weight <i>w</i> of <i>W</i>, then has at most 8 x (ceil((<i>p</i> + 1)
 * / <i>w</i>) + 1) x <i>W</i> dispatches to wait, whatever is added in the meantime.
 *
 * <p><b>Delays.</b> {@link #addAfter} adds a key later: not before its time and less than 1.05 ms
 * after it, plus what the machine's timers take. A key has one delay at most, the one that ends
 * first. A delay does not keep the key from being added at once by somebody else.
 *
 * <p><b>The end.</b> {@link #shutDown()} accepts nothing more, drops delays, and lets the workers
 * finish what waits, after which {@link #take()} answers {@code null}; {@link #drain} also waits
 * for them. {@link #close()} drops what waits. Nobody is left waiting.
 *
 * <p>Safe for use by any number of threads, virtual or not. What a thread did before it added a key
 * happens-before what the worker does that takes it then; what a worker did before {@code done()}
 * happens-before what the next one does that takes the same key.
 *
 * @param <K> the type of the keys; with {@code equals} and {@code hashCode} that never change
 */
@Experimental
public final class WorkQueue<K> implements AutoCloseable {
  // One lock guards everything but the return of an item, and is held for a few dozen nanoseconds:
  // a look-up in one hash map and some pointers to set. The clock is read before it is taken. The
  // order of dispatch is ReadyKeys' business, that of delays TimingWheel's; here are the states of
  // a
  // key:
  //
  //   waiting   it stands in the ReadyKeys
  //   in hand   a worker has it
  //   again     in hand, and added since: waits when the worker is done
  //   delayed   it lies in the TimingWheel; may be so beside any of the others
  //
  // `waiting` and `in hand` exclude each other, which is what keeps a key from being given out
  // twice; a key in no state is not held, and its HeldKey is dropped.
  //
  // An item that is done is laid on a stack without the lock. Whoever takes the lock next, for
  // whatever, takes the stack off first, so that under the lock the state is always that after all
  // done() that have returned (flat combining: D. Hendler and others, SPAA 2010). A worker so takes
  // the lock once a key, in take(). Only where somebody may wait for just this return does the
  // worker see to it at once: its key was added again, or the queue is at its end, or a window of
  // the LoadMeter is over. Nothing is missed: the worker lays the item down and then looks at
  // `again` and `state`; who sets one of these does so first and then looks at the stack; all four
  // are volatile, so at least one of the two sees the other.
  //
  // Listener, logger, tenant function and limiters are never called under the lock. The time source
  // is: its timers take no lock of ours while they hold one of theirs.

  /** How many keys may wait unless told otherwise. */
  public static final int DEFAULT_CAPACITY = 100;

  private static final Backoff DEFAULT_BACKOFF =
      Backoff.exponential(Duration.ofMillis(5), 2, Duration.ofSeconds(10))
          .with(Backoff.Jitter.NONE);

  private static final System.Logger LOG = System.getLogger(WorkQueue.class.getName());

  /** How many delays are worked through at most before others get the lock. */
  private static final int TIMER_BATCH = 256;

  /** What became of an added key. */
  public enum Offer {
    /** It waits for a worker, or for its delay. */
    ACCEPTED,
    /** It waited already, and does still: one run will stand for both. */
    COALESCED,
    /** There is no room for a new key. It was not taken and is still the caller's. */
    FULL,
    /** The queue has been shut down. The key was not taken. */
    CLOSED
  }

  /** Where a queue is in its life. */
  public enum State {
    /** It takes keys and gives them out. */
    OPEN,
    /** It takes no more and gives out what it has. */
    DRAINING,
    /** Nothing waits any more. */
    CLOSED
  }

  private final int capacity;
  private final int maxDelayed;
  private final int workers;
  private final TimeSource time;
  private final @Nullable Function<? super K, String> tenantOf;
  private final Map<String, Integer> weights;
  private final RetryLimiter<? super K> retryLimiter;
  private final @Nullable RateLimiter dispatchLimiter;
  private final Announcer announcer;
  private final long origin;

  private final ReentrantLock lock = new ReentrantLock();
  private final Condition ready = lock.newCondition();
  private final Condition room = lock.newCondition();
  private final Condition drained = lock.newCondition();

  /** What workers are done with and the rest does not know yet; the latest on top. */
  private final AtomicReference<@Nullable Item<K>> returned = new AtomicReference<>();

  /** Written under the lock. */
  private volatile State state = State.OPEN;

  // All below is guarded by the lock.
  private final Map<K, HeldKey<K>> held = new HashMap<>();
  private final ReadyKeys<K> waiting;
  private final TimingWheel<HeldKey<K>> delays = new TimingWheel<>();
  private final LoadMeter meter;
  private final Histogram waitTimes = new Histogram();
  private final Histogram workTimes = new Histogram();
  private int again;
  private int idleWorkers;
  private int waitingForRoom;

  /** A worker was woken and has not run yet. */
  private boolean waking;

  /** A worker is asking the dispatch limiter for a permit. */
  private boolean asking;

  /** The permit that was not there when it was asked for. */
  private @Nullable CompletableFuture<@Nullable Void> awaitedPermit;

  /** The awaited permit has come, and the worker that will use it has been woken. */
  private boolean permitIsThere;

  private TimeSource.@Nullable Timer wakeUp;
  private long wakeUpAt = Long.MAX_VALUE;
  private long accepted;
  private long coalesced;
  private long refused;
  private long dropped;

  private WorkQueue(Builder<K> builder) {
    capacity = builder.capacity;
    maxDelayed = builder.maxDelayed;
    workers = builder.workers;
    time = builder.time;
    tenantOf = builder.tenantOf;
    weights = new ConcurrentHashMap<>(builder.weights);
    retryLimiter =
        builder.retryLimiter != null
            ? builder.retryLimiter
            : KeyedBackoff.<K>builder(DEFAULT_BACKOFF).time(time).build();
    dispatchLimiter = builder.dispatchLimiter;
    announcer = new Announcer(builder.name, builder.listener);
    origin = time.nanoTime();
    meter = new LoadMeter(workers, origin);
    waiting =
        new ReadyKeys<>(
            builder.ageingNanos,
            builder.agedOneIn,
            tenant -> {
              Integer weight = weights.get(tenant);
              return weight == null ? 1 : weight;
            });
    Sizing expected = builder.expected;
    if (expected != null && workers > 0) {
      warnIfTooSmall(new Sizing(expected.arrivals(), expected.meanWork(), workers, capacity));
    }
  }

  /** A queue to be set up. */
  public static <K> Builder<K> builder() {
    return new Builder<>();
  }

  /** The name under which it speaks to its listener and in the log. */
  public String name() {
    return announcer.source();
  }

  private void lock() {
    BriefLock.lock(lock);
    settleReturned();
  }

  private void lockInterruptibly() throws InterruptedException {
    if (Thread.interrupted()) {
      throw new InterruptedException();
    }
    lock();
  }

  // ---------------------------------------------------------------- what comes in

  /** Adds a key with {@link Priority#NORMAL}. See {@link #add(Object, Priority)}. */
  @CheckReturnValue
  public Offer add(K key) {
    return add(key, Priority.NORMAL);
  }

  /**
   * Adds a key, to be dispatched as soon as its turn comes. Never blocks.
   *
   * <p>A key that waits already becomes more urgent if the given priority is higher, never less; it
   * goes behind those that had it before, and its age stays.
   *
   * @return what became of it. On {@link Offer#FULL} the caller still has the key, and must keep it
   *     or {@link #put} it
   * @throws NullPointerException if the key is null, or the tenant function gives null for it
   */
  @CheckReturnValue
  public Offer add(K key, Priority priority) {
    Objects.requireNonNull(key, "key");
    Objects.requireNonNull(priority, "priority");
    String tenant = tenantOf(key);
    long now = time.nanoTime();
    Offer offer;
    LoadMeter.Verdict verdict;
    lock();
    try {
      offer = addLocked(key, tenant, priority, now);
      verdict = rollWindow(now);
    } finally {
      lock.unlock();
    }
    tellRefusal(offer, "queue-full");
    if (verdict != null) {
      announce(verdict);
    }
    return offer;
  }

  private void tellRefusal(Offer offer, String whyFull) {
    if (offer == Offer.FULL) {
      announcer.rejected(whyFull);
    } else if (offer == Offer.CLOSED) {
      announcer.rejected("shut-down");
    }
  }

  private Offer addLocked(K key, String tenant, Priority priority, long now) {
    if (state != State.OPEN) {
      return Offer.CLOSED;
    }
    HeldKey<K> found = held.get(key);
    if (found != null) {
      return addHeld(found, priority, now);
    }
    if (depth() >= capacity) {
      refused++;
      return Offer.FULL;
    }
    HeldKey<K> fresh = hold(key, tenant);
    fresh.priority = priority;
    return enqueue(fresh, now);
  }

  private HeldKey<K> hold(K key, String tenantName) {
    ReadyKeys.Tenant<K> tenant = waiting.tenant(tenantName);
    tenant.held++;
    HeldKey<K> fresh = new HeldKey<>(key, tenant);
    held.put(key, fresh);
    return fresh;
  }

  private Offer addHeld(HeldKey<K> key, Priority priority, long now) {
    if (key.waiting) {
      coalesced++;
      if (priority.compareTo(key.priority) < 0) {
        waiting.raise(key, priority, now);
      }
      return Offer.COALESCED;
    }
    if (!key.inHand) {
      key.priority = priority;
      return enqueue(key, now);
    }
    if (key.again) {
      coalesced++;
      key.againPriority = key.againPriority.or(priority);
      return Offer.COALESCED;
    }
    key.againPriority = priority;
    key.again = true;
    again++;
    accepted++;
    meter.arrived();
    settleReturned(); // its worker may have looked just before
    return Offer.ACCEPTED;
  }

  private Offer enqueue(HeldKey<K> key, long now) {
    accepted++;
    meter.arrived();
    makeReady(key, now);
    return Offer.ACCEPTED;
  }

  private void makeReady(HeldKey<K> key, long now) {
    waiting.add(key, now);
    wakeWorker();
  }

  /**
   * Wakes a worker for a waiting key, unless one is on its way already: that one wakes the next
   * when it has taken a key and there are more. So many keys that come at once wake as many workers
   * as it takes, and not one each.
   */
  private void wakeWorker() {
    if (idleWorkers > 0 && !waking) {
      waking = true;
      ready.signal();
    }
  }

  private String tenantOf(K key) {
    if (tenantOf == null) {
      return ReadyKeys.NO_TENANT;
    }
    String tenant = tenantOf.apply(key);
    if (tenant == null) {
      throw new NullPointerException(
          "the tenant function of the queue '"
              + name()
              + "' gave null for the key "
              + key
              + "; give \"\" for a key that belongs to no tenant");
    }
    return tenant;
  }

  /** Adds a key with {@link Priority#NORMAL}. See {@link #put(Object, Priority)}. */
  public boolean put(K key) throws InterruptedException {
    return put(key, Priority.NORMAL);
  }

  /**
   * Adds a key, and waits for room if the queue is full. Blocks the calling thread; room comes when
   * a worker takes a key. Not to be called by a worker, which would wait for itself: workers use
   * {@link #add}, {@link #addAfter} or {@link #addRateLimited}, which take the key in hand always.
   *
   * @return false if the queue has been shut down; the key was not taken then
   * @throws InterruptedException if the thread is interrupted before or while it waits; the key was
   *     not taken then
   */
  public boolean put(K key, Priority priority) throws InterruptedException {
    return put(key, priority, Long.MAX_VALUE) == Offer.ACCEPTED;
  }

  /**
   * As {@link #put(Object, Priority)}, for so long at most.
   *
   * @param timeout zero or more
   * @return {@link Offer#FULL} if the time is up; the key was not taken then
   * @throws IllegalArgumentException if the time-out is negative
   */
  @CheckReturnValue
  public Offer put(K key, Priority priority, Duration timeout) throws InterruptedException {
    return put(key, priority, Durations.nanos("the time to wait for room", timeout));
  }

  private Offer put(K key, Priority priority, long nanos) throws InterruptedException {
    Objects.requireNonNull(key, "key");
    Objects.requireNonNull(priority, "priority");
    String tenant = tenantOf(key);
    long before = time.nanoTime();
    long now = before;
    Offer offer;
    boolean waited = false;
    LoadMeter.Verdict verdict;
    lockInterruptibly();
    try {
      if (state == State.OPEN && depth() >= capacity && !held.containsKey(key)) {
        waited = true;
        waitingForRoom++;
        try {
          if (nanos == Long.MAX_VALUE) {
            while (!mayAdd(key)) {
              room.await();
            }
          } else {
            Waiting.await(() -> mayAdd(key), lock, room, time, nanos);
          }
        } finally {
          waitingForRoom--;
          now = time.nanoTime();
        }
      }
      offer = addLocked(key, tenant, priority, now);
      verdict = rollWindow(now);
    } finally {
      // Whoever was woken for a room that it did not use, or did not fill, wakes the next.
      wakeForRoom();
      lock.unlock();
    }
    if (waited) {
      announcer.waited("queue-full", now - before);
    }
    tellRefusal(offer, "queue-full");
    if (verdict != null) {
      announce(verdict);
    }
    return offer == Offer.COALESCED ? Offer.ACCEPTED : offer;
  }

  private boolean mayAdd(K key) {
    return state != State.OPEN || depth() < capacity || held.containsKey(key);
  }

  private void wakeForRoom() {
    if (waitingForRoom > 0 && depth() < capacity) {
      room.signal();
    }
  }

  /** Adds a key later, with {@link Priority#NORMAL}. */
  public Offer addAfter(K key, Duration delay) {
    return addAfter(key, delay, Priority.NORMAL);
  }

  /**
   * Adds a key when a delay is over. Never blocks.
   *
   * <p>Of several delays of one key the one that ends first counts, with the highest priority given
   * to any of them.
   *
   * @param delay zero or more; zero adds it at once
   * @return {@link Offer#COALESCED} if the key was to be added earlier anyway; {@link Offer#FULL}
   *     if the queue does not hold the key and as many as {@linkplain Builder#maxDelayed allowed}
   *     are delayed
   * @throws IllegalArgumentException if the delay is negative
   */
  public Offer addAfter(K key, Duration delay, Priority priority) {
    Objects.requireNonNull(key, "key");
    Objects.requireNonNull(priority, "priority");
    long nanos = Durations.nanos("the delay", delay);
    if (nanos == 0) {
      return add(key, priority);
    }
    String tenant = tenantOf(key);
    Offer offer;
    lock();
    try {
      offer = delayLocked(key, tenant, priority, nanos, time.nanoTime());
    } finally {
      lock.unlock();
    }
    tellRefusal(offer, "delays-full");
    return offer;
  }

  private Offer delayLocked(K key, String tenant, Priority priority, long nanos, long now) {
    if (state != State.OPEN) {
      return Offer.CLOSED;
    }
    HeldKey<K> found = held.get(key);
    if (found == null) {
      if (delays.size() >= maxDelayed) {
        refused++;
        return Offer.FULL;
      }
      found = hold(key, tenant);
    }
    return delay(found, priority, nanos, now);
  }

  private Offer delay(HeldKey<K> key, Priority priority, long nanos, long now) {
    long sinceStart = now - origin;
    long due = sinceStart + Math.min(nanos, Long.MAX_VALUE - sinceStart);
    Offer offer = Offer.ACCEPTED;
    if (key.isScheduled()) {
      priority = priority.or(key.delayedPriority);
      if (key.dueNanos() <= due) {
        key.delayedPriority = priority;
        coalesced++;
        return Offer.COALESCED;
      }
      delays.remove(key);
      coalesced++;
      offer = Offer.COALESCED;
    }
    key.delayedPriority = priority;
    delays.add(key, due);
    scheduleWakeUp(now);
    return offer;
  }

  /** Adds a key when its retry limiter says so, with {@link Priority#NORMAL}. */
  public Offer addRateLimited(K key) {
    return addRateLimited(key, Priority.NORMAL);
  }

  /**
   * Adds a key after the delay that the {@linkplain Builder#retryLimiter retry limiter} says: for a
   * key that failed, later each time until it is {@linkplain #forget forgotten}. Never blocks.
   *
   * @return as {@link #addAfter(Object, Duration, Priority)}
   */
  public Offer addRateLimited(K key, Priority priority) {
    Objects.requireNonNull(key, "key");
    Objects.requireNonNull(priority, "priority");
    return addAfter(key, retryLimiter.nextDelay(key), priority);
  }

  /** The key has succeeded, or will not be tried again: its next retry is a first one. */
  public void forget(K key) {
    retryLimiter.forget(Objects.requireNonNull(key, "key"));
  }

  /** How often in a row the key was tried again; zero if it was forgotten since. */
  public int retries(K key) {
    return retryLimiter.failures(Objects.requireNonNull(key, "key"));
  }

  private void scheduleWakeUp(long now) {
    long next = delays.nextNanos();
    if (next < wakeUpAt) {
      if (wakeUp != null) {
        wakeUp.cancel();
      }
      wakeUpAt = next;
      wakeUp = time.schedule(next - (now - origin), this::endDelays);
    }
  }

  /** Runs on the thread of the timers when a delay is over. */
  private void endDelays() {
    boolean more = true;
    while (more) {
      lock();
      try {
        long now = time.nanoTime();
        if (wakeUpAt <= now - origin) {
          wakeUpAt = Long.MAX_VALUE;
          wakeUp = null;
        }
        more = delays.advance(now - origin, TIMER_BATCH, key -> delayIsOver(key, now));
        if (!more && state == State.OPEN) {
          scheduleWakeUp(now);
        }
      } finally {
        lock.unlock();
      }
    }
  }

  private void delayIsOver(HeldKey<K> key, long now) {
    addHeld(key, key.delayedPriority, now);
  }

  // ---------------------------------------------------------------- what goes out

  /**
   * A key in a worker's hands. It is the worker's until {@link #done()}, exactly once and by any
   * thread.
   */
  public static final class Item<K> {
    private final WorkQueue<K> queue;
    private final HeldKey<K> held;
    private final Priority priority;
    private final long takenAt;
    private final long waitedNanos;

    @SuppressWarnings("unused") // through FINISHED
    private volatile boolean finished;

    // Written before it is returned, read by whoever takes it from there.
    private long finishedAt;
    private @Nullable Item<K> below;

    private static final VarHandle FINISHED;

    static {
      try {
        FINISHED = MethodHandles.lookup().findVarHandle(Item.class, "finished", boolean.class);
      } catch (ReflectiveOperationException e) {
        throw new ExceptionInInitializerError(e);
      }
    }

    Item(WorkQueue<K> queue, HeldKey<K> held, long takenAt, long waitedNanos) {
      this.queue = queue;
      this.held = held;
      this.priority = held.priority;
      this.takenAt = takenAt;
      this.waitedNanos = waitedNanos;
    }

    /** The key. */
    public K key() {
      return held.key;
    }

    /** How urgent it was when it was dispatched. */
    public Priority priority() {
      return priority;
    }

    /** How long it waited to be dispatched. */
    public Duration waited() {
      return Duration.ofNanos(waitedNanos);
    }

    /**
     * The worker is finished with the key, whether it went well or not: if it was added meanwhile
     * it waits again, and may be given to another worker at once. Does not block.
     *
     * @throws IllegalStateException if it was called before: two workers would have had the key
     */
    public void done() {
      queue.finish(this);
    }

    @Override
    public String toString() {
      return "Item[" + held.key + ", " + priority + " of queue '" + queue.name() + "']";
    }
  }

  /**
   * Takes the next key, and waits for one if there is none, or for the {@linkplain
   * Builder#dispatchLimiter dispatch limiter}. Blocks the calling thread; an added key wakes it, or
   * the queue's end.
   *
   * @return null if the queue has been shut down and nothing waits any more
   * @throws InterruptedException if the thread is interrupted before or while it waits; no key is
   *     lost by it
   */
  public @Nullable Item<K> take() throws InterruptedException {
    return take(Long.MAX_VALUE);
  }

  /**
   * As {@link #take()}, for so long at most.
   *
   * @param timeout zero or more
   * @return null if the time is up, or the queue has been shut down and nothing waits any more,
   *     which {@link #isDrained()} tells apart
   * @throws IllegalArgumentException if the time-out is negative
   */
  public @Nullable Item<K> poll(Duration timeout) throws InterruptedException {
    return take(Durations.nanos("the time to wait for a key", timeout));
  }

  /** Takes the next key if there is one and the dispatch limiter lets it go. Does not block. */
  public @Nullable Item<K> poll() {
    long now = time.nanoTime();
    Item<K> item;
    CompletableFuture<?> unwanted;
    lock();
    try {
      item = dispatchLimiter == null ? dispatch(now) : dispatchLimited(dispatchLimiter, false);
    } finally {
      unwanted = passOn();
      lock.unlock();
    }
    cancel(unwanted);
    announceDispatch(item);
    return item;
  }

  private @Nullable Item<K> take(long nanos) throws InterruptedException {
    long now = time.nanoTime();
    Item<K> item = null;
    CompletableFuture<?> unwanted = null;
    lockInterruptibly();
    try {
      item = dispatchLimiter == null ? dispatch(now) : dispatchLimited(dispatchLimiter, nanos > 0);
      if (item == null && nanos > 0 && !isDrainedLocked()) {
        item = awaitItem(nanos);
      }
    } finally {
      unwanted = passOn();
      lock.unlock();
      cancel(unwanted);
    }
    announceDispatch(item);
    return item;
  }

  private @Nullable Item<K> awaitItem(long nanos) throws InterruptedException {
    Alarm alarm = new Alarm(lock, ready, time, nanos);
    try {
      while (true) {
        idleWorkers++;
        try {
          ready.await();
          waking = false;
        } finally {
          idleWorkers--;
        }
        Item<K> item =
            dispatchLimiter == null
                ? dispatch(time.nanoTime())
                : dispatchLimited(dispatchLimiter, true);
        if (waiting.size() > 0 && dispatchLimiter == null) {
          wakeWorker();
        }
        if (item != null || alarm.hasRung() || isDrainedLocked()) {
          return item;
        }
      }
    } finally {
      alarm.cancel();
    }
  }

  private @Nullable Item<K> dispatch(long now) {
    HeldKey<K> key = waiting.next(now);
    if (key == null) {
      return null;
    }
    key.inHand = true;
    long waited = Math.max(0, now - key.since);
    waitTimes.record(waited);
    meter.taken(now, waited);
    wakeForRoom();
    return new Item<>(this, key, now, waited);
  }

  /**
   * Dispatches a key if there is one and a permit for it. One worker at a time asks the limiter,
   * and without the lock; the others wait until it has its answer. If the permit is not there yet
   * and the worker will wait for it, it is asked for asynchronously, so that a change of the rate
   * is felt at once, and the key is chosen only when it comes.
   */
  private @Nullable Item<K> dispatchLimited(RateLimiter limiter, boolean willWait) {
    if (waiting.size() == 0) {
      return null;
    }
    if (permitIsThere) {
      permitIsThere = false;
      return dispatch(time.nanoTime());
    }
    if (asking || awaitedPermit != null) {
      return null;
    }
    asking = true;
    boolean granted;
    CompletableFuture<@Nullable Void> awaited = null;
    lock.unlock();
    try {
      granted = limiter.tryAcquire();
      if (!granted && willWait) {
        awaited = limiter.acquireAsync();
      }
    } finally {
      lock();
      asking = false;
    }
    if (granted) {
      return dispatch(time.nanoTime());
    }
    if (awaited == null) {
      return null;
    }
    if (awaited.isCompletedExceptionally()) {
      awaited.join(); // throws what the limiter says
    }
    CompletableFuture<@Nullable Void> permit = awaited;
    awaitedPermit = permit;
    var unused = permit.whenComplete((nothing, failure) -> permitCame(permit, failure == null));
    if (permitIsThere) { // it came while we looked
      permitIsThere = false;
      return dispatch(time.nanoTime());
    }
    return null;
  }

  private void permitCame(CompletableFuture<?> permit, boolean granted) {
    lock();
    try {
      if (awaitedPermit != permit) {
        return; // given up in the same moment: the permit goes to waste
      }
      awaitedPermit = null;
      permitIsThere = granted;
      ready.signal();
    } finally {
      lock.unlock();
    }
  }

  /**
   * A worker leaves, with a key or without: whom does it leave the limiter to?
   *
   * @return a permit that nobody waits for any more, to be cancelled without the lock
   */
  private @Nullable CompletableFuture<?> passOn() {
    if (dispatchLimiter == null || asking) {
      return null;
    }
    if (idleWorkers > 0) {
      if (waiting.size() > 0 && awaitedPermit == null) {
        ready.signal();
      }
      return null;
    }
    // Nobody is left to use the permit. To keep it for later would let through one key more than
    // the limiter's bound allows.
    permitIsThere = false;
    CompletableFuture<?> unwanted = awaitedPermit;
    awaitedPermit = null;
    return unwanted;
  }

  private static void cancel(@Nullable CompletableFuture<?> unwanted) {
    if (unwanted != null) {
      unwanted.cancel(false);
    }
  }

  private void announceDispatch(@Nullable Item<K> item) {
    if (item != null) {
      announcer.waited("queued", item.waitedNanos);
    }
  }

  private void finish(Item<K> item) {
    if (!Item.FINISHED.compareAndSet(item, false, true)) {
      throw new IllegalStateException(
          "the key "
              + item.key()
              + " of the queue '"
              + name()
              + "' was finished before; call done() once for each key taken");
    }
    long now = time.nanoTime();
    item.finishedAt = now;
    Item<K> below;
    do {
      below = returned.get();
      item.below = below;
    } while (!returned.compareAndSet(below, item));
    if (item.held.again || state != State.OPEN || meter.windowIsOver(now)) {
      settleAtOnce(now);
    }
  }

  private void settleAtOnce(long now) {
    LoadMeter.Verdict verdict;
    lock();
    try {
      if (state != State.OPEN) {
        if (isDrainedLocked()) {
          ready.signalAll();
        }
        drained.signalAll();
      }
      verdict = rollWindow(now);
    } finally {
      lock.unlock();
    }
    if (verdict != null) {
      announce(verdict);
    }
  }

  /** Does what the workers' {@code done()} have left to do, in their order. */
  private void settleReturned() {
    if (returned.get() == null) {
      return;
    }
    Item<K> item = returned.getAndSet(null);
    Item<K> first = null;
    while (item != null) {
      Item<K> below = item.below;
      item.below = first;
      first = item;
      item = below;
    }
    while (first != null) {
      item = first;
      first = item.below;
      item.below = null;
      settle(item);
    }
  }

  private void settle(Item<K> item) {
    long worked = Math.max(0, item.finishedAt - item.takenAt);
    workTimes.record(worked);
    meter.done(item.finishedAt, worked);
    HeldKey<K> key = item.held;
    key.inHand = false;
    if (key.again) {
      key.again = false;
      again--;
      key.priority = key.againPriority;
      makeReady(key, item.finishedAt);
    } else if (!key.isScheduled()) {
      held.remove(key.key);
      waiting.release(key.tenant);
    }
  }

  // ---------------------------------------------------------------- the end

  /**
   * Accepts nothing more and drops the delays; what waits, and what is in hand and was added again,
   * is still given out. Does not block. Repeating it has no effect.
   */
  public void shutDown() {
    end(State.DRAINING);
  }

  /**
   * {@linkplain #shutDown() Shuts down} and waits until the workers have finished what waited and
   * what was in hand. Blocks the calling thread.
   *
   * @param timeout how long to wait at most, zero or more
   * @return whether all was finished; what was not can still be, or be dropped by {@link #close()}
   * @throws InterruptedException if the thread is interrupted before or while it waits; the queue
   *     stays shut down
   * @throws IllegalArgumentException if the time-out is negative
   */
  public boolean drain(Duration timeout) throws InterruptedException {
    long nanos = Durations.nanos("the time to wait for the workers", timeout);
    shutDown();
    lockInterruptibly();
    try {
      return Waiting.await(() -> depth() == 0 && meter.inHand() == 0, lock, drained, time, nanos);
    } finally {
      lock.unlock();
    }
  }

  /**
   * Shuts down and drops what waits. Workers that have a key may finish it; all who wait wake.
   * Repeating it has no effect.
   */
  @Override
  public void close() {
    end(State.CLOSED);
  }

  private void end(State next) {
    State from;
    CompletableFuture<?> unwanted = null;
    lock();
    try {
      from = state;
      if (next.compareTo(from) <= 0) {
        return;
      }
      state = next;
      if (wakeUp != null) {
        wakeUp.cancel();
        wakeUp = null;
      }
      wakeUpAt = Long.MAX_VALUE;
      long heldBefore = held.size();
      held.values()
          .removeIf(key -> {
            if (key.isScheduled()) {
              delays.remove(key);
            }
            if (next == State.CLOSED) {
              if (key.waiting) {
                waiting.remove(key);
              }
              key.again = false;
            }
            return !key.waiting && !key.inHand;
          });
      dropped += heldBefore - held.size();
      if (next == State.CLOSED) {
        dropped += again;
        again = 0;
        unwanted = awaitedPermit;
        awaitedPermit = null;
        permitIsThere = false;
      }
      ready.signalAll();
      room.signalAll();
      drained.signalAll();
    } finally {
      lock.unlock();
    }
    cancel(unwanted);
    announcer.stateChanged(next == State.CLOSED ? "closed" : "shut-down", word(from), word(next));
  }

  private static String word(State state) {
    return state.name().toLowerCase(Locale.ROOT);
  }

  /** Whether the queue has been shut down and nothing waits any more; keys may be in hand. */
  public boolean isDrained() {
    lock();
    try {
      return isDrainedLocked();
    } finally {
      lock.unlock();
    }
  }

  private boolean isDrainedLocked() {
    return state != State.OPEN && depth() == 0;
  }

  /** For tests. */
  int tenantsRemembered() {
    lock();
    try {
      return waiting.tenantsRemembered();
    } finally {
      lock.unlock();
    }
  }

  private int depth() {
    return waiting.size() + again;
  }

  // ---------------------------------------------------------------- what it tells

  /**
   * What a queue has done and what it has, at one instant.
   *
   * @param state where it is in its life
   * @param depth keys that wait, those included that are in hand and were added again
   * @param inHand keys that workers have
   * @param delayed keys that wait for a delay
   * @param capacity how many keys may wait
   * @param oldestAge for how long the oldest of the keys has waited that could be dispatched now
   * @param accepted adds that were accepted, since the start; delayed ones when their delay ended
   * @param coalesced adds of keys that waited already
   * @param refused adds that were answered with {@code FULL}
   * @param dropped keys that were dropped because the queue was shut down or closed
   * @param waitTimes how long keys waited from when they could be dispatched until they were
   * @param workTimes how long workers had keys
   * @param load what the workers were asked to do in the last full ten seconds
   */
  public record Stats(
      State state,
      int depth,
      int inHand,
      int delayed,
      int capacity,
      Duration oldestAge,
      long accepted,
      long coalesced,
      long refused,
      long dropped,
      Times waitTimes,
      Times workTimes,
      Load load) {}

  /**
   * What workers were asked to do.
   *
   * @param arrivalsPerSecond how many keys came, repetitions that coalesced not counted
   * @param meanWork how long a worker was busy with one, on average
   * @param busyWorkers how many workers that keeps busy
   * @param workersNeeded how many workers it takes for them to be busy 80 % of the time; zero
   *     before the first ten seconds are over
   */
  public record Load(
      double arrivalsPerSecond, Duration meanWork, double busyWorkers, int workersNeeded) {}

  /** The counters, consistent with each other. Takes some microseconds. */
  public Stats stats() {
    lock();
    try {
      long now = time.nanoTime();
      return new Stats(
          state,
          depth(),
          meter.inHand(),
          delays.size(),
          capacity,
          Duration.ofNanos(Math.max(0, now - waiting.oldestSince(now))),
          accepted,
          coalesced,
          refused,
          dropped,
          waitTimes.times(),
          workTimes.times(),
          new Load(
              meter.rate(),
              Duration.ofNanos(Math.round(meter.meanWork())),
              meter.load(),
              meter.workersNeeded()));
    } finally {
      lock.unlock();
    }
  }

  /** How many keys of a priority wait to be dispatched. */
  public int depth(Priority priority) {
    Objects.requireNonNull(priority, "priority");
    lock();
    try {
      return waiting.size(priority);
    } finally {
      lock.unlock();
    }
  }

  /** How many keys of a tenant wait to be dispatched; zero for one that is not known. */
  public int depth(String tenant) {
    Objects.requireNonNull(tenant, "tenant");
    lock();
    try {
      return waiting.waiting(tenant);
    } finally {
      lock.unlock();
    }
  }

  /**
   * Changes a tenant's weight; felt from its next turn on.
   *
   * @param weight 1 to {@value Builder#MAX_WEIGHT}
   * @throws IllegalArgumentException if the weight is out of range
   */
  public void setWeight(String tenant, int weight) {
    Builder.checkWeight(tenant, weight);
    lock();
    try {
      weights.put(tenant, weight);
      waiting.setWeight(tenant, weight);
    } finally {
      lock.unlock();
    }
  }

  @Override
  public String toString() {
    return "WorkQueue '" + name() + "' " + stats();
  }

  private LoadMeter.@Nullable Verdict rollWindow(long now) {
    if (!meter.windowIsOver(now)) {
      return null;
    }
    double gap = dispatchLimiter == null ? 0 : dispatchLimiter.rate().nanosPerPermit();
    return meter.roll(now, now - waiting.oldestSince(now), capacity, gap);
  }

  private void announce(LoadMeter.Verdict verdict) {
    if (verdict.workersChanged()) {
      if (verdict.overloaded()) {
        LOG.log(
            System.Logger.Level.WARNING,
            String.format(
                Locale.ROOT,
                "queue '%s': the load of the last seconds keeps %.2f workers busy (%.1f keys a"
                    + " second, %.1f ms each), which takes %d workers to be busy at most 80 %% of"
                    + " the time, but it has %d; raise the workers, or limit the rate at which"
                    + " keys come",
                name(),
                verdict.busyWorkers(),
                verdict.arrivalsPerSecond(),
                verdict.meanWorkNanos() / 1e6,
                verdict.workersNeeded(),
                workers));
      }
      announceAlarm("workers-too-few", verdict.overloaded());
    }
    if (verdict.waitChanged()) {
      if (verdict.waitsTooLong()) {
        LOG.log(
            System.Logger.Level.WARNING,
            String.format(
                Locale.ROOT,
                "queue '%s': a key has waited %.1f s, longer than the %.1f s that a full queue of"
                    + " %d keys takes to drain at %.1f ms each with %d workers; keys of low"
                    + " priority or many ending delays do that, else raise the workers",
                name(),
                verdict.longestWaitNanos() / 1e9,
                verdict.worstWaitNanos() / 1e9,
                capacity,
                verdict.meanWorkNanos() / 1e6,
                workers));
      }
      announceAlarm("wait-over-worst", verdict.waitsTooLong());
    }
  }

  private void announceAlarm(String cause, boolean on) {
    announcer.stateChanged(
        cause, on ? "sufficient" : "overloaded", on ? "overloaded" : "sufficient");
  }

  private void warnIfTooSmall(Sizing sizing) {
    if (!sizing.sufficient()) {
      LOG.log(
          System.Logger.Level.WARNING,
          String.format(
              Locale.ROOT,
              "queue '%s' is made for %.1f keys a second that take %.1f ms each, which needs %d"
                  + " workers to be busy at most 80 %% of the time, but it has %d; a full queue of"
                  + " %d keys takes %.1f s to drain",
              name(),
              sizing.arrivals().permitsPerSecond(),
              sizing.meanWork().toNanos() / 1e6,
              sizing.workersNeeded(),
              workers,
              capacity,
              sizing.worstWait().toNanos() / 1e9));
      announceAlarm("workers-too-few", true);
    }
  }

  // ---------------------------------------------------------------- how it is set up

  /** Sets up a queue. Owned by one thread. */
  @Experimental
  public static final class Builder<K> {
    /** The largest weight of a tenant. */
    public static final int MAX_WEIGHT = 1000;

    private String name = "queue";
    private int capacity = DEFAULT_CAPACITY;
    private int maxDelayed = 1_000_000;
    private int workers;
    private long ageingNanos = Duration.ofSeconds(10).toNanos();
    private int agedOneIn = 4;
    private @Nullable Sizing expected;
    private @Nullable Function<? super K, String> tenantOf;
    private final Map<String, Integer> weights = new HashMap<>();
    private @Nullable RetryLimiter<? super K> retryLimiter;
    private @Nullable RateLimiter dispatchLimiter;
    private TimeSource time = TimeSource.system();
    private FlowListener listener = FlowListener.NONE;

    private Builder() {}

    /** The name under which it speaks to its listener and in the log; "queue" by default. */
    public Builder<K> name(String name) {
      this.name = Objects.requireNonNull(name, "name");
      return this;
    }

    /**
     * How many keys may wait; {@value WorkQueue#DEFAULT_CAPACITY} by default. Nothing is allocated
     * for keys that are not there.
     *
     * @throws IllegalArgumentException if it is less than one
     */
    public Builder<K> capacity(int capacity) {
      if (capacity < 1) {
        throw new IllegalArgumentException("a queue's capacity is at least 1 key, not " + capacity);
      }
      this.capacity = capacity;
      return this;
    }

    /**
     * How many keys may be delayed; 1,000,000 by default, about 150 bytes each beside the key. Keys
     * that wait already or are in hand are delayed beyond it.
     *
     * @throws IllegalArgumentException if it is negative
     */
    public Builder<K> maxDelayed(int maxDelayed) {
      if (maxDelayed < 0) {
        throw new IllegalArgumentException(
            "the number of delayed keys is at least 0, not " + maxDelayed);
      }
      this.maxDelayed = maxDelayed;
      return this;
    }

    /**
     * How many workers will take keys: with it the load is compared, and a warning given (log, and
     * {@link FlowEvent.StateChanged} with cause {@code workers-too-few} or {@code wait-over-worst})
     * when ten seconds brought more than {@link Sizing} allows. It starts no threads.
     *
     * @throws IllegalArgumentException if it is less than one
     */
    public Builder<K> workers(int workers) {
      if (workers < 1) {
        throw new IllegalArgumentException("a queue needs at least 1 worker, not " + workers);
      }
      this.workers = workers;
      return this;
    }

    /**
     * What load is expected: compared with {@link #workers} when the queue is built, with the same
     * warning.
     *
     * @param arrivals how many keys come
     * @param meanWork how long a worker is busy with one, on average; longer than zero
     * @throws IllegalArgumentException if the work time is not longer than zero
     */
    public Builder<K> expecting(Rate arrivals, Duration meanWork) {
      this.expected = Sizing.of(arrivals, meanWork);
      return this;
    }

    /**
     * When keys that are not of the highest priority begin to age, and what share of the dispatches
     * aged keys get: one in four after ten seconds by default. The more urgent keys keep the rest.
     *
     * @param after for how long a key must have waited, zero or more
     * @param oneIn one in so many dispatches, 2 to 1,000
     * @throws IllegalArgumentException if either is out of range
     */
    public Builder<K> ageing(Duration after, int oneIn) {
      long nanos = Durations.nanos("the ageing period", after);
      if (oneIn < 2 || oneIn > 1000) {
        throw new IllegalArgumentException(
            "aged keys get one of 2 to 1,000 dispatches, not one of " + oneIn);
      }
      this.ageingNanos = nanos;
      this.agedOneIn = oneIn;
      return this;
    }

    /**
     * Who shares the queue: keys of the same tenant take turns as one, keys of several tenants by
     * their weights. A namespace, for example.
     *
     * @param tenantOf gives the tenant of a key: not null, always the same for equal keys, quick;
     *     called on the thread that adds
     */
    public Builder<K> tenants(Function<? super K, String> tenantOf) {
      this.tenantOf = Objects.requireNonNull(tenantOf, "tenantOf");
      return this;
    }

    /**
     * How many dispatches a tenant has in its turn; 1 by default.
     *
     * @param weight 1 to {@value #MAX_WEIGHT}
     * @throws IllegalArgumentException if the weight is out of range
     */
    public Builder<K> weight(String tenant, int weight) {
      checkWeight(tenant, weight);
      weights.put(tenant, weight);
      return this;
    }

    static void checkWeight(String tenant, int weight) {
      Objects.requireNonNull(tenant, "tenant");
      if (weight < 1 || weight > MAX_WEIGHT) {
        throw new IllegalArgumentException(
            "a tenant's weight is 1 to "
                + MAX_WEIGHT
                + ", but that of '"
                + tenant
                + "' would be "
                + weight);
      }
    }

    /**
     * How long a key waits that is {@linkplain WorkQueue#addRateLimited added rate-limited}; 5 ms,
     * doubled each time up to 10 s, by default.
     */
    public Builder<K> retryLimiter(RetryLimiter<? super K> retryLimiter) {
      this.retryLimiter = Objects.requireNonNull(retryLimiter, "retryLimiter");
      return this;
    }

    /**
     * The rate at which keys are dispatched; as fast as workers take them by default. A key keeps
     * its place until its permit is there, and is chosen only then; no worker waits in the limiter.
     */
    public Builder<K> dispatchLimiter(RateLimiter dispatchLimiter) {
      this.dispatchLimiter = Objects.requireNonNull(dispatchLimiter, "dispatchLimiter");
      return this;
    }

    /** The clock for delays, ages and time-outs; the system's by default. */
    public Builder<K> time(TimeSource time) {
      this.time = Objects.requireNonNull(time, "time");
      return this;
    }

    /**
     * Who is told of waits ({@link FlowEvent.Waited}: {@code queued}, {@code queue-full}), of
     * refusals ({@link FlowEvent.Rejected}: {@code queue-full}, {@code delays-full}), of the end
     * ({@link FlowEvent.StateChanged}: {@code shut-down}, {@code closed}) and of an overload
     * ({@code workers-too-few}, {@code wait-over-worst}). Nobody by default.
     */
    public Builder<K> listener(FlowListener listener) {
      this.listener = Objects.requireNonNull(listener, "listener");
      return this;
    }

    /** The queue. */
    public WorkQueue<K> build() {
      return new WorkQueue<>(this);
    }
  }
}
