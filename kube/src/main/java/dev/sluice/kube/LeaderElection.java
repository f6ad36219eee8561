package dev.sluice.kube;

import dev.sluice.flow.Experimental;
import dev.sluice.flow.FlowEvent;
import dev.sluice.flow.FlowListener;
import dev.sluice.flow.TimeSource;
import dev.sluice.kube.internal.election.Candidacy;
import dev.sluice.kube.internal.json.MalformedJsonException;
import dev.sluice.kube.internal.time.Interrupter;
import dev.sluice.kube.internal.time.Sleeper;
import java.io.IOException;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.time.Duration;
import java.time.InstantSource;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.SplittableRandom;
import java.util.UUID;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/**
 * Of several replicas lets one at a time do the work, by a Lease on the API server.
 *
 * <pre>{@code
 * try (LeaderElection election =
 *     LeaderElection.over(transport).lease("operators", "certificates")
 *         .whileLeading(leadership -> {
 *           Writer writer = Writer.over(leadership.guard(transport)).build();
 *           return Controller.named("certificates").watching(informer)...start();
 *         })
 *         .start()) {
 *   stop.await();
 * }
 * }</pre>
 *
 * <p><b>What holds.</b> A leader may act for 10 s from when the renewal that succeeded last was
 * sent; another takes over when it has not seen the Lease change for 15 s. Both are measured by the
 * clock of the one who measures; what others wrote as dates is never looked at, so that clocks may
 * be wrong, and may differ in speed by a third. Whether the time is over is asked of the
 * {@linkplain Leadership#guard guarded} transport for each request that changes something, as the
 * last thing before its bytes leave: a process that was stopped in between and wakes later starts
 * no such request any more. What was on the wire by then may still arrive; it does no harm if it is
 * bound to uid and resource version, as the writes of {@link StatusWriter}, {@link Finalizer} and
 * {@link Writer#modify} are, or creates an object under a name that follows from what it is for.
 *
 * <p>(A virtual machine that is suspended as a whole may stop the clock, too. Of that only bound
 * writes are safe.)
 *
 * <p>What it leads is started when it becomes the leader and closed when it no longer is, on a
 * virtual thread of its own. {@link #close()} closes what it leads, still as the leader, and gives
 * the Lease back: another replica takes it within about a second.
 *
 * <p>Needs {@code get}, {@code create} and {@code update} on {@code leases.coordination.k8s.io}.
 * Its own requests go past every {@link Writer}'s limit. Safe for use by any number of threads.
 */
@Experimental
public final class LeaderElection implements AutoCloseable {
  private static final System.Logger LOG = System.getLogger("dev.sluice.kube.LeaderElection");
  private static final ResourceKind LEASES =
      ResourceKind.namespaced("coordination.k8s.io", "v1", "leases", "Lease");
  private static final int LONGEST = 1 << 20;
  private static final String JSON = "application/json";

  private final Transport transport;
  private final ObjectKey lease;
  private final String identity;
  private final Led led;
  private final TimeSource time;
  private final InstantSource clock;
  private final FlowListener listener;
  private final Duration requestTimeout;
  private final Sleeper sleeper;
  private final Candidacy candidacy;
  private final AtomicBoolean closed = new AtomicBoolean();
  private final Thread thread;
  private volatile boolean ending;
  private volatile @Nullable Tenure tenure;
  private volatile String lastFailure = "";

  /** What only the leader does. */
  @FunctionalInterface
  @Experimental
  public interface Led {
    /**
     * Begins. Called on a virtual thread, which is interrupted when the leadership is lost before
     * it returns. What it throws ends nothing but this attempt: it is logged, and the Lease is
     * given back for others to try.
     *
     * @return what ends it: closed when the leadership is lost or given back
     */
    AutoCloseable begin(Leadership leadership) throws Exception;
  }

  /** One time of being the leader. Safe for use by any number of threads. */
  @Experimental
  public final class Leadership {
    private final long term;

    private Leadership(long term) {
      this.term = term;
    }

    /** Its number: greater than that of every earlier leadership of this Lease. */
    public long term() {
      return term;
    }

    /** Whether it lasts, by what is known here and now. */
    public boolean lasts() {
      return candidacy.term() == term && candidacy.mayAct(time.nanoTime());
    }

    /**
     * A transport that sends what changes something only while this leadership lasts; reads pass.
     * Closing it does not close the other.
     */
    public Transport guard(Transport other) {
      return new Guarded(Objects.requireNonNull(other, "other"), this);
    }

    private void check() throws NotLeaderException {
      if (!lasts()) {
        throw new NotLeaderException(
            "not sent: "
                + identity
                + " is no longer the leader by "
                + lease
                + " (its term "
                + term
                + " is over)");
      }
    }
  }

