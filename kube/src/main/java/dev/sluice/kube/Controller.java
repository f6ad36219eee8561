package dev.sluice.kube;

import dev.sluice.flow.AdaptiveLimit;
import dev.sluice.flow.Backoff;
import dev.sluice.flow.Experimental;
import dev.sluice.flow.FlowListener;
import dev.sluice.flow.Gate;
import dev.sluice.flow.Rate;
import dev.sluice.flow.RateLimiter;
import dev.sluice.flow.TimeSource;
import dev.sluice.flow.WorkQueue;
import dev.sluice.kube.internal.controller.Dispatch;
import dev.sluice.kube.internal.controller.Engine;
import dev.sluice.kube.internal.controller.Ledger;
import dev.sluice.kube.internal.controller.Related;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Reconciles the objects of an informer, on virtual threads.
 *
 * <pre>{@code
 * Controller<Resource> controller =
 *     Controller.named("certificates")
 *         .watching(informer)
 *         .limitedBy(RateLimiter.tokenBucket(Rate.perSecond(10), 20))
 *         .workers(16)
 *         .reconcile((key, context) -> {
 *           ...
 *           return Outcome.done();
 *         })
 *         .start();
 * }</pre>
 *
 * <p><b>What holds.</b> Every change is followed by a reconcile of its key that began after the
 * change was in the store. A key is never in two hands. Keys are dispatched at a limited rate,
 * which {@linkplain Limits#standard() adapts} unless told otherwise; reading and storing never wait
 * for it, and what waits is not lost: it stays in the queue, and when that is full, in the
 * informer's gate. A key whose reconcile failed is tried again after its own backoff, and a change
 * meanwhile does not shorten that.
 *
 * <p>The objects of the first list are reconciled with low priority: a change that happens
 * meanwhile comes first.
 *
 * @param <T> what the informer's codec makes
 */
@Experimental
public final class Controller<T> implements AutoCloseable {
  private final Informer<T> informer;
  private final Gate<ObjectKey> gate;
  private final Engine<T> engine;
  private final String name;
  private final List<Engine.Relation> related;

  private Controller(Builder<T> builder, Reconciler<T> reconciler) {
    this.informer = builder.informer;
    this.name = builder.name;
    Ledger ledger = informer.ledger(builder.name, builder.reconcilerVersion, builder.repeatRate);
    this.gate = informer.attach(builder.name);
    List<Engine.Relation> related = new CopyOnWriteArrayList<>();
    this.engine =
        new Engine<>(
            new Engine.Parts<>(
                builder.name,
                gate,
                informer.store(),
                informer.codec(),
                reconciler,
                builder.workers,
                builder.capacity,
                builder.dispatch(),
                builder.backoff,
                builder.reconcileTimeout,
                builder.shutdownTimeout,
                builder.time,
                builder.clock,
                builder.listener,
                informer::firstList,
                informer.resync(),
                ledger,
                informer::delivered,
                builder.filter,
                () -> related,
                Map.copyOf(builder.sources),
                builder.tenants,
                Map.copyOf(builder.weights)));
    try {
      for (Other<?> other : builder.others) {
        related.add(other.attach(builder.name, engine));
      }
    } catch (RuntimeException e) {
      related.forEach(one -> one.subscription().close());
      informer.detach(gate);
      throw e;
    }
    this.related = related;
  }

  /** Another informer, and what its changes mean. */
  private record Other<S>(
      Informer<S> informer,
      String how,
      Function<? super Change.Put<S>, ? extends Collection<ObjectKey>> mapping,
      ChangeFilter filter) {
    Engine.Relation attach(String controller, Engine<?> engine) {
      Related<S> hears = new Related<>(mapping, filter, informer::firstList, engine::trigger);
      return new Engine.Relation(
          informer.name(),
          how,
          informer::isSynced,
          informer.subscribe(controller + " " + how, hears),
          hears);
    }
  }

  /** A controller to be set up. */
  public static Named named(String name) {
    return new Named(Objects.requireNonNull(name, "name"));
  }

  /** The name under which it speaks. */
  public String name() {
    return name;
  }

  /**
   * Has an object reconciled, whatever the {@linkplain Builder#filteredBy filter} says: because
   * somebody asks for it. Blocks while the queue is full. Does nothing once the controller is
   * closed.
   *
   * @param key of an object of the informer, or of one that is gone
   */
  public void trigger(ObjectKey key) throws InterruptedException {
    engine.trigger(Objects.requireNonNull(key, "key"), true);
  }

  /**
   * Waits until the first lists of all informers that it watches have been handed over: from then
   * on it is ready, in the sense of a readiness probe. Before that, if it watches more than one,
   * nothing is reconciled.
   *
   * @return false if that took longer than the time-out
   */
  public boolean awaitReady(Duration timeout) throws InterruptedException {
    return engine.awaitReady(timeout);
  }

  /** How it is doing. */
  public ControllerStatus status() {
    return engine.status();
  }

  /**
   * Ends it in order: takes no more keys, waits for the reconciles in hand for as long as the
   * {@linkplain Builder#shutdownTimeout shutdown time-out} allows, then interrupts them. Blocks
   * until that is done. Keys that still waited are reconciled by the next start. The informer goes
   * on. Closing twice is harmless.
   */
  @Override
  public void close() {
    engine.close(() -> {
      related.forEach(other -> other.subscription().close());
      informer.detach(gate);
    });
  }

  /** A controller with a name. */
  @Experimental
  public static final class Named {
    private final String name;

    private Named(String name) {
      this.name = name;
    }

    /** Whose objects it reconciles. */
    public <T> Builder<T> watching(Informer<T> informer) {
      return new Builder<>(name, Objects.requireNonNull(informer, "informer"));
    }
  }

  /**
   * Builds a controller. Owned by one thread.
   *
   * @param <T> what the informer's codec makes
   */
  @Experimental
  public static final class Builder<T> {
    private final String name;
    private final Informer<T> informer;
    private @Nullable RateLimiter limiter;
    private AdaptiveLimit.@Nullable Builder adaptive = Limits.standard();
    private int workers = 16;
    private int capacity = WorkQueue.DEFAULT_CAPACITY;
    private Backoff backoff =
        Backoff.exponential(Duration.ofMillis(100), 1.6, Duration.ofMinutes(5));
    private Duration reconcileTimeout = Duration.ofMinutes(5);
    private Duration shutdownTimeout = Duration.ofSeconds(30);
    private TimeSource time = TimeSource.system();
    private InstantSource clock = InstantSource.system();
    private FlowListener listener = FlowListener.NONE;
    private String reconcilerVersion = "";
    private Rate repeatRate = Rate.perSecond(50);
    private ChangeFilter filter = ChangeFilter.everything();
    private final List<Other<?>> others = new ArrayList<>();
    private final Map<String, ExternalSource> sources = new LinkedHashMap<>();
    private Function<? super ObjectKey, String> tenants = ObjectKey::namespace;
    private final Map<String, Integer> weights = new LinkedHashMap<>();
    private @Nullable Reconciler<T> reconciler;

    private Builder(String name, Informer<T> informer) {
      this.name = name;
      this.informer = informer;
    }

    /**
     * How fast keys are given to the reconciler, those of the first list too: {@link
     * Limits#article()}, or a limiter of your own. Unless told otherwise the rate is that of {@link
     * Limits#standard()}.
     */
    public Builder<T> limitedBy(RateLimiter limiter) {
      this.limiter = Objects.requireNonNull(limiter, "limiter");
      this.adaptive = null;
      return this;
    }

    /**
     * How fast keys are given to the reconciler after those of the first list: at a rate that
     * adapts to how the reconciles fare. {@link Limits#standard()} unless told otherwise.
     *
     * @param limit of a rate; its name, time, clock and listener become the controller's
     */
    public Builder<T> limitedBy(AdaptiveLimit.Builder limit) {
      this.adaptive = Objects.requireNonNull(limit, "limit");
      this.limiter = null;
      return this;
    }

    /** Gives keys to the reconciler as fast as the workers take them. */
    public Builder<T> unlimited() {
      this.adaptive = null;
      this.limiter = null;
      return this;
    }

    private Dispatch dispatch() {
      if (adaptive != null) {
        return Dispatch.adaptive(adaptive, name, time, clock, listener);
      }
      return limiter == null ? Dispatch.unlimited() : Dispatch.fixed(limiter);
    }

    /**
     * How many reconciles run at a time; 16 unless told otherwise.
     *
     * @throws IllegalArgumentException if it is less than one
     */
    public Builder<T> workers(int workers) {
      if (workers < 1) {
        throw new IllegalArgumentException("a controller has at least 1 worker, not " + workers);
      }
      this.workers = workers;
      return this;
    }

    /**
     * How many keys the queue holds before the gate is asked to hold back; 100 unless told
     * otherwise.
     *
     * @throws IllegalArgumentException if it is less than one
     */
    public Builder<T> capacity(int keys) {
      if (keys < 1) {
        throw new IllegalArgumentException("a queue holds at least 1 key, not " + keys);
      }
      this.capacity = keys;
      return this;
    }

    /**
     * How long a key waits after a failure; 100 ms, then 1.6 times as long each time, up to 5
     * minutes, unless told otherwise.
     */
    public Builder<T> backoff(Backoff backoff) {
      this.backoff = Objects.requireNonNull(backoff, "backoff");
      return this;
    }

    /**
     * How long a reconcile may take before it is interrupted and tried again; 5 minutes unless told
     * otherwise, zero for as long as it likes.
     *
     * @throws IllegalArgumentException if it is negative
     */
    public Builder<T> reconcileTimeout(Duration timeout) {
      this.reconcileTimeout = notNegative("reconcileTimeout", timeout);
      return this;
    }

    /**
     * How long {@link Controller#close()} waits for reconciles in hand before it interrupts them;
     * 30 s unless told otherwise.
     *
     * @throws IllegalArgumentException if it is negative
     */
    public Builder<T> shutdownTimeout(Duration timeout) {
      this.shutdownTimeout = notNegative("shutdownTimeout", timeout);
      return this;
    }

    /** The time for waits, delays and deadlines; the system's unless told otherwise. */
    public Builder<T> time(TimeSource time) {
      this.time = Objects.requireNonNull(time, "time");
      return this;
    }

    /** The wall clock, for dates in the status; the system's unless told otherwise. */
    public Builder<T> clock(InstantSource clock) {
      this.clock = Objects.requireNonNull(clock, "clock");
      return this;
    }

    /** Who is told of what happens in the queue: see {@link WorkQueue.Builder#listener}. */
    public Builder<T> listener(FlowListener listener) {
      this.listener = Objects.requireNonNull(listener, "listener");
      return this;
    }

    /**
     * The version of what the reconciler does. With a {@linkplain Informer.Builder#journal journal}
     * what an earlier run has finished is not done again, as long as the version is the same. When
     * it is another one, all objects are reconciled again, at low priority and at 50 a second;
     * {@link ControllerStatus#repeat()} shows how far that is. Without a journal it means nothing.
     */
    public Builder<T> reconcilerVersion(String version) {
      this.reconcilerVersion = Objects.requireNonNull(version, "version");
      return this;
    }

    /**
     * As {@link #reconcilerVersion(String)}, at another rate.
     *
     * @param rate how fast objects are reconciled again when the version has changed
     */
    public Builder<T> reconcilerVersion(String version, Rate rate) {
      this.repeatRate = Objects.requireNonNull(rate, "rate");
      return reconcilerVersion(version);
    }

    /**
     * Which changes of the informer's own objects matter; {@link ChangeFilter#everything()} unless
     * told otherwise. A {@linkplain Informer.Builder#resyncEvery resync} does not ask it.
     */
    public Builder<T> filteredBy(ChangeFilter filter) {
      this.filter = Objects.requireNonNull(filter, "filter");
      return this;
    }

    /**
     * Watches objects of another kind that belong to those of this controller: when one changes,
     * the object that its {@code metadata.ownerReferences} name as its controller is reconciled,
     * and the one that it had before, if that is another.
     */
    public <S> Builder<T> owning(Informer<S> owned) {
      return owning(owned, ChangeFilter.everything());
    }

    /**
     * As {@link #owning(Informer)}.
     *
     * @param filter which changes of the owned objects matter
     */
    public <S> Builder<T> owning(Informer<S> owned, ChangeFilter filter) {
      ResourceKind kind = informer.kind();
      others.add(
          new Other<S>(
              Objects.requireNonNull(owned, "owned"),
              "owns",
              put -> Related.owners(kind, put.resource(), false),
              Objects.requireNonNull(filter, "filter")));
      return this;
    }

    /**
     * Watches objects of another kind that those of this controller refer to, or that matter to
     * them otherwise: when one changes, those that it maps to are reconciled, and those that it
     * mapped to before.
     *
     * <p>Before the first lists of all other informers are there nothing is reconciled: what a
     * reconciler looks up in their stores is there. What is in those first lists comes with low
     * priority.
     *
     * @param mapping the keys of the objects that one concerns, known or not; quick, without side
     *     effects. When it throws, that is counted and logged, and those it mapped to before are
     *     reconciled
     */
    public <S> Builder<T> mapping(
        Informer<S> other, Function<? super S, ? extends Collection<ObjectKey>> mapping) {
      return mapping(other, mapping, ChangeFilter.everything());
    }

    /**
     * As {@link #mapping(Informer, Function)}.
     *
     * @param filter which changes of the other objects matter
     */
    public <S> Builder<T> mapping(
        Informer<S> other,
        Function<? super S, ? extends Collection<ObjectKey>> mapping,
        ChangeFilter filter) {
      Objects.requireNonNull(mapping, "mapping");
      others.add(
          new Other<S>(
              Objects.requireNonNull(other, "other"),
              "maps",
              put -> mapping.apply(put.object()),
              Objects.requireNonNull(filter, "filter")));
      return this;
    }

    /**
     * Listens to something outside Kubernetes.
     *
     * @param name for its thread, status and logs
     * @throws IllegalArgumentException if there is one of this name
     */
    public Builder<T> source(String name, ExternalSource source) {
      Objects.requireNonNull(source, "source");
      if (sources.putIfAbsent(Objects.requireNonNull(name, "name"), source) != null) {
        throw new IllegalArgumentException("there is a source '" + name + "' already");
      }
      return this;
    }

    /**
     * Who shares the workers: keys of one tenant take turns as one, those of several by their
     * {@linkplain #weight weights}. The namespace unless told otherwise.
     */
    public Builder<T> tenants(Function<? super ObjectKey, String> tenantOf) {
      this.tenants = Objects.requireNonNull(tenantOf, "tenantOf");
      return this;
    }

    /**
     * How many turns a tenant has for each turn of another; 1 unless told otherwise.
     *
     * @throws IllegalArgumentException when the controller is started, if the weight is out of
     *     range
     */
    public Builder<T> weight(String tenant, int weight) {
      weights.put(Objects.requireNonNull(tenant, "tenant"), weight);
      return this;
    }

    /** What is to be done for each key. */
    public Builder<T> reconcile(Reconciler<T> reconciler) {
      this.reconciler = Objects.requireNonNull(reconciler, "reconciler");
      return this;
    }

    /**
     * Starts the controller. Returns at once.
     *
     * @throws IllegalArgumentException if it is {@linkplain #limitedBy(AdaptiveLimit.Builder)
     *     limited} by an adaptive limit that is none of a rate
     * @throws IllegalStateException if it was not told {@linkplain #reconcile what to do}, if the
     *     informer is closed, or if its gate is BLOCK or PAUSE and has a consumer already
     */
    public Controller<T> start() {
      if (reconciler == null) {
        throw new IllegalStateException(
            "the controller '" + name + "' does not know what to do: call reconcile(...)");
      }
      Controller<T> controller = new Controller<>(this, reconciler);
      controller.engine.start();
      return controller;
    }

    private static Duration notNegative(String what, Duration value) {
      if (value.isNegative()) {
        throw new IllegalArgumentException(what + " is not negative: " + value);
      }
      return value;
    }
  }
}
