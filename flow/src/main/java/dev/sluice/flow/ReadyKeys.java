package dev.sluice.flow;

import java.util.HashMap;
import java.util.Map;
import java.util.function.ToIntFunction;
import org.jspecify.annotations.Nullable;

/**
 * The keys that wait for a worker, and the rule that says which is next.
 *
 * <h2>The rule</h2>
 *
 * <ol>
 *   <li><b>Priority.</b> The highest level that has a key is served.
 *   <li><b>Ageing.</b> But when a key of a lower level has waited for the ageing period, one of
 *       every {@code agedOneIn} dispatches goes to its level; several such levels take turns.
 *   <li><b>Fairness.</b> Within the level the tenants that have keys there take turns, each for as
 *       many dispatches as its weight says (weighted round robin, which is deficit round robin for
 *       work of equal cost: M. Shreedhar, G. Varghese, "Efficient Fair Queuing using Deficit Round
 *       Robin", SIGCOMM 1995).
 *   <li><b>Order.</b> Within a tenant of a level, first come, first served.
 * </ol>
 *
 * <h2>The bound</h2>
 *
 * <p>Let a key wait behind <i>p</i> others of its tenant and level, its tenant have weight
 * <i>w</i>, the tenants with keys in that level together weight <i>W</i>, and <i>n</i> be {@code
 * agedOneIn}. From the moment it has aged on, its level gets at least one of every 2<i>n</i>
 * dispatches (there are two lower levels), a full turn of its level takes <i>W</i> of these and
 * serves <i>w</i> of its tenant, and the turn that is under way may already be spent. So it is
 * dispatched within 2<i>n</i> x (ceil((<i>p</i> + 1) / <i>w</i>) + 1) x <i>W</i> dispatches,
 * whatever others add meanwhile. Nothing depends on how many keys other tenants, or other levels,
 * have waiting. For keys of the highest level the same holds from the start with {@code n / (n -
 * 1)} for 2<i>n</i>.
 *
 * <p>Ageing gives a share and not precedence, on purpose. If old keys simply became more urgent,
 * ten thousand keys of an initial list would, once aged, all go before a change that happens now:
 * just what priorities are there to prevent.
 *
 * <h2>How</h2>
 *
 * <p>Each (level, tenant) has a lane: a list in order of arrival. The lanes of a level that have
 * keys form a ring. Each level and the whole also keep their keys in order of arrival, for the age
 * of the oldest. All lists run through the keys themselves, so every operation takes constant time
 * and allocates nothing, except for the first key of a tenant that was not seen lately.
 *
 * <p>Guarded by its owner's lock.
 */
final class ReadyKeys<K> {
  /** So many tenants without keys are remembered, to save making them anew. */
  static final int IDLE_TENANTS = 1024;

  /** The tenant of all keys when the queue has no tenants. */
  static final String NO_TENANT = "";

  private final long ageingNanos;
  private final int agedOneIn;
  private final ToIntFunction<String> weights;
  private final Level<K>[] levels;
  private final Map<String, Tenant<K>> tenants = new HashMap<>();
  private final Tenant<K> noTenant;
  private @Nullable HeldKey<K> oldest;
  private @Nullable HeldKey<K> newest;
  private int size;

  /** Dispatches since the last one that was owed to age; saturates. */
  private int sinceAged;

  /** The level that had the last dispatch owed to age. */
  private int lastAged;

  /** Those who share a level's dispatches by weight. */
  static final class Tenant<K> {
    final String name;
    int weight;

    /** How many keys the queue holds for it. */
    int held;

    /** How many of them wait. */
    int waiting;

    final Lane<K>[] lanes;

    @SuppressWarnings({"unchecked", "rawtypes"})
    Tenant(String name, int weight) {
      this.name = name;
      this.weight = weight;
      this.lanes = new Lane[Priority.COUNT];
      for (int i = 0; i < lanes.length; i++) {
        lanes[i] = new Lane<>(this);
      }
    }
  }