  /** A request was not sent, because the leadership that it belonged to is over. */
  @Experimental
  public static final class NotLeaderException extends IOException {
    private static final long serialVersionUID = 1L;

    private NotLeaderException(String message) {
      super(message);
    }
  }

  private record Guarded(Transport other, Leadership leadership) implements Transport {
    @Override
    public Response send(Request request) throws IOException, InterruptedException {
      if (request.method().equals("GET") || request.method().equals("HEAD")) {
        return other.send(request);
      }
      leadership.check();
      return other.send(request.guardedBy(leadership::check));
    }

    @Override
    public void close() {}
  }

  private LeaderElection(Builder builder, Led led) {
    this.transport = builder.transport;
    this.lease = builder.lease;
    this.identity = builder.identity;
    this.led = led;
    this.time = builder.time;
    this.clock = builder.clock;
    this.listener = builder.listener;
    this.sleeper = Sleeper.by(time);
    this.requestTimeout = builder.renewDeadline.dividedBy(2);
    this.candidacy =
        new Candidacy(
            lease.namespace(),
            lease.name(),
            new Candidacy.Settings(
                identity,
                builder.leaseDuration,
                builder.renewDeadline,
                builder.retryPeriod,
                builder.pollPeriod),
            builder.random);
    this.thread = Thread.ofVirtual().name("sluice-election-" + lease.name()).unstarted(this::run);
  }

  /** An election among those who reach the same server. */
  public static Builder over(Transport transport) {
    return new Builder(Objects.requireNonNull(transport, "transport"));
  }

  /**
   * How it stands.
   *
   * @param identity of this candidate
   * @param leading whether it is the leader and may act
   * @param holder who holds the Lease, as it was read last; empty if nobody does
   * @param term of the present leadership, or of its own last one; zero if there was none
   * @param validFor how long it may act without another renewal; zero if it is not the leader
   * @param lastFailure what the last request that failed said; empty if there was none
   */
  public record Status(
      String identity,
      boolean leading,
      String holder,
      long term,
      Duration validFor,
      String lastFailure) {}

  /** How it stands. */
  public Status status() {
    long now = time.nanoTime();
    return new Status(
        identity,
        candidacy.mayAct(now),
        candidacy.holder(),
        candidacy.term(),
        Duration.ofNanos(candidacy.validFor(now)),
        lastFailure);
  }

  /** Whether this is the leader, and may act. */
  public boolean isLeader() {
    return candidacy.mayAct(time.nanoTime());
  }

  /** What is led, from its beginning to its end, on a thread of its own. */
  private final class Tenure {
    private final Leadership leadership;
    private final Thread worker;
    private final CountDownLatch over = new CountDownLatch(1);
    private volatile boolean failed;

    Tenure(Leadership leadership) {
      this.leadership = leadership;
      this.worker =
          Thread.ofVirtual()
              .name("sluice-leading-" + lease.name() + "-" + leadership.term)
              .unstarted(this::lead);
    }

    private void lead() {
      try {
        AutoCloseable begun = led.begin(leadership);
        try {
          over.await();
        } catch (InterruptedException e) {
          // Over.
        }
        begun.close();
      } catch (Throwable e) {
        failed = true;
        if (over.getCount() > 0) {
          LOG.log(
              System.Logger.Level.WARNING,
              "what '" + identity + "' leads by " + lease + " failed; the lease is given back",
              e);
        }
      }
    }

    /** Ends it, and waits until it has ended. */
    void end(boolean abruptly) throws InterruptedException {
      over.countDown();
      if (abruptly) {
        worker.interrupt();
      }
      worker.join();
    }
  }

  private void run() {
    while (!ending) {
      try {
        step();
      } catch (InterruptedException e) {
        // Something has changed: look again.
      } catch (RuntimeException e) {
        LOG.log(System.Logger.Level.ERROR, "a defect in the election for " + lease, e);
        candidacy.failed(time.nanoTime());
      }
    }
  }

  private void step() throws InterruptedException {
    Candidacy.Move move = candidacy.next(time.nanoTime(), clock.instant());
    follow();
    switch (move) {
      case Candidacy.Move.Wait wait -> {
        long until =
            candidacy.isLeading()
                ? Math.min(wait.nanos(), candidacy.validFor(time.nanoTime()))
                : wait.nanos();
        sleeper.sleep(Math.max(1, until));
      }
      case Candidacy.Move.Read read -> ask("GET", new byte[0]);
      case Candidacy.Move.Write write -> ask(write.create() ? "POST" : "PUT", write.body());
    }
    follow();
  }

