package dev.sluice.kube.internal.store;

import dev.sluice.kube.ObjectKey;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * What writes have returned and the stream has not delivered yet. Laid over what it has delivered,
 * it lets a writer read its own writes without waiting.
 *
 * <p><b>What goes when.</b> Where versions can be compared it is simple: an object that was laid at
 * version R goes when the stream has come to R or further, by whatever: that very state, a newer
 * one, a deletion, another object's event, a bookmark, a list. From then on what the stream has
 * delivered is as new as what was laid, or newer, and also right about an object that its selection
 * leaves out.
 *
 * <p>Opaque versions say only whether they are equal. So an object goes when the stream delivers
 * exactly R, its deletion, or a list without it that began after it was laid; and it is not laid at
 * all when R was delivered while the write was under way. Between these stands the case that R
 * never comes, because the stream missed it and lists something newer. After {@link #PATIENCE} the
 * server is asked for the object, and what it says is laid instead, or nothing.
 *
 * <p>An object that was deleted and is gone is laid as such, by its uid: a deletion's answer has no
 * version. It hides what the stream delivers of its name until that tells of the end of this uid,
 * lists, or the server, asked after {@link #PATIENCE}, has it again; for {@link #LONGEST} at most.
 *
 * <p><b>Threads.</b> The stream's thread tells what it delivers after it has published it; writers
 * lay first and look at what is published afterwards. So one of the two sees the other. Readers
 * take what is laid first and what is published after that: what they find gone from here they find
 * there.
 */
final class Overlay {
  /** After how long the server is asked. */
  static final Duration PATIENCE = Duration.ofSeconds(30);

  /** How long an object that is gone is hidden at most, if the stream tells nothing of it. */
  static final Duration LONGEST = Duration.ofMinutes(10);

  /** More objects than this are not laid: a stream that far behind is another trouble. */
  static final int MOST = 10_000;

  /**
   * One object.
   *
   * @param life which one of its name
   * @param entry its state; null if it is gone
   * @param since when it was laid, by the store's clock
   * @param list which list was the last to have begun then
   */
  record Laid(
      ObjectKey key, Incarnation life, @Nullable Entry entry, long since, long asked, int list) {

    /** Whether it can be seen that what the stream has delivered is at least as new. */
    boolean isOver(@Nullable Entry delivered, Optional<String> reached) {
      if (entry == null) {
        return false;
      }
      String version = entry.resourceVersion();
      if (!Versions.comparable(version)) {
        return delivered != null
            && delivered.isAt(version, Versions.number(version))
            && delivered.incarnation().equals(life);
      }
      return reached.isPresent() && reaches(reached.get(), version)
          || delivered != null && reaches(delivered.resourceVersion(), version);
    }

    /** Whether only events about it tell that it is over. */
    boolean isBlind() {
      return entry == null || !Versions.comparable(entry.resourceVersion());
    }
  }

  private static boolean reaches(String one, String other) {
    return Versions.comparable(one) && Versions.reaches(one, other);
  }

  /** A write under way, and what was delivered meanwhile that versions do not tell. */
  static final class Write {
    private final Map<ObjectKey, Set<String>> delivered = new ConcurrentHashMap<>();

    private void saw(ObjectKey key, String what) {
      if (delivered.size() < MOST) {
        delivered.computeIfAbsent(key, same -> ConcurrentHashMap.newKeySet()).add(what);
      }
    }

    private boolean hasSeen(Laid object) {
      Set<String> seen = delivered.getOrDefault(object.key, Set.of());
      return object.entry == null
          ? seen.contains(END + object.life.uid()) || seen.contains(END)
          : seen.contains(object.entry.resourceVersion()) || seen.contains(END + object.life.uid());
    }
  }

  /** Before a uid: that one has ended. No version begins so. */
  private static final String END = "end of ";

  private final ReentrantLock lock = new ReentrantLock();
  private final Set<Write> writes = ConcurrentHashMap.newKeySet();
  private final Set<ObjectKey> listed = new HashSet<>();
  private volatile Map<ObjectKey, Laid> laid = Map.of();

  /** All that is laid: never changes. */
  Map<ObjectKey, Laid> laid() {
    return laid;
  }

  /** Whether the stream's thread has nothing to tell. */
  boolean isIdle() {
    return laid.isEmpty() && writes.isEmpty();
  }

  Write begin() {
    Write write = new Write();
    writes.add(write);
    return write;
  }

  void end(Write write) {
    writes.remove(write);
  }

  /** Lays an object, unless there is a newer one or it was delivered while it was written. */
  boolean lay(Laid object, @Nullable Write write) {
    if (write != null && write.hasSeen(object)) {
      // What an earlier write laid is older than what the stream has delivered since.
      Laid earlier = laid.get(object.key);
      if (earlier != null) {
        lift(earlier);
      }
      return false;
    }
    lock.lock();
    try {
      Laid before = laid.get(object.key);
      if (before == null && laid.size() >= MOST
          || before != null
              && object.entry != null
              && before.entry != null
              && Versions.older(object.entry.resourceVersion(), before.entry.resourceVersion())) {
        return false;
      }
      Map<ObjectKey, Laid> more = new HashMap<>(laid);
      more.put(object.key, object);
      laid = more;
      return true;
    } finally {
      lock.unlock();
    }
  }

  /** Takes an object away, if it is still this one. */
  void lift(Laid object) {
    lock.lock();
    try {
      if (laid.get(object.key) == object) {
        Map<ObjectKey, Laid> fewer = new HashMap<>(laid);
        fewer.remove(object.key);
        laid = fewer.isEmpty() ? Map.of() : fewer;
      }
    } finally {
      lock.unlock();
    }
  }

  // --- told by the stream's thread, after it has published ---

  void listBegins() {
    listed.clear();
  }

  /**
   * A state was delivered.
   *
   * @param before the state of that name until then
   */
  void delivered(
      ObjectKey key,
      @Nullable Entry before,
      String version,
      boolean byList,
      ObjectStore.View view) {
    Entry now = view.entries().get(key);
    boolean replaced =
        before != null && (now == null || !now.incarnation().equals(before.incarnation()));
    for (Write write : writes) {
      if (!Versions.comparable(version)) {
        write.saw(key, version);
      }
      if (replaced && before != null) {
        write.saw(key, END + before.incarnation().uid());
      }
    }
    if (laid.isEmpty()) {
      return;
    }
    if (byList) {
      listed.add(key);
    }
    Laid object = laid.get(key);
    if (object != null && object.isBlind()) {
      boolean over =
          object.entry == null
              ? replaced && before != null && before.incarnation().equals(object.life)
              : object.entry.isAt(version, Versions.number(version));
      if (over) {
        lift(object);
      }
    }
    caughtUp(view);
  }

  /** The stream told of the end of an object. */
  void deleted(ObjectKey key, @Nullable Entry before, ObjectStore.View view) {
    for (Write write : writes) {
      write.saw(key, before == null ? END : END + before.incarnation().uid());
    }
    Laid object = laid.get(key);
    if (object != null
        && object.isBlind()
        && (before == null || before.incarnation().equals(object.life))) {
      lift(object);
    }
    caughtUp(view);
  }

  /** A list has been read to its end; what it did not have is about to be removed. */
  void listEnds(int list, ObjectStore.View view) {
    for (Laid object : laid.values()) {
      if (object.list >= list || !object.isBlind()) {
        continue;
      }
      Entry now = view.entries().get(object.key);
      // What is there and was not listed is about to be removed, which lifts it then.
      boolean there = now != null && now.incarnation().equals(object.life);
      if (!there && (object.entry == null || !listed.contains(object.key))) {
        lift(object);
      }
    }
  }

  /** Lifts what the stream has come to. */
  void caughtUp(ObjectStore.View view) {
    for (Laid object : laid.values()) {
      if (object.isOver(view.entries().get(object.key), view.resourceVersion())) {
        lift(object);
      }
    }
  }

  /** What has been there for too long. */
  List<Laid> overdue(long now) {
    List<Laid> overdue = new ArrayList<>();
    for (Laid object : laid.values()) {
      if (now - object.asked >= PATIENCE.toNanos()) {
        overdue.add(object);
      }
    }
    return overdue;
  }
}
