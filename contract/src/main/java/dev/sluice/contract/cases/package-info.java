/**
 * The cases, a class a chapter. Each is given its own {@link dev.sluice.contract.Api} and runs
 * beside the others.
 */
@NullMarked
package dev.sluice.contract.cases;

import org.jspecify.annotations.NullMarked;