  /** Starts or ends what is led, as it should be. */
  private void follow() throws InterruptedException {
    Tenure present = tenure;
    boolean leads = candidacy.mayAct(time.nanoTime());
    if (present != null && (!leads || present.leadership.term != candidacy.term())) {
      tell("lost", "leading", "candidate");
      // Nobody is led here before that is over; others may lead meanwhile.
      present.end(true);
      tenure = null;
    } else if (present != null && present.failed) {
      present.end(false);
      tenure = null;
      tell("failed", "leading", "candidate");
      give();
      sleeper.sleep(requestTimeout.toNanos());
      candidacy.stand(true);
    } else if (present == null && leads && !closed.get()) {
      Tenure begins = new Tenure(new Leadership(candidacy.term()));
      tenure = begins;
      tell("elected", "candidate", "leading");
      begins.worker.start();
    }
  }

  private void tell(String cause, String from, String to) {
    try {
      listener.on(new FlowEvent.StateChanged(lease.toString(), cause, from, to));
    } catch (RuntimeException e) {
      LOG.log(System.Logger.Level.DEBUG, "a listener threw; the election goes on", e);
    }
  }

  /** Asks the server, for as long as it may take, and tells the candidacy. */
  private void ask(String method, byte[] body) throws InterruptedException {
    long sent = time.nanoTime();
    long allowed = requestTimeout.toNanos();
    if (candidacy.isLeading()) {
      allowed = Math.max(1, Math.min(allowed, candidacy.validFor(sent)));
    }
    Map<String, String> headers = new LinkedHashMap<>();
    headers.put("Accept", JSON);
    if (body.length > 0) {
      headers.put("Content-Type", JSON);
    }
    String path = method.equals("POST") ? LEASES.path(lease.namespace()) : LEASES.path(lease);
    Interrupter deadline = Interrupter.after(time, allowed);
    try (Transport.Response response =
        transport.send(new Transport.Request(method, path, headers, body))) {
      byte[] answer = response.body().readNBytes(LONGEST);
      long now = time.nanoTime();
      int status = response.status();
      if (status == 200 || status == 201) {
        if (method.equals("GET")) {
          candidacy.read(now, answer);
        } else {
          candidacy.written(sent, now, answer);
        }
      } else if (status == 404 && method.equals("GET")) {
        candidacy.read(now, null);
      } else if (status == 409 || status == 404 && method.equals("PUT")) {
        candidacy.refused(now);
      } else {
        failed(method + " " + path + ": " + status);
      }
    } catch (IOException e) {
      failed(e.toString());
    } catch (MalformedJsonException e) {
      failed(method + " " + path + ": no Lease: " + e.getMessage());
    } catch (InterruptedException e) {
      failed(method + " " + path + ": no answer in time");
      if (!deadline.fired()) {
        throw e;
      }
    } finally {
      deadline.disarm();
    }
  }

  private void failed(String why) {
    lastFailure = why;
    candidacy.failed(time.nanoTime());
  }

  /** Gives the Lease back; if the server cannot be reached it runs out by itself. */
  private void give() throws InterruptedException {
    for (int attempt = 0; attempt < 3; attempt++) {
      Candidacy.Move.Write back = candidacy.release(time.nanoTime(), clock.instant());
      if (back == null) {
        return;
      }
      ask("PUT", back.body());
      if (candidacy.holder().equals(identity)) {
        ask("GET", new byte[0]); // a renewal that was on its way has changed the version
      }
    }
  }

