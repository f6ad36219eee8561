package dev.sluice.flow;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import org.jspecify.annotations.Nullable;

/**
 * Token bucket and leaky bucket, by the generic cell rate algorithm.
 *
 * <h2>One number instead of a bucket</h2>
 *
 * A bucket needs no refilling. It suffices to remember one instant, {@code emptyAt}: when the
 * bucket was, or will be, empty, had only the inflow been there. The tokens in it are what has
 * flowed in since then, at most the burst:
 *
 * <pre>
 *     from   = max(emptyAt, now - burst)      what exceeds the burst has run over
 *     tokens = now - from
 *     take n:  from + n &lt;= now  ?  emptyAt := from + n  :  refuse
 * </pre>
 *
 * <p>(with permits and time in one unit, see {@link CellRate}). This is the virtual scheduling form
 * of the generic cell rate algorithm (ITU-T I.371, ATM Forum TM 4.0, 1996; a leaky bucket as a
 * meter and a token bucket are the same thing seen from outside and inside), with {@code emptyAt} +
 * burst being its theoretical arrival time. To take is one compare-and-set; to refuse writes
 * nothing, so a limiter that refuses scales over the cores.
 *
 * <p>As a shaper (a leaky bucket as a queue), nothing is kept, and a permit is paid for after it
 * went instead of before: {@code emptyAt} is then the instant at which the next may go. A large
 * wish goes at once and keeps those behind it waiting in proportion, as a large packet does on a
 * line.
 *
 * <h2>The line</h2>
 *
 * While somebody waits, the number is kept under the line's lock ({@code held}), and in its place
 * stands {@link #LINE}, which makes a try without the lock refuse: that is how nobody overtakes.
 * {@link #BUSY} stands there while the lock's owner has not decided yet. When the rate changes, a
 * new cell takes over and the old one is {@link #MOVED}. All three mean: not without the lock. So
 * the fast path is lock-free, except for the instant of a change.
 *
 * <h2>Lateness</h2>
 *
 * A timer fires late by some 60 us. If a permit granted late were charged at the time it was
 * granted, a bucket of burst 1 would lose this lateness each time: at 1,000 a second, 6 % of the
 * rate. A waiter was there at the instant it was due, so it is charged for that instant; what was
 * missed is kept for those behind it, up to the burst but at least one permit. One permit is enough
 * to hold the mean rate whenever timers are late by less than one gap, and is the most by which the
 * bound can be exceeded.
 *
 * <h2>Time</h2>
 *
 * Readings of the clock are compared with the cell's origin by their difference only, so that a
 * wrap-around of {@code nanoTime} does not matter. After 18 years, and if a reading should lie
 * before the origin, the lock's owner starts a new cell at the present reading.
 */
final class CellRateLimiter extends LineLimiter {
  /** Somebody waits: refuse. */
  private static final long LINE = Long.MIN_VALUE;

  /** The owner of the lock is at it: ask under the lock. */
  private static final long BUSY = Long.MIN_VALUE + 1;

  /** The state went to the next cell. */
  private static final long MOVED = Long.MIN_VALUE + 2;

  private static final VarHandle EMPTY_AT;

  static {
    try {
      EMPTY_AT = MethodHandles.lookup().findVarHandle(Cell.class, "emptyAt", long.class);
    } catch (ReflectiveOperationException e) {
      throw new ExceptionInInitializerError(e);
    }
  }

  private volatile Cell cell;

  /** What belongs into {@code cell.emptyAt}, while it is seized. Only under the lock. */
  private long held;

  CellRateLimiter(Builder builder, CellRate rate) {
    this(builder, rate, builder.time.nanoTime(), builder.startEmpty ? 0 : -rate.capacity);
  }

  /** Goes on from a state that was kept elsewhere. */
  CellRateLimiter(Builder builder, CellRate rate, long origin, long emptyAt) {
    super(builder);
    this.cell = new Cell(rate, origin, emptyAt);
  }

  // ---- without the lock

