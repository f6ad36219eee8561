/**
 * A Kubernetes API server inside the JVM, for tests: starts in well under a second, behaves as the
 * real one does, and misbehaves when told to.
 *
 * <p>Start with {@link dev.sluice.testkit.EmbeddedApiServer @EmbeddedApiServer} in a JUnit test, or
 * with {@link dev.sluice.testkit.ApiServer} anywhere. Point any client at its {@linkplain
 * dev.sluice.testkit.ApiServer#kubeconfig() kubeconfig}. What goes wrong is asked of its {@link
 * dev.sluice.testkit.Faults}; what a client did is in its {@link dev.sluice.testkit.Requests}.
 *
 * <p>Inside, requests travel from {@code internal.http} (sockets, and faults of the wire) through
 * {@code internal.api} (kinds, rules, patches, lists, watches) to {@code internal.store}
 * (revisions, versions, events). Nothing here is shared with the client side of Sluice, so that
 * both cannot be wrong alike.
 */
@NullMarked
package dev.sluice.testkit;

import org.jspecify.annotations.NullMarked;
