/** The contract suite on the two servers. */
@NullMarked
package dev.sluice.contract;

import org.jspecify.annotations.NullMarked;
