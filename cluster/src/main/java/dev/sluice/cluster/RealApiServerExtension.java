package dev.sluice.cluster;

import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.extension.BeforeAllCallback;
import org.junit.jupiter.api.extension.ConditionEvaluationResult;
import org.junit.jupiter.api.extension.ExecutionCondition;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.ExtensionContext.Namespace;
import org.junit.jupiter.api.extension.ExtensionContext.Store;
import org.junit.jupiter.api.extension.ExtensionContext.StoreScope;
import org.junit.jupiter.api.extension.ParameterContext;
import org.junit.jupiter.api.extension.ParameterResolver;
import org.junit.platform.commons.support.AnnotationSupport;

/**
 * Keeps the promises of {@link RealApiServer}. JUnit's stores own the clusters: the class's store a
 * dedicated one, the launcher session's store a shared one; each closes what it holds when it ends.
 */
final class RealApiServerExtension
    implements ExecutionCondition, BeforeAllCallback, ParameterResolver {

  /** The configuration parameter that stands in for the environment's PATH in tests of this. */
  static final String PATH = "sluice.cluster.path";

  private static final Namespace NAMESPACE = Namespace.create(RealApiServer.class);

  RealApiServerExtension() {}

  @Override
  public ConditionEvaluationResult evaluateExecutionCondition(ExtensionContext context) {
    String path =
        context
            .getConfigurationParameter(PATH)
            .orElseGet(() -> Optional.ofNullable(System.getenv("PATH")).orElse(""));
    return Toolchain.whatIsMissing(path)
        .map(ConditionEvaluationResult::disabled)
        .orElseGet(() -> ConditionEvaluationResult.enabled("Go is there"));
  }

  @Override
  public void beforeAll(ExtensionContext context) {
    Optional<RealApiServer> wanted =
        AnnotationSupport.findAnnotation(context.getRequiredTestClass(), RealApiServer.class);
    // A nested class without settings of its own finds its outer class's cluster in the store.
    wanted.ifPresent(annotation ->
        context.getStore(NAMESPACE).put(RealCluster.class, cluster(context, annotation)));
  }

  private static Object cluster(ExtensionContext context, RealApiServer annotation) {
    var settings =
        new RealCluster.Settings(
            List.of(annotation.flags()), annotation.controllerManager(), annotation.audit());
    if (annotation.dedicated()) {
      return new Held(RealCluster.start(settings), true);
    }
    Store session = context.getStore(StoreScope.LAUNCHER_SESSION, NAMESPACE);
    return new Held(
        session.computeIfAbsent(settings, RealCluster::startShared, RealCluster.class), false);
  }

  @Override
  public boolean supportsParameter(ParameterContext parameter, ExtensionContext context) {
    return parameter.getParameter().getType() == RealCluster.class;
  }

  @Override
  public RealCluster resolveParameter(ParameterContext parameter, ExtensionContext context) {
    Held held = context.getStore(NAMESPACE).get(RealCluster.class, Held.class);
    if (held == null) {
      throw new IllegalStateException("no cluster was started for " + context.getDisplayName());
    }
    return held.cluster();
  }

  /** A class's cluster; the class's store closes it if the class owns it. */
  private record Held(RealCluster cluster, boolean owned) implements AutoCloseable {
    @Override
    public void close() {
      if (owned) {
        cluster.close();
      }
    }
  }
}
