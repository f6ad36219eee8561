/** Rates, pressure and failure. */
@NullMarked
package dev.sluice.flow;

import org.jspecify.annotations.NullMarked;
