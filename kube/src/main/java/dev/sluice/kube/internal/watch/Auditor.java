package dev.sluice.kube.internal.watch;

import dev.sluice.flow.TimeSource;
import dev.sluice.kube.ObjectKey;
import dev.sluice.kube.StreamStatus;
import dev.sluice.kube.Transport;
import dev.sluice.kube.internal.json.MalformedJsonException;
import dev.sluice.kube.internal.json.ObjectScanner;
import dev.sluice.kube.internal.store.Entry;
import dev.sluice.kube.internal.store.EntryMap;
import dev.sluice.kube.internal.store.ObjectStore;
import dev.sluice.kube.internal.store.Versions;
import dev.sluice.kube.internal.time.Recurrence;
import dev.sluice.kube.internal.time.Sleeper;
import dev.sluice.kube.internal.transport.ListReader;
import dev.sluice.kube.internal.transport.ServerStatus;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.locks.ReentrantLock;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/**
 * Compares the store with the server from time to time, and has the stream list again if they
 * differ.
 *
 * <p>It lists metadata only, page by page with a pause between, on a thread of its own that is
 * there only meanwhile. The stream goes on, so the two never show the same moment; but three things
 * prove that they differ. The list is consistent as of its version <i>V</i>. Once the stream's
 * anchor has reached <i>V</i>, everything up to <i>V</i> is in the store, so
 *
 * <ul>
 *   <li>what the list has, and the store in another state not newer than <i>V</i>, is <b>wrong</b>;
 *   <li>what the store had then, not newer than <i>V</i>, and the list has not, is <b>gone</b>;
 *   <li>what the list has and the store has not may have been deleted since; it is <b>missing</b>
 *       if the server, asked for it afterwards, still has it with the same uid.
 * </ul>
 *
 * <p>Nothing else counts, so an audit of a store that is right never finds anything. It needs
 * versions that can be compared; where a server gives none, and where the server refuses or the
 * stream is held, the audit says that it was not finished, and is tried again.
 */
public final class Auditor implements AutoCloseable {
  private static final System.Logger LOG = System.getLogger("dev.sluice.kube.Informer");
  private static final int SUSPECTS_ASKED_FOR = 1000;
  private static final int EXAMPLES = 3;

  /** In which part of the period one is tried again that could not be finished. */
  private static final int TRIED_AGAIN = 36;

  /** In which part of the period one follows a lost connection. */
  private static final int SOON = 360;

  private static final Duration BETWEEN_PAGES = Duration.ofMillis(100);
  private static final Duration GLANCE = Duration.ofMillis(100);
  private static final Duration ANCHOR_PATIENCE = Duration.ofMinutes(3);

  private final StreamOptions options;
  private final Transport transport;
  private final ObjectStore store;
  private final StreamRunner stream;
  private final TimeSource time;
  private final Sleeper sleeper;
  private final RandomGenerator random;
  private final Requests requests;
  private final Recurrence recurrence;

  private final ReentrantLock lock = new ReentrantLock();
  private boolean closed;
  private TimeSource.@Nullable Timer timer;
  private @Nullable Thread running;
  private boolean everFinished;
  private long finishedAt;
  private long diverged;
  private String result = "";

  /** One listed object. */
  private record Listed(ObjectKey key, String uid, String version) {}

  /** What a page had. */
  private record Page(List<Listed> items, String version, String token) {}

  /** The audit cannot be finished now. */
  private static final class NotNow extends Exception {
    private static final long serialVersionUID = 1L;

    NotNow(String why) {
      super(why);
    }
  }

  /**
   * An auditor, not started.
   *
   * @param random where jitter comes from; the callee's own
   */
  public Auditor(
      StreamOptions options,
      Transport transport,
      ObjectStore store,
      StreamRunner stream,
      Recurrence recurrence,
      TimeSource time,
      Sleeper sleeper,
      RandomGenerator random) {
    this.options = options;
    this.transport = transport;
    this.store = store;
    this.stream = stream;
    this.recurrence = recurrence;
    this.time = time;
    this.sleeper = sleeper;
    this.random = random;
    this.requests = new Requests(options);
  }

