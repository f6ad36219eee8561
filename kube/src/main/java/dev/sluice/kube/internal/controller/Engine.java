package dev.sluice.kube.internal.controller;

import dev.sluice.flow.Backoff;
import dev.sluice.flow.FlowListener;
import dev.sluice.flow.Gate;
import dev.sluice.flow.Gate.Delivery;
import dev.sluice.flow.KeyedBackoff;
import dev.sluice.flow.Priority;
import dev.sluice.flow.TimeSource;
import dev.sluice.flow.WorkQueue;
import dev.sluice.kube.ChangeFilter;
import dev.sluice.kube.Codec;
import dev.sluice.kube.Context;
import dev.sluice.kube.ControllerStatus;
import dev.sluice.kube.ControllerStatus.Counts;
import dev.sluice.kube.ControllerStatus.Failure;
import dev.sluice.kube.ExternalSource;
import dev.sluice.kube.ObjectKey;
import dev.sluice.kube.Outcome;
import dev.sluice.kube.Reconciler;
import dev.sluice.kube.Resource;
import dev.sluice.kube.ServerException;
import dev.sluice.kube.Store;
import dev.sluice.kube.Subscription;
import dev.sluice.kube.internal.controller.Runs.Verdict;
import dev.sluice.kube.internal.store.Versions;
import dev.sluice.kube.internal.time.Interrupter;
import dev.sluice.kube.internal.time.Recurrence;
import dev.sluice.kube.internal.time.Sleeper;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.LongAdder;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BooleanSupplier;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Runs a reconciler on the keys that come through a gate.
 *
 * <p>One thread, the pump, moves keys from the gate to the work queue; when the queue is full it
 * waits, and then the gate does what it is for. Behind a gate that coalesces, which is never full,
 * keys wait in a lane for each tenant instead, and enter the queue in turns. So many workers take
 * keys from the queue; it lets them go at the limiter's rate, each in one hand only.
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
   * @param delivered the state of an object that the stream has delivered
   * @param filter which changes of the informer's objects matter
   * @param related the other informers whose changes matter, as soon as they have been subscribed
   * @param sources what else names keys
   */
  public record Parts<T>(
      String name,
      Gate<ObjectKey> gate,
      Store<T> store,
      Codec<T> codec,
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
      Ledger ledger,
      Function<ObjectKey, Optional<Resource>> delivered,
      ChangeFilter filter,
      Supplier<List<Relation>> related,
      Map<String, ExternalSource> sources,
      Function<? super ObjectKey, String> tenants,
      Map<String, Integer> weights) {}

  /**
   * Another informer whose changes matter.
   *
   * @param name of the informer
   * @param how in one word
   * @param isSynced whether its first list has been handed over
   * @param subscription where its changes are heard
   * @param hears what hears them
   */
  public record Relation(
      String name,
      String how,
      BooleanSupplier isSynced,
      Subscription subscription,
      Related<?> hears) {
    /** Whether the first list, too, has been heard to its end. */
    boolean isTold() {
      return isSynced.getAsBoolean() && subscription.backlog() == 0;
    }
  }

  private final Parts<T> parts;
  private final TimeSource time;
  private final WorkQueue<ObjectKey> queue;
  private final KeyedBackoff<ObjectKey> backoff;
  private final Runs runs;
  private final Dispatch dispatch;
  private final List<Hand> hands = new ArrayList<>();
  private final AtomicBoolean closed = new AtomicBoolean();
  private final Aside aside = new Aside();
  private final Lanes lanes;
  private final Notice notice;
  private final OwnWrites own = new OwnWrites();
  private final CountDownLatch ready = new CountDownLatch(1);
  private volatile boolean opened;
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
  private final LongAdder filtered = new LongAdder();
  private final LongAdder ownWrites = new LongAdder();
  private final Map<String, LongAdder> sourceFailures = new ConcurrentHashMap<>();

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
    builder.tenants(parts.tenants);
    parts.weights.forEach(builder::weight);
    this.queue = builder.build();
    this.notice = new Notice(parts.filter);
    this.lanes = new Lanes(parts.tenants);
  }

  /** Starts the pump and the workers. */
  public void start() {
    hands.add(new Hand("sluice-pump-" + parts.name, this::pump));
    for (int i = 0; i < parts.workers; i++) {
      hands.add(new Hand("sluice-worker-" + parts.name + "-" + i, this::work));
    }
    parts.sources.forEach((name, source) ->
        hands.add(new Hand("sluice-source-" + parts.name + "-" + name, () -> tell(name, source))));
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
    Set<ObjectKey> repeats = new LinkedHashSet<>();
    long repeatAt = time.nanoTime();
    boolean everything = false;
    // What a reconciler reads of other kinds must be there before it runs for the first time.
    opened = !parts.ledger.remembers() && parts.related.get().isEmpty();
    try {
      while (true) {
        boolean synced = caughtUp || parts.firstList.get().isPresent();
        if (ready.getCount() > 0 && synced && relatedAreSynced()) {
          if (!opened) {
            setAsideWhatHasCome();
            opened = true;
            takeUp();
            newsFirst();
          }
          ready.countDown();
        }
        Delivery<ObjectKey> next =
            !opened
                ? parts.gate.poll(SYNC_GLANCE)
                : aside.isEmpty() && lanes.isEmpty() ? next(repeats, repeatAt) : parts.gate.poll();
        if (next != null) {
          ObjectKey key = next.key();
          if (!opened) {
            // What is to be done with it shows when the stream is synced.
            if (isDue(key)) {
              aside.add(key);
            }
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
          if (!isDue(key)) {
            continue;
          }
          repeats.remove(key);
          if (caughtUp || isNews(key)) {
            aside.remove(key);
            if (!coalesces) {
              add(key, Priority.NORMAL, version(key));
            } else if (lanes.add(key)) {
              addFromLanes(false);
            } else {
              noted.increment();
            }
          } else if (coalesces) {
            aside.add(key);
          } else {
            add(key, Priority.LOW, version(key));
          }
          continue;
        }
        if (aside.isEmpty() && lanes.isEmpty() && parts.gate.isDrained()) {
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
        if (!lanes.isEmpty()) {
          addFromLanes(true);
          continue;
        }
        if (!aside.isEmpty()) {
          Map.Entry<ObjectKey, Boolean> first = aside.first();
          if (everything || first.getValue() || judge(first.getKey(), repeats)) {
            if (addAtLeisure(first.getKey())) {
              aside.remove(first.getKey());
            }
          } else {
            aside.remove(first.getKey());
          }
          if (aside.isEmpty() && firstListQueued) {
            parts.resync.done();
            everything = false;
          }
        } else if (firstListQueued && !repeats.isEmpty() && time.nanoTime() - repeatAt >= 0) {
          ObjectKey repeated = repeats.iterator().next();
          if (parts.ledger.claim(repeated) == Ledger.Claim.REPEAT) {
            if (addAtLeisure(repeated)) {
              repeats.remove(repeated);
            }
            repeatAt = time.nanoTime() + parts.ledger.repeatNanos();
          } else {
            repeats.remove(repeated);
          }
        } else if (firstListQueued && parts.resync.isDue()) {
          everything = true;
          parts.store.snapshot().resources().forEach(object -> aside.add(object.key()));
          if (aside.isEmpty()) {
            parts.resync.done();
          }
        }
        if (caughtUp && !firstListQueued && relatedAreTold() && aside.closeIfEmpty()) {
          firstListQueued = true;
          dispatch.begin();
        }
      }
    } catch (InterruptedException e) {
      // Closed.
    }
  }

  private boolean relatedAreSynced() {
    return parts.related.get().stream().allMatch(other -> other.isSynced.getAsBoolean());
  }

  private boolean relatedAreTold() {
    return parts.related.get().stream().allMatch(Relation::isTold);
  }

  /** Whether what the gate delivers is to be acted on. */
  private boolean isDue(ObjectKey key) {
    Resource object = parts.delivered.apply(key).orElse(null);
    if (own.explains(key, object == null ? Runs.FOREIGN : object.resourceVersion())) {
      var unused = notice.isDue(key, object);
      ownWrites.increment();
      return false;
    }
    if (notice.isDue(key, object)) {
      return true;
    }
    filtered.increment();
    return false;
  }

  private boolean isOwn(ObjectKey key, String version) {
    boolean is = !version.equals(Runs.FOREIGN) && own.explains(key, version);
    if (is) {
      ownWrites.increment();
    }
    return is;
  }

  private String version(ObjectKey key) {
    return parts.delivered.apply(key).map(Resource::resourceVersion).orElse(Runs.FOREIGN);
  }

  /** What changed while the others were awaited does not stand behind the first list. */
  private void newsFirst() throws InterruptedException {
    for (ObjectKey key : aside.all()) {
      if (isNews(key) && parts.ledger.claim(key) == Ledger.Claim.CHANGED) {
        aside.remove(key);
        add(key, Priority.NORMAL, Runs.FOREIGN);
      }
    }
  }

  /**
   * Has a key reconciled because of something else than its own object.
   *
   * @param news whether it is known to be more than what was there at the start
   */
  public void trigger(ObjectKey key, boolean news) throws InterruptedException {
    if (closed.get()) {
      return;
    }
    // Until the first list is queued there is a place for those that can wait. Before the other
    // kinds are synced all must.
    boolean waits = !opened || !news;
    if (waits && aside.offer(key)) {
      return;
    }
    add(key, news ? Priority.NORMAL : Priority.LOW, Runs.FOREIGN);
  }

  /** Lets a source tell, again and again as long as it fails. */
  private void tell(String name, ExternalSource source) {
    Backoff.Attempts attempts =
        parts.backoff.attempts(time, () -> ThreadLocalRandom.current().nextLong());
    Sleeper sleeper = Sleeper.by(time);
    while (!closed.get()) {
      try {
        source.run(key -> {
          try {
            trigger(key, true);
          } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
          }
        });
        return;
      } catch (Throwable e) {
        if (closed.get()) {
          return;
        }
        sourceFailures.computeIfAbsent(name, unused -> new LongAdder()).increment();
        LOG.log(
            System.Logger.Level.WARNING,
            "the source '" + name + "' of '" + parts.name + "' failed; it is run again",
            e);
      }
      try {
        sleeper.sleep(attempts.nextDelay().toNanos());
      } catch (InterruptedException e) {
        // Closed, or by somebody who kept the thread.
      }
    }
  }

  /** Waits until all that it watches is synced; false if that took longer. */
  public boolean awaitReady(Duration timeout) throws InterruptedException {
    return ready.await(timeout.toNanos(), TimeUnit.NANOSECONDS);
  }

  /**
   * Sets aside what the gate held when the stream was synced: it is what the ledger names, too, and
   * would otherwise come once more while that is in hand.
   */
  private void setAsideWhatHasCome() {
    for (long rest = parts.gate.stats().depth(); rest > 0; rest--) {
      Delivery<ObjectKey> next = parts.gate.poll();
      if (next == null) {
        return;
      }
      if (isDue(next.key())) {
        aside.add(next.key());
      }
    }
  }

  /** Takes up what was not finished before a restart. */
  private void takeUp() {
    if (!parts.ledger.remembers()) {
      return;
    }
    parts
        .ledger
        .waiting()
        .forEach((key, due) -> {
          if (due.backoff()) {
            runs.hold(key, due.in().toNanos());
          }
          var unused = queue.addAfter(key, due.in(), Priority.LOW);
        });
    parts.ledger.pending().forEach(aside::add);
  }

  /** Whether a key that was set aside is to be done now. */
  private boolean judge(ObjectKey key, Set<ObjectKey> repeats) {
    Ledger.Claim claim = parts.ledger.claim(key);
    if (claim == Ledger.Claim.REPEAT) {
      repeats.add(key);
    }
    return claim == Ledger.Claim.CHANGED;
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

  private void add(ObjectKey key, Priority priority, String version) throws InterruptedException {
    switch (runs.event(key, version)) {
      case Verdict.Add add -> {
        // The run that wrote it may have ended since this was delivered.
        if (!isOwn(key, version)) {
          queue.put(key, priority);
        }
      }
      case Verdict.Later later -> {
        var unused = queue.addAfter(key, Duration.ofNanos(later.nanos()), priority);
      }
      case Verdict.Noted note -> noted.increment();
    }
  }

  /**
   * Adds the key whose turn it is, if there is room.
   *
   * @param patient whether to wait for room, no longer than a glance
   */
  private void addFromLanes(boolean patient) throws InterruptedException {
    ObjectKey key = lanes.next();
    String version = version(key);
    boolean taken =
        switch (runs.event(key, version)) {
          case Verdict.Add add ->
              // The run that wrote it may have ended since this was delivered.
              isOwn(key, version)
                  || (patient
                          ? queue.put(key, Priority.NORMAL, GLANCE)
                          : queue.add(key, Priority.NORMAL))
                      != WorkQueue.Offer.FULL;
          case Verdict.Later later -> {
            var unused = queue.addAfter(key, Duration.ofNanos(later.nanos()), Priority.NORMAL);
            yield true;
          }
          case Verdict.Noted note -> {
            noted.increment();
            yield true;
          }
        };
    if (taken) {
      lanes.taken();
    }
  }

  /** Adds a key, unless that takes longer than a glance; whether it did. */
  private boolean addAtLeisure(ObjectKey key) throws InterruptedException {
    return switch (runs.event(key, Runs.FOREIGN)) {
      case Verdict.Add add -> queue.put(key, Priority.LOW, GLANCE) != WorkQueue.Offer.FULL;
      case Verdict.Later later -> true; // it failed, so it has been run, and will be again
      case Verdict.Noted note -> true;
    };
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
        parts.ledger.finished(key, position, "");
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
        parts.ledger.failed(key, position, later.after(), "throttled");
        runs.endAndWait(key, later.after().toNanos());
        var unused = queue.addAfter(key, later.after(), Priority.LOW);
        throttled.increment();
      }
      case Outcome.Retry retry -> {
        Duration delay = backoff.nextDelay(key);
        parts.ledger.failed(key, position, delay, retry.cause());
        runs.endAndWait(key, delay.toNanos());
        var unused = queue.addAfter(key, delay, Priority.LOW);
        note(new Failure(parts.clock.instant(), key, attempt, retry.cause(), delay));
        retried.increment();
      }
      case Outcome.Failed terminal -> {
        parts.ledger.finished(key, position, terminal.cause());
        backoff.forget(key);
        addIfChanged(key);
        note(new Failure(parts.clock.instant(), key, attempt, terminal.cause(), Duration.ZERO));
        failed.increment();
      }
    }
  }

  private void addIfChanged(ObjectKey key) {
    String changedAt = runs.end(key);
    if (changedAt != null && own.explains(key, changedAt)) {
      ownWrites.increment();
    } else if (changedAt != null) {
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
    hands.subList(1 + parts.workers, hands.size()).forEach(hand -> hand.thread.interrupt());
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
        ready.getCount() == 0,
        gate.depth(),
        stats.depth() + lanes.size() + aside.size() + parts.ledger.progress().left(),
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
            gate.coalesced() + gate.annihilated() + stats.coalesced() + noted.sum(),
            filtered.sum(),
            ownWrites.sum()),
        recent,
        dispatch.status(),
        parts.resync.status(),
        new ControllerStatus.Repeat(parts.ledger.progress().left(), parts.ledger.progress().of()),
        sources());
  }

  private List<ControllerStatus.Source> sources() {
    List<ControllerStatus.Source> sources = new ArrayList<>();
    for (Relation other : parts.related.get()) {
      sources.add(
          new ControllerStatus.Source(
              other.name,
              other.how,
              other.isSynced.getAsBoolean(),
              other.subscription.backlog(),
              other.subscription.delivered(),
              other.hears.filtered(),
              other.hears.triggered(),
              other.subscription.failures()));
    }
    parts.sources.forEach((name, source) -> {
      LongAdder failures = sourceFailures.get(name);
      sources.add(
          new ControllerStatus.Source(
              name, "external", true, 0, 0, 0, 0, failures == null ? 0 : failures.sum()));
    });
    return sources;
  }

  /** What the reconciler is given. */
  private final class Call implements Context<T> {
    private final ObjectKey key;
    private final int attempt;
    private final Duration waited;
    private final Interrupter deadline;
    private volatile boolean looked;
    private volatile @Nullable Resource present;

    Call(ObjectKey key, int attempt, Duration waited, Interrupter deadline) {
      this.key = key;
      this.attempt = attempt;
      this.waited = waited;
      this.deadline = deadline;
    }

    @Override
    public Optional<T> object() {
      Resource present = look();
      return present == null ? Optional.empty() : Optional.of(parts.codec.read(present));
    }

    @Override
    public Optional<Resource> resource() {
      return Optional.ofNullable(look());
    }

    private @Nullable Resource look() {
      if (!looked) {
        looked = true;
        present = parts.store.resource(key).orElse(null);
      }
      return present;
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
    public void ownWrite(Resource written) {
      if (!written.key().equals(key)) {
        throw new IllegalArgumentException(
            "this reconcile is that of " + key + ", not of " + written.key());
      }
      own.wrote(key, written.resourceVersion());
      present = written;
      looked = true;
    }

    @Override
    public boolean cancelled() {
      return deadline.fired() || closed.get();
    }
  }
}
