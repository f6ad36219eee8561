/**
 * {@code sluice apiserver}: the embedded API server of the testkit as a process of its own, to try
 * things against without a cluster.
 */
@NullMarked
package dev.sluice.cli.apiserver;

import org.jspecify.annotations.NullMarked;