  /**
   * The state is read before the clock: then a refusal holds at the instant at which the state was
   * read, since what is too early now was too early then. After a lost race the reading of the
   * clock is older than the state, and good enough to grant but not to refuse.
   */
  @Override
  int takeUnlocked(long permits) {
    Cell cell = this.cell;
    long cost = permits << cell.shift;
    long emptyAt = cell.emptyAt;
    long elapsed = time.nanoTime() - cell.origin;
    boolean fresh = true;
    while (emptyAt > MOVED) {
      if (elapsed >>> 59 != 0) {
        return UNDECIDED;
      }
      long now = Math.multiplyHigh(elapsed << 3, cell.multiplier);
      long from = Math.max(emptyAt, now - cell.capacity);
      if (from + (cost & cell.prepaid) <= now) {
        long witness = (long) EMPTY_AT.compareAndExchange(cell, emptyAt, from + cost);
        if (witness == emptyAt) {
          return TAKEN;
        }
        emptyAt = witness;
        fresh = false;
      } else if (fresh) {
        return REFUSED;
      } else {
        elapsed = time.nanoTime() - cell.origin;
        fresh = true;
      }
    }
    return emptyAt == LINE ? REFUSED : UNDECIDED;
  }

  @Override
  public Reservation reserve(long permits) {
    Cell cell = this.cell;
    if (permits >= 1 && permits <= cell.rate.maxPermits()) {
      long cost = permits << cell.shift;
      long emptyAt = cell.emptyAt;
      long clock = time.nanoTime();
      long elapsed = clock - cell.origin;
      if (elapsed >>> 59 == 0 && emptyAt > MOVED) {
        long now = cell.rate.flowed(elapsed);
        long from = Math.max(emptyAt, now - cell.capacity);
        long free = from + (cost & cell.prepaid);
        long delay = free <= now ? 0 : cell.rate.elapsedWhenFlowed(free) - elapsed;
        if (delay <= furthestPromise && EMPTY_AT.compareAndSet(cell, emptyAt, from + cost)) {
          return new Promise(
              this, permits, clock + delay, new Charge(cell, emptyAt, from + cost, cost));
        }
      }
    }
    return super.reserve(permits);
  }

  @Override
  public Rate rate() {
    return cell.rate.rate;
  }

  @Override
  public long burst() {
    return cell.rate.burst;
  }

  @Override
  long maxPermits() {
    return cell.rate.maxPermits();
  }

  // ---- under the lock

  @Override
  void seize(long now) {
    Cell cell = this.cell;
    long emptyAt = cell.emptyAt;
    while (emptyAt > MOVED) {
      long witness = (long) EMPTY_AT.compareAndExchange(cell, emptyAt, BUSY);
      if (witness == emptyAt) {
        held = emptyAt;
        break;
      }
      emptyAt = witness;
    }
    long elapsed = now - cell.origin;
    if (elapsed >>> 59 != 0) {
      replace(cell.rate, now);
    }
  }

  @Override
  void release(boolean lineEmpty) {
    cell.emptyAt = lineEmpty ? held : LINE;
  }

  private long flowed(long now) {
    return cell.rate.flowed(Math.max(0, now - cell.origin));
  }

  @Override
  long untilGranted(long now, long through, long own) {
    CellRate rate = cell.rate;
    long flowed = flowed(now);
    long cost = rate.cost(own);
    long ahead = rate.saturated(through) - (cost & ~rate.prepaid);
    long from = Math.max(held, flowed - kept(cost));
    long target = from + ahead;
    if (target <= flowed) {
      return 0;
    }
    return rate.elapsedWhenFlowed(target) - (now - cell.origin);
  }

  @Override
  long nanosAfter(long before, long between, long own) {
    CellRate rate = cell.rate;
    long permits = between + (rate.shaping ? before : own);
    return rate.nanosFor(permits < 0 ? Long.MAX_VALUE : permits);
  }

  @Override
  void grant(long now, long permits, boolean waited) {
    long cost = cell.rate.cost(permits);
    held = Math.max(held, flowed(now) - (waited ? kept(cost) : cell.capacity)) + cost;
  }

  /** What is kept for a waiter: the burst, but at least what it wants and a permit for the next. */
  private long kept(long cost) {
    return Math.max(cell.capacity, cell.rate.cost(1) + (cost & cell.prepaid));
  }

