package dev.sluice.testkit;

import dev.sluice.testkit.internal.api.ApiService;
import dev.sluice.testkit.internal.http.Front;
import dev.sluice.testkit.internal.http.Traffic;
import dev.sluice.testkit.internal.store.Store;
import dev.sluice.testkit.internal.store.Table;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** {@link Faults}, in place. Safe for any thread. */
final class FaultRoom implements Faults, Traffic {
  private final ApiServer server;
  private final RequestLog log;
  private final List<Placed> placed = new CopyOnWriteArrayList<>();
  private final List<Placed> struck = new CopyOnWriteArrayList<>();
  private final List<ReplicaDoor> replicas = new CopyOnWriteArrayList<>();
  private final ReentrantLock doors = new ReentrantLock();
  private volatile @Nullable OutageNow outage;
  private @Nullable Front front;
  private @Nullable ApiService api;
  private Front.@Nullable Door main;
  private @Nullable Function<URI, String> kubeconfigs;

  FaultRoom(ApiServer server, RequestLog log) {
    this.server = server;
    this.log = log;
  }

  void open(Front front, ApiService api, Front.Door main, Function<URI, String> kubeconfigs) {
    this.front = front;
    this.api = api;
    this.main = main;
    this.kubeconfigs = kubeconfigs;
  }

  private static <T> T ready(@Nullable T part) {
    if (part == null) {
      throw new IllegalStateException("The server has not been started");
    }
    return part;
  }

  // --- single requests ---------------------------------------------------------------------------

  private final class Placed implements Injection, Strike {
    private final RequestMatch match;
    private final Fault fault;
    private final AtomicLong seen = new AtomicLong();
    private final AtomicLong hits = new AtomicLong();
    private volatile boolean removed;

    Placed(RequestMatch match, Fault fault) {
      this.match = match;
      this.fault = fault;
    }

    @Override
    public Fault fault() {
      return fault;
    }

    @Override
    public boolean removed() {
      return removed;
    }

    @Override
    public long hits() {
      return hits.get();
    }

    @Override
    public void remove() {
      removed = true;
      placed.remove(this);
      struck.remove(this);
    }

    boolean strikes(SeenRequest request) {
      if (!match.matches(request) || !match.strikes(seen.incrementAndGet())) {
        return false;
      }
      hits.incrementAndGet();
      return true;
    }

    @Override
    public String toString() {
      return fault + " for " + match;
    }
  }

  @Override
  public List<? extends Strike> arrived(SeenRequest request) {
    log.add(request);
    if (placed.isEmpty()) {
      return List.of();
    }
    List<Placed> strikes = new ArrayList<>();
    for (Placed one : placed) {
      if (one.strikes(request)) {
        strikes.add(one);
      }
    }
    return strikes;
  }

  @Override
  public Injection inject(RequestMatch match, Fault fault) {
    Placed one = new Placed(match, fault);
    placed.add(one);
    return one;
  }

  @Override
  public int strike(RequestMatch match, Fault fault) {
    switch (fault) {
      case Fault.Delay ignored -> throw tooLate(fault);
      case Fault.Refuse ignored -> throw tooLate(fault);
      case Fault.HangUp ignored -> throw tooLate(fault);
      case Fault.GoAway ignored -> throw tooLate(fault);
      default -> {}
    }
    Placed strike = new Placed(match, fault);
    struck.add(strike);
    return ready(front).exchanges().strike(match, strike);
  }

  private static IllegalArgumentException tooLate(Fault fault) {
    return new IllegalArgumentException(
        "An open watch cannot be struck by "
            + fault
            + "; inject it for requests to come, or use cutAfter, stallAfter, halfOpenAfter,"
            + " slowBody, garbageAfter, errorEventAfter or endAfter");
  }

  @Override
  public void clear() {
    letGo();
    OutageNow now = outage;
    if (now != null) {
      now.end();
    }
  }

  /** Ends what holds single streams and connections. */
  private void letGo() {
    placed.forEach(Placed::remove);
    struck.forEach(Placed::remove);
    allDoors().forEach(Front.Door::closeFrozen);
  }

  /** Takes away what belongs to one test. */
  void reset() {
    clear();
    replicas.forEach(ReplicaDoor::close);
  }

  /** The server ends: nothing comes back. */
  void close() {
    letGo();
    replicas.forEach(ReplicaDoor::close);
  }

  // --- the whole server --------------------------------------------------------------------------

  @Override
  public void compact() {
    ready(api).store().compact();
  }

