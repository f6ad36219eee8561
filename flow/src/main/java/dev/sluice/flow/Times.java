package dev.sluice.flow;

import java.time.Duration;

/**
 * How long something took, over many times. All zero if it never happened.
 *
 * @param count how often it happened
 * @param mean the arithmetic mean
 * @param median half took at most so long; as the other quantiles at most 6.25 % too high
 * @param p95 95 of 100 took at most so long
 * @param p99 99 of 100 took at most so long
 * @param longest the longest, exactly
 */
@Experimental
public record Times(
    long count, Duration mean, Duration median, Duration p95, Duration p99, Duration longest) {}
