package dev.sluice.flow;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.LongConsumer;
import java.util.function.LongFunction;
import org.jspecify.annotations.Nullable;

/**
 * A limiter with a line of waiters: who comes first is served first, by one timer.
 *
 * <h2>The line</h2>
 *
 * A doubly linked list under a lock. A subclass brings the <i>meter</i>, which knows how many
 * permits there are and when there will be more; as long as the line is empty, the meter may also
 * grant permits by itself without the lock (see {@link #seize}).
 *
 * <p>Only the head of the line has a time; the others have an order. So there is one timer for the
 * limiter and not one for each waiter, and when the rate changes or a waiter leaves there is
 * nothing to correct but that timer. A waiter's deadline needs no timer either: the instant of its
 * turn follows from the meter and from what stands before it, so a waiter that would be late is
 * turned away when it comes, and can become late afterwards only when the rate falls. Those are
 * looked for when that happens.
 *
 * <p>The timer is lazy: if the head leaves, the timer stays as it is unless the new head is due
 * earlier. It may then fire too early, finds nobody due, and is set anew. So 100,000 waiters that
 * give up one after the other touch the timer twice.
 *
 * <p>A waiter costs one node of 72 bytes, for a future 32 more.
 *
 * <h2>Reservations</h2>
 *
 * Somebody who reserves has been told when to go and won't be told again. If the line is empty, the
 * meter is charged at once, into debt if need be. Otherwise the reservation takes a place in the
 * line, as a waiter whom nobody wakes. Should those before it leave, its permits are not charged
 * before the promised instant; otherwise those behind it would go when it does, and more than the
 * rate allows would meet in one moment.
 */
abstract class LineLimiter implements RateLimiter {
  static final String CAUSE_RATE = "rate-limit";
  static final String CAUSE_DEADLINE = "deadline";
  static final String CAUSE_FULL = "too-many-waiters";
  static final String CAUSE_TOO_FAR = "too-far-ahead";

  /** Timers are never set further ahead than this: a year. The line is looked at again then. */
  private static final long LONGEST_TIMER = 365L * 24 * 3600 * 1_000_000_000L;

  final TimeSource time;
  final Announcer announcer;
  final ReentrantLock lock;

  /** Drawn at random, to take the locks of several limiters in one order. */
  final long lockOrder;

  private final String name;
  private final Executor executor;
  private final int maxWaiters;
  final long furthestPromise;

  /** The composites that wait and have this as a part. Changed under the lock only. */
  private volatile List<LineLimiter> dependents = List.of();

  // All below: only under the lock.
  private @Nullable Waiter head;
  private @Nullable Waiter tail;
  private int waiting;
  private long permitsInLine;
  private int deadlines;
  private long arrivals;
  private @Nullable Waiter lastPromise;
  private long permitsBehindLastPromise;
  private TimeSource.@Nullable Timer timer;
  private long timerDue;
  private long timerOrder;

  LineLimiter(Builder builder) {
    this(builder, null);
  }

  /** Shares a lock with another: they decide together. */
  LineLimiter(Builder builder, @Nullable LineLimiter companion) {
    this.lock = companion == null ? new ReentrantLock() : companion.lock;
    this.lockOrder =
        companion == null ? ThreadLocalRandom.current().nextLong() : companion.lockOrder;
    this.name = builder.name;
    this.time = builder.time;
    this.announcer = new Announcer(builder.name, builder.listener);
    this.executor = builder.executorOrDefault();
    this.maxWaiters = builder.maxWaiters;
    this.furthestPromise = builder.furthestPromise;
  }

  // ---- the meter, brought by the subclass

  /** Why somebody waits or is refused now. */
  String cause() {
    return CAUSE_RATE;
  }

  /** How many permits may be asked for at once. */
  abstract long maxPermits();

  /**
   * Tries to take permits without the lock.
   *
   * @return {@link #TAKEN}, {@link #REFUSED}, or {@link #UNDECIDED} if only the lock can tell
   */
  abstract int takeUnlocked(long permits);

  static final int TAKEN = 1;
  static final int REFUSED = 0;
  static final int UNDECIDED = -1;

  /** From here until {@link #release} the meter changes under the lock only. */
  abstract void seize(long now);

  /**
   * The end of {@link #seize}.
   *
   * @param lineEmpty whether permits may be taken without the lock again; if not, {@link
   *     #takeUnlocked} refuses
   */
  abstract void release(boolean lineEmpty);

