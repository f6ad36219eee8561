package dev.sluice.flow;

import java.time.Duration;
import java.util.Locale;

/**
 * How a limit follows what is observed: a pure function from a window of observations to the next
 * limit. {@link AdaptiveLimit} calls it at the end of each window and holds the result between
 * floor and ceiling.
 *
 * <p>Three come with Sluice: {@link #serverGuided} for a server that says when it is too much (429
 * with {@code Retry-After}, queue-wait headers), {@link #gradient} for one that only becomes
 * slower, {@link #aimd(double)} for one that only refuses. An own one is a lambda. Stateless, so
 * one may serve many limits.
 */
/*
 * The theory.
 *
 * A limit on concurrency and one on the rate are different plants. With L requests under way a
 * server of capacity C and base latency B answers in max(B, L/C) (Little, 1961): latency follows
 * the limit at once, and a proportional law is stable. A rate R above C makes a queue that grows by
 * R/C - 1 seconds a second: latency is the integral of the excess. A law that adds up steps in
 * proportion to latency alone is a second integrator in a row, which oscillates with growing
 * amplitude whatever its gain; it needs the derivative as well. That is the finding behind TIMELY (R.
 * Mittal and others, SIGCOMM 2015), and the derivative is the excess itself.
 *
 * Fairness. All three add something that does not depend on what one has (or its square root), and
 * take away a part of what one has. Of several clients of one server, who feel the same signal, the
 * larger loses more than it gains and the smaller less, until they are equal: D. Chiu and R. Jain,
 * "Analysis of the Increase and Decrease Algorithms for Congestion Avoidance" (1989), for AIMD; for
 * the gradient the fixed point sqrt(L) = 1 / (1 - gradient) is the same for all.
 *
 * The gradient is that of Netflix' concurrency-limits (E. Kravets and others, 2018), a relative of
 * TCP Vegas (L. Brakmo and L. Peterson, 1995), with the smallest recent latency as its base.
 */
@Experimental
@FunctionalInterface
public interface LimitLaw {

  /**
   * The next limit after a window. Must not block. What it throws reaches whoever reported the last
   * observation, and the limit stays as it is; so does a limit of NaN, as an {@link
   * IllegalStateException}.
   */
  Proposal next(Window window);

  /**
   * Whether it looks at {@link Window#baseLatency}. Then the limit is halved for one window every
   * half minute, to see the latency without a queue of its own making; otherwise never. True unless
   * overridden.
   */
  default boolean usesBaseLatency() {
    return true;
  }

  /** What a limit is a limit of. */
  @Experimental
  enum Kind {
    /** Requests a second. */
    RATE,
    /** Requests under way at once. */
    CONCURRENCY
  }

  /**
   * What was observed since the last move, of requests that began after it.
   *
   * @param kind what the limit is of
   * @param limit the present limit
   * @param initial the limit with which all began
   * @param elapsed how long the window is
   * @param answered how many requests were answered
   * @param refused how many were refused as too many, or failed so that overload is likely
   * @param latency the mean latency of those answered, in nanoseconds; NaN if there were none
   * @param previousLatency that of the window before, NaN if there was none
   * @param baseLatency the least mean latency of a window in the last minute, in nanoseconds; NaN
   *     as long as it isn't known
   * @param queueWait how long requests waited in the server's queue on the average, as it said
   *     itself, in nanoseconds; NaN if it says nothing
   * @param previousQueueWait that of the window before, NaN if unknown
   * @param usage which part of the limit was used, 0 to about 1
   */
  @Experimental
  record Window(
      Kind kind,
      double limit,
      double initial,
      Duration elapsed,
      long answered,
      long refused,
      double latency,
      double previousLatency,
      double baseLatency,
      double queueWait,
      double previousQueueWait,
      double usage) {}

  /**
   * What a law wants.
   *
   * @param limit the next limit
   * @param cause why, as a stable name: {@code refused}, {@code latency}, {@code queue-wait},
   *     {@code headroom}, {@code unused}
   * @param because why, in a sentence with the numbers
   */
  @Experimental
  record Proposal(double limit, String cause, String because) {}

  /** {@link #aimd(double, double)}, which takes away 30 %. */
  static LimitLaw aimd(double increase) {
    return aimd(increase, 0.7);
  }

  /**
   * Additive increase, multiplicative decrease, on refusals alone: probes until the server says no.
   *
   * <p>Band: a saw-tooth from {@code decrease} x <i>C</i> to a little above the capacity <i>C</i>,
   * within 35 % of its mean; more for each of several. Fills the server's queue until that
   * overflows. For servers that refuse quickly and say nothing else.
   *
   * @param increase how much is added in a window without refusals, more than 0
   * @param decrease by what the limit is multiplied after one with refusals, more than 0 and less
   *     than 1
   * @throws IllegalArgumentException if a value is out of range
   */
  static LimitLaw aimd(double increase, double decrease) {
    if (!(increase > 0) || Double.isInfinite(increase)) {
      throw new IllegalArgumentException("increase must be more than 0, but is " + increase);
    }
    if (!(decrease > 0 && decrease < 1)) {
      throw new IllegalArgumentException(
          "decrease must be more than 0 and less than 1, but is " + decrease);
    }
    return withoutBase(window -> {
      if (window.refused > 0) {
        return new Proposal(
            window.limit * decrease,
            "refused",
            text("%d of %d refused: x %.2f", window.refused, all(window), decrease));
      }
      return room(window, increase);
    });
  }