  /** Begins to audit, if it is to be done at all. */
  public void start() {
    schedule();
  }

  private void schedule() {
    if (!recurrence.isOn()) {
      return;
    }
    lock.lock();
    try {
      if (closed || running != null) {
        return;
      }
      if (timer != null) {
        timer.cancel();
      }
      timer = time.schedule(recurrence.untilDue(), this::begin);
    } finally {
      lock.unlock();
    }
  }

  private void begin() {
    lock.lock();
    try {
      if (!closed && running == null) {
        running = Thread.ofVirtual().name("sluice-audit-" + options.name()).start(this::run);
      }
    } finally {
      lock.unlock();
    }
  }

  /**
   * The server may be another one than before, with another past: after a lost connection. A
   * database that was restored and has grown past the anchor since cannot be told from the stream.
   * So an audit is due soon, within a 360th of the period (a minute of six hours); but not if the
   * last one is less than six times that old.
   */
  public void serverMayHaveChanged() {
    if (!recurrence.isOn()) {
      return;
    }
    long soon = options.auditEvery().toNanos() / SOON;
    lock.lock();
    try {
      long rest = everFinished ? Math.max(0, 6 * soon - (time.nanoTime() - finishedAt)) : 0;
      recurrence.hasten(rest + soon / 4 + random.nextLong(soon + 1) / 2);
    } finally {
      lock.unlock();
    }
    schedule();
  }

  private void run() {
    try {
      String found = audit();
      if (!found.isEmpty()) {
        stream.diverged(found);
      }
      recurrence.done();
      lock.lock();
      try {
        everFinished = true;
        finishedAt = time.nanoTime();
      } finally {
        lock.unlock();
      }
    } catch (NotNow | IOException | MalformedJsonException e) {
      conclude("not finished: " + Failures.describe(e), 0);
      recurrence.postpone(options.auditEvery().toNanos() / TRIED_AGAIN);
    } catch (InterruptedException e) {
      // Closed.
    } catch (Throwable e) {
      LOG.log(System.Logger.Level.ERROR, "the audit of '" + options.name() + "' failed", e);
      conclude("not finished: " + Failures.describe(e), 0);
      recurrence.postpone(options.auditEvery().toNanos() / TRIED_AGAIN);
    } finally {
      lock.lock();
      try {
        running = null;
      } finally {
        lock.unlock();
      }
      schedule();
    }
  }

  private void conclude(String text, long objects) {
    lock.lock();
    try {
      result = text;
      diverged += objects;
    } finally {
      lock.unlock();
    }
  }

  /** One audit; what it found, or nothing. */
  private String audit() throws NotNow, IOException, MalformedJsonException, InterruptedException {
    String reached = stream.anchor().orElseThrow(() -> new NotNow("the stream is being listed"));
    Page page = page(requests.audit(""));
    String version = page.version();
    if (!Versions.comparable(version) || !Versions.comparable(reached)) {
      throw new NotNow("resource versions that cannot be compared: " + version + ", " + reached);
    }
    if (Versions.older(version, reached)) {
      conclude("differs: the server is at " + version + ", the stream at " + reached, 1);
      return "the server is at " + version + ", the stream had reached " + reached;
    }
    awaitAnchor(version);
    EntryMap then = store.view().entries();
    Set<ObjectKey> listed = new HashSet<>();
    List<Listed> suspects = new ArrayList<>();
    List<String> examples = new ArrayList<>();
    long count = 0;
    while (true) {
      for (Listed item : page.items()) {
        Entry entry = store.view().entries().get(item.key());
        if (entry == null) {
          listed.add(item.key());
          suspects.add(item);
          continue;
        }
        listed.add(entry.key());
        boolean same =
            entry.uid().equals(item.uid()) && entry.resourceVersion().equals(item.version());
        if (!same && !Versions.older(version, entry.resourceVersion())) {
          count++;
          example(examples, item.key() + " is at " + item.version() + ", not at " + entry);
        }
      }
      if (page.token().isEmpty()) {
        break;
      }
      sleeper.sleep(BETWEEN_PAGES.toNanos());
      page = page(requests.audit(page.token()));
    }
    for (Entry entry : then.toArray()) {
      if (!listed.contains(entry.key()) && !Versions.older(version, entry.resourceVersion())) {
        count++;
        example(examples, entry + " is gone");
      }
    }
    for (Listed suspect : suspects.subList(0, Math.min(suspects.size(), SUSPECTS_ASKED_FOR))) {
      if (isThere(suspect)) {
        count++;
        example(examples, suspect.key() + "@" + suspect.version() + " is missing");
      }
    }
    if (stream.anchor().map(anchor -> Versions.older(anchor, version)).orElse(true)) {
      throw new NotNow("the stream was listed again meanwhile");
    }
    if (count == 0) {
      conclude(listed.size() + " objects agree at version " + version, 0);
      return "";
    }
    String found =
        count
            + (count == 1 ? " object differs" : " objects differ")
            + " at version "
            + version
            + ": "
            + String.join("; ", examples)
            + (count > examples.size() ? "; ..." : "");
    conclude(found, count);
    return found;
  }

