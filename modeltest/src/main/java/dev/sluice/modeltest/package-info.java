/**
 * Seeded generators, a runner and a shrinker for model tests.
 *
 * <p>A model test drives the real thing and a small model of it through the same long, random
 * history of {@linkplain dev.sluice.modeltest.Step steps}, and compares the two after each. What
 * comes in is a {@linkplain dev.sluice.modeltest.ModelTest description} of the steps and how often
 * each occurs; what goes out is silence, or a failure that names the seed and the shortest history
 * found that still fails:
 *
 * <pre>{@code
 * ModelTest.of("a counter", Fixture::new)
 *     .step(3, gen -> new Add(gen.between(1, 10)))
 *     .step(1, gen -> new Reset())
 *     .invariant(fixture -> assertThat(fixture.real.get()).isEqualTo(fixture.model))
 *     .check();
 * }</pre>
 *
 * <p>Everything random comes from one {@link dev.sluice.modeltest.Seed}, so a failure is repeated
 * with {@code -Dmodeltest.seed=<seed>}; time in the thing under test must be virtual for that to
 * hold. Start reading at {@link dev.sluice.modeltest.ModelTest}.
 */
@NullMarked
package dev.sluice.modeltest;

import org.jspecify.annotations.NullMarked;
