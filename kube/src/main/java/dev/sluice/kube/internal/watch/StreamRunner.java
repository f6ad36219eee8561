package dev.sluice.kube.internal.watch;

import dev.sluice.flow.Backoff;
import dev.sluice.flow.FlowEvent;
import dev.sluice.flow.FlowListener;
import dev.sluice.flow.TimeSource;
import dev.sluice.kube.ObjectKey;
import dev.sluice.kube.StopCause;
import dev.sluice.kube.StreamStatus.Phase;
import dev.sluice.kube.StreamStatus.Undecodable;
import dev.sluice.kube.StreamStop;
import dev.sluice.kube.Transport;
import dev.sluice.kube.internal.json.MalformedJsonException;
import dev.sluice.kube.internal.json.ObjectScanner;
import dev.sluice.kube.internal.store.Difference;
import dev.sluice.kube.internal.store.Entry;
import dev.sluice.kube.internal.store.Incarnation;
import dev.sluice.kube.internal.store.ObjectStore;
import dev.sluice.kube.internal.store.Versions;
import dev.sluice.kube.internal.time.Sleeper;
import dev.sluice.kube.internal.transport.FrameReader;
import dev.sluice.kube.internal.transport.ListReader;
import dev.sluice.kube.internal.transport.RetryAfter;
import dev.sluice.kube.internal.transport.ServerStatus;
import dev.sluice.kube.internal.watch.Outlet.Handover;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/**
 * Takes the actions that the {@link WatchMachine} asks for, on one thread: sends, reads, writes to
 * the store, hands over, waits. All I/O of a stream is here and all decisions are there.
 *
 * <p>What a full gate did not take stands in the backlog, in order: at most one event while
 * watching, at most the differences of one list while listing (a list is not begun before the
 * backlog is empty). Whatever happens to the connection meanwhile, the backlog is handed over.
 */
public final class StreamRunner implements Runnable {
  private static final System.Logger LOG = System.getLogger("dev.sluice.kube.Informer");
  private static final int HEAD = 512;
  private static final Duration LEAST_AFTER_A_DEFECT = Duration.ofMillis(100);
  private static final int MOST_ASKED_FOR = 1000;
  private static final int MOST_OF_A_NAMESPACE = 1 << 20;
  private static final String INITIAL_EVENTS_END = "k8s.io/initial-events-end";

  private final StreamOptions options;
  private final Transport transport;
  private final ObjectStore store;
  private final Outlet outlet;
  private final TimeSource time;
  private final InstantSource clock;
  private final RandomGenerator random;
  private final Sleeper sleeper;
  private final FlowListener listener;
  private final StreamLog log;

  private final WatchMachine machine;
  private final Requests requests;
  private final Backoff.Attempts attempts;
  private final StreamRecord record = new StreamRecord();
  private final ObjectScanner scanner;
  private final Deque<Handover> backlog = new ArrayDeque<>();

  private volatile State state = new State.Fresh();
  private volatile boolean closing;
  private volatile @Nullable Thread owner;
  private volatile @Nullable Exchange exchange;
  private volatile boolean synced;
  private volatile boolean fresh;
  private volatile Optional<String> anchorAtEnd = Optional.empty();
  private String freshAt = "";

  /** What the server said when it was asked at the start, until that is used; and what it had. */
  private @Nullable Input probed;

  private StreamLog.@Nullable First first;
  private boolean owesAll;
  private boolean forked;
  private volatile @Nullable String diverged;
  private volatile Runnable lostConnection = () -> {};

  // The stream that is open.
  private @Nullable FrameReader frames;
  private long openedNanos;
  private long askedNanos;
  private boolean initialEvents;
  private boolean damagedList;
  private long receivedBefore;
  private Phase phase = Phase.NEW;

  /**
   * A stream.
   *
   * @param clock the wall clock, for dates in headers and for status
   * @param random where jitter comes from; used by the stream's thread only
   * @param log where it keeps what it needs after a restart
   */
  public StreamRunner(
      StreamOptions options,
      Transport transport,
      ObjectStore store,
      Outlet outlet,
      TimeSource time,
      InstantSource clock,
      RandomGenerator random,
      Sleeper sleeper,
      FlowListener listener,
      StreamLog log) {
    this.options = options;
    this.transport = transport;
    this.store = store;
    this.scanner = new ObjectScanner(store);
    this.outlet = outlet;
    this.time = time;
    this.clock = clock;
    this.random = random;
    this.sleeper = sleeper;
    this.listener = listener;
    this.log = log;
    this.machine = new WatchMachine(options.streamingList());
    this.requests = new Requests(options);
    this.attempts = options.backoff().attempts(time, random);
  }

