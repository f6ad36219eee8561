/**
 * The stream: how a LIST and WATCH stay whole whatever the server and the network do.
 *
 * <p>{@link dev.sluice.kube.internal.watch.WatchMachine} is the protocol as one pure function from
 * a {@link dev.sluice.kube.internal.watch.State} and an {@link
 * dev.sluice.kube.internal.watch.Input} to the next state and the one {@link
 * dev.sluice.kube.internal.watch.Action} to take; start reading there. {@link
 * dev.sluice.kube.internal.watch.StreamRunner} takes the actions: it is the only place that does
 * I/O, waits, or writes to the store, and it owns one thread. What it brings into the store it
 * hands over by an {@link dev.sluice.kube.internal.watch.Outlet}, which may be full.
 */
@NullMarked
package dev.sluice.kube.internal.watch;

import org.jspecify.annotations.NullMarked;
