/**
 * What etcd and the watch cache do: one counter of revisions, the versions of every key for as long
 * as the history reaches, and the events in their order.
 *
 * <p>{@link dev.sluice.testkit.internal.store.Store} owns the counter; each {@link
 * dev.sluice.testkit.internal.store.Table} holds one resource: a sorted map from key to the newest
 * {@link dev.sluice.testkit.internal.store.Version}, which points to the one before it, and a
 * linked list of {@link dev.sluice.testkit.internal.store.Event}s, which any number of readers walk
 * at their own pace without a lock. Nothing here knows what an object means: a version is bytes and
 * what selectors ask for.
 */
@NullMarked
package dev.sluice.testkit.internal.store;

import org.jspecify.annotations.NullMarked;
