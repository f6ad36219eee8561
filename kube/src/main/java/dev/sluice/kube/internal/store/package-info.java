/**
 * The latest state of every object, as bytes.
 *
 * <p>What comes in: an {@link dev.sluice.kube.internal.store.Entry} for each object that the stream
 * hears of. What goes out: what it changed ({@link dev.sluice.kube.internal.store.Difference}), and
 * snapshots. One thread writes, {@link dev.sluice.kube.internal.store.ObjectStore}'s owner; any
 * number read. Both are kept apart by a map that never changes once it is published ({@link
 * dev.sluice.kube.internal.store.EntryMap}): a reader takes the present one and needs nothing else.
 * Start reading there.
 */
@NullMarked
package dev.sluice.kube.internal.store;

import org.jspecify.annotations.NullMarked;