  /**
   * Ends what it leads, and waits for that, while it goes on to renew the Lease; then gives the
   * Lease back. Blocks until that is done. Closing twice is harmless.
   */
  @Override
  public void close() {
    if (!closed.compareAndSet(false, true)) {
      return;
    }
    boolean interrupted = false;
    candidacy.stand(false);
    Tenure present = tenure;
    if (present != null) {
      try {
        present.end(false);
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    ending = true;
    thread.interrupt();
    try {
      thread.join();
      Tenure late = tenure;
      if (late != null) {
        late.end(false);
      }
      give();
    } catch (InterruptedException e) {
      interrupted = true;
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  /** Builds an election. Owned by one thread. */
  @Experimental
  public static final class Builder {
    private final Transport transport;
    private ObjectKey lease = ObjectKey.of("default", "unnamed");
    private boolean named;
    private String identity = host() + "_" + UUID.randomUUID();
    private Duration leaseDuration = Duration.ofSeconds(15);
    private Duration renewDeadline = Duration.ofSeconds(10);
    private Duration retryPeriod = Duration.ofSeconds(2);
    private Duration pollPeriod = Duration.ofSeconds(1);
    private TimeSource time = TimeSource.system();
    private InstantSource clock = InstantSource.system();
    private RandomGenerator random = new SplittableRandom();
    private FlowListener listener = FlowListener.NONE;
    private @Nullable Led led;

    private Builder(Transport transport) {
      this.transport = transport;
    }

    private static String host() {
      try {
        return InetAddress.getLocalHost().getHostName();
      } catch (UnknownHostException e) {
        return "unknown";
      }
    }

    /** Which Lease; it is created if it is not there. */
    public Builder lease(String namespace, String name) {
      this.lease = ObjectKey.of(namespace, name);
      this.named = true;
      return this;
    }

    /**
     * Who this is; the host's name and a random number unless told otherwise. No other candidate,
     * and no earlier process, may have the same.
     *
     * @throws IllegalArgumentException if it is empty
     */
    public Builder identity(String identity) {
      if (identity.isEmpty()) {
        throw new IllegalArgumentException("a candidate's identity is not empty");
      }
      this.identity = identity;
      return this;
    }

    /**
     * How long a leader lasts; 15 s, 10 s and 2 s unless told otherwise, as with client-go.
     *
     * @param leaseDuration how long the Lease must not have changed before another takes it; a
     *     whole number of seconds
     * @param renewDeadline how long after the last renewal the leader may act
     * @param retryPeriod how often it renews
     * @throws IllegalArgumentException if they are not positive, or the renew deadline is more than
     *     four fifths of the lease duration, or less than twice the retry period
     */
    public Builder durations(Duration leaseDuration, Duration renewDeadline, Duration retryPeriod) {
      if (leaseDuration.compareTo(Duration.ofSeconds(1)) < 0
          || leaseDuration.getNano() != 0
          || retryPeriod.isNegative()
          || retryPeriod.isZero()
          || renewDeadline.multipliedBy(5).compareTo(leaseDuration.multipliedBy(4)) > 0
          || renewDeadline.compareTo(retryPeriod.multipliedBy(2)) < 0) {
        throw new IllegalArgumentException(
            "leaseDuration "
                + leaseDuration
                + ", renewDeadline "
                + renewDeadline
                + ", retryPeriod "
                + retryPeriod
                + ": the first is whole seconds, the second is at most four fifths of it, and at"
                + " least twice the third");
      }
      this.leaseDuration = leaseDuration;
      this.renewDeadline = renewDeadline;
      this.retryPeriod = retryPeriod;
      return this;
    }

    /**
     * How often one who is not the leader looks at the Lease; 1 s, give or take a tenth, unless
     * told otherwise. It is how long a Lease that was given back lies idle.
     *
     * @throws IllegalArgumentException if it is less than 10 ms
     */
    public Builder pollEvery(Duration period) {
      if (period.compareTo(Duration.ofMillis(10)) < 0) {
        throw new IllegalArgumentException("pollEvery is at least 10 ms, not " + period);
      }
      this.pollPeriod = period;
      return this;
    }

    /** The clock of all durations; the system's unless told otherwise. */
    public Builder time(TimeSource time) {
      this.time = Objects.requireNonNull(time, "time");
      return this;
    }

    /** The wall clock, for the dates in the Lease, which only people read. */
    public Builder clock(InstantSource clock) {
      this.clock = Objects.requireNonNull(clock, "clock");
      return this;
    }

    /** Where jitter comes from. Used by one thread only. */
    public Builder random(RandomGenerator random) {
      this.random = Objects.requireNonNull(random, "random");
      return this;
    }

    /**
     * Who is told of {@link FlowEvent.StateChanged} between {@code candidate} and {@code leading},
     * with the causes {@code elected}, {@code lost} and {@code failed}.
     */
    public Builder listener(FlowListener listener) {
      this.listener = Objects.requireNonNull(listener, "listener");
      return this;
    }

    /** What only the leader does. */
    public Builder whileLeading(Led led) {
      this.led = Objects.requireNonNull(led, "led");
      return this;
    }

    /**
     * Starts to stand for election. Returns at once.
     *
     * @throws IllegalStateException if it was not told {@linkplain #lease which Lease} or
     *     {@linkplain #whileLeading what to lead}
     */
    public LeaderElection start() {
      if (!named) {
        throw new IllegalStateException("an election needs a Lease: call lease(namespace, name)");
      }
      if (led == null) {
        throw new IllegalStateException(
            "the election for " + lease + " does not know what to lead: call whileLeading(...)");
      }
      LeaderElection election = new LeaderElection(this, led);
      election.thread.start();
      return election;
    }
  }
}
