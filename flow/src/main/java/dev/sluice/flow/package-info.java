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
 * {@link dev.sluice.flow.Probe} asks whether it is well again.
 *
 * <p>Everything takes its time from a {@link dev.sluice.flow.TimeSource}, so that tests run it in
 * {@linkplain dev.sluice.flow.VirtualTime virtual time}, and tells what happens to one {@link
 * dev.sluice.flow.FlowListener} as {@link dev.sluice.flow.FlowEvent}s. Nothing here starts a thread
 * of its own, but for the one that serves all timers.
 *
 * <p>Where to start: {@link dev.sluice.flow.RateLimiter#tokenBucket}, and {@code
 * docs/guides/which-limiter.md}. How it works inside: the essays at the top of {@code
 * CellRateLimiter}, {@code LineLimiter} and of each class named above.
 */
@NullMarked
package dev.sluice.flow;

import org.jspecify.annotations.NullMarked;
