package dev.sluice.flow;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * Several limiters as one: all must grant.
 *
 * <h2>All or none</h2>
 *
 * A decision looks at all parts at one instant, under all their locks, taken in the order of a
 * number that each part drew when it was made, so that two composites with parts in common can't
 * lock each other out. Nothing is taken from one part while another one's permits are awaited:
 * neither do permits lie idle that others could use, nor are permits of a fast part used later than
 * they were granted, which would let it pass more than its bound in some window. (That is what
 * happens when each part is reserved and the longest delay waited for, as work queues do.)
 *
 * <p>The line stands before the composite; its head is due when the last part lets it go. What
 * could bring that instant forward (a part's rate is raised, a waiter leaves it, a reservation is
 * given back) makes the part call. It does so only as long as somebody waits here.
 *
 * <p>The price is that a part's own waiters go first: see {@link RateLimiter#allOf}.
 */
final class CompositeLimiter extends LineLimiter {
  private final List<LineLimiter> parts;
  private boolean listening;

  private CompositeLimiter(Builder builder, List<LineLimiter> parts) {
    super(builder);
    this.parts = parts;
  }

  static CompositeLimiter of(Builder builder, RateLimiter... parts) {
    List<LineLimiter> sorted = new ArrayList<>();
    Set<RateLimiter> seen = new HashSet<>();
    for (RateLimiter part : parts) {
      if (!(part instanceof LineLimiter line) || part instanceof CompositeLimiter) {
        throw new IllegalArgumentException(
            "'"
                + part.name()
                + "' can't be a part of a composite: parts are token buckets, leaky buckets and"
                + " limiters that warm up; of a composite, give its parts");
      }
      if (!seen.add(part)) {
        throw new IllegalArgumentException("'" + part.name() + "' is given twice as a part");
      }
      sorted.add(line);
    }
    if (sorted.isEmpty()) {
      throw new IllegalArgumentException("a composite needs at least one part");
    }
    sorted.sort(Comparator.comparingLong(part -> part.lockOrder));
    TimeSource time = sorted.getFirst().time;
    for (LineLimiter part : sorted) {
      if (part.time != time) {
        throw new IllegalArgumentException(
            "'" + part.name() + "' has another time source than the other parts");
      }
    }
    builder.time(time);
    return new CompositeLimiter(builder, List.copyOf(sorted));
  }

  @Override
  public Rate rate() {
    return parts.stream()
        .map(RateLimiter::rate)
        .min(Comparator.comparingDouble(Rate::permitsPerSecond))
        .orElseThrow();
  }

  @Override
  public long burst() {
    return parts.stream().mapToLong(RateLimiter::burst).min().orElseThrow();
  }

  @Override
  long maxPermits() {
    return parts.stream().mapToLong(LineLimiter::maxPermits).min().orElseThrow();
  }

  @Override
  int takeUnlocked(long permits) {
    return UNDECIDED;
  }

  @Override
  void seize(long now) {
    for (LineLimiter part : parts) {
      part.lock.lock();
      part.seize(now);
    }
  }

  @Override
  void release(boolean lineEmpty) {
    if (listening == lineEmpty) {
      listening = !lineEmpty;
      for (LineLimiter part : parts) {
        if (listening) {
          part.addDependent(this);
        } else {
          part.removeDependent(this);
        }
      }
    }
    for (LineLimiter part : parts) {
      part.release(part.lineEmpty());
      part.lock.unlock();
    }
  }

  @Override
  long untilGranted(long now, long through, long own) {
    long latest = 0;
    for (LineLimiter part : parts) {
      long delay =
          part.lineEmpty()
              ? part.untilGranted(now, through, own)
              : Math.max(1, part.plan(now, through));
      latest = Math.max(latest, delay);
    }
    return latest;
  }

  @Override
  long nanosAfter(long before, long between, long own) {
    return parts.stream()
        .mapToLong(part -> part.nanosAfter(before, between, own))
        .max()
        .orElseThrow();
  }

  @Override
  void grant(long now, long permits, boolean waited) {
    for (LineLimiter part : parts) {
      part.grant(now, permits, waited);
    }
  }

  @Override
  void lapse(long now) {
    parts.forEach(part -> part.lapse(now));
  }

  @Override
  double tokens(long now) {
    return parts.stream()
        .mapToDouble(part -> part.lineEmpty() ? part.tokens(now) : 0)
        .min()
        .orElseThrow();
  }

  @Override
  Receipt charge(long at, long permits) {
    return new Charges(
        parts.stream().map(part -> part.charge(at, permits)).toArray(Receipt[]::new));
  }

  @Override
  void giveBack(Receipt receipt, boolean due) {
    Receipt[] each = ((Charges) receipt).each;
    for (int i = 0; i < each.length; i++) {
      parts.get(i).giveBack(each[i], due);
    }
  }

  @Override
  public void setRate(Rate rate) {
    throw new UnsupportedOperationException(
        "'" + name() + "' has no rate of its own: set that of " + names());
  }

  @Override
  public void setBurst(long burst) {
    throw new UnsupportedOperationException(
        "'" + name() + "' has no burst of its own: set that of " + names());
  }

  private String names() {
    return Arrays.toString(parts.stream().map(RateLimiter::name).toArray());
  }

  private static final class Charges implements Receipt {
    final Receipt[] each;

    Charges(Receipt[] each) {
      this.each = each;
    }
  }
}
