package dev.sluice.kube.internal.controller;

import dev.sluice.flow.Backoff;
import dev.sluice.flow.FlowListener;
import dev.sluice.flow.Gate;
import dev.sluice.flow.Gate.Delivery;
import dev.sluice.flow.KeyedBackoff;
import dev.sluice.flow.Priority;
import dev.sluice.flow.TimeSource;
import dev.sluice.flow.WorkQueue;
import dev.sluice.kube.Context;
import dev.sluice.kube.ControllerStatus;
import dev.sluice.kube.ControllerStatus.Counts;
import dev.sluice.kube.ControllerStatus.Failure;
import dev.sluice.kube.ObjectKey;
import dev.sluice.kube.Outcome;
import dev.sluice.kube.Reconciler;
import dev.sluice.kube.Resource;
import dev.sluice.kube.ServerException;
import dev.sluice.kube.Store;
import dev.sluice.kube.internal.controller.Runs.Verdict;
import dev.sluice.kube.internal.store.Versions;
import dev.sluice.kube.internal.time.Interrupter;
import dev.sluice.kube.internal.time.Recurrence;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.Iterator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.LongAdder;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Runs a reconciler on the keys that come through a gate.
 *
 * <p>One thread, the pump, moves keys from the gate to the work queue; when the queue is full it
 * waits, and then the gate does what it is for. So many workers take keys from the queue; it lets
 * them go at the limiter's rate, each in one hand only.
 *
 * <p>The keys of the first list come with low priority: through a gate that coalesces they are set
 * aside first, so that a change that happens meanwhile (its version is newer than the list's) does
 * not stand behind ten thousand of them. A resync sets all keys aside once more.
 */
public final class Engine<T> {
  private static final System.Logger LOG = System.getLogger("dev.sluice.kube.Controller");
  private static final Duration SYNC_GLANCE = Duration.ofMillis(200);
  private static final Duration GLANCE = Duration.ofMillis(20);
  private static final Duration LAST_PATIENCE = Duration.ofSeconds(5);
  private static final int FAILURES_KEPT = 16;
  private static final long LOG_EVERY_NANOS = Duration.ofMinutes(1).toNanos();

  /**
   * What an engine is made of. Checked by the controller's builder.
   *
   * @param dispatch how fast keys are dispatched
   * @param firstList the version of the informer's first list, once it has been handed over
   * @param resync when all objects are reconciled again
   * @param ledger what was finished before a restart
   */
  public record Parts<T>(
      String name,
      Gate<ObjectKey> gate,
      Store<T> store,
      Reconciler<T> reconciler,
      int workers,
      int capacity,
      Dispatch dispatch,
      Backoff backoff,
      Duration reconcileTimeout,
      Duration shutdownTimeout,
      TimeSource time,
      InstantSource clock,
      FlowListener listener,
      Supplier<Optional<String>> firstList,
      Recurrence resync,
      Ledger ledger) {}

  private final Parts<T> parts;
  private final TimeSource time;
  private final WorkQueue<ObjectKey> queue;
  private final KeyedBackoff<ObjectKey> backoff;
  private final Runs runs;
  private final Dispatch dispatch;
  private final List<Hand> hands = new ArrayList<>();
  private final AtomicBoolean closed = new AtomicBoolean();
  private final AtomicInteger setAside = new AtomicInteger();
  private volatile boolean caughtUp;
  private volatile boolean takesKeys = true;
  private volatile boolean firstListQueued;

  private final LongAdder started = new LongAdder();
  private final LongAdder done = new LongAdder();
  private final LongAdder again = new LongAdder();
  private final LongAdder retried = new LongAdder();
  private final LongAdder throttled = new LongAdder();
  private final LongAdder failed = new LongAdder();
  private final LongAdder deadlines = new LongAdder();
  private final LongAdder noted = new LongAdder();

  private final ReentrantLock failuresLock = new ReentrantLock();
  private final Deque<Failure> failures = new ArrayDeque<>();
  private boolean logged;
  private long loggedAt;

  /** An engine, not started. */
  public Engine(Parts<T> parts) {
    this.parts = parts;
    this.time = parts.time;
    this.runs = new Runs(time);
    this.backoff = KeyedBackoff.<ObjectKey>builder(parts.backoff).time(time).build();
    WorkQueue.Builder<ObjectKey> builder =
        WorkQueue.<ObjectKey>builder()
            .name(parts.name)
            .capacity(parts.capacity)
            .workers(parts.workers)
            .time(time)
            .listener(parts.listener);
    this.dispatch = parts.dispatch;
    dispatch.limiter().ifPresent(builder::dispatchLimiter);
    this.queue = builder.build();
  }

  /** Starts the pump and the workers. */
  public void start() {
    hands.add(new Hand("sluice-pump-" + parts.name, this::pump));
    for (int i = 0; i < parts.workers; i++) {
      hands.add(new Hand("sluice-worker-" + parts.name + "-" + i, this::work));
    }
    hands.forEach(hand -> hand.thread.start());
  }

  /** One of the threads, and whether it has ended. */
  private static final class Hand {
    final CompletableFuture<@Nullable Void> ended = new CompletableFuture<>();
    final Thread thread;

    Hand(String name, Runnable task) {
      thread =
          Thread.ofVirtual()
              .name(name)
              .unstarted(() -> {
                try {
                  task.run();
                } finally {
                  ended.complete(null);
                }
              });
    }
  }

  // --- from the gate to the queue ---

  private void pump() {
    boolean coalesces = parts.gate.kind() == Gate.Kind.COALESCE;
    Set<ObjectKey> aside = new LinkedHashSet<>();
    Set<ObjectKey> repeats = new LinkedHashSet<>();
    long repeatAt = time.nanoTime();
    boolean everything = false;
    boolean opened = !parts.ledger.remembers();
    try {
      while (true) {
        boolean synced = caughtUp || parts.firstList.get().isPresent();
        if (!opened && synced) {
          opened = true;
          takeUp(aside);
        }
        Delivery<ObjectKey> next =
            !opened
                ? parts.gate.poll(SYNC_GLANCE)
                : aside.isEmpty() ? next(repeats, repeatAt) : parts.gate.poll();
        if (next != null) {
          ObjectKey key = next.key();
          if (!opened) {
            // What is to be done with it shows when the stream is synced.
            aside.add(key);
            setAside.set(aside.size());
            continue;
          }
          Ledger.Claim claim = parts.ledger.claim(key);
          if (claim == Ledger.Claim.FINISHED) {
            continue;
          }
          if (claim == Ledger.Claim.REPEAT) {
            repeats.add(key);
            continue;
          }
          repeats.remove(key);
          if (caughtUp || isNews(key)) {
            if (aside.remove(key)) {
              setAside.set(aside.size());
            }
            add(key, Priority.NORMAL);
          } else if (coalesces) {
            aside.add(key);
            setAside.set(aside.size());
          } else {
            add(key, Priority.LOW);
          }
          continue;
        }
        if (aside.isEmpty() && parts.gate.isDrained()) {
          return;
        }
        if (!opened) {
          if (parts.gate.isDrained()) {
            return;
          }
          continue;
        }
        if (parts.gate.isHeld()) {
          parts.gate.awaitRelease(); // which holds back what is set aside, too
          continue;
        }
        caughtUp |= synced && parts.gate.stats().depth() == 0;
        if (!aside.isEmpty()) {
          if (everything || judge(aside, repeats)) {
            addOneOf(aside);
          }
          if (aside.isEmpty() && firstListQueued) {
            parts.resync.done();
            everything = false;
          }
        } else if (firstListQueued && !repeats.isEmpty() && time.nanoTime() - repeatAt >= 0) {
          if (parts.ledger.claim(repeats.iterator().next()) == Ledger.Claim.REPEAT) {
            addOneOf(repeats);
            setAside.set(0);
            repeatAt = time.nanoTime() + parts.ledger.repeatNanos();
          } else {
            repeats.remove(repeats.iterator().next());
          }
        } else if (firstListQueued && parts.resync.isDue()) {
          everything = true;
          parts.store.snapshot().resources().forEach(object -> aside.add(object.key()));
          setAside.set(aside.size());
          if (aside.isEmpty()) {
            parts.resync.done();
          }
        }
        if (caughtUp && !firstListQueued && aside.isEmpty()) {
          firstListQueued = true;
          dispatch.begin();
        }
      }
    } catch (InterruptedException e) {
      // Closed.
    }
  }

  /** Takes up what was not finished before a restart. */
  private void takeUp(Set<ObjectKey> aside) {
    parts
        .ledger
        .waiting()
        .forEach((key, due) -> {
          if (due.backoff()) {
            runs.hold(key, due.in().toNanos());
          }
          var unused = queue.addAfter(key, due.in(), Priority.LOW);
        });
    aside.addAll(parts.ledger.pending());
    setAside.set(aside.size());
  }

  /** Whether the first of the keys set aside is to be done now; if not, it is no longer there. */
  private boolean judge(Set<ObjectKey> aside, Set<ObjectKey> repeats) {
    Iterator<ObjectKey> keys = aside.iterator();
    ObjectKey key = keys.next();
    Ledger.Claim claim = parts.ledger.claim(key);
    if (claim == Ledger.Claim.CHANGED) {
      return true;
    }
    if (claim == Ledger.Claim.REPEAT) {
      repeats.add(key);
    }
    keys.remove();
    setAside.set(aside.size());
    return false;
  }

  /** Whether an object is known to have changed since the first list. */
  private boolean isNews(ObjectKey key) {
    Optional<String> list = parts.firstList.get();
    return list.isPresent()
        && parts
            .store
            .resource(key)
            .map(object -> Versions.older(list.get(), object.resourceVersion()))
            .orElse(true);
  }

  private @Nullable Delivery<ObjectKey> next(Set<ObjectKey> repeats, long repeatAt)
      throws InterruptedException {
    if (!firstListQueued) {
      return parts.gate.poll(SYNC_GLANCE);
    }
    if (!repeats.isEmpty()) {
      long rest = Math.max(0, repeatAt - time.nanoTime());
      return rest == 0
          ? parts.gate.poll()
          : parts.gate.poll(
              Duration.ofNanos(
                  parts.resync.isOn() ? Math.min(rest, parts.resync.untilDue()) : rest));
    }
    return parts.resync.isOn()
        ? parts.gate.poll(Duration.ofNanos(parts.resync.untilDue()))
        : parts.gate.take();
  }

  private void add(ObjectKey key, Priority priority) throws InterruptedException {
    switch (runs.event(key)) {
      case Verdict.Add add -> queue.put(key, priority);
      case Verdict.Later later -> {
        var unused = queue.addAfter(key, Duration.ofNanos(later.nanos()), priority);
      }
      case Verdict.Noted note -> noted.increment();
    }
  }

  /** Adds one of the keys set aside, unless that takes longer than a glance. */
  private void addOneOf(Set<ObjectKey> aside) throws InterruptedException {
    Iterator<ObjectKey> keys = aside.iterator();
    ObjectKey key = keys.next();
    boolean taken =
        switch (runs.event(key)) {
          case Verdict.Add add -> queue.put(key, Priority.LOW, GLANCE) != WorkQueue.Offer.FULL;
          case Verdict.Later later -> true; // it failed, so it has been run, and will be again
          case Verdict.Noted note -> true;
        };
    if (taken) {
      keys.remove();
      setAside.set(aside.size());
    }
  }

  // --- from the queue to the reconciler ---

  private void work() {
    while (!queue.isDrained()) {
      try {
        workUntilDrained();
      } catch (InterruptedException e) {
        // By somebody who kept the thread from a reconcile: the queue's end is what ends a worker.
      }
    }
  }

  private void workUntilDrained() throws InterruptedException {
    for (var item = queue.take(); item != null; item = queue.take()) {
      ObjectKey key = item.key();
      try {
        long rest = runs.begin(key);
        if (rest > 0) {
          var unused = queue.addAfter(key, Duration.ofNanos(rest), item.priority());
          continue;
        }
        run(key, item.waited());
      } finally {
        item.done();
      }
    }
  }

  private void run(ObjectKey key, Duration waited) {
    started.increment();
    int attempt = backoff.failures(key) + 1;
    Interrupter deadline = Interrupter.after(time, parts.reconcileTimeout.toNanos());
    long began = time.nanoTime();
    long position = parts.ledger.position();
    Call call = new Call(key, attempt, waited, deadline);
    Outcome outcome;
    boolean overload = false;
    try {
      outcome = parts.reconciler.reconcile(key, call);
      if (outcome == null) {
        outcome = Outcome.retry("the reconciler returned null instead of an outcome");
      }
    } catch (InterruptedException e) {
      outcome = Outcome.retry("interrupted");
    } catch (Throwable e) {
      outcome = Outcome.retry(describe(e));
      overload = e instanceof ServerException refusal && refusal.speaksOfOverload();
      log(key, attempt, e);
    }
    long took = time.nanoTime() - began;
    if (deadline.disarm() && outcome instanceof Outcome.Retry) {
      overload = true;
      deadlines.increment();
      outcome = Outcome.retry("took longer than the " + parts.reconcileTimeout + " allowed");
    }
    if (overload) {
      dispatch.refused(Duration.ZERO);
    } else if (outcome instanceof Outcome.Throttled throttled) {
      dispatch.refused(throttled.after());
    } else {
      dispatch.answered(Duration.ofNanos(took));
    }
    settle(key, attempt, outcome, position);
    // Code that is interrupted often sets the mark again: it concerns nobody else.
    Thread.interrupted();
  }

  /** What became of a run. It is counted when all that follows from it is in place. */
  private void settle(ObjectKey key, int attempt, Outcome outcome, long position) {
    switch (outcome) {
      case Outcome.Done ended -> {
        parts.ledger.finished(key, position);
        backoff.forget(key);
        addIfChanged(key);
        done.increment();
      }
      case Outcome.Again later -> {
        parts.ledger.finishedUntil(key, position, later.after());
        backoff.forget(key);
        addIfChanged(key);
        var unused = queue.addAfter(key, later.after(), Priority.LOW);
        again.increment();
      }
      case Outcome.Throttled later -> {
        parts.ledger.failed(key, later.after());
        runs.endAndWait(key, later.after().toNanos());
        var unused = queue.addAfter(key, later.after(), Priority.LOW);
        throttled.increment();
      }
      case Outcome.Retry retry -> {
        Duration delay = backoff.nextDelay(key);
        parts.ledger.failed(key, delay);
        runs.endAndWait(key, delay.toNanos());
        var unused = queue.addAfter(key, delay, Priority.LOW);
        note(new Failure(parts.clock.instant(), key, attempt, retry.cause(), delay));
        retried.increment();
      }
      case Outcome.Failed terminal -> {
        parts.ledger.finished(key, position);
        backoff.forget(key);
        addIfChanged(key);
        note(new Failure(parts.clock.instant(), key, attempt, terminal.cause(), Duration.ZERO));
        failed.increment();
      }
    }
  }

  private void addIfChanged(ObjectKey key) {
    if (runs.end(key)) {
      // In hand still, as the queue sees it: such a key is never refused.
      var unused = queue.add(key);
    }
  }

  private void note(Failure failure) {
    failuresLock.lock();
    try {
      failures.addFirst(failure);
      if (failures.size() > FAILURES_KEPT) {
        failures.removeLast();
      }
    } finally {
      failuresLock.unlock();
    }
  }

  private static String describe(Throwable thrown) {
    String message = thrown.getMessage();
    return thrown.getClass().getSimpleName() + (message == null ? "" : ": " + message);
  }

  private void log(ObjectKey key, int attempt, Throwable thrown) {
    failuresLock.lock();
    try {
      long now = time.nanoTime();
      if (logged && now - loggedAt < LOG_EVERY_NANOS) {
        return;
      }
      logged = true;
      loggedAt = now;
    } finally {
      failuresLock.unlock();
    }
    LOG.log(
        System.Logger.Level.WARNING,
        "the reconciler of '"
            + parts.name
            + "' threw on "
            + key
            + " (attempt "
            + attempt
            + "); it is tried again after its backoff, further ones are counted and logged once a"
            + " minute",
        thrown);
  }

  // --- the end ---

  /**
   * Takes no more keys, waits for what is in hand, and interrupts what does not end in time.
   *
   * @param detach gives the gate back
   */
  public void close(Runnable detach) {
    if (!closed.compareAndSet(false, true)) {
      return;
    }
    queue.close();
    takesKeys = false;
    detach.run();
    hands.get(0).thread.interrupt();
    boolean interrupted = false;
    try {
      if (!joinAll(parts.shutdownTimeout)) {
        runs.interruptAll();
        if (!joinAll(LAST_PATIENCE)) {
          LOG.log(
              System.Logger.Level.WARNING,
              "a reconcile of ''{0}'' does not end although it was interrupted; it is left behind",
              parts.name);
        }
      }
    } catch (InterruptedException e) {
      runs.interruptAll();
      interrupted = true;
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  /** Waits until all threads but the calling one have ended; false if the patience is over. */
  private boolean joinAll(Duration patience) throws InterruptedException {
    CompletableFuture<Boolean> allEnded =
        CompletableFuture.allOf(
                hands.stream()
                    .filter(hand -> hand.thread != Thread.currentThread())
                    .map(hand -> hand.ended)
                    .toArray(CompletableFuture<?>[]::new))
            .thenApply(nothing -> true);
    if (patience.isZero()) {
      return allEnded.isDone();
    }
    TimeSource.Timer alarm = time.schedule(patience.toNanos(), () -> allEnded.complete(false));
    try {
      return allEnded.get();
    } catch (ExecutionException e) {
      throw new AssertionError(e); // nobody completes one of them so
    } finally {
      alarm.cancel();
    }
  }

  /** How it is doing. */
  public ControllerStatus status() {
    WorkQueue.Stats stats = queue.stats();
    Gate.Stats gate = parts.gate.stats();
    List<Failure> recent;
    failuresLock.lock();
    try {
      recent = List.copyOf(failures);
    } finally {
      failuresLock.unlock();
    }
    return new ControllerStatus(
        parts.name,
        takesKeys,
        firstListQueued,
        gate.depth(),
        stats.depth() + setAside.get() + parts.ledger.progress().left(),
        stats.delayed(),
        runs.count(),
        parts.workers,
        Duration.ofNanos(runs.longest()),
        new Counts(
            started.sum(),
            done.sum(),
            again.sum(),
            retried.sum(),
            throttled.sum(),
            failed.sum(),
            deadlines.sum(),
            gate.coalesced() + gate.annihilated() + stats.coalesced() + noted.sum()),
        recent,
        dispatch.status(),
        parts.resync.status(),
        new ControllerStatus.Repeat(parts.ledger.progress().left(), parts.ledger.progress().of()));
  }

  /** What the reconciler is given. */
  private final class Call implements Context<T> {
    private final ObjectKey key;
    private final int attempt;
    private final Duration waited;
    private final Interrupter deadline;

    Call(ObjectKey key, int attempt, Duration waited, Interrupter deadline) {
      this.key = key;
      this.attempt = attempt;
      this.waited = waited;
      this.deadline = deadline;
    }

    @Override
    public Optional<T> object() {
      return parts.store.get(key);
    }

    @Override
    public Optional<Resource> resource() {
      return parts.store.resource(key);
    }

    @Override
    public Store<T> store() {
      return parts.store;
    }

    @Override
    public int attempt() {
      return attempt;
    }

    @Override
    public Duration waited() {
      return waited;
    }

    @Override
    public boolean cancelled() {
      return deadline.fired() || closed.get();
    }
  }
}