  /** The keys of one tenant in one level. */
  private static final class Lane<K> {
    final Tenant<K> tenant;
    @Nullable HeldKey<K> first;
    @Nullable HeldKey<K> last;

    /** How many dispatches are left of its turn. */
    int credit;

    // Its place in the ring of the level's lanes that have keys.
    @Nullable Lane<K> before;
    @Nullable Lane<K> after;

    Lane(Tenant<K> tenant) {
      this.tenant = tenant;
    }
  }

  private static final class Level<K> {
    int size;
    @Nullable HeldKey<K> oldest;
    @Nullable HeldKey<K> newest;

    /** The lane whose turn it is. */
    @Nullable Lane<K> current;
  }

  @SuppressWarnings({"unchecked", "rawtypes"})
  ReadyKeys(long ageingNanos, int agedOneIn, ToIntFunction<String> weights) {
    this.ageingNanos = ageingNanos;
    this.agedOneIn = agedOneIn;
    this.sinceAged = agedOneIn;
    this.weights = weights;
    this.levels = new Level[Priority.COUNT];
    for (int i = 0; i < levels.length; i++) {
      levels[i] = new Level<>();
    }
    noTenant = new Tenant<>(NO_TENANT, 1);
  }

  int size() {
    return size;
  }

  int size(Priority priority) {
    return levels[priority.ordinal()].size;
  }

  /** When the key that has waited longest began to; {@code now} if none waits. */
  long oldestSince(long now) {
    HeldKey<K> key = oldest;
    return key == null ? now : key.since;
  }

  Tenant<K> tenant(String name) {
    if (name.equals(NO_TENANT)) {
      return noTenant;
    }
    Tenant<K> tenant = tenants.get(name);
    if (tenant == null) {
      tenant = new Tenant<>(name, weights.applyAsInt(name));
      tenants.put(name, tenant);
    }
    return tenant;
  }

  /** The queue no longer holds a key of this tenant. */
  void release(Tenant<K> tenant) {
    if (--tenant.held == 0 && tenants.size() > IDLE_TENANTS) {
      tenants.remove(tenant.name, tenant);
    }
  }

  int tenantsRemembered() {
    return tenants.size();
  }

  int waiting(String tenantName) {
    Tenant<K> tenant = tenants.get(tenantName);
    return tenant == null ? 0 : tenant.waiting;
  }

  /** Sets a tenant's weight for its turns to come. */
  void setWeight(String name, int weight) {
    Tenant<K> tenant = tenants.get(name);
    if (tenant != null) {
      tenant.weight = weight;
    }
  }

  /** Adds a key behind those of its tenant and {@linkplain HeldKey#priority priority}. */
  void add(HeldKey<K> key, long now) {
    key.waiting = true;
    key.since = now;
    key.tenant.waiting++;
    size++;
    HeldKey<K> before = newest;
    key.ageBefore = before;
    if (before == null) {
      oldest = key;
    } else {
      before.ageAfter = key;
    }
    newest = key;
    enter(key, now);
  }

  /** Makes a waiting key more urgent; it goes behind those which have that priority already. */
  void raise(HeldKey<K> key, Priority priority, long now) {
    leave(key);
    key.priority = priority;
    enter(key, now);
  }

  /** Takes the next key; null if none waits. */
  @Nullable HeldKey<K> next(long now) {
    if (size == 0) {
      return null;
    }
    int served = 0;
    while (levels[served].size == 0) {
      served++;
    }
    int turns = sinceAged;
    sinceAged = Math.min(turns + 1, agedOneIn);
    if (turns + 1 >= agedOneIn && size > levels[served].size && mayHaveAged(now)) {
      int aged = agedBelow(served, now);
      if (aged >= 0) {
        sinceAged = 0;
        lastAged = aged;
        served = aged;
      }
    }
    Level<K> level = levels[served];
    Lane<K> lane = level.current;
    if (lane == null || lane.first == null) {
      throw new AssertionError("a level that has keys has a lane, and the lane a key");
    }
    if (lane.credit == 0) {
      lane.credit = lane.tenant.weight;
    }
    lane.credit--;
    HeldKey<K> key = lane.first;
    remove(key);
    if (lane.credit == 0 && level.current == lane) {
      level.current = lane.after;
    }
    return key;
  }

