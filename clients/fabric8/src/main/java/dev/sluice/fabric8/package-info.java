/**
 * Sluice on the <a href="https://github.com/fabric8io/kubernetes-client">fabric8 Kubernetes
 * client</a>, release 8.0.
 *
 * <p>Start at {@link dev.sluice.fabric8.SluiceFabric8}. Requests go in as {@link
 * dev.sluice.kube.Transport.Request}s, responses come out with their bodies unread; in between work
 * the user's own fabric8 configuration: addresses, certificates, tokens and their renewal, proxies,
 * interceptors. What Sluice owns itself is switched off there, for Sluice's own requests only:
 * fabric8's retries and its request time-out.
 */
@NullMarked
package dev.sluice.fabric8;

import org.jspecify.annotations.NullMarked;
