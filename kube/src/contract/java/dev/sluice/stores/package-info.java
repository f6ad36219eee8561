/**
 * What every journal store must do, as one suite of tests that each of them passes. Compiled with
 * the tests of every module that has a store.
 */
@NullMarked
package dev.sluice.stores;

import org.jspecify.annotations.NullMarked;