  /** What the stream has done. */
  public StreamRecord record() {
    return record;
  }

  /** The last version up to which every event was handed over; empty before the first list was. */
  public Optional<String> anchor() {
    State now = state;
    return now instanceof State.Closed ? anchorAtEnd : WatchMachine.anchor(now);
  }

  /** Whether the first list has been handed over. */
  public boolean synced() {
    return synced;
  }

  /**
   * Whether the store is known to have been as new as the server when the stream began, or newer: a
   * list was read since, or everything up to the version that the server was at then.
   */
  public boolean fresh() {
    return fresh;
  }

  /** Who is told when a connection was lost, so that the server may be another one than before. */
  public void onLostConnection(Runnable told) {
    lostConnection = told;
  }

  /**
   * The store was found to differ from the server: it is listed again. From any thread.
   *
   * @param detail in what it differs
   */
  public void diverged(String detail) {
    diverged = detail;
    Exchange open = exchange;
    if (open != null) {
      open.close();
    }
  }

  /** Ends the stream, from any thread. The running {@link #run} returns soon after. */
  public void close() {
    closing = true;
    Exchange open = exchange;
    if (open != null) {
      open.close();
    }
    Thread running = owner;
    if (running != null) {
      running.interrupt();
    }
  }

  /** Runs the stream until it is closed. */
  @Override
  public void run() {
    owner = Thread.currentThread();
    Input input = begin();
    while (!(state instanceof State.Closed)) {
      try {
        input = act(step(input));
      } catch (Throwable e) { // a checked one, too: not every language declares them
        input = unexpected(e);
      }
    }
  }

  /** Brings back what was kept, which decides where the stream begins. */
  private Input begin() {
    try {
      return switch (log.restore(store, new Server())) {
        case StreamLog.Restored.Nothing nothing -> {
          probed = null;
          yield new Input.Start();
        }
        case StreamLog.Restored.Resume resume -> {
          store
              .view()
              .entries()
              .forEach(entry -> {
                outlet.known(entry);
                handOver(entry, true);
              });
          // Nobody has seen what happened meanwhile to the server.
          lostConnection.run();
          yield new Input.Restored(resume.anchor());
        }
        case StreamLog.Restored.Relist relist -> {
          probed = null;
          store.view().entries().forEach(outlet::known);
          owesAll = true;
          yield new Input.Start();
        }
      };
    } catch (InterruptedException e) {
      closing = true;
      return new Input.Close();
    } catch (Throwable e) {
      return unexpected(e);
    }
  }

  /** What a journal asks of the server. */
  private final class Server implements StreamLog.Cluster {
    @Override
    public String uid() throws InterruptedException {
      return clusterUid();
    }

    @Override
    public Optional<StreamLog.First> first() throws InterruptedException {
      enter(Phase.PROBING, "restore");
      Input answer = ask();
      probed = answer instanceof Input.Probed ? answer : null;
      return Optional.ofNullable(first);
    }

    @Override
    public byte[] value(ObjectKey key, String uid) {
      return fetch(key, uid);
    }
  }

