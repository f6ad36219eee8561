/**
 * The sockets: Jetty in front of the {@linkplain dev.sluice.testkit.internal.api API service}, and
 * everything that can go wrong on a wire.
 *
 * <p>{@link dev.sluice.testkit.internal.http.Front} owns Jetty and its listeners. A request becomes
 * an {@link dev.sluice.testkit.internal.http.Exchange}, on a virtual thread of its own; what it
 * writes goes through a {@link dev.sluice.testkit.internal.http.Wire}, where faults take hold of
 * single bytes. Whole connections are frozen or cut below TLS and HTTP/2, at their {@link
 * dev.sluice.testkit.internal.http.WireEndPoint}.
 */
@NullMarked
package dev.sluice.testkit.internal.http;

import org.jspecify.annotations.NullMarked;