  @Override
  void lapse(long now) {
    held = Math.max(held, flowed(now) - cell.capacity);
  }

  @Override
  double tokens(long now) {
    long flowed = flowed(now);
    if (cell.prepaid == 0 && held <= flowed) {
      return 1; // a shaper saves nothing up, and lets the next go
    }
    long units = flowed - Math.max(held, flowed - cell.capacity);
    return cell.rate.permits(units);
  }

  @Override
  Receipt charge(long at, long permits) {
    long before = held;
    grant(at, permits, false);
    return new Charge(cell, before, held, cell.rate.cost(permits));
  }

  @Override
  void giveBack(Receipt receipt, boolean due) {
    Charge charge = (Charge) receipt;
    long before = charge.before;
    long after = charge.after;
    long cost = charge.cost;
    Cell then = charge.cell;
    for (Cell next = then.next; next != null; next = then.next) {
      before = next.carry(then, before);
      after = next.carry(then, after);
      cost = CellRate.shift(cost, next.shift - then.shift);
      then = next;
    }
    long takenSince = held - after;
    if (takenSince == 0) {
      held = before;
    } else if (!due && cell.prepaid != 0) {
      held -= Math.max(0, cost - Math.max(0, takenSince));
    }
  }

  @Override
  public void setRate(Rate rate) {
    double before = rate().permitsPerSecond();
    goOnAt(cell.rate.with(rate));
    announcer.limitChanged("set-rate", before, rate.permitsPerSecond());
  }

  @Override
  public void setBurst(long burst) {
    if (cell.rate.shaping) {
      throw new UnsupportedOperationException(
          "'" + name() + "' is a shaper, which saves nothing up: it has no burst to be set");
    }
    long before = burst();
    goOnAt(cell.rate.with(burst));
    announcer.limitChanged("set-burst", before, burst);
  }

  /** Goes on with as many tokens, or as much debt, at another rate and burst. */
  void goOnAt(CellRate rate) {
    change(now -> replace(rate, now));
  }

  private void replace(CellRate rate, long now) {
    Cell old = cell;
    long elapsed = Math.max(0, now - old.origin);
    Cell next = new Cell(rate, now, old.emptyAt);
    next.oldFlowed = old.rate.flowed(Math.min(elapsed, 2 * CellRate.HORIZON_NANOS - 1));
    if (lineEmpty()) {
      next.oldEarliest = next.oldFlowed - old.capacity;
      next.mostCarried = rate.capacity;
    }
    held = next.carry(old, held);
    old.next = next;
    cell = next;
    old.emptyAt = MOVED;
  }

  /** The state from one change of the rate to the next. */
  private static final class Cell {
    final CellRate rate;
    final long origin;

    // Copied from the rate: one step less on the way to them.
    final int shift;
    final long multiplier;
    final long capacity;
    final long prepaid;

    /** When the bucket is empty, in units after the origin; or one of the three words. */
    volatile long emptyAt;

    /** What had flowed in the cell before when this one took over, its zero. */
    long oldFlowed;

    /** Instants of the cell before that lie before this one had run over. */
    long oldEarliest = Long.MIN_VALUE / 2;

    /** How many units at most it was given; what was gathered for a waiter is not cut. */
    long mostCarried = Long.MAX_VALUE / 2;

    /** The one that took over; only under the lock. */
    @Nullable Cell next;

    Cell(CellRate rate, long origin, long emptyAt) {
      this.rate = rate;
      this.origin = origin;
      this.shift = rate.shift;
      this.multiplier = rate.multiplier;
      this.capacity = rate.capacity;
      this.prepaid = rate.prepaid;
      this.emptyAt = emptyAt;
    }

    /** An instant of the cell before, in this one's units, such that the tokens are as many. */
    long carry(Cell old, long instant) {
      long tokens = oldFlowed - Math.max(instant, oldEarliest);
      return -Math.min(mostCarried, CellRate.shift(tokens, shift - old.shift));
    }
  }

  private record Charge(Cell cell, long before, long after, long cost) implements Receipt {}
}
