package dev.sluice.cluster;

import java.lang.annotation.Documented;
import java.lang.annotation.ElementType;
import java.lang.annotation.Inherited;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.extension.ExtendWith;

/**
 * The tests of this class run on the released kube-apiserver: constructors, test and lifecycle
 * methods may take a {@link RealCluster} as a parameter.
 *
 * <p>The tests carry the tag {@code real}, so they run with {@code ./mvnw verify -Preal} and not
 * with the plain build. Without Go, each is reported as skipped. A build of the cluster that fails,
 * or a cluster that does not start, fails the class.
 *
 * <p>Classes with the same settings share one cluster for the life of the JVM, so a test makes a
 * namespace of its own and assumes nothing of others. {@code @Nested} classes use their outer
 * class's cluster.
 */
@Documented
@Inherited
@Retention(RetentionPolicy.RUNTIME)
@Target(ElementType.TYPE)
@Tag("real")
@ExtendWith(RealApiServerExtension.class)
public @interface RealApiServer {

  /**
   * Flags for kube-apiserver, such as {@code --min-request-timeout=5}. They come last and win over
   * the cluster's own.
   */
  String[] flags() default {};

  /**
   * Whether kube-controller-manager runs, too: it makes service accounts, collects garbage and ends
   * namespaces. Without it a deleted namespace stays {@code Terminating}.
   */
  boolean controllerManager() default false;

  /** Whether the API server writes {@link RealCluster#auditLog()}. */
  boolean audit() default false;

  /**
   * Whether the class has a cluster to itself, started before its first test and ended after its
   * last. Only such a cluster may be restarted, stopped, paused and restored.
   */
  boolean dedicated() default false;
}