  @Override
  public void compact(String resource) {
    Table table = ready(api).table(resource);
    if (table == null) {
      throw new IllegalArgumentException(
          "No resource is named '"
              + resource
              + "': expected a plural such as 'pods', with its"
              + " group if it is not of the core, such as 'leases.coordination.k8s.io'");
    }
    ready(api).store().compact(table);
  }

  @Override
  public void restart(History history) {
    bounce(ready(front)::shutDown, () -> forget(history));
  }

  @Override
  public void crash(History history) {
    bounce(ready(front)::crash, () -> forget(history));
  }

  private void forget(History history) {
    if (history == History.LOST) {
      ready(api).store().renewAll();
    }
  }

  /**
   * Takes the server down, does something meanwhile, and brings it up, unless there is an outage.
   */
  private void bounce(Runnable down, Runnable meanwhile) {
    doors.lock();
    try {
      boolean up = outage == null;
      if (up) {
        down.run();
      }
      try {
        meanwhile.run();
      } finally {
        if (up) {
          openAll();
        }
      }
    } finally {
      doors.unlock();
    }
  }

  private List<Front.Door> allDoors() {
    List<Front.Door> all = new ArrayList<>();
    all.add(ready(main));
    replicas.forEach(replica -> all.add(replica.door));
    return all;
  }

  private void openAll() {
    try {
      ready(front).open();
    } catch (IOException e) {
      throw new UncheckedIOException("The API server is not back: " + e.getMessage(), e);
    }
  }

  private final class OutageNow implements Outage {
    @Override
    public void end() {
      doors.lock();
      try {
        if (outage == this) {
          outage = null;
          openAll();
        }
      } finally {
        doors.unlock();
      }
    }
  }

  @Override
  public Outage outage() {
    doors.lock();
    try {
      OutageNow now = outage;
      if (now == null) {
        now = new OutageNow();
        ready(front).crash();
        outage = now;
      }
      return now;
    } finally {
      doors.unlock();
    }
  }

  @Override
  public void rewind(Snapshot snapshot) {
    Store.Snapshot content = snapshot.content(server);
    bounce(
        ready(front)::crash,
        () -> {
          ready(api).restore(content, true);
          // A connection that was let in while the ports were being closed has seen the old state.
          dropConnections();
        });
  }

  @Override
  public int freezeConnections() {
    return allDoors().stream().mapToInt(Front.Door::freezeConnections).sum();
  }

  @Override
  public int dropConnections() {
    int count = 0;
    for (Front.Door door : allDoors()) {
      count += door.connections();
      door.closeConnections();
    }
    return count;
  }

  @Override
  public int goAway() {
    return allDoors().stream().mapToInt(Front.Door::goAway).sum();
  }

  @Override
  public void endWatches() {
    ready(front).endWatches();
  }

  int connections() {
    return main == null ? 0 : allDoors().stream().mapToInt(Front.Door::connections).sum();
  }

  // --- replicas ----------------------------------------------------------------------------------

  private final class ReplicaDoor implements Replica {
    private final ReplicaView view;
    private final Front.Door door;

    ReplicaDoor(ReplicaView view, Front.Door door) {
      this.view = view;
      this.door = door;
    }

    @Override
    public URI url() {
      return server.url(door.port());
    }

    @Override
    public String kubeconfig() {
      return ready(kubeconfigs).apply(url());
    }

    @Override
    public void freeze() {
      view.freeze();
    }

    @Override
    public void catchUp() {
      view.catchUp();
    }

    @Override
    public void lag(Duration behind) {
      if (behind.isNegative() || behind.compareTo(Fault.LONGEST) > 0) {
        throw new IllegalArgumentException(
            "A replica is behind by zero or more, and by at most %d days, not by %s"
                .formatted(Fault.LONGEST.toDays(), behind));
      }
      view.lag(behind);
    }

    @Override
    public void close() {
      doors.lock();
      try {
        if (replicas.remove(this)) {
          view.catchUp();
          door.remove();
        }
      } finally {
        doors.unlock();
      }
    }
  }

  @Override
  public Replica addReplica() {
    doors.lock();
    try {
      if (outage != null) {
        throw new IllegalStateException("There is an outage: end it first, then add the replica");
      }
      ReplicaView view = new ReplicaView(ready(api).store());
      ReplicaDoor replica = new ReplicaDoor(view, ready(front).listen(0, view));
      replicas.add(replica);
      return replica;
    } catch (IOException e) {
      throw new UncheckedIOException("No replica: " + e.getMessage(), e);
    } finally {
      doors.unlock();
    }
  }
}
