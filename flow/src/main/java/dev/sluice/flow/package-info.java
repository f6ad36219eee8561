/**
 * Rates, pressure and failure: the primitives of flow control, useful to any service, with no
 * dependency.
 *
 * <p><b>How fast may it go?</b> {@link dev.sluice.flow.RateLimiter} is the door to token buckets,
 * leaky buckets, warm-up and limits of several parts; {@link dev.sluice.flow.KeyedRateLimiter} has
 * one bucket for each key, {@link dev.sluice.flow.Budget} shares one rate among several, {@link
 * dev.sluice.flow.Pacer} ticks. <b>How much at once?</b> {@link
 * dev.sluice.flow.ConcurrencyLimiter}. <b>Which limit is right?</b> {@link
 * dev.sluice.flow.AdaptiveLimit} finds out, by a {@link dev.sluice.flow.LimitLaw}.
 *
 * <p><b>Where does pressure turn into an action?</b> {@link dev.sluice.flow.Gate} hands over from a
 * stream to its consumers, {@link dev.sluice.flow.WorkQueue} gives keys to workers, each to one at
 * a time.
 *
 * <p><b>What if it fails?</b> {@link dev.sluice.flow.Backoff} says how long to wait, {@link
 * dev.sluice.flow.RetryLimiter} for each key, {@link dev.sluice.flow.CircuitBreaker} stops calling,
 * {@link dev.sluice.flow.Probe} asks whether it is well again, and holds the gates that lead there
 * meanwhile.
 *
 * <p>Everything takes its time from a {@link dev.sluice.flow.TimeSource}, so that tests run it in
 * {@linkplain dev.sluice.flow.VirtualTime virtual time}, and tells what happens to one {@link
 * dev.sluice.flow.FlowListener} as {@link dev.sluice.flow.FlowEvent}s. Nothing here starts a thread
 * of its own, but for the one that serves all timers.
 *
 * <p>Where to start: {@link dev.sluice.flow.RateLimiter#tokenBucket} and {@code
 * docs/guides/which-limiter.md} to limit a rate; {@link dev.sluice.flow.WorkQueue} and {@code
 * docs/guides/sizing-a-queue.md} to hand work to workers; {@code docs/guides/which-gate.md} for
 * what to do with a stream that is faster than they are.
 *
 * <h2>The algorithms</h2>
 *
 * Each has an essay at the top of the class that holds it: what is remembered, why it suffices,
 * what it costs, and where it comes from. In short:
 *
 * <dl>
 *   <dt>Token and leaky bucket: {@code CellRateLimiter}, {@code CellRate}
 *   <dd>The generic cell rate algorithm in its virtual scheduling form (ITU-T I.371; ATM Forum TM
 *       4.0, 1996): one instant in place of a bucket that somebody would have to fill. Time is
 *       counted in units chosen for each rate, so that one permit in 292 years and 10<sup>9</sup> a
 *       second are both exact.
 *   <dt>Waiting in line: {@code LineLimiter}
 *   <dd>First come, first served, by one timer for all. The instant of a turn follows from the
 *       meter and from what stands before it, so a deadline that can't be kept is known at once.
 *   <dt>Warm-up: {@code WarmUpLimiter}
 *   <dd>The cold curve of Guava's {@code SmoothWarmingUp}, with permits measured as time.
 *   <dt>A budget for several: {@link dev.sluice.flow.Budget}
 *   <dd>Buckets that run over into their parents (token sharing of envelopes, MEF 10.3, 2013;
 *       compare HTB, M. Devera, 2002); who borrows first by start-time fair queueing (P. Goyal, H.
 *       Vin, H. Cheng, SIGCOMM 1996).
 *   <dt>A bucket for each key: {@link dev.sluice.flow.KeyedRateLimiter}
 *   <dd>One word for each key in an open-addressed table; a full bucket needs no memory.
 *   <dt>Limits that find themselves: {@link dev.sluice.flow.LimitLaw}, {@link
 *       dev.sluice.flow.AdaptiveLimit}
 *   <dd>Additive increase and multiplicative decrease (D. Chiu, R. Jain, 1989); the gradient of
 *       Netflix' concurrency-limits (E. Kravets and others, 2018), after TCP Vegas (L. Brakmo, L.
 *       Peterson, 1995); for rates with the derivative of the latency, as a queue integrates what
 *       is too much (TIMELY: R. Mittal and others, SIGCOMM 2015).
 *   <dt>Backoff: {@link dev.sluice.flow.Backoff}
 *   <dd>Exponential, with the kinds of jitter compared by M. Brooker (2015).
 *   <dt>Circuit breaker: {@link dev.sluice.flow.CircuitBreaker}
 *   <dd>M. Nygard, "Release It!" (2007); failures in a row, or their share in a sliding window.
 *   <dt>Order in a work queue: {@code ReadyKeys}, {@link dev.sluice.flow.Sizing}
 *   <dd>Priorities with ageing that gives a share and not precedence; weighted round robin between
 *       tenants (deficit round robin for work of equal cost: M. Shreedhar, G. Varghese, SIGCOMM
 *       1995); J. Little's law (1961) for how many workers it takes.
 *   <dt>One lock for a work queue: {@link dev.sluice.flow.WorkQueue}
 *   <dd>What workers are done with is left on a stack for the next holder of the lock (flat
 *       combining: D. Hendler, I. Incze, N. Shavit, M. Tzafrir, SPAA 2010).
 *   <dt>Delays by the million: {@code TimingWheel}
 *   <dd>Hierarchical timing wheels (G. Varghese, A. Lauck, SOSP 1987, scheme 7).
 *   <dt>The latest state of each key: {@code CoalescingGate}
 *   <dd>At most a deletion and a creation for each name, with a proof that this is enough.
 * </dl>
 */
@NullMarked
package dev.sluice.flow;

import org.jspecify.annotations.NullMarked;
