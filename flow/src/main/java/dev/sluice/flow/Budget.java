package dev.sluice.flow;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * One rate shared by several, each with a guaranteed share; what one does not use, the others may
 * borrow.
 *
 * <pre>{@code
 * Budget server = Budget.of(Rate.perSecond(100), 20);
 * Budget writes = server.child("writes", 0.4, 10);   // at least 40 a second
 * Budget lists  = server.child("lists", 0.1, 5);     // at least 10, and up to 100 when all is quiet
 * writes.acquire();
 * }</pre>
 *
 * <p><b>Guarantee.</b> A child gets its share at any time, however much the others want, without
 * waiting for them to give anything back. <b>Work-conserving.</b> As long as somebody wants
 * permits, none of the rate is lost. <b>Bound.</b> All together are granted in a window of length
 * <i>w</i> no more than rate x <i>w</i> + the sum of all bursts. <b>Fairness.</b> What is left over
 * goes to those who wait for it in proportion to their shares (one without a share counts like one
 * of 1 %).
 *
 * <p>A child may have children of its own, which borrow from their siblings before they borrow from
 * strangers. A budget with children is not acquired from itself: make one more child for that.
 *
 * <p>As a {@link RateLimiter}: order, cancellation and deadlines are as there, but a waiter that
 * can only hope to borrow is turned away when its deadline comes, not before. {@link #rate()} is
 * what a budget may reach by borrowing, the rate of the whole. A reservation is promised for what
 * is there, or else at the guaranteed share alone. Safe for use by any number of threads.
 */
/*
 * The buckets. Each budget has one. A child's is filled by its guaranteed rate; when it is full, it
 * runs over into its parent's, which is filled by what runs over and by the part of its own rate
 * that no child has been guaranteed. What runs over the root's is lost. A child takes from its own
 * bucket and, when that is not enough, from its parent's, and so on up. Nothing more is needed for
 * the guarantee (nobody else takes from a child's bucket), for the bound (all that flows in is the
 * root's rate, all that can be stored is the bursts), and for not losing any work (an idle child is
 * full, so its rate runs over to those who are not). This is the token sharing of envelopes of the
 * Metro Ethernet Forum (MEF 10.3, 2013), which couples buckets in a row, applied to a tree; compare
 * HTB (M. Devera, 2002), in which parents lend on credit.
 *
 * The arithmetic. A bucket's level is a linear function of time until some bucket below it becomes
 * full or ceases to be. So only those changes are events, kept in order of time, and handled when
 * somebody comes or a timer fires: a decision costs the depth of the tree and the logarithm of the
 * number of buckets that are being filled, and, while somebody waits, the number of children that
 * wait.
 *
 * Who may borrow first when several wait: start-time fair queueing (P. Goyal, H. Vin, H. Cheng,
 * SIGCOMM 1996). Each child has a virtual time that advances by what it borrowed divided by its
 * share; the one with the least comes first and gathers what runs over into its own bucket until
 * its first waiter can go. A child that begins to wait starts at the present virtual time, so that
 * nothing can be saved up by not borrowing.
 */
@Experimental
public final class Budget extends LineLimiter {
  private static final double LEAST_WEIGHT = 0.01;
  private static final double MAX_BURST = Math.scalb(1.0, 50);

  private final Tree tree;
  private final @Nullable Budget parent;
  private final Builder settings;

  // All below: only under the tree's lock.
  private final List<Budget> children = new ArrayList<>();
  private final long order;
  private double share;
  private double burst;

  /** What is guaranteed to it and its children together, in permits a nanosecond. */
  private double guaranteed;

  /** What flows into its bucket: what no child was guaranteed, and what runs over from those. */
  private double inflow;

  private double tokens;
  private long asOf;
  private boolean full;
  private long fullAt;
  private boolean removed;

  /** The virtual time up to which it has borrowed. */
  private double borrowed;

  /** What it has gathered for its first waiter. */
  private double gathered;

  /** All that was ever taken from its bucket. */
  private double taken;

  Budget(Builder settings, Rate rate, long burst) {
    super(settings);
    CellRate.check(rate);
    this.settings = new Builder(settings);
    this.parent = null;
    this.order = 0;
    this.share = 1;
    this.burst = checked(burst);
    this.tokens = settings.startEmpty ? 0 : burst;
    this.full = !settings.startEmpty;
    this.asOf = time.nanoTime();
    this.tree = new Tree(this, rate);
    tree.rated(asOf);
  }

  private Budget(Builder settings, Budget parent, double share, long burst, long now) {
    super(settings, parent);
    this.settings = settings;
    this.parent = parent;
    this.tree = parent.tree;
    this.order = ++tree.children;
    this.share = share;
    this.burst = burst;
    this.tokens = 0; // an additional burst is earned, not given
    this.asOf = now;
  }

  /**
   * A budget to be shared out to children.
   *
   * @param rate of all together, one in 292 years to 10^9 a second
   * @param burst how much of what is left over is kept for whoever wants to borrow, 1 to 2^50
   * @throws IllegalArgumentException if either is out of range
   */
  public static Budget of(Rate rate, long burst) {
    return RateLimiter.builder().budget(rate, burst);
  }

  /**
   * Adds a child. Its bucket starts empty and fills with its share.
   *
   * @param name how it calls itself in events and messages
   * @param share how much of this budget's guaranteed rate is guaranteed to it, 0 (it may only
   *     borrow) to 1, and with its siblings at most 1
   * @param burst how many permits it may be granted at once and keep for itself, 1 to 2^50
   * @throws IllegalArgumentException if a value is out of range
   * @throws IllegalStateException if this budget was removed, or somebody waits for it itself
   */
  public Budget child(String name, double share, long burst) {
    checkShare(name, share, null);
    checked(burst);
    Builder childSettings = new Builder(settings).name(name);
    lock.lock();
    try {
      long now = time.nanoTime();
      seize(now);
      checkNotRemoved();
      checkShare(name, share, null);
      if (!lineEmpty()) {
        throw new IllegalStateException(
            "'" + name() + "' can't have children while somebody waits for it");
      }
      Budget child = new Budget(childSettings, this, share, burst, now);
      children.add(child);
      tree.rated(now);
      return child;
    } finally {
      lock.unlock();
    }
  }

  /**
   * Takes this child out; its share is its parent's again.
   *
   * @throws IllegalStateException if it is the root, has children, or somebody waits for it
   */
  public void remove() {
    lock.lock();
    try {
      long now = time.nanoTime();
      seize(now);
      checkNotRemoved();
      if (parent == null || !children.isEmpty() || !lineEmpty()) {
        throw new IllegalStateException(
            "'"
                + name()
                + "' can't be removed: it "
                + (parent == null ? "is the root" : lineEmpty() ? "has children" : "has waiters"));
      }
      settle(now);
      removed = true;
      tree.filling.remove(this);
      parent.children.remove(this);
      tree.rated(now);
      parent.pour(Math.max(0, tokens), now);
    } finally {
      lock.unlock();
    }
  }

  /** How much of its parent's guaranteed rate is guaranteed to it, 0 to 1; 1 for the root. */
  public double share() {
    lock.lock();
    try {
      return share;
    } finally {
      lock.unlock();
    }
  }

  /** What is guaranteed to it, in permits a second. */
  public double guaranteedPerSecond() {
    lock.lock();
    try {
      return guaranteed * 1e9;
    } finally {
      lock.unlock();
    }
  }

  /**
   * Changes its share.
   *
   * @param newShare 0 to 1, and with its siblings at most 1
   * @throws IllegalArgumentException if it is out of range
   * @throws IllegalStateException if this is the root, or was removed
   */
  public void setShare(double newShare) {
    if (parent == null) {
      throw new IllegalStateException(
          "'" + name() + "' is the root and has no share: set its rate");
    }
    parent.checkShare(name(), newShare, this);
    double before = guaranteedPerSecond();
    change(now -> {
      checkNotRemoved();
      parent.checkShare(name(), newShare, this);
      share = newShare;
      tree.rated(now);
    });
    announcer.limitChanged("set-share", before, guaranteedPerSecond());
  }

  /**
   * {@inheritDoc}
   *
   * @throws UnsupportedOperationException if this is a child: its rate is its share of its parent's
   */
  @Override
  public void setRate(Rate rate) {
    if (parent != null) {
      throw new UnsupportedOperationException(
          "'" + name() + "' has a share of '" + parent.name() + "': set that (setShare)");
    }
    CellRate.check(rate);
    double before = rate().permitsPerSecond();
    change(now -> {
      tree.rate = rate;
      tree.rated(now);
      tree.unbindPromises();
    });
    announcer.limitChanged("set-rate", before, rate.permitsPerSecond());
  }

  @Override
  public void setBurst(long newBurst) {
    checked(newBurst);
    long before = burst();
    change(now -> {
      settle(now);
      burst = newBurst;
      refill(now);
    });
    announcer.limitChanged("set-burst", before, newBurst);
  }

  private static double checked(long burst) {
    if (burst < 1 || burst > MAX_BURST) {
      throw new IllegalArgumentException("a budget's burst is 1 to 2^50 permits, not " + burst);
    }
    return burst;
  }

  private void checkShare(String child, double newShare, @Nullable Budget instead) {
    if (!(newShare >= 0 && newShare <= 1)) {
      throw new IllegalArgumentException(
          "the share of '" + child + "' must be 0 to 1, but is " + newShare);
    }
    lock.lock();
    try {
      double others =
          children.stream().filter(each -> each != instead).mapToDouble(each -> each.share).sum();
      if (others + newShare > 1 + 1e-9) {
        throw new IllegalArgumentException(
            "the children of '"
                + name()
                + "' have "
                + others
                + " of it already; a share of "
                + newShare
                + " for '"
                + child
                + "' is more than is left");
      }
    } finally {
      lock.unlock();
    }
  }

  private void checkNotRemoved() {
    if (removed) {
      throw new IllegalStateException("the budget '" + name() + "' was removed");
    }
  }

  private void checkUsable() {
    checkNotRemoved();
    if (!children.isEmpty()) {
      throw new IllegalStateException(
          "'" + name() + "' is shared out to its children: acquire from one of those");
    }
  }

  // ---- as a limiter

  @Override
  public Rate rate() {
    return tree.rate;
  }

  @Override
  public long burst() {
    lock.lock();
    try {
      return (long) burst;
    } finally {
      lock.unlock();
    }
  }

  @Override
  long maxPermits() {
    return burst();
  }

  @Override
  int takeUnlocked(long permits) {
    return UNDECIDED;
  }

  @Override
  void seize(long now) {
    tree.advance(now);
  }

  @Override
  void release(boolean lineEmpty) {}

  @Override
  double tokens(long now) {
    settle(now);
    double all = tokens;
    for (Budget pool = parent; pool != null && !pool.contested(); pool = pool.parent) {
      pool.settle(now);
      all += pool.tokens;
    }
    return all;
  }

  @Override
  long untilGranted(long now, long through, long own) {
    checkUsable();
    if (lineEmpty() && tokens(now) >= own - slack(own)) {
      return 0;
    }
    // At the earliest: if nobody else wanted anything.
    double have = tokens;
    for (Budget pool = parent; pool != null; pool = pool.parent) {
      pool.settle(now);
      have += pool.tokens;
    }
    return Math.max(1, (long) Math.ceil((through - have) / tree.root.guaranteed));
  }

  @Override
  long nanosAfter(long before, long between, long own) {
    return 0; // plan is not what it promises
  }

  @Override
  long planPromise(long now, long permits) {
    checkUsable();
    settle(now);
    if (lineEmpty() && tokens(now) >= permits - slack(permits)) {
      return 0;
    }
    double missing = permitsInLine() + (double) permits - tokens;
    long delay = (long) Math.ceil(missing / (guaranteed == 0 ? Double.MIN_NORMAL : guaranteed));
    return Math.max(delay, untilLastPromise(now));
  }

  @Override
  void grant(long now, long permits, boolean waited) {
    settle(now);
    double missing = permits - tokens;
    if (missing > slack(permits)) {
      gather(now, missing);
    }
    tree.virtualTime = Math.max(tree.virtualTime, borrowed);
    payForGathered();
    draw(permits, now);
  }

  @Override
  Receipt charge(long at, long permits) {
    long now = tree.now; // a debt is made now, whenever it is due
    settle(now);
    double missing = permits - tokens;
    if (missing > 0 && tokens(now) >= permits - slack(permits)) {
      gather(now, missing);
    }
    draw(permits, now);
    return new Charge(taken, permits);
  }

  @Override
  void lapse(long now) {}

  @Override
  void giveBack(Receipt receipt, boolean due) {
    Charge charge = (Charge) receipt;
    double since = taken - charge.takenAfter;
    double back =
        since <= slack(charge.permits) ? charge.permits : due ? 0 : charge.permits - since;
    if (back > 0 && !removed) {
      taken -= back;
      pour(back, tree.now);
    }
  }

  private record Charge(double takenAfter, long permits) implements Receipt {}

  /** Permits are doubles here; so much is as good as nothing. */
  private static double slack(double permits) {
    return 1e-9 * Math.max(1, permits);
  }

  // ---- the bucket

  /** The level at which it runs over: a waiter may gather more than a burst that was shrunk. */
  private double capacity() {
    Waiter first = lineEmpty() ? null : first();
    return first == null ? burst : Math.max(burst, first.permits);
  }

  private void settle(long now) {
    if (now - asOf > 0) {
      tokens = full ? tokens : tokens + inflow * (now - asOf);
      asOf = now;
    }
  }

  /** Takes from the bucket, into debt if need be. It is settled. */
  private void draw(double permits, long now) {
    tokens -= permits;
    taken += permits;
    refill(now);
  }

  /** Puts something into the bucket; what exceeds it runs over. */
  private void pour(double permits, long now) {
    settle(now);
    tokens += permits;
    refill(now);
  }

  /** Decides anew whether the bucket runs over, and if not, when it will. It is settled. */
  private void refill(long now) {
    tree.filling.remove(this);
    double capacity = capacity();
    double excess = tokens - capacity;
    boolean isFull = excess >= 0;
    if (isFull != full) {
      full = isFull;
      if (parent != null) {
        parent.changeInflow(full ? inflow : -inflow, now);
      }
    }
    if (isFull) {
      tokens = capacity;
      if (parent != null && excess > 0) {
        parent.pour(excess, now);
      }
    } else {
      double nanos = Math.ceil(-excess / inflow);
      if (nanos < CellRate.HORIZON_NANOS) {
        fullAt = now + Math.max(1, (long) nanos);
        tree.filling.add(this);
      }
    }
  }

  private void changeInflow(double by, long now) {
    settle(now);
    inflow = Math.max(0, inflow + by);
    if (full) {
      if (parent != null) {
        parent.changeInflow(by, now);
      }
    } else {
      refill(now);
    }
  }

  /** Whether somebody waits for what is in this pool. */
  private boolean contested() {
    return tree.waiting.stream().anyMatch(waiting -> waiting.isBelow(this));
  }

  private boolean isBelow(Budget pool) {
    for (Budget above = parent; above != null; above = above.parent) {
      if (above == pool) {
        return true;
      }
    }
    return false;
  }

  /** Takes from the pools above, the nearest first, what is missing, as far as it is there. */
  private void gather(long now, double missing) {
    for (Budget pool = parent; pool != null && missing > 0; pool = pool.parent) {
      pool.settle(now);
      double part = Math.min(missing, pool.tokens);
      if (part > 0) {
        pool.draw(part, now);
        tokens += part;
        gathered += part;
        missing -= part;
      }
    }
  }

  private void payForGathered() {
    borrowed += gathered / Math.max(LEAST_WEIGHT, guaranteed / tree.root.guaranteed);
    gathered = 0;
  }

  // ---- the line

  @Override
  void joined(Waiter waiter) {
    if (waiter.previous == null) {
      borrowed = Math.max(borrowed, tree.virtualTime);
      tree.waiting.add(this);
    }
    tree.deadlines.add(this, waiter);
  }

  @Override
  void left(Waiter waiter) {
    tree.deadlines.remove(this, waiter);
    if (lineEmpty()) {
      tree.waiting.remove(this);
      payForGathered();
      settle(tree.now);
      refill(tree.now);
    }
  }

  @Override
  void serve(long now, Woken woken) {
    tree.serve(now, woken);
  }

  @Override
  void arm(long now, long delay) {
    tree.armNext(now);
  }

  /** What the budgets of a tree have in common. Under its lock, but for reading the rate. */
  private static final class Tree {
    final Budget root;
    volatile Rate rate;

    /** Those not full, the one that will be first. */
    final TreeSet<Budget> filling =
        new TreeSet<>(
            Comparator.<Budget>comparingLong(budget -> budget.fullAt - budget.tree.origin)
                .thenComparingLong(budget -> budget.order));

    final List<Budget> waiting = new ArrayList<>();
    final Deadlines deadlines;
    final long origin;

    /** When somebody looked last. */
    long now;

    double virtualTime;
    long children;

    Tree(Budget root, Rate rate) {
      this.root = root;
      this.rate = rate;
      this.origin = root.asOf;
      this.now = root.asOf;
      this.deadlines = new Deadlines(root.time);
    }

    /** Brings what has run over up to the present. */
    void advance(long now) {
      while (!filling.isEmpty() && filling.first().fullAt - now <= 0) {
        Budget next = filling.first();
        next.settle(next.fullAt);
        next.refill(next.asOf);
      }
      this.now = now;
    }

    /** Shares the rate out anew. */
    void rated(long now) {
      advance(now);
      filling.clear();
      rated(root, rate.permitsPerSecond() / 1e9, now);
    }

    private void rated(Budget budget, double guaranteed, long now) {
      budget.settle(now);
      budget.guaranteed = guaranteed;
      double own = 1;
      double over = 0;
      for (Budget child : budget.children) {
        rated(child, guaranteed * child.share, now);
        own -= child.share;
        over += child.full ? child.inflow : 0;
      }
      budget.inflow = guaranteed * Math.max(0, own) + over;
      if (!budget.full) {
        filling.remove(budget);
        double nanos = Math.ceil((budget.capacity() - budget.tokens) / budget.inflow);
        if (nanos < CellRate.HORIZON_NANOS) {
          budget.fullAt = now + Math.max(1, (long) nanos);
          filling.add(budget);
        }
      }
    }

    void unbindPromises() {
      waiting.forEach(LineLimiter::unbindPromises);
    }

    void serve(long now, Woken woken) {
      deadlines.turnAway(now, woken);
      // First with what is one's own; then, one after the other, with what there is to borrow.
      for (Budget budget : inTurn()) {
        while (serveOne(budget, now, false, woken)) {}
      }
      boolean served = true;
      while (served) {
        served = false;
        for (Budget budget : inTurn()) {
          if (serveOne(budget, now, true, woken)) {
            served = true;
            break;
          }
        }
      }
      armNext(now);
    }

    /** Those that wait, the one first that has borrowed least. */
    private List<Budget> inTurn() {
      waiting.sort(
          Comparator.<Budget>comparingDouble(budget -> budget.borrowed)
              .thenComparingLong(budget -> budget.order));
      return List.copyOf(waiting);
    }

    private static boolean serveOne(Budget budget, long now, boolean borrow, Woken woken) {
      Waiter first = budget.first();
      if (first == null || untilPromised(first, now) > 0) {
        return false;
      }
      budget.settle(now);
      double missing = first.permits - budget.tokens;
      if (borrow && missing > 0 && !(first.who instanceof Promise)) {
        budget.gather(now, missing);
        missing = first.permits - budget.tokens;
        budget.refill(now);
      }
      if (missing > slack(first.permits)) {
        return false;
      }
      budget.serveFirst(now, woken);
      return true;
    }

    /** Sets the timer for when somebody can go, give up, or begin to overflow. */
    void armNext(long now) {
      if (waiting.isEmpty()) {
        root.disarm();
        return;
      }
      long next = Long.MAX_VALUE;
      List<Budget> claimed = new ArrayList<>();
      for (Budget budget : inTurn()) {
        next = Math.min(next, untilServed(budget, now, claimed));
      }
      next = Math.min(next, deadlines.untilNext(now));
      if (!filling.isEmpty()) {
        next = Math.min(next, filling.first().fullAt - now);
      }
      root.armAt(now, Math.max(1, next));
    }

    /** As things flow now, with those pools that nobody before has claimed. */
    private static long untilServed(Budget budget, long now, List<Budget> claimed) {
      Waiter first = budget.first();
      if (first == null) {
        return Long.MAX_VALUE;
      }
      budget.settle(now);
      double missing = first.permits - budget.tokens;
      double flow = budget.inflow;
      for (Budget pool = budget.parent; pool != null; pool = pool.parent) {
        if (!claimed.contains(pool)) {
          claimed.add(pool);
          pool.settle(now);
          missing -= pool.tokens;
          flow += pool.inflow;
        }
      }
      double nanos = Math.ceil(Math.max(0, missing) / flow);
      long wait = nanos < CellRate.HORIZON_NANOS ? (long) nanos : CellRate.HORIZON_NANOS;
      return Math.max(wait, untilPromised(first, now));
    }
  }
}
