/** Seeded generators, a runner and a shrinker for model tests. */
@NullMarked
package dev.sluice.modeltest;

import org.jspecify.annotations.NullMarked;
