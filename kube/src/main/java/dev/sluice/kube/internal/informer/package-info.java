/**
 * Between streams and their consumers.
 *
 * <p>A {@link dev.sluice.kube.internal.informer.Source} is what informers read from: a {@link
 * dev.sluice.kube.internal.informer.Reflector} (one list and watch and the store it writes), or one
 * for each of several namespaces, and the {@link dev.sluice.kube.internal.informer.Hub} behind
 * them, which offers what they hand over to the gate of every consumer. {@link
 * dev.sluice.kube.internal.informer.HandlerConsumer} takes it from a gate on a thread of its own
 * and tells a handler. Threads meet in the gates and nowhere else.
 */
@NullMarked
package dev.sluice.kube.internal.informer;

import org.jspecify.annotations.NullMarked;