  /** No key has its priority for longer than the oldest has waited. */
  private boolean mayHaveAged(long now) {
    HeldKey<K> first = oldest;
    return first != null && now - first.since >= ageingNanos;
  }

  /** The level below {@code served} with an aged key whose turn it is; -1 if there is none. */
  private int agedBelow(int served, long now) {
    int candidate = lastAged;
    for (int i = 1; i <= levels.length; i++) {
      candidate = candidate + 1 == levels.length ? 0 : candidate + 1;
      HeldKey<K> first = levels[candidate].oldest;
      if (candidate > served && first != null && now - first.prioritySince >= ageingNanos) {
        return candidate;
      }
    }
    return -1;
  }

  /** Takes a waiting key away. */
  void remove(HeldKey<K> key) {
    leave(key);
    key.waiting = false;
    key.tenant.waiting--;
    size--;
    HeldKey<K> before = key.ageBefore;
    HeldKey<K> after = key.ageAfter;
    if (before == null) {
      oldest = after;
    } else {
      before.ageAfter = after;
    }
    if (after == null) {
      newest = before;
    } else {
      after.ageBefore = before;
    }
    key.ageBefore = null;
    key.ageAfter = null;
  }

  private void enter(HeldKey<K> key, long now) {
    key.prioritySince = now;
    Level<K> level = levels[key.priority.ordinal()];
    level.size++;
    HeldKey<K> before = level.newest;
    key.levelBefore = before;
    if (before == null) {
      level.oldest = key;
    } else {
      before.levelAfter = key;
    }
    level.newest = key;

    Lane<K> lane = key.tenant.lanes[key.priority.ordinal()];
    HeldKey<K> last = lane.last;
    key.laneBefore = last;
    lane.last = key;
    if (last == null) {
      lane.first = key;
      joinRing(level, lane);
    } else {
      last.laneAfter = key;
    }
  }

  private void leave(HeldKey<K> key) {
    Level<K> level = levels[key.priority.ordinal()];
    level.size--;
    HeldKey<K> older = key.levelBefore;
    HeldKey<K> newer = key.levelAfter;
    if (older == null) {
      level.oldest = newer;
    } else {
      older.levelAfter = newer;
    }
    if (newer == null) {
      level.newest = older;
    } else {
      newer.levelBefore = older;
    }
    key.levelBefore = null;
    key.levelAfter = null;

    Lane<K> lane = key.tenant.lanes[key.priority.ordinal()];
    HeldKey<K> before = key.laneBefore;
    HeldKey<K> after = key.laneAfter;
    if (before == null) {
      lane.first = after;
    } else {
      before.laneAfter = after;
    }
    if (after == null) {
      lane.last = before;
    } else {
      after.laneBefore = before;
    }
    key.laneBefore = null;
    key.laneAfter = null;
    if (lane.first == null) {
      leaveRing(level, lane);
    }
  }

  /** A lane that gets its first key joins behind all others: its turn comes after theirs. */
  private static <K> void joinRing(Level<K> level, Lane<K> lane) {
    lane.credit = 0;
    Lane<K> current = level.current;
    if (current == null) {
      lane.before = lane;
      lane.after = lane;
      level.current = lane;
      return;
    }
    Lane<K> last = current.before == null ? current : current.before;
    lane.before = last;
    lane.after = current;
    last.after = lane;
    current.before = lane;
  }

  private static <K> void leaveRing(Level<K> level, Lane<K> lane) {
    lane.credit = 0;
    Lane<K> before = lane.before;
    Lane<K> after = lane.after;
    lane.before = null;
    lane.after = null;
    if (after == lane || before == null || after == null) {
      level.current = null;
      return;
    }
    before.after = after;
    after.before = before;
    if (level.current == lane) {
      level.current = after;
    }
  }
}