  /** An object as the store would keep it, on the thread of whoever wants it. */
  private byte[] fetch(ObjectKey key, String uid) {
    long deadline = options.requestDeadline().toNanos();
    String why;
    try (Exchange asked = Exchange.open(time, transport, requests.whole(key), deadline, deadline)) {
      int status = asked.response().status();
      if (status == 200) {
        byte[] body = asked.body().readNBytes(options.maxObjectSize());
        ObjectScanner object = new ObjectScanner();
        object.scanObject(body, 0, body.length);
        if (object.uid().equals(uid)) {
          return store.kept(object);
        }
        why = "it was replaced";
      } else {
        why = status == 404 ? "it is gone" : "the server answered " + status;
      }
    } catch (MalformedJsonException e) {
      why = "what the server sent is no object: " + e.getMessage();
    } catch (IOException e) {
      why = Failures.describe(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      why = "interrupted";
    }
    throw new IllegalStateException(
        "the value of "
            + key
            + ", which the journal does not keep, could not be fetched: "
            + why
            + "; if the object has changed, its event is on the way");
  }

  /** The uid of a namespace that every cluster has and none deletes. */
  private String clusterUid() throws InterruptedException {
    enter(Phase.PROBING, "restore");
    while (true) {
      Exchange opened = open(requests.cluster(), options.requestDeadline());
      if (opened != null) {
        try {
          byte[] body = opened.body().readNBytes(MOST_OF_A_NAMESPACE);
          scanner.scanObject(body, 0, body.length);
          return scanner.uid();
        } catch (MalformedJsonException e) {
          return "";
        } catch (IOException e) {
          failure = new Input.Broken(Failures.reading(e), Failures.describe(e));
        } finally {
          closeExchange();
        }
      }
      if (failure instanceof Input.Refused refused
          && (refused.status().code() == 403 || refused.status().code() == 404)) {
        return "";
      }
      if (closing) {
        throw new InterruptedException();
      }
      sleeper.sleep(attempts.nextDelay().toNanos());
    }
  }

  /** One step of the machine: what to do next. */
  private Action step(Input input) {
    Step step = machine.step(state, next(input));
    if (step.state() instanceof State.Closed) {
      anchorAtEnd = WatchMachine.anchor(state);
    }
    state = step.state();
    if (step.stop() != null || !(step.state() instanceof State.Watching)) {
      moved(step);
    } else if (phase != Phase.WATCHING) {
      enter(Phase.WATCHING, "stream-open");
    }
    return step.action();
  }

  /** What happened, unless something else has that matters more. */
  private Input next(Input input) {
    if (closing) {
      return new Input.Close();
    }
    String found = diverged;
    if (found == null) {
      return input;
    }
    if (state instanceof State.Listing || state instanceof State.StreamingList) {
      diverged = null;
    } else if (state instanceof State.Watching) {
      diverged = null;
      return new Input.Diverged(found);
    }
    return input;
  }

  private Input act(Action action) {
    if (!(action instanceof Action.Apply || action instanceof Action.ReadFrame)) {
      outlet.flush();
    }
    while (true) {
      try {
        return attempt(action);
      } catch (InterruptedException e) {
        // Nobody but its owner ends a stream: a listener or a transport that interrupts this thread
        // for reasons of its own has only made it begin the action again.
        if (closing) {
          return new Input.Close();
        }
      }
    }
  }

  private Input attempt(Action action) throws InterruptedException {
    return switch (action) {
      case Action.ReadFrame read -> readFrame();
      case Action.Apply apply -> apply();
      case Action.ReadPage page -> readPage(page);
      case Action.FinishList finish -> finishList(finish.version());
      case Action.HandOver handOver -> handOver();
      case Action.Probe probe -> probe();
      case Action.OpenWatch open -> openWatch(open.version());
      case Action.BackOff wait -> {
        sleeper.sleep(delayNanos);
        yield new Input.Elapsed();
      }
      case Action.Rest rest -> new Input.Close();
    };
  }

  /**
   * A defect, here or in a transport, or no memory or stack for what arrived: the stream is begun
   * anew with a list, so that nothing that may have been half done matters. Whatever else fails
   * meanwhile, a stream that ended here would be a dead one that nobody notices.
   */
  private Input unexpected(Throwable defect) {
    anyway(() ->
        LOG.log(
            System.Logger.Level.ERROR,
            "the stream '" + options.name() + "' met what it must not; it is begun anew",
            defect));
    anyway(() ->
        moved(
            Step.stopped(
                StopCause.RESET,
                "unexpected: " + Failures.describe(defect),
                new State.BackingOff(new State.Next.Relist(0), StopCause.RESET),
                new Action.BackOff(Duration.ZERO))));
    anyway(outlet::flush);
    try {
      sleeper.sleep(Math.max(delayNanos, LEAST_AFTER_A_DEFECT.toNanos()));
    } catch (InterruptedException e) {
      // If it was to end it, that is seen next.
    }
    state = new State.Fresh();
    return new Input.Start();
  }

  private static void anyway(Runnable action) {
    try {
      action.run();
    } catch (Throwable e) {
      // There is nobody left to tell.
    }
  }

  // --- what is shown of it ---

  private long delayNanos;

  private void moved(Step step) {
    Step.Stop stop = step.stop();
    Phase next = phaseOf(step.state());
    if (stop == null) {
      if (next != phase) {
        enter(next, word(next));
      }
      return;
    }
    closeExchange();
    String then = "";
    if (step.action() instanceof Action.BackOff wait) {
      delayNanos =
          wait.atLeast().isZero()
              ? attempts.nextDelay().toNanos()
              : attempts.nextDelay(wait.atLeast()).toNanos();
      String length = millis(delayNanos);
      if (attempts.cause().equals("retry-after-capped")) {
        record.retryAfterCapped.increment();
        length += ", capped: the server asked for " + wait.atLeast().toSeconds() + " s";
      }
      then = describe(((State.BackingOff) step.state()).next()) + " in " + length;
    } else if (step.state() instanceof State.Held) {
      then = "resume when the gate has drained";
    }
    record.stopped(new StreamStop(clock.instant(), stop.cause(), stop.detail(), then));
    enter(next, stop.cause().id());
    switch (stop.cause()) {
      case RESET, EOF, UNREACHABLE, IDLE, SERVER_ERROR, TLS -> lostConnection.run();
      // The server has another past than the store: what is equal there may be so in name only.
      case VERSION_REGRESSED, AUDIT_DIVERGED -> forked = true;
      default -> {}
    }
  }

  private void enter(Phase next, String cause) {
    Phase before = phase;
    phase = next;
    record.entered(next, clock.instant(), word(before) + " -> " + word(next) + " (" + cause + ")");
    announce(new FlowEvent.StateChanged(options.name(), cause, word(before), word(next)));
  }

  private void announce(FlowEvent event) {
    try {
      listener.on(event);
    } catch (Throwable e) {
      LOG.log(System.Logger.Level.DEBUG, "a listener threw; the stream goes on", e);
    } finally {
      // An interrupt that a listener leaves behind would break off what is read next.
      Thread.interrupted();
      if (closing) {
        Thread.currentThread().interrupt();
      }
    }
  }

  private static String word(Phase phase) {
    return phase.name().toLowerCase(java.util.Locale.ROOT).replace('_', '-');
  }

  private static String millis(long nanos) {
    return nanos < 10_000_000_000L ? nanos / 1_000_000 + " ms" : nanos / 1_000_000_000 + " s";
  }

  private static String describe(State.Next next) {
    return switch (next) {
      case State.Next.Relist relist -> "list again";
      case State.Next.Page page ->
          page.token().isEmpty() ? "list again" : "ask for the same page again";
      case State.Next.Resume resume ->
          (resume.probe() ? "probe, then resume after " : "resume after ")
              + resume.position().anchor();
    };
  }

  private static Phase phaseOf(State state) {
    return switch (state) {
      case State.Fresh fresh -> Phase.NEW;
      case State.Restoring restoring -> Phase.HANDING_OVER;
      case State.Listing listing -> Phase.LISTING;
      case State.StreamingList list -> Phase.LISTING;
      case State.HandingOver handing -> Phase.HANDING_OVER;
      case State.Probing probing -> Phase.PROBING;
      case State.Opening opening -> Phase.WATCHING;
      case State.Watching watching -> Phase.WATCHING;
      case State.Held held -> Phase.HELD;
      case State.BackingOff waiting -> Phase.BACKING_OFF;
      case State.Closed closed -> Phase.CLOSED;
    };
  }

  // --- requests ---

  private void closeExchange() {
    Exchange open = exchange;
    exchange = null;
    frames = null;
    if (open != null) {
      open.close();
    }
  }

  /** Opens an exchange; null and {@link #failure} if that failed. */
  private @Nullable Exchange open(Transport.Request request, Duration silence)
      throws InterruptedException {
    closeExchange();
    try {
      Exchange opened =
          Exchange.open(
              time, transport, request, options.requestDeadline().toNanos(), silence.toNanos());
      opened.beforeReading(outlet::flush);
      exchange = opened;
      if (closing) {
        opened.close();
      }
      int status = opened.response().status();
      if (status == 200) {
        return opened;
      }
      failure = refused(status, opened.response(), opened);
      closeExchange();
      return null;
    } catch (IOException e) {
      failure = new Input.Broken(Failures.connecting(e), Failures.describe(e));
      return null;
    }
  }

  private Input failure = new Input.Close();

  private Input refused(int status, Transport.Response response, Exchange opened) {
    return new Input.Refused(ServerStatus.read(status, opened.body()), retryAfter(response));
  }

  private Optional<Duration> retryAfter(Transport.Response response) {
    return response.header("retry-after").flatMap(text -> RetryAfter.parse(text, clock.instant()));
  }

  private Input readPage(Action.ReadPage page) throws InterruptedException {
    if (page.token().isEmpty()) {
      drain();
      store.beginList(forked);
      log.listing();
      damagedList = false;
    }
    Exchange opened = open(requests.page(page.token(), page.whole()), options.requestDeadline());
    if (opened == null) {
      return failure;
    }
    ListReader list = new ListReader(opened.body(), options.maxObjectSize(), scanner);
    try {
      while (true) {
        switch (list.next()) {
          case ITEM -> item(list);
          case TOO_LONG -> {
            damagedList = true;
            undecodable(
                "an object of "
                    + list.length()
                    + " bytes, more than the limit of "
                    + options.maxObjectSize(),
                list.length(),
                list.bytes(),
                list.start(),
                list.end());
          }
          case CUT -> {
            return silentOr(
                opened, new Input.Broken(StopCause.RESET, "cut in the middle of a list"));
          }
          case STATUS -> {
            return new Input.Refused(list.status(), retryAfter(opened.response()));
          }
          case END -> {
            if (list.resourceVersion().isEmpty()) {
              return new Input.Broken(StopCause.DECODE_ERROR, "a list without a resourceVersion");
            }
            attempts.healthy();
            record.well();
            return new Input.PageRead(list.resourceVersion(), list.continueToken(), damagedList);
          }
        }
      }
    } catch (MalformedJsonException e) {
      return new Input.Broken(StopCause.DECODE_ERROR, "no list: " + e.getMessage());
    } catch (IOException e) {
      return silentOr(opened, new Input.Broken(Failures.reading(e), Failures.describe(e)));
    } finally {
      record.bytes.add(list.received());
      record.frame(clock.instant());
      closeExchange();
    }
  }

  /** A list that falls silent is a connection that broke. */
  private static Input silentOr(Exchange opened, Input.Broken broken) {
    return opened.silent()
        ? new Input.Broken(StopCause.IDLE, "nothing arrived for too long")
        : broken;
  }

  private void item(ListReader list) {
    try {
      if (!list.scanned()) {
        scanner.scanObject(list.bytes(), list.start(), list.end());
      }
      if (scanner.name().isEmpty()) {
        throw new MalformedJsonException("an object without a metadata.name");
      }
    } catch (MalformedJsonException e) {
      damagedList = true;
      undecodable(e.getMessage(), list.length(), list.bytes(), list.start(), list.end());
      return;
    }
    handOver(counted(store.putListed(scanner)));
  }

  private Input finishList(String version) throws InterruptedException {
    int asked = 0;
    for (Entry missing : store.missing()) {
      if (damagedList && (++asked > MOST_ASKED_FOR || !confirmedGone(missing.key()))) {
        record.doubtful.increment();
        continue;
      }
      record.inferredDeletions.increment();
      handOver(counted(store.removeMissing(missing, version)));
    }
    record.lists.increment();
    forked = false;
    store.reached(version);
    if (owesAll) {
      owesAll = false;
      store.view().entries().forEach(entry -> handOver(entry, true));
    }
    initialEvents = false;
    return new Input.ListFinished();
  }

  /** Whether the server says that there is no such object. Leaves the open exchange alone. */
  private boolean confirmedGone(ObjectKey key) throws InterruptedException {
    try (Exchange asked =
        Exchange.open(
            time,
            transport,
            requests.object(key),
            options.requestDeadline().toNanos(),
            options.requestDeadline().toNanos())) {
      return asked.response().status() == 404;
    } catch (IOException e) {
      return false;
    }
  }

  private Input probe() throws InterruptedException {
    Input known = probed;
    probed = null;
    return known == null ? ask() : known;
  }

  private Input ask() throws InterruptedException {
    first = null;
    Exchange opened = open(requests.probe(), options.requestDeadline());
    if (opened == null) {
      return failure;
    }
    ListReader list = new ListReader(opened.body(), options.maxObjectSize());
    try {
      while (true) {
        switch (list.next()) {
          case ITEM -> {
            scanner.scanObject(list.bytes(), list.start(), list.end());
            if (!scanner.name().isEmpty()) {
              first =
                  new StreamLog.First(
                      new ObjectKey(scanner.namespace(), scanner.name()), scanner.uid());
            }
          }
          case TOO_LONG -> {
            // Only the list's own version is of interest.
          }
          case CUT -> {
            return silentOr(
                opened, new Input.Broken(StopCause.RESET, "cut in the middle of a list"));
          }
          case STATUS -> {
            return new Input.Refused(list.status(), retryAfter(opened.response()));
          }
          case END -> {
            if (freshAt.isEmpty()) {
              freshAt = list.resourceVersion();
            }
            return new Input.Probed(list.resourceVersion());
          }
        }
      }
    } catch (MalformedJsonException e) {
      return new Input.Broken(StopCause.DECODE_ERROR, "no list: " + e.getMessage());
    } catch (IOException e) {
      return silentOr(opened, new Input.Broken(Failures.reading(e), Failures.describe(e)));
    } finally {
      closeExchange();
    }
  }

  private Input openWatch(String version) throws InterruptedException {
    initialEvents = version.isEmpty();
    if (initialEvents) {
      drain();
      store.beginList(forked);
      log.listing();
      damagedList = false;
    }
    long seconds = options.watchTimeout().toSeconds();
    // Spread over a tenth, so that streams opened together do not end together.
    seconds = Math.max(1, seconds - seconds / 20 + random.nextLong(seconds / 10 + 1));
    Exchange opened = open(requests.watch(version, seconds), options.silenceDeadline());
    if (opened == null) {
      return failure;
    }
    record.watches.increment();
    record.well();
    frames = new FrameReader(opened.body(), options.maxObjectSize());
    receivedBefore = 0;
    openedNanos = time.nanoTime();
    askedNanos = Duration.ofSeconds(seconds).toNanos();
    opened.endsAfter(askedNanos + options.silenceDeadline().toNanos());
    if (!synced && !initialEvents) {
      // Nothing was listed: what was kept of an earlier run goes on from here.
      announceSynced();
      freshen(version);
    }
    return new Input.Opened();
  }

  // --- events ---

  private Input readFrame() {
    FrameReader reader = frames;
    Exchange open = exchange;
    if (reader == null || open == null) {
      return new Input.Broken(StopCause.RESET, "the stream is no longer there");
    }
    FrameReader.Next next;
    try {
      next = reader.next();
    } catch (IOException e) {
      return open.silent()
          ? silent(open)
          : new Input.Broken(Failures.reading(e), Failures.describe(e));
    } finally {
      record.bytes.add(reader.received() - receivedBefore);
      receivedBefore = reader.received();
    }
    return switch (next) {
      case FRAME -> {
        record.frame(clock.instant());
        attempts.healthy();
        yield frame(reader);
      }
      case TOO_LONG -> {
        undecodable(
            "a frame of "
                + reader.length()
                + " bytes, more than the limit of "
                + options.maxObjectSize(),
            reader.length(),
            reader.bytes(),
            reader.start(),
            reader.end());
        yield damaged();
      }
      case CUT ->
          open.silent()
              ? silent(open)
              : new Input.Broken(StopCause.RESET, "cut in the middle of a frame");
      case END ->
          open.silent()
              ? silent(open)
              : new Input.Ended(time.nanoTime() - openedNanos >= askedNanos - askedNanos / 10);
    };
  }

  private Input silent(Exchange open) {
    return new Input.Silent(
        open.outlived()
            ? "still open long after the " + askedNanos / 1_000_000_000 + " s it was asked for"
            : "");
  }

  private Input damaged() {
    damagedList |= initialEvents;
    return new Input.Undecodable();
  }

  private Input frame(FrameReader frame) {
    try {
      scanner.scanFrame(frame.bytes(), frame.start(), frame.end());
      String version = scanner.resourceVersion();
      switch (scanner.type()) {
        case "ADDED", "MODIFIED", "DELETED" -> {
          if (scanner.name().isEmpty() || version.isEmpty()) {
            throw new MalformedJsonException(
                "an object without a metadata."
                    + (scanner.name().isEmpty() ? "name" : "resourceVersion"));
          }
          return new Input.Event(version);
        }
        case "BOOKMARK" -> {
          if (version.isEmpty()) {
            throw new MalformedJsonException("a bookmark without a metadata.resourceVersion");
          }
          record.bookmarks.increment();
          boolean end =
              initialEvents && "true".equals(scanner.annotations().get(INITIAL_EVENTS_END));
          if (!initialEvents) {
            store.reached(version);
            freshen(version);
          }
          return new Input.Bookmark(version, end, damagedList);
        }
        case "ERROR" -> {
          return new Input.Error(
              ServerStatus.parse(frame.bytes(), scanner.objectStart(), scanner.objectEnd()));
        }
        default -> throw new MalformedJsonException("an event of type " + scanner.type());
      }
    } catch (MalformedJsonException e) {
      undecodable(e.getMessage(), frame.length(), frame.bytes(), frame.start(), frame.end());
      return damaged();
    }
  }

  private Input apply() {
    String version = scanner.resourceVersion();
    Difference difference;
    if (scanner.type().equals("DELETED")) {
      difference = store.remove(new ObjectKey(scanner.namespace(), scanner.name()), version);
    } else {
      difference = initialEvents ? store.putListed(scanner) : store.put(scanner);
    }
    handOver(counted(difference));
    freshen(version);
    return backlog.isEmpty() || initialEvents
        ? new Input.HandedOver(version)
        : new Input.Full(version, outlet.pausesStream());
  }

  private Difference counted(Difference difference) {
    switch (difference) {
      case Difference.Created created -> record.added.increment();
      case Difference.Updated updated -> record.modified.increment();
      case Difference.Replaced replaced -> {
        record.deleted.increment();
        record.added.increment();
      }
      case Difference.Removed removed -> record.deleted.increment();
      case Difference.Unchanged unchanged -> record.repeated.increment();
      case Difference.Unknown unknown -> record.repeated.increment();
      case Difference.Stale stale -> record.stale.increment();
    }
    return difference;
  }

  private void undecodable(@Nullable String reason, long length, byte[] b, int start, int end) {
    String head = new String(b, start, Math.min(HEAD, end - start), StandardCharsets.UTF_8);
    record.undecodable(
        new Undecodable(clock.instant(), reason == null ? "" : reason, length, head));
    announce(new FlowEvent.Rejected(options.name(), StopCause.DECODE_ERROR.id()));
  }

  private void freshen(String version) {
    if (!fresh && synced && Versions.reaches(version, freshAt)) {
      fresh = true;
    }
  }

  // --- handing over ---

  private void handOver(Difference difference) {
    log.changed(difference, store.view());
    switch (difference) {
      case Difference.Created created -> handOver(created.entry(), true);
      case Difference.Updated updated -> handOver(updated.entry(), true);
      case Difference.Replaced replaced -> {
        handOver(replaced.before(), false);
        handOver(replaced.entry(), true);
      }
      case Difference.Removed removed -> handOver(removed.before(), false);
      case Difference.Unchanged unchanged -> {}
      case Difference.Stale stale -> {}
      case Difference.Unknown unknown -> {}
    }
  }

  private void handOver(Entry entry, boolean put) {
    Incarnation incarnation = entry.incarnation();
    // First into the backlog: whatever happens while it is offered, it is not lost.
    backlog.add(new Handover(entry.key(), put, incarnation));
    drainWhatFits();
  }

  /** Hands over what there is room for; whether that was all. */
  private boolean drainWhatFits() {
    while (!backlog.isEmpty()) {
      if (!outlet.offer(backlog.element())) {
        return false;
      }
      backlog.remove();
    }
    return true;
  }

  /** Hands over all there is; whether that took a wait. */
  private boolean drain() throws InterruptedException {
    boolean waited = false;
    while (!drainWhatFits()) {
      waited = true;
      outlet.awaitRoom();
    }
    return waited;
  }

  private Input handOver() throws InterruptedException {
    boolean waited = drain();
    if (state instanceof State.HandingOver) {
      fresh = true;
    }
    if (!synced && !(state instanceof State.Restoring)) {
      announceSynced();
    }
    return new Input.HandedOverAll(waited);
  }

  private void announceSynced() {
    synced = true;
    outlet.synced(store.view().resourceVersion().orElse(""));
  }

  /** For tests: what waits for a gate. */
  List<Handover> backlog() {
    return List.copyOf(backlog);
  }
}
