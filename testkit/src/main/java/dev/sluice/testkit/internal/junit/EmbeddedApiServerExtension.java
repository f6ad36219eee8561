package dev.sluice.testkit.internal.junit;

import dev.sluice.testkit.ApiServer;
import dev.sluice.testkit.EmbeddedApiServer;
import dev.sluice.testkit.EmbeddedApiServer.Lifecycle;
import dev.sluice.testkit.Faults;
import dev.sluice.testkit.Requests;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.extension.AfterEachCallback;
import org.junit.jupiter.api.extension.BeforeEachCallback;
import org.junit.jupiter.api.extension.ExtensionConfigurationException;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.ExtensionContext.Namespace;
import org.junit.jupiter.api.extension.ParameterContext;
import org.junit.jupiter.api.extension.ParameterResolutionException;
import org.junit.jupiter.api.extension.ParameterResolver;
import org.junit.jupiter.api.parallel.ExecutionMode;
import org.junit.platform.commons.support.AnnotationSupport;

/**
 * Starts, resets and closes servers; hands them to the tests that ask for one.
 *
 * <p>JUnit closes what is {@link AutoCloseable} in a store when the store's test or class ends. So
 * a server lies, in {@link Held}, in the store of the one it belongs to; a test that uses its
 * class's server has it as {@link Lent}, which is nothing to close.
 */
