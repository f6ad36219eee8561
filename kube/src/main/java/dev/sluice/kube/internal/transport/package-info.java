/**
 * From a response's bytes to frames and items, and from its headers to what they mean.
 *
 * <p>{@link dev.sluice.kube.internal.transport.FrameReader} cuts a watch's body into lines, {@link
 * dev.sluice.kube.internal.transport.ListReader} a list's body into its items, both in one reused
 * buffer with a limit ({@link dev.sluice.kube.internal.transport.ByteWindow}), so that neither a
 * list of a gigabyte nor a line without end stands in memory. {@link
 * dev.sluice.kube.internal.transport.ServerStatus} is what a server says when it refuses. Used by
 * the stream's own thread; knows nothing of stores and states.
 */
@NullMarked
package dev.sluice.kube.internal.transport;

import org.jspecify.annotations.NullMarked;
