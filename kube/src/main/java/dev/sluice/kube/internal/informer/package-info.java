/**
 * Between a stream and its consumers.
 *
 * <p>{@link dev.sluice.kube.internal.informer.Hub} takes what a stream hands over and offers it to
 * the gate of every consumer; {@link dev.sluice.kube.internal.informer.HandlerConsumer} takes it
 * from a gate on a thread of its own and tells a handler. Threads meet in the gates and nowhere
 * else.
 */
@NullMarked
package dev.sluice.kube.internal.informer;

import org.jspecify.annotations.NullMarked;