public final class EmbeddedApiServerExtension
    implements BeforeEachCallback, AfterEachCallback, ParameterResolver {
  private static final Namespace NAMESPACE = Namespace.create(EmbeddedApiServerExtension.class);

  /** A server that belongs to the class or the test in whose store it is, and ends with it. */
  private record Held(ApiServer server, AtomicBoolean used) implements AutoCloseable {
    @Override
    public void close() {
      server.close();
    }
  }

  /** The server that a test uses, whosever it is. */
  private record Lent(ApiServer server) {}

  /**
   * Where an annotation stands.
   *
   * @param type the class; null if it is on the test method
   */
  private record Place(EmbeddedApiServer how, @Nullable Class<?> type) {}

  @Override
  public void beforeEach(ExtensionContext context) {
    Place place = place(context);
    Held held;
    if (isShared(context, place)) {
      held = shared(context, place);
      if (held.used().compareAndSet(false, true)) {
        // What was put into it before all tests is there for all tests.
        held.server().markBaseline();
      } else {
        held.server().reset();
      }
    } else {
      refuseTwoServers(context, place);
      held = new Held(start(context, place.how()), new AtomicBoolean(true));
      context.getStore(NAMESPACE).put("held", held);
    }
    context.getStore(NAMESPACE).put("lent", new Lent(held.server()));
  }

  @Override
  public void afterEach(ExtensionContext context) {
    // What a test has hung up must not hang the next one.
    Lent lent = context.getStore(NAMESPACE).get("lent", Lent.class);
    if (lent != null) {
      lent.server().faults().clear();
    }
  }

  private static Held shared(ExtensionContext context, Place place) {
    return classContext(context, place)
        .getStore(NAMESPACE)
        .computeIfAbsent(
            key(place),
            key -> new Held(start(context, place.how()), new AtomicBoolean()),
            Held.class);
  }

  private static String key(Place place) {
    return "server of " + (place.type() == null ? "" : place.type().getName());
  }

  /** The context of the class that has the annotation: nested classes share its server. */
  private static ExtensionContext classContext(ExtensionContext context, Place place) {
    ExtensionContext at = context;
    while (at.getTestMethod().isPresent() || at.getTestClass().orElse(null) != place.type()) {
      Optional<ExtensionContext> parent = at.getParent();
      if (parent.isEmpty() || parent.get().getTestClass().isEmpty()) {
        return at;
      }
      at = parent.get();
    }
    return at;
  }

  private static boolean isShared(ExtensionContext context, Place place) {
    return place.type() != null
        && place.how().lifecycle() == Lifecycle.PER_CLASS
        && context.getExecutionMode() != ExecutionMode.CONCURRENT;
  }

  private static void refuseTwoServers(ExtensionContext context, Place place) {
    if (place.type() != null
        && place.how().lifecycle() == Lifecycle.PER_CLASS
        && classContext(context, place).getStore(NAMESPACE).get(key(place)) != null) {
      throw new ExtensionConfigurationException(
          "The tests of %s run in parallel, so each has an API server of its own, and the one that a"
                  .formatted(place.type().getName())
              + " constructor or a @BeforeAll method took is none of theirs: take it in the test or"
              + " in @BeforeEach, or run the tests of this class one after the other with"
              + " @Execution(ExecutionMode.SAME_THREAD)");
    }
  }

  private static Place place(ExtensionContext context) {
    Optional<EmbeddedApiServer> onMethod =
        context
            .getTestMethod()
            .flatMap(m -> AnnotationSupport.findAnnotation(m, EmbeddedApiServer.class));
    if (onMethod.isPresent()) {
      return new Place(onMethod.get(), null);
    }
    for (Class<?> type = context.getRequiredTestClass();
        type != null;
        type = type.getEnclosingClass()) {
      Optional<EmbeddedApiServer> onClass =
          AnnotationSupport.findAnnotation(type, EmbeddedApiServer.class);
      if (onClass.isPresent()) {
        return new Place(onClass.get(), type);
      }
    }
    throw new ExtensionConfigurationException(
        "@EmbeddedApiServer was not found on " + context.getRequiredTestClass());
  }

  private static ApiServer start(ExtensionContext context, EmbeddedApiServer how) {
    Class<?> test = context.getRequiredTestClass();
    ApiServer server;
    try {
      server =
          ApiServer.builder()
              .tls(how.tls())
              .history(how.history())
              .bookmarkInterval(Duration.ofMillis(how.bookmarkMillis()))
              .start();
    } catch (IllegalArgumentException e) {
      throw new ExtensionConfigurationException(
          "@EmbeddedApiServer of %s: %s".formatted(test.getName(), e.getMessage()), e);
    }
    try {
      for (String source : how.load()) {
        load(server, test, source);
      }
      server.markBaseline();
      return server;
    } catch (RuntimeException e) {
      server.close();
      throw e;
    }
  }

  private static void load(ApiServer server, Class<?> test, String source) {
    String where = "@EmbeddedApiServer(load = \"%s\") of %s".formatted(source, test.getName());
    try {
      server.load(text(test, source, where));
    } catch (IllegalArgumentException e) {
      throw new ExtensionConfigurationException(where + ": " + e.getMessage(), e);
    }
  }

  private static String text(Class<?> test, String source, String where) {
    try (InputStream in = test.getResourceAsStream(source)) {
      if (in != null) {
        return new String(in.readAllBytes(), StandardCharsets.UTF_8);
      }
      Path file = Path.of(source);
      if (Files.isRegularFile(file)) {
        return Files.readString(file);
      }
    } catch (InvalidPathException e) {
      // Then there is no such file either.
    } catch (IOException e) {
      throw new ExtensionConfigurationException(where + " cannot be read: " + e, e);
    }
    throw new ExtensionConfigurationException(
        "%s: there is no such resource beside the class (a leading slash begins at the root of the class path), and no such file in %s"
            .formatted(where, Path.of("").toAbsolutePath()));
  }

  @Override
  public boolean supportsParameter(ParameterContext parameter, ExtensionContext context) {
    Class<?> type = parameter.getParameter().getType();
    return type == ApiServer.class || type == Faults.class || type == Requests.class;
  }

  @Override
  public Object resolveParameter(ParameterContext parameter, ExtensionContext context) {
    Lent lent = context.getStore(NAMESPACE).get("lent", Lent.class);
    ApiServer server = lent == null ? early(context) : lent.server();
    Class<?> type = parameter.getParameter().getType();
    if (type == Faults.class) {
      return server.faults();
    }
    return type == Requests.class ? server.requests() : server;
  }

  /** The server of a constructor, or of a method before all tests. */
  private static ApiServer early(ExtensionContext context) {
    Place place = place(context);
    if (place.type() == null || place.how().lifecycle() == Lifecycle.PER_METHOD) {
      throw new ParameterResolutionException(
          "Each test of %s has an API server of its own, which is not there before the test: take it"
                  .formatted(context.getRequiredTestClass().getName())
              + " in the test or in @BeforeEach, or put @EmbeddedApiServer with lifecycle PER_CLASS"
              + " on the class");
    }
    return shared(context, place).server();
  }
}