  /**
   * How long until {@code own} permits could be granted, given that {@code through - own} others go
   * before.
   *
   * @return nanoseconds; zero or less means now
   */
  abstract long untilGranted(long now, long through, long own);

  /**
   * How long after a grant of {@code before} permits, and {@code between} more after it, {@code
   * own} could be granted at the latest.
   */
  abstract long nanosAfter(long before, long between, long own);

  /**
   * Takes permits that are there.
   *
   * @param waited whether somebody waited for them, so that a late timer is to be made up for
   */
  abstract void grant(long now, long permits, boolean waited);

  /** How many permits are there, given that nobody waits; negative when some are owed. */
  abstract double tokens(long now);

  /** Nobody was due until now, so what has flowed in beyond the burst has run over. */
  abstract void lapse(long now);

  /**
   * Takes permits for a reservation, into debt if they are not there.
   *
   * @param at when they may be used: not before they are there
   * @return what {@link #giveBack} needs to know
   */
  abstract Receipt charge(long at, long permits);

  /**
   * Undoes a grant as far as nobody was served after it.
   *
   * @param due whether the permits could have been used already
   */
  abstract void giveBack(Receipt receipt, boolean due);

  /** A meter's memory of one grant. */
  interface Receipt {}

  // ---- taking

  @Override
  public final String name() {
    return name;
  }

  @Override
  public final int waiting() {
    lock.lock();
    try {
      return waiting;
    } finally {
      lock.unlock();
    }
  }

  @Override
  public final double available() {
    return underLock(now -> head == null ? tokens(now) : 0.0);
  }

  @Override
  public final boolean tryAcquire(long permits) {
    if (permits != 1) {
      check(permits);
    }
    if (take(permits)) {
      return true;
    }
    announcer.rejected(cause());
    return false;
  }

  /** Takes permits, which may be had at once, if they are there and nobody waits. */
  final boolean take(long permits) {
    int outcome = takeUnlocked(permits);
    return outcome == TAKEN || outcome == UNDECIDED && takeLocked(permits);
  }

  /** Whether it is as good as new: full, and nobody waits. */
  final boolean isIdle() {
    return underLock(now -> head == null && tokens(now) >= burst() * (1 - 1e-15));
  }

  private boolean takeLocked(long permits) {
    return underLock(now -> {
      if (head != null || untilGranted(now, permits, permits) > 0) {
        return false;
      }
      grant(now, permits, false);
      return true;
    });
  }

  @Override
  public final void acquire(long permits) throws InterruptedException {
    String refusal = await(permits, Long.MAX_VALUE);
    if (refusal != null) {
      throw tooMany();
    }
  }

  @Override
  public final boolean acquire(long permits, Duration timeout) throws InterruptedException {
    return await(permits, Durations.nanos("timeout", timeout)) == null;
  }

