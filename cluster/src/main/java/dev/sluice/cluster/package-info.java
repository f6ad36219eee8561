/**
 * The released kube-apiserver and etcd, for tests on the real thing.
 *
 * <p>{@link dev.sluice.cluster.RealApiServer} on a test class asks for a cluster; the tests get a
 * {@link dev.sluice.cluster.RealCluster} as a parameter. It is the program in {@code cluster/},
 * started as a child of this JVM and ended with it. Classes that ask for the same settings share
 * one; a class that restarts, pauses or restores asks for a {@linkplain
 * dev.sluice.cluster.RealApiServer#dedicated() dedicated} one. Where there is no Go to build it
 * with, each test is reported as skipped, with that reason.
 *
 * <pre>{@code
 * @RealApiServer(flags = "--max-requests-inflight=4")
 * class OverloadTest {
 *   @Test
 *   void waitsAsLongAsTheServerSays(RealCluster cluster) {
 *     var config = Config.fromKubeconfig(cluster.kubeconfig("alice").toFile());
 *     ...
 *   }
 * }
 * }</pre>
 *
 * <p>{@code cluster/README.md} lists the users and shows the same cluster by hand.
 */
@NullMarked
package dev.sluice.cluster;

import org.jspecify.annotations.NullMarked;
