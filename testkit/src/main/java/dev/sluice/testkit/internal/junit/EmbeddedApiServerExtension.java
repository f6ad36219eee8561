package dev.sluice.testkit.internal.junit;

import dev.sluice.testkit.ApiServer;
import dev.sluice.testkit.EmbeddedApiServer;
import dev.sluice.testkit.Faults;
import dev.sluice.testkit.Requests;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import org.junit.jupiter.api.extension.AfterEachCallback;
import org.junit.jupiter.api.extension.BeforeEachCallback;
import org.junit.jupiter.api.extension.ExtensionConfigurationException;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.ExtensionContext.Namespace;
import org.junit.jupiter.api.extension.ExtensionContext.Store;
import org.junit.jupiter.api.extension.ParameterContext;
import org.junit.jupiter.api.extension.ParameterResolver;
import org.junit.jupiter.api.parallel.ExecutionMode;
import org.junit.platform.commons.support.AnnotationSupport;

/** Starts, resets and closes servers; hands them to the tests that ask for one. */
public final class EmbeddedApiServerExtension
    implements BeforeEachCallback, AfterEachCallback, ParameterResolver {
  private static final Namespace NAMESPACE = Namespace.create(EmbeddedApiServerExtension.class);

  /** A server that JUnit closes with the store it is in. */
  private record Held(ApiServer server) implements AutoCloseable {
    @Override
    public void close() {
      server.close();
    }
  }

  /** A server that is not JUnit's to close with the store it is in. */
  private record Lent(ApiServer server) {}

  @Override
  public void beforeEach(ExtensionContext context) {
    EmbeddedApiServer how = annotation(context);
    if (isShared(context, how)) {
      Store store = classContext(context).getStore(NAMESPACE);
      boolean fresh = store.get("server") == null;
      ApiServer server = shared(context, how);
      if (!fresh) {
        server.reset();
      }
      context.getStore(NAMESPACE).put("lent", new Lent(server));
    } else {
      Held held = new Held(start(context, how));
      context.getStore(NAMESPACE).put("held", held);
      context.getStore(NAMESPACE).put("lent", new Lent(held.server()));
    }
  }

  @Override
  public void afterEach(ExtensionContext context) {
    // What a test has hung up must not hang the next one.
    Lent lent = context.getStore(NAMESPACE).get("lent", Lent.class);
    if (lent != null) {
      lent.server().faults().clear();
    }
  }

  private static ApiServer shared(ExtensionContext context, EmbeddedApiServer how) {
    Store store = classContext(context).getStore(NAMESPACE);
    Held held = store.computeIfAbsent("server", key -> new Held(start(context, how)), Held.class);
    return held.server();
  }

  private static ExtensionContext classContext(ExtensionContext context) {
    ExtensionContext at = context;
    while (at.getTestMethod().isPresent()) {
      at = at.getParent().orElseThrow();
    }
    return at;
  }

  private static boolean isShared(ExtensionContext context, EmbeddedApiServer how) {
    boolean onMethod =
        context
            .getTestMethod()
            .flatMap(m -> AnnotationSupport.findAnnotation(m, EmbeddedApiServer.class))
            .isPresent();
    return !onMethod
        && how.lifecycle() == EmbeddedApiServer.Lifecycle.PER_CLASS
        && context.getExecutionMode() != ExecutionMode.CONCURRENT;
  }

  private static EmbeddedApiServer annotation(ExtensionContext context) {
    Optional<EmbeddedApiServer> onMethod =
        context
            .getTestMethod()
            .flatMap(m -> AnnotationSupport.findAnnotation(m, EmbeddedApiServer.class));
    if (onMethod.isPresent()) {
      return onMethod.get();
    }
    Class<?> type = context.getRequiredTestClass();
    while (type != null) {
      Optional<EmbeddedApiServer> onClass =
          AnnotationSupport.findAnnotation(type, EmbeddedApiServer.class);
      if (onClass.isPresent()) {
        return onClass.get();
      }
      type = type.getEnclosingClass();
    }
    throw new ExtensionConfigurationException(
        "@EmbeddedApiServer was not found on " + context.getRequiredTestClass());
  }

  private static ApiServer start(ExtensionContext context, EmbeddedApiServer how) {
    ApiServer server =
        ApiServer.builder()
            .tls(how.tls())
            .history(how.history())
            .bookmarkInterval(Duration.ofMillis(how.bookmarkMillis()))
            .start();
    try {
      for (String source : how.load()) {
        load(server, context.getRequiredTestClass(), source);
      }
      server.markBaseline();
      return server;
    } catch (RuntimeException e) {
      server.close();
      throw e;
    }
  }

  private static void load(ApiServer server, Class<?> test, String source) {
    try (InputStream in = test.getResourceAsStream(source)) {
      if (in != null) {
        server.load(in);
        return;
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    Path file = Path.of(source);
    if (!Files.exists(file)) {
      throw new ExtensionConfigurationException(
          "@EmbeddedApiServer(load = \"%s\"): there is no such resource beside %s, and no such file in %s"
              .formatted(source, test.getName(), Path.of("").toAbsolutePath()));
    }
    server.load(file);
  }

  @Override
  public boolean supportsParameter(ParameterContext parameter, ExtensionContext context) {
    Class<?> type = parameter.getParameter().getType();
    return type == ApiServer.class || type == Faults.class || type == Requests.class;
  }

  @Override
  public Object resolveParameter(ParameterContext parameter, ExtensionContext context) {
    Lent lent = context.getStore(NAMESPACE).get("lent", Lent.class);
    // Without one it is a constructor, or a method before all tests.
    ApiServer server = lent == null ? shared(context, annotation(context)) : lent.server();
    Class<?> type = parameter.getParameter().getType();
    if (type == Faults.class) {
      return server.faults();
    }
    return type == Requests.class ? server.requests() : server;
  }
}
