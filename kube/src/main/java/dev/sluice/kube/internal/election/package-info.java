/**
 * Leader election: {@link dev.sluice.kube.internal.election.Candidacy} decides, without input or
 * output; {@code LeaderElection} in the API package asks the server and starts what is to be led.
 */
@NullMarked
package dev.sluice.kube.internal.election;

import org.jspecify.annotations.NullMarked;