  /**
   * Follows the latency: takes away what makes a queue, and adds a little headroom to find out
   * whether there is more. Halves when refused.
   *
   * <p>Band, but for the moment in which the base is checked: within 20 % of its mean for
   * concurrency, within 25 % for a rate; within 75 % and 30 % for each of five on one server, with
   * a fairness (Jain's index) of 0.95 and 0.98. It stands the requests of about sqrt(L) at each
   * client in the server's queue. For servers that queue.
   */
  static LimitLaw gradient() {
    return window -> {
      if (window.refused > 0) {
        return refused(window);
      }
      if (Double.isNaN(window.latency) || Double.isNaN(window.baseLatency)) {
        return new Proposal(window.limit, "unused", "no answers yet");
      }
      double excess = Math.max(0, window.latency - window.baseLatency);
      double before =
          Double.isNaN(window.previousLatency)
              ? excess
              : Math.max(0, window.previousLatency - window.baseLatency);
      return follow(window, "latency", excess, before, window.baseLatency, 0.1);
    };
  }

  /**
   * Follows what the server says: its refusals (429, 503) and how long it says requests waited in
   * its queue.
   *
   * <p>When a part of the requests is refused, what was let through is what the server can do: the
   * limit becomes that, and 5 % less. Band: within 20 % of its mean when guided by the queue,
   * within 60 % when guided by refusals alone, which come late and in crowds. For API servers.
   *
   * @param targetWait how long requests may wait in the server's queue
   * @throws IllegalArgumentException if it is negative
   */
  static LimitLaw serverGuided(Duration targetWait) {
    double target = Durations.nanos("targetWait", targetWait);
    return withoutBase(window -> {
      if (window.refused > 0) {
        return refused(window);
      }
      if (Double.isNaN(window.queueWait)) {
        return room(window, headroom(window));
      }
      double before =
          Double.isNaN(window.previousQueueWait) ? window.queueWait : window.previousQueueWait;
      double service =
          Double.isNaN(window.latency) ? target : Math.max(1, window.latency - window.queueWait);
      return follow(
          window,
          "queue-wait",
          Math.max(0, window.queueWait - target),
          Math.max(0, before - target),
          Math.max(1, service + target),
          0);
    });
  }

  private static LimitLaw withoutBase(LimitLaw law) {
    return new LimitLaw() {
      @Override
      public Proposal next(Window window) {
        return law.next(window);
      }

      @Override
      public boolean usesBaseLatency() {
        return false;
      }
    };
  }

  private static long all(Window window) {
    return window.answered + window.refused;
  }

  private static Proposal refused(Window window) {
    double part = (double) window.refused / all(window);
    double factor = Math.max(0.5, (1 - part) * 0.95);
    return new Proposal(
        window.limit * factor,
        "refused",
        text("%d of %d refused: x %.2f", window.refused, all(window), factor));
  }

  /** More, if what there is is being used. */
  private static Proposal room(Window window, double increase) {
    if (window.usage < 0.7) {
      return new Proposal(
          window.limit, "unused", text("only %.0f %% of the limit used", window.usage * 100));
    }
    return new Proposal(window.limit + increase, "headroom", text("all is well: + %.3g", increase));
  }

  private static double headroom(Window window) {
    return switch (window.kind) {
      case CONCURRENCY -> Math.sqrt(window.limit);
      case RATE -> 0.03 * Math.sqrt(window.initial * window.limit);
    };
  }

  /**
   * Takes away what makes the excess, with the derivative if the limit is a rate, and adds
   * headroom.
   *
   * @param excess the time for which requests queue beyond what is wanted, in nanoseconds
   * @param before that of the window before
   * @param base the latency without it
   * @param tolerance which part of the base is no excess yet
   */
  private static Proposal follow(
      Window window, String cause, double excess, double before, double base, double tolerance) {
    double counted = Math.max(0, excess - tolerance * base);
    double gradient;
    if (window.kind == Kind.CONCURRENCY) {
      gradient = base / (base + counted);
    } else {
      double elapsed = Math.max(1, window.elapsed.toNanos());
      double growth = (excess - before) / elapsed;
      double drain = counted / Math.max(5 * elapsed, base);
      gradient = 1 - 0.5 * growth - drain;
    }
    gradient = Math.clamp(gradient, 0.5, 1.1);
    if (counted == 0 && gradient >= 0.99) {
      return room(window, headroom(window));
    }
    double aim = window.limit * gradient + headroom(window);
    double next = window.kind == Kind.CONCURRENCY ? (window.limit + aim) / 2 : aim;
    if (next > window.limit && window.usage < 0.7) {
      next = window.limit;
    }
    return new Proposal(
        next,
        cause,
        text(
            "%.2f ms beyond %.2f ms: x %.2f + %.3g",
            excess / 1e6, base / 1e6, gradient, headroom(window)));
  }

  private static String text(String format, Object... values) {
    return String.format(Locale.ROOT, format, values);
  }
}