  private static void example(List<String> examples, String text) {
    if (examples.size() < EXAMPLES) {
      examples.add(text);
    }
  }

  /** Waits until the stream has handed over everything up to a version. */
  private void awaitAnchor(String version) throws NotNow, InterruptedException {
    long began = time.nanoTime();
    while (!stream.anchor().map(anchor -> Versions.reaches(anchor, version)).orElse(false)) {
      if (time.nanoTime() - began > ANCHOR_PATIENCE.toNanos()) {
        throw new NotNow("the stream did not reach version " + version);
      }
      sleeper.sleep(GLANCE.toNanos());
    }
  }

  private boolean isThere(Listed suspect)
      throws NotNow, IOException, MalformedJsonException, InterruptedException {
    return page(requests.selected(suspect.key())).items().stream()
        .anyMatch(item -> item.key().equals(suspect.key()) && item.uid().equals(suspect.uid()));
  }

  private Page page(Transport.Request request)
      throws NotNow, IOException, MalformedJsonException, InterruptedException {
    long deadline = options.requestDeadline().toNanos();
    try (Exchange exchange = Exchange.open(time, transport, request, deadline, deadline)) {
      int status = exchange.response().status();
      if (status != 200) {
        throw new NotNow(ServerStatus.read(status, exchange.body()).toString());
      }
      ListReader list = new ListReader(exchange.body(), options.maxObjectSize());
      ObjectScanner scanner = new ObjectScanner();
      List<Listed> items = new ArrayList<>();
      while (true) {
        switch (list.next()) {
          case ITEM -> {
            scanner.scanObject(list.bytes(), list.start(), list.end());
            items.add(
                new Listed(
                    new ObjectKey(scanner.namespace(), scanner.name()),
                    scanner.uid(),
                    scanner.resourceVersion()));
          }
          case TOO_LONG -> throw new NotNow("an object's metadata of " + list.length() + " bytes");
          case CUT -> throw new NotNow("cut in the middle of a list");
          case STATUS -> throw new NotNow(list.status().toString());
          case END -> {
            return new Page(items, list.resourceVersion(), list.continueToken());
          }
        }
      }
    }
  }

  /** How it stands; empty if it is never done. */
  public Optional<StreamStatus.Audit> status() {
    Optional<StreamStatus.Periodic> periodic = recurrence.status();
    lock.lock();
    try {
      return periodic.map(times -> new StreamStatus.Audit(times, diverged, result));
    } finally {
      lock.unlock();
    }
  }

  /** Ends it. Returns at once. */
  @Override
  public void close() {
    lock.lock();
    try {
      closed = true;
      if (timer != null) {
        timer.cancel();
      }
      if (running != null) {
        running.interrupt();
      }
    } finally {
      lock.unlock();
    }
  }
}