  /**
   * Waits for permits.
   *
   * @return null when they were taken, otherwise the cause why not
   */
  private @Nullable String await(long permits, long patience) throws InterruptedException {
    check(permits);
    if (Thread.interrupted()) {
      throw new InterruptedException("interrupted before waiting for '" + name + "'");
    }
    if (takeUnlocked(permits) == TAKEN) {
      return null;
    }
    Waiter waiter = new Waiter(permits, Thread.currentThread());
    String refusal = join(waiter, patience);
    if (refusal != null) {
      announcer.rejected(refusal);
      return refusal;
    }
    if (waiter.state == Waiter.SERVED) {
      return null;
    }
    boolean interrupted = false;
    while (waiter.state == Waiter.WAITING) {
      LockSupport.park(this);
      if (Thread.interrupted()) {
        if (leave(waiter)) {
          announcer.abandoned("interrupted", time.nanoTime() - waiter.since);
          throw new InterruptedException("interrupted while waiting for '" + name + "'");
        }
        interrupted = true; // and yet served: the permits are the caller's
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
    if (waiter.state == Waiter.LATE) {
      announcer.rejected(CAUSE_DEADLINE);
      return CAUSE_DEADLINE;
    }
    announcer.waited(cause(), time.nanoTime() - waiter.since);
    return null;
  }

  @Override
  public final CompletableFuture<@Nullable Void> acquireAsync(long permits) {
    check(permits);
    if (takeUnlocked(permits) == TAKEN) {
      return CompletableFuture.completedFuture(null);
    }
    Turn turn = new Turn(this, permits);
    String refusal = join(turn.waiter, Long.MAX_VALUE);
    if (refusal != null) {
      announcer.rejected(refusal);
      return CompletableFuture.failedFuture(tooMany());
    }
    if (turn.waiter.state == Waiter.SERVED) {
      turn.serve();
    }
    return turn;
  }

  @Override
  public Reservation reserve(long permits) {
    check(permits);
    Promise promise = new Promise(this, permits);
    String refusal = underLock(now -> promise(promise, now));
    if (refusal == null) {
      return promise;
    }
    announcer.rejected(refusal);
    throw refusal.equals(CAUSE_TOO_FAR) ? tooFar(permits) : tooMany();
  }

  private @Nullable String promise(Promise promise, long now) {
    long permits = promise.permits;
    long delay = planPromise(now, permits);
    if (delay > furthestPromise) {
      return CAUSE_TOO_FAR;
    }
    promise.due = now + Math.max(0, delay);
    if (head == null) {
      promise.receipt = charge(promise.due, permits);
      return null;
    }
    if (waiting >= maxWaiters) {
      return CAUSE_FULL;
    }
    Waiter waiter = new Waiter(permits, promise);
    promise.waiter = waiter;
    append(now, waiter, Long.MAX_VALUE);
    lastPromise = waiter;
    permitsBehindLastPromise = 0;
    return null;
  }

  private void check(long permits) {
    check(name, permits, maxPermits());
  }

  /**
   * @throws IllegalArgumentException if so many can never be had at once
   */
  static void check(String name, long permits, long most) {
    if (permits < 1) {
      throw new IllegalArgumentException(
          "permits must be at least 1, but " + permits + " were asked of '" + name + "'");
    }
    if (permits > most) {
      throw new IllegalArgumentException(
          permits
              + " permits were asked of '"
              + name
              + "', which grants at most "
              + most
              + " at once, so they could never be had: ask for fewer, or raise the burst");
    }
  }

  private RejectedExecutionException tooMany() {
    return new RejectedExecutionException(
        maxWaiters == 0
            ? "'" + name + "' has not enough permits now, and lets nobody wait"
            : "'" + name + "' has " + maxWaiters + " waiters already, as many as it allows");
  }

  private RejectedExecutionException tooFar(long permits) {
    return new RejectedExecutionException(
        furthestPromise == 0
            ? "'" + name + "' is a policer and has not " + permits + " permits now"
            : "a reservation of "
                + permits
                + " permits of '"
                + name
                + "' would lie more than 18 years ahead; so many are promised already");
  }

  /** Where futures are completed. */
  final Executor executor() {
    return executor;
  }

  // ---- the line

  /**
   * Does something with the line and the meter.
   *
   * @param body is given the present instant
   */
  private <T extends @Nullable Object> T underLock(LongFunction<T> body) {
    BriefLock.lock(lock);
    try {
      long now = time.nanoTime();
      seize(now);
      try {
        return body.apply(now);
      } finally {
        release(head == null);
      }
    } finally {
      lock.unlock();
    }
  }

  private void underLock(Woken woken, Action action) {
    underLock(now -> {
      action.at(now, woken);
      return true;
    });
  }

  /**
   * Serves a newcomer at once or puts it into the line.
   *
   * @return null, or the cause why neither
   */
  private @Nullable String join(Waiter waiter, long patience) {
    return underLock(now -> {
      long delay = plan(now, waiter.permits);
      if (head == null && delay <= 0) {
        grant(now, waiter.permits, false);
        waiter.state = Waiter.SERVED;
        return null;
      }
      if (maxWaiters == 0) {
        return cause();
      }
      if (delay > patience || patience == 0) {
        return CAUSE_DEADLINE;
      }
      if (waiting >= maxWaiters) {
        return CAUSE_FULL;
      }
      append(now, waiter, patience);
      if (lastPromise != null) {
        permitsBehindLastPromise = plus(permitsBehindLastPromise, waiter.permits);
      }
      if (head == waiter) {
        arm(now, delay);
      }
      return null;
    });
  }

  /** How long a newcomer at the end of the line would wait. */
  final long plan(long now, long permits) {
    long delay = untilGranted(now, plus(permitsInLine, permits), permits);
    if (lastPromise != null) {
      long behind = nanosAfter(lastPromise.permits, permitsBehindLastPromise, permits);
      delay = Math.max(delay, plus(untilLastPromise(now), behind));
    }
    return delay;
  }

  /** As {@link #plan}, for a reservation, which is told when to go and not again. */
  long planPromise(long now, long permits) {
    return plan(now, permits);
  }

  /** How long until the last reservation in the line; zero if there is none. */
  final long untilLastPromise(long now) {
    return lastPromise == null ? 0 : Math.max(0, lastPromise.promise().due - now);
  }

  final long permitsInLine() {
    return permitsInLine;
  }

  private static long plus(long a, long b) {
    long sum = a + b;
    return sum < 0 ? Long.MAX_VALUE : sum; // neither is negative
  }

  private void append(long now, Waiter waiter, long patience) {
    waiter.order = arrivals++;
    waiter.since = now;
    if (patience != Long.MAX_VALUE) {
      waiter.deadline = now + patience;
      waiter.hasDeadline = true;
      deadlines++;
    }
    waiter.linked = true;
    waiter.previous = tail;
    if (tail == null) {
      head = waiter;
    } else {
      tail.next = waiter;
    }
    tail = waiter;
    waiting++;
    permitsInLine = plus(permitsInLine, waiter.permits);
    joined(waiter);
  }

  private void unlink(Waiter waiter) {
    Waiter previous = waiter.previous;
    Waiter next = waiter.next;
    if (waiter == lastPromise) {
      findLastPromiseBefore(waiter);
    } else if (lastPromise != null && waiter.order > lastPromise.order) {
      permitsBehindLastPromise -= waiter.permits;
    }
    if (previous == null) {
      head = next;
    } else {
      previous.next = next;
    }
    if (next == null) {
      tail = previous;
    } else {
      next.previous = previous;
    }
    waiter.previous = null;
    waiter.next = null;
    waiter.linked = false;
    waiting--;
    permitsInLine -= waiter.permits;
    if (waiter.hasDeadline) {
      deadlines--;
    }
    left(waiter);
  }

  private void findLastPromiseBefore(Waiter waiter) {
    Waiter candidate = waiter.previous;
    while (candidate != null && !(candidate.who instanceof Promise promise && promise.binding)) {
      permitsBehindLastPromise = plus(permitsBehindLastPromise, candidate.permits);
      candidate = candidate.previous;
    }
    lastPromise = candidate;
    if (candidate == null) {
      permitsBehindLastPromise = 0;
    }
  }

  /**
   * Takes a waiter out of the line.
   *
   * @return false if it stands in it no longer: it was served or turned away
   */
  private boolean leave(Waiter waiter) {
    Woken woken = new Woken();
    BriefLock.lock(lock);
    try {
      if (!waiter.linked) {
        return false;
      }
      boolean first = waiter == head;
      unlink(waiter);
      waiter.state = Waiter.LEFT;
      if (first && !timerSuits(waiter.permits)) {
        underLock(woken, this::serve);
      }
    } finally {
      lock.unlock();
    }
    wake(woken);
    tellDependents();
    return true;
  }

  /** Whether the timer need not be set anew, nor anybody be served, after the first has left. */
  private boolean timerSuits(long permits) {
    Waiter next = head;
    return timer != null && next != null && next.permits == permits;
  }

  /** The timer's task. */
  private void serveDue(long order) {
    Woken woken = new Woken();
    underLock(
        woken,
        (now, chain) -> {
          if (order == timerOrder) {
            timer = null;
          }
          serve(now, chain);
        });
    wake(woken);
  }

  /** Grants what is due and sets the timer for the next. */
  void serve(long now, Woken woken) {
    for (Waiter first = first(); first != null; first = first()) {
      long delay =
          Math.max(untilGranted(now, first.permits, first.permits), untilPromised(first, now));
      if (delay > 0) {
        arm(now, delay);
        return;
      }
      serveFirst(now, woken);
    }
    disarm();
  }

  /** Somebody was added at the end of the line. Under the lock. */
  void joined(Waiter waiter) {}

  /** Somebody was taken out of the line. Under the lock. */
  void left(Waiter waiter) {}

  /** The waiter whose turn is next. Under the lock. */
  final @Nullable Waiter first() {
    while (head != null && head.who instanceof Turn turn && turn.isDone()) {
      unlink(head); // completed behind our back
    }
    return head;
  }

  /** How long until a waiter's promised instant; zero or less if it has none. */
  static long untilPromised(Waiter waiter, long now) {
    return waiter.who instanceof Promise promise && promise.binding ? promise.due - now : 0;
  }

  /** Grants to the waiter whose turn it is what there is for it. */
  final void serveFirst(long now, Woken woken) {
    Waiter first = Objects.requireNonNull(head);
    if (first.who instanceof Promise promise) {
      promise.receipt = charge(promise.binding ? promise.due : now, first.permits);
      promise.waiter = null;
      unlink(first);
    } else {
      grant(now, first.permits, true);
      unlink(first);
      woken.add(first, Waiter.SERVED);
    }
  }

  /** Sets the timer for the first in the line. */
  void arm(long now, long delay) {
    armAt(now, delay);
  }

  /** Sets the timer, unless it goes off earlier already. */
  final void armAt(long now, long delay) {
    long wait = Math.min(delay, LONGEST_TIMER);
    long due = now + wait;
    if (timer != null) {
      if (timerDue - due <= 0) {
        return;
      }
      timer.cancel();
    }
    long order = ++timerOrder;
    timerDue = due;
    timer = time.schedule(wait - (time.nanoTime() - now), () -> serveDue(order));
  }

  final void disarm() {
    if (timer != null) {
      timer.cancel();
      timer = null;
    }
  }

  /** Wakes those to whom something happened. Without the lock. */
  static void wake(Woken woken) {
    Waiter waiter = woken.first;
    while (waiter != null) {
      Waiter next = waiter.next;
      waiter.next = null;
      waiter.state = waiter.outcome;
      if (waiter.who instanceof Thread thread) {
        LockSupport.unpark(thread);
      } else if (waiter.who instanceof Turn turn) {
        turn.end();
      }
      waiter = next;
    }
  }

  /**
   * Changes the meter, and plans the line anew.
   *
   * @param changeAt given the present instant; if it throws, nothing has changed
   */
  final void change(LongConsumer changeAt) {
    Woken woken = new Woken();
    underLock(
        woken,
        (now, chain) -> {
          changeAt.accept(now);
          unbindPromises();
          if (deadlines > 0) {
            turnAwayLate(now, chain);
          }
          serve(now, chain);
        });
    wake(woken);
    tellDependents();
  }

  /**
   * A promise made at the old rate is kept by the one to whom it was made, but it must not hold up
   * those behind it: with the rate raised from one a day to a thousand a second they would wait for
   * a day.
   */
  final void unbindPromises() {
    while (lastPromise != null) {
      lastPromise.promise().binding = false;
      findLastPromiseBefore(lastPromise);
    }
  }

  private void turnAwayLate(long now, Woken woken) {
    long through = 0;
    Waiter waiter = head;
    while (waiter != null) {
      Waiter next = waiter.next;
      through = plus(through, waiter.permits);
      if (waiter.hasDeadline
          && untilGranted(now, through, waiter.permits) > waiter.deadline - now) {
        through -= waiter.permits;
        turnAway(waiter, Waiter.LATE, woken);
      }
      waiter = next;
    }
  }

  final void turnAway(Waiter waiter, byte outcome, Woken woken) {
    unlink(waiter);
    woken.add(waiter, outcome);
  }

  private boolean cancel(Promise promise) {
    Woken woken = new Woken();
    lock.lock();
    try {
      if (promise.ended) {
        return false;
      }
      promise.ended = true;
      underLock(
          woken,
          (now, chain) -> {
            takeBack(promise, now);
            serve(now, chain);
          });
    } finally {
      lock.unlock();
    }
    wake(woken);
    tellDependents();
    return true;
  }

  private void takeBack(Promise promise, long now) {
    Waiter waiter = promise.waiter;
    Receipt receipt = promise.receipt;
    promise.waiter = null;
    promise.receipt = null;
    if (receipt != null) {
      giveBack(receipt, promise.due - now <= 0);
    }
    if (receipt != null || waiter == head) {
      lapse(now); // it may have held up those behind, who are not late for that
    }
    if (waiter != null) {
      unlink(waiter);
    }
  }

  // ---- as a part of others

  /** Whether nobody waits. Under the lock. */
  final boolean lineEmpty() {
    return head == null;
  }

  /** Tells it of changes from now on: it has waiters. Under the lock. */
  final void addDependent(LineLimiter dependent) {
    List<LineLimiter> all = new ArrayList<>(dependents);
    all.add(dependent);
    dependents = List.copyOf(all);
  }

  /** Tells it of changes no more. Under the lock. */
  final void removeDependent(LineLimiter dependent) {
    List<LineLimiter> all = new ArrayList<>(dependents);
    all.remove(dependent);
    dependents = List.copyOf(all);
  }

  private void tellDependents() {
    for (LineLimiter dependent : dependents) {
      dependent.change(now -> {});
    }
  }

  /** Something to be done with the line, the present instant and those to be woken after it. */
  @FunctionalInterface
  interface Action {
    void at(long now, Woken woken);
  }

  /** Those to whom something happened, linked by {@code next}: to be woken without the lock. */
  static final class Woken {
    private @Nullable Waiter first;
    private @Nullable Waiter last;

    /** Adds one that has just been unlinked. */
    void add(Waiter waiter, byte outcome) {
      waiter.outcome = outcome;
      if (last == null) {
        first = waiter;
      } else {
        last.next = waiter;
      }
      last = waiter;
    }
  }

  /** Somebody in the line. */
  static final class Waiter {
    static final byte WAITING = 0;
    static final byte SERVED = 1;
    static final byte LEFT = 2;
    static final byte LATE = 3;

    final long permits;

    /** A {@link Thread} to unpark, a {@link Turn} to complete, or a {@link Promise}. */
    final Object who;

    @Nullable Waiter previous;
    @Nullable Waiter next;
    long order;
    long since;
    long deadline;
    long deadlineNumber;
    boolean hasDeadline;
    boolean linked;

    /** What {@code state} becomes when it is woken. */
    byte outcome;

    volatile byte state = WAITING;

    Waiter(long permits, Object who) {
      this.permits = permits;
      this.who = who;
    }

    Promise promise() {
      return (Promise) who;
    }
  }

  /** The future of a waiter; ended from outside it leaves the line. */
  private static final class Turn extends CompletableFuture<@Nullable Void> {
    private final LineLimiter limiter;
    final Waiter waiter;

    Turn(LineLimiter limiter, long permits) {
      this.limiter = limiter;
      this.waiter = new Waiter(permits, this);
    }

    void serve() {
      super.complete(null);
    }

    /** Woken: tells the listener, and completes where dependents may run. */
    void end() {
      limiter.announcer.waited(limiter.cause(), limiter.time.nanoTime() - waiter.since);
      try {
        limiter.executor.execute(this::serve);
      } catch (RuntimeException e) { // an executor that was shut down: better here than never
        serve();
      }
    }

    /** Whether the line lets it go; if not, its turn has come, and that is how it ends. */
    private boolean leave() {
      if (isDone()) {
        return false;
      }
      if (limiter.leave(waiter)) {
        limiter.announcer.abandoned("cancelled", limiter.time.nanoTime() - waiter.since);
        return true;
      }
      serve();
      return false;
    }

    @Override
    public boolean cancel(boolean mayInterruptIfRunning) {
      return leave() ? super.cancel(mayInterruptIfRunning) : isCancelled();
    }

    @Override
    public boolean complete(@Nullable Void value) {
      return leave() && super.complete(value);
    }

    @Override
    public boolean completeExceptionally(Throwable cause) {
      return leave() && super.completeExceptionally(cause);
    }

    @Override
    public <U> CompletableFuture<U> newIncompleteFuture() {
      return new CompletableFuture<>();
    }
  }

  /** Permits promised for a later instant. */
  static final class Promise implements Reservation {
    private final LineLimiter limiter;
    private final long permits;

    /** Set before anybody else sees it. */
    private long due;

    // Below: only under the limiter's lock.
    private boolean ended;
    private boolean binding = true;
    private @Nullable Waiter waiter;
    private @Nullable Receipt receipt;

    Promise(LineLimiter limiter, long permits) {
      this.limiter = limiter;
      this.permits = permits;
    }

    Promise(LineLimiter limiter, long permits, long due, Receipt receipt) {
      this(limiter, permits);
      this.due = due;
      this.receipt = receipt;
    }

    @Override
    public long permits() {
      return permits;
    }

    @Override
    public Duration delay() {
      return Duration.ofNanos(Math.max(0, due - limiter.time.nanoTime()));
    }

    @Override
    public boolean cancel() {
      return limiter.cancel(this);
    }
  }
}
