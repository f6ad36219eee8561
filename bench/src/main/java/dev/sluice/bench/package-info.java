/**
 * Benchmarks of Sluice beside its peers, in one run on one machine.
 *
 * <p>A {@link dev.sluice.bench.Work} is one task that several contenders do, each in its own way.
 * It is a class: either of JMH benchmarks, one {@link dev.sluice.bench.Contender} each, or a {@link
 * dev.sluice.bench.Measured}, for what a loop of operations can't show. The Go peers are measured
 * by the program in {@code bench/go}, which knows the works by the same names. {@link
 * dev.sluice.bench.Bench} runs them all, prints one table and writes the same figures as JSON: see
 * {@code bench/run}.
 */
@NullMarked
package dev.sluice.bench;

import org.jspecify.annotations.NullMarked;
